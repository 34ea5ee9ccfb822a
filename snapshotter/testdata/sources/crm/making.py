"""Makes one day of `crm`."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.batch import Batch
from snapshotter.testdata.description.column import Column, records
from snapshotter.testdata.draws import Draws
from snapshotter.testdata.source import Source
from snapshotter.testdata.sources import described
from snapshotter.testdata.sources.crm.archival import Again, again, people, picked_day
from snapshotter.testdata.sources.crm.settings import CrmSettings
from snapshotter.testdata.sources.crm.state import State
from snapshotter.testdata.sources.crm.tracer import Traced, traced

CUSTOMERS = "online_customers"
_TRANSACTIONS = ("online_transactions", "pos_transactions")
_POS, _LOYALTY = 60, 40  # of 100 customers, how many the tills and the loyalty club know
_YEARS = 5 * 365
# How many days before the first one the other tables begin.
_BEFORE = {
    "email_campaigns": 366,
    "clickstream": 121,
    "mobile_events": 121,
    "wifi_sessions": 121,
    "safety_inspections": 366,
}
_STREAM, _HALF = 0xA7C5, 1 << 63  # of the rate, apart from those of descriptions


@dataclass(frozen=True)
class Day:
    """One day of the source.

    Args:
        source: its files.
        number: of the day, from 0.
        state: what is to be noted when they are delivered.
        notes: what a person is to be told.
        traced: the tracer rows in it.
    """

    source: Source
    number: int
    state: State
    notes: tuple[str, ...]
    traced: Traced | None

    def finish(self, folder: Path) -> None:
        """Note in the working folder that the day is delivered; in this order, so that it can be stopped anywhere."""
        if self.traced:
            self.traced.put_away()
        self.state.write(folder)


def crm(settings: CrmSettings, folder: Path | None = None) -> Day:
    """Plan a day of the ten tables.

    Args:
        settings: what is wanted.
        folder: the working folder, with the state and the tracer rows; None for a first day without any.

    Raises:
        ValueError: this cannot be; the sentence says why.
    """
    state = State.read(folder) if folder else State()
    day = state.day(settings)
    source = described("crm", _overrides(settings, day))
    today = source.since(settings_start(settings) + timedelta(days=day))
    columns = list(next(table for table in source.tables if table.name == CUSTOMERS).fields)
    rows = traced(folder, state.runs, columns) if folder else None
    notes = []
    if settings.archival and not day:
        notes.append("there is no file of an earlier day yet, from which people could come again")
    more = functools.partial(_with_more, today, source, settings, day, rows.columns if rows else None)
    return Day(replace(today, batches=more), day, state.after(settings, day), tuple(notes), rows)


def settings_start(settings: CrmSettings) -> datetime:
    """The time of the first day's files."""
    return datetime.combine(settings.date, datetime.min.time())


def _overrides(settings: CrmSettings, day: int) -> dict[str, Any]:
    start, rate = settings_start(settings), _rate(settings)
    long_ago, yesterday = start - timedelta(days=_YEARS), start - timedelta(days=1)
    tables = f"tables.{CUSTOMERS}"
    said: dict[str, Any] = {
        "start": start.isoformat(),
        "files": day + 1,
        "seed": settings.seed,
        f"{tables}.rows": round(settings.customers * (1 + rate)),
        f"{tables}.since": long_ago.isoformat(),
        f"{tables}.duplicates": {"share": rate / (1 + rate)},
        f"{tables}.mistakes": {"weights": settings.weights},
        "tables.pos_customers.rows": max(1, settings.customers * _POS // 100),
        "tables.loyalty_members.rows": max(1, settings.customers * _LOYALTY // 100),
    }
    for table, days in _BEFORE.items():
        said[f"tables.{table}.since"] = (start - timedelta(days=days)).isoformat()
    for table in ("pos_customers", "loyalty_members"):
        said[f"tables.{table}.since"] = long_ago.isoformat()
    for table in _TRANSACTIONS:
        said[f"tables.{table}.rows.at_most"] = settings.max_transactions
        said[f"tables.{table}.since"] = (long_ago if settings.transactions == "full" else yesterday).isoformat()
    return said | _turned_off(settings.without)


def _rate(settings: CrmSettings) -> float:
    """The rate of duplicates for one customer, drawn from those around the one that is asked for."""
    word = Draws(settings.seed, _STREAM).word()
    drawn = settings.duplicate_rate + settings.duplicate_variance * (word - _HALF) / _HALF
    return min(max(drawn, 0.0), 100.0) / 100


def _turned_off(without: list[str]) -> dict[str, None]:
    """The tables that are not made; one that another needs cannot be one of them."""
    tables = {table.name: table for table in described("crm").tables}
    for name in without:
        if name not in tables:
            raise ValueError(f"without: there is no table {name!r}; there are {', '.join(tables)}")
    for name, table in tables.items():
        needed = {field.refers[0] for field in table.fields.values() if field.refers}
        if name not in without and (gone := sorted(needed.intersection(without))):
            raise ValueError(f"without: {name} needs {gone[0]}; turn that off, too, or neither")
    if len(without) >= len(tables):
        raise ValueError("without: no table is left")
    return {f"tables.{name}": None for name in without}


def _with_more(
    today: Source, source: Source, settings: CrmSettings, day: int, by_hand: list[Column] | None
) -> Iterator[Batch]:
    """The day's files; the customers with those who come again, and with the tracer rows at the end."""
    for batch in today.batches():
        if batch.table != CUSTOMERS:
            yield batch
            continue
        yield _extended(batch, _comers(source, settings, day) if day else [], by_hand)


def _comers(source: Source, settings: CrmSettings, day: int) -> list[Again]:
    """Those of earlier days who come again; the plan is gone through once, and each file is made once."""
    start = settings_start(settings)
    picked = [start + timedelta(days=picked_day(day, turn, settings.seed)) for turn in range(settings.archival)]
    batches = source.only(CUSTOMERS).batches() if picked else ()
    files = {batch.at: people(batch) for batch in batches if batch.at in picked}
    return [again(files[at], day, turn, settings.seed) for turn, at in enumerate(picked)]


def _extended(batch: Batch, comers: list[Again], by_hand: list[Column] | None) -> Batch:
    more = [one.columns for one in comers] + ([by_hand] if by_hand else [])
    if not more:
        return batch
    counts = [len(columns[0]) for columns in more]
    tracers = counts[-1] if by_hand else 0

    def labels() -> dict[str, npt.NDArray[np.str_]]:
        known = batch.labels() if batch.labels else {}
        plain = np.full(batch.rows, "", dtype=np.str_)
        who = [known.get("who", plain), *(one.who for one in comers), np.full(tracers, "tracer", dtype=np.str_)]
        done = [known.get("done", plain), *(one.done for one in comers), np.full(tracers, "tracer", dtype=np.str_)]
        return {"who": np.concatenate(who), "done": np.concatenate(done)}

    kinds = {"archival": sum(counts) - tracers, "tracer": tracers}
    return replace(
        batch,
        rows=batch.rows + sum(counts),
        parts=[*batch.parts, *(functools.partial(records, columns) for columns in more)],
        labels=labels,
        changes={**batch.changes, **{kind: count for kind, count in kinds.items() if count}},
    )
