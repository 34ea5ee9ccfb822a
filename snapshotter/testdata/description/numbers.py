"""Numbers as cells."""

from __future__ import annotations

import functools
import re

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.cells import Cells, cells
from snapshotter.testdata.description.column import Column
from snapshotter.testdata.draws import Words

Numbers = npt.NDArray[np.int64]

_GROUP = 10_000


@functools.cache
def _digits() -> tuple[Cells, Cells]:
    """Four digits of a number by their value: without leading zeros (and nothing for 0), then with them."""
    return cells(str(n or "") for n in range(_GROUP)), cells(f"{n:04}" for n in range(_GROUP))


@functools.cache
def _last(width: int) -> Cells:
    """The last digits of a number, with leading zeros."""
    return cells(f"{n:0{width}}" for n in range(10**width))


def decimal_digits(type_name: str | None) -> int | None:
    """The digits behind the point of an `integer` or a `decimal(p,s)`; None for another type."""
    if type_name == "integer":
        return 0
    found = re.fullmatch(r"decimal\(\d+,([0-4])\)", type_name or "")
    return int(found[1]) if found else None


def padded(numbers: Words, width: int = 0) -> Cells:
    """Decimal numerals, padded with NUL on the left; with leading zeros up to `width` digits."""
    most = int(numbers.max()) if len(numbers) else 0
    if width:
        return _zero_padded(numbers, max(width, len(str(most))))
    plain, full = _digits()
    groups = -(-len(str(most)) // 4)
    table = np.empty((len(numbers), groups), dtype=plain.dtype)
    rest = numbers
    for group in reversed(range(groups)):
        higher = rest // np.uint64(_GROUP)
        places = (rest - higher * np.uint64(_GROUP)).astype(np.intp)
        table[:, group] = np.where(higher > 0, full.take(places), plain.take(places))
        rest = higher
    table[numbers == 0, groups - 1] = b"0"
    return table.view(f"S{4 * groups}").ravel()


def _zero_padded(numbers: Words, width: int) -> Cells:
    first, fours = width % 4, width // 4
    table = np.empty(len(numbers), dtype=[("first", f"S{first or 1}"), ("rest", "S4", (fours,))])
    rest = numbers
    for group in reversed(range(fours)):
        higher = rest // np.uint64(_GROUP)
        table["rest"][:, group] = _digits()[1].take((rest - higher * np.uint64(_GROUP)).astype(np.intp))
        rest = higher
    table["first"] = _last(first).take(rest.astype(np.intp)) if first else b""
    return table.view(f"S{table.dtype.itemsize}")


def whole(numbers: Numbers) -> Column:
    """Whole numbers."""
    return fixed(numbers, 0)


def fixed(numbers: Numbers, decimals: int) -> Column:
    """Numbers with a fixed count of digits behind the point.

    Args:
        numbers: the numbers times 10 to the power of `decimals`.
        decimals: 0 to 4.
    """
    pieces: list[Cells] = []
    if len(numbers) and int(numbers.min()) < 0:
        pieces.append(np.where(numbers < 0, b"-", b""))
    size = np.abs(numbers).astype(np.uint64)
    if not decimals:
        pieces.append(padded(size))
        return Column(pieces=tuple(pieces), numbers=numbers)
    unit = np.uint64(10**decimals)
    ones = size // unit
    pieces += [padded(ones), _behind(decimals).take((size - ones * unit).astype(np.intp))]
    return Column(pieces=tuple(pieces), numbers=numbers, decimals=decimals)


@functools.cache
def _behind(decimals: int) -> Cells:
    return cells(f".{n:0{decimals}}" for n in range(10**decimals))
