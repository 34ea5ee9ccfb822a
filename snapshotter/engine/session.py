"""A DuckDB database of our own, in memory or in a file, with every door to the outside shut but the workspace's."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np
import numpy.typing as npt

from snapshotter.config import threads
from snapshotter.errors import LedgerDamaged, NotWritten, OutOfMemory
from snapshotter.sql import Parameters

ARRAYS = "given_arrays"  # under which arrays are known to DuckDB while it reads them
_BESIDE = 100 * 10**6  # bytes of the process that the engine does not count
_THREAD = 100 * 10**6  # bytes of the limit that a thread is worth: each has buffers of its own
_WIDE_THREAD = 6 * 2048 * 16  # the same for each column: rows of a statement pass through so many buffers of 2,048


class Session:
    """A connection, and the errors that it turns into named ones; arguments as in `open_engine`."""

    def __init__(
        self, scratch: Path, readable: Sequence[Path], memory_limit: int, dataset: str, *, parks: bool = False
    ) -> None:
        """Open the database."""
        self._dataset, self._limit, self._scratch, self._readable = dataset, memory_limit, scratch, readable
        self._file = scratch / f"{secrets.token_hex(8)}.duckdb" if parks else None
        self._opened: duckdb.DuckDBPyConnection | None = self._open()

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        """The connection, opened again if it is parked."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> duckdb.DuckDBPyConnection:
        memory_limit, scratch, readable = self._limit, self._scratch, self._readable
        held = f"{share(memory_limit)}B"
        settings: dict[str, str | int | bool | float | list[str]] = {"memory_limit": held}
        settings["temp_directory"] = str(scratch)
        if wanted := threads():
            settings |= {"threads": wanted, "async_threads": wanted - 1}  # without the latter, whoever asks reads
        connection = duckdb.connect(self._file or ":memory:", config=settings)
        self._cores = int(connection.execute("SELECT current_setting('threads')").fetchall()[0][0])
        folders = ", ".join(literal(f"{folder}/") for folder in (scratch, *readable, "/proc/self/fd"))
        for setting in (
            f"SET threads = {self._threads(0)}",
            "SET TimeZone = 'UTC'",
            # It takes the square of the columns to plan, and has little to gain from queries like ours.
            "SET disabled_optimizers = 'projection_placement'",
            f"SET allowed_directories = [{folders}]",
            "SET enable_external_access = false",
            "SET allowed_configs = ['threads']",
            "SET lock_configuration = true",
        ):
            connection.execute(setting)
        return connection

    def _threads(self, columns: int) -> int:
        """How many threads the memory is enough for, where rows have so many columns."""
        return min(self._cores, max(1, share(self._limit) // max(_THREAD, columns * _WIDE_THREAD)))

    def _expect(self, columns: int) -> None:
        """Be ready for rows with so many columns."""
        self._run(f"SET threads = {self._threads(columns)}")

    def park(self) -> None:
        """Let go of the memory until it is used again; the tables stay, in the file."""
        if self._file is not None and self._opened is not None:
            self._run("CHECKPOINT")  # what closing does, too, but without a word if the disk is full
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        """Nothing is left to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the memory, and the disk."""
        if self._opened is not None:
            self._opened.close()
        if self._file is not None:
            for path in (self._file, self._file.with_name(f"{self._file.name}.wal")):
                path.unlink(missing_ok=True)

    def _table(self, name: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Make a small table of Python values, column by column."""
        self._run(f"CREATE OR REPLACE TABLE {name} ({columns})")
        if rows:
            kinds = [definition.split()[-1] for definition in columns.split(", ")]
            values = {f"v{i}": list(column) for i, column in enumerate(zip(*rows, strict=True))}
            lists = ", ".join(f"unnest($v{i}::{kind}[])" for i, kind in enumerate(kinds))
            self._connection.execute(f"INSERT INTO {name} SELECT {lists}", values)

    def _copy(self, query: str, path: Path, options: str, parameters: Parameters | None = None) -> int:
        """Write a file, on a cursor of its own, so that two files can be written side by side."""
        sql = f"COPY ({query}) TO {literal(str(path))} ({options})"
        with self._translated(), self._connection.cursor() as cursor:
            rows = cursor.execute(sql, parameters.used_by(sql) if parameters else None).fetchall()
        return int(rows[0][0])

    def _arrays(self, sql: str) -> list[npt.NDArray[np.int64]]:
        """The columns of an answer in whole numbers, none of them NULL."""
        with self._translated():
            found = self._connection.execute(sql).fetchnumpy()
        return [np.asarray(column, np.int64) for column in found.values()]

    @contextmanager
    def _given(self, **arrays: npt.NDArray[np.int64]) -> Iterator[None]:
        """Arrays as a relation of the name in ARRAYS, a column each."""
        self._connection.register(ARRAYS, arrays)
        try:
            yield
        finally:
            self._connection.unregister(ARRAYS)

    def _run(self, sql: str, parameters: Parameters | None = None) -> None:
        self._all(sql, parameters)

    def _one(self, sql: str, parameters: Parameters | None = None) -> Any:  # noqa: ANN401 - whatever the query asks for
        return self._all(sql, parameters)[0][0]

    def _all(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Run a statement and fetch everything: a result left open blocks the next statement."""
        with self._translated():
            return self._connection.execute(sql, parameters.used_by(sql) if parameters else None).fetchall()

    @contextmanager
    def _reading_ledger(self) -> Iterator[None]:
        """What goes wrong while nothing is read but the ledger's own files is their fault."""
        try:
            yield
        except duckdb.Error as error:
            raise LedgerDamaged(dataset=self._dataset, problem=str(error).splitlines()[0]) from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what a user can mend into named errors."""
        try:
            yield
        except duckdb.OutOfMemoryException:
            raise OutOfMemory(dataset=self._dataset, limit=f"{self._limit / 1e9:g}GB") from None
        except duckdb.IOException as error:
            raise NotWritten(path=self._readable[0], problem=str(error).splitlines()[0]) from error


def share(memory_limit: int) -> int:
    """The bytes that the engine may hold of a limit for the whole process: the rest is for all that is beside it.

    Python with its libraries takes about 150 MB, and the engine goes up to a fifth beyond its own limit: not all that
    it allocates is counted, and what it freed is not at once the system's again.
    """
    return max(memory_limit * 3 // 4 - _BESIDE, memory_limit // 2)


def literal(value: str) -> str:
    """A path or an option as an SQL literal, where DuckDB takes no parameter."""
    return "'" + value.replace("'", "''") + "'"
