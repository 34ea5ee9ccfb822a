"""Bytes to records: prove that a file's bytes are regular CSV, so that a fast reader cannot misread them.

No fast CSV reader is faithful on its own; each pads, drops or shifts cells of some irregular file without a
word. Here the bytes are proved regular first (NumPy, whole arrays), which gives the number of records; the
engine reads them with nothing left to guess, and must find that number. What is not regular is refused with the
number of its record. Regular means (after RFC 4180): valid UTF-8; every quote opens at the start of a cell or
closes at its end, or is doubled inside one, so that the parity of quotes is the true state; all lines end in LF,
or all in CRLF; no other CR outside quotes. A byte order mark and empty lines before the header are skipped.
"""

from __future__ import annotations

import codecs
import csv
import io
import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_LF, _CR, _QUOTE = 10, 13, 34
DELIMITERS = (",", ";", "\t", "|")
UTF8_MARK, UTF16_MARKS = codecs.BOM_UTF8, (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Positions = npt.NDArray[np.int64]

csv.field_size_limit(sys.maxsize)


class Irregular(Exception):
    """Bytes that are not regular CSV; refuses their file.

    Args:
        reason: what is wrong, for a person.
        record: the number of the record where it shows (header 0), None if it is not about one.
        rule: its name in rejects.
    """

    def __init__(self, reason: str, record: int | None = None, rule: str = "csv") -> None:
        """Keep what is wrong and where."""
        super().__init__(reason)
        self.reason, self.record, self.rule = reason, record, rule


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


def header_span(data: bytes) -> tuple[int, int]:
    """Where the header stands: (its first byte, the byte behind its line end).

    Raises:
        Irregular: there is no header, or its quotes do not close within `data`.
    """
    if data.startswith(UTF16_MARKS):
        raise Irregular("the file is UTF-16, which is not read in this version; save it as UTF-8", rule="encoding")
    start = len(UTF8_MARK) if data.startswith(UTF8_MARK) else 0
    while data[start : start + 1] in (b"\n", b"\r"):
        start += 1
    if start == len(data):
        raise Irregular("the file holds no header", 0, "header")
    search, quotes = start, 0
    while (end := data.find(b"\n", search)) >= 0:
        quotes += data.count(b'"', search, end)
        if quotes % 2 == 0:
            return start, end + 1
        search = end + 1
    if (quotes + data.count(b'"', search)) % 2:
        raise Irregular("a quote in the header is never closed", 0)
    return start, len(data)


def header_names(raw: bytes, delimiter: str) -> list[str]:
    """The cells of a header.

    Raises:
        Irregular: it is not UTF-8, or not CSV, or holds a NUL character.
    """
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError as error:
        raise Irregular(f"the header is not UTF-8 (byte {error.start})", 0, "encoding") from None
    except csv.Error as error:
        raise Irregular(f"the header is not CSV: {error}", 0) from None
    if "\0" in text:
        raise Irregular("the header holds a NUL character: this is no text file", 0, "encoding")
    return names


class Prover:
    """Proves bytes regular, chunk by chunk; the first record is the header.

    Args:
        delimiter: one ASCII character.
        start: the byte of the file at which the header begins, for messages.
        detailed: keep where each record starts and ends, and count its cells.
    """

    def __init__(self, delimiter: str, start: int = 0, *, detailed: bool = False) -> None:
        """Start at the first byte of the header."""
        self._delimiter = ord(delimiter)
        self._start = start
        self._detailed = detailed
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="strict")
        self._offset = 0  # of the next chunk's first byte
        self._inside = 0  # 1 within quotes
        self._previous = _LF  # the byte before the next chunk
        self._closing = False  # whether that byte closes quotes
        self._crlf: bool | None = None
        self._record_start = self._header_end = 0
        self._lines = self._blank = self._longest = 0
        self._found: list[tuple[Positions, Positions]] = []
        self._delimiters: list[Positions] = []

    def feed(self, chunk: bytes) -> None:
        """Prove the next bytes.

        Raises:
            Irregular: they are not.
        """
        if not chunk:
            return
        codes = np.frombuffer(chunk, np.uint8)
        quotes = _positions(codes, _QUOTE) if b'"' in chunk else _NONE
        newlines = self._outside(_positions(codes, _LF), quotes)
        problems = [
            *self._quote_problems(codes, quotes),
            *self._newline_problems(codes, chunk, quotes, newlines),
        ]
        problems += self._encoding_problems(chunk)
        if problems:
            offset, reason, rule = min(problems)
            self._count(newlines[: np.searchsorted(newlines, offset - self._offset)])
            raise Irregular(reason, self._lines - self._blank, rule)
        self._count(newlines)
        if self._detailed:
            self._delimiters.append(self._outside(_positions(codes, self._delimiter), quotes) + self._offset)
        self._inside = (self._inside + len(quotes)) & 1
        self._closing = bool(len(quotes) and quotes[-1] == len(codes) - 1 and not self._inside)
        self._previous = int(codes[-1])
        self._offset += len(codes)

    def finish(self) -> Layout:
        """The proof's result, at the end of the file.

        Raises:
            Irregular: the file ends within quotes, or within a character.
        """
        last = self._lines - self._blank
        if self._inside:
            raise Irregular("a quote is opened and never closed", last)
        if self._previous == _CR:
            raise Irregular("a line ends in CR alone", last)
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise Irregular("the file ends within a UTF-8 character", last, "encoding") from None
        if self._previous != _LF:
            self._count(np.array([0], np.int64), missing_newline=True)
        return Layout(
            self._lines - self._blank - 1,
            self._blank,
            self._longest,
            bool(self._crlf),
            self._header_end,
            *self._details(),
        )

    def _outside(self, positions: Positions, quotes: Positions) -> Positions:
        """Those positions that are not within quotes."""
        if not len(quotes):
            return _NONE if self._inside else positions
        outside: Positions = positions[((np.searchsorted(quotes, positions) + self._inside) & 1) == 0]
        return outside

    def _quote_problems(self, codes: npt.NDArray[np.uint8], quotes: Positions) -> list[tuple[int, str, str]]:
        """Quotes that do not stand at the edge of a cell."""
        problems: list[tuple[int, str, str]] = []
        after = {self._delimiter, _CR, _LF, _QUOTE}
        if self._closing and int(codes[0]) not in after:
            problems.append((self._offset - 1, "text follows a closing quote", "csv"))
        if not len(quotes):
            return problems
        opening, closing = quotes[self._inside :: 2], quotes[1 - self._inside :: 2]
        before = codes[np.maximum(opening - 1, 0)]
        if len(opening) and opening[0] == 0:
            before[0] = self._previous
        bad = opening[~np.isin(before, (self._delimiter, _LF, _QUOTE))]
        problems += [(self._offset + int(p), "a quote stands inside a cell that is not quoted", "csv") for p in bad[:1]]
        closing = closing[closing < len(codes) - 1]
        bad = closing[~np.isin(codes[closing + 1], tuple(after))]
        problems += [(self._offset + int(p), "text follows a closing quote", "csv") for p in bad[:1]]
        return problems

    def _newline_problems(
        self, codes: npt.NDArray[np.uint8], chunk: bytes, quotes: Positions, newlines: Positions
    ) -> list[tuple[int, str, str]]:
        """Line ends that are not all alike, and lone CRs."""
        problems: list[tuple[int, str, str]] = []
        if self._previous == _CR and codes[0] != _LF and not self._inside:
            problems.append((self._offset - 1, "a line ends in CR alone", "csv"))
        returns = self._outside(_positions(codes, _CR), quotes) if b"\r" in chunk else _NONE
        inner = returns[returns < len(codes) - 1]
        lone = inner[codes[inner + 1] != _LF]
        problems += [(self._offset + int(p), "a line ends in CR alone", "csv") for p in lone[:1]]
        if len(newlines):
            before = codes[np.maximum(newlines - 1, 0)]
            if newlines[0] == 0:
                before[0] = self._previous
            has_return = before == _CR
            if self._crlf is None:
                self._crlf = bool(has_return[0])
            odd = newlines[has_return != self._crlf]
            problems += [(self._offset + int(p), "lines end in LF and in CRLF", "csv") for p in odd[:1]]
        return problems

    def _encoding_problems(self, chunk: bytes) -> list[tuple[int, str, str]]:
        pending = len(self._decoder.getstate()[0])
        if not pending and chunk.isascii():
            return []
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError as error:
            offset = max(0, self._offset + error.start - pending)
            return [(offset, f"byte {self._start + offset} is not UTF-8", "encoding")]
        return []

    def _count(self, newlines: Positions, *, missing_newline: bool = False) -> None:
        """Take the records that end at these newlines (relative to the chunk) into account."""
        if not len(newlines):
            return
        ends = newlines + self._offset + (0 if missing_newline else 1)
        starts = np.concatenate(([self._record_start], ends[:-1]))
        lengths = ends - starts
        blank = lengths <= (2 if self._crlf else 1)
        if missing_newline:
            blank[:] = False
        self._header_end = self._header_end or int(ends[0])
        self._lines += len(ends)
        self._blank += int(np.count_nonzero(blank))
        self._longest = max(self._longest, int(lengths.max()))
        self._record_start = int(ends[-1])
        if self._detailed:
            self._found.append((starts[~blank], ends[~blank]))

    def _details(self) -> tuple[Positions, Positions, Positions] | tuple[()]:
        """Starts, ends and numbers of cells of the records behind the header."""
        if not self._detailed:
            return ()
        starts, ends = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        delimiters = np.concatenate(self._delimiters)
        cells = np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts) + 1
        return starts[1:], ends[1:], cells[1:]


_NONE: Positions = np.empty(0, np.int64)


def _positions(codes: npt.NDArray[np.uint8], code: int) -> Positions:
    found: Positions = np.flatnonzero(codes == code)
    return found
