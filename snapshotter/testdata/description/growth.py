"""How a table grows: which of its rows come first with which file, and when each was made.

Both are functions of a row's number, so any other table can ask for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.draws import Words, below, mix

Numbers = npt.NDArray[np.int64]

CHANGES = ("new", "updated", "resent", "late", "deleted")
NEW, UPDATED, RESENT, LATE, DELETED = range(len(CHANGES))


@dataclass(frozen=True, kw_only=True)
class Windows:
    """The time that each file tells of: from the file before it to itself.

    Args:
        opens: the first second of each file's time, in seconds since 1970.
        closes: the time of each file; no row that it brings is as late as that.
    """

    opens: Numbers
    closes: Numbers

    def __len__(self) -> int:
        return len(self.closes)


@dataclass(frozen=True, kw_only=True)
class Growth:
    """The numbers of a table's rows.

    Args:
        firsts: how many rows there were before each file, and after the last one: ascending from 0.
        windows: of the files.
        key: a word that scatters the times.
        made_with: for rows that are made with those of another table: its growth, and which row is whose.
        in_order: whether rows of a file were made in the order of their numbers.
    """

    firsts: Numbers
    windows: Windows
    key: int
    made_with: tuple[Growth, Callable[[Words], Words]] | None = None
    in_order: bool = True

    def __len__(self) -> int:
        """All rows there ever are."""
        return int(self.firsts[-1])

    def file_of(self, ids: Words) -> npt.NDArray[np.intp]:
        """The file with which each row came first."""
        found: npt.NDArray[np.intp] = np.searchsorted(self.firsts, ids.astype(np.int64), side="right") - 1
        return found

    def created(self, ids: Words) -> Numbers:
        """The time of each row's first form.

        The rows of a file lie in even steps over its time, one in each; or they have the time of those that they
        are made with; or anywhere in the time of the file.
        """
        if self.made_with:
            growth, parents = self.made_with
            return growth.created(parents(ids))
        files = self.file_of(ids)
        before, opens = self.firsts[files], self.windows.opens[files]
        number, seconds = self.firsts[files + 1] - before, self.windows.closes[files] - opens
        if not self.in_order:
            anywhere = ((mix(ids, self.key) >> np.uint64(32)) * seconds.astype(np.uint64)) >> np.uint64(32)
            return opens + anywhere.astype(np.int64)
        place = ids.astype(np.int64) - before
        step = np.maximum(seconds // number, 1).astype(np.uint64)
        scattered = ((mix(ids, self.key) >> np.uint64(32)) * step) >> np.uint64(32)
        at: Numbers = opens + place * seconds // number + scattered.astype(np.int64)
        return at

    def known(self, files: npt.NDArray[np.intp]) -> Numbers:
        """How many rows had come with these files or before them."""
        return self.firsts[files + 1]


def steps(count: int, opens: int, closes: int, words: Words) -> Numbers:
    """Times in even steps from `opens` to before `closes`, each somewhere in its step.

    Args:
        count: how many.
        opens: in seconds.
        closes: in seconds, later than `opens`.
        words: one for each.
    """
    seconds = closes - opens
    even = np.arange(count, dtype=np.int64) * seconds // max(1, count)
    return opens + even + below(words, max(1, seconds // max(1, count))).astype(np.int64)
