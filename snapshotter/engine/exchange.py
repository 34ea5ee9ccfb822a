"""Rows that leave the engine as arrays of texts, and come back changed: the way through a user's function."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb
import numpy as np

from snapshotter.engine.base import Rows

_ARRAYS = "transformed_rows"  # under which arrays are known to DuckDB while it reads them


def exchange(
    connection: duckdb.DuckDBPyConnection,
    positions: Sequence[int],
    rows: int,
    change: Callable[[Rows], Rows],
) -> None:
    """Make a new `raw` of what a function makes of it; the one that was read is `original` from then on.

    A row of the new `raw` says in `_origin` which row of `original` it was.

    Args:
        connection: to the engine.
        positions: the cells that the function gets.
        rows: at most so many at a time.
        change: makes other rows of some rows; called at least once, and if there are none, without any.
    """
    (total,) = connection.execute("SELECT count(*) FROM raw").fetchall()[0]
    for first in range(0, max(total, 1), rows):
        changed = change(_rows(connection, positions, first, rows))
        if first == 0:
            columns = "".join(f", c{place} VARCHAR" for place in range(len(changed.texts)))
            connection.execute(f"CREATE OR REPLACE TABLE changed (_origin BIGINT{columns})")
        if len(changed.places):
            _append(connection, changed)
    for statement in (
        "DROP TABLE IF EXISTS original",
        "ALTER TABLE raw RENAME TO original",
        "ALTER TABLE changed RENAME TO raw",
    ):
        connection.execute(statement)


def left_out() -> str:
    """Query of the rows of `original` that did not come back, as refused rows; `spans` says which records they are."""
    return (
        "SELECT o.*, s.batch AS _batch, o.rowid - s.first + s.record AS _row, '' AS _columns, 'transform' AS _rules, "
        "'the transform left it out' AS _reasons FROM original o ASOF JOIN spans s ON o.rowid >= s.first "
        "WHERE o.rowid NOT IN (SELECT _origin FROM raw)"
    )


def _rows(connection: duckdb.DuckDBPyConnection, positions: Sequence[int], first: int, rows: int) -> Rows:
    cells = "".join(f", c{position} AS t{position}" for position in positions)
    query = f"SELECT rowid AS _origin{cells} FROM raw WHERE rowid >= {first:d} AND rowid < {first + rows:d} ORDER BY 1"
    arrays = connection.execute(query).fetchnumpy()
    texts = [np.asarray(arrays[f"t{position}"], dtype=object) for position in positions]
    return Rows(np.asarray(arrays["_origin"], dtype=np.int64), texts)


def _append(connection: duckdb.DuckDBPyConnection, changed: Rows) -> None:
    import pandas as pd

    arrays = {"_origin": changed.places} | {f"c{place}": texts for place, texts in enumerate(changed.texts)}
    frame = pd.DataFrame({name: pd.Series(array, dtype=array.dtype, copy=False) for name, array in arrays.items()})
    connection.register(_ARRAYS, frame)
    try:
        connection.execute(f"INSERT INTO changed SELECT * FROM {_ARRAYS}")
    finally:
        connection.unregister(_ARRAYS)
