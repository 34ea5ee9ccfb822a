"""What a valid file and a valid row of a dataset are: a `DatasetConfig` whose parts were shown to fit together."""

from __future__ import annotations

import hashlib
import json
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from snapshotter.config import FILE_NAME, LINEAGE, ColumnConfig, DatasetConfig
from snapshotter.contract.columns import Column, StoredColumn, fold
from snapshotter.contract.corrections import NAMES as CORRECTIONS
from snapshotter.contract.corrections import steps
from snapshotter.contract.times import Clock, format_pattern
from snapshotter.contract.types import NAMES, CellType, cell_type
from snapshotter.errors import ConfigError
from snapshotter.extension import is_reference
from snapshotter.sql import Parameters

if TYPE_CHECKING:
    from snapshotter.contract.model import RowModel

# Keys that do not decide whether a file or row is accepted, nor what is stored of it.
_NOT_ACCEPTANCE = {"match", "lineage", "column_order"}

# (key, what is wrong, what is allowed) -> the error to raise
Problem = Callable[[str, str, str], ConfigError]


@dataclass(frozen=True)
class Contract:
    """The compiled contract of one dataset.

    Args:
        dataset: the dataset's name.
        config: what it was compiled from.
        columns: the declared columns (key and timestamp always among them) by folded name.
        aliases: folded alias -> folded declared name.
        key: the key's columns, in order.
        timestamp: the column that orders the versions of a key.
        clock: how timestamps are read.
        parameters: the values that the SQL of the types refers to.
        model: a user's Python that judges the rows that passed all else.
        code: a digest of that Python.
    """

    dataset: str
    config: DatasetConfig
    columns: dict[str, Column]
    aliases: dict[str, str]
    key: tuple[Column, ...]
    timestamp: Column
    clock: Clock
    parameters: Parameters
    model: RowModel | None = None
    code: str = ""

    def column(self, name: str) -> Column:
        """The declared column of that name, or an undeclared one: optional text."""
        known = self.columns.get(fold(name))
        return known or Column(name, self.type("string"), nullable=True, rules=ColumnConfig(), declared=False)

    def type(self, name: str) -> CellType:
        """The type of that name, under this contract's clock."""
        return cell_type(name, self.clock, self.parameters)

    def acceptance(self, code: str = "") -> str:
        """A digest of all that decides what is accepted: equal digests, equal verdicts.

        Args:
            code: a digest of the user's own code that changes rows before they are judged.
        """
        rules = self.config.model_dump(mode="json", exclude=_NOT_ACCEPTANCE)
        if self.code or code:
            rules["code"] = [self.code, code]
        return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:16]


def compile_contract(dataset: str, config: DatasetConfig, file: Path | str = FILE_NAME) -> Contract:
    """Show that a dataset's settings fit together, and make them ready for use.

    Raises:
        ConfigError: they contradict each other; names the key and what is allowed.
    """

    def problem(key: str, what: str, allowed: str) -> ConfigError:
        return ConfigError(file=file, key=f"datasets.{dataset}.{key}", problem=what, allowed=allowed)

    _check_times(config, problem)
    if config.transform and not is_reference(config.transform):
        raise problem("transform", 'is not of the form "module:function"', 'An example: "cleaning:tidy".')
    parameters, clock = Parameters(), Clock(config.timestamp_formats, config.timezone)
    columns: dict[str, Column] = {}
    for name, rules in _declared(config).items():
        where = f"columns.{name}"
        if _is_ours(name) or not name:
            raise problem(
                where,
                "is a name that latest.csv or the rejects need themselves",
                f"Not: {', '.join(LINEAGE)}.",
            )
        if fold(name) in columns:
            raise problem(where, "stands twice (names are compared without regard to case)", "Remove one.")
        try:
            kind = cell_type(rules.type, clock, parameters)
        except ValueError as error:
            raise problem(f"{where}.type", str(error), f"Types: {', '.join(NAMES)}.") from None
        columns[fold(name)] = _column(name, kind, rules, config, problem, parameters)
    key = tuple(columns[fold(name)] for name in config.key)
    timestamp = columns[fold(config.timestamp)]
    if timestamp in key:
        raise problem(
            "timestamp",
            "is part of the key, so that no key would ever have two versions",
            "Use another column.",
        )
    if timestamp.type.name not in ("string", "timestamp", "date"):
        raise problem(
            f"columns.{timestamp.name}.type",
            "does not order rows in time",
            "Allowed: string, timestamp, date.",
        )
    return Contract(dataset, config, columns, _aliases(columns, problem), key, timestamp, clock, parameters)


def _is_ours(name: str) -> bool:
    return fold(name) in map(fold, LINEAGE) or fold(name).startswith("_reject_")


