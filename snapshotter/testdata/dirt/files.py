"""Dirt in files as a whole: for each kind the files that come in place of a clean one."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from snapshotter.testdata.dirt import naming
from snapshotter.testdata.dirt.grid import USUAL, Grid, Manner
from snapshotter.testdata.dirt.kinds import FileKind
from snapshotter.testdata.dirt.rows import Ground, amended
from snapshotter.testdata.dirt.sheet import (
    DUPLICATE,
    EMPTY,
    REJECTED,
    Fates,
    Sheet,
    fates,
    marked,
    rendered,
    sheet_of,
)
from snapshotter.testdata.source import Table

CORRECTED_ROW = "corrected"
CUT_ROW = "cut off"
SENT_AGAIN = "sent again as it should have been"
_ONE_IN = 8  # rows that a correction changes


@dataclass(frozen=True)
class Clean:
    """A clean file, to be soiled.

    Args:
        name: of the file.
        table: that it is of.
        tables: all tables of the source.
        grid: its records.
        ground: by which its rows can be changed.
    """

    name: str
    table: Table
    tables: Sequence[Table]
    grid: Grid
    ground: Ground

    @cached_property
    def declared(self) -> list[str]:
        """Its declared columns."""
        return [name for name in self.grid.names if name in self.table.fields]

    @cached_property
    def required(self) -> list[str]:
        """Those that must be there."""
        return [name for name in self.declared if self.table.fields[name].required]

    def sheet(self, kind: FileKind, data: bytes, grid: Grid | None = None) -> Sheet:
        """A sheet under the file's own name."""
        return sheet_of(self.name, kind.value, self.grid if grid is None else grid, data)

    def refused(self, kind: FileKind, data: bytes, grid: Grid, rule: str = "header") -> Sheet:
        """A sheet that must be refused."""
        return replace(self.sheet(kind, data, grid), status=REJECTED, rule=rule)

    def again(self, wave: int = 2, done: str = SENT_AGAIN) -> Sheet:
        """The clean file in a later wave."""
        return replace(sheet_of(self.name, done, self.grid, self.grid.raw), wave=wave)


Soiling = Callable[[Clean, int], list[Sheet] | None]


def sheets(kind: FileKind, clean: Clean, word: int) -> list[Sheet] | None:
    """The files that come in place of a clean one, by wave; None where it cannot have this kind of dirt."""
    if kind in _MANNERS:
        return [clean.sheet(kind, rendered(clean.grid, manner=_MANNERS[kind]))]
    return _SOILINGS[kind](clean, word)


_MANNERS = {
    FileKind.SEMICOLONS: Manner(delimiter=";"),
    FileKind.TABS: Manner(delimiter="\t"),
    FileKind.PIPES: Manner(delimiter="|"),
    FileKind.MARK: Manner(mark=codecs.BOM_UTF8),
    FileKind.CRLF: Manner(newline="\r\n"),
    FileKind.CR: Manner(newline="\r"),
    FileKind.NO_LAST_NEWLINE: Manner(closed=False),
    FileKind.BLANK_LINES: Manner(blank=True),
    FileKind.QUOTED_HEADER: Manner(quoted_header=True),
    FileKind.QUOTED: Manner(quoted=True, quoted_header=True),
}


def _headed(clean: Clean, kind: FileKind, column: str, name: str) -> Sheet:
    header = [name if each == column else each for each in clean.grid.names]
    return clean.sheet(kind, rendered(clean.grid, header))


def _alias(clean: Clean, word: int) -> list[Sheet] | None:
    columns = [name for name in clean.declared if clean.table.fields[name].aliases]
    if not columns:
        return None
    column = columns[word % len(columns)]
    aliases = clean.table.fields[column].aliases
    return [_headed(clean, FileKind.ALIAS, column, aliases[word % len(aliases)])]


def _spelling(clean: Clean, word: int) -> list[Sheet] | None:
    for column in _turned(clean.declared, word):
        name = naming.respelled(column, word)
        others = [naming.plain(other) for other in clean.grid.names if other != column]
        if name and naming.plain(name) not in {*naming.names_of(clean.table, column), *others}:
            return [_headed(clean, FileKind.SPELLING, column, name)]
    return None


