#!/usr/bin/env python3
"""What a user would write instead of our generators: a row at a time, by a library for made-up data.

    python benchmarks/generators.py NAME ROWS OUT

Each writes a CSV of British customers with the same twelve columns, in its library's plain way. Unlike ours, name and
e-mail, or town and postcode, do not agree, and nothing is unique but the id.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

COLUMNS = (
    *("customer_id", "title", "first_name", "last_name", "date_of_birth", "job"),
    *("email", "phone", "address", "town", "postcode", "registered"),
)
Row = tuple[object, ...]


def faker_rows(rows: int, *, weighted: bool = True) -> Iterator[Row]:
    """Faker, which draws names by how frequent they are."""
    from faker import Faker

    fake = Faker("en_GB", use_weighting=weighted)
    fake.seed_instance(0)
    for number in range(rows):
        yield (
            number + 1,
            fake.prefix(),
            fake.first_name(),
            fake.last_name(),
            fake.date_of_birth(minimum_age=18),
            fake.job(),
            fake.email(),
            fake.phone_number(),
            fake.street_address(),
            fake.city(),
            fake.postcode(),
            fake.date_time_between("-5y"),
        )


def faker_unweighted_rows(rows: int) -> Iterator[Row]:
    """Faker without the weights, which is faster."""
    return faker_rows(rows, weighted=False)


def mimesis_rows(rows: int) -> Iterator[Row]:
    """Mimesis."""
    from mimesis import Address, Datetime, Person
    from mimesis.locales import Locale

    person, address, time = (kind(Locale.EN_GB, seed=0) for kind in (Person, Address, Datetime))
    for number in range(rows):
        yield (
            number + 1,
            person.title(),
            person.first_name(),
            person.last_name(),
            time.date(start=1930, end=2005),
            person.occupation(),
            person.email(),
            person.phone_number(),
            address.address(),
            address.city(),
            address.postal_code(),
            time.datetime(start=2019, end=2024),
        )


GENERATORS: dict[str, Callable[[int], Iterator[Row]]] = {
    "faker": faker_rows,
    "faker_unweighted": faker_unweighted_rows,
    "mimesis": mimesis_rows,
}


def main(name: str, rows: str, out: str) -> None:
    """Write the rows of one generator."""
    with Path(out).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(GENERATORS[name](int(rows)))


if __name__ == "__main__":
    main(*sys.argv[1:])
