"""Records that are set apart from a text, since they cannot be read as rows: any number of them, in little memory."""

from __future__ import annotations

import struct
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]

_HELD = 2**20  # bytes of them that are held in memory, before they go to the disk
_RUNS = 5_000_000  # runs of set apart records that are kept apart from each other, 16 bytes each
_FRAME = struct.Struct("<QQII")  # number, and the lengths of the bytes, the rule and the reason


@dataclass(frozen=True)
class Raw:
    """What could not be read as a row: its number, what it failed, and its bytes (UTF-8) without the line end."""

    row: int
    rule: str
    reason: str
    raw: bytes


class TooScattered(Exception):
    """Good records and others alternate too often to be told apart in bounded memory."""


class Apart:
    """Records of one text that are set apart, in the order in which they stand there.

    Args:
        scratch: a folder for those that do not fit into memory.
    """

    def __init__(self, scratch: Path) -> None:
        """There is none yet."""
        self._scratch = scratch
        self._file: IO[bytes] | None = None
        self._count = 0
        self._firsts, self._lasts = array("q"), array("q")

    def add(self, record: Raw) -> None:
        """Set one more apart; its number is greater than those before it.

        Raises:
            TooScattered: there are too many runs of them.
        """
        if self._lasts and self._lasts[-1] == record.row - 1:
            self._lasts[-1] = record.row
        elif len(self._lasts) == _RUNS:
            raise TooScattered
        else:
            self._firsts.append(record.row)
            self._lasts.append(record.row)
        if self._file is None:
            self._file = cast(IO[bytes], tempfile.SpooledTemporaryFile(_HELD, dir=str(self._scratch)))  # noqa: SIM115
        rule, reason = record.rule.encode(), record.reason.encode()
        frame = _FRAME.pack(record.row, len(record.raw), len(rule), len(reason))
        self._file.write(b"".join((frame, rule, reason, record.raw)))
        self._count += 1

    def __len__(self) -> int:
        """How many they are."""
        return self._count

    def __iter__(self) -> Iterator[Raw]:
        """One after the other; not while another iteration is under way."""
        if self._file is None:
            return
        self._file.seek(0)
        while head := self._file.read(_FRAME.size):
            row, length, *texts = _FRAME.unpack(head)
            rule, reason = (self._file.read(size).decode() for size in texts)
            yield Raw(row, rule, reason, self._file.read(length))

    def runs(self) -> tuple[Numbers, Numbers]:
        """The first and the last number of each run of records that follow each other."""
        return np.array(self._firsts, np.int64), np.array(self._lasts, np.int64)

    def __del__(self) -> None:
        """A refused file's records are let go by nobody else."""
        self.close()

    def close(self) -> None:
        """Let go of them."""
        if self._file is not None:
            self._file.close()


class Numbering:
    """The numbers in a file of the records that are left of it, from the runs of those that are not.

    Args:
        apart: the records that are left out, no number twice.
    """

    def __init__(self, apart: Sequence[Apart] = ()) -> None:
        """Bring the runs into order."""
        runs = [part.runs() for part in apart if len(part)]
        firsts = np.concatenate([first for first, _ in runs]) if runs else np.empty(0, np.int64)
        lasts = np.concatenate([last for _, last in runs]) if runs else np.empty(0, np.int64)
        if len(runs) > 1:
            order = np.argsort(firsts, kind="stable")
            firsts, lasts = firsts[order], lasts[order]
        self._left_out = np.concatenate(([0], np.cumsum(lasts - firsts + 1)))
        self._place = firsts - 1 - self._left_out[:-1]  # of the first record behind each run

    def of(self, places: Numbers) -> Numbers:
        """The numbers of the records at these places (0-based) among those that are left."""
        numbers: Numbers = places + 1 + self._left_out[np.searchsorted(self._place, places, side="right")]
        return numbers

    def spans(self, records: int) -> tuple[Numbers, Numbers]:
        """Of that many records that are left: the place and the number of each that does not follow the one before."""
        places = np.unique(np.concatenate(([0], self._place)))
        places = places[places < records]
        return places, self.of(places)
