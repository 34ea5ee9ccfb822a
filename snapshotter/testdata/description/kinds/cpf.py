"""A kind of column for the CPF, the Brazilian taxpayer's number."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from snapshotter.testdata.description.column import Column, Maker, joined
from snapshotter.testdata.description.kinds.base import Kind, Place
from snapshotter.testdata.description.numbers import padded
from snapshotter.testdata.draws import Words, permute

# 000.000.000 to 999.999.999 with all digits the same are never given out, though their check digits are right.
_SAME = np.arange(10, dtype=np.uint64) * np.uint64(111_111_111)
_ALL = 10**9 - len(_SAME)


class Cpf(Kind):
    """A CPF with valid check digits; no two persons have one."""

    name: ClassVar[str] = "cpf"
    example: ClassVar[str] = "{cpf: formatted}"
    cpf: Literal["formatted", "digits"] = Field(description="123.456.789-09, or the eleven digits alone")

    def bind(self, place: Place) -> Maker:
        """Go through all nine digits in a shuffled order, so that none comes twice."""
        key = place.keys(place.table.name, place.column)
        if len(place.table.growth) > _ALL:
            raise ValueError(f"there are only {_ALL:,} different CPFs")
        _, person = place.table.people
        formatted = self.cpf == "formatted"
        return lambda rows: _spelled(_numbers(person(rows.ids), key), formatted=formatted)


def _numbers(people: Words, key: int) -> Words:
    """Nine digits for each person, another one for each, never all the same."""
    places = permute(people, _ALL, key)
    return places + np.searchsorted(_SAME - np.arange(10, dtype=np.uint64), places, side="right").astype(np.uint64)


def check_digits(numbers: Words) -> Words:
    """The two check digits of nine digits, as one number of two digits.

    Each is 11 less the remainder by 11 of the weighted sum of the digits before it, or 0 if that is above 9: the
    weights end with 2 and grow to the left (Receita Federal, Instrução Normativa RFB 1.548/2015, the module 11).
    """
    ten, eleven = np.uint64(10), np.uint64(11)
    digits = [numbers // np.uint64(10**power) % ten for power in range(8, -1, -1)]
    for _ in range(2):
        weights = range(len(digits) + 1, 1, -1)
        total = sum((digit * np.uint64(weight) for digit, weight in zip(digits, weights, strict=True)), np.uint64(0))
        rest = total % eleven
        digits.append(np.where(rest < 2, np.uint64(0), eleven - rest))
    return digits[-2] * ten + digits[-1]


def _spelled(numbers: Words, *, formatted: bool) -> Column:
    check = Column(pieces=(padded(check_digits(numbers), 2),))
    if not formatted:
        return joined([Column(pieces=(padded(numbers, 9),)), check], len(numbers))
    thousand = np.uint64(1000)
    groups = [numbers // np.uint64(10**6), numbers // thousand % thousand, numbers % thousand]
    first, second, third = (Column(pieces=(padded(group, 3),)) for group in groups)
    return joined([first, ".", second, ".", third, "-", check], len(numbers))
