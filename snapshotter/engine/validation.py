"""The judgement of a set of raw rows, as SQL for DuckDB.

`raw` holds the texts (c0, c1 … by position), `spans` says which records they are. One query parses all rows and
says which meet every condition; only if some do not, a second one says which conditions those were.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from snapshotter.contract import Contract
from snapshotter.contract.checks import Check, column_checks, key_check
from snapshotter.contract.columns import fold
from snapshotter.engine.base import Cell, Span
from snapshotter.sql import all_of


class Validation:
    """The queries for one text.

    Args:
        contract: the dataset's contract; its parameters belong to the queries.
        cells: what the cells are and where they are stored.
        spans: which records the rows are.
        now: the time against which `max_future` is held.
    """

    def __init__(self, contract: Contract, cells: Sequence[Cell], spans: Sequence[Span], now: datetime) -> None:
        """Compile the conditions."""
        self._contract, self._cells, self._spans = contract, cells, spans
        self._bind = contract.parameters
        self._unique: list[Cell] = [c for c in cells if c.column.rules.unique and c.position is not None]
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
        return (
            f"SELECT _batch, source_row, _instant, {self._deleted()} AS _deleted, {stored}, ({condition}) AS _ok "
            f"FROM ({self._parsed()})"
        )

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
            f"SELECT r.*, p._batch, p.source_row AS _row, p._columns, p._rules, p._reasons FROM raw r JOIN ("
            f"SELECT _n, _batch, source_row, {failures(names)} AS _columns, "
            f"{failures([check.rule for check in self._checks])} AS _rules, "
            f"{failures(reasons)} AS _reasons FROM ({self._parsed()}) WHERE NOT ({condition})) p ON r.rowid = p._n"
        )

    def _texts(self) -> list[Cell]:
        return [cell for cell in self._cells if cell.position is not None]

    def _parsed(self) -> str:
        """Query of the rows with their texts (t by position), values (v by field) and instants."""
        if len(self._spans) == 1:
            (span,) = self._spans
            where, batch, row = "raw r", f"{span.batch:d}", f"r.rowid - {span.first:d} + {span.record:d}"
        else:
            where = "raw r ASOF JOIN spans s ON r.rowid >= s.first"
            batch, row = "s.batch", "r.rowid - s.first + s.record"
        parts = ["r.rowid AS _n", f"({batch})::INTEGER AS _batch", f"({row})::BIGINT AS source_row"]
        for cell in self._texts():
            source = f"r.c{cell.position}"
            parts.append(f"{source} AS t{cell.position}")
            if cell.column.type.name != "string":
                parts.append(f"{cell.column.type.parse(source)} AS v{cell.field.index}")
        parts.append(f"{self._instant_of('r.c')} AS _instant")
        for cell in self._unique:
            value = f"r.c{cell.position}"
            value = value if cell.column.type.name == "string" else cell.column.type.parse(value)
            place = f"row_number() OVER (PARTITION BY {batch}, {value} ORDER BY r.rowid)"
            parts.append(f"{place} AS _occurrence_{cell.field.index}")
        return f"SELECT {', '.join(parts)} FROM {where}"

    def _instant_of(self, prefix: str) -> str:
        cell = self._timestamp()
        return self._contract.clock.instant(f"{prefix}{cell.position}", self._bind)

    def _timestamp(self) -> Cell:
        name = fold(self._contract.timestamp.name)
        return next(cell for cell in self._cells if fold(cell.column.name) == name)

    def _value(self, cell: Cell) -> str:
        """SQL of the stored value; an absent key cell is empty."""
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
        marker = next((c for c in self._texts() if rule and fold(c.column.name) == fold(rule.column)), None)
        if rule is None or marker is None:
            return "FALSE"
        if rule.values is None:
            return f"t{marker.position} <> ''"
        allowed = ", ".join(f"({marker.column.type.parse(self._bind.bind(v) + '::VARCHAR')})" for v in rule.values)
        value = f"t{marker.position}" if marker.column.type.name == "string" else f"v{marker.field.index}"
        return f"coalesce({value} IN ({allowed}), FALSE)"

    def _conditions(self, now: datetime) -> list[Check]:
        checks: list[Check] = []
        for cell in self._cells:
            text = f"t{cell.position}" if cell.position is not None else "''"
            value = text if cell.column.type.name == "string" or cell.position is None else f"v{cell.field.index}"
            if cell.position is None and not cell.column.nullable:
                checks.append(
                    Check(cell.column.name, "nullable", "FALSE", "is absent from the file, and may not be empty")
                )
            elif cell.position is not None:
                checks += column_checks(cell.column, text, value, self._bind)
        checks += [
            Check(
                c.column.name,
                "unique",
                f"t{c.position} = '' OR _occurrence_{c.field.index} = 1",
                "stands more than once",
            )
            for c in self._unique
        ]
        key = [fold(column.name) for column in self._contract.key]
        parts = [cell for name in key for cell in self._cells if fold(cell.column.name) == name]
        texts = [f"t{cell.position}" if cell.position is not None else "''" for cell in parts]
        return [*checks, *key_check(self._contract.key, texts), *self._time_checks(now)]

    def _time_checks(self, now: datetime) -> list[Check]:
        cell, limit = self._timestamp(), self._contract.config.max_future
        checks = []
        if cell.column.type.name != "timestamp":
            reason = "is not a timestamp in a declared format or ISO 8601"
            checks.append(
                Check(cell.column.name, "timestamp", f"t{cell.position} = '' OR _instant IS NOT NULL", reason)
            )
        if limit is not None:
            latest = self._bind.bind((now.astimezone(UTC) + timedelta(seconds=limit)).replace(tzinfo=None))
            reason = "is later than max_future allows"
            checks.append(Check(cell.column.name, "max_future", f"_instant IS NULL OR _instant <= {latest}", reason))
        return checks
