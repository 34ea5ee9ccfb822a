"""What to write into `snapshotter.toml` so that rows or files that were refused would have come in; plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from functools import partial

from snapshotter.contract import Contract
from snapshotter.contract.columns import Column, fold
from snapshotter.contract.formats import fitting
from snapshotter.results import RejectInfo

_NOTHING = frozenset({"NA", "N/A", "NULL", "NONE", "NAN", "NIL", "-", "--", "?", ".", "#N/A", "UNKNOWN"})
_SHOWN = 5
_COMMA = re.compile(r"[+-]?\d*,\d+")
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?")
_POINT_GROUPS = re.compile(r"[+-]?\d{1,3}([, ']\d{3})+(\.\d*)?")

_OF_DATASET = ("timestamp_formats", "max_future")  # what is said of a column, but set for the dataset


def _padded(width: int, text: str) -> str:
    return text.zfill(width) if text.isdigit() else text


# A correction -> what it makes of a text, near enough to guess by.
_MENDING: dict[str, Callable[[str], str]] = {"strip": str.strip, "upper": str.upper, "lower": str.lower}
_MENDING |= {f"zero_pad({width})": partial(_padded, width) for width in range(2, 21)}


def hint(rejects: Sequence[RejectInfo], contract: Contract) -> str:
    """The configuration that would have let these in, or what else to do.

    Args:
        rejects: failures of one rule and one column.
        contract: the dataset's contract.
    """
    first, values = rejects[0], [reject.value for reject in rejects if reject.value is not None]
    dataset = f"[datasets.{contract.dataset}]"
    if first.column and fold(first.column) in contract.columns:
        column = contract.columns[fold(first.column)]
        said = _about_column(first.rule, column, values, contract) or _about_header(first, column)
        if said.startswith(_OF_DATASET):
            return f"{dataset} {said}"
        if said and contract.config.contract:
            return _elsewhere(said, contract.config.contract, column.name)
        if said:
            return f"[datasets.{contract.dataset}.columns.{_key(column.name)}] {said}"
    said = _WHOLE.get(first.rule, "")
    if first.rule == "header" and contract.config.extra_columns == "reject":
        said = 'extra_columns = "keep"'
    return f"{dataset} {said}" if "=" in said else said


def _elsewhere(said: str, source: str, column: str) -> str:
    """A setting of a column in the words of the model or the file that brings the columns."""
    key, _, rest = said.partition(" = ")
    if source.endswith((".yaml", ".yml")):
        words = _IN_ODCS.get(said) or f"{_IN_ODCS.get(key, f'custom property snapshotter.{key}')}: {rest}"
        return f"in {source}, property {column}: {words}"
    if key in ("correct", "null_values"):
        name = next((name for name in _IN_STRING if f'"{name}"' in rest), "")
        words = f"StringConstraints({_IN_STRING[name]}=True)" if name else "mend the cells, or name a `transform`"
    else:
        words = _IN_MODEL.get(said) or f"{_IN_MODEL[key]}{rest}"
    return f"in {source}, field {column}: {words}"


_IN_ODCS = {
    "nullable = true": "required: false",
    "unique = false": "unique: false",
    "min": "logicalTypeOptions.minimum",
    "max": "logicalTypeOptions.maximum",
    "min_length": "logicalTypeOptions.minLength",
    "max_length": "logicalTypeOptions.maxLength",
    "pattern": "logicalTypeOptions.pattern",
    "values": "an enum with the values",
    "type": "logicalType",
}
_IN_MODEL = {
    "nullable = true": "`| None`",
    "min": "ge=",
    "max": "le=",
    "min_length": "min_length=",
    "max_length": "max_length=",
    "pattern": "pattern=",
    "values": "Literal",
    'type = "string", or mend the cells': "the type str, or mend the cells",
    "aliases": "validation_alias=AliasChoices of ",
    "required = false, if it may be absent": "a default, if it may be absent",
}
_IN_STRING = {"strip": "strip_whitespace", "lower": "to_lower", "upper": "to_upper"}

_WHOLE = {
    "encoding": 'encodings = ["utf-8", "cp1252"] (or the encoding that its writer used)',
    "max_reject_ratio": "max_reject_ratio = 1.0",
    "batch_time": "batch_time = a pattern that stands in the file's name exactly once",
    "cells": "no setting: give each record as many cells as the header has, and quote cells that hold the delimiter",
    "csv": 'no setting: mend the quotes ("" inside a quoted cell is one quote)',
    "transform": "no setting: mend the function that `transform` names, or the cells that it cannot take",
    "key": "no setting: a row without any part of its key cannot be told from others",
}


def _about_column(rule: str, column: Column, values: list[str], contract: Contract) -> str:
    """A setting of a column, or of its dataset, by which these values would pass a rule."""
    rules = column.rules
    if rule in ("type", "timestamp"):
        return _about_type(column, values, contract)
    if rule == "pattern":
        return _mended(column, values, lambda text: bool(re.fullmatch(rules.pattern or "", text)))
    if rule in ("min", "max", "min_length", "max_length"):
        return _about_bound(rule, values)
    said = {
        "correct": f"correct = {_list(['thousands', *rules.correct])}, or mend the cells",
        "nullable": "" if column in contract.key else "nullable = true",
        "max_future": 'max_future = "off", or mend the cells',
        "unique": "unique = false",
        "values": f"values = {_list([*(rules.values or ()), *dict.fromkeys(values)])}",
    }
    return said.get(rule, "")


def _about_type(column: Column, values: list[str], contract: Contract) -> str:
    rules = column.rules
    if values and all(value.strip().upper() in _NOTHING for value in values):
        return f"null_values = {_list([*rules.null_values, *dict.fromkeys(value.strip() for value in values)])}"
    stripped = [value.strip() for value in values]
    is_time = column.type.name == "timestamp" or column == contract.timestamp
    if is_time and (formats := fitting(stripped)):
        present = list(contract.config.timestamp_formats)
        said = [f"timestamp_formats = {_list([*present, layout])}" for layout in formats[:2]]
        if len(said) == 2:
            return f"{said[0]} or {said[1]}: these cells can be read in both ways, only their writer knows"
        return said[0]
    if stripped != values and "strip" not in rules.correct:
        return f"correct = {_list(['strip', *rules.correct])}"
    for wanted, shape in (
        (["decimal_comma"], _COMMA),
        (["thousands", "decimal_comma"], _COMMA_GROUPS),
        (["thousands"], _POINT_GROUPS),
    ):
        if values and all(shape.fullmatch(value) for value in stripped) and column.type.ordered:
            return f"correct = {_list([*(name for name in rules.correct if name not in wanted), *wanted])}"
    return "" if column in (*contract.key, contract.timestamp) else 'type = "string", or mend the cells'


def _about_bound(rule: str, values: list[str]) -> str:
    """A bound that all values keep; numbers and lengths alone can be told here."""
    try:
        sizes = [Decimal(len(v)) if rule.endswith("length") else Decimal(v) for v in values]
    except InvalidOperation:
        sizes = []
    if not sizes or not all(size.is_finite() for size in sizes):
        return f"{rule} = another bound, or none"
    bound = min(sizes) if rule.startswith("min") else max(sizes)
    return f"{rule} = {bound:f}"


def _mended(column: Column, values: list[str], passes: Callable[[str], bool]) -> str:
    """A correction that makes all values pass, if one does."""
    for name, mend in _MENDING.items():
        if values and name not in column.rules.correct and all(passes(mend(value)) for value in values):
            return f"correct = {_list([*column.rules.correct, name])}"
    return "pattern = one that these cells match, or none"


def _about_header(reject: RejectInfo, column: Column) -> str:
    """For a header without a required column."""
    if reject.rule != "header":
        return ""
    if reject.candidates:
        return f"aliases = {_list([*column.rules.aliases, reject.candidates[0]])}, if that is what is meant"
    return "required = false, if it may be absent"


def _list(items: Sequence[str]) -> str:
    """Texts as a TOML list; not more of them than a person reads."""
    shown = ", ".join(_quoted(item) for item in items[:_SHOWN])
    return f"[{shown}{', …' if len(items) > _SHOWN else ''}]"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in escaped) + '"'
