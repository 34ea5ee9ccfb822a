"""The rules of a contract as SQL conditions over one row of cells and parsed values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snapshotter.contract.columns import Column
from snapshotter.contract.corrections import ambiguous
from snapshotter.sql import Parameters


@dataclass(frozen=True)
class Check:
    """A condition that an acceptable row meets.

    Args:
        column: the column it speaks of.
        rule: its name in rejects.
        condition: SQL, TRUE where the row may stay; never NULL.
        reason: what is wrong where it may not, without the value.
    """

    column: str
    rule: str
    condition: str
    reason: str


def column_checks(column: Column, raw: str, cell: str, value: str, bind: Parameters) -> list[Check]:
    """All checks of one column that need nothing but its own cell.

    Args:
        column: the column.
        raw: SQL of the text as it came, never NULL.
        cell: SQL of the text after correction, never NULL.
        value: SQL of the parsed value, NULL for an empty cell.
        bind: keeps the values that the conditions refer to.
    """
    checks: list[Check] = []

    def check(rule: str, condition: str, reason: str) -> None:
        checks.append(Check(column.name, rule, condition, reason))

    rules = column.rules
    if unclear := ambiguous(rules.correct, raw, bind):
        check("correct", f"NOT {unclear}", "may mean thousands or a fraction; `thousands` in `correct` says which")
    if not column.nullable:
        check("nullable", f"{cell} <> ''", "is empty, and may not be")
    if column.type.name != "string":
        check("type", f"{cell} = '' OR {value} IS NOT NULL", f"is not {column.type.says}")
    if rules.min_length is not None:
        check(
            "min_length", f"{cell} = '' OR length({cell}) >= {rules.min_length}", f"is shorter than {rules.min_length}"
        )
    if rules.max_length is not None:
        check("max_length", f"length({cell}) <= {rules.max_length}", f"is longer than {rules.max_length}")
    if rules.pattern is not None:
        matches = f"regexp_full_match({cell}, {bind.bind(rules.pattern)})"
        check("pattern", f"{cell} = '' OR {matches}", f"does not match {rules.pattern}")
    return [*checks, *_value_checks(column, cell, value, bind)]


def _value_checks(column: Column, cell: str, value: str, bind: Parameters) -> list[Check]:
    """The checks that compare a value, in its type."""
    rules = column.rules

    def parsed(text: str) -> str:
        return f"({column.type.parse(f'{bind.bind(text)}::VARCHAR')})"

    checks = [
        Check(column.name, rule, f"{value} IS NULL OR {value} {sign} {parsed(bound)}", f"is {words} than {bound}")
        for rule, sign, bound, words in (("min", ">=", rules.min, "less"), ("max", "<=", rules.max, "more"))
        if bound is not None
    ]
    if rules.values is not None:
        allowed = ", ".join(map(parsed, rules.values))
        condition = f"{value} IS NULL OR {cell} = '' OR {value} IN ({allowed})"
        checks.append(Check(column.name, "values", condition, "is not one of the allowed values"))
    return checks


def literals(column: Column, marks: Sequence[str], bind: Parameters) -> list[tuple[str, str]]:
    """The settings of a column that only the engine can judge: (key, SQL that is NULL or fails if it is no good).

    Args:
        column: the column.
        marks: the values of `delete_when`, if it is about this column.
        bind: keeps the values.
    """
    rules = column.rules
    settings = [(f"min = {rules.min!r}", rules.min), (f"max = {rules.max!r}", rules.max)]
    found = [(key, column.type.parse(f"{bind.bind(text)}::VARCHAR")) for key, text in settings if text is not None]
    if rules.min is not None and rules.max is not None:
        (_, low), (_, high) = found[:2]
        found.append((f"min = {rules.min!r} with max = {rules.max!r}", f"CASE WHEN ({low}) <= ({high}) THEN TRUE END"))
    found += [(f"values: {value!r}", _possible(column, value, bind)) for value in rules.values or ()]
    found += [(f"delete_when: {value!r}", _possible(column, value, bind)) for value in marks]
    if rules.pattern is not None:
        found.append((f"pattern = {rules.pattern!r}", f"regexp_full_match('', {bind.bind(rules.pattern)})"))
    return found


def _possible(column: Column, value: str, bind: Parameters) -> str:
    """SQL that is NULL if no cell can be this value: it is none of its type, or its corrections would change it."""
    text = f"{bind.bind(value)}::VARCHAR"
    query = f"SELECT {text} AS t"
    for step in column.steps:
        query = f"SELECT {step.sql('t')} AS t FROM ({query})"
    return f"(SELECT CASE WHEN t = {text} AND {column.type.parse('t')} IS NOT NULL THEN TRUE END FROM ({query}))"


def key_check(columns: tuple[Column, ...], cells: list[str]) -> list[Check]:
    """A key with every part empty is refused; where one part may not be empty, its own check says so."""
    if not all(column.nullable for column in columns):
        return []
    name = ", ".join(column.name for column in columns)
    some = " OR ".join(f"{cell} <> ''" for cell in cells)
    return [Check(name, "key", some, "every part of the key is empty")]
