"""Writing the columns of a dataset as a data contract, so that reading it gives the same columns."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from snapshotter.config import ColumnConfig, DatasetConfig
from snapshotter.contract import bounds, patterns
from snapshotter.contract.columns import fold
from snapshotter.contract.odcs.reading import PREFIX
from snapshotter.contract.odcs.values import text_of

if TYPE_CHECKING:
    from open_data_contract_standard.model import SchemaProperty

VERSION = "v3.2.0"

_LOGICAL = {"uuid": "string", "email": "string"}
_NUMERIC = ("integer", "number", "decimal")


def write(dataset: str, config: DatasetConfig) -> str:
    """The columns, the key and the timestamp of a dataset as the YAML of a data contract.

    Args:
        dataset: its name.
        config: its configuration; what concerns files and not columns stays in `snapshotter.toml`.
    """
    from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject

    known = {fold(name) for name in config.columns}
    implied = [name for name in (*config.key, config.timestamp) if fold(name) not in known]
    columns = {**dict.fromkeys(implied, ColumnConfig()), **config.columns}
    table = SchemaObject(
        name=dataset,
        logicalType="object",
        properties=[_property(name, column, config) for name, column in columns.items()],
    )
    document = OpenDataContractStandard(
        version="1.0.0",
        kind="DataContract",
        apiVersion=VERSION,
        id=dataset,
        name=dataset,
        status="draft",
        schema=[table],
    )
    return document.to_yaml()


def _property(name: str, column: ColumnConfig, config: DatasetConfig) -> SchemaProperty:
    """One column; a setting that the standard cannot say, or not exactly, becomes a custom property."""
    from open_data_contract_standard.model import CustomProperty, EnumValue, SchemaProperty

    kind = column.type.partition("(")[0]
    logical = "number" if kind == "decimal" else _LOGICAL.get(kind, kind)
    options: dict[str, Any] = {"format": kind} if kind in _LOGICAL else {}
    custom: dict[str, Any] = {}
    for setting, option in (("min", "minimum"), ("max", "maximum")):
        if (bound := getattr(column, setting)) is not None:
            fits = _is_standard(column.type, bound)
            (options if fits else custom)[option if fits else setting] = _native(column.type, bound) if fits else bound
    for setting, option in (("min_length", "minLength"), ("max_length", "maxLength")):
        if (length := getattr(column, setting)) is not None:
            fits = logical == "string"
            (options if fits else custom)[option if fits else setting] = length
    if column.pattern is not None:
        pattern = patterns.anchored(column.pattern) if logical == "string" else None
        (custom if pattern is None else options)["pattern"] = pattern or column.pattern
    for setting in ("aliases", "null_values", "correct"):
        if given := getattr(column, setting):
            custom[setting] = list(given)
    custom |= {"required": False} if not column.required else {}
    custom |= {"unique": True} if column.unique else {}
    custom |= {"timestamp": True} if fold(name) == fold(config.timestamp) else {}
    key = [fold(part) for part in config.key]
    return SchemaProperty(
        name=name,
        logicalType=logical,
        physicalType=column.type if kind == "decimal" else None,
        logicalTypeOptions=options or None,
        required=None if column.nullable is None else not column.nullable,
        primaryKey=True if fold(name) in key else None,
        primaryKeyPosition=key.index(fold(name)) + 1 if fold(name) in key else None,
        enum=[EnumValue(value=_native(column.type, value)) for value in column.values] if column.values else None,
        customProperties=[CustomProperty(property=PREFIX + k, value=v) for k, v in custom.items()] or None,
    )


def _is_standard(kind: str, bound: str) -> bool:
    """Whether a bound is one in the words of the standard: for numbers a number, for times ISO 8601."""
    try:
        found = bounds.limit(kind, bound, upper=False, exclusive=False)
    except ValueError:
        return False
    if kind.startswith(_NUMERIC):
        return found is not None and Decimal(found) == Decimal(bound) and not isinstance(_native(kind, bound), str)
    return found == bound


def _native(kind: str, text: str) -> str | int | float | bool:
    """A value as YAML has it, if reading gives the very text back; else the text."""
    candidates: list[Any] = []
    if kind == "boolean":
        candidates = [text == "true"]
    elif kind.startswith(_NUMERIC):
        for convert in (int, float):
            try:
                candidates.append(convert(text))
            except ValueError:
                continue
    return next((value for value in candidates if text_of(value) == text), text)
