"""`generate_test_data.py accounts`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from snapshotter.testdata.cli.options import SeedOption
from snapshotter.testdata.cli.planned import Planned
from snapshotter.testdata.sources import accounts

HELP = """Brazilian registrations, each with a CPF that is valid and that nobody else has.

With --hourly they are those of the hour that has just ended; each hour has other people.

\b
Examples:
  generate_test_data.py accounts --n-accounts 1000 --output /tmp/contas
  generate_test_data.py accounts --hourly --with-config
"""


def command(
    *,
    n_accounts: Annotated[int, typer.Option(min=1, metavar="N", help="How many, or how many an hour.")] = 50,
    hourly: Annotated[bool, typer.Option("--hourly", help="Those of the past hour of the clock.")] = False,
    seed: SeedOption = 0,
) -> Planned:
    """Plan the accounts of an hour."""
    hour = datetime.now() if hourly else None  # noqa: DTZ005  (the clock on the wall, as in the files)
    return Planned(accounts(n_accounts, hour=hour, seed=seed), facts={"seed": seed})
