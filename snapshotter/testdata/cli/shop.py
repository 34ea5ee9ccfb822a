"""`generate_test_data.py shop`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from snapshotter.testdata.cli.options import SeedOption
from snapshotter.testdata.cli.planned import Planned, Running
from snapshotter.testdata.source import Source
from snapshotter.testdata.sources import shop
from snapshotter.testdata.sources.running import interval, running_shop

HELP = """A web shop at work: orders are placed, paid, shipped and delivered, and later files say so.

With --every and without --files it runs: it writes a batch of its tables at once and one at each interval, until
Ctrl-C or SIGTERM. A batch that is being written then is finished; a second signal takes it away.

\b
Examples:
  generate_test_data.py shop --with-config
  generate_test_data.py shop --files 48 --every 30m --output /tmp/shop
  generate_test_data.py shop --every 2m --with-config
  generate_test_data.py shop --every 10s --speed 60 --rate 500 --start 2024-01-01
"""


def command(
    *,
    files: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="How often its tables are written, all at once.", show_default="12 without --every"
        ),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="From one file to the next: 90s, 15m, 2h, 1d. Without --files: write one then, until stopped.",
            show_default="15m",
        ),
    ] = None,
    speed: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1_000_000,
            metavar="N",
            help="While it runs: its clock goes N times as fast, so that the times of files are N times --every apart.",
            show_default="1",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            metavar="ROWS",
            help="While it runs: so many rows a second over all tables, within a fifth over several batches. "
            "The first batch has more: all customers and products, and the orders that are open.",
            show_default="as it comes, some more in each batch",
        ),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            metavar="TIME",
            help="The time of the first file.",
            show_default="2024-01-01T06:00:00; now, in UTC, if it runs",
        ),
    ] = None,
    seed: SeedOption = 0,
) -> Planned:
    """Plan its files, or how it runs."""
    facts = {"seed": seed}
    if every is None or files is not None:
        for option, given in {"--speed": speed, "--rate": rate}.items():
            if given is not None:
                raise ValueError(f"{option} is for a shop that runs, with --every and without --files")
        return Planned(shop(files or 12, every=every or "15m", start=start, seed=seed), facts=facts)
    gap, speed = interval(every), speed or 1
    opens = start or datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    rows = None if rate is None else rate * gap.total_seconds()

    def plan(batches: int | None = None) -> Source:
        return running_shop(gap, opens, speed=speed, rows=rows, seed=seed, batches=batches)

    return Planned(plan(12), facts=facts, running=Running(plan, gap, speed))
