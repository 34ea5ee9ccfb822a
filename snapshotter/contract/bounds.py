"""Bounds from other vocabularies as the `min` and `max` of a column, exactly: a bound that excludes itself too.

Between two neighbouring values of a type lies none, so "more than x" is "at least the next value after x".
"""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

_LARGEST_INTEGER = 2**63 - 1


def limit(kind: str, bound: object, *, upper: bool, exclusive: bool) -> str | None:
    """A bound as the text of a `min` or a `max`.

    Args:
        kind: the column's type, one that is ordered.
        bound: a number, date or time, or its text.
        upper: whether it is a `max`.
        exclusive: whether the bound itself is out.

    Returns:
        The text, or None where every value of the type is within the bound.

    Raises:
        ValueError: the bound is none for this type, or no value would be within it.
    """
    try:
        if kind == "date":
            return _date(bound, upper=upper, exclusive=exclusive)
        if kind == "timestamp":
            return _timestamp(bound, upper=upper, exclusive=exclusive)
        if kind == "number":
            return _double(bound, upper=upper, exclusive=exclusive)
        precision, scale = digits(kind)
        return _exact(Decimal(str(bound)), precision, scale, upper=upper, exclusive=exclusive)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ValueError(f"the bound {bound} leaves no value, or is none") from error


def digits(kind: str) -> tuple[int | None, int]:
    """Precision and scale of `decimal(p,s)`; (None, 0) of `integer`."""
    if kind == "integer":
        return None, 0
    precision, scale = kind.removeprefix("decimal(").rstrip(")").split(",")
    return int(precision), int(scale)


def _exact(value: Decimal, precision: int | None, scale: int, *, upper: bool, exclusive: bool) -> str | None:
    """On the grid of a decimal or a whole number, rounded inwards."""
    with localcontext(prec=100):
        step = Decimal(1).scaleb(-scale)
        largest = Decimal(_LARGEST_INTEGER) if precision is None else (Decimal(10) ** precision - 1) * step
        if value > largest if upper else value < -largest:
            return None
        if value < -largest if upper else value > largest:
            raise ValueError("beyond the type")
        found = value.quantize(step, rounding=ROUND_FLOOR if upper else ROUND_CEILING)
        if exclusive and found == value:
            found += -step if upper else step
        if abs(found) > largest:
            raise ValueError("beyond the type")
        return format(found, "f")


def _double(bound: object, *, upper: bool, exclusive: bool) -> str | None:
    found = float(str(bound))
    outwards = math.inf if upper else -math.inf
    if found == outwards:
        return None
    if exclusive:
        found = math.nextafter(found, -outwards)
    if not math.isfinite(found):
        raise ValueError("beyond the type")
    return repr(found).removesuffix(".0")


def _date(bound: object, *, upper: bool, exclusive: bool) -> str:
    if isinstance(bound, datetime):
        raise TypeError("a time, not a date")
    found = bound if isinstance(bound, date) else date.fromisoformat(str(bound))
    if exclusive:
        found += timedelta(days=-1 if upper else 1)
    return found.isoformat()


def _timestamp(bound: object, *, upper: bool, exclusive: bool) -> str:
    found = bound if isinstance(bound, date) else datetime.fromisoformat(str(bound))
    if not isinstance(found, datetime):
        found = datetime.combine(found, time())
    if exclusive:
        found += timedelta(microseconds=-1 if upper else 1)
    return found.isoformat()
