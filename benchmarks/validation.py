#!/usr/bin/env python3
"""What a contract costs: a file of a million rows read as text, and under ten typed columns with rules, in turn.

    python benchmarks/validation.py [--rows N] [--times N]

Both ways take the whole path from bytes to judged rows: decode, prove, read, count, judge; the first one with no
more of a contract than a key and a timestamp. The last line is the cost of the contract as a share of reading.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from snapshotter import reader
from snapshotter.binding import Binding
from snapshotter.config import DatasetConfig
from snapshotter.contract import Contract, compile_contract
from snapshotter.contract.header import resolve
from snapshotter.engine import open_engine
from snapshotter.loading import Proven, load
from snapshotter.spool import Content

COLUMNS = {
    "id": {"type": "integer", "min": 0},
    "code": {"pattern": "C[0-9]{6}", "correct": ["strip"]},
    "amount": {"type": "decimal(10,2)", "min": 0, "max": 100000},
    "quantity": {"type": "integer", "min": 0, "max": 1000},
    "active": {"type": "boolean"},
    "day": {"type": "date", "min": "2019-01-01"},
    "timestamp": {"type": "timestamp"},
    "reference": {"type": "uuid"},
    "email": {"type": "email", "max_length": 60},
    "status": {"values": ["new", "paid", "sent", "done"]},
    "score": {"type": "number"},
}


def make(path: Path, rows: int) -> None:
    """Write a regular file of these columns."""
    query = f"""SELECT i AS id, 'C' || lpad((i % 100000)::VARCHAR, 6, '0') AS code,
        ((i * 7 % 100000)::DECIMAL(12, 2) / 100)::DECIMAL(12, 2) AS amount, i % 1000 AS quantity,
        i % 2 = 0 AS active, DATE '2020-01-01' + (i % 1500)::INTEGER AS day,
        strftime(TIMESTAMP '2024-01-01' + to_seconds(i % 20000000), '%Y-%m-%dT%H:%M:%S') AS timestamp,
        uuid() AS reference, 'user' || i || '@example.com' AS email,
        ['new', 'paid', 'sent', 'done'][1 + i % 4] AS status, i * 1.37::DOUBLE / 3.1 AS score
        FROM range({rows:d}) t(i)"""
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (HEADER)")


def seconds(path: Path, contract: Contract, scratch: Path) -> float:
    """The time from the file's bytes to judged rows."""
    with open_engine(scratch, [path.parent], 4 * 10**9, "default") as engine, path.open("rb") as file:
        engine.verify(contract)
        start = time.perf_counter()
        content = Content("", file=file, private=True)
        reader.decode(content, ("utf-8",), "auto", scratch)
        head, is_whole = content.head()
        span = reader.header_span(head, is_whole=is_whole)
        names = reader.header_names(head[slice(*span)], ",")
        header = resolve(names, contract)
        measured = reader.measure(content, path.name, ",", span, scratch)
        cells, _ = Binding(contract, (), (), frozenset()).bind(header)
        now = datetime.now(UTC)
        spans = load([Proven(0, path.name, 1, content, names, header, cells, ",", measured, now)], engine, scratch)
        verdict = engine.accept(contract, cells, spans, now)[1]
        took = time.perf_counter() - start
        assert verdict.accepted == measured.records, "the file is meant to be good"
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    contracts = {
        "as text": compile_contract("default", DatasetConfig()),
        "under a contract": compile_contract("default", DatasetConfig.model_validate({"columns": COLUMNS})),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        make(path, arguments.rows)
        size = path.stat().st_size / 1e6
        print(f"{arguments.rows:,} rows, {len(COLUMNS)} columns, {size:.0f} MB; {os.cpu_count()} cores, ", end="")
        print(f"Python {platform.python_version()}, DuckDB {duckdb.__version__}")
        times: dict[str, list[float]] = {name: [] for name in contracts}
        for _ in range(arguments.times):
            for name, contract in contracts.items():
                times[name].append(seconds(path, contract, Path(folder)))
    median = {name: statistics.median(taken) for name, taken in times.items()}
    for name, taken in times.items():
        print(f"{name:<18} {median[name]:.2f} s  (from {min(taken):.2f} to {max(taken):.2f})")
    cost = median["under a contract"] - median["as text"]
    print(f"the contract costs {cost:.2f} s: {cost / median['as text']:.2f} of reading the file as text (goal: 1.00)")


if __name__ == "__main__":
    main()
