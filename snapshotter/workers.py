"""Work side by side: on threads, or one after the other where there is to be one thread alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, ParamSpec, Protocol, TypeVar

from snapshotter.config import threads

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Doing(Protocol[T_co]):
    """Work that was begun."""

    def result(self) -> T_co:
        """What comes of it, once it is done; raises what it raised."""
        ...


class Begin(Protocol):
    """Begins work."""

    def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Doing[T]:
        """Call something beside all else."""
        ...


class _Later(Generic[T]):
    """Work that is done when its result is asked for."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done: list[T] = []

    def result(self) -> T:
        if not self._done:
            self._done.append(self._work())
        return self._done[0]


def _later(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Doing[T]:
    return _Later(lambda: work(*args, **kwargs))


@contextmanager
def workers(most: int) -> Iterator[Begin]:
    """Hands that work beside this one; all that was begun is over at the end.

    With one thread alone (`SNAPSHOTTER_THREADS`), work is done where its result is asked for, and each must be.

    Args:
        most: at most so many; with 0, as with one thread alone.
    """
    if most == 0 or threads() == 1:
        yield _later
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=most) as pool:
            yield pool.submit
