"""The types of cells: the one form in which a value is published, the instant that it is, and where it sorts.

Written from the specification, for what sources make: each function takes a valid cell. Nothing here knows how
snapshotter reads a cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.dirt.grid import Texts

_DECIMAL = re.compile(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)")
_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
_OFFSET = re.compile(r"(Z|[+-]\d\d:\d\d)$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE = {"true", "t", "yes", "y", "on", "1"}


def digits(kind: str) -> tuple[int, int] | None:
    """How many digits a decimal(p,s) has: before the point, and after it; None of another type."""
    found = _DECIMAL.fullmatch(kind)
    return (int(found[1]) - int(found[2]), int(found[2])) if found else None


def canonical(kind: str, cells: Texts) -> Texts:
    """Valid cells of one type as they are published."""
    form = _form(kind)
    if form is None:
        return cells
    # Most cells are in their form already, and one expression over all of them says so at the least cost.
    own, listed = re.compile(_own(kind)), cells.tolist()
    if re.fullmatch(rf"(?:(?:{own.pattern})?+\0)*+", "".join([f"{cell}\0" for cell in listed])):
        return cells
    return np.array([cell if not cell or own.fullmatch(cell) else form(cell) for cell in listed], object)


def _own(kind: str) -> str:
    """A pattern of texts that are in the published form of their type; none of zero, whose sign goes."""
    if size := digits(kind):
        return r"-?+[1-9][0-9]*+" + (rf"\.[0-9]{{{size[1]}}}" if size[1] else "")
    patterns = {
        "integer": "-?+[1-9][0-9]*+",
        "boolean": "true|false",
        "timestamp": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})?+",
    }
    return patterns.get(kind, "(?!)")


def _form(kind: str) -> Callable[[str], str] | None:
    """Turns a cell of a type into its published form; None for types that are published as they come."""
    if size := digits(kind):
        return lambda cell: _decimal(cell, size[1])
    forms = {
        "integer": lambda cell: str(int(cell.partition(".")[0])),
        "number": lambda cell: repr(float(cell) + 0.0).removesuffix(".0"),
        "boolean": lambda cell: "true" if cell.lower() in _TRUE else "false",
        "timestamp": _timestamp,
        "uuid": str.lower,
    }
    return forms.get(kind)


def _decimal(cell: str, scale: int) -> str:
    sign, whole, fraction = cell.startswith("-"), *cell.lstrip("+-").partition(".")[::2]
    text = (whole.lstrip("0") or "0") + (f".{fraction[:scale].ljust(scale, '0')}" if scale else "")
    return f"-{text}" if sign and text.strip("0.") else text


def _timestamp(cell: str) -> str:
    clock, offset = clock_and_offset(cell)
    return clock.isoformat() + offset


def clock_and_offset(cell: str) -> tuple[datetime, str]:
    """The clock time of a timestamp, and the offset that it has, if any.

    Raises:
        ValueError: it is no timestamp in ISO 8601.
    """
    found = _OFFSET.search(cell) if len(cell) > 10 else None
    offset = found[1] if found else ""
    return datetime.fromisoformat(cell[: len(cell) - len(offset)]), offset


def instants(cells: Texts) -> npt.NDArray[np.int64]:
    """Valid timestamps as microseconds since 1970 in UTC, which is where those without an offset are."""
    texts = cells.astype(np.str_)
    if not texts.size:
        return np.empty(0, np.int64)
    has_offset = np.char.endswith(texts, "Z") | np.array([len(t) > 16 and t[-6] in "+-" for t in cells.tolist()], bool)
    found = np.empty(len(texts), np.int64)
    found[~has_offset] = texts[~has_offset].astype("datetime64[us]").astype(np.int64)
    found[has_offset] = [_instant(cell) for cell in cells[has_offset].tolist()]
    return found


def _instant(cell: str) -> int:
    clock, offset = clock_and_offset(cell)
    whole = datetime.fromisoformat(clock.isoformat() + offset.replace("Z", "+00:00"))
    return (whole - _EPOCH) // timedelta(microseconds=1)


def places(kind: str, keys: list[str]) -> dict[str, int]:
    """Where each of some different keys sorts: empty first, then as the type has it.

    Texts that are whole numbers come by value, before the others, which come by code point.
    """
    numeric = kind in ("integer", "number") or digits(kind) is not None
    if numeric:
        ordered = sorted(keys, key=lambda key: (bool(key), Decimal(key or 0)))
    elif kind == "timestamp":
        ordered = sorted(keys, key=lambda key: (bool(key), _instant(_utc(key)) if key else 0))
    elif kind == "string":
        numbers = sorted((key for key in keys if _WHOLE.fullmatch(key)), key=int)
        ordered = sorted(key for key in keys if not key)
        ordered += [*numbers, *sorted(key for key in keys if key and not _WHOLE.fullmatch(key))]
    else:
        ordered = sorted(keys)
    return {key: place for place, key in enumerate(ordered)}


def _utc(cell: str) -> str:
    return cell if _OFFSET.search(cell[10:]) else f"{cell}Z"
