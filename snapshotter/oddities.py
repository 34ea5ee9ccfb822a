"""What is legal but strange about a file, by comparison with those before it: warnings, never refusals."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from statistics import median_low

from snapshotter.ledger.records import Status
from snapshotter.ledger.state import State

_SIZES = 10  # files whose numbers of records are remembered
_LOOKED_AT = 1000  # files: what is usual is told by those that came last
_FEWER = 5  # a file is strangely small if it has less than one part in so many of what is usual
_FILLED = 3  # files in a row in which a column had values, before an empty one is strange


class Oddities:
    """Remembers the last files that were applied.

    Args:
        state: of the dataset, before the run.
    """

    def __init__(self, state: State) -> None:
        """Look at the newest batches, whatever became of them later."""
        self._sizes: deque[int] = deque(maxlen=_SIZES)
        self._was_empty: dict[int, deque[bool]] = {}  # by column, in the newest files that carry it
        for number in sorted(state.batches)[-_LOOKED_AT:]:
            record = state.batches[number].record
            if record.status is not Status.APPLIED:  # a rebuild refused it: it says nothing about the others
                continue
            self.remember_size(record.read)
            if record.accepted:
                self.remember_columns([index for index, _ in state.shapes[record.shape or 0]], record.empty)

    def remember_size(self, records: int) -> None:
        """Take the number of a file's records into account."""
        self._sizes.append(records)

    def remember_columns(self, carried: Collection[int], empty: Collection[int]) -> None:
        """Take a file's columns into account.

        Args:
            carried: the columns that its header has.
            empty: those of them that have no value in any accepted record.
        """
        for index in carried:
            self._was_empty.setdefault(index, deque(maxlen=_FILLED)).append(index in empty)

    def about_size(self, records: int) -> list[str]:
        """A warning for a file with far fewer records than the ones before it."""
        if len(self._sizes) < 2:
            return []
        usual = median_low(self._sizes)
        if records * _FEWER >= usual:
            return []
        return [f"has {records:,} records, where the files before it have {usual:,} (median of {len(self._sizes)})"]

    def emptied(self, empty: Collection[int]) -> list[int]:
        """The columns without any value that had some in each of the last files that carry them."""
        return [index for index in sorted(empty) if index in self._was_empty and not any(self._was_empty[index])]
