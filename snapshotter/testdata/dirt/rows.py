"""Dirt in rows: for each kind what stands in the file in place of a good row, and what must become of it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from snapshotter.testdata.dirt import spoiling
from snapshotter.testdata.dirt.forms import canonical
from snapshotter.testdata.dirt.grid import USUAL, filled
from snapshotter.testdata.dirt.kinds import RowKind
from snapshotter.testdata.source import Field, Table

_NEEDS_QUOTES = re.compile('[",\r\n]')
_AFTER_QUOTE = ',\r\n"'  # what makes a second quote the end of a cell, or a doubled quote


@dataclass(frozen=True)
class Row:
    """A row as it stands in a file.

    Args:
        cells: as many as the header has, of a row that can be accepted; else what the row had before.
        done: the kind of dirt; None where nothing was done.
        rule: under which it must be refused; empty where it must be accepted.
        column: at which it must be refused, if it is about one.
        text: the record, where it is not what the cells say.
        last: whether it comes at the end of the file, and not in its place.
    """

    cells: Sequence[str]
    done: RowKind | None = None
    rule: str = ""
    column: str = ""
    text: str | None = None
    last: bool = False

    @property
    def record(self) -> str:
        """The record without its line end."""
        return USUAL.record(self.cells) if self.text is None else self.text


@dataclass(frozen=True)
class Ground:
    """What rows are soiled by: the contract of their table, and the columns that their file has.

    Args:
        table: of the file.
        names: the columns in the file's order.
        alive: a cell of the column that marks deleted rows in a row that is not deleted, if there is one.
    """

    table: Table
    names: tuple[str, ...]
    alive: str | None = None

    @cached_property
    def fields(self) -> list[Field]:
        """What each column is; one that is not declared is text."""
        return [self.table.fields.get(name, Field(nullable=True)) for name in self.names]

    @cached_property
    def places(self) -> dict[RowKind, list[int]]:
        """The places of the columns in which each kind of bad cell can be."""
        fields = list(enumerate(self.fields))
        return {kind: [place for place, its in fields if spoiling.may(kind, its)] for kind in spoiling.SPOILINGS}

    @cached_property
    def time(self) -> int:
        """The place of the column that orders versions."""
        return self.names.index(self.table.timestamp)

    @cached_property
    def free(self) -> list[int]:
        """The places of the columns that a new version of a row may change."""
        taken = {*self.table.key, self.table.timestamp, *(self.table.deleted or ())[:1]}
        return [place for place, name in enumerate(self.names) if name not in taken]

    @cached_property
    def mark(self) -> tuple[int, str] | None:
        """The place of the column that marks deleted rows, and the mark as it is published."""
        if self.table.deleted is None or self.table.deleted[0] not in self.names:
            return None
        place = self.names.index(self.table.deleted[0])
        return place, canonical(self.fields[place].type, filled(self.table.deleted[1], 1))[0]

    def is_deleted(self, cells: Sequence[str]) -> bool:
        """Whether a row is marked as deleted."""
        return self.mark is not None and self.is_mark(cells[self.mark[0]])

    def is_mark(self, cell: str) -> bool:
        """Whether a cell of the column that marks deleted rows is the mark."""
        if self.mark is None:
            return False
        place, mark = self.mark
        return bool(canonical(self.fields[place].type, filled(cell, 1))[0] == mark)


Soiling = Callable[[Ground, Sequence[str], int], list[Row] | None]


def soiled(kinds: deque[RowKind], ground: Ground, cells: Sequence[str], word: int) -> list[Row]:
    """Soil a row by the first kind that it can have, which then goes to the end of the queue.

    Returns:
        What stands in the file in its place, and after it; the row as it was where no kind fits.
    """
    for kind in kinds:
        rows = soil_row(kind, ground, cells, word)
        if rows:
            kinds.remove(kind)
            kinds.append(kind)
            return rows
    return [Row(cells)]


def soil_row(kind: RowKind, ground: Ground, cells: Sequence[str], word: int) -> list[Row] | None:
    """Soil a row by one kind; None where it cannot have it."""
    if kind in spoiling.SPOILINGS:
        return _spoiled(kind, ground, cells, word)
    rows = _SOILINGS[kind](ground, cells, word)
    return rows and [replace(row, done=kind) if row.cells is not cells or row.text else row for row in rows]


def _spoiled(kind: RowKind, ground: Ground, cells: Sequence[str], word: int) -> list[Row] | None:
    """Put another text into one cell, of the columns in turn."""
    places = ground.places[kind]
    for turn in range(len(places)):
        place = places[(word + turn) % len(places)]
        field, is_time = ground.fields[place], place == ground.time
        text = spoiling.SPOILINGS[kind](field, cells[place], word >> 8)
        if text is None or text == cells[place]:
            continue
        if is_time and kind is not RowKind.EMPTIED and not _tells(kind, field, text, cells[place]):
            continue
        rule = _rule(kind, field, text, is_time=is_time)
        return [_with(cells, place, text, kind, rule, ground.names[place] if rule else "")]
    return None


def _tells(kind: RowKind, field: Field, text: str, cell: str) -> bool:
    """Whether it is certain what must become of a row with this text as its time.

    Under a type that is not a timestamp two rules may refuse it; and what moved ahead may be in the future today.
    """
    return field.type in ("string", "timestamp") and (kind is not RowKind.SWAPPED_DATE or text < cell)


def _rule(kind: RowKind, field: Field, text: str, *, is_time: bool) -> str:
    """The rule under which a spoiled cell is refused; empty where it is a good cell all the same."""
    if kind is RowKind.EMPTIED:
        return "nullable"
    if kind is RowKind.SWAPPED_DATE:
        return ""
    if is_time:
        return "type" if field.type == "timestamp" else "timestamp"
    if field.type != "string":
        return "type"
    return "values" if field.values and text not in field.values else ""


def _with(cells: Sequence[str], place: int, text: str, kind: RowKind | None, rule: str = "", column: str = "") -> Row:
    return Row([*cells[:place], text, *cells[place + 1 :]], kind, rule, column)


def _retimed(ground: Ground, cells: Sequence[str], text: str, rule: str) -> list[Row] | None:
    """The row with another text as its time."""
    if ground.fields[ground.time].type not in ("string", "timestamp"):
        return None
    return [_with(cells, ground.time, text, None, rule, ground.table.timestamp)]


def _unreadable_time(ground: Ground, cells: Sequence[str], word: int) -> list[Row] | None:
    rule = "type" if ground.fields[ground.time].type == "timestamp" else "timestamp"
    return _retimed(ground, cells, spoiling.unreadable_time(cells[ground.time], word), rule)


def _far_future(ground: Ground, cells: Sequence[str], word: int) -> list[Row] | None:  # noqa: ARG001
    return _retimed(ground, cells, spoiling.far_future(cells[ground.time]), "max_future")


def _too_few(ground: Ground, cells: Sequence[str], word: int) -> list[Row] | None:  # noqa: ARG001
    if len(cells) < 2 or not cells[0]:
        return None
    return [Row(cells, rule="cells", text=USUAL.record(cells[:-1]))]


def _too_many(ground: Ground, cells: Sequence[str], word: int) -> list[Row]:  # noqa: ARG001
    more = ("", "see note", "0")[word % 3]
    return [Row(cells, rule="cells", text=USUAL.record([*cells, more]))]


def _broken(cells: Sequence[str], word: int, how: Callable[[str], str], *, alone: bool) -> list[Row] | None:
    """Break the quotes of one cell of a row of one line.

    Args:
        cells: of the row.
        word: chooses among the cells that are not quoted and have two characters.
        how: breaks a cell.
        alone: whether no other cell may be quoted.
    """
    lines = any("\n" in cell or "\r" in cell for cell in cells)
    plain = [place for place, cell in enumerate(cells) if len(cell) > 1 and not _NEEDS_QUOTES.search(cell)]
    if lines or not plain or (alone and any(map(_NEEDS_QUOTES.search, cells))):
        return None
    place = plain[word % len(plain)]
    texts = [USUAL.record([cell]) for cell in cells]
    texts[place] = how(cells[place])
    return [Row(cells, rule="csv", text=",".join(texts))]


def _quote_inside(ground: Ground, cells: Sequence[str], word: int) -> list[Row] | None:  # noqa: ARG001
    return _broken(cells, word, lambda cell: f'{cell[:1]}"{cell[1:]}', alone=False)


def _quote_open(ground: Ground, cells: Sequence[str], word: int) -> list[Row] | None:  # noqa: ARG001
    return _broken(cells, word, lambda cell: f'"{cell}', alone=True)


def _quote_followed(ground: Ground, cells: Sequence[str], word: int) -> list[Row] | None:  # noqa: ARG001
    return _broken(cells, word, lambda cell: f'"{cell[:-1]}"{cell[-1]}', alone=False)


def is_broken_by(text: str) -> bool | None:
    """Whether the first quote in what follows leaves a quote that was never closed without a proper end.

    Returns:
        None where there is no quote.
    """
    place = text.find('"')
    return None if place < 0 else text[place + 1 : place + 2] not in {*_AFTER_QUOTE, ""}


def _repeated(ground: Ground, cells: Sequence[str], word: int) -> list[Row]:  # noqa: ARG001
    return [Row(cells), Row(list(cells))]


def amended(ground: Ground, cells: Sequence[str], word: int) -> list[str] | None:
    """A correction of a row: another cell that is neither of the key nor the time nor the mark of a delete, if any."""
    for turn in range(len(ground.free)):
        place = ground.free[(word + turn) % len(ground.free)]
        text = spoiling.changed(ground.fields[place], cells[place], word >> 8)
        if text is not None:
            return [*cells[:place], text, *cells[place + 1 :]]
    return None


def _tie(ground: Ground, cells: Sequence[str], word: int) -> list[Row] | None:
    other = amended(ground, cells, word)
    return [Row(cells), Row(other)] if other else None


def _older(ground: Ground, cells: Sequence[str], word: int) -> list[str] | None:
    """Another version of the row, 1 to 90 days older."""
    other = amended(ground, cells, word)
    text = spoiling.earlier(cells[ground.time], 1 + word % 90)
    if other is None or text is None:
        return None
    other[ground.time] = text
    return other


def _late(ground: Ground, cells: Sequence[str], word: int) -> list[Row] | None:
    older = None if ground.is_deleted(cells) else _older(ground, cells, word)
    return [Row(cells), Row(older, last=True)] if older else None


def _resurrected(ground: Ground, cells: Sequence[str], word: int) -> list[Row] | None:
    if ground.mark is None or ground.alive is None or not ground.is_deleted(cells):
        return None
    older = _older(ground, cells, word)
    if older is None:
        return None
    older[ground.mark[0]] = ground.alive
    return [Row(cells), Row(older, last=True)]


_SOILINGS: dict[RowKind, Soiling] = {
    RowKind.UNREADABLE_TIME: _unreadable_time,
    RowKind.FAR_FUTURE: _far_future,
    RowKind.TOO_FEW_CELLS: _too_few,
    RowKind.TOO_MANY_CELLS: _too_many,
    RowKind.QUOTE_INSIDE: _quote_inside,
    RowKind.QUOTE_OPEN: _quote_open,
    RowKind.QUOTE_FOLLOWED: _quote_followed,
    RowKind.REPEATED: _repeated,
    RowKind.TIE: _tie,
    RowKind.LATE: _late,
    RowKind.RESURRECTED: _resurrected,
}
