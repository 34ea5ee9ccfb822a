"""The bytes of a file in order, also while it is written, right behind whoever writes: for digest and checksums."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from io import FileIO
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol, TypeVar

import numpy as np

from snapshotter.blocks import Offsets
from snapshotter.errors import NotWritten

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_PIECE = 1 << 18  # bytes; they stay in the processor's cache until all have looked at them
END = -1  # told when nothing more is written


def growing(path: Path, sizes: Iterable[int]) -> Iterator[memoryview]:
    """The bytes of a file that is written from its start to its end, without a gap; each piece until the next one.

    Args:
        path: the file; it is there once there is a size.
        sizes: how many bytes are there, again and again until nothing more is written.

    Raises:
        NotWritten: what was there is not there any more.
    """
    seen, buffer = 0, memoryview(bytearray(_PIECE))
    with ExitStack() as stack:
        file: FileIO | None = None
        for size in sizes:
            if file is None:
                file = stack.enter_context(FileIO(path))
            while seen < size:
                length = file.readinto(buffer[: size - seen])
                if not length:
                    raise NotWritten(path=path, problem="it became shorter while it was written")
                seen += length
                yield buffer[:length]


def told(queue: SimpleQueue[int]) -> Iterator[int]:
    """Sizes as whoever writes tells them, until END."""
    while (size := queue.get()) != END:
        yield size


class Checksums:
    """The CRC-32 of runs of bytes that follow each other.

    Args:
        runs: the offset at which each begins; each ends where the next one begins, the last at the end.
    """

    def __init__(self, runs: Offsets) -> None:
        """Nothing is seen yet."""
        self._bounds = [*runs.tolist(), -1]
        self._found = [0] * len(runs)
        self._run = -1  # the one that is being read
        self._offset = 0

    def feed(self, view: memoryview) -> None:
        """Look at the next bytes."""
        begin = 0
        while begin < len(view):
            bound = self._bounds[self._run + 1] - self._offset
            end = min(bound, len(view)) if bound >= 0 else len(view)
            if self._run >= 0 and end > begin:
                self._found[self._run] = zlib.crc32(view[begin:end], self._found[self._run])
            if end == bound:
                self._run += 1
            begin = end
        self._offset += len(view)

    def finish(self) -> Offsets:
        """All of them."""
        return np.array(self._found, np.int64)


class Reader(Protocol[T_co]):
    """What looks at the bytes of a file, in order."""

    def feed(self, piece: memoryview, /) -> None:
        """Look at the next bytes."""
        ...

    def finish(self) -> T_co:
        """What it made of them all."""
        ...


def scan(pieces: Iterable[memoryview], reader: Reader[T]) -> T:
    """What a reader makes of some bytes."""
    for piece in pieces:
        reader.feed(piece)
    return reader.finish()


def read_through(pieces: Iterable[memoryview], reader: Reader[T]) -> tuple[str, T]:
    """The sha256 of some bytes, and what a reader makes of them."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
        reader.feed(piece)
    return found.hexdigest(), reader.finish()
