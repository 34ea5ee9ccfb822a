"""The port for set-sized work: what a run asks of an engine, whichever it is.

An engine is opened for one dataset and one piece of work, holds rows and never decides: which row wins is in
`merge`, what is valid in `contract`, how a cell is published in `publish`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from snapshotter.blocks import Offsets
from snapshotter.contract import Contract
from snapshotter.contract.columns import StoredColumn
from snapshotter.engine.base import (
    BatchRow,
    Cell,
    Difference,
    Effects,
    Narrowed,
    Placed,
    Rows,
    Spans,
    Staged,
    Stored,
    Text,
    Verdict,
    Version,
)
from snapshotter.frame import Field, Frame
from snapshotter.publish import ViewColumn

if TYPE_CHECKING:
    from snapshotter.contract.model import Judge


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

    @property
    def version(self) -> str:
        """Which engine it is; another one may order keys by other means."""
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

        What is judged then are the new ones; `rejected_lines` still gives the cells as they were read. Rows that
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

    def rejected_lines(
        self, batches: Sequence[int], positions: Sequence[int], delimiter: str, longest: int
    ) -> Iterator[tuple[int, str]]:
        """The refused rows of batches that were judged at once, as CSV: (batch, some lines), in order of both.

        Args:
            batches: their numbers, ascending.
            positions: the cells of each row, which four more follow.
            delimiter: between cells.
            longest: the longest record, in bytes.
        """
        ...

    @property
    def staged(self) -> list[Staged]:
        """The files that hold accepted rows already."""
        ...

    def stage(
        self, batches: Sequence[tuple[int, str, int]], columns: Sequence[tuple[Field, StoredColumn]], path: Path
    ) -> None:
        """Move the accepted rows of a text out of the memory, into a Parquet file that can be a part of the ledger.

        Args:
            batches: all that were judged at once: number, name and revision of each.
            columns: those that they have.
            path: the file.
        """
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

    def seek(self, frame: Frame, sources: Sequence[Stored], changed: Collection[int]) -> int:
        """Find the keys that can change; returns how many there are.

        Args:
            frame: as for `merge`.
            sources: where the rows of the changed batches are.
            changed: stored batches that count no longer, or again.
        """
        ...

    def seek_key(self, contract: Contract, key: Sequence[Field], parts: Sequence[str]) -> None:
        """Seek one key alone, by its parts as a user writes them; no lines can be located for it."""
        ...

    def load_index(self, path: Path) -> tuple[Offsets, Offsets]:
        """Read an index of the view; returns where its blocks begin, and their checksums."""
        ...

    def make_index(self, firsts: Text, contract: Contract, columns: Sequence[ViewColumn], key: Sequence[Field]) -> int:
        """Begin an index anew of the first line of each block; returns how many there are."""
        ...

    def split_blocks(self, lines: Offsets, begins: Offsets) -> None:
        """Let blocks of the index begin at these lines that were shown, too."""
        ...

    def write_index(self, begins: Offsets, checks: Offsets, kept: Offsets, path: Path) -> None:
        """Write the index with these offsets and checksums of the blocks that are kept."""
        ...

    def locate(self) -> Offsets:
        """The numbers of the blocks in which sought keys belong, ascending."""
        ...

    def show(
        self,
        text: Text,
        contract: Contract,
        columns: Sequence[ViewColumn],
        key: Sequence[Field],
        timestamp: Field | None,
    ) -> int:
        """Read lines of the view, in their order; returns their number. Raises ReadFailed."""
        ...

    def placed(self, key: Sequence[Field]) -> Placed:
        """Where the merged rows go among the lines that were shown, and which of those go."""
        ...

    def merge(
        self, frame: Frame, batches: Sequence[BatchRow], stored: Stored, narrowed: Narrowed | None = None
    ) -> Effects:
        """Find the winners among the stored and the accepted rows, and what the accepted rows did.

        Args:
            frame: the columns in play.
            batches: the batches in play.
            stored: the rows that are there already.
            narrowed: merge the keys alone that were sought, of which lines were shown; without it, all.
        """
        ...

    def lost_keys(self, frame: Frame, stored: Stored, revisions: Mapping[int, int]) -> dict[int, int]:
        """How many keys a batch lacks that an earlier one has; those that lack none are left out.

        Args:
            frame: the columns in play.
            stored: files with the rows of earlier batches; those of new ones are accepted rows.
            revisions: the earlier batch by the new one.
        """
        ...

    def publish(
        self,
        contract: Contract,
        columns: Sequence[ViewColumn],
        key: Sequence[Field],
        path: Path,
        *,
        excel_safe: bool = False,
        header: bool = True,
    ) -> int:
        """Write the merged rows as `latest.csv`; returns their number.

        Args:
            contract: of the snapshot.
            columns: of the view.
            key: its fields.
            path: the file.
            excel_safe: defuse cells and names for spreadsheets.
            header: begin with the names of the columns.
        """
        ...

    def versions(self, contract: Contract, columns: Sequence[ViewColumn], key: Sequence[Field]) -> list[Version]:
        """Every version of the key that was sought, in the merged rows, newest first."""
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
