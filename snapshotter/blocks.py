"""The lines of a view in blocks: where each begins, so that a run reads and writes those alone whose keys change.

A block is some 2 KB of whole lines. Beside where it begins the index keeps the key from which on it holds the keys,
and a checksum over a few blocks at once; the keys stay in the engine. Blocks are found again after a change by their
lengths, not by their content: a line is in the block whose key is the greatest that is not above its own.
"""

from __future__ import annotations

import os
import zlib
from array import array
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

Offsets = npt.NDArray[np.int64]

SIZE = 2048  # bytes from which on a block is long enough: a change costs reading one, the index an entry for each
TOGETHER = 8  # blocks under one checksum, when they are made
_UNCHECKED = -1  # in place of the checksum of a block that another one's covers
_PIECE = 1 << 20


@dataclass(frozen=True)
class Blocks:
    """Where blocks begin, and what they hold.

    Args:
        begins: the offset of each block in the view, ascending; the first one is that of the first line.
        checks: the CRC-32 of the bytes from a block on up to the next one that has such; -1 for the others.
        size: of the view, in bytes.
    """

    begins: Offsets
    checks: Offsets
    size: int

    @property
    def ends(self) -> Offsets:
        """The offset behind each block."""
        return np.append(self.begins[1:], self.size)

    @property
    def is_sound(self) -> bool:
        """Whether these can be blocks of a view at all."""
        bounds = np.append(self.begins, self.size)
        return bool(len(self.begins) and self.checks[0] != _UNCHECKED and (np.diff(bounds) >= 0).all())

    def holding(self, offsets: Offsets) -> Offsets:
        """The number of the block that each byte is in."""
        return np.searchsorted(self.begins, offsets, "right") - 1

    def split(self, begins: Offsets) -> Blocks:
        """The same view with more blocks, which begin at these offsets."""
        places = np.searchsorted(self.begins, begins)
        checks = np.insert(self.checks, places, _UNCHECKED)
        return Blocks(np.insert(self.begins, places, begins), checks, self.size)

    def resized(self, change: Offsets) -> Blocks:
        """The blocks after so many bytes came to each (or left it); checksums of changed ones are still to be taken.

        Args:
            change: in bytes, a number for each block.
        """
        lengths = self.ends - self.begins + change
        ends = int(self.begins[0]) + np.cumsum(lengths)
        return Blocks(np.concatenate((self.begins[:1], ends[:-1])), self.checks, int(ends[-1]))

    def divided(self, stale: npt.NDArray[np.bool_]) -> Blocks:
        """The same blocks with more checksums, still to be taken, where many came under a stale one.

        Else a view that only grows at its end would have nearly all of its bytes under one, and each run read them.

        Args:
            stale: for each checksum, whether it is to be taken anew.
        """
        checked = self.checks != _UNCHECKED
        heads, run = np.flatnonzero(checked), np.cumsum(checked) - 1
        is_long = stale & (np.diff(heads, append=len(checked)) >= 2 * TOGETHER)
        behind_head = np.arange(len(checked)) - heads[run]
        checks = self.checks.copy()
        checks[is_long[run] & (behind_head % TOGETHER == 0) & (self.ends > self.begins) & ~checked] = 0
        return Blocks(self.begins, checks, self.size)

    def has_checks_of(self, others: Blocks, wanted: npt.NDArray[np.bool_]) -> bool:
        """Whether these have the checksums of the same blocks at another time, of those that are wanted."""
        heads = np.flatnonzero(others.checks != _UNCHECKED)[wanted]
        return bool((self.checks[heads] == others.checks[heads]).all())

    def kept(self) -> tuple[Offsets, Offsets]:
        """The numbers of the blocks that an index needs, and their checksums.

        What would come to an empty block comes to the one before it, and the next one begins where its checksum does.
        The first one stays: it holds what comes before all else.
        """
        checked = self.checks != _UNCHECKED
        is_needed = self.ends > self.begins
        is_needed[0] = True
        kept, run = np.flatnonzero(is_needed), np.cumsum(checked) - 1
        is_head = np.diff(run[kept], prepend=-1) > 0
        return kept, np.where(is_head, self.checks[checked][run[kept]], _UNCHECKED)

    def runs(self) -> tuple[Offsets, Offsets]:
        """Where the bytes under each checksum begin, and the checksums."""
        checked = self.checks != _UNCHECKED
        return self.begins[checked], self.checks[checked]

    def stale(self, changed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """For each checksum, whether one of its blocks changed."""
        return np.logical_or.reduceat(changed, np.flatnonzero(self.checks != _UNCHECKED))

    def hold(self, view: IO[bytes], wanted: npt.NDArray[np.bool_]) -> bool:
        """Whether a view has these checksums, of those that are wanted.

        It is read, past all buffers, and never mapped: whoever cuts it short meanwhile would kill this process.
        """
        begins, checks = self.runs()
        ends = np.append(begins[1:], self.size)
        for run in np.flatnonzero(wanted).tolist():
            if zlib.crc32(os.pread(view.fileno(), int(ends[run] - begins[run]), int(begins[run]))) != checks[run]:
                return False
        return True

    def checked(self, checks: Offsets) -> Blocks:
        """The same blocks with other checksums."""
        found = self.checks.copy()
        found[found != _UNCHECKED] = checks
        return Blocks(self.begins, found, self.size)


class Scanner:
    """Finds the blocks of a view that is rendered whole, from its bytes, a piece at a time.

    Args:
        firsts: where the first line of each block is written to.
    """

    def __init__(self, firsts: IO[bytes]) -> None:
        """Nothing is seen yet."""
        self._firsts = firsts
        self._begins, self._checks = array("q"), array("q")
        self._held = b""  # the bytes of the block that has not ended yet
        self._offset = 0  # where it begins
        self._in_header = True
        self._check = 0

    def feed(self, piece: memoryview) -> None:
        """Look at the next bytes."""
        text, begin = b"".join((self._held, piece)), 0
        if self._in_header and (begin := line_end(text, 0, 0)):
            self._in_header = False
        while not self._in_header and (end := line_end(text, begin, begin + SIZE)):
            self._close(text, begin, end)
            begin = end
        self._held, self._offset = text[begin:], self._offset + begin

    def finish(self) -> Blocks:
        """All blocks, at the end of the view."""
        size = self._offset + len(self._held)
        if self._held:
            self._close(self._held, 0, len(self._held))
        self._keep_check()
        return Blocks(np.array(self._begins, np.int64), np.array(self._checks, np.int64), size)

    def _close(self, text: bytes, begin: int, end: int) -> None:
        """Take in a block: these bytes of a text."""
        self._firsts.write(text[begin : line_end(text, begin, begin)])
        if len(self._begins) % TOGETHER == 0:
            self._keep_check()
            self._check = 0
        self._begins.append(self._offset + begin)
        self._checks.append(_UNCHECKED)
        self._check = zlib.crc32(memoryview(text)[begin:end], self._check)

    def _keep_check(self) -> None:
        if self._begins:
            self._checks[(len(self._begins) - 1) // TOGETHER * TOGETHER] = self._check


def line_end(text: bytes, begin: int, least: int) -> int:
    """The first offset behind a line end outside quotes that is above `least`; 0 if there is none.

    Args:
        text: some lines.
        begin: an offset outside quotes.
        least: the line end is at this offset or behind it, and this is not before `begin`.
    """
    inside, since, end = 0, begin, text.find(b"\n", least)
    while end >= 0:
        inside ^= text.count(b'"', since, end) & 1
        if not inside:
            return end + 1
        since, end = end, text.find(b"\n", end + 1)
    return 0


def line_ends(text: IO[bytes]) -> Offsets:
    """The offsets behind all line ends outside quotes."""
    found, offset, inside = [np.empty(0, np.int64)], 0, 0
    while piece := text.read(_PIECE):
        codes = np.frombuffer(piece, np.uint8)
        ends = np.flatnonzero(codes == ord("\n"))
        if b'"' in piece or inside:
            quotes = np.flatnonzero(codes == ord('"'))
            ends = ends[((np.searchsorted(quotes, ends) + inside) & 1) == 0]
            inside = (inside + len(quotes)) & 1
        found.append(ends + (offset + 1))
        offset += len(piece)
    return np.concatenate(found)
