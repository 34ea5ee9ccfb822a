"""From texts to judged rows in DuckDB: reading, a user's function, the contract's verdict, a user's model."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import count, groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from snapshotter.contract import Contract
from snapshotter.contract.checks import literals
from snapshotter.contract.columns import fold
from snapshotter.engine import judging
from snapshotter.engine.base import Cell, ReadFailed, Rows, Spans, Text, Verdict
from snapshotter.engine.exchange import exchange, left_out
from snapshotter.engine.session import ARRAYS, Session, literal
from snapshotter.engine.validation import Validation
from snapshotter.errors import ConfigError
from snapshotter.frame import Field

if TYPE_CHECKING:
    from snapshotter.contract.model import Judge

_LINES, _BYTES = 20_000, 32 * 2**20  # of refused rows that are looked at at once
_MIN_LINE = 2_000_000  # bytes: DuckDB's own default for the longest line
_FAILURE = ("_columns", "_rules", "_reasons")  # of a refused row: its failures, a line each


class Acceptance(Session):
    """The half of the engine that lets rows in: `accepted_N` and `rejected_N` are its tables of judged rows."""

    def __init__(
        self, scratch: Path, readable: Sequence[Path], memory_limit: int, dataset: str, *, parks: bool = False
    ) -> None:
        """No row is read yet."""
        super().__init__(scratch, readable, memory_limit, dataset, parks=parks)
        # A cell can only be taken for NULL if it is this text, which no file can know.
        self._never = secrets.token_hex(16)
        self._numbers = count()
        self._accepted: list[str] = []
        self._rejected: dict[int, str] = {}  # the table of refused rows of each batch that has some
        self._tables: dict[int, str] = {}  # the table of accepted rows of each batch
        self._is_transformed = False  # whether `raw` holds what a user's function made of `original`

    def verify(self, contract: Contract) -> None:
        """Try the patterns and bounds of a contract."""
        rule = contract.config.delete_when
        for column in contract.columns.values():
            marks = (rule.values or ()) if rule and fold(rule.column) == fold(column.name) else ()
            for setting, sql in literals(column, marks, contract.parameters):
                try:
                    ok = self._one(f"SELECT {sql} IS NOT NULL", contract.parameters)
                except duckdb.Error:
                    ok = False
                if not ok:
                    key = f"datasets.{contract.dataset}.columns.{column.name}.{setting}"
                    allowed = f"It must be {column.type.says} that corrections leave as it is; a pattern, RE2."
                    raise ConfigError(file="snapshotter.toml", key=key, problem="makes no sense", allowed=allowed)

    def read(self, text: Text) -> int:
        """Read a text with nothing left to be guessed."""
        columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(text.width))
        options = (
            f"auto_detect=false, header=true, delim={literal(text.delimiter)}, quote='\"', escape='\"', "
            f"strict_mode=true, compression='none', hive_partitioning=false, nullstr='{self._never}', "
            f"max_line_size={max(_MIN_LINE, text.longest + 2)}, columns={{{columns}}}"
        )
        self._forget_text()
        self._expect(text.width)
        try:
            with self._translated():
                self._connection.execute(
                    f"CREATE OR REPLACE TABLE raw AS SELECT * FROM read_csv({literal(text.path)}, {options})"
                )
        except duckdb.Error as error:
            raise ReadFailed(str(error)) from None
        return int(self._one("SELECT count(*) FROM raw"))

    def misfits(self, contract: Contract, cells: Sequence[Cell], wanted: Sequence[int]) -> list[int]:
        """Look at the rows of `raw`."""
        any_rows = Spans(*np.array([[0], [0], [1]]))
        validation = Validation(contract, cells, any_rows, None, transformed=self._is_transformed)
        (found,) = self._all(validation.misfits(wanted), contract.parameters)
        return [position for position, misfit in zip(wanted, found, strict=True) if misfit]

    def transform(self, positions: Sequence[int], rows: int, change: Callable[[Rows], Rows]) -> None:
        """Keep the rows of `raw` as `original`, and make a new `raw`."""
        with self._translated():
            exchange(self._connection, positions, rows, change)
        self._is_transformed = True

    def accept(
        self,
        contract: Contract,
        cells: Sequence[Cell],
        spans: Spans,
        now: datetime,
        judge: Judge | None = None,
    ) -> dict[int, Verdict]:
        """Judge the rows of `raw`: the good go to a table of accepted ones, the others to one of refused ones."""
        number = next(self._numbers)
        accepted, rejected = f"accepted_{number}", f"rejected_{number}"
        self._set_spans(spans)
        validation = Validation(contract, cells, spans, now, transformed=self._is_transformed)
        self._run(f"CREATE TABLE {accepted} AS {validation.judged()}", contract.parameters)
        self._accepted.append(accepted)
        if judge:
            judging.ask(judge, self._all, accepted, cells, contract)
        verdicts, is_clean = self._verdicts(validation, accepted, cells, contract)
        self._tables |= dict.fromkeys(spans.known, accepted)
        some_left_out = self._is_transformed and self._one(
            "SELECT (SELECT count(*) FROM original) > (SELECT count(*) FROM raw)"
        )
        if some_left_out or not is_clean:
            more = f" UNION ALL BY NAME {left_out()}" if some_left_out else ""
            self._run(f"CREATE TABLE {rejected} AS {validation.rejected()}{more}", contract.parameters)
            self._rejected |= dict.fromkeys(spans.known, rejected)
            if judge:
                self._run(judging.refused(rejected, "original" if self._is_transformed else "raw"))
            self._run(f"DELETE FROM {accepted} WHERE NOT _ok")
        self._forget_text()
        return verdicts

    def _verdicts(
        self, validation: Validation, table: str, cells: Sequence[Cell], contract: Contract
    ) -> tuple[dict[int, Verdict], bool]:
        """What became of each batch in a table of judged rows, and whether all of its rows were accepted."""
        present = [cell.field for cell in cells if cell.position is not None]
        empty = ", ".join(f"bool_and({_is_empty(field)}) FILTER (_ok)" for field in present)
        rows = self._all(f"SELECT _batch, count(*) FILTER (_ok), count(*), {empty} FROM {table} GROUP BY _batch")
        corrected: dict[int, list[tuple[str, str, int]]] = {}
        if validation.corrects:
            for batch, column, name, count in self._all(validation.corrected(table), contract.parameters):
                corrected.setdefault(batch, []).append((str(column), str(name), int(count)))
        verdicts = {
            batch: Verdict(
                int(good),
                tuple(sorted(corrected.get(batch, ()))),
                frozenset(field.index for field, is_empty in zip(present, empties, strict=True) if is_empty),
            )
            for batch, good, _, *empties in rows
        }
        return verdicts, all(good == total for _, good, total, *_ in rows)

    def failures(self, batch: int) -> list[tuple[str, str, str, int]]:
        """Count failures: a refused row has one line for each."""
        if batch not in self._rejected:
            return []
        names, lines = ", ".join(_FAILURE), ", ".join(f"unnest(string_split({n}, chr(10))) AS {n}" for n in _FAILURE)
        each = f"SELECT {lines} FROM {self._rejected[batch]} WHERE _batch = {batch:d}"
        query = f"SELECT {names}, count(*) FROM ({each}) GROUP BY ALL ORDER BY count(*) DESC, {names}"
        return [(str(column), str(rule), str(reason), int(rows)) for column, rule, reason, rows in self._all(query)]

    def forget(self, batch: int) -> None:
        """Delete from the tables of judged rows."""
        for tables in (self._tables, self._rejected):
            if batch in tables:
                self._run(f"DELETE FROM {tables[batch]} WHERE _batch = {batch:d}")

    def _forget_text(self) -> None:
        for table in ("raw", "original"):
            self._run(f"DROP TABLE IF EXISTS {table}")
        self._is_transformed = False

    def _set_spans(self, spans: Spans) -> None:
        self._run("CREATE OR REPLACE TABLE spans (first BIGINT, batch INTEGER, record BIGINT)")
        with self._given(first=spans.firsts, batch=spans.batches, record=spans.records):
            self._run(f"INSERT INTO spans SELECT first, batch, record FROM {ARRAYS}")

    def rejected_lines(
        self, batches: Sequence[int], positions: Sequence[int], delimiter: str, longest: int
    ) -> Iterator[tuple[int, str]]:
        """Make lines of them in the engine; some at a time, however many there are and however long they are."""
        cells = [f"r.c{position}" for position in positions] + ["r._row::VARCHAR", *(f"r.{name}" for name in _FAILURE)]
        line = f"concat_ws({literal(delimiter)}, {', '.join(_as_cell(cell, delimiter) for cell in cells)})"
        most = max(1, min(_LINES, _BYTES // max(longest, 1)))
        for table in dict.fromkeys(self._rejected[batch] for batch in batches if batch in self._rejected):
            numbered = f"SELECT *, row_number() OVER (ORDER BY _batch, _row) - 1 AS _place FROM {table}"
            self._run(f"CREATE OR REPLACE TABLE refused AS {numbered}")
            for first in range(0, int(self._one("SELECT count(*) FROM refused")), most):
                wanted = f"r._place >= {first:d} AND r._place < {first + most:d}"
                found = self._all(f"SELECT r._batch, {line} || chr(10) FROM refused r WHERE {wanted} ORDER BY r._place")
                for batch, lines in groupby(found, key=itemgetter(0)):
                    yield int(batch), "".join(line for _, line in lines)
        self._run("DROP TABLE IF EXISTS refused")


def _as_cell(value: str, delimiter: str) -> str:
    """SQL of a cell of a CSV line: quoted only if it must be, as in `snapshotter.rejects.line`."""
    special = literal(f'[{delimiter}"\r\n]')
    quoted = f"""'"' || replace({value}, '"', '""') || '"'"""
    return f"coalesce(CASE WHEN regexp_matches({value}, {special}) THEN {quoted} ELSE {value} END, '')"


def _is_empty(field: Field) -> str:
    """SQL of whether a stored cell is empty."""
    return f"{field.name} = ''" if field.is_text else f"{field.name} IS NULL"
