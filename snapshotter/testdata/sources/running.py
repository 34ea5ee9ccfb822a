"""The shop that runs: as `shop`, with no last file that anybody would wait for, and at a rate if one is asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from snapshotter.testdata.description.model import duration
from snapshotter.testdata.source import Source
from snapshotter.testdata.sources import described

# What is known of each order is 8 bytes and more, and the plan of 20 million of them takes seconds: that is the end.
MOST_BATCHES = 100_000
MOST_ORDERS = 20_000_000
_END = datetime(9999, 12, 31)  # noqa: DTZ001  (local times, as in the files)

# Of a shop that has run for a while, for each new order of a batch. Changes in shop.yaml change them; a test tells.
_ROWS = 8.05
_OPEN = 7.5
_CUSTOMERS = 5
_LEAST_ROWS, _MOST_ROWS = 20, 5_000_000


def interval(every: str) -> timedelta:
    """What `--every` says.

    Raises:
        ValueError: it is no such time.
    """
    found = duration(every)
    if not isinstance(found, timedelta):
        raise TypeError(every)
    return found


def running_shop(
    every: timedelta,
    start: datetime,
    *,
    speed: int = 1,
    rows: float | None = None,
    seed: int = 0,
    batches: int | None = None,
) -> Source:
    """Plan the files of a shop that runs until it is stopped, or its plan ends.

    Without `rows` it is the shop of `shop`, file by file: it grows as its customers do.

    Args:
        every: from one batch to the next.
        start: the time of the first batch, in whole seconds.
        speed: the times of batches are so many times `every` apart.
        rows: about how many each batch after the first one has, over all tables. The first one has the customers,
            the products, and the orders that are open then.
        seed: another seed is another shop.
        batches: how many are planned; as many as can be if it is None.

    Raises:
        ValueError: this cannot be; the sentence says why.
    """
    try:
        gap = every * speed
        opened, room = start - 10 * gap, (_END - start) // gap
    except OverflowError:
        raise ValueError(f"{speed:,} times {every} from {start} is not within the years up to 9999") from None
    orders, more = 100, {}
    if rows is not None:
        if not _LEAST_ROWS <= rows <= _MOST_ROWS:  # NaN, too
            raise ValueError(f"a batch has {_LEAST_ROWS} to {_MOST_ROWS:,} rows, not {rows:,.0f}")
        orders = max(1, round(rows / _ROWS))
        more = _steady(orders, opened)
    most = min(MOST_BATCHES, MOST_ORDERS // orders, room, batches or MOST_BATCHES)
    return described("shop", {"every": gap, "start": start, "seed": seed, "files": max(1, most), **more})


def _steady(orders: int, opened: datetime) -> dict[str, Any]:
    """A shop that has so many new orders in each batch, and is as busy with the older ones as it will be later."""
    backlog, customers = round(orders * _OPEN), orders * _CUSTOMERS
    changed = max(1, customers // 100)
    return {
        "tables.orders.rows": backlog,
        "tables.orders.since": opened,
        "tables.orders.changes.new": orders / backlog,
        "tables.customers.rows": customers,
        "tables.customers.changes.at_most": changed,
        "tables.products.changes.at_most": changed,
    }
