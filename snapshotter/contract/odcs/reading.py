"""Reading a data contract: one schema object as the columns of a dataset."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from snapshotter.config import ColumnConfig
from snapshotter.contract import bounds, patterns
from snapshotter.contract.columns import fold
from snapshotter.contract.odcs import values
from snapshotter.logs import logger

if TYPE_CHECKING:
    from open_data_contract_standard.model import (
        DataQuality,
        OpenDataContractStandard,
        SchemaObject,
        SchemaProperty,
    )

MAX_SIZE = 10**6  # bytes
_DEEPEST = 100  # levels of YAML; a contract has about ten
PREFIX = "snapshotter."  # of our own custom properties

_TYPES = {"string": "string", "date": "date", "timestamp": "timestamp", "time": "string"}
_TYPES |= {"number": "number", "integer": "integer", "boolean": "boolean"}
_FORMATS = {"uuid": "uuid", "email": "email"}
_PHYSICAL_DECIMAL = re.compile(r"(?:decimal|numeric|number)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.IGNORECASE)
_INTEGERS: dict[str, tuple[int, int | None]] = {
    "i8": (-(2**7), 2**7 - 1),
    "i16": (-(2**15), 2**15 - 1),
    "i32": (-(2**31), 2**31 - 1),
}
_INTEGERS |= {"u8": (0, 2**8 - 1), "u16": (0, 2**16 - 1), "u32": (0, 2**32 - 1), "u64": (0, None), "u128": (0, None)}
_BOUNDS = {
    "minimum": (False, False),
    "exclusiveMinimum": (False, True),
    "maximum": (True, False),
    "exclusiveMaximum": (True, True),
}
_LENGTHS = {"minLength": "min_length", "maxLength": "max_length"}
_SETTINGS = {
    **_LENGTHS,
    "pattern": "pattern",
    **{name: "max" if upper else "min" for name, (upper, _) in _BOUNDS.items()},
}
_HINTS = {"format", "timezone", "defaultTimezone"}  # what a type or `timezone` in snapshotter.toml says
_ISO = {"yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ssXXX"}
_ISO |= {"yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ssZ", "yyyy-MM-dd'T'HH:mm:ss.SSS", "ISO8601"}


class OdcsRefused(Exception):
    """A file that is no contract that can be followed.

    Args:
        place: where in it.
        problem: what is wrong.
        allowed: what would be right.
    """

    def __init__(self, place: str, problem: str, allowed: str) -> None:
        """Keep what is wrong."""
        super().__init__(problem)
        self.place, self.problem, self.allowed = place, problem, allowed


@dataclass(frozen=True)
class Found:
    """What a file says of a dataset: its columns, its key if it has one, and which column orders versions."""

    columns: dict[str, ColumnConfig]
    key: tuple[str, ...]
    timestamp: str | None


def read(path: Path, dataset: str) -> Found:
    """Read what a file says of a dataset.

    Args:
        path: the file.
        dataset: the name of the schema object that is meant, where there are several.

    Raises:
        OdcsRefused: it cannot be read, or demands what cannot be checked.
    """
    table = _table(_document(path), dataset)
    properties = table.properties or []
    named = {_name(item): item for item in properties}
    if len({fold(name) for name in named}) < len(properties):
        raise OdcsRefused(f"schema.{table.name}", "names a column twice (case aside)", "Remove one.")
    key = sorted((item for item in properties if item.primaryKey), key=lambda item: item.primaryKeyPosition or 0)
    columns = {name: _column(name, item, is_key=key == [item]) for name, item in named.items()}
    marked = [name for name, item in named.items() if _custom(item).get("timestamp") is True]
    if len(marked) > 1:
        raise OdcsRefused(f"schema.{table.name}", f"marks several columns with {PREFIX}timestamp", "Mark one.")
    return Found(columns, tuple(_name(item) for item in key), marked[0] if marked else None)


def _document(path: Path) -> OpenDataContractStandard:
    import yaml
    from open_data_contract_standard.model import OpenDataContractStandard

    whole, mend = "the file", "Mend it, or name another."
    try:
        if not path.is_file():
            raise OdcsRefused(whole, "is not there", mend)
        with path.open("rb") as file:
            text = file.read(MAX_SIZE + 1)
        if len(text) > MAX_SIZE:
            raise OdcsRefused(whole, f"has more than {MAX_SIZE:,} bytes", mend)
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, but for the speed
        _refuse_bombs(yaml.parse(text, Loader=loader))
        data = values.load(text, loader)
    except (yaml.YAMLError, ValueError) as error:
        words = " ".join(str(error).split())
        raise OdcsRefused(whole, f"is not valid YAML: {words[:200]}", mend) from None
    except OSError as error:
        raise OdcsRefused(whole, f"cannot be read: {error.strerror}", mend) from None
    if not isinstance(data, dict) or data.get("kind") != "DataContract":
        raise OdcsRefused(whole, "is no data contract", "It says `kind: DataContract` and `apiVersion: v3…`.")
    if not str(data.get("apiVersion")).startswith("v3."):
        raise OdcsRefused("apiVersion", "is not of version 3", "Allowed: v3.0.0 and later ones that begin with v3.")
    try:
        return OpenDataContractStandard.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise OdcsRefused(place or whole, first["msg"], "The standard says what may stand there.") from None


def _refuse_bombs(events: Iterable[object]) -> None:
    """A few aliases of aliases can stand for more than any memory holds, and deep nesting for more than any stack."""
    depth = 0
    for event in events:
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if name == "AliasEvent":
            raise OdcsRefused("the file", "has YAML aliases", "Write out what they stand for.")
        if depth > _DEEPEST:
            raise OdcsRefused("the file", "is nested too deep", f"At most {_DEEPEST} levels.")


def _table(document: OpenDataContractStandard, dataset: str) -> SchemaObject:
    """The schema object of a dataset: the one of its name, else the only one."""
    tables = document.schema_ or []
    for table in tables:
        if dataset in (table.name, table.physicalName):
            return table
    if len(tables) != 1:
        names = ", ".join(str(table.name) for table in tables) or "none"
        raise OdcsRefused("schema", f"has no object {dataset!r}; it has {names}", "Name one like the dataset.")
    return tables[0]


def _name(item: SchemaProperty) -> str:
    name = item.physicalName or item.name
    if not name:
        raise OdcsRefused("schema", "has a property without a name", "Give it one.")
    return name


def _column(name: str, item: SchemaProperty, *, is_key: bool) -> ColumnConfig:
    """One property as a column.

    Args:
        name: the column's name.
        item: the property.
        is_key: whether it is the whole key.
    """
    options = item.logicalTypeOptions or {}

    def refuse(place: str, problem: str, allowed: str) -> OdcsRefused:
        return OdcsRefused(f"{name}.{place}", problem, allowed)

    custom = _custom(item)
    custom.pop("timestamp", None)
    if unknown := custom.keys() - ColumnConfig.model_fields.keys():
        known = ", ".join([*ColumnConfig.model_fields, "timestamp"])
        raise refuse("customProperties", f"{PREFIX}{min(unknown)} is not known", f"Known, behind {PREFIX}: {known}.")
    kind = str(custom.get("type") or _type(item, options, refuse))
    rules: dict[str, Any] = {"type": kind}
    if item.required is not None:
        rules["nullable"] = not item.required
    if item.unique and not is_key:
        rules["unique"] = True
    if item.enum:
        rules["values"] = _values(kind, [choice.value for choice in item.enum], partial(refuse, "enum"))
    for rule in item.quality or ():
        rules |= _quality(name, kind, rule, partial(refuse, "quality"))
    rules |= _options(kind, {k: v for k, v in options.items() if _SETTINGS.get(k) not in custom}, refuse)
    try:
        return ColumnConfig.model_validate({**rules, **custom})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise refuse(".".join(map(str, first["loc"])), first["msg"], "See the README, under Configuration.") from None


def _custom(item: SchemaProperty) -> dict[str, Any]:
    """Our own custom properties, without the prefix."""
    found = {str(own.property): own.value for own in item.customProperties or ()}
    return {name.removeprefix(PREFIX): value for name, value in found.items() if name.startswith(PREFIX)}


def _type(item: SchemaProperty, options: Mapping[str, Any], refuse: Any) -> str:  # noqa: ANN401 - see _column
    logical = item.logicalType or "string"
    if logical not in _TYPES:
        raise refuse("logicalType", f"is {logical}, which no cell can hold", f"Allowed: {', '.join(_TYPES)}.")
    form = options.get("format")
    if logical == "string":
        return _FORMATS.get(str(form), "string")
    if logical in ("date", "timestamp") and form and (form not in _ISO or (logical == "date" and form != "yyyy-MM-dd")):
        allowed = "Leave it out; formats other than ISO 8601 stand in `timestamp_formats` in snapshotter.toml."
        raise refuse("logicalTypeOptions.format", f"{form!r} is not understood", allowed)
    exact = _PHYSICAL_DECIMAL.fullmatch((item.physicalType or "").strip())
    if logical == "number" and exact:
        return f"decimal({exact[1]},{exact[2] or 0})"
    return _TYPES[logical]


def _options(kind: str, options: Mapping[str, Any], refuse: Any) -> dict[str, Any]:  # noqa: ANN401 - see _column
    """What `logicalTypeOptions` demand, as settings."""
    rules: dict[str, Any] = {}
    if kind == "integer":
        low, high = _INTEGERS.get(str(options.get("format")), (None, None))
        rules |= {name: str(bound) for name, bound in (("min", low), ("max", high)) if bound is not None}
    for first, second in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if first in options and second in options:
            raise refuse(f"logicalTypeOptions.{second}", f"stands beside {first}", "Take one of the two out.")
    for option, value in options.items():
        if option not in _HINTS and value is not None:
            rules |= _option(kind, option, value, refuse)
    return rules


def _option(kind: str, option: str, value: object, refuse: Any) -> dict[str, Any]:  # noqa: ANN401 - see _column
    place = f"logicalTypeOptions.{option}"
    if option in _BOUNDS:
        upper, exclusive = _BOUNDS[option]
        try:
            bound = bounds.limit(kind, value, upper=upper, exclusive=exclusive)
        except ValueError as error:
            raise refuse(place, str(error), f"A bound of the type {kind}.") from None
        return {"max" if upper else "min": bound} if bound is not None else {}
    if option in _LENGTHS:
        return {_LENGTHS[option]: value}
    if option != "pattern":
        raise refuse(place, "cannot be checked here", "Leave it out, or check it in a pydantic model.")
    pattern = patterns.searched(str(value), patterns.ECMA_DIGIT)
    if pattern is None:
        allowed = f"Say it in RE2, for the whole cell, in the custom property {PREFIX}pattern."
        raise refuse(place, "is one that RE2 may read in another way", allowed)
    return {"pattern": pattern}


def _quality(name: str, kind: str, rule: DataQuality, refuse: Any) -> dict[str, Any]:  # noqa: ANN401 - see _column
    """The quality rules that are rules of single cells; others are named in the log."""
    given = rule.arguments or {}
    if rule.mustBe == 0 and rule.metric == "nullValues":
        return {"nullable": False}
    if rule.mustBe == 0 and rule.metric == "invalidValues" and list(given) == ["validValues"]:
        if not isinstance(given["validValues"], list):
            raise refuse("has validValues that are no list", "Write validValues: [A, B].")
        return {"values": _values(kind, given["validValues"], refuse)}
    logger.bind(column=name, rule=rule.metric or rule.type).warning("a quality rule is not checked here")
    return {}


def _values(kind: str, listed: list[Any], refuse: Any) -> tuple[str, ...]:  # noqa: ANN401 - see _column
    try:
        return values.texts(kind, listed)
    except ValueError as error:
        raise refuse(str(error), values.QUOTE) from None
