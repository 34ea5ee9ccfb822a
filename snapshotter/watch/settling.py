"""When a file has settled: a pure function over looks at the queue.

A writer tells nobody when it is done. So a file is taken once two looks at it, some time apart, and every look between
them, saw the same size, times and inode. A name that a writer only gives when it is done needs no second look.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Set
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
L = TypeVar("L")


@dataclass(frozen=True)
class Settling(Generic[K, L]):
    """What was seen so far.

    Args:
        since: each file's look, and when it was first seen; a moment behind that look.
        settled: the files that have settled.
    """

    since: Mapping[K, tuple[L, float]] = field(default_factory=dict)
    settled: frozenset[K] = frozenset()

    def looked(
        self,
        looks: Mapping[K, L],
        began: float,
        ended: float,
        pause: float,
        whole: Set[K] = frozenset(),
    ) -> Settling[K, L]:
        """What is known after one more look at everything.

        Args:
            looks: what each file that is there looks like.
            began: when the look began, in seconds of a clock that never goes back. A file was seen somewhere between
                begin and end; so a first look counts from its end, and a second one up to its begin.
            ended: when it ended.
            pause: how long a file must not change, in seconds.
            whole: files that are known to be whole.
        """
        since = {}
        settled = set()
        for key, look in looks.items():
            first = self.since.get(key)
            is_same = first is not None and first[0] == look
            since[key] = first if first is not None and is_same else (look, ended)
            rested = first is not None and is_same and began - first[1] >= pause
            if rested or pause <= 0 or key in whole:
                settled.add(key)
        return Settling(since, frozenset(settled))

    def due(self, pause: float) -> float | None:
        """When the next file that is not settled could be; None if there is none."""
        return min((at + pause for key, (_, at) in self.since.items() if key not in self.settled), default=None)
