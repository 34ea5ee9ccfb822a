"""`generate_test_data.py crm`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from snapshotter.testdata.cli.planned import Planned
from snapshotter.testdata.cli.timing import Timer
from snapshotter.testdata.sources.crm import CrmSettings, Day, crm, read_settings

HELP = """One customer in many systems: ten linked tables, with people who are there twice.

The settings stand in the section [crm] of testdata.toml in the current folder, or are said here. Days that were made
are noted in .testdata.json there; tracer/*.csv are rows of online_customers that are merged into one run.

\b
Examples:
  generate_test_data.py crm --with-config
  generate_test_data.py crm --customers 100000 --duplicate-rate 15 --output /tmp/crm --timer
  generate_test_data.py crm --mode append --transactions daily --archival 2
"""

_SAYS = {name: field.description for name, field in CrmSettings.model_fields.items()}


def _option(name: str, metavar: str, *names: str) -> Any:  # noqa: ANN401  (what typer makes)
    usual = CrmSettings.model_fields[name].get_default(call_default_factory=True)
    return typer.Option(*names, metavar=metavar, help=_SAYS[name], show_default=str(usual) if usual != [] else "none")


def command(
    *,
    customers: Annotated[int | None, _option("customers", "N")] = None,
    duplicate_rate: Annotated[float | None, _option("duplicate_rate", "PERCENT")] = None,
    duplicate_variance: Annotated[float | None, _option("duplicate_variance", "PERCENT")] = None,
    mode: Annotated[str | None, _option("mode", "MODE")] = None,
    transactions: Annotated[str | None, _option("transactions", "WHICH")] = None,
    max_transactions: Annotated[int | None, _option("max_transactions", "N")] = None,
    without: Annotated[list[str] | None, _option("without", "TABLE")] = None,
    archival: Annotated[int | None, _option("archival", "N")] = None,
    date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DAY", help=_SAYS["date"], show_default=str(CrmSettings().date)),
    ] = None,
    seed: Annotated[int | None, _option("seed", "N")] = None,
    timer: Annotated[bool | None, typer.Option("--timer/--no-timer", help=_SAYS["timer"], show_default="no")] = None,
) -> Planned:
    """Plan a day."""
    said = {
        "customers": customers,
        "duplicate_rate": duplicate_rate,
        "duplicate_variance": duplicate_variance,
        "mode": mode,
        "transactions": transactions,
        "max_transactions": max_transactions,
        "without": without or None,
        "archival": archival,
        "date": date.date() if date else None,
        "seed": seed,
        "timer": timer,
    }
    folder = Path()
    settings = read_settings(folder, said)
    day, clock = crm(settings, folder), Timer()
    source = (
        replace(day.source, batches=functools.partial(clock.around, day.source.batches))
        if settings.timer
        else day.source
    )
    return Planned(
        source,
        facts={"seed": settings.seed, "day": day.number},
        goes_on=settings.mode == "append",
        finish=functools.partial(_finish, day, folder, clock),
        notes=lambda: [*(f"note: {note}" for note in day.notes), *clock.lines()],
    )


def _finish(day: Day, folder: Path, clock: Timer, whole: bool) -> Mapping[str, Any]:
    if whole:
        day.finish(folder)
    return {"timer": clock.seconds()} if clock.seconds() else {}
