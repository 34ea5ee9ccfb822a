"""Pictures of a source: its tables, their columns and links, and how they change over time.

`survey` goes through the plan of the files once; what is drawn from it, as text, as JSON or as SVG (`drawing.py`), is
a function of that alone. No row is made for it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from snapshotter.testdata.source import Field, Source, Table

WIDTH = 100
_BARS = 12
_BAR = 40
MARKS = "█▓▒░▞▚▤"
OTHER = "rows"  # the kind of the rows of which nothing else is known


@dataclass(frozen=True, kw_only=True)
class File:
    """One file, as far as the plan knows it."""

    name: str
    at: datetime
    rows: int
    changes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Period:
    """Some files that come one after the other, and what is in all of them together."""

    files: int
    opens: datetime
    rows: int
    changes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Survey:
    """A source and its files.

    Args:
        source: what is surveyed.
        files: of each table, by its name, in the order in which they come.
    """

    source: Source
    files: Mapping[str, Sequence[File]]


def survey(source: Source) -> Survey:
    """Go through the plan of a source."""
    files: dict[str, list[File]] = {table.name: [] for table in source.tables}
    for batch in source.batches():
        known = {kind: count for kind, count in batch.changes.items() if count}
        rest = batch.rows - sum(known.values())
        changes = known | ({OTHER: rest} if rest > 0 else {})
        files[batch.table].append(File(name=batch.name, at=batch.at, rows=batch.rows, changes=changes))
    return Survey(source=source, files=files)


def periods(files: Sequence[File], most: int = _BARS) -> list[Period]:
    """Put files that are neighbours together until there are at most `most` periods, all but the last of one size."""
    size = -(-len(files) // most)
    return [_together(files[start : start + size]) for start in range(0, len(files), size or 1)]


def _together(files: Sequence[File]) -> Period:
    changes: dict[str, int] = {}
    for file in files:
        for kind, count in file.changes.items():
            changes[kind] = changes.get(kind, 0) + count
    return Period(files=len(files), opens=files[0].at, rows=sum(file.rows for file in files), changes=changes)


def kinds(shown: Sequence[Period]) -> list[str]:
    """Every kind of change that occurs, as it comes first; rows of which nothing is known last."""
    found = dict.fromkeys(kind for period in shown for kind in period.changes)
    return sorted(found, key=lambda kind: kind == OTHER)


def as_json(surveyed: Survey) -> dict[str, Any]:
    """The whole survey in JSON's types."""
    source = surveyed.source
    return {
        "source": source.name,
        "says": source.says,
        "tables": [_table_json(table, surveyed.files[table.name]) for table in source.tables],
    }


def _table_json(table: Table, files: Sequence[File]) -> dict[str, Any]:
    return {
        "table": table.name,
        "says": table.says,
        "match": table.match,
        "key": list(table.key),
        "timestamp": table.timestamp,
        "deleted": list(table.deleted) if table.deleted else None,
        "rows": sum(file.rows for file in files),
        "columns": [_column_json(name, its) for name, its in table.fields.items()],
        "files": [
            {"name": file.name, "at": file.at.isoformat(), "rows": file.rows, "changes": dict(file.changes)}
            for file in files
        ],
    }


def _column_json(name: str, its: Field) -> dict[str, Any]:
    return {
        "column": name,
        "type": its.type,
        "nullable": its.nullable,
        "required": its.required,
        "values": list(its.values),
        "refers": list(its.refers) if its.refers else None,
        "says": its.says,
    }


def roles(table: Table, column: str) -> str:
    """What a column is for in its table: key, time, mark of deletion."""
    found = [
        "key" if column in table.key else "",
        "time" if column == table.timestamp else "",
        f"deleted if {table.deleted[1]}" if table.deleted and column == table.deleted[0] else "",
    ]
    return ", ".join(role for role in found if role)


def refers(its: Field) -> str:
    """The column that a column refers to, if it does."""
    return f"→ {its.refers[0]}.{its.refers[1]}" if its.refers else ""


def typed(its: Field) -> str:
    """The type of a column, with a question mark if a cell may be empty."""
    return f"{its.type}?" if its.nullable else its.type


def counted(number: int, noun: str) -> str:
    """A number of things in words: 1 file, 2,000 files."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def as_text(surveyed: Survey) -> str:
    """The picture as lines of text, at most 100 columns wide as long as names and types are of usual length."""
    source = surveyed.source
    lines = _wrapped(f"{source.name}: {source.says}" if source.says else source.name, "")
    for table in source.tables:
        lines += ["", *_table_text(table, surveyed.files[table.name])]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _table_text(table: Table, files: Sequence[File]) -> list[str]:
    rows = sum(file.rows for file in files)
    title = f"{table.name}: {table.says}, " if table.says else f"{table.name}: "
    lines = [*_wrapped(f"{title}{counted(rows, 'row')} in {counted(len(files), 'file')}", ""), ""]
    lines += _columns_text(table)
    shown = periods(files)
    return [*lines, "", *_changes_text(shown)] if shown else lines


def _columns_text(table: Table) -> list[str]:
    cells = [
        (name, typed(its), ", ".join(filter(None, (roles(table, name), refers(its)))), its.says)
        for name, its in table.fields.items()
    ]
    name, kind, role = (max((len(row[i]) for row in cells), default=0) for i in range(3))
    return [line for row in cells for line in _row(row, (name, kind, role))]


def _row(cells: tuple[str, str, str, str], widths: tuple[int, int, int]) -> Iterator[str]:
    """One column of a table; what it is goes on below where it is long."""
    start = "  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False) if width) + "  "
    says = textwrap.wrap(cells[3], max(20, WIDTH - len(start))) or [""]
    yield (start + says[0]).rstrip()
    for more in says[1:]:
        yield " " * len(start) + more


def _changes_text(shown: Sequence[Period]) -> list[str]:
    names = kinds(shown)
    marks = {kind: MARKS[i % len(MARKS)] for i, kind in enumerate(names)}
    most = max((period.rows for period in shown), default=0)
    files = max(period.files for period in shown)
    what = "rows of each file" if files == 1 else f"rows of up to {files} files, from"
    legend = "   ".join(f"{mark} {kind}" for kind, mark in marks.items())
    return [f"  {what}   {legend}".rstrip(), *(_bar(period, most, marks) for period in shown)]


def _bar(period: Period, most: int, marks: Mapping[str, str]) -> str:
    bar, reached, drawn = "", 0, 0
    for kind, mark in marks.items():
        reached += period.changes.get(kind, 0)
        until = -(-reached * _BAR // most) if most else 0
        bar, drawn = bar + mark * (until - drawn), until
    whole = max(1, sum(period.changes.values()))
    shares = "  ".join(
        f"{kind} {period.changes[kind] * 100 / whole:.0f} %" for kind in marks if period.changes.get(kind)
    )
    known = "" if list(period.changes) == [OTHER] else shares
    return f"  {period.opens:%Y-%m-%d %H:%M}  {bar:<{_BAR}}  {period.rows:>9,}  {known}".rstrip()
