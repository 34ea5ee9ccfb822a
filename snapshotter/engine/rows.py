"""The rows of the ledger's Parquet files, as SQL for DuckDB."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from snapshotter.engine.base import Stored
from snapshotter.engine.session import literal
from snapshotter.frame import Frame
from snapshotter.sql import identifier


def stored_rows(stored: Stored) -> str:
    """Query of the stored rows under the names that `merge` knows; empty if there are no files."""
    if not stored.paths:
        return ""
    parts = ["_batch", "source_row", "_instant::TIMESTAMP AS _instant", "_deleted"]
    for field, column in stored.columns:
        cast = "::TIMESTAMP" if field.has_offset else ""
        parts.append(f"{identifier(column.physical)}{cast} AS {field.name}")
        if column.offset:
            parts.append(f"{identifier(column.offset)} AS {field.names[1]}")
    found = rows_of({path: stored.hidden.get(path, ()) for path in stored.paths})
    return f"SELECT {', '.join(parts)} FROM ({found})"


def no_rows(frame: Frame) -> str:
    """Query of no row: every column with its type, also one that a batch carries of which no row was accepted."""
    typed = [
        (name, "VARCHAR" if name != field.name else field.stored) for field in frame.fields for name in field.names
    ]
    own = [("_batch", "INTEGER"), ("source_row", "BIGINT"), ("_instant", "TIMESTAMP"), ("_deleted", "BOOLEAN")]
    return f"SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in own + typed)} WHERE FALSE"


def rows_of(sources: Mapping[Path, Collection[int]]) -> str:
    """Query of the rows of Parquet files, of each without those of some batches.

    By name: a file that was written early lacks columns that came later.
    """
    whole = [path for path, without in sources.items() if not without]
    queries = [f"SELECT * FROM {_parquet(whole)}"] if whole else []
    for path, without in sources.items():
        if without:
            listed = ", ".join(f"{batch:d}" for batch in sorted(without))
            queries.append(f"SELECT * FROM {_parquet([path])} WHERE _batch NOT IN ({listed})")
    return " UNION ALL BY NAME ".join(queries)


def _parquet(paths: Sequence[Path]) -> str:
    listed = ", ".join(literal(str(path)) for path in paths)
    return f"read_parquet([{listed}], union_by_name = true)"
