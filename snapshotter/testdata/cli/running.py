"""A source that runs: a batch of its tables at each interval, until it is stopped."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import typer

from snapshotter.testdata.batch import Batch
from snapshotter.testdata.delivery import Delivery
from snapshotter.testdata.picture import counted
from snapshotter.testdata.source import Source


@dataclass
class Ran:
    """What was delivered until the end.

    Args:
        batches: how often.
        files: how many.
        rows: in all of them.
        size: their bytes.
    """

    batches: int = 0
    files: int = 0
    rows: int = 0
    size: int = 0

    def add(self, made: Delivery) -> None:
        """Note one batch."""
        self.batches += 1
        self.files += len(made.names)
        self.rows += sum(made.rows.values())
        self.size += made.size


def run(source: Source, seconds: float, put: Callable[[list[Batch]], Delivery], *, quiet: bool) -> Ran:
    """Deliver the source's files of one time after the other, at even intervals, until SIGINT, SIGTERM or the end.

    The n-th batch comes n intervals after the first one, however long it took to write those before it; if that was
    longer than the interval it comes at once. What was begun when a signal comes is delivered whole.

    Args:
        source: has files of many times.
        seconds: between two batches.
        put: delivers the files of one batch.
        quiet: say nothing of each batch.
    """
    ran = Ran()
    with _stopped_by_signals() as stopped:
        begun = time.monotonic()
        for number, (at, files) in enumerate(itertools.groupby(source.batches(), key=lambda batch: batch.at)):
            late = time.monotonic() - (begun + number * seconds)
            if stopped.wait(max(0, -late)):
                break
            if late > seconds and not quiet:
                typer.echo(
                    f"note: the batch of {at} comes {late:.1f} s late: writing takes longer than --every", err=True
                )
            made = put(list(files))
            ran.add(made)
            if not quiet:
                rows = counted(sum(made.rows.values()), "row")
                typer.echo(f"{at:%Y-%m-%d %H:%M:%S}  {rows} in {counted(len(made.names), 'file')}", err=True)
    return ran


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, in place of what they do otherwise."""
    stopped = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
