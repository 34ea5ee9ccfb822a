"""The types that a column can have: how a text becomes a value, and a value a text, as SQL.

`parse` gives NULL for what the type cannot hold exactly; an empty cell is handled before it is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from snapshotter.contract.times import Clock, iso_text
from snapshotter.sql import Parameters

# The "valid e-mail address" of the HTML standard (https://html.spec.whatwg.org), with a dot in its host.
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = rf"[A-Za-z0-9.!#$%&''*+/=?^_`{{|}}~-]+@{_LABEL}(\.{_LABEL})+"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_TRUE, _FALSE = "'true', 't', 'yes', 'y', 'on', '1'", "'false', 'f', 'no', 'n', 'off', '0'"

NAMES = ("string", "integer", "number", "decimal(p,s)", "boolean", "date", "timestamp", "uuid", "email")


@dataclass(frozen=True)
class CellType:
    """One type of cell.

    Args:
        name: as written in a contract.
        stored: the engine's type of the stored value.
        delta: the same in a Delta Lake schema.
        says: what a cell is not, when it is refused ("a whole number").
        parse: SQL of the text -> SQL of the value, NULL where the text is none.
        text: SQL of the value -> SQL of the canonical text.
        ordered: whether `min` and `max` make sense.
    """

    name: str
    stored: str
    delta: str
    says: str
    parse: Callable[[str], str]
    text: Callable[[str], str]
    ordered: bool = True


def _same(sql: str) -> str:
    return sql


def _as_text(sql: str) -> str:
    return f"({sql})::VARCHAR"


def _shortest(sql: str) -> str:
    return f"regexp_replace(({sql})::VARCHAR, '\\.0$', '')"


def _with_zero(sql: str) -> str:
    """Of a decimal without whole digits: the engine writes `.5`."""
    return f"regexp_replace(({sql})::VARCHAR, '^(-?)\\.', '\\10.')"


def _matching(pattern: str, value: Callable[[str], str]) -> Callable[[str], str]:
    """Parse only what matches: the engine's casts round, trim and guess."""
    return lambda cell: f"CASE WHEN regexp_full_match({cell}, '{pattern}') THEN {value(cell)} END"


def _canonical(kind: str, otherwise: Callable[[str], str], extra: str = "") -> Callable[[str], str]:
    """Parse what is its value's own text at once, and anything else with care: comparing costs less than a pattern."""

    def parse(cell: str) -> str:
        value = f"try_cast({cell} AS {kind})"
        return f"CASE WHEN {value}::VARCHAR = {cell}{extra.format(cell)} THEN {value} ELSE {otherwise(cell)} END"

    return parse


def _double(cell: str) -> str:
    value = f"try_cast({cell} AS DOUBLE)"
    is_own = f"{value}::VARCHAR = {cell} OR {value}::VARCHAR = {cell} || '.0'"
    return f"CASE WHEN isfinite({value}) AND ({is_own}) THEN {value} + 0.0 ELSE {_matching(_NUMBER, _number)(cell)} END"


def _number(cell: str) -> str:
    # isfinite refuses 1e400; a text with a digit other than 0 that becomes 0 is refused too. + 0.0 makes -0.0 a 0.0.
    value = f"try_cast({cell} AS DOUBLE)"
    vanished = f"{value} = 0 AND regexp_matches({cell}, '^[^eE]*[1-9]')"
    # Fifteen characters are always exact, but for the smallest doubles. Of more, the digits must be the shortest that
    # read back as the double, or the double's own, rounded to as many; 17 tell all doubles apart.
    plain = f"length({cell}) <= 15 AND ({value} = 0 OR abs({value}) >= 1e-300)"
    digits = _digits(cell)
    rounded = _digits(f"format('{{:.{{}}e}}', {value}, least(greatest(length({digits}), 1), 17) - 1)")
    held = f"{digits} = {_digits(f'{value}::VARCHAR')} OR (length({digits}) <= 17 AND {digits} = {rounded})"
    return f"CASE WHEN isfinite({value}) AND NOT ({vanished}) AND (({plain}) OR {held}) THEN {value} + 0.0 END"


