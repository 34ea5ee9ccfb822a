"""The judgement of a set of raw rows, as SQL for DuckDB.

`raw` holds the texts (c0, c1 … by position), `spans` says which records they are. One query corrects and parses all
rows and says which meet every condition; only if some do not, a second one says which conditions those were. After a
transform, `raw` holds what the user's function made of the texts, `original` the texts, and `_origin` is the row there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain

from snapshotter.contract import Contract
from snapshotter.contract.checks import Check, column_checks, key_check
from snapshotter.contract.columns import fold
from snapshotter.engine.base import Cell, Spans
from snapshotter.sql import all_of


class Validation:
    """The queries for one text.

    Args:
        contract: the dataset's contract; its parameters belong to the queries.
        cells: what the cells are and where they are stored.
        spans: which records the rows are.
        now: the time against which `max_future` is held; None where nothing but types is asked.
        transformed: whether a user's function made the rows.
    """

    def __init__(
        self,
        contract: Contract,
        cells: Sequence[Cell],
        spans: Spans,
        now: datetime | None,
        *,
        transformed: bool = False,
    ) -> None:
        """Compile the conditions."""
        self._texts_as_read, self._place = ("original", "_origin") if transformed else ("raw", "rowid")
        self._contract, self._cells, self._spans = contract, cells, spans
        self._bind = contract.parameters
        self._texts = [cell for cell in cells if cell.position is not None]
        self._unique = [cell for cell in self._texts if cell.column.rules.unique]
        self._checks = self._conditions(now)

    def judged(self) -> str:
        """Query of all rows as they are stored, with `_ok`: whether they meet every condition.

        A column and not a filter, since a filter would compute what it looks at a second time.
        """
        stored = ", ".join(
            f"{self._value(cell) if name == cell.field.name else self._offset(cell)} AS {name}"
            for cell in self._cells
            for name in cell.field.names
        )
        condition = all_of(check.condition for check in self._checks)
        changes = "".join(f", {self._changed(cell, step)} AS _fixed_{n}" for n, (cell, step) in self._fixes())
        return (
            f"SELECT _batch, source_row, _instant, {self._deleted()} AS _deleted, {stored}, ({condition}) AS _ok"
            f"{changes} FROM ({self._parsed()})"
        )

    def corrected(self, table: str) -> str:
        """Query of (batch, column, correction, number of accepted cells that it changed) over judged rows."""
        counts = [
            f"SELECT _batch, {self._bind.bind(cell.column.name)} AS column_name, "
            f"{self._bind.bind(cell.column.steps[step].name)} AS correction, count(*) AS cells "
            f"FROM {table} WHERE _ok AND _fixed_{n} GROUP BY _batch"
            for n, (cell, step) in self._fixes()
        ]
        return f"SELECT _batch, column_name, correction, sum(cells) FROM ({' UNION ALL '.join(counts)}) GROUP BY ALL"

    @property
    def corrects(self) -> bool:
        """Whether any column of these rows has corrections."""
        return any(cell.column.steps for cell in self._texts)

    def rejected(self) -> str:
        """Query of the other rows: their texts, and what they failed, one line a failure."""

        def failures(words: Sequence[str]) -> str:
            cases = (
                f"CASE WHEN NOT ({check.condition}) THEN {self._bind.bind(word)} END"
                for check, word in zip(self._checks, words, strict=True)
            )
            return f"concat_ws(chr(10), {', '.join(cases)})"

        condition = all_of(check.condition for check in self._checks)
        names = [" ".join(check.column.splitlines()) for check in self._checks]
        says = [" ".join(check.reason.splitlines()) for check in self._checks]
        reasons = [f"{name} {reason}" for name, reason in zip(names, says, strict=True)]
        return (
            f"SELECT r.*, p._batch, p.source_row AS _row, p._columns, p._rules, p._reasons "
            f"FROM {self._texts_as_read} r JOIN ("
            f"SELECT _n, _batch, source_row, {failures(names)} AS _columns, "
            f"{failures([check.rule for check in self._checks])} AS _rules, "
            f"{failures(reasons)} AS _reasons FROM ({self._parsed()}) WHERE NOT ({condition})) p ON r.rowid = p._n"
        )

    def misfits(self, positions: Sequence[int]) -> str:
        """Query of one row: for each position, whether some cell there is not of its column's type."""
        cells = {cell.position: cell for cell in self._texts}
        found = []
        for position in positions:
            cell = cells[position]
            is_text = cell.column.type.name == "string"
            # Always an aggregate: of constants alone, the query would have a row for each record.
            found.append("bool_or(FALSE)" if is_text else f"bool_or(t{position} <> '' AND v{cell.field.index} IS NULL)")
            if fold(cell.column.name) == fold(self._contract.timestamp.name):
                found[-1] = f"bool_or(t{position} <> '' AND _instant IS NULL)"
        return f"SELECT {', '.join(f'coalesce({test}, FALSE)' for test in found)} FROM ({self._parsed()})"

    # -- from raw texts to values

    def _parsed(self) -> str:
        """Query of the rows with their corrected texts (t by position), values (v by field) and instants."""
        typed = [cell for cell in self._texts if cell.column.type.name != "string"]
        parts = ["*", *(f"{cell.column.type.parse(f't{cell.position}')} AS v{cell.field.index}" for cell in typed)]
        parts.append(f"{self._contract.clock.instant(f't{self._timestamp().position}', self._bind)} AS _instant")
        parsed = f"SELECT {', '.join(parts)} FROM ({self._corrected_texts()})"
        if not self._unique:
            return parsed
        others = all_of(check.condition for check in self._checks if check.rule != "unique")
        marked = f"SELECT *, ({others}) AS _good FROM ({parsed})"
        places = [
            f"row_number() OVER (PARTITION BY _batch, _good, {self._compared(cell)} ORDER BY _n) "
            f"AS _occurrence_{cell.field.index}"
            for cell in self._unique
        ]
        return f"SELECT *, {', '.join(places)} FROM ({marked})"

    def _compared(self, cell: Cell) -> str:
        return f"t{cell.position}" if cell.column.type.name == "string" else f"v{cell.field.index}"

    def _corrected_texts(self) -> str:
        """Query of the texts after each step of correction (s3_1: position 3 after its first), and at last t3.

        One query around the other, a step each: a step written into the next one would be computed twice there.
        """
        if len(self._spans) == 1:
            first, number, record = self._spans.firsts[0], self._spans.batches[0], self._spans.records[0]
            where, batch, row = "raw r", f"{number:d}", f"r.{self._place} - {first:d} + {record:d}"
        else:
            where = f"raw r ASOF JOIN spans s ON r.{self._place} >= s.first"
            batch, row = "s.batch", f"r.{self._place} - s.first + s.record"
        cells = [f"r.c{cell.position} AS {_after(cell, 0)}" for cell in self._texts]
        query = (
            f"SELECT r.{self._place} AS _n, ({batch})::INTEGER AS _batch, ({row})::BIGINT AS source_row, "
            f"{', '.join(cells)} FROM {where}"
        )
        for step in range(max((len(cell.column.steps) for cell in self._texts), default=0)):
            fixed = [
                f"{cell.column.steps[step].sql(_after(cell, step))} AS {_after(cell, step + 1)}"
                for cell in self._texts
                if step < len(cell.column.steps)
            ]
            query = f"SELECT *, {', '.join(fixed)} FROM ({query})"
        last = [f"{_after(cell, len(cell.column.steps))} AS t{cell.position}" for cell in self._texts]
        return f"SELECT *, {', '.join(last)} FROM ({query})"

    def _fixes(self) -> list[tuple[int, tuple[Cell, int]]]:
        """Every step of correction of every column, numbered."""
        return list(enumerate((cell, step) for cell in self._texts for step in range(len(cell.column.steps))))

    def _changed(self, cell: Cell, step: int) -> str:
        return f"{_after(cell, step)} <> {_after(cell, step + 1)}"

    def _timestamp(self) -> Cell:
        name = fold(self._contract.timestamp.name)
        return next(cell for cell in self._cells if fold(cell.column.name) == name)

    def _value(self, cell: Cell) -> str:
        """SQL of the stored value; an absent cell is empty."""
        if cell.position is None:
            return "''" if cell.field.is_text else f"NULL::{cell.column.type.stored}"
        if cell.column.type.name == "string":
            return f"t{cell.position}"
        if cell.field.is_text:
            return f"CASE WHEN t{cell.position} = '' THEN '' ELSE v{cell.field.index} END"
        return f"v{cell.field.index}"

    def _offset(self, cell: Cell) -> str:
        if cell.position is None:
            return "NULL::VARCHAR"
        return self._contract.clock.offset(f"t{cell.position}", self._bind)

    def _deleted(self) -> str:
        """SQL of the mark of a tombstone; an absent column is no mark."""
        rule = self._contract.config.delete_when
        marker = next((c for c in self._texts if rule and fold(c.column.name) == fold(rule.column)), None)
        if rule is None or marker is None:
            return "FALSE"
        if rule.values is None:
            return f"t{marker.position} <> ''"
        allowed = ", ".join(f"({marker.column.type.parse(self._bind.bind(v) + '::VARCHAR')})" for v in rule.values)
        value = f"t{marker.position}" if marker.column.type.name == "string" else f"v{marker.field.index}"
        return f"coalesce({value} IN ({allowed}), FALSE)"

    # -- conditions

    def _conditions(self, now: datetime | None) -> list[Check]:
        once = [
            Check(
                c.column.name,
                "unique",
                # Only rows that are good otherwise compete: a refused one takes no value from another.
                f"t{c.position} = '' OR NOT _good OR _occurrence_{c.field.index} = 1",
                "stands more than once",
            )
            for c in self._unique
        ]
        key = [fold(column.name) for column in self._contract.key]
        parts = [cell for name in key for cell in self._cells if fold(cell.column.name) == name]
        texts = [f"t{cell.position}" if cell.position is not None else "''" for cell in parts]
        about_cells = chain.from_iterable(map(self._cell_checks, self._cells))
        return [*about_cells, *once, *key_check(self._contract.key, texts), *self._time_checks(now)]

    def _cell_checks(self, cell: Cell) -> list[Check]:
        column = cell.column
        if cell.position is None:
            reason = "is absent from the file, and may not be empty"
            return [] if column.nullable else [Check(column.name, "nullable", "FALSE", reason)]
        text = f"t{cell.position}"
        value = text if column.type.name == "string" else f"v{cell.field.index}"
        return column_checks(column, _after(cell, 0), text, value, self._bind)

    def _time_checks(self, now: datetime | None) -> list[Check]:
        cell, limit = self._timestamp(), self._contract.config.max_future
        checks = []
        if cell.column.type.name != "timestamp":
            reason = "is not a timestamp in a declared format or ISO 8601"
            checks.append(
                Check(cell.column.name, "timestamp", f"t{cell.position} = '' OR _instant IS NOT NULL", reason)
            )
        if limit is not None and now is not None:
            latest = self._bind.bind((now.astimezone(UTC) + timedelta(seconds=limit)).replace(tzinfo=None))
            reason = "is later than max_future allows"
            checks.append(Check(cell.column.name, "max_future", f"_instant IS NULL OR _instant <= {latest}", reason))
        return checks


def _after(cell: Cell, step: int) -> str:
    """The name of a cell's text after so many steps of correction."""
    return f"s{cell.position}_{step}"
