"""The plan of the demo: when each file comes, and how many rows, new keys and seconds each part of it has.

All decisions that reach beyond one part are made here, with Python's integers, before a row is made. A part
then needs nothing but its own line of the plan.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from snapshotter.testdata.draws import Draws, below

SCHEDULE, PEOPLE, ROWS = 0, 1, 2  # the tables of draws

# Rows of one part. Small enough for its columns to stay in the processor's cache, large enough that the price
# of a NumPy call does not matter. A change changes the bytes of everybody's data.
PART_ROWS = 32_768
# A file has several parts so that a key can come twice in one file.
LEAST_PARTS = 2
DAY = 86_400


START = datetime(2022, 1, 3, 9, 15)  # noqa: DTZ001  (the local time of nowhere, as in the files)
CADENCE_DAYS = (7, 14)


def usual_keys(rows: int) -> int:
    """How many keys there are where nobody says: 3 for 10 rows, so that ids come again."""
    return max(1, rows * 3 // 10)


def usual_files(rows: int) -> int:
    """How many files there are where nobody says: 50, or one for each row."""
    return max(1, min(50, rows))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is asked for.

    Args:
        rows: how many in all, at least one for each file and each key.
        keys: how many different ids.
        files: how many files.
        start: the time of the first file, without a time zone, in whole seconds.
        cadence_days: the least and the most days from one file to the next, whole ones.
        seed: 0 to 2**64 - 1; another seed is other data.

    Raises:
        ValueError: a setting, or two of them together, make no sense; the sentence says which.
    """

    rows: int
    keys: int
    files: int
    start: datetime
    cadence_days: tuple[int, int]
    seed: int

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        least, most = self.cadence_days
        allowed = {
            f"files must be at least 1, not {self.files}": self.files >= 1,
            f"keys must be at least 1, not {self.keys}": self.keys >= 1,
            f"rows ({self.rows}) must be at least files ({self.files})": self.rows >= self.files,
            f"keys ({self.keys}) cannot be more than rows ({self.rows})": self.keys <= self.rows,
            f"cadence_days must be at least 1 day, not {least}": least >= 1,
            f"cadence_days: the least ({least}) is more than the most ({most})": least <= most,
            f"cadence_days: {most} days are more than 100 years": most <= 36_525,
            f"seed must be from 0 to 2**64 - 1, not {self.seed}": 0 <= self.seed < 1 << 64,
            f"start must be in whole seconds and without an offset, not {self.start}": (
                self.start.tzinfo is None and not self.start.microsecond
            ),
        }
        for sentence, holds in allowed.items():
            if not holds:
                raise ValueError(sentence)


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The place of a part among files and in time.

    Args:
        file: the number of the file.
        rows: at least 1.
        opens: no row is earlier than this.
        seconds: every row is earlier than `opens` plus this.
    """

    file: int
    rows: int
    opens: datetime
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some rows of one file.

    Args:
        number: of the part, over all files; names its stream of draws.
        slice: how many rows, and when.
        known: how many keys came before this part: ids 1 to `known`.
        fresh: how many keys come first in this part: the next ids.
        version: greater by at least the versions of any key in the parts before.

    Raises:
        ValueError: rows are so dense, and keys so few, that two versions of a key would have one time.
    """

    number: int
    slice: Slice
    known: int
    fresh: int
    version: int

    def __post_init__(self) -> None:
        """Refuse what would make ties."""
        if self.slice.rows > self.slice.seconds * self.cycle:
            raise ValueError(
                f"{self.slice.rows} rows of {self.cycle} keys in {self.slice.seconds} seconds: two versions "
                "of a key would have the same time; ask for more keys, more days or fewer rows"
            )

    @property
    def cycle(self) -> int:
        """How many rows there are at least from a key to the same key within the part."""
        return self.known or self.fresh


def batch_times(settings: Settings) -> list[datetime]:
    """The time of each file, and before them the time from which the rows of the first one begin.

    Returns:
        `settings.files` + 1 times, ascending.

    Raises:
        ValueError: a file would come after the year 9999, or before the year 1.
    """
    least, most = settings.cadence_days
    gaps = below(Draws(settings.seed, SCHEDULE).words(settings.files), most - least + 1) + np.uint64(least)
    days = np.cumsum(gaps).tolist()
    try:
        return [settings.start + timedelta(days=day - days[0]) for day in (0, *days)]
    except OverflowError:
        raise ValueError(f"{settings.files} files from {settings.start} leave the years 1 to 9999") from None


def parts(settings: Settings) -> list[list[Part]]:
    """Divide the rows evenly into files, and each file into parts.

    The first part's rows are new keys, as far as there are any; the others come evenly over the rest, so that
    all keys have come when the last row has.

    Returns:
        The parts of each file.

    Raises:
        ValueError: rows are so dense, and keys so few, that two versions of a key would have one time.
    """
    slices = list(_slices(settings))
    first = slices[0].rows
    at_first = min(first, settings.keys)
    files: list[list[Part]] = [[] for _ in range(settings.files)]
    before = known = version = 0
    for number, piece in enumerate(slices):
        before += piece.rows
        then = at_first + (settings.keys - at_first) * (before - first) // max(1, settings.rows - first)
        part = Part(number=number, known=known, fresh=then - known, version=version, slice=piece)
        files[piece.file].append(part)
        known, version = then, version + -(-piece.rows // part.cycle)
    return files


def _slices(settings: Settings) -> Iterator[Slice]:
    """Every part that has rows, in the order of time."""
    times = batch_times(settings)
    for file, (opens, closes) in enumerate(itertools.pairwise(times)):
        rows, seconds = _share(settings.rows, file, settings.files), (closes - opens).days * DAY
        count = max(LEAST_PARTS, -(-rows // PART_ROWS))
        for i in range(count):
            share = Slice(
                file=file,
                rows=_share(rows, i, count),
                opens=opens + timedelta(seconds=seconds * i // count),
                seconds=_share(seconds, i, count),
            )
            if share.rows:
                yield share


def _share(whole: int, number: int, count: int) -> int:
    """The size of one of `count` even parts of a whole; the sizes add up to the whole."""
    return whole * (number + 1) // count - whole * number // count
