"""Makes the parts of files with several threads, and hands them out in their order.

NumPy lets other threads run while it works on a column, so two threads make nearly twice the rows of one, in one
process and without copies from one to another. What is handed out, and so the bytes of a file, does not depend on
their number. How far the threads may be ahead is bounded, and so is the memory.

Measured with 10 million rows of the demo (1.5 GB in 50 files, to disk, two cores; medians of three turns on a
machine that did other things, too): one thread 6.0 s, two 5.3 s, since the kernel gave each part fresh pages and
took them back. With `keep_memory` one thread took 4.9 s, two 3.1 s (2.5 s at best). Two processes that made whole
files each took 3.3 s, and would leave a single large file to one of them. Half of what is left is `cells.compact`;
`bytes.translate` is as fast, but lets no other thread run.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from snapshotter.testdata.batch import Batch, Part

T = TypeVar("T")
_Task = tuple[Callable[[], Any], SimpleQueue[Any]]  # what is to be done, and where to put what it gave

_AHEAD = 2  # parts that wait for each thread, so that none is idle while one is written
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of mallopt(3)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def keep_memory() -> None:
    """Let this process keep the memory of one part for the next one, where its C library can be told.

    glibc gives blocks of this size back to the system at once, and the system clears every page of the next one.
    For a program, not for a library: it holds for the whole process.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:  # not in musl
        mallopt(_MMAP_THRESHOLD, 64 << 20)
        mallopt(_TRIM_THRESHOLD, 256 << 20)


def made(
    batches: Iterable[Batch], prepare: Callable[[bytes], T], threads: int
) -> Generator[tuple[Batch, Iterator[tuple[T, int]]], None, None]:
    """Make batches.

    Args:
        batches: are asked for one by one, not far ahead.
        prepare: what else a thread is to do with the bytes of a part.
        threads: how many make parts, beside the one that asks for them.

    Yields:
        Each batch, in order, and an iterator of its parts (the header first) as `prepare` returns them, each with
        the number of rows that count as made with it. It must be used up before the next batch is asked for.
    """
    with workers(threads) as hand_over:
        parts = _in_order(batches, prepare, hand_over, _AHEAD * threads)
        for _, group in itertools.groupby(parts, key=lambda part: part[0]):
            first = next(group)
            yield first[1], ((packed, rows) for _, _, packed, rows in itertools.chain([first], group))


class HandOver(Protocol):
    """Hands work over to a thread."""

    def __call__(self, work: Callable[[], T], /) -> Callable[[], T]:
        """Hand it over; what is returned waits for it, and returns or raises what it did."""


@contextmanager
def workers(count: int) -> Iterator[HandOver]:
    """Threads that do what they are handed; at the end nothing more is begun, and what was begun is waited for.

    Not `concurrent.futures`: a Ctrl-C may be raised anywhere in it, also where it has just taken a lock that a thread
    then waits for, and the program for that thread. A `SimpleQueue` is never left half changed.
    """
    tasks: SimpleQueue[_Task | None] = SimpleQueue()
    ended: SimpleQueue[None] = SimpleQueue()
    for number in range(count):
        threading.Thread(target=_work, args=(tasks, ended), name=f"part-{number}", daemon=True).start()

    def hand_over(work: Callable[[], T], /) -> Callable[[], T]:
        box: SimpleQueue[Any] = SimpleQueue()
        tasks.put((work, box))
        return partial(_taken, box)

    try:
        yield hand_over
    finally:
        with suppress(Empty):
            while True:
                tasks.get_nowait()
        for _ in range(count):
            tasks.put(None)
        for _ in range(count):
            ended.get()


def _work(tasks: SimpleQueue[_Task | None], ended: SimpleQueue[None]) -> None:
    while task := tasks.get():
        work, box = task
        try:
            box.put((work(), None))
        except BaseException as error:  # noqa: BLE001  (whoever waits for it gets it)
            box.put((None, error))
    ended.put(None)


def _taken(box: SimpleQueue[Any]) -> Any:  # noqa: ANN401  (what the work returns, as `HandOver` says)
    done, error = box.get()
    if error:
        raise error
    return done


def _in_order(
    batches: Iterable[Batch],
    prepare: Callable[[bytes], T],
    hand_over: HandOver,
    most: int,
) -> Iterator[tuple[int, Batch, T, int]]:
    """Each part with its file's number, its batch and its share of the rows; at most some are made ahead."""
    ahead: deque[tuple[int, Batch, Callable[[], T], int]] = deque()
    for number, batch, part, rows in _parts(batches):
        # A header takes less than to hand it to a thread, and there may be many small files.
        is_header = part == batch.header
        make = partial(_prepared, part, prepare)
        ahead.append((number, batch, make if is_header else hand_over(make), rows))
        if len(ahead) > most:
            file, of, taken, share = ahead.popleft()
            yield file, of, taken(), share
    for file, of, taken, share in ahead:
        yield file, of, taken(), share


def _parts(batches: Iterable[Batch]) -> Iterator[tuple[int, Batch, Part, int]]:
    for number, batch in enumerate(batches):
        count = len(batch.parts)
        yield number, batch, batch.header, 0 if count else batch.rows
        for i, part in enumerate(batch.parts):
            yield number, batch, part, batch.rows * (i + 1) // count - batch.rows * i // count


def _prepared(part: Part, prepare: Callable[[bytes], T]) -> T:
    return prepare(part())
