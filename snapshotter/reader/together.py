"""The proof of many small texts at once: one pass over their joined bytes, each judged within its own bounds.

An array operation costs some microseconds, however small the array; a file of twenty rows takes ten times as long to
prove alone as its bytes take. Texts are joined only where none can reach into the next one: each ends outside quotes
(their number in it is even) and in LF. So the parity of quotes is the true state throughout, and what is irregular
shows in the very text that is at fault. Such a text is not judged here; it goes its own way, alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from snapshotter.reader.proof import Layout, Positions

SMALL = 2**18  # bytes of a text from which on it is proved alone: nothing is gained any more
AT_ONCE = 2**20  # joined bytes: a position for each of them takes 8

_LF, _CR, _QUOTE = 10, 13, 34


def prove_together(texts: Sequence[bytes], delimiter: str) -> list[Layout | None]:
    """Prove small texts, each of which begins with its header.

    Args:
        texts: in UTF-8.
        delimiter: one ASCII character.

    Returns:
        For each what `Prover` finds (`longest` counts a line end that is lacking at the end, too), or None for a text
        that is to be proved alone: it is large, or has no records, or was not shown to be regular.
    """
    found: list[Layout | None] = [None] * len(texts)
    for places in _groups(texts):
        layouts = _proved([_ended(texts[place]) for place in places], ord(delimiter))
        for place, layout in zip(places, layouts, strict=True):
            found[place] = layout
    return found


def _groups(texts: Sequence[bytes]) -> Iterator[list[int]]:
    """The places of the texts that can be joined, as many at a time as one pass takes."""
    group, size = list[int](), 0
    for place, text in enumerate(texts):
        if len(text) > SMALL or text.count(b'"') & 1 or text.endswith(b"\r") or b"\n" not in text:
            continue
        group.append(place)
        size += len(text)
        if size > AT_ONCE:
            yield group
            group, size = [], 0
    if group:
        yield group


def _ended(text: bytes) -> bytes:
    """A text that ends in a line end: as its first line does, or else it is not shown to be regular."""
    if text.endswith(b"\n"):
        return text
    return text + (b"\r\n" if text[text.index(b"\n") - 1 : text.index(b"\n")] == b"\r" else b"\n")


def _proved(texts: Sequence[bytes], delimiter: int) -> list[Layout | None]:
    joined = b"".join(texts)
    codes = np.frombuffer(joined, np.uint8)
    stops = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    begins = np.concatenate(([0], stops[:-1]))
    quotes = np.flatnonzero(codes == _QUOTE) if b'"' in joined else _NONE
    newlines = _outside(np.flatnonzero(codes == _LF), quotes)
    first = np.searchsorted(newlines, begins)  # of each text, the line end of its header
    at_fault = [*_loose_quotes(codes, quotes, delimiter)]
    crlf = np.zeros(len(texts), np.bool_)
    if b"\r" in joined:
        returns = _outside(np.flatnonzero(codes == _CR), quotes)
        has_return = codes[newlines - 1] == _CR
        crlf = has_return[first]
        lines = np.diff(np.append(first, len(newlines)))
        at_fault += [returns[codes[returns + 1] != _LF], newlines[has_return != np.repeat(crlf, lines)]]
    irregular = np.zeros(len(texts), np.bool_)
    irregular[np.searchsorted(stops, np.concatenate(at_fault), side="right")] = True
    return _layouts(begins, newlines, first, crlf, irregular)


def _outside(positions: Positions, quotes: Positions) -> Positions:
    """Those positions that are not within quotes."""
    if not len(quotes):
        return positions
    outside: Positions = positions[(np.searchsorted(quotes, positions) & 1) == 0]
    return outside


def _loose_quotes(codes: npt.NDArray[np.uint8], quotes: Positions, delimiter: int) -> Iterator[Positions]:
    """The quotes that neither open nor close a cell, nor are one of two."""
    opening, closing = quotes[::2], quotes[1::2]
    before, after = codes[opening - 1], codes[closing + 1]
    before[opening == 0] = _LF
    yield opening[~((before == delimiter) | (before == _LF) | (before == _QUOTE))]
    yield closing[~((after == delimiter) | (after == _LF) | (after == _CR) | (after == _QUOTE))]


def _layouts(
    begins: Positions,
    newlines: Positions,
    first: Positions,
    crlf: npt.NDArray[np.bool_],
    irregular: npt.NDArray[np.bool_],
) -> list[Layout | None]:
    ends = newlines + 1
    lengths = np.diff(ends, prepend=0)
    lines = np.diff(np.append(first, len(ends)))
    is_blank = lengths <= np.repeat(np.where(crlf, 2, 1), lines)
    is_blank[first] = False  # the first line is the header, whatever it holds
    blank = np.add.reduceat(is_blank, first, dtype=np.int64)
    longest = np.maximum.reduceat(lengths, first)
    header_ends = ends[first] - begins
    columns = (lines - blank - 1, blank, longest, crlf, header_ends, irregular)
    return [
        None if odd or not records else Layout(records, blank_lines, most, is_crlf, header_end)
        for records, blank_lines, most, is_crlf, header_end, odd in zip(*(c.tolist() for c in columns), strict=True)
    ]


_NONE: Positions = np.empty(0, np.int64)
