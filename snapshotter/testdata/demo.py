"""The source `demo`: customers whose latest order changes from file to file.

A key's name, e-mail and city are functions of its id, so that they agree wherever it comes; its order
(amount, quantity, description) is new every time. Within a file rows are in the order of time, from the time
of the batch before to the time of the batch. No key has two rows of one time.

Columns are made whole with NumPy, laid side by side as fixed-width cells, and the padding is taken out
(`cells`). Measured on one core: 5 million rows over a million keys, 754 MB in 50 files, in 3.3 to 4.2 s to
disk (1.2 to 1.5 million rows/s); the memory, near 80 MB, does not grow with rows or keys. `str.format` and
`str.join` over lists of the same texts gave 0.3 to 0.5 million rows/s in all; DuckDB's COPY writes a table
that is there already at 0.6 to 1.3 million, and would tie the bytes to a version of DuckDB.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.batch import Batch
from snapshotter.testdata.cells import Cells, cells, compact, escaped, needs_quotes, numerals
from snapshotter.testdata.draws import Draws, Words, below, mix, permute
from snapshotter.testdata.plan import (
    CADENCE_DAYS,
    DAY,
    PEOPLE,
    ROWS,
    START,
    Part,
    Settings,
    Slice,
    batch_times,
    parts,
    usual_files,
    usual_keys,
)
from snapshotter.testdata.pools import load
from snapshotter.testdata.source import Field, Source, Table

POOL = "demo-1"
COLUMNS = {
    "id": "int64",
    "name": "str",
    "email": "str",
    "city": "str",
    "amount": "float64",
    "quantity": "int64",
    "description": "str",
    "timestamp": "datetime64[s]",
}
TABLE = Table(
    name="default",
    match="batch_*.csv*",
    key=("id",),
    timestamp="timestamp",
    batch_time="batch_%Y%m%dT%H%M%S",
    fields={
        "id": Field(type="integer", says="1 to the number of keys"),
        "name": Field(says="the same wherever the id comes"),
        "email": Field(type="email", says="made of the name and the id, so unique"),
        "city": Field(says="the same wherever the id comes"),
        "amount": Field(type="decimal(10,2)", says="of the latest order; small ones are more frequent"),
        "quantity": Field(type="integer", says="of the latest order"),
        "description": Field(says="of the latest order; never the same twice for an id"),
        "timestamp": Field(type="timestamp", says="when the order was made; different for each row of an id"),
    },
    says="a customer and the latest order",
)

_BITS = 11  # of an index into a list of the pool: each has 2**11 texts
_DOMAINS = ("com", "com", "com", "com", "org", "org", "net", "net")  # example.*: nobody gets mail (RFC 2606)
_QUANTITIES = (1,) * 28 + (2,) * 14 + (3,) * 7 + (4,) * 4 + (5,) * 3 + (6,) * 3 + (8, 10, 12, 20, 50)
# Odd, and near the golden ratio of 2**22, the number of descriptions: its multiples are all different and far
# from each other, so the next 2**22 versions of a key have different descriptions that do not look alike.
_STEP = 2_592_105
_MOST_PENCE = (1 << 17) + 99
_COMPACT = str.maketrans("", "", "-:")  # `strftime` would not fill up a year before 1000


def demo(
    rows: int = 100_000,
    keys: int | None = None,
    files: int | None = None,
    *,
    start: datetime = START,
    cadence_days: tuple[int, int] = CADENCE_DAYS,
    seed: int = 0,
) -> list[Batch]:
    """Plan the files of the demo; their bytes are made when they are asked for.

    Args:
        rows: how many in all files together.
        keys: how many different ids, each of which comes at least once; 3 for 10 rows where it is None.
        files: how many files; 50, but not more than rows, where it is None.
        start: the time of the first file, without a time zone, in whole seconds.
        cadence_days: the least and the most days from one file to the next.
        seed: 0 to 2**64 - 1; another seed is other data.

    Returns:
        One batch for each file, in the order of time.

    Raises:
        ValueError: this cannot be met; the sentence says why.
    """
    settings = Settings(
        rows=rows,
        keys=usual_keys(rows) if keys is None else keys,
        files=usual_files(rows) if files is None else files,
        start=start,
        cadence_days=cadence_days,
        seed=seed,
    )
    times = batch_times(settings)[1:]
    return [
        Batch(
            name=f"batch_{at.isoformat().translate(_COMPACT)}.csv",
            at=at,
            rows=sum(part.slice.rows for part in pieces),
            columns=COLUMNS,
            parts=[functools.partial(records, part, settings) for part in pieces],
            changes=_changes(pieces),
        )
        for at, pieces in zip(times, parts(settings), strict=True)
    ]


def _changes(pieces: Iterable[Part]) -> dict[str, int]:
    new = sum(part.fresh for part in pieces)
    return {"new": new, "updated": sum(part.slice.rows for part in pieces) - new}


def source(
    rows: int = 100_000,
    keys: int | None = None,
    files: int | None = None,
    *,
    start: datetime = START,
    cadence_days: tuple[int, int] = CADENCE_DAYS,
    seed: int = 0,
) -> Source:
    """The demo as a source of one table; arguments and errors are those of `demo`."""
    batches = demo(rows, keys, files, start=start, cadence_days=cadence_days, seed=seed)
    says = "customers whose latest order changes from file to file"
    return Source(name="demo", tables=(TABLE,), rows=rows, batches=lambda: iter(batches), says=says)


def records(part: Part, settings: Settings) -> bytes:
    """The rows of one part as CSV: a function of its line of the plan, the seed and the number of keys."""
    draws = Draws(settings.seed, ROWS, part.number)
    ids, versions = _ids(part, draws)
    people = mix(ids, Draws(settings.seed, PEOPLE).word())
    times, orders = draws.words(part.slice.rows), draws.words(part.slice.rows)
    tables = _tables()
    rows = np.empty(part.slice.rows, dtype=_layout(settings.keys))
    _put_person(rows, tables, people, numerals(ids + np.uint64(1), settings.keys))
    _put_order(rows, tables, orders)
    _put_description(rows, tables, (people >> np.uint64(3 * _BITS)) + versions * np.uint64(_STEP))
    _put_time(rows, tables, part.slice, times)
    return compact(rows)


def _ids(part: Part, draws: Draws) -> tuple[Words, Words]:
    """The ids of a part's rows, from 0, and for each row a number that no other row of its id has.

    New ids come in their order, at shuffled places; the other rows go through a shuffle of the known ids, and
    through the same one again where there are more rows than ids. So a key comes again after `part.cycle`
    rows, not before.
    """
    places = np.arange(part.slice.rows, dtype=np.uint64)
    if not part.known:
        ids, cycles = places % np.uint64(part.fresh), places // np.uint64(part.fresh)
        return ids, cycles + np.uint64(part.version)
    new = permute(places, part.slice.rows, draws.word()) < np.uint64(part.fresh)
    ids = np.cumsum(new, dtype=np.uint64) + np.uint64(part.known - 1)
    cycles = np.zeros_like(places)
    turns = places[: part.slice.rows - part.fresh]
    ids[~new] = permute(turns % np.uint64(part.known), part.known, draws.word())
    cycles[~new] = turns // np.uint64(part.known)
    return ids, cycles + np.uint64(part.version)


@dataclass(frozen=True)
class _Tables:
    """Every text of a cell, with the comma or the line end that follows or precedes it."""

    first: Cells
    last: Cells
    first_mail: Cells
    last_mail: Cells
    domain: Cells
    city: Cells
    pounds: Cells
    pence: Cells
    quantity: Cells
    phrase: Cells
    phrase_quote: npt.NDArray[np.uint8]
    company: Cells
    company_quote: npt.NDArray[np.uint8]
    minute: Cells
    second: Cells


@functools.cache
def _tables() -> _Tables:
    pool = load(POOL)
    return _Tables(
        first=cells(f",{text}" for text in pool["first"]),
        last=cells(f" {text}," for text in pool["last"]),
        first_mail=cells(f"{text}." for text in pool["first_mail"]),
        last_mail=cells(pool["last_mail"]),
        domain=cells(f"@example.{text}," for text in _DOMAINS),
        city=cells(f"{text}," for text in pool["city"]),
        pounds=cells(str(pounds) for pounds in range(_MOST_PENCE // 100 + 1)),
        pence=cells(f".{pence:02}," for pence in range(100)),
        quantity=cells(f"{number}," for number in _QUANTITIES),
        phrase=cells(escaped(text) for text in pool["phrase"]),
        phrase_quote=needs_quotes(pool["phrase"]),
        company=cells(f" for {escaped(text)}" for text in pool["company"]),
        company_quote=needs_quotes(pool["company"]),
        minute=cells(f"{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)),
        second=cells(f"{second:02}\n" for second in range(60)),
    )


@functools.cache
def _layout(keys: int) -> np.dtype[np.void]:
    """The fields of a record in the order of the columns, for ids up to `keys`."""
    tables = _tables()
    number = numerals(np.array([keys], dtype=np.uint64), keys).dtype
    return np.dtype(
        [
            ("id", number),
            ("first", tables.first.dtype),
            ("last", tables.last.dtype),
            ("first_mail", tables.first_mail.dtype),
            ("last_mail", tables.last_mail.dtype),
            ("id_mail", number),
            ("domain", tables.domain.dtype),
            ("city", tables.city.dtype),
            ("pounds", tables.pounds.dtype),
            ("pence", tables.pence.dtype),
            ("quantity", tables.quantity.dtype),
            ("opening_quote", "u1"),
            ("phrase", tables.phrase.dtype),
            ("company", tables.company.dtype),
            ("closing_quote", "u1"),
            ("date", "S12"),
            ("minute", tables.minute.dtype),
            ("second", tables.second.dtype),
        ]
    )


def _put_person(rows: npt.NDArray[np.void], tables: _Tables, people: Words, numbers: Cells) -> None:
    """Fill id, name, email and city; `people` is a word for each row that belongs to its id."""
    first, last = _index(people, _BITS), _index(people >> np.uint64(_BITS), _BITS)
    rows["id"] = rows["id_mail"] = numbers
    rows["first"] = tables.first.take(first)
    rows["last"] = tables.last.take(last)
    rows["first_mail"] = tables.first_mail.take(first)
    rows["last_mail"] = tables.last_mail.take(last)
    rows["domain"] = tables.domain.take(_index(people >> np.uint64(61), 3))
    rows["city"] = tables.city.take(_index(people >> np.uint64(2 * _BITS), _BITS))


def _put_order(rows: npt.NDArray[np.void], tables: _Tables, orders: Words) -> None:
    """Fill amount and quantity. Small amounts are more frequent: the product of two even draws."""
    pence = ((orders >> np.uint64(48)) * (orders >> np.uint64(32) & np.uint64(0xFFFF)) >> np.uint64(15)) + np.uint64(99)
    pounds = pence // np.uint64(100)
    rows["pounds"] = tables.pounds.take(pounds.astype(np.intp))
    rows["pence"] = tables.pence.take((pence - pounds * np.uint64(100)).astype(np.intp))
    rows["quantity"] = tables.quantity.take(_index(orders, 6))


def _put_description(rows: npt.NDArray[np.void], tables: _Tables, texts: Words) -> None:
    """Fill description, which names a phrase and a company; in quotes if one of them needs it."""
    phrase, company = _index(texts, _BITS), _index(texts >> np.uint64(_BITS), _BITS)
    rows["phrase"] = tables.phrase.take(phrase)
    rows["company"] = tables.company.take(company)
    rows["opening_quote"] = rows["closing_quote"] = tables.phrase_quote[phrase] | tables.company_quote[company]


def _put_time(rows: npt.NDArray[np.void], tables: _Tables, place: Slice, times: Words) -> None:
    """Fill timestamp: the time of the slice in even steps, and each row at a random second of its step.

    Where there are more rows than seconds the steps have no room, and up to rows / seconds rows share one.
    """
    midnight = datetime.combine(place.opens.date(), datetime.min.time())
    seconds = np.arange(place.rows, dtype=np.uint64) * np.uint64(place.seconds) // np.uint64(place.rows)
    seconds += np.uint64((place.opens - midnight).seconds) + below(times, max(1, place.seconds // place.rows))
    days = seconds // np.uint64(DAY)
    minutes = (seconds - days * np.uint64(DAY)) // np.uint64(60)
    dates = cells(f",{midnight.date() + timedelta(days=day)}T" for day in range(int(days[-1]) + 1))
    rows["date"] = dates.take(days.astype(np.intp))
    rows["minute"] = tables.minute.take(minutes.astype(np.intp))
    rows["second"] = tables.second.take((seconds % np.uint64(60)).astype(np.intp))


def _index(words: Words, bits: int) -> npt.NDArray[np.intp]:
    """The lowest bits of words as indexes into a table of 2**bits cells."""
    return (words & np.uint64((1 << bits) - 1)).astype(np.intp)
