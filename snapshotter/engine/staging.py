"""Accepted rows as Parquet, in DuckDB: as parts of the ledger, and before that where they would fill the memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snapshotter.contract.columns import StoredColumn
from snapshotter.engine.base import Staged, Stored
from snapshotter.engine.narrowing import Narrowing
from snapshotter.engine.rows import stored_rows
from snapshotter.frame import Field
from snapshotter.sql import identifier

_VIEW = "staged"


class Staging(Narrowing):
    """The part of the engine that writes accepted rows."""

    def __init__(
        self, scratch: Path, readable: Sequence[Path], memory_limit: int, dataset: str, *, parks: bool = False
    ) -> None:
        """Nothing is staged yet."""
        super().__init__(scratch, readable, memory_limit, dataset, parks=parks)
        self._staged: list[Staged] = []
        self._staged_columns: dict[int, tuple[Field, StoredColumn]] = {}

    @property
    def staged(self) -> list[Staged]:
        """The files that hold accepted rows already."""
        return self._staged

    def stage(
        self, batches: Sequence[tuple[int, str, int]], columns: Sequence[tuple[Field, StoredColumn]], path: Path
    ) -> None:
        """Move accepted rows out of the memory; a view takes the place of their table.

        One view of all files: a sort of the union of as many relations holds parts of each in memory, and fills it.
        """
        tables = {self._tables[batch] for batch, _, _ in batches if batch in self._tables}
        if not tables:  # every record was set apart before it was read
            return
        (table,) = tables
        self._table("named", "batch INTEGER, name VARCHAR, revision INTEGER", batches)
        query = f"SELECT {_stored(columns)} FROM {table} r JOIN named b ON r._batch = b.batch"
        rows = self._copy(query, path, "FORMAT parquet, PRESERVE_ORDER false")
        self._run(f"DROP TABLE {table}")
        self._staged.append(Staged(path, rows, tuple(batch for batch, _, _ in batches)))
        self._staged_columns |= {field.index: (field, column) for field, column in columns}
        kept = Stored(tuple(staged.path for staged in self._staged), tuple(self._staged_columns.values()))
        self._run(f"CREATE OR REPLACE VIEW {_VIEW} AS SELECT *, TRUE AS _ok FROM ({stored_rows(kept)})")
        self._accepted = [_VIEW, *(held for held in self._accepted if held not in (_VIEW, table))]
        self._tables = {b: _VIEW if held == table else held for b, held in self._tables.items()}

    def write_part(self, columns: Sequence[tuple[Field, StoredColumn]], batches: Sequence[int], path: Path) -> int:
        """Write accepted rows; instants and timestamps as UTC, so that every reader knows them as instants."""
        tables = dict.fromkeys(self._tables[batch] for batch in batches if batch in self._tables)
        source = " UNION ALL BY NAME ".join(f"SELECT * EXCLUDE (_ok) FROM {table}" for table in tables)
        wanted = ", ".join(f"{batch:d}" for batch in batches)
        query = (
            f"SELECT {_stored(columns)} FROM ({source}) r JOIN batches b ON r._batch = b.batch "
            f"WHERE r._batch IN ({wanted})"
        )
        return self._copy(query, path, "FORMAT parquet")

    def _gather(self, columns: int, most: int) -> None:
        """Put the accepted rows of many wide headers into one table: each query plans all tables with all columns.

        Args:
            columns: how many there are.
            most: the number of cells, tables times columns, that is no reason yet.
        """
        held = [table for table in self._accepted if table != _VIEW]
        if len(held) * columns < most or len(held) < 2:
            return
        together = " UNION ALL BY NAME ".join(f"SELECT * FROM {table}" for table in held)
        self._run(f"CREATE TABLE accepted AS {together}")
        for table in held:
            self._run(f"DROP TABLE {table}")
        self._accepted = ["accepted", *(table for table in self._accepted if table == _VIEW)]
        self._tables = {b: table if table == _VIEW else "accepted" for b, table in self._tables.items()}


def _stored(columns: Sequence[tuple[Field, StoredColumn]]) -> str:
    """SQL of rows `r` of batches `b` as they lie in the ledger."""
    parts = ["r._batch", "b.name AS source_filename", "b.revision AS source_revision", "r.source_row"]
    parts += ["r._instant::TIMESTAMPTZ AS _instant", "r._deleted"]
    for field, column in columns:
        cast = "::TIMESTAMPTZ" if field.has_offset else ""
        parts.append(f"r.{field.name}{cast} AS {identifier(column.physical)}")
        if column.offset:
            parts.append(f"r.{field.names[1]} AS {identifier(column.offset)}")
    return ", ".join(parts)