def _near_miss(clean: Clean, word: int) -> list[Sheet] | None:
    if set(clean.declared) != set(clean.grid.names):
        return None  # a column that nobody declared might be taken for the missing one, too
    for column in _turned(clean.required, word):
        name = naming.nearly(column, clean.table, word)
        if name:
            return [_headed(clean, FileKind.NEAR_MISS, column, name)]
    return None


def _unknown_name(clean: Clean, word: int) -> list[Sheet] | None:
    name = naming.unknown(clean.table, word)
    if name is None or not clean.required or set(clean.declared) != set(clean.grid.names):
        return None
    column = clean.required[word % len(clean.required)]
    header = [name if each == column else each for each in clean.grid.names]
    bad = clean.refused(FileKind.UNKNOWN_NAME, rendered(clean.grid, header), clean.grid)
    return _perhaps_again(clean, bad, word)


def _swapped_columns(clean: Clean, word: int) -> list[Sheet] | None:
    names = list(clean.grid.names)
    if len(names) < 2:
        return None
    one = word % len(names)
    other = (one + 1 + (word >> 8) % (len(names) - 1)) % len(names)
    names[one], names[other] = names[other], names[one]
    grid = replace(clean.grid, columns={name: clean.grid.columns[name] for name in names})
    return [clean.sheet(FileKind.SWAPPED_COLUMNS, rendered(grid), grid)]


def _missing_column(clean: Clean, word: int) -> list[Sheet] | None:
    fixed = {*clean.table.key, clean.table.timestamp, *(clean.table.deleted or ())[:1]}
    columns = [name for name in clean.declared if name not in clean.required and name not in fixed]
    if not columns or set(clean.declared) != set(clean.grid.names):
        return None
    grid = clean.grid.without(columns[word % len(columns)])
    return [clean.sheet(FileKind.MISSING_COLUMN, rendered(grid), grid)]


def _extra_column(clean: Clean, word: int) -> list[Sheet] | None:
    name = naming.undeclared(clean.table, word)
    if name is None or naming.plain(name) in map(naming.plain, clean.grid.names):
        return None
    texts = np.array(["", "seen", "to be checked, twice", "007"], object)
    cells = texts[(np.arange(len(clean.grid)) + word % 4) % 4]
    place = word % (len(clean.grid.names) + 1)
    names = [*clean.grid.names[:place], name, *clean.grid.names[place:]]
    more = clean.grid.with_column(name, cells)
    grid = replace(more, columns={each: more.columns[each] for each in names})
    return [clean.sheet(FileKind.EXTRA_COLUMN, rendered(grid), grid)]


def _cp1252(clean: Clean, word: int) -> list[Sheet] | None:  # noqa: ARG001  (one signature for all)
    """Only where the bytes cannot be taken for UTF-8, and where the table says that its files may be so."""
    if "cp1252" not in clean.table.encodings:
        return None
    try:
        data = rendered(clean.grid, manner=Manner(encoding="cp1252"))
    except UnicodeEncodeError:
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return [clean.sheet(FileKind.CP1252, data)]
    return None


