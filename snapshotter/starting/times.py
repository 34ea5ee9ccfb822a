"""Which columns hold timestamps, and in which formats; where day and month can be exchanged, both are told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from snapshotter.contract.times import Clock, format_pattern
from snapshotter.sql import Parameters
from snapshotter.starting.naming import time_tier
from snapshotter.starting.table import Column, SampleTable

_CLOCKS: tuple[str, ...] = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M", "T%H:%M:%S", "T%H:%M:%S.%f")
_CLOCKS += (" %I:%M %p", " %I:%M:%S %p", " %I:%M%p", ", %H:%M", ", %H:%M:%S", " %H.%M", " %H.%M.%S")
_DAYS = (*(f"%d{s}%m{s}%{year}" for s in "/.-" for year in "Yy"), "%Y/%m/%d", "%Y.%m.%d")
_MONTH_FIRST = tuple(f"%m{s}%d{s}%{year}" for s in "/.-" for year in "Yy")
_NAMED = tuple(f"%d{s}%{month}{s}%{year}" for s in " -" for month in "bB" for year in "Yy")
_NAMED += ("%b %d, %Y", "%B %d, %Y", "%a %b %d %Y", "%A, %d %B %Y")
_COMPACT = ("%Y%m%d%H%M%S", "%Y%m%dT%H%M%S", "%Y%m%d %H%M%S", "%Y%m%d %H:%M:%S", "%Y%m%d%H%M", "%Y%m%d")
_OTHERS: tuple[str, ...] = ("%a, %d %b %Y %H:%M:%S %z", "%d %b %Y %H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z")
_OTHERS += ("%Y-%m-%d %H:%M:%S%z", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z")
_OTHERS += ("%Y-%m-%d %I:%M:%S %p",)
_FORMATS = tuple(day + clock for day in (*_DAYS, *_MONTH_FIRST, *_NAMED) for clock in _CLOCKS) + _COMPACT + _OTHERS
_SHAPES = {layout: re.compile(format_pattern(layout)) for layout in _FORMATS}
_CLOCK = r"\d:\d\d|\d{12}|\dT\d{4}|\s\d{1,2}\.\d\d"
_DIGITS = {"%Y%m%d", "%Y%m%d%H%M"}
_LOOKED_AT = 300  # distinct cells of a column that tell which formats are tried at all
_MOST = 6  # formats of one column


@dataclass(frozen=True)
class TimeColumn:
    """A column that holds timestamps.

    Args:
        column: which.
        formats: the formats that its cells need beside ISO 8601.
        swapped: the same with day and month exchanged, if the cells can be read so as well; else empty.
        unread: cells that are no timestamp, empty ones included.
        latest: the latest of them.
        has_clock: whether some have a time of day.
    """

    column: Column
    formats: tuple[str, ...]
    swapped: tuple[str, ...]
    unread: int
    latest: datetime
    has_clock: bool


def time_columns(table: SampleTable, now: datetime) -> list[TimeColumn]:
    """The columns of which more than half of the cells are timestamps, the likeliest to order rows first."""
    found = [time for column in table.columns if (time := _time_column(table, column, now))]
    return sorted(found, key=lambda time: (time.unread > 0, *_rank(time, now)))


def _rank(time: TimeColumn, now: datetime) -> tuple[object, ...]:
    is_later = time.latest > now + timedelta(days=1)
    return is_later, time_tier(time.column.name), not time.has_clock, time.column.index


def _time_column(table: SampleTable, column: Column, now: datetime) -> TimeColumn | None:
    cells = [text for (text,) in table.ask(_distinct(column, "few", _LOOKED_AT))]
    tried = [layout for layout, shape in _SHAPES.items() if any(shape.fullmatch(text) for text in cells)]
    if _is_number_by_chance(column, tried):
        return None
    count, latest = _read(table, column, (), "few")
    if not tried and not count:
        return None
    table.ask(f"CREATE OR REPLACE TABLE texts AS {_distinct(column, 'cells')}")
    formats = _cover(table, column, tried, now)
    count, latest = _read(table, column, formats)
    if latest is None or 2 * count <= table.rows:
        return None
    swapped = tuple(map(_swap, formats))
    is_open = swapped != formats and _read(table, column, swapped)[0] == count
    ((clocked,),) = table.ask(f"SELECT count(*) FROM texts WHERE regexp_matches({column.cell}, '{_CLOCK}')")
    latest = latest.replace(tzinfo=UTC)
    return TimeColumn(column, formats, swapped if is_open else (), table.rows - count, latest, bool(clocked))


def _is_number_by_chance(column: Column, tried: Sequence[str]) -> bool:
    """Whether only short formats of digits alone fit, as a number may, and the name says nothing of time."""
    return bool(tried) and _DIGITS.issuperset(tried) and time_tier(column.name) == 2


def _cover(table: SampleTable, column: Column, tried: Sequence[str], now: datetime) -> tuple[str, ...]:
    """Formats that read most cells: the one that reads most first, and never both orders of day and month."""
    chosen: tuple[str, ...] = ()
    best, _ = _read(table, column, chosen)
    while len(chosen) < _MOST and best < table.rows:
        left = [layout for layout in tried if not {layout, _swap(layout)} & set(chosen)]
        gains = []
        for place, layout in enumerate(left):
            count, latest = _read(table, column, (*chosen, layout))
            is_later = latest is not None and latest.replace(tzinfo=UTC) > now + timedelta(days=1)
            other_order = _is_month_first(layout) != any(map(_is_month_first, chosen)) if chosen else False
            gains.append((count, not is_later, not other_order, -place, layout))
        if not gains or max(gains)[0] <= best:
            break
        best, *_, layout = max(gains)
        chosen = (*chosen, layout)
    return chosen


def _read(
    table: SampleTable, column: Column, formats: tuple[str, ...], source: str = "texts"
) -> tuple[int, datetime | None]:
    """How many rows have an instant in this column under these formats and ISO 8601, and the latest one."""
    bind = Parameters()
    instant = Clock(formats, "UTC").instant(column.cell, bind)
    number = "count(instant)" if source == "few" else "coalesce(sum(number) FILTER (instant IS NOT NULL), 0)::BIGINT"
    query = f"SELECT {number}, max(instant) FROM (SELECT *, {instant} AS instant FROM {source})"
    ((count, latest),) = table.ask(query, bind)
    return int(count), latest


def _distinct(column: Column, source: str, limit: int | None = None) -> str:
    cell = column.cell
    if limit:
        return f"SELECT {cell} FROM {source} WHERE {cell} <> '' GROUP BY {cell} ORDER BY hash({cell}) LIMIT {limit:d}"
    return f"SELECT {cell}, count(*) AS number FROM {source} WHERE {cell} <> '' GROUP BY {cell}"


def _is_month_first(layout: str) -> bool:
    return layout.startswith("%m")


def _swap(layout: str) -> str:
    """The format with day and month exchanged; formats that name the month, or begin with the year, stay."""
    if not re.match(r"%[dm](.)%[dm]\1", layout):
        return layout
    return re.sub(r"%([dm])", lambda found: "%m" if found[1] == "d" else "%d", layout)
