"""Cells gone wrong: for each kind of dirt the text that comes in place of a good cell.

A function here gets what the column is (of a type of `TYPES`), a good cell and a number that was drawn, and gives
another text, or None where this kind of dirt cannot be in such a cell.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from snapshotter.testdata.dirt.forms import clock_and_offset, digits
from snapshotter.testdata.dirt.kinds import RowKind
from snapshotter.testdata.source import Field

Spoiling = Callable[[Field, str, int], str | None]

_NO_NUMBERS = ("n/a", "unknown", "twelve", "?", "see note")
_NO_BOOLEANS = ("maybe", "2", "ja", "unknown")
_NULLS = ("NULL", "NA", "N/A", "null", "None", "nan")
_UNREADABLE = ("yesterday", "24:61", "0000-00-00 00:00:00", "soon")
_LAST_DAY = "2999-12-31"


# The types of the columns in which a kind of dirt can be; of the others any.
TYPES: dict[RowKind, tuple[str, ...]] = {
    RowKind.TEXT_IN_NUMBER: ("integer", "number", "decimal"),
    RowKind.EXPONENT: ("integer", "decimal"),
    RowKind.TOO_MANY_DIGITS: ("integer", "decimal"),
    RowKind.DECIMAL_COMMA: ("number", "decimal"),
    RowKind.IMPOSSIBLE_DATE: ("date", "timestamp"),
    RowKind.NOT_A_BOOLEAN: ("boolean",),
    RowKind.NOT_A_UUID: ("uuid",),
    RowKind.NOT_AN_EMAIL: ("email",),
    RowKind.NOT_A_VALUE: ("string",),
    RowKind.SWAPPED_DATE: ("date", "timestamp"),
    RowKind.IMPOSSIBLE_SWAP: ("date", "timestamp"),
    RowKind.LOST_ZEROS: ("string",),
}


def may(kind: RowKind, field: Field) -> bool:
    """Whether a kind of dirt can be in a column."""
    return kind not in TYPES or field.type.partition("(")[0] in TYPES[kind]


def _picked(texts: tuple[str, ...], word: int) -> str:
    return texts[word % len(texts)]


def _text_in_number(field: Field, cell: str, word: int) -> str:  # noqa: ARG001  (one signature for all)
    return _picked(_NO_NUMBERS, word)


def _exponent(field: Field, cell: str, word: int) -> str:  # noqa: ARG001
    return f"{1 + word % 9}e2"


def _too_many_digits(field: Field, cell: str, word: int) -> str:
    size = digits(field.type)
    if size is None:
        return "9" * 20
    whole, scale = size
    if word % 2 or not cell:
        return "9" * (whole + 1)
    return f"{cell.partition('.')[0]}.{'1' * (scale + 1)}"


def _decimal_comma(field: Field, cell: str, word: int) -> str | None:  # noqa: ARG001
    return cell.replace(".", ",") if "." in cell else None


def _impossible_date(field: Field, cell: str, word: int) -> str | None:  # noqa: ARG001
    return f"{cell[:4]}-{_picked(('02-31', '13-01', '04-31', '02-30'), word)}{cell[10:]}" if cell else None


def _not_a_boolean(field: Field, cell: str, word: int) -> str:  # noqa: ARG001
    return _picked(_NO_BOOLEANS, word)


def _not_a_uuid(field: Field, cell: str, word: int) -> str | None:  # noqa: ARG001
    return _picked(("none", cell[:-1], f"{cell[:-1]}g"), word) if cell else None


def _not_an_email(field: Field, cell: str, word: int) -> str | None:  # noqa: ARG001
    if not cell:
        return None
    name, _, host = cell.partition("@")
    return _picked((f"{name}.{host}", f"{name}@", f"@{host}", f"{name}@@{host}", f"{name} {cell}"), word)


def _not_a_value(field: Field, cell: str, word: int) -> str | None:
    if not field.values or not cell:
        return None
    return next((text for text in (f"{cell}?", f"{cell}{word % 10}", "?") if text not in field.values), None)


def _emptied(field: Field, cell: str, word: int) -> str | None:  # noqa: ARG001
    return None if field.nullable or not cell else ""


def _null_text(field: Field, cell: str, word: int) -> str | None:  # noqa: ARG001
    text = _picked(_NULLS, word)
    return None if text in field.values else text


def unreadable_time(cell: str, word: int) -> str:
    """A text that is no time, in place of one that orders the versions of a row."""
    return _picked((*_UNREADABLE, f"{cell[8:10]}/{cell[5:7]}/{cell[:4]}{cell[10:]}"), word)


def far_future(cell: str) -> str:
    """The same time of the day on the last day of the third millennium."""
    return f"{_LAST_DAY}{cell[10:]}"


def swapped(cell: str) -> str | None:
    """A date or timestamp with day and month swapped, if that is another text; it need not be a date."""
    if cell[5:7] == cell[8:10]:  # also of an empty cell
        return None
    return f"{cell[:5]}{cell[8:10]}-{cell[5:7]}{cell[10:]}"


def is_date(cell: str) -> bool:
    """Whether a text is a date, or a timestamp, in ISO 8601."""
    try:
        clock_and_offset(cell)
    except ValueError:
        return False
    return True


def _swapped_date(field: Field, cell: str, word: int) -> str | None:  # noqa: ARG001
    other = None if field.values else swapped(cell)
    return other if other and is_date(other) else None


def _impossible_swap(field: Field, cell: str, word: int) -> str | None:  # noqa: ARG001
    other = swapped(cell)
    return other if other and not is_date(other) else None


def _lost_zeros(field: Field, cell: str, word: int) -> str | None:  # noqa: ARG001
    return (cell.lstrip("0") or "0") if cell[:1] == "0" and cell[1:2].isdecimal() else None


def _trailing_blanks(field: Field, cell: str, word: int) -> str | None:  # noqa: ARG001
    return cell + " " * (1 + word % 3) if cell else None


SPOILINGS: dict[RowKind, Spoiling] = {
    RowKind.TEXT_IN_NUMBER: _text_in_number,
    RowKind.EXPONENT: _exponent,
    RowKind.TOO_MANY_DIGITS: _too_many_digits,
    RowKind.DECIMAL_COMMA: _decimal_comma,
    RowKind.IMPOSSIBLE_DATE: _impossible_date,
    RowKind.NOT_A_BOOLEAN: _not_a_boolean,
    RowKind.NOT_A_UUID: _not_a_uuid,
    RowKind.NOT_AN_EMAIL: _not_an_email,
    RowKind.NOT_A_VALUE: _not_a_value,
    RowKind.EMPTIED: _emptied,
    RowKind.NULL_TEXT: _null_text,
    RowKind.SWAPPED_DATE: _swapped_date,
    RowKind.IMPOSSIBLE_SWAP: _impossible_swap,
    RowKind.LOST_ZEROS: _lost_zeros,
    RowKind.TRAILING_BLANKS: _trailing_blanks,
}


def changed(field: Field, cell: str, word: int) -> str | None:
    """Another valid cell of the column: what a correction of the row says."""
    if field.values:
        others = [value for value in field.values if value != cell]
        return others[word % len(others)] if others else None
    if not cell:
        return None
    if field.type == "integer":
        whole = int(cell.partition(".")[0])
        return str(whole - 1 if whole > 9 else whole + 1)  # never more digits
    if field.type == "number" or digits(field.type):
        return f"{cell[:-1]}{(int(cell[-1]) + 1 + word % 8) % 10}" if cell[-1].isdecimal() and "e" not in cell else None
    if field.type in ("date", "timestamp"):
        return earlier(cell, 1 + word % 300)
    other: dict[str, Callable[[], str | None]] = {
        "string": lambda: f"{cell} (amended)",
        "boolean": lambda: {"true": "false", "false": "true"}.get(cell.lower()),
        "uuid": lambda: f"{cell[:-1]}{(int(cell[-1], 16) + 1 + word % 15) % 16:x}",
        "email": lambda: f"new.{cell}",
    }
    return other[field.type]()


def earlier(cell: str, days: int) -> str | None:
    """A date or timestamp so many days earlier, written as it was; None where that is before the year 1000."""
    day = date.fromisoformat(cell[:10])
    return f"{(day - timedelta(days)).isoformat()}{cell[10:]}" if day.year > 1000 + days // 365 else None
