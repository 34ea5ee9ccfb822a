"""What to write into `snapshotter.toml` so that rows or files that were refused would have come in; plain text."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from snapshotter.contract import Contract
from snapshotter.contract.columns import Column, fold
from snapshotter.contract.formats import fitting
from snapshotter.results import RejectInfo

_NOTHING = frozenset({"NA", "N/A", "NULL", "NONE", "NAN", "NIL", "-", "--", "?", ".", "#N/A", "UNKNOWN"})
_BOUNDS = ("min", "max", "min_length", "max_length")
_USUAL = "cp1252"  # what files that are not UTF-8 most often are
_LISTED = 20  # values that a hint lists; more are a table of their own
_OF_DATASET = ("timestamp_formats", "max_future")  # what is said of a column, but set for the dataset

# What to try on cells that a type or a pattern refuses, the least first.
_FOR_TYPES = (["strip"], ["decimal_comma"], ["thousands"], ["thousands", "decimal_comma"])
_FOR_PATTERNS = (["strip"], ["upper"], ["lower"], *([f"zero_pad({width})"] for width in range(2, 21)))


def hint(rejects: Sequence[RejectInfo], contract: Contract, *, all_of_them: bool = True) -> str:
    """The configuration that would have let these in, or what else to do.

    Args:
        rejects: failures of one rule and one column.
        contract: the dataset's contract.
        all_of_them: whether there are no more; a bound that only some keep would be none.
    """
    first, values = rejects[0], [reject.value for reject in rejects if reject.value is not None]
    dataset = f"[datasets.{contract.dataset}]"
    if first.rule in _BOUNDS and not all_of_them:
        values = []
    if first.column and fold(first.column) in contract.columns:
        column = contract.columns[fold(first.column)]
        said = _about_column(first.rule, column, values, contract) or _about_header(first, column)
        if said.startswith(_OF_DATASET):
            return f"{dataset} {said}"
        if said and contract.config.contract:
            return _elsewhere(said, contract.config.contract, column.name)
        if said:
            return f"[datasets.{contract.dataset}.columns.{_key(column.name)}] {said}"
    said = _about_encoding(contract) if first.rule == "encoding" else _WHOLE.get(first.rule, "")
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
    "max_reject_ratio": "max_reject_ratio = 1.0",
    "batch_time": "batch_time = a pattern that stands in the file's name exactly once",
    "cells": "no setting: give each record as many cells as the header has, and quote cells that hold the delimiter",
    "csv": 'no setting: mend the quotes ("" inside a quoted cell is one quote)',
    "transform": "no setting: mend the function that `transform` names, or the cells that it cannot take",
    "key": "no setting: a row without any part of its key cannot be told from others",
}


def _about_encoding(contract: Contract) -> str:
    """Another encoding beside those that were tried; which it is, only the file's writer knows."""
    tried = contract.config.encodings
    if codecs.lookup(_USUAL).name in {codecs.lookup(name).name for name in tried}:
        return "no setting is known: add the encoding that its writer used to `encodings`, or save it as UTF-8"
    return f"encodings = {_list([*tried, _USUAL])} (or the encoding that its writer used)"


def _about_column(rule: str, column: Column, values: list[str], contract: Contract) -> str:
    """A setting of a column, or of its dataset, by which these values would pass a rule."""
    rules = column.rules
    if rule in ("type", "timestamp"):
        return _about_type(column, values, contract)
    if rule == "pattern":
        return _corrected(column, values, contract, _FOR_PATTERNS) or "pattern = one that these cells match, or none"
    if rule in _BOUNDS:
        return _about_bound(rule, values)
    said = {
        "correct": f"correct = {_list(['thousands', *rules.correct])}, or mend the cells",
        "nullable": "" if column in contract.key else "nullable = true",
        "max_future": 'max_future = "off", or mend the cells',
        "unique": "unique = false",
        "values": _more_values([*(rules.values or ()), *dict.fromkeys(values)]),
    }
    return said.get(rule, "")


def _about_type(column: Column, values: list[str], contract: Contract) -> str:
    from snapshotter.engine.trial import passes  # loads the engine

    rules, words = column.rules, list(dict.fromkeys(value.strip() for value in values))
    if words and all(word.upper() in _NOTHING for word in words):
        empty = [*rules.null_values, *words]
        if passes(values, column, contract, null_values=empty):
            return f"null_values = {_list(empty)}"
    present = contract.config.timestamp_formats
    formats = [f for f in fitting(words) if passes(values, column, contract, formats=[*present, f])]
    if formats:
        said = [f"timestamp_formats = {_list([*present, layout])}" for layout in formats[:2]]
        if len(said) == 2:
            return f"{said[0]} or {said[1]}: these cells can be read in both ways, only their writer knows"
        return said[0]
    mended = _corrected(column, values, contract, _FOR_TYPES)
    if mended or column in (*contract.key, contract.timestamp):
        return mended
    return 'type = "string", or mend the cells'


def _corrected(column: Column, values: list[str], contract: Contract, candidates: Sequence[list[str]]) -> str:
    """The corrections under which all values pass, if there are such."""
    from snapshotter.engine.trial import passes

    present = column.rules.correct
    for wanted in candidates:
        correct = [*(name for name in present if name not in wanted), *wanted]
        for order in (correct, ["strip", *(name for name in correct if name != "strip")]):
            if values and list(present) != order and passes(values, column, contract, correct=order):
                return f"correct = {_list(order)}"
    return ""


def _more_values(values: Sequence[str]) -> str:
    if len(values) > _LISTED:
        return "values = a list with the others in it, or none"
    return f"values = {_list(values)}"


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


def _about_header(reject: RejectInfo, column: Column) -> str:
    """For a header without a required column."""
    if reject.rule != "header":
        return ""
    if reject.candidates:
        return f"aliases = {_list([*column.rules.aliases, reject.candidates[0]])}, if that is what is meant"
    return "required = false, if it may be absent"


def _list(items: Sequence[str]) -> str:
    """Texts as a TOML list."""
    return f"[{', '.join(map(_quoted, items))}]"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in escaped) + '"'
