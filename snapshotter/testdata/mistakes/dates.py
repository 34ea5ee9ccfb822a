"""Mistakes in dates, after which they still are dates: 2024-05-31, with or without a time, and 31/05/2024."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.draws import Words
from snapshotter.testdata.mistakes.letters import ALNUM, DIGIT, Codes, Flags, Letters, looked_up
from snapshotter.testdata.mistakes.setting import Setting

_LONG = 10
_TOP = np.uint64(63)
_ZERO = ord("0")

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Days:
    """Dates as numbers; `known` says which texts are dates, the others stand on 1 January 2000."""

    year: Numbers
    month: Numbers
    day: Numbers
    known: Flags


@dataclass(frozen=True)
class _Layout:
    """Where the parts of a date begin, and which mark stands where between them."""

    year: int
    month: int
    day: int
    mark: str
    marks: tuple[int, int]


_ISO = _Layout(0, 5, 8, "-", (4, 7))
_DAY_FIRST = _Layout(6, 3, 0, "/", (2, 5))
_MONTH_FIRST = _Layout(6, 0, 3, "/", (2, 5))

Change = Callable[[Days, Numbers], tuple[Numbers, Numbers, Numbers]]
"""Takes dates and for each 1 or -1, and gives year, month and day of others, which may be no dates."""


def _changed(letters: Letters, words: Words, setting: Setting, change: Change) -> Codes:
    """The dates after a change; where there would be none after it, as they were."""
    signs = 1 - 2 * (words >> _TOP).astype(np.int64)
    result = letters.codes.copy()
    if result.shape[1] < _LONG:
        return result
    for layout in (_ISO, _MONTH_FIRST if setting.month_first else _DAY_FIRST):
        days = _read(letters, layout)
        if not days.known.any():
            continue
        year, month, day = change(days, signs)
        good = days.known & _are_dates(year, month, day)
        for start, digits, number in ((layout.year, 4, year), (layout.month, 2, month), (layout.day, 2, day)):
            _write(result, start, digits, number, good)
    return result


def year_off(letters: Letters, words: Words, setting: Setting) -> Codes:
    """A year too early or too late; 29 February becomes the 28th."""
    return _changed(letters, words, setting, _years)


def decade_off(letters: Letters, words: Words, setting: Setting) -> Codes:
    """Ten years too early or too late; 29 February becomes the 28th."""
    return _changed(letters, words, setting, lambda days, signs: _years(days, 10 * signs))


def day_month(letters: Letters, words: Words, setting: Setting) -> Codes:
    """Day and month swapped, where that is another date."""
    return _changed(letters, words, setting, lambda days, _: (days.year, days.day, days.month))


def new_year(letters: Letters, words: Words, setting: Setting) -> Codes:
    """On 1 January of that year."""
    return _changed(
        letters, words, setting, lambda days, _: (days.year, np.ones_like(days.day), np.ones_like(days.day))
    )


def day_off(letters: Letters, words: Words, setting: Setting) -> Codes:
    """A day too early or too late."""
    return _changed(letters, words, setting, _next_day)


def _years(days: Days, by: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    year = days.year + by
    year = np.where((year < 1) | (year > 9999), days.year - by, year)
    leap_day = (days.month == 2) & (days.day == 29) & ~_are_dates(year, days.month, days.day)
    return year, days.month, days.day - leap_day


def _next_day(days: Days, by: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    other = _dated(days.year, days.month, days.day) + by.astype("m8[D]")
    months = other.astype("M8[M]")
    count = months.astype(np.int64)
    return count // 12 + 1970, count % 12 + 1, (other - months.astype("M8[D]")).astype(np.int64) + 1


def _dated(year: Numbers, month: Numbers, day: Numbers) -> npt.NDArray[np.datetime64]:
    months = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    dated: npt.NDArray[np.datetime64] = months.astype("M8[D]") + (day - 1).astype("m8[D]")
    return dated


def _are_dates(year: Numbers, month: Numbers, day: Numbers) -> Flags:
    good: Flags = (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12) & (day >= 1)
    asked = _dated(year, month, day).astype("M8[M]").astype(np.int64)
    good &= asked == (year - 1970) * 12 + month - 1
    return good


def _read(letters: Letters, layout: _Layout) -> Days:
    """The dates of the texts that are written in a layout, alone or with a time behind them."""
    codes = letters.codes
    digits = looked_up(DIGIT, codes[:, :_LONG])
    known = (codes[:, layout.marks[0]] == ord(layout.mark)) & (codes[:, layout.marks[1]] == ord(layout.mark))
    for place in set(range(_LONG)) - set(layout.marks):
        known &= digits[:, place]
    if codes.shape[1] > _LONG:
        known &= ~(looked_up(ALNUM, codes[:, _LONG]) & (codes[:, _LONG] != ord("T")))
    numbers = codes[:, :_LONG].astype(np.int64) - _ZERO

    def number(start: int, long: int, otherwise: int) -> Numbers:
        value = np.zeros(len(codes), dtype=np.int64)
        for place in range(start, start + long):
            value = value * 10 + numbers[:, place]
        return np.where(known, value, otherwise)

    year, month, day = number(layout.year, 4, 2000), number(layout.month, 2, 1), number(layout.day, 2, 1)
    known &= _are_dates(year, month, day)
    return Days(year, np.where(known, month, 1), np.where(known, day, 1), known)


def _write(result: Codes, start: int, digits: int, number: Numbers, good: Flags) -> None:
    for place in reversed(range(start, start + digits)):
        result[good, place] = (number[good] % 10 + _ZERO).astype(np.uint32)
        number = number // 10
