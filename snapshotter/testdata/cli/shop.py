"""`generate_test_data.py shop`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from snapshotter.testdata.cli.options import SeedOption
from snapshotter.testdata.cli.planned import Planned
from snapshotter.testdata.sources import shop

HELP = """A web shop at work: orders are placed, paid, shipped and delivered, and later files say so.

\b
Examples:
  generate_test_data.py shop --with-config
  generate_test_data.py shop --files 48 --every 30m --output /tmp/shop
"""


def command(
    *,
    files: Annotated[int, typer.Option(min=1, metavar="N", help="How often its tables are written.")] = 12,
    every: Annotated[str, typer.Option(metavar="TIME", help="From one file to the next: 90s, 15m, 2h, 1d.")] = "15m",
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            metavar="TIME",
            help="The time of the first file.",
            show_default="2024-01-01T06:00:00",
        ),
    ] = None,
    seed: SeedOption = 0,
) -> Planned:
    """Plan its files."""
    return Planned(shop(files, every=every, start=start, seed=seed), facts={"seed": seed})
