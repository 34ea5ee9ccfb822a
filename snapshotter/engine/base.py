"""The port for set-sized work: what a run asks of an engine, whichever it is.

An engine is opened for one dataset and one piece of work, holds rows and never decides: which row wins is in
`merge`, what is valid in `contract`, how a cell is published in `publish`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
import numpy.typing as npt

from snapshotter.contract import Contract
from snapshotter.contract.columns import Column, StoredColumn
from snapshotter.frame import Field, Frame
from snapshotter.publish import ViewColumn

if TYPE_CHECKING:
    from snapshotter.contract.model import Judge


class ReadFailed(Exception):
    """The engine could not read the text, most likely because a record has too few or too many cells."""


@dataclass(frozen=True)
class Text:
    """CSV text that was proved regular.

    Args:
        path: where the engine reads it.
        width: the number of cells of a record.
        delimiter: one character.
        longest: the longest record, in bytes.
    """

    path: str
    width: int
    delimiter: str
    longest: int


@dataclass(frozen=True)
class Spans:
    """Which records of which files the rows of a text are: spans of consecutive ones, in the order of the text.

    Arrays, since there may be millions of them.

    Args:
        firsts: the row (0-based) with which each span begins.
        batches: the batch that it is of.
        records: the number of its first record in the file.
    """

    firsts: npt.NDArray[np.int64]
    batches: npt.NDArray[np.int64]
    records: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.firsts)

    @property
    def known(self) -> list[int]:
        """The batches."""
        return [int(batch) for batch in np.unique(self.batches)]


@dataclass(frozen=True)
class Rows:
    """Rows of a text outside the engine.

    Args:
        places: which rows of the text they are (0-based), ascending.
        texts: their cells, an array of `str` for each column.
    """

    places: npt.NDArray[np.int64]
    texts: Sequence[npt.NDArray[np.object_]]


@dataclass(frozen=True)
class Cell:
    """A cell of the records: its position (None where the file lacks the column), what it is, where it is stored."""

    position: int | None
    column: Column
    field: Field


@dataclass(frozen=True)
class Verdict:
    """What became of the records of a batch.

    Args:
        accepted: how many were accepted.
        corrected: (column, correction, number of accepted cells that it changed).
        empty: the fields that are empty in every accepted record, though the file has them.
    """

    accepted: int = 0
    corrected: tuple[tuple[str, str, int], ...] = ()
    empty: frozenset[int] = frozenset()


@dataclass(frozen=True)
class BatchRow:
    """What the engine must know of a batch.

    Args:
        batch: its number.
        place: its place in the order of batches.
        carries: the fields that its file carries.
        is_new: whether the run brought it.
        is_gone: whether the run takes it out, or a newer revision replaces it as it comes.
        name, revision, snapshot, loaded_at: its lineage.
    """

    batch: int
    place: int
    carries: frozenset[int]
    is_new: bool
    is_gone: bool
    name: str
    revision: int
    snapshot: int
    loaded_at: str


@dataclass(frozen=True)
class Stored:
    """The rows that are in the ledger already.

    Args:
        paths: the Parquet files.
        columns: those that they have.
        hidden: batches of which a file has rows that another file has, too, by path; they are not read from it.
    """

    paths: tuple[Path, ...]
    columns: tuple[tuple[Field, StoredColumn], ...]
    hidden: Mapping[Path, frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Effects:
    """What the new rows did, in rows (ties: in keys).

    Args:
        inserted, updated, deleted, unchanged, superseded, ties: see the specification, section 5.
        late: new batches of which every row lost to one that was there already.
        tied: the number of keys with a new conflict, by new batch.
    """

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    superseded: int = 0
    ties: int = 0
    late: frozenset[int] = frozenset()
    tied: dict[int, int] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """The numbers alone, by name."""
        return {name: number for name, number in self.__dict__.items() if isinstance(number, int)}


@dataclass(frozen=True)
class Version:
    """One version of a key: its published cells, where it came from, and what it is."""

    values: dict[str, str]
    batch: int
    source_row: int
    current: bool
    deleted: bool


@dataclass(frozen=True)
class Difference:
    """What two snapshots differ in: keys as lists of their parts, and single cells."""

    added: list[list[str]]
    removed: list[list[str]]
    changed: list[tuple[list[str], str, str, str]]


class Engine(Protocol):
    """An engine; use it as a context manager."""

    def __enter__(self) -> Self:
        """Open it."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it and free what it holds."""
        ...

    def park(self) -> None:
        """Let go of the memory until it is used again, and of nothing that it holds; if it was opened to be parked."""
        ...

    def verify(self, contract: Contract) -> None:
        """Try the patterns and bounds of a contract; raises ConfigError naming the one that is no good."""
        ...

    def read(self, text: Text) -> int:
        """Read a text; returns the number of its records. Raises ReadFailed."""
        ...

    def misfits(self, contract: Contract, cells: Sequence[Cell], wanted: Sequence[int]) -> list[int]:
        """Find those of some positions at which a cell of what was read last is not of its column's type."""
        ...

    def transform(self, positions: Sequence[int], rows: int, change: Callable[[Rows], Rows]) -> None:
        """Put other rows in the place of those that were read last, so many at a time.

        What is judged then are the new ones; `write_rejects` still gives the cells as they were read. Rows that
        do not come back are refused.

        Args:
            positions: the cells that the function gets.
            rows: at most so many at a time.
            change: makes rows of rows; called at least once. What it raises comes through.
        """
        ...

    def accept(
        self,
        contract: Contract,
        cells: Sequence[Cell],
        spans: Spans,
        now: datetime,
        judge: Judge | None = None,
    ) -> dict[int, Verdict]:
        """Judge what was read last, by the judge too if there is one; says what became of each batch that was read."""
        ...

    def failures(self, batch: int) -> list[tuple[str, str, str, int]]:
        """Count the refused rows of a batch by (column, rule, reason), most frequent first."""
        ...

    def forget(self, batch: int) -> None:
        """Drop the rows of a batch that was judged: its file is refused."""
        ...

    def write_rejects(self, batch: int, positions: Sequence[int], delimiter: str, path: Path) -> int:
        """Write the refused rows of a batch: the cells at these positions, and four more; returns their number."""
        ...

    def write_part(self, columns: Sequence[tuple[Field, StoredColumn]], batches: Sequence[int], path: Path) -> int:
        """Write the accepted rows of some batches, merged before, as Parquet; returns their number.

        `publish` may run beside it.
        """
        ...

    def copy_rows(self, sources: Mapping[Path, Collection[int]], path: Path) -> int:
        """Write the rows of Parquet files as one, of each without those of some batches; returns their number."""
        ...

    def copy_lasting(self, frame: Frame, batches: Sequence[BatchRow], stored: Stored, path: Path, by: str) -> int:
        """Write those stored rows that still matter, as one Parquet file; returns their number.

        Args:
            frame: as for `merge`.
            batches: as for `merge`.
            stored: as for `merge`.
            path: the file.
            by: `""`, or `_batch`: then each batch keeps what would matter without the others.
        """
        ...

    def tally(self, paths: Sequence[Path]) -> list[list[tuple[int, str, int, int]]]:
        """Count the rows of each Parquet file by (batch, name, revision); raises LedgerDamaged if one is none."""
        ...

    def merge(self, frame: Frame, batches: Sequence[BatchRow], stored: Stored) -> Effects:
        """Find the winners among the stored and the accepted rows, and what the accepted rows did."""
        ...

    def lost_keys(self, key: Sequence[Field], old: int, new: int) -> int:
        """The number of keys in the merged rows that one batch has and the other has not."""
        ...

    def publish(
        self,
        contract: Contract,
        columns: Sequence[ViewColumn],
        key: Sequence[Field],
        path: Path,
        *,
        excel_safe: bool = False,
    ) -> int:
        """Write the merged rows as `latest.csv`, defused for spreadsheets if so wanted; returns the number of rows."""
        ...

    def versions(
        self, contract: Contract, columns: Sequence[ViewColumn], key: Sequence[Field], wanted: Sequence[str]
    ) -> list[Version]:
        """Every version of one key in the merged rows, newest first."""
        ...

    def keep(self, contract: Contract, columns: Sequence[ViewColumn], key: Sequence[Field], name: str) -> None:
        """Keep the merged rows as texts under a name, for `compare` and `differences`."""
        ...

    def differences(self, one: str, other: str, key: Sequence[str], columns: Sequence[str]) -> tuple[int, int, int]:
        """Count the keys that are added, removed and changed from one kept state to another, and forget both."""
        ...

    def compare(self, one: str, other: str, key: Sequence[str], columns: Sequence[str]) -> Difference:
        """Compare two kept states cell by cell."""
        ...