def _utf_16(clean: Clean, word: int) -> list[Sheet]:
    encoding, mark = (("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE))[word % 2]
    return [clean.sheet(FileKind.UTF_16, rendered(clean.grid, manner=Manner(encoding=encoding, mark=mark)))]


def _half_written(clean: Clean, word: int) -> list[Sheet] | None:
    """Cut in a cell that is neither the last one nor quoted, so that the last record has too few cells."""
    width, count = len(clean.grid.names), len(clean.grid)
    if width < 2 or not count:
        return None
    last = (word >> 8) % count
    cells = clean.grid.record(last)
    whole = 1 + word % (width - 2) if width > 2 else 0
    begun = "" if set(cells[whole]) & set('",\r\n') else cells[whole][: -(-len(cells[whole]) // 2)]
    if not whole and not begun:
        return None
    cut = [*cells[:whole], begun]
    grid = clean.grid.first(last + 1)
    data = rendered(grid.first(last)) + USUAL.record(cut).encode()

    def told() -> Fates:
        return marked(fates(grid), [last], CUT_ROW, "cells")

    return _perhaps_again(clean, replace(clean.sheet(FileKind.HALF_WRITTEN, data, grid), told=told), word)


def _no_bytes(clean: Clean, word: int) -> list[Sheet]:
    return _perhaps_again(clean, clean.refused(FileKind.NO_BYTES, b"", clean.grid.first(0), "empty file"), word)


def _header_only(clean: Clean, word: int) -> list[Sheet]:
    grid = clean.grid.first(0)
    return _perhaps_again(clean, replace(clean.sheet(FileKind.HEADER_ONLY, rendered(grid), grid), status=EMPTY), word)


def _sent_twice(clean: Clean, word: int) -> list[Sheet] | None:  # noqa: ARG001
    if not len(clean.grid):
        return None
    done = FileKind.SENT_TWICE.value
    return [clean.again(1, done), replace(clean.again(2, done), status=DUPLICATE)]


def _copied(clean: Clean, word: int) -> list[Sheet] | None:  # noqa: ARG001
    other = naming.second_name(clean.name, clean.table, clean.tables)
    if other is None:
        return None
    first = clean.again(1, FileKind.COPIED.value)
    return [first, replace(first, name=other)]


def _corrected(clean: Clean, word: int) -> list[Sheet] | None:
    return _correction(clean, FileKind.CORRECTED, word)


def _taken_back(clean: Clean, word: int) -> list[Sheet] | None:
    both = _correction(clean, FileKind.TAKEN_BACK, word)
    return both and [*both, clean.again(3, FileKind.TAKEN_BACK.value)]


def _correction(clean: Clean, kind: FileKind, word: int) -> list[Sheet] | None:
    columns = {name: cells.copy() for name, cells in clean.grid.columns.items()}
    places = []
    for place in range(word % _ONE_IN if len(clean.grid) > _ONE_IN else 0, len(clean.grid), _ONE_IN):
        other = amended(clean.ground, clean.grid.record(place), word + place)
        if other:
            places.append(place)
            for name, cell in zip(columns, other, strict=True):
                columns[name][place] = cell
    if not places:
        return None
    grid = replace(clean.grid, columns=columns)

    def told() -> Fates:
        return marked(fates(grid), places, CORRECTED_ROW)

    first = clean.again(1, kind.value)
    return [first, replace(clean.sheet(kind, rendered(grid), grid), wave=2, told=told)]


def _twin_names(clean: Clean, word: int) -> list[Sheet] | None:
    names = list(clean.grid.names)
    if len(names) < 2:
        return None
    place = word % len(names)
    names[(place + 1) % len(names)] = names[place]
    bad = clean.refused(FileKind.TWIN_NAMES, rendered(clean.grid, names), clean.grid)
    return _perhaps_again(clean, bad, word)


def _no_key(clean: Clean, word: int) -> list[Sheet] | None:
    keys = [name for name in clean.table.key if name in clean.required]
    if not keys or set(clean.declared) != set(clean.grid.names) or len(clean.grid.names) < 3:
        return None
    grid = clean.grid.without(keys[word % len(keys)])
    return _perhaps_again(clean, clean.refused(FileKind.NO_KEY, rendered(grid), clean.grid), word)


def _perhaps_again(clean: Clean, bad: Sheet, word: int) -> list[Sheet]:
    """The bad file, and in every other case the good one a wave later."""
    return [bad, clean.again()] if (word >> 16) % 2 and len(clean.grid) else [bad]


def _turned(names: Sequence[str], word: int) -> list[str]:
    first = word % len(names) if names else 0
    return [*names[first:], *names[:first]]


_SOILINGS: dict[FileKind, Soiling] = {
    FileKind.ALIAS: _alias,
    FileKind.SPELLING: _spelling,
    FileKind.NEAR_MISS: _near_miss,
    FileKind.UNKNOWN_NAME: _unknown_name,
    FileKind.SWAPPED_COLUMNS: _swapped_columns,
    FileKind.MISSING_COLUMN: _missing_column,
    FileKind.EXTRA_COLUMN: _extra_column,
    FileKind.CP1252: _cp1252,
    FileKind.UTF_16: _utf_16,
    FileKind.HALF_WRITTEN: _half_written,
    FileKind.NO_BYTES: _no_bytes,
    FileKind.HEADER_ONLY: _header_only,
    FileKind.SENT_TWICE: _sent_twice,
    FileKind.COPIED: _copied,
    FileKind.CORRECTED: _corrected,
    FileKind.TAKEN_BACK: _taken_back,
    FileKind.TWIN_NAMES: _twin_names,
    FileKind.NO_KEY: _no_key,
}
