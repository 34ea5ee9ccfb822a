"""What is said to an engine, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snapshotter.blocks import Offsets
from snapshotter.contract.columns import Column, StoredColumn
from snapshotter.frame import Field


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
class Staged:
    """A Parquet file of accepted rows, as it can be a part of the ledger.

    Args:
        path: where it lies.
        rows: their number.
        batches: theirs.
    """

    path: Path
    rows: int
    batches: tuple[int, ...]


@dataclass(frozen=True)
class Narrowed:
    """How a merge of the sought keys alone finds their older rows.

    Args:
        settles: whether a line of the view stands for all rows of its key where every new row is later.
        buries: whether there may be tombstones, of which the view shows nothing.
    """

    settles: bool
    buries: bool


@dataclass(frozen=True)
class Placed:
    """Where merged rows go among the lines of the view that were shown.

    Args:
        gone: numbers of the lines that go, ascending.
        blocks, after: for each merged row, in order, its block, and the last line that is not behind it (-1: none).
    """

    gone: Offsets
    blocks: Offsets
    after: Offsets


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
