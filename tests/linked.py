"""A small source of three linked tables, made by hand: every type, a deletion, and names that are hard to quote."""

import functools
from datetime import datetime, timedelta

from snapshotter.testdata import Batch, Field, Source, Table

START = datetime(2024, 3, 1, 6)  # noqa: DTZ001  (files hold local times)
AWKWARD = 'a "b" \\ <c> & \u00e9\u2192\U0001f600'

CUSTOMERS = Table(
    name="customers",
    match="customers_*.csv",
    key=("customer_id",),
    timestamp="updated",
    batch_time="customers_%Y%m%d",
    deleted=("op", "D"),
    encodings=("utf-8", "cp1252"),
    fields={
        "customer_id": Field(type="integer", says="1 and up"),
        "name": Field(aliases=("Full name", "who"), says=f"with a hard one: {AWKWARD}\nand a second line"),
        "email": Field(type="email", nullable=True, says="empty for every third"),
        "op": Field(values=("U", "D")),
        "updated": Field(type="timestamp"),
    },
    says="a customer",
)
ORDERS = Table(
    name="orders",
    match="orders_*.csv*",
    key=("order_id", "line"),
    timestamp="at",
    fields={
        "order_id": Field(type="uuid"),
        "line": Field(type="integer", values=("1", "2", "3")),
        "customer_id": Field(type="integer", refers=("customers", "customer_id"), says="who ordered"),
        "price": Field(type="decimal(8,2)"),
        "weight": Field(type="number"),
        "gift": Field(type="boolean"),
        "day": Field(type="date"),
        "at": Field(type="timestamp"),
    },
    says="a line of an order",
)
NOTES = Table(
    name="notes-1",
    match="notes_*.csv",
    key=("note",),
    timestamp="at",
    fields={
        "note": Field(),
        AWKWARD: Field(required=False, nullable=True),
        "answers": Field(nullable=True, refers=("notes-1", "note")),
        "order_id": Field(type="uuid", refers=("orders", "order_id")),
        "at": Field(type="timestamp"),
    },
)


def linked(days: int = 4, rows: int = 6) -> Source:
    """The source: a file of each table every day, each of two parts."""
    return Source(
        name="linked",
        tables=(CUSTOMERS, ORDERS, NOTES),
        rows=3 * days * rows,
        batches=lambda: (batch for day in range(days) for batch in _day(day, rows)),
        says="three tables made by hand",
    )


def _day(day: int, rows: int) -> list[Batch]:
    at = START + timedelta(days=day)
    makers = ((CUSTOMERS, _customer), (ORDERS, _order), (NOTES, _note))
    half = rows // 2
    return [
        Batch(
            name=f"{table.name.partition('-')[0]}_{at:%Y%m%d}.csv",
            at=at,
            rows=rows,
            columns=dict.fromkeys(table.fields, "str") if table is not NOTES else dict.fromkeys(_NOTE_HEADER, "str"),
            parts=[functools.partial(_part, make, at, day * rows + i, n) for i, n in ((0, half), (half, rows - half))],
            table=table.name,
            changes={"new": rows - 1, "deleted": 1} if table is CUSTOMERS else {},
        )
        for table, make in makers
    ]


_NOTE_HEADER = ["note", "answers", "order_id", "at"]


def _part(make, at: datetime, first: int, count: int) -> bytes:
    return "".join(make(number, at) + "\n" for number in range(first, first + count)).encode()


def _customer(number: int, at: datetime) -> str:
    mail = f"c{number}@example.com" if number % 3 else ""
    op = "D" if number % 6 == 5 else "U"
    return f'{number + 1},"N, {number}",{mail},{op},{at - timedelta(minutes=5):%Y-%m-%dT%H:%M:%S}'


def _order(number: int, at: datetime) -> str:
    order = f"00000000-0000-4000-8000-{number:012}"
    gift = "true" if number % 2 else "false"
    return f"{order},{number % 3 + 1},{number + 1},{number}.50,{number / 4},{gift},{at:%Y-%m-%d},{at:%Y-%m-%dT%H:%M:%S}"


def _note(number: int, at: datetime) -> str:
    before = f"n{number - 1}" if number else ""
    return f"n{number},{before},00000000-0000-4000-8000-{number:012},{at:%Y-%m-%dT%H:%M:%S}"
