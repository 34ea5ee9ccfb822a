"""Timestamps as text: which texts are instants, as SQL expressions.

Source of the accepted ISO form: ISO 8601 as narrowed by the project's specification, a calendar date, then
optionally `T` or a blank and `HH:MM[:SS[.1-6 digits]]`, then optionally `Z` or `±HH:MM`. Declared formats follow
Python's `strptime`. The engine's own casts are far more lenient (24:00, blanks, two-digit years), so
every cast stands behind a pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from snapshotter.sql import Parameters

_DATE = r"([1-9]\d{3}|0[1-9]\d{2}|00[1-9]\d|000[1-9])-\d{2}-\d{2}"
_CLOCK = r"([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?)?"
_OFFSET = r"[+-]([01]\d|2[0-3]):[0-5]\d"
_ANY_OFFSET = r"(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)"

# The texts that each directive of Python's strptime takes; `%Y` means four digits, as it does there.
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_LONG_MONTHS = ["january", "february", "march", "april", "may", "june"]
_LONG_MONTHS += ["july", "august", "september", "october", "november", "december"]
_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_LONG_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_DIRECTIVES = {
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "m": r"(1[0-2]|0[1-9]|[1-9])",
    "d": r"(3[01]|[12]\d|0[1-9]|[1-9])",
    "H": r"(2[0-3]|[01]\d|\d)",
    "I": r"(1[0-2]|0[1-9]|[1-9])",
    "M": r"([0-5]\d|\d)",
    "S": r"([0-5]\d|\d)",
    "f": r"\d{1,6}",
    "j": r"(36[0-6]|3[0-5]\d|[12]\d{2}|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9])",
    "p": r"(?i:am|pm)",
    "b": f"(?i:{'|'.join(_MONTHS)})",
    "B": f"(?i:{'|'.join(_LONG_MONTHS)})",
    "a": f"(?i:{'|'.join(_DAYS)})",
    "A": f"(?i:{'|'.join(_LONG_DAYS)})",
    "%": "%",
}


def format_pattern(layout: str) -> str:
    """A `strptime` format as a regular expression (RE2 and Python) for the texts it takes.

    Raises:
        ValueError: a directive that is not known, or `%z` anywhere but at the end.
    """
    parts = re.split(r"%(.)", layout, flags=re.DOTALL)
    pattern = re.escape(parts[0])
    for directive, literal in zip(parts[1::2], parts[2::2], strict=True):
        if directive == "z" and not literal:
            return pattern + _ANY_OFFSET
        if directive not in _DIRECTIVES:
            known = " ".join(f"%{d}" for d in _DIRECTIVES)
            raise ValueError(f"%{directive} is not understood here; known: {known}, and %z at the end")
        pattern += _DIRECTIVES[directive] + re.escape(literal)
    if layout.endswith("%") and not layout.endswith("%%"):
        raise ValueError("ends in a lone %")
    return pattern


@dataclass(frozen=True)
class Clock:
    """How the timestamps of one dataset are read.

    Args:
        formats: `strptime` formats, tried in order before ISO 8601.
        timezone: IANA name; where texts without an offset are local.
    """

    formats: tuple[str, ...]
    timezone: str

    def instant(self, cell: str, bind: Parameters) -> str:
        """SQL for the instant that the text `cell` (an SQL expression) means, in UTC; NULL if it means none."""
        branches = [self._format_branch(cell, layout, bind) for layout in self.formats]
        return f"coalesce({', '.join([*branches, self._iso(cell, bind)])})"

    def offset(self, cell: str, bind: Parameters) -> str:
        """SQL for the offset that the text carries, as `Z` or `±HH:MM`; NULL if it carries none."""
        found = f"regexp_extract({cell}, '(Z|[+-]\\d{{2}}:?\\d{{2}})$')"
        canonical = f"CASE WHEN length({found}) = 5 THEN left({found}, 3) || ':' || substr({found}, 4) ELSE {found} END"
        # By the format that decides the instant: a letter Z that one of them has is no offset.
        whens = [
            f"WHEN ({self._format_branch(cell, layout, bind)}) IS NOT NULL "
            f"THEN {canonical if _has_offset(layout) else 'NULL'}"
            for layout in self.formats
        ]
        whens.append(f"WHEN regexp_full_match({cell}, '{_DATE}{_CLOCK}{_ANY_OFFSET}') THEN {canonical}")
        return f"CASE {' '.join(whens)} END"

    def local(self, instant: str, offset: str, bind: Parameters) -> str:
        """SQL for the wall-clock time of an instant under its offset, or in `timezone` without one."""
        zone = instant if self.timezone == "UTC" else f"timezone({bind.bind(self.timezone)}, ({instant})::TIMESTAMPTZ)"
        moved = f"{instant} + {_minutes(offset)}"
        return f"CASE WHEN {offset} IS NULL THEN {zone} WHEN {offset} = 'Z' THEN {instant} ELSE {moved} END"

    def _iso(self, cell: str, bind: Parameters) -> str:
        local = self._utc(f"try_cast({cell} AS TIMESTAMP)", bind)
        return (
            f"CASE WHEN regexp_full_match({cell}, '{_DATE}{_CLOCK}') THEN {local} "
            f"WHEN regexp_full_match({cell}, '{_DATE}{_CLOCK}Z') THEN try_cast(left({cell}, -1) AS TIMESTAMP) "
            f"WHEN regexp_full_match({cell}, '{_DATE}{_CLOCK}{_OFFSET}') "
            f"THEN try_cast(left({cell}, -6) AS TIMESTAMP) - {_minutes(f'right({cell}, 6)')} END"
        )

    def _format_branch(self, cell: str, layout: str, bind: Parameters) -> str:
        matches = f"regexp_full_match({cell}, {bind.bind(format_pattern(layout))})"
        if not _has_offset(layout):
            parsed = self._utc(f"try_strptime({cell}, {bind.bind(layout)})", bind)
            return f"CASE WHEN {matches} THEN {parsed} END"
        offset = f"regexp_extract({cell}, '(Z|[+-]\\d{{2}}:?\\d{{2}})$')"
        local = f"try_strptime(left({cell}, length({cell}) - length({offset})), {bind.bind(layout[:-2])})"
        shift = f"CASE WHEN {offset} = 'Z' THEN to_minutes(0) ELSE {_minutes(offset)} END"
        return f"CASE WHEN {matches} THEN {local} - {shift} END"

    def _utc(self, local: str, bind: Parameters) -> str:
        """SQL for the instant of a local time; NULL where the zone's clocks skip it or show it twice.

        The offsets a day before and a day after are the candidates (as in java.time's getValidOffsets).
        """
        if self.timezone == "UTC":
            return local
        zone = bind.bind(self.timezone)
        day = "to_days(1)"
        early, late = (
            f"(({local}) - (timezone({zone}, (({local}) {sign} {day})::TIMESTAMPTZ) - (({local}) {sign} {day})))"
            for sign in "-+"
        )
        fits = {i: f"timezone({zone}, {i}::TIMESTAMPTZ) = ({local})" for i in (early, late)}
        return (
            f"CASE WHEN {fits[early]} AND {fits[late]} AND {early} <> {late} THEN NULL "
            f"WHEN {fits[early]} THEN {early} WHEN {fits[late]} THEN {late} END"
        )


def iso_text(local: str) -> str:
    """SQL for a wall-clock time as `YYYY-MM-DDTHH:MM:SS[.ffffff]`."""
    return (
        f"CASE WHEN epoch_us({local}) % 1000000 = 0 THEN replace(({local})::VARCHAR, ' ', 'T') "
        f"ELSE strftime({local}, '%Y-%m-%dT%H:%M:%S.%f') END"
    )


def _minutes(offset: str) -> str:
    """SQL for `±HH:MM` or `±HHMM` as an interval."""
    size = f"(substr({offset}, 2, 2)::INTEGER * 60 + right({offset}, 2)::INTEGER)"
    return f"to_minutes(CASE WHEN left({offset}, 1) = '-' THEN -{size} ELSE {size} END)"


def _has_offset(layout: str) -> bool:
    """Whether a format ends in the directive `%z` (and not in a literal `%z`)."""
    return bool(re.search(r"(?<!%)(%%)*%z$", layout))
