"""The digests of a file while it is written: on another core, right behind whoever writes."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from snapshotter.blocks import Offsets
from snapshotter.errors import NotWritten

_PIECE = 1 << 20
END = -1  # told when nothing more is written


class Following:
    """Follows a file that is written from its start to its end, without a gap.

    Args:
        path: the file; it need not exist yet.
        runs: offsets in it; the bytes from each to the next one have a checksum of their own.
    """

    def __init__(self, path: Path, runs: Offsets) -> None:
        """Nothing is written yet."""
        self._path, self._bounds = path, [*runs.tolist(), -1]
        self._told: SimpleQueue[int] = SimpleQueue()
        self._checks = np.zeros(len(runs), np.int64)
        self._run = -1  # the one that is being read

    def tell(self, size: int) -> None:
        """Say how many bytes are there, or END."""
        self._told.put(size)

    def digests(self) -> tuple[str, Offsets]:
        """The sha256 of what was told to be there, at the end of it, and the CRC-32 of each run of bytes.

        Raises:
            NotWritten: it is not there any more.
        """
        found, seen = hashlib.sha256(), 0
        buffer = memoryview(bytearray(_PIECE))
        size = self._told.get()
        if size == END:
            return found.hexdigest(), self._checks
        with self._path.open("rb", buffering=0) as file:
            while size != END:
                while seen < size:
                    piece = buffer[: file.readinto(buffer[: min(_PIECE, size - seen)])]
                    if not piece:
                        raise NotWritten(path=self._path, problem="it became shorter while it was written")
                    found.update(piece)
                    self._check(piece, seen)
                    seen += len(piece)
                size = self._told.get()
        return found.hexdigest(), self._checks

    def _check(self, piece: memoryview, offset: int) -> None:
        """Take the bytes from an offset on into the checksums of their runs."""
        begin = 0
        while begin < len(piece):
            bound = self._bounds[self._run + 1] - offset
            end = min(bound, len(piece)) if bound >= 0 else len(piece)
            if self._run >= 0 and end > begin:
                self._checks[self._run] = zlib.crc32(piece[begin:end], int(self._checks[self._run]))
            if end == bound:
                self._run += 1
            begin = end
