"""The proof that bytes are regular CSV, so that a fast reader cannot misread them.

No fast CSV reader is faithful on its own; each pads, drops or shifts cells of some irregular file without a word.
Here the bytes are proved regular first (NumPy, whole arrays), which gives the number of records; the engine reads
them with nothing left to guess, and must find that number. Regular means (after RFC 4180): every quote opens at the
start of a cell or closes at its end, or is doubled inside one, so that the parity of quotes is the true state; all
lines end in LF, or all in CRLF; no other CR outside quotes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snapshotter.reader.irregular import Irregular

_LF, _CR, _QUOTE = 10, 13, 34
LONGEST = 64 * 2**20  # bytes of a record; the engine holds several records of a text at once

Positions = npt.NDArray[np.int64]


class NotRegular(Exception):
    """These bytes were not shown to be regular; they may still hold records that are."""


@dataclass(frozen=True)
class Layout:
    """What the proof found.

    Args:
        records: the number of records, blank lines and the header not counted.
        blank_lines: the number of blank lines.
        longest: the longest record, in bytes.
        crlf: whether lines end in CRLF.
        header_end: the byte behind the header's line end, counted from its first byte.
        starts, ends: byte offsets of each record and of the byte behind it (line end included); only if asked for.
        cells: the number of cells of each record; only if asked for.
    """

    records: int
    blank_lines: int
    longest: int
    crlf: bool
    header_end: int
    starts: Positions | None = None
    ends: Positions | None = None
    cells: Positions | None = None


class Prover:
    """Proves bytes regular, chunk by chunk; the first record is the header.

    Args:
        delimiter: one ASCII character.
        detailed: keep where each record starts and ends, and count its cells.

    Raises:
        Irregular: from any method, for a record that is too long.
    """

    def __init__(self, delimiter: str, *, detailed: bool = False) -> None:
        """Start at the first byte of the header."""
        self._delimiter = ord(delimiter)
        self._detailed = detailed
        self._offset = 0  # of the next chunk's first byte
        self._inside = 0  # 1 within quotes
        self._previous = _LF  # the byte before the next chunk
        self._closing = False  # whether that byte closes quotes
        self._crlf: bool | None = None
        self._record_start = self._line_start = self._header_end = 0
        self._lines = self._blank = self._longest = 0
        self._cells = 0  # delimiters since the record began
        self._found: list[tuple[Positions, Positions, Positions]] = []

    def feed(self, chunk: bytes) -> None:
        """Prove the next bytes.

        Raises:
            NotRegular: they are not.
        """
        if not chunk:
            return
        codes = np.frombuffer(chunk, np.uint8)
        quotes = _positions(codes, _QUOTE) if b'"' in chunk else _NONE
        ends = _positions(codes, _LF)
        newlines = self._outside(ends, quotes)
        if not (self._quotes_stand_at_edges(codes, quotes) and self._lines_end_alike(codes, chunk, quotes, newlines)):
            raise NotRegular
        cells = self._cells_until(newlines, codes, quotes) if self._detailed else _NONE
        self._count(newlines, cells)
        self._inside = (self._inside + len(quotes)) & 1
        self._closing = bool(len(quotes) and quotes[-1] == len(codes) - 1 and not self._inside)
        self._previous = int(codes[-1])
        self._offset += len(codes)
        self._line_start = int(ends[-1]) + 1 + self._offset - len(codes) if len(ends) else self._line_start
        if self._offset - self._line_start > LONGEST:  # whatever the quotes mean: it is on one line
            raise too_long(self._lines - self._blank)

    def end(self) -> None:
        """Take the last record into account, if no line end follows it.

        Raises:
            NotRegular: the text ends within quotes, or in CR.
        """
        if self._inside or self._previous == _CR:
            raise NotRegular
        if self._previous != _LF:
            self._count(np.array([0], np.int64), np.array([self._cells + 1]), missing_newline=True)

    @property
    def pending(self) -> int:
        """The byte at which the record begins that has not ended yet, counted from the header's first one."""
        return self._record_start

    def records(self) -> tuple[Positions, Positions, Positions]:
        """Starts, ends and numbers of cells of the records behind the header that ended since this was last asked."""
        found = [*self._found, (_NONE, _NONE, _NONE)]
        self._found = []
        starts, ends, cells = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return starts, ends, cells

    def finish(self) -> Layout:
        """The proof's result, at the end of the file.

        Raises:
            NotRegular: the text ends within quotes, or in CR.
        """
        self.end()
        return Layout(
            self._lines - self._blank - 1,
            self._blank,
            self._longest,
            bool(self._crlf),
            self._header_end,
            *(self.records() if self._detailed else ()),
        )

    def _outside(self, positions: Positions, quotes: Positions) -> Positions:
        """Those positions that are not within quotes."""
        if not len(quotes):
            return _NONE if self._inside else positions
        outside: Positions = positions[((np.searchsorted(quotes, positions) + self._inside) & 1) == 0]
        return outside

    def _quotes_stand_at_edges(self, codes: npt.NDArray[np.uint8], quotes: Positions) -> bool:
        """Whether each quote opens or closes a cell, or is one of two."""
        after = (self._delimiter, _CR, _LF, _QUOTE)
        if self._closing and int(codes[0]) not in after:
            return False
        if not len(quotes):
            return True
        opening, closing = quotes[self._inside :: 2], quotes[1 - self._inside :: 2]
        before = codes[np.maximum(opening - 1, 0)]
        if len(opening) and opening[0] == 0:
            before[0] = self._previous
        closing = closing[closing < len(codes) - 1]
        return bool(np.isin(before, (self._delimiter, _LF, _QUOTE)).all() and np.isin(codes[closing + 1], after).all())

    def _lines_end_alike(
        self, codes: npt.NDArray[np.uint8], chunk: bytes, quotes: Positions, newlines: Positions
    ) -> bool:
        """Whether lines end all in LF or all in CRLF, and no other CR stands outside quotes."""
        if self._previous == _CR and codes[0] != _LF and not self._inside:
            return False
        returns = self._outside(_positions(codes, _CR), quotes) if b"\r" in chunk else _NONE
        inner = returns[returns < len(codes) - 1]
        if (codes[inner + 1] != _LF).any():
            return False
        if not len(newlines):
            return True
        before = codes[np.maximum(newlines - 1, 0)]
        if newlines[0] == 0:
            before[0] = self._previous
        has_return = before == _CR
        if self._crlf is None:
            self._crlf = bool(has_return[0])
        return bool((has_return == self._crlf).all())

    def _cells_until(self, newlines: Positions, codes: npt.NDArray[np.uint8], quotes: Positions) -> Positions:
        """The numbers of cells of the records that end at these newlines."""
        delimiters = self._outside(_positions(codes, self._delimiter), quotes)
        before = np.searchsorted(delimiters, newlines)
        cells: Positions = np.diff(before, prepend=0) + 1
        if len(cells):
            cells[0] += self._cells
        self._cells = len(delimiters) - int(before[-1]) if len(before) else self._cells + len(delimiters)
        return cells

    def _count(self, newlines: Positions, cells: Positions, *, missing_newline: bool = False) -> None:
        """Take the records that end at these newlines (relative to the chunk) into account."""
        if not len(newlines):
            return
        ends = newlines + self._offset + (0 if missing_newline else 1)
        starts = np.concatenate(([self._record_start], ends[:-1]))
        lengths = ends - starts
        blank = lengths <= (2 if self._crlf else 1)
        if missing_newline:
            blank[:] = False
        if not self._header_end:
            blank[0] = False  # the first line is the header, whatever it holds
        self._refuse_too_long(lengths, blank)
        if self._detailed:
            behind = slice(None) if self._header_end else slice(1, None)
            full = ~blank
            self._found.append((starts[full][behind], ends[full][behind], cells[full][behind]))
        self._header_end = self._header_end or int(ends[0])
        self._lines += len(ends)
        self._blank += int(np.count_nonzero(blank))
        self._longest = max(self._longest, int(lengths.max()))
        self._record_start = int(ends[-1])

    def _refuse_too_long(self, lengths: Positions, blank: npt.NDArray[np.bool_]) -> None:
        longest = int(lengths.argmax())
        if lengths[longest] > LONGEST:
            raise too_long(self._lines - self._blank + int(np.count_nonzero(~blank[:longest])))


def too_long(record: int) -> Irregular:
    """What refuses a file with a record that is too long; it is the record of this number."""
    reason = (
        f"the record has more than {LONGEST // 2**20} MiB, which is more than is read; is a line end or a quote lost?"
    )
    return Irregular(reason, record, "size")


_NONE: Positions = np.empty(0, np.int64)


def _positions(codes: npt.NDArray[np.uint8], code: int) -> Positions:
    found: Positions = np.flatnonzero(codes == code)
    return found
