"""`generate_test_data.py demo`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from snapshotter.testdata.cli.options import SeedOption
from snapshotter.testdata.cli.planned import Planned
from snapshotter.testdata.demo import source
from snapshotter.testdata.plan import CADENCE_DAYS, START, usual_files, usual_keys

HELP = """Customers whose latest order changes from file to file: one table.

The same arguments give the same bytes on any machine. A file that is there already with the same bytes is
left alone; one with other bytes is an error, unless --force is given.

\b
Examples:
  generate_test_data.py demo
  generate_test_data.py demo --rows 5000000 --keys 1000000 --output /tmp/big
  generate_test_data.py demo --files 3 --start 2024-01-01 --cadence-days 1 1 --json
  generate_test_data.py demo --describe
"""


def command(
    *,
    rows: Annotated[int, typer.Option(min=1, metavar="N", help="Rows in all files together.")] = 100_000,
    keys: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Different ids; each comes at least once.",
            show_default="3 for 10 rows",
        ),
    ] = None,
    files: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Files, of as many rows each.",
            show_default="50, or one for each row",
        ),
    ] = None,
    start: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            metavar="TIME",
            help="The time of the first file: YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS.",
            show_default=START.isoformat(),
        ),
    ] = START,
    cadence_days: Annotated[
        tuple[int, int],
        typer.Option(
            metavar="MIN MAX",
            help="Days from one file to the next, at least and at most.",
            show_default="7 14",
        ),
    ] = CADENCE_DAYS,
    seed: SeedOption = 0,
) -> Planned:
    """Plan the demo."""
    keys = usual_keys(rows) if keys is None else keys
    files = usual_files(rows) if files is None else files
    planned = source(rows, keys, files, start=start, cadence_days=cadence_days, seed=seed)
    return Planned(planned, facts={"seed": seed, "keys": keys}, over=f"over {keys:,} keys")
