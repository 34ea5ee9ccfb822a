"""Cells of CSV as fixed-width bytes, padded with NUL, from tables made once.

A record is a row of a structured array whose fields are such cells; what is left when the NULs are taken out
is CSV. No text here holds a NUL of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.draws import Words

Cells = npt.NDArray[np.bytes_]

_GROUP = 10_000
QUOTE = ord('"')


def cells(texts: Iterable[str]) -> Cells:
    """A table of cells, as wide as the longest text."""
    return np.array([text.encode() for text in texts], dtype=np.bytes_)


# Four digits of a number by their value: without leading zeros (and nothing for 0), then with them.
_DIGITS = cells([f"{n or ''}" for n in range(_GROUP)] + [f"{n:04}" for n in range(_GROUP)])


def numerals(numbers: Words, most: int) -> Cells:
    """Decimal numerals, without leading zeros.

    Args:
        numbers: 1 to `most`.
        most: sets the width, which is the same for any numbers.
    """
    groups = -(-len(str(most)) // 4)
    table = np.empty((len(numbers), groups), dtype=_DIGITS.dtype)
    for group in reversed(range(groups)):
        higher = numbers // np.uint64(_GROUP)
        table[:, group] = _DIGITS[(numbers - higher * np.uint64(_GROUP)) + (higher > 0) * np.uint64(_GROUP)]
        numbers = higher
    return table.view(f"S{4 * groups}").ravel()


def needs_quotes(texts: Iterable[str]) -> npt.NDArray[np.uint8]:
    """For each text the quote that must stand around it in CSV, or NUL."""
    return np.array([QUOTE if set(text) & set(',"\r\n') else 0 for text in texts], dtype=np.uint8)


def escaped(text: str) -> str:
    """The text with its quotes doubled, as it must be between quotes."""
    return text.replace('"', '""')


def compact(records: npt.NDArray[np.void]) -> bytes:
    """The bytes of the records without the padding."""
    padded = records.view(np.uint8)
    kept: npt.NDArray[np.uint8] = padded[padded != 0]
    return kept.tobytes()
