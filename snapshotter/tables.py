"""Published CSV as pandas DataFrames: the face of the Python API."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snapshotter.contract import Contract

if TYPE_CHECKING:
    import pandas as pd


def frame(path: Path, contract: Contract) -> pd.DataFrame:
    """A published CSV as a DataFrame: texts as they are, and typed columns in the types that pandas has for them."""
    import pandas as pd  # 0.35 s: only for the Python API

    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8", lineterminator="\n")
    except FileNotFoundError:
        return pd.DataFrame()
    for name in table.columns:
        values = table[name].mask(table[name] == "")
        table[name] = _in_type(values, table[name], contract.column(str(name)).type.name)
    return table


def _in_type(values: pd.Series[Any], texts: pd.Series[Any], kind: str) -> pd.Series[Any]:
    """A published column in the type that pandas has for it; `values` are the texts with the empty ones missing."""
    import pandas as pd

    if kind == "boolean":
        return values.map({"true": True, "false": False}).astype("boolean")
    if kind == "integer":
        numbers = [int(text) if text else None for text in texts]  # to_numeric would go through floats
        return pd.Series(pd.array(numbers, dtype="Int64"), index=texts.index, name=texts.name)
    if kind == "number":
        return pd.to_numeric(values).astype("Float64")
    if kind == "date":
        return pd.to_datetime(values, format="%Y-%m-%d")
    if kind.startswith("decimal"):
        return values.map(Decimal, na_action="ignore")
    return texts