def _digits(text: str) -> str:
    """SQL of the significant digits of a number's text; none of zero."""
    return f"trim(regexp_replace(regexp_replace({text}, '[eE].*$', ''), '[^0-9]', '', 'g'), '0')"


def _boolean(cell: str) -> str:
    return f"CASE WHEN lower({cell}) IN ({_TRUE}) THEN TRUE WHEN lower({cell}) IN ({_FALSE}) THEN FALSE END"


_SIMPLE = {
    "string": CellType("string", "VARCHAR", "string", "text", _same, _same, ordered=False),
    "integer": CellType(
        "integer",
        "BIGINT",
        "long",
        "a whole number of at most 64 bits",
        _canonical(
            "BIGINT",
            _matching(r"[+-]?\d+(\.0+)?", lambda cell: f"try_cast(regexp_replace({cell}, '\\.0+$', '') AS BIGINT)"),
        ),
        _as_text,
    ),
    "number": CellType(
        "number",
        "DOUBLE",
        "double",
        "a finite number that a double holds",
        _double,
        _shortest,
    ),
    "boolean": CellType("boolean", "BOOLEAN", "boolean", "true or false", _boolean, _as_text, ordered=False),
    "date": CellType(
        "date",
        "DATE",
        "date",
        "a date of the form YYYY-MM-DD",
        # Ten characters: years beyond 9999 have more. What is not its date's own text is none of ours.
        _canonical("DATE", lambda _: "NULL", " AND length({}) = 10"),
        _as_text,
    ),
    "uuid": CellType(
        "uuid",
        "VARCHAR",
        "string",
        "a UUID",
        lambda cell: f"CASE WHEN try_cast({cell} AS UUID)::VARCHAR = lower({cell}) THEN lower({cell}) END",
        _same,
        ordered=False,
    ),
    "email": CellType(
        "email", "VARCHAR", "string", "an e-mail address", _matching(_EMAIL, _same), _same, ordered=False
    ),
}


def stored_type(name: str) -> str:
    """The engine's type of the stored values of the type that a contract calls `name`."""
    if name.startswith("decimal"):
        return name.upper()
    return "TIMESTAMP" if name == "timestamp" else _SIMPLE[name].stored


def _decimal(precision: int, scale: int) -> CellType:
    """decimal(p,s): the pattern admits at most p-s digits before the point, and only zeros after s behind it."""
    name = f"decimal({precision},{scale})"
    whole, fraction = rf"0*\d{{0,{precision - scale}}}", rf"(\.\d{{0,{scale}}}0*)?"
    shape = rf"[+-]?({whole}{fraction})"
    return CellType(
        name,
        f"DECIMAL({precision},{scale})",
        name,
        f"a decimal number that {name} holds exactly",
        _canonical(
            f"DECIMAL({precision},{scale})",
            lambda cell: (
                f"CASE WHEN regexp_full_match({cell}, '{shape}') AND regexp_matches({cell}, '\\d') "
                f"THEN try_cast({cell} AS DECIMAL({precision},{scale})) END"
            ),
        ),
        _with_zero if precision == scale else _as_text,
    )


def _timestamp(clock: Clock, bind: Parameters) -> CellType:
    return CellType(
        "timestamp",
        "TIMESTAMP",
        "timestamp",
        "a timestamp in a declared format or ISO 8601",
        lambda cell: clock.instant(cell, bind),
        iso_text,
    )


def cell_type(name: str, clock: Clock, bind: Parameters) -> CellType:
    """The type that a contract calls `name`.

    Raises:
        ValueError: there is none; the message says what there is.
    """
    if name == "timestamp":
        return _timestamp(clock, bind)
    if match := re.fullmatch(r"decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)", name):
        precision, scale = int(match[1]), int(match[2])
        if 1 <= precision <= 38 and scale <= precision:
            return _decimal(precision, scale)
        raise ValueError(f"{name}: the precision is 1 to 38, the scale 0 to the precision")
    if name not in _SIMPLE:
        raise ValueError(f"{name!r} is not a type; there are: {', '.join(NAMES)}")
    return _SIMPLE[name]
