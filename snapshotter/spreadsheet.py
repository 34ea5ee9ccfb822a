"""What a spreadsheet would run: cells that it takes for a formula, defused as OWASP advises against CSV injection.

A ' goes before a cell whose first character, blanks and control characters aside, is one of = + - @ or their
full-width forms, and before one that begins with a tab, a line end or NUL. Inside a cell it goes before such a
character behind a ; a tab or a line end, at which a spreadsheet of another locale would part the cell. A plain
negative number stays a number.
"""

from __future__ import annotations

import re

_SIGN = "[=+@\\-＝＋＠－]"  # noqa: RUF001 - full-width forms, which spreadsheets take for the others
_BLANK = "[\\x00-\\x20\\x7f\u00a0\u200b\u3000\ufeff]*"
# For RE2 and for Python alike.
_NUMBER = r"-[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_FORMULA = rf"\A(?:[\t\r\n\x00]|{_BLANK}{_SIGN})"
_INSIDE = rf"([;\t\r\n]{_BLANK})({_SIGN})"


def defused(text: str) -> str:
    """A text that no spreadsheet runs."""
    if re.fullmatch(_NUMBER, text):
        return text
    inside = re.sub(_INSIDE, r"\1'\2", text)
    return f"'{inside}" if re.match(_FORMULA, text) else inside


def defused_sql(cell: str) -> str:
    """The same in SQL, of an expression; NULL stays NULL."""
    inside = f"regexp_replace({cell}, '{_INSIDE}', '\\1''\\2', 'g')"
    return (
        f"CASE WHEN regexp_full_match({cell}, '{_NUMBER}') THEN {cell} "
        f"WHEN regexp_matches({cell}, '{_FORMULA}') THEN '''' || {inside} ELSE {inside} END"
    )
