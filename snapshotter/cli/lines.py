"""Lines for a supervisor: one that stops reading, or goes away, must not keep a watch from its end."""

from __future__ import annotations

import json
import os
import select
import sys
import time
from typing import TYPE_CHECKING

from snapshotter.errors import NotWritten

if TYPE_CHECKING:
    from pydantic import BaseModel

    from snapshotter.watch import Stop

_PIECE = 512  # bytes that a pipe or a terminal takes without blocking once it says that it takes some
_PATIENCE = 5.0  # seconds for a reader, once the watch is asked to end
_SLICE = 100  # milliseconds between two looks whether it is asked again


class Lines:
    """Writes objects to stdout, a line each, past Python's buffer.

    A reader that is slow is waited for, and the watch with it. Once it is asked to end that has a limit, and asked
    twice none: the rest is dropped.

    Args:
        stop: the watch's.
    """

    def __init__(self, stop: Stop) -> None:
        """Nothing is written yet."""
        self._stop, self._end, self._dropped = stop, 0.0, False

    def write(self, told: BaseModel) -> None:
        """Write one line.

        Raises:
            NotWritten: nobody can read it any more.
        """
        text = json.dumps(told.model_dump(mode="json"), ensure_ascii=False) + "\n"
        rest = text.encode(sys.stdout.encoding, sys.stdout.errors or "strict")
        try:
            while rest and self._is_free():
                rest = rest[os.write(sys.stdout.fileno(), rest[:_PIECE]) :]
        except BlockingIOError:  # somebody else's descriptor, too, and made so by them
            self._dropped = True
        except OSError as error:
            raise NotWritten(path="stdout", problem=error.strerror or error) from error

    def _is_free(self) -> bool:
        """Wait until something can be written; False if nothing is to be written any more."""
        if self._dropped:  # half a line may have been the last
            return False
        out = select.poll()
        out.register(sys.stdout.fileno(), select.POLLOUT)
        bell = self._stop.bell.descriptor
        while not out.poll(0):
            if not self._stop.times:
                either = select.poll()
                either.register(sys.stdout.fileno(), select.POLLOUT)
                either.register(bell, select.POLLIN)
                either.poll()
                continue
            self._end = self._end or time.monotonic() + _PATIENCE
            if self._stop.times > 1 or time.monotonic() >= self._end:
                self._dropped = True
                return False
            out.poll(_SLICE)
        return True
