"""The built-in sources that are descriptions: NAME.yaml in this folder, with some of it said otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snapshotter.testdata.description import load
from snapshotter.testdata.source import Source

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent
OPENING = date(2024, 1, 1)


def described(name: str, overrides: Mapping[str, Any] | None = None) -> Source:
    """A built-in source.

    Args:
        name: of its file.
        overrides: what is said otherwise, by path: `{"files": 3, "tables.orders.rows": 10}`.

    Raises:
        ValueError: something in that cannot be; the sentence says what.
    """
    return load(FOLDER / f"{name}.yaml", overrides)


def retail(  # noqa: PLR0913  (an option of the command is an argument)
    customers: int = 140_000,
    transactions: int = 10_000,
    *,
    first: date = OPENING,
    last: date | None = None,
    products: Path | None = None,
    postcodes: int = 20_000,
    seed: int = 0,
) -> Source:
    """Plan the files of a retailer: all customers and the day's transactions, for each day.

    A day is the same whatever other days are asked for: the retailer opened on 2024-01-01, and what happened since
    is reckoned from there. Products and postcodes are those of the opening, and come with every call.

    Args:
        customers: how many there were at the opening.
        transactions: how many a day.
        first: the first day that is wanted.
        last: the last one; the first one if it is None.
        products: a CSV file of products with the columns product_id, product, category and price.
        postcodes: how many there are.
        seed: another seed is another retailer.

    Raises:
        ValueError: this cannot be; the sentence says why.
    """
    last = last or first
    if not OPENING <= first <= last:
        raise ValueError(f"{first} to {last} are no days since {OPENING}, in that order")
    source = described(
        "retail",
        {
            "files": (last - OPENING).days + 1,
            "seed": seed,
            "postcodes": postcodes,
            "tables.postcodes.rows": postcodes,
            "tables.customers.rows": customers,
            "tables.transactions.rows": transactions,
            **(_given(products) if products else {}),
        },
    )
    return source.since(datetime.combine(first, datetime.min.time()), always=("products", "postcodes"))


def _given(products: Path) -> dict[str, Any]:
    """The table of products as a file that a user gives."""
    columns = {
        "product_id": {"cell": "product_id"},
        "product": {"cell": "product"},
        "category": {"cell": "category"},
        "price": {"cell": "price", "type": "decimal(12,2)"},
        "listed": {"time": "created"},
    }
    return {"tables.products.rows": {"file": str(products.resolve())}, "tables.products.columns": columns}


def accounts(n_accounts: int = 50, *, hour: datetime | None = None, seed: int = 0) -> Source:
    """Plan a file of Brazilian registrations.

    Args:
        n_accounts: how many.
        hour: the end of the hour in which they registered, as local time: other hours have other people. The first
            hour of 2024 if it is None.
        seed: another seed is other people.

    Raises:
        ValueError: this cannot be; the sentence says why.
    """
    opening = datetime.combine(OPENING, datetime.min.time())
    wanted = (hour or opening).replace(minute=0, second=0, microsecond=0)
    files = (wanted - opening) // timedelta(hours=1) + 1
    if files < 1:
        raise ValueError(f"{wanted} is before {opening}, when the first accounts were made")
    source = described("accounts", {"files": files, "seed": seed, "tables.accounts.rows": n_accounts})
    return source.since(wanted)


def generate_accounts(n_accounts: int = 50, *, seed: int = 0) -> pd.DataFrame:
    """Brazilian registrations as a DataFrame; arguments and errors as of `accounts`."""
    return accounts(n_accounts, seed=seed).frames()["accounts"]


def shop(files: int = 12, *, every: str = "15m", start: datetime | None = None, seed: int = 0) -> Source:
    """Plan the files of a web shop, whose orders change as time goes by.

    Args:
        files: how often its tables are written.
        every: the time from one file to the next: 90s, 15m, 2h, 1d.
        start: the time of the first one, in whole seconds; as in the description if it is None.
        seed: another seed is another shop.

    Raises:
        ValueError: this cannot be; the sentence says why.
    """
    wanted: dict[str, Any] = {"files": files, "every": every, "seed": seed}
    return described("shop", wanted | ({"start": start.isoformat()} if start else {}))
