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
        parents: for rows that belong to those of another table: its growth, and which row is whose.
        together: whether such rows were made with their parents, or some time after them.
    """

    firsts: Numbers
    windows: Windows
    key: int
    parents: tuple[Growth, Callable[[Words], Words]] | None = None
    together: bool = True

    def __len__(self) -> int:
        """All rows there ever are."""
        return int(self.firsts[-1])

    def file_of(self, ids: Words) -> npt.NDArray[np.intp]:
        """The file with which each row came first."""
        found: npt.NDArray[np.intp] = np.searchsorted(self.firsts, ids.astype(np.int64), side="right") - 1
        return found

    def created(self, ids: Words) -> Numbers:
        """The time of each row's first form.

        The rows of a file lie in even steps over its time, one in each. Those that belong to others have their time,
        or lie anywhere between that and the file's.
        """
        files = self.file_of(ids)
        if self.parents:
            growth, whose = self.parents
            made = growth.created(whose(ids))
            return made if self.together else self._between(np.maximum(made, self.windows.opens[files]), files, ids)
        before, opens = self.firsts[files], self.windows.opens[files]
        number, seconds = self.firsts[files + 1] - before, self.windows.closes[files] - opens
        place = ids.astype(np.int64) - before
        step = np.maximum(seconds // number, 1).astype(np.uint64)
        scattered = ((mix(ids, self.key) >> np.uint64(32)) * step) >> np.uint64(32)
        at: Numbers = opens + place * seconds // number + scattered.astype(np.int64)
        return at

    def _between(self, opens: Numbers, files: npt.NDArray[np.intp], ids: Words) -> Numbers:
        room = (self.windows.closes[files] - opens).astype(np.uint64)
        at: Numbers = opens + (((mix(ids, self.key) >> np.uint64(32)) * room) >> np.uint64(32)).astype(np.int64)
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
