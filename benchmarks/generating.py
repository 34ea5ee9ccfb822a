"""What making test data takes: our sources as whole jobs, and customers beside what is made a row at a time."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.commands import in_turn
from benchmarks.generators import GENERATORS
from benchmarks.measuring import Sample
from benchmarks.outcome import Outcome
from benchmarks.stage import HERE, ROOT, Stage

DEMO = "demo, 10 million rows"
RETAIL = "retail, 140,000 customers, 30 days"
CRM = "crm, 100,000 customers, 15 % twice"
CUSTOMERS = "customers of retail"
BESIDE = 50  # a row at a time takes about so many times as long; rates are compared


def generating(stage: Stage, times: int = 3, scale: int = 1) -> Outcome:
    """Whole processes, from start to end, onto the disk.

    Args:
        stage: where.
        times: how many turns.
        scale: by how much the jobs are smaller than they are called.
    """
    outcome = Outcome("generate", "test data to CSV on the disk" + (f", 1/{scale} of the rows" if scale > 1 else ""))
    customers = 1_000_000 // scale
    rows = {CUSTOMERS: customers, **dict.fromkeys(GENERATORS, customers // BESIDE), DEMO: 10_000_000 // scale}
    ways: dict[str, Callable[[], Sample]] = {
        DEMO: lambda: _ours(stage, "demo", "--rows", rows[DEMO]),
        RETAIL: lambda: _ours(stage, "retail", "--customers", 140_000 // scale, "--to", "2024-01-30"),
        CRM: lambda: _ours(stage, "crm", "--customers", 100_000 // scale, "--duplicate-rate", 15),
        CUSTOMERS: lambda: _ours(stage, "retail", "--table", "customers", "--customers", customers),
        **{name: _theirs(stage, name, rows[name]) for name in GENERATORS},
    }
    in_turn(stage, outcome, ways, times)
    outcome.text = "\n".join(_rate(outcome, name, count) for name, count in rows.items() if outcome.median(name))
    outcome.facts = {"scale": scale}
    return outcome


def _ours(stage: Stage, *arguments: str | int) -> Sample:
    """One job of ours, into a folder that is empty before and after."""
    folder = stage.folder / "generated"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command: list[str | Path] = [sys.executable, ROOT / "generate_test_data.py", *map(str, arguments)]
    try:
        return stage.measured(*command, "--output", folder)
    finally:
        shutil.rmtree(folder)


def _theirs(stage: Stage, name: str, rows: int) -> Callable[[], Sample]:
    out = stage.folder / "peer.csv"
    return lambda: stage.measured(sys.executable, HERE / "generators.py", name, str(rows), out)


def _rate(outcome: Outcome, name: str, rows: int) -> str:
    """Rows a second, start-up included, and how many times as many ours are."""
    seconds, ours = outcome.median(name), outcome.median(CUSTOMERS)
    assert seconds, "only what was measured is told"
    rate = rows / seconds
    if name not in GENERATORS or not ours:
        return f"{name:24} {rows:>10,} rows  {rate:>12,.0f} rows/s"
    # Of each the same rows in the same time: what ours makes in a second against what this makes.
    times = (rows * BESIDE / ours) / rate
    return f"{name:24} {rows:>10,} rows  {rate:>12,.0f} rows/s; customers of retail: {times:,.0f} times as many"
