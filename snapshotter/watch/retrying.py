"""When what failed is tried again: after a pause that doubles with each failure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

LONGEST = 300.0  # seconds


@dataclass(frozen=True)
class Failure:
    """How often something failed, when it is tried again, and how long that is from its last failure."""

    times: int
    until: float
    pause: float


class Retries(Generic[K]):
    """What failed and waits; keys are whatever tells one thing from another."""

    def __init__(self) -> None:
        """Nothing failed yet."""
        self._failures: dict[K, Failure] = {}

    def failed(self, key: K, now: float, longest: float = LONGEST) -> float:
        """Note a failure; returns the pause in seconds: 1, 2, 4 … `longest`."""
        times = self._failures[key].times + 1 if key in self._failures else 1
        pause = min(2.0 ** min(times - 1, 30), longest)
        self._failures[key] = Failure(times, now + pause, pause)
        return pause

    def succeeded(self, key: K) -> None:
        """Forget a failure."""
        self._failures.pop(key, None)

    def waits(self, key: K, now: float) -> bool:
        """Whether it is too early to try again."""
        return key in self._failures and now < self._failures[key].until

    def pause(self, key: K) -> float:
        """The present pause of what failed, in seconds; 0 for what did not."""
        return self._failures[key].pause if key in self._failures else 0.0

    def due(self, key: K, now: float) -> bool:
        """Whether it failed, and its time has come."""
        return key in self._failures and not self.waits(key, now)

    def keep(self, wanted: Callable[[K], bool]) -> None:
        """Forget all others."""
        self._failures = {key: failure for key, failure in self._failures.items() if wanted(key)}

    def next(self, now: float) -> float | None:
        """When the next pause ends that has not ended yet; None if nothing waits."""
        return min((f.until for f in self._failures.values() if f.until > now), default=None)

    def __len__(self) -> int:
        """How many things failed."""
        return len(self._failures)

    def __iter__(self) -> Iterator[K]:
        """The keys of what failed."""
        return iter(list(self._failures))
