"""A user's model asked about accepted rows, in bounded chunks, for DuckDB.

The rows are handed out as they would be published; what the model refuses is noted in `refusals` and no longer `_ok`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from snapshotter.contract import Contract
from snapshotter.contract.columns import StoredColumn
from snapshotter.engine.base import Cell
from snapshotter.publish import ViewColumn, text
from snapshotter.sql import Parameters

if TYPE_CHECKING:  # what reads models is loaded where there is one
    from snapshotter.contract.model import Judge, Refusal

_RULE = "model"  # the name in rejects of what a model refuses
CHUNK = 50_000  # rows that are in Python's memory at once; fewer if they are wide
_CELLS = 1_000_000  # cells that are


class Run(Protocol):
    """Runs a statement and returns all rows of its answer."""

    def __call__(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Run it; the parameters are those that it refers to, and others."""
        ...


def ask(judge: Judge, run: Run, accepted: str, cells: Sequence[Cell], contract: Contract) -> None:
    """Ask about every row of a table that is `_ok`; note the refused ones, and take the mark from them.

    Args:
        judge: who is asked.
        run: runs SQL.
        accepted: the table of judged rows.
        cells: what is stored in it.
        contract: the dataset's.
    """
    run("CREATE OR REPLACE TABLE refusals (batch INTEGER, record BIGINT, columns VARCHAR, rules VARCHAR, why VARCHAR)")
    known = [cell for cell in cells if cell.position is not None and judge.model.knows(cell.column.name)]
    names = [cell.column.name for cell in known]
    texts = "".join(f", coalesce({_published(cell, contract)}, '')" for cell in known)
    (last,) = run(f"SELECT coalesce(max(rowid), -1) FROM {accepted}")[0]
    size = max(1, min(CHUNK, _CELLS // max(1, len(names))))
    for first in range(0, int(last) + 1, size):
        chunk = f"p.rowid >= {first:d} AND p.rowid < {first + size:d}"
        query = f"SELECT p._batch, p.source_row{texts} FROM {accepted} p WHERE p._ok AND {chunk} ORDER BY p.rowid"
        rows = run(query, contract.parameters)
        refusals = judge.refusals(names, ((batch, record, cell) for batch, record, *cell in rows))
        if refusals:
            _note(run, refusals)
    run(
        f"UPDATE {accepted} SET _ok = FALSE FROM refusals f "
        f"WHERE {accepted}._batch = f.batch AND {accepted}.source_row = f.record"
    )


def refused(rejected: str, texts: str) -> str:
    """Statement that adds the noted rows, with their texts as they came, to a table of refused ones."""
    return (
        f"INSERT INTO {rejected} BY NAME SELECT r.* EXCLUDE (_record), f.record AS _row, f.columns AS _columns, "
        "f.rules AS _rules, f.why AS _reasons FROM (SELECT r.*, s.batch AS _batch, r.rowid - s.first + s.record "
        f"AS _record FROM {texts} r ASOF JOIN spans s ON r.rowid >= s.first) r "
        "JOIN refusals f ON r._batch = f.batch AND r._record = f.record"
    )


def _published(cell: Cell, contract: Contract) -> str:
    offset = cell.field.names[1] if cell.field.has_offset else None
    stored = StoredColumn(cell.column.name, cell.field.name, cell.column.type.name, offset)
    return text(ViewColumn(cell.column.name, cell.field, stored), contract)


def _note(run: Run, refusals: Sequence[Refusal]) -> None:
    """Keep refusals in the engine, each complaint a line, as the engine's own are."""
    parameters = Parameters()
    columns: list[tuple[str, list[object]]] = [
        ("INTEGER", [refusal.batch for refusal in refusals]),
        ("BIGINT", [refusal.record for refusal in refusals]),
        ("VARCHAR", ["\n".join(" ".join(c.column.splitlines()) for c in r.complaints) for r in refusals]),
        ("VARCHAR", ["\n".join(_RULE for _ in refusal.complaints) for refusal in refusals]),
        ("VARCHAR", ["\n".join(c.reason for c in refusal.complaints) for refusal in refusals]),
    ]
    lists = ", ".join(f"unnest({parameters.bind(values)}::{kind}[])" for kind, values in columns)
    run(f"INSERT INTO refusals SELECT {lists}", parameters)