def _declared(config: DatasetConfig) -> dict[str, ColumnConfig]:
    """The declared columns, and those of key, timestamp and deletes where nothing more is said of them."""
    known = {fold(name) for name in config.columns}
    implied = {name: ColumnConfig() for name in (*config.key, config.timestamp)}
    if config.delete_when and fold(config.delete_when.column) not in map(fold, implied):
        implied[config.delete_when.column] = ColumnConfig(required=False)  # or it would be ignored with the extra ones
    return {**config.columns, **{name: rules for name, rules in implied.items() if fold(name) not in known}}


def _column(
    name: str, kind: CellType, rules: ColumnConfig, config: DatasetConfig, problem: Problem, bind: Parameters
) -> Column:
    where = f"columns.{name}"
    is_timestamp, in_key = fold(name) == fold(config.timestamp), fold(name) in map(fold, config.key)
    if is_timestamp and (rules.nullable or not rules.required):
        raise problem(where, "is the timestamp, which every row needs", "Remove `nullable` and `required`.")
    if not kind.ordered and (rules.min is not None or rules.max is not None):
        raise problem(
            f"{where}.min",
            f"has no meaning for {kind.name}",
            "For the length of a text: min_length, max_length.",
        )
    if rules.min_length is not None and rules.max_length is not None and rules.min_length > rules.max_length:
        raise problem(f"{where}.min_length", "is more than max_length", "No text could pass.")
    nullable = rules.nullable if rules.nullable is not None else not (in_key or is_timestamp)
    try:
        corrections = tuple(steps(rules.correct, rules.null_values, bind))
    except ValueError as error:
        raise problem(f"{where}.correct", str(error), f"Corrections: {', '.join(CORRECTIONS)}.") from None
    return Column(name, kind, nullable, rules, steps=corrections)


def _aliases(columns: dict[str, Column], problem: Problem) -> dict[str, str]:
    aliases: dict[str, str] = {}
    for folded, column in columns.items():
        for alias in column.rules.aliases:
            if _is_ours(alias):
                what = f"{alias!r} is a name that latest.csv or the rejects need themselves, and never matches"
                raise problem(f"columns.{column.name}.aliases", what, f"Not: {', '.join(LINEAGE)}.")
            if fold(alias) in columns or aliases.get(fold(alias), folded) != folded:
                raise problem(
                    f"columns.{column.name}.aliases", f"{alias!r} means another column already", "Remove one."
                )
            aliases[fold(alias)] = folded
    return aliases


def _check_times(config: DatasetConfig, problem: Problem) -> None:
    for layout in config.timestamp_formats:
        try:
            format_pattern(layout)
        except ValueError as error:
            raise problem("timestamp_formats", f"{layout!r}: {error}", "Use Python's strptime directives.") from None
    if config.batch_time:
        try:
            if "%z" in config.batch_time or "%" not in config.batch_time:
                raise ValueError("must hold the directives of a date, and no %z")
            format_pattern(config.batch_time)
        except ValueError as error:
            raise problem("batch_time", str(error), 'An example: "dpc-%Y%m%d".') from None
    if config.timezone != "UTC":
        try:
            zoneinfo.ZoneInfo(config.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise problem("timezone", f"{config.timezone!r} is not a time zone", 'An example: "Europe/Rome".') from None


def changes(old: Contract, new: Contract, stored: tuple[StoredColumn, ...]) -> list[str]:
    """What changed in a way that rows stored under `old` cannot follow: words for a person, empty if nothing."""
    found = [
        f"{name}: {before!r} → {after!r}"
        for name, before, after in (
            ("key", [c.name for c in old.key], [c.name for c in new.key]),
            ("timestamp", old.timestamp.name, new.timestamp.name),
            ("timezone", old.config.timezone, new.config.timezone),
            ("delete_when", _words(old), _words(new)),
        )
        if before != after
    ]
    for column in stored:
        before, after = old.column(column.name), new.column(column.name)
        if before.type.name != column.type:
            continue  # of another time: no row that counts is stored there
        if after.type.name != column.type:
            found.append(f"type of {column.name}: {column.type} → {after.type.name}")
        if before.rules.correct != after.rules.correct:
            found.append(f"correct of {column.name}: {list(before.rules.correct)} → {list(after.rules.correct)}")
    return found


def is_view_change(old: DatasetConfig, new: DatasetConfig) -> bool:
    """Whether two configurations publish the same rows in another way."""
    return (old.lineage, old.column_order) != (new.lineage, new.column_order)


def _words(contract: Contract) -> str:
    rule = contract.config.delete_when
    return rule.model_dump_json(exclude_defaults=True) if rule else "none"
