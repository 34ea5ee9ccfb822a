"""Trying settings on a few texts: would these cells be taken, if the contract said so?"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from snapshotter.contract import Contract
from snapshotter.contract.columns import Column
from snapshotter.contract.corrections import ambiguous, steps
from snapshotter.contract.times import Clock
from snapshotter.contract.types import cell_type
from snapshotter.sql import Parameters, all_of


def passes(
    texts: Sequence[str],
    column: Column,
    contract: Contract,
    *,
    correct: Sequence[str] | None = None,
    null_values: Sequence[str] | None = None,
    formats: Sequence[str] | None = None,
) -> bool:
    """Whether cells are of a column's type and match its pattern, under other settings than it has.

    Args:
        texts: the cells, as they came.
        column: whose type and pattern count.
        contract: the dataset's.
        correct: of the column, in place of its own.
        null_values: the same.
        formats: of timestamps, in place of the dataset's.
    """
    bind, rules = Parameters(), column.rules
    correct = rules.correct if correct is None else correct
    clock = Clock(contract.clock.formats if formats is None else tuple(formats), contract.clock.timezone)
    query = f"SELECT unnest({bind.bind(list(texts))}::VARCHAR[]) AS raw"
    query = f"SELECT raw, raw AS t FROM ({query})"
    for step in steps(correct, rules.null_values if null_values is None else null_values, bind):
        query = f"SELECT raw, {step.sql('t')} AS t FROM ({query})"
    conditions = [f"{cell_type(column.type.name, clock, bind).parse('t')} IS NOT NULL"]
    if column == contract.timestamp:
        conditions.append(f"{clock.instant('t', bind)} IS NOT NULL")
    if rules.pattern is not None:
        conditions.append(f"regexp_full_match(t, {bind.bind(rules.pattern)})")
    judged = f"t = '' OR ({all_of(conditions)})"
    if unclear := ambiguous(correct, "raw", bind):
        judged = f"({judged}) AND NOT {unclear}"
    sql = f"SELECT bool_and(coalesce({judged}, FALSE)) FROM ({query})"
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return bool(connection.execute(sql, bind.used_by(sql)).fetchall()[0][0])
