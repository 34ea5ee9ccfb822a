"""The picture of a source as SVG: a box for each table, a line for each link, a chart of the change over time.

Written by hand: there is little to it, and the same source gives the same bytes. The picture has a ground of its own
and both a light and a dark set of colours, so that it can be read on any page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from snapshotter.testdata.picture import File, Period, Survey, counted, kinds, periods, roles, typed
from snapshotter.testdata.source import Table

_BOX, _GAP, _ROW, _HEAD, _PAD = 330, 70, 18, 48, 12
_CHART, _CHART_AREA = 56, 108
_ACROSS = 3
_BARS = 30
_SHADES = 7
# A character of a proportional font at this size is rarely wider; longer texts are cut.
_LETTER, _SMALL_LETTER, _LOWER_CASE = 7.6, 6.4, 5.6
_LIGHT = {"ground": "#fff", "box": "#f6f8fa", "line": "#8c959f", "text": "#1f2328", "faint": "#59636e"}
_LIGHT |= {"link": "#8250df", "shades": "#0969da #54aeff #bf8700 #cf222e #1a7f37 #bc4c00 #8c959f"}
_DARK = {"ground": "#0d1117", "box": "#161b22", "line": "#6e7681", "text": "#e6edf3", "faint": "#9198a1"}
_DARK |= {"link": "#bc8cff", "shades": "#4493f8 #a5d6ff #d29922 #f85149 #3fb950 #f0883e #8b949e"}


def _colours(of: Mapping[str, str]) -> str:
    """Rules without variables, which not everything that shows SVG knows."""
    shades = "".join(f".k{i}{{fill:{shade}}}" for i, shade in enumerate(of["shades"].split()))
    return (
        f"text{{fill:{of['text']}}}.small{{fill:{of['faint']}}}.ground{{fill:{of['ground']}}}"
        f".box{{fill:{of['box']};stroke:{of['line']}}}.link{{stroke:{of['link']}}}.tip{{fill:{of['link']}}}{shades}"
    )


_STYLE = (
    "text{font:13px sans-serif}.small{font-size:11px}.title,.key{font-weight:bold}"
    f".link{{fill:none;stroke-width:1.5}}\n{_colours(_LIGHT)}\n"
    f"@media(prefers-color-scheme:dark){{{_colours(_DARK)}}}"
)


@dataclass(frozen=True)
class _Place:
    """Where the box of a table is."""

    table: Table
    x: int
    y: int
    height: int

    def row(self, column: str) -> int:
        """The middle of the line of a column."""
        return self.y + _HEAD + list(self.table.fields).index(column) * _ROW + _ROW // 2


def as_svg(surveyed: Survey) -> str:
    """Draw a source.

    Returns:
        A whole SVG file.
    """
    places = _places(surveyed)
    width = max((place.x + _BOX for place in places.values()), default=_BOX) + _GAP
    height = max((place.y + place.height for place in places.values()), default=0) + 2 * _PAD
    source = surveyed.source
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{_safe(f'{source.name}: {source.says}' if source.says else source.name)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        _text(_GAP // 2, 26, source.name, "title"),
        _text(_GAP // 2, 44, _cut(source.says, (width - _GAP) / _SMALL_LETTER), "small"),
    ]
    links = [link for place in places.values() for link in _links(place, places)]
    parts += [f'<path class="link" d="{link.way}"/>' for link in links]  # beneath the boxes that they cross
    for place in places.values():
        parts += _box(place, surveyed.files[place.table.name])
    parts += [f'<circle class="tip" cx="{link.x}" cy="{link.y}" r="4"/>' for link in links]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _places(surveyed: Survey) -> dict[str, _Place]:
    """Each table below the shortest column of boxes so far, so that the picture stays compact."""
    tables = surveyed.source.tables
    tops = [60] * max(1, min(_ACROSS, len(tables)))
    found: dict[str, _Place] = {}
    for table in tables:
        height = _HEAD + len(table.fields) * _ROW + _PAD + (_CHART_AREA if surveyed.files[table.name] else 0)
        column = tops.index(min(tops))
        found[table.name] = _Place(table, _GAP // 2 + column * (_BOX + _GAP), tops[column], height)
        tops[column] += height + _GAP // 2
    return found


def _box(place: _Place, files: Sequence[File]) -> list[str]:
    table, x, y = place.table, place.x, place.y
    rows = f"{counted(sum(file.rows for file in files), 'row')} in {counted(len(files), 'file')}"
    parts = [
        f'<rect class="box" x="{x}" y="{y}" width="{_BOX}" height="{place.height}" rx="6"/>',
        _text(x + _PAD, y + 20, _cut(table.name, 20), "title"),
        _text(x + _BOX - _PAD, y + 20, rows, "small", end=True),
        _text(x + _PAD, y + 37, _cut(table.says, (_BOX - 2 * _PAD) / _SMALL_LETTER), "small"),
    ]
    for name, its in table.fields.items():
        base = place.row(name) + 5
        right = " · ".join(text for text in (roles(table, name), typed(its)) if text)
        right = _cut(right, 30)
        room = (_BOX - 3 * _PAD - len(right) * _SMALL_LETTER) / _LETTER
        parts.append(_text(x + _PAD, base, _cut(name, room), "key" if name in table.key else ""))
        parts.append(_text(x + _BOX - _PAD, base, right, "small", end=True))
    return parts + (_chart(x + _PAD, y + place.height - _PAD, periods(files, _BARS)) if files else [])


def _chart(x: int, bottom: int, shown: Sequence[Period]) -> list[str]:
    """Bars of rows over time, one above the other for each kind of change, and below them the first and last time."""
    names = {kind: i % _SHADES for i, kind in enumerate(kinds(shown))}
    most = max(1, *(period.rows for period in shown))
    room = _BOX - 2 * _PAD
    step, floor = room / len(shown), bottom - 14
    parts = _legend(x, floor - _CHART - 8, names)
    for i, period in enumerate(shown):
        top = float(floor)
        for kind, shade in names.items():
            height = period.changes.get(kind, 0) * _CHART / most
            top -= height
            if height:
                parts.append(
                    f'<rect class="k{shade}" x="{x + i * step:.1f}" y="{top:.1f}" width="{min(step * 0.8, 40):.1f}" '
                    f'height="{height:.1f}"/>'
                )
    first, last = shown[0].opens, shown[-1].opens
    form = "%Y-%m-%d %H:%M" if first.date() == last.date() else "%Y-%m-%d"
    parts.append(_text(x, bottom, first.strftime(form), "small"))
    if len(shown) > 1:
        parts.append(_text(x + room, bottom, last.strftime(form), "small", end=True))
    return parts


def _legend(x: int, base: int, names: Mapping[str, int]) -> list[str]:
    parts: list[str] = []
    for kind, shade in names.items():
        parts.append(f'<rect class="k{shade}" x="{x}" y="{base - 8}" width="8" height="8"/>')
        parts.append(_text(x + 12, base, kind, "small"))
        x += 20 + int(len(kind) * _LOWER_CASE)
    return parts


@dataclass(frozen=True)
class _Link:
    """The curve of a link, and where it ends in a dot."""

    way: str
    x: int
    y: int


def _links(place: _Place, places: Mapping[str, _Place]) -> list[_Link]:
    """A curve from each column to the one that it refers to."""
    links = []
    for column, its in place.table.fields.items():
        target = places.get(its.refers[0]) if its.refers else None
        if not its.refers or target is None or its.refers[1] not in target.table.fields:
            continue
        start, end = place.row(column), target.row(its.refers[1])
        leaves, arrives = _sides(place, target)
        bend = _GAP // 2 - 5
        out, back = (bend if leaves > place.x else -bend), (bend if arrives > target.x else -bend)
        way = f"M{leaves},{start} C{leaves + out},{start} {arrives + back},{end} {arrives},{end}"
        links.append(_Link(way, arrives, end))
    return links


def _sides(place: _Place, target: _Place) -> tuple[int, int]:
    """Where a link leaves a box and where it arrives at the other: at the sides that face each other."""
    if target.x < place.x:
        return place.x, target.x + _BOX
    if target.x > place.x:
        return place.x + _BOX, target.x
    return place.x, target.x


def _text(x: float, y: float, text: str, kind: str, *, end: bool = False) -> str:
    style = f' class="{kind}"' if kind else ""
    anchor = ' text-anchor="end"' if end else ""
    return f'<text x="{x:g}" y="{y:g}"{style}{anchor}>{_safe(text)}</text>'


def _cut(text: str, letters: float) -> str:
    most = max(1, int(letters))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _safe(text: str) -> str:
    """A text for XML, which has no way to write controls."""
    return escape("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text))
