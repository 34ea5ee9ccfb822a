"""When the next batch is due, and a wait for it that a signal ends."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LONGEST = 3600.0  # seconds in one go: the system takes no wait of centuries


@dataclass(frozen=True)
class Stop:
    """Whether somebody has asked for the end.

    Args:
        reader: becomes readable then. A pipe: whatever a handler of signals can do to a lock, it cannot to this.
        asked: the numbers of the signals that came.
    """

    reader: int
    asked: list[int] = field(default_factory=list)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the end is asked for: whether it is."""
        poll = select.poll()  # select would begin its wait anew after SIGSTOP and SIGCONT
        poll.register(self.reader, select.POLLIN)
        until = time.monotonic() + seconds
        while not self.asked and (left := until - time.monotonic()) > 0:
            poll.poll(min(left, _LONGEST) * 1000)
        return bool(self.asked)


@contextlib.contextmanager
def stopping() -> Iterator[Stop]:
    """SIGINT, SIGTERM and SIGHUP ask for the end; a second one breaks off what is being done.

    A signal that is ignored, as under nohup, stays so.
    """
    reader, writer = os.pipe()
    stop = Stop(reader)

    def ask(number: int, _: FrameType | None) -> None:
        if stop.asked:
            raise SystemExit(128 + number)
        stop.asked.append(number)
        os.write(writer, b".")

    before = {number: handler for number in _ENDING if (handler := signal.getsignal(number)) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


@dataclass
class Pace:
    """Batch n is due n intervals after the first one, however long each of them takes.

    Args:
        interval: in seconds.
        clock: in seconds, never goes back.
    """

    interval: float
    clock: Callable[[], float] = time.monotonic
    _first: float | None = field(default=None, init=False)

    def left(self, number: int) -> float:
        """The seconds from now until a batch is due, less than 0 if it is late; the first one that is asked for is."""
        now = self.clock()
        if self._first is None:
            self._first = now - number * self.interval
        return self._first + number * self.interval - now

    def passed(self) -> float:
        """The seconds since the first batch."""
        return 0.0 if self._first is None else self.clock() - self._first
