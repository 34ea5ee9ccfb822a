"""The type of a column, such that each cell of the samples is of it, judged by the contract's own SQL.

What publishing would change more than in form is left as text: a type is proposed for an integer only if every cell
comes out as it came, so `007` and `+44` stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snapshotter.contract.times import Clock
from snapshotter.contract.types import CellType, cell_type
from snapshotter.sql import Parameters
from snapshotter.starting.naming import is_code
from snapshotter.starting.table import Column, SampleTable

_TRIED = ("uuid", "email", "boolean", "integer", "number", "date", "timestamp")
_PAIRS = ({"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"}, {"on", "off"})
_NEAR = 0.1  # of the cells in a first look may be of another type; the rest of the rows then decides
_ALMOST = 0.01  # of all cells: what is worth a note
_MONEY = range(2, 5)  # decimals
_WHOLE = 10  # digits before the point that a decimal has room for at least


@dataclass(frozen=True)
class Kind:
    """What the cells of a column are.

    Args:
        type: the contract's name of the type.
        empty: how many cells are empty (or absent).
        unique: whether no text stands twice, and none is empty.
        notes: what a person should know.
    """

    type: str
    empty: int
    unique: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Cells:
    """A column under judgement: its table, its non-empty cells, and how many of them each type does not take."""

    table: SampleTable
    column: Column
    formats: tuple[str, ...]
    filled: int
    failing: dict[str, int]

    def type(self, name: str, bind: Parameters) -> CellType:
        return cell_type(name, Clock(self.formats, "UTC"), bind)

    def count(self, condition: str, bind: Parameters | None = None) -> int:
        """How many non-empty cells meet a condition over `cell`."""
        query = (
            f"SELECT count(*) FROM (SELECT {self.column.cell} AS cell FROM cells) WHERE cell <> '' AND ({condition})"
        )
        return int(self.table.ask(query, bind)[0][0])

    def changed(self, name: str) -> int:
        """How many cells are published in another form than they came."""
        bind = Parameters()
        kind = self.type(name, bind)
        return self.count(f"{kind.text(kind.parse('cell'))} <> cell", bind)


def kind_of(table: SampleTable, column: Column, formats: tuple[str, ...]) -> Kind:
    """Judge a column.

    Args:
        table: the samples.
        column: which.
        formats: the `timestamp_formats` that are going to hold.
    """
    cell = column.cell
    ((filled, distinct),) = table.ask(f"SELECT count(*) FILTER ({cell} <> ''), count(DISTINCT {cell}) FROM cells")
    empty, unique = table.rows - int(filled), distinct == filled == table.rows
    if not filled:
        return Kind("string", empty, unique, ("it is empty in every row",))
    ((seen,),) = table.ask(f"SELECT count(*) FROM few WHERE {cell} <> ''")
    first = _failing(table, column, formats, _TRIED, "few")
    near = [name for name in _TRIED if first[name] <= _NEAR * seen]
    cells = _Cells(table, column, formats, int(filled), _failing(table, column, formats, near, "cells"))
    type_, notes = _decide(cells)
    return Kind(type_, empty, unique, notes)


def _failing(
    table: SampleTable, column: Column, formats: tuple[str, ...], types: Sequence[str], source: str
) -> dict[str, int]:
    """How many non-empty cells each type does not take."""
    if not types:
        return {}
    bind = Parameters()
    clock = Clock(formats, "UTC")
    parsed = [cell_type(name, clock, bind).parse(column.cell) for name in types]
    counts = ", ".join(f"count(*) FILTER ({column.cell} <> '' AND ({value}) IS NULL)" for value in parsed)
    ((*found,),) = table.ask(f"SELECT {counts} FROM {source}", bind)
    return dict(zip(types, map(int, found), strict=True))


def _decide(cells: _Cells) -> tuple[str, tuple[str, ...]]:
    whole = [name for name in _TRIED if cells.failing.get(name) == 0]
    judges = {"boolean": _boolean, "integer": _number, "number": _number, "uuid": _uuid, "timestamp": _timestamp}
    for name in whole:
        judge = judges.get(name)
        type_, notes = judge(cells) if judge else (name, ())
        if type_:
            return type_, notes
    return "string", _almost(cells) if not whole else ()


def _boolean(cells: _Cells) -> tuple[str, tuple[str, ...]]:
    """Words of one pair, both of them seen, or true and false; digits are numbers."""
    words = {word for (word,) in cells.table.ask(f"SELECT DISTINCT lower({cells.column.cell}) FROM cells")} - {""}
    if words not in _PAIRS and not words <= _PAIRS[0]:
        return "", ()
    changed = cells.changed("boolean")
    return "boolean", ("it is published as true and false",) if changed else ()


def _uuid(cells: _Cells) -> tuple[str, tuple[str, ...]]:
    return "uuid", ("it is published in lower case",) if cells.changed("uuid") else ()


def _timestamp(cells: _Cells) -> tuple[str, tuple[str, ...]]:
    """Times of day in ISO 8601 alone: dates in other forms would be published as midnight."""
    bind = Parameters()
    iso = cell_type("timestamp", Clock((), "UTC"), bind)
    if cells.count(f"({iso.parse('cell')}) IS NULL", bind):
        formats = ", ".join(cells.formats)
        return "string", (f"it holds times or dates in a declared format ({formats}); as a timestamp: ISO 8601",)
    changed = cells.changed("timestamp")
    return "timestamp", ("it is published as YYYY-MM-DDTHH:MM:SS",) if changed else ()


def _number(cells: _Cells) -> tuple[str, tuple[str, ...]]:
    """A whole number, a decimal as money is, any number; or text, where digits are a name and no quantity."""
    if cells.count("regexp_matches(cell, '^([+]|-?0[0-9])')"):
        return "string", ("its numbers have leading zeros or plus signs, which only text keeps",)
    if is_code(cells.column.name):
        return "string", ("it holds numbers, but is called like a code: as text, a leading zero survives",)
    if cells.failing.get("integer") == 0 and not cells.changed("integer"):
        return "integer", ()
    if cells.failing.get("number") != 0:
        return "string", ()
    decimal = _decimal(cells)
    if decimal:
        return decimal, ()
    changed = cells.changed("number")
    return "number", (
        f"{changed:,} of its cells are published in another form, such as 2.50 as 2.5",
    ) if changed else ()


def _decimal(cells: _Cells) -> str:
    """decimal(p,s), if all cells have the same number of decimals, and as many as money."""
    cell = cells.column.cell
    plain = f"regexp_full_match({cell}, '-?[0-9]+[.][0-9]+')"
    query = (
        f"SELECT bool_and({plain}), min(length(split_part({cell}, '.', 2))), max(length(split_part({cell}, '.', 2))), "
        f"max(length(ltrim(split_part({cell}, '.', 1), '-'))) FROM cells WHERE {cell} <> ''"
    )
    ((fits, least, most, whole),) = cells.table.ask(query)
    precision = max(int(whole) + 2, _WHOLE) + int(most)
    if not fits or least != most or most not in _MONEY or precision > 38:
        return ""
    name = f"decimal({precision},{most})"
    return name if not cells.changed(name) else ""


def _almost(cells: _Cells) -> tuple[str, ...]:
    """A note on the type that all but a few cells are of, and where the first other one is."""
    few = {name: count for name, count in cells.failing.items() if count <= max(1, _ALMOST * cells.filled)}
    if not few or cells.filled < 10:
        return ()
    name = min(few, key=lambda name: (few[name], _TRIED.index(name)))
    bind = Parameters()
    kind = cells.type(name, bind)
    where = f"WHERE {cells.column.cell} <> '' AND ({kind.parse(cells.column.cell)}) IS NULL"
    ((file, row),) = cells.table.ask(f"SELECT _file, _row FROM cells {where} ORDER BY _n LIMIT 1", bind)
    others = "one is" if few[name] == 1 else f"{few[name]:,} are"
    return (f"{others} not {kind.says}, as all other cells are (row {row} of {cells.table.names[file]}): left as text",)
