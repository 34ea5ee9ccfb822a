"""`generate_test_data.py retail`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from snapshotter.testdata.cli.options import SeedOption
from snapshotter.testdata.cli.planned import Planned
from snapshotter.testdata.sources import OPENING, retail

HELP = """A British retailer: all its customers and what they bought, day by day, its products and postcodes.

A customer and a day are the same on every run of one seed, whatever other days are asked for. The retailer opened
on 2024-01-01; the products and postcodes are those of that day, and come with each call.

\b
Examples:
  generate_test_data.py retail --with-config
  generate_test_data.py retail --from 2024-01-01 --to 2024-01-30 --output /tmp/shop
  generate_test_data.py retail --date 2024-03-01 --products mine.csv --customers 5000
"""

_DAY = ["%Y-%m-%d"]


def command(
    *,
    customers: Annotated[int, typer.Option(min=1, metavar="N", help="Customers at the opening.")] = 140_000,
    transactions: Annotated[int, typer.Option(min=1, metavar="N", help="Transactions a day.")] = 10_000,
    date: Annotated[datetime | None, typer.Option(formats=_DAY, metavar="DAY", help="One day: YYYY-MM-DD.")] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=_DAY, metavar="DAY", help="The first day.", show_default=OPENING.isoformat()),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=_DAY, metavar="DAY", help="The last day.", show_default="the first"),
    ] = None,
    products: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A CSV of products: product_id, product, category, price."),
    ] = None,
    postcodes: Annotated[int, typer.Option(min=20, metavar="N", help="Postcodes that there are.")] = 20_000,
    seed: SeedOption = 0,
) -> Planned:
    """Plan the days that are wanted."""
    if date and (first or last):
        raise ValueError("--date is one day, --from and --to are several")
    begins = date or first
    start = begins.date() if begins else OPENING
    source = retail(
        customers,
        transactions,
        first=start,
        last=last.date() if last else start,
        products=products,
        postcodes=postcodes,
        seed=seed,
    )
    return Planned(source, facts={"seed": seed})
