"""Times as cells: `YYYY-MM-DD` and `YYYY-MM-DDTHH:MM:SS`, from seconds and days since 1970."""

from __future__ import annotations

import functools
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.cells import Cells, cells
from snapshotter.testdata.description.column import Column

Numbers = npt.NDArray[np.int64]

DAY = 86_400
EPOCH = date(1970, 1, 1)
_BLOCK = 4 * 1461  # days of sixteen years
_MOST = 200 * 366  # days of a table of all dates


@functools.cache
def _minutes() -> Cells:
    return cells(f"T{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60))


@functools.cache
def _seconds() -> Cells:
    return cells(f"{second:02}" for second in range(60))


@functools.lru_cache(maxsize=64)
def _days(first: int, last: int) -> Cells:
    return cells((EPOCH + timedelta(days=day)).isoformat() for day in range(first, last + 1))


def _dates(days: Numbers) -> Cells:
    first, last = int(days.min()), int(days.max())
    if last - first > _MOST:
        seen, places = np.unique(days, return_inverse=True)
        return cells((EPOCH + timedelta(days=day)).isoformat() for day in seen.tolist()).take(places)
    # Some years together, so that the tables of all parts of a file are one.
    first, last = first - first % _BLOCK, last - last % _BLOCK + _BLOCK - 1
    first, last = max(first, (date.min - EPOCH).days), min(last, (date.max - EPOCH).days)
    return _days(first, last).take(days - first)


def dates(days: Numbers) -> Column:
    """Dates as cells; their numbers are days since 1970."""
    if not len(days):
        return Column(pieces=(np.zeros(0, dtype="S10"),), numbers=days, unit="day")
    return Column(pieces=(_dates(days),), numbers=days, unit="day")


def times(seconds: Numbers) -> Column:
    """Times as cells; their numbers are seconds since 1970."""
    if not len(seconds):
        return Column(pieces=(np.zeros(0, dtype="S19"),), numbers=seconds, unit="second")
    days = seconds // DAY
    rest = seconds - days * DAY
    minutes = rest // 60
    pieces = (_dates(days), _minutes().take(minutes), _seconds().take(rest - minutes * 60))
    return Column(pieces=pieces, numbers=seconds, unit="second")


def in_seconds(at: datetime) -> int:
    """A time without an offset as seconds since 1970."""
    return (at.date() - EPOCH).days * DAY + at.hour * 3600 + at.minute * 60 + at.second


def from_seconds(seconds: int) -> datetime:
    """Seconds since 1970 as a time without an offset."""
    return datetime.combine(EPOCH, datetime.min.time()) + timedelta(seconds=seconds)
