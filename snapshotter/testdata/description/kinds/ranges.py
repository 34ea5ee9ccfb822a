"""Kinds of columns of numbers, dates and times between two ends."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from snapshotter.testdata.description.column import Maker, Rows
from snapshotter.testdata.description.kinds.base import Kind, Place
from snapshotter.testdata.description.numbers import fixed
from snapshotter.testdata.description.times import EPOCH, dates, in_seconds, times
from snapshotter.testdata.draws import Words, mix

_MOST = 1 << 32


class Range(Kind):
    """A number, date or time from one end to the other, both of them there."""

    name: ClassVar[str] = "range"
    example: ClassVar[str] = "{range: [2020-01-01, 2024-12-31]}"
    range: tuple[int | float | str, int | float | str] = Field(description="two numbers, dates or times", strict=False)
    decimals: int = Field(default=0, ge=0, le=4, description="digits behind the point")
    leaning: Literal["none", "low", "middle"] = Field(
        default="none", description="what is more frequent: `none`, `low`, `middle`"
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        low, high = self._ends()
        if low > high:
            raise ValueError(f"the range {list(self.range)} has no value in it")
        if high - low >= _MOST:
            raise ValueError(f"the range {list(self.range)} has more than 2**32 values")
        return self

    def _kind(self) -> Literal["number", "date", "time"]:
        low, high = self.range
        if isinstance(low, str) != isinstance(high, str):
            raise ValueError("a range has two ends of one kind")
        if not isinstance(low, str) or not isinstance(high, str):
            return "number"
        return "date" if len(low) == len(high) == len("2020-01-01") else "time"

    def _ends(self) -> tuple[int, int]:
        low, high = self.range
        match self._kind():
            case "number":
                unit = 10**self.decimals
                return round(float(low) * unit), round(float(high) * unit)
            case "date":
                return (date.fromisoformat(str(low)) - EPOCH).days, (date.fromisoformat(str(high)) - EPOCH).days
            case "time":
                return in_seconds(datetime.fromisoformat(str(low))), in_seconds(datetime.fromisoformat(str(high)))

    def bind(self, place: Place) -> Maker:
        """Draw."""
        words, (low, high) = place.words(), self._ends()
        count, leaning = np.uint64(high - low + 1), self.leaning

        def drawn(rows: Rows) -> npt.NDArray[np.int64]:
            return _leaning(words(rows), leaning, count).astype(np.int64) + low

        match self._kind():
            case "number":
                return lambda rows: fixed(drawn(rows), self.decimals)
            case "date":
                return lambda rows: dates(drawn(rows))
            case "time":
                return lambda rows: times(drawn(rows))

    def usual_type(self) -> str:
        """That of its ends."""
        match self._kind():
            case "number":
                low, high = self._ends()
                digits = max(len(str(abs(low))), len(str(abs(high))), self.decimals + 1)
                return f"decimal({digits},{self.decimals})" if self.decimals else "integer"
            case "date":
                return "date"
            case "time":
                return "timestamp"


def _leaning(words: Words, leaning: str, count: np.uint64) -> Words:
    """Numbers below `count`: even, or low ones (the product of two draws), or middle ones (the mean of four)."""
    half = np.uint64(32)
    if leaning == "none":
        return ((words >> half) * count) >> half
    again = mix(words, 1)
    if leaning == "low":
        return ((((words >> half) * (again >> half)) >> half) * count) >> half
    low = np.uint64(_MOST - 1)
    mean = ((words >> half) + (words & low) + (again >> half) + (again & low)) >> np.uint64(2)
    middle: Words = (mean * count) >> half
    return middle
