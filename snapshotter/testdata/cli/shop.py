"""`generate_test_data.py shop`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from snapshotter.testdata.cli.options import SeedOption
from snapshotter.testdata.cli.planned import Planned
from snapshotter.testdata.description.model import duration
from snapshotter.testdata.sources import ROWS_PER_ORDER, shop

HELP = """A web shop at work: orders are placed, paid, shipped and delivered, and later files say so.

With --every and without --files it runs until it is stopped (Ctrl-C), and writes a batch of its tables at each
interval. With --files they are written at once.

\b
Examples:
  generate_test_data.py shop --with-config
  generate_test_data.py shop --files 48 --every 30m --output /tmp/shop
  generate_test_data.py shop --every 2m
  generate_test_data.py shop --every 10s --speed 60 --rate 500
"""

_FILES, _EVERY = 12, "15m"
_MOST_BATCHES, _MOST_ORDERS = 50_000, 5_000_000  # that are planned: a hundred megabytes or so


def command(
    *,
    files: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="How often its tables are written.", show_default=str(_FILES)),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="From one file to the next: 90s, 15m, 2h, 1d.", show_default=_EVERY),
    ] = None,
    speed: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="N", help="How much faster the shop's clock goes while it runs.")
    ] = 1,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=1_000_000,
            metavar="ROWS",
            help="About so many rows a second while it runs, after the first dozen batches.",
        ),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            metavar="TIME",
            help="The time of the first file.",
            show_default="2024-01-01T06:00:00; now, while it runs at its usual speed",
        ),
    ] = None,
    seed: SeedOption = 0,
) -> Planned:
    """Plan its files, or its life."""
    if every is not None and files is None:
        return _running(every, speed, rate, start, seed)
    if speed != 1 or rate is not None:
        raise ValueError("--speed and --rate are for a shop that runs: say --every, and no --files")
    return Planned(shop(files or _FILES, every=every or _EVERY, start=start, seed=seed), facts={"seed": seed})


def _running(every: str, speed: int, rate: float | None, start: datetime | None, seed: int) -> Planned:
    gap = duration(every)
    assert isinstance(gap, timedelta)
    seconds = int(gap.total_seconds())
    orders = 100 if rate is None else max(1, round(rate * seconds / ROWS_PER_ORDER))
    if start is None and speed == 1:
        start = datetime.now().replace(microsecond=0)  # noqa: DTZ005  (the clock on the wall, as in the files)
    batches = max(1, min(_MOST_BATCHES, _MOST_ORDERS // orders))
    source = shop(batches, every=f"{seconds * speed}s", start=start, orders=orders, seed=seed)
    return Planned(source, facts={"seed": seed}, every=float(seconds))
