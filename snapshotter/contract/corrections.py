"""What `correct` and `null_values` make of a cell before its type is asked: SQL over the text, step by step.

A correction touches only cells of the shape it is for. What it cannot mend with certainty stays as it came, so that
the type refuses it: under `decimal_comma`, `1.234` may be a thousand or a little more than one, and nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from snapshotter.sql import Parameters

NAMES = ("strip", "lower", "upper", "title", "decimal_comma", "thousands", "zero_pad(n)", "collapse_spaces")

# What Unicode calls white space (https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt), and the byte order
# mark, which editors leave inside files.
_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
_RUN_OF_SPACES = "[" + "".join(f"\\x{{{ord(c):04X}}}" for c in _SPACES) + "]+"
# Marks between groups of three digits beside the comma or the point: blanks and the Swiss apostrophes.
_GROUP_MARKS = (" ", "\\x{00A0}", "\\x{202F}", "\\x{2009}", "'", "\\x{2019}")
_ZERO_PAD = re.compile(r"zero_pad\((\d{1,3})\)")
_AMBIGUOUS = r"[+-]?[0-9]{1,3}\.[0-9]{3}"


@dataclass(frozen=True)
class Step:
    """One correction.

    Args:
        name: as written in the contract.
        sql: SQL of the text before -> SQL of the text after; both never NULL.
    """

    name: str
    sql: Callable[[str], str]


def steps(correct: Sequence[str], null_values: Sequence[str], bind: Parameters) -> list[Step]:
    """The corrections of a column, in order; `null_values` are asked before the first and after the last.

    Args:
        correct: as in the contract.
        null_values: cells that mean empty.
        bind: keeps the values that the SQL refers to.

    Raises:
        ValueError: there is no such correction; the message says what there is.
    """
    found = [_step(name, correct, bind) for name in _in_order(correct)]
    empty = _null_values(null_values, bind)
    return [*empty, *found, *(empty if found else [])]


def ambiguous(correct: Sequence[str], cell: str, bind: Parameters) -> str:
    """SQL of whether a cell as it came can be read in two ways under these corrections; empty if none can."""
    if "decimal_comma" not in correct or "thousands" in correct:
        return ""
    return f"regexp_full_match({_stripped(cell, bind.bind(_SPACES))}, '{_AMBIGUOUS}')"


def _in_order(correct: Sequence[str]) -> list[str]:
    """The names, but the groups of digits go before the comma becomes a point: afterwards both would be points."""
    names = list(correct)
    if "thousands" in names and "decimal_comma" in names and names.index("decimal_comma") < names.index("thousands"):
        names.remove("thousands")
        names.insert(names.index("decimal_comma"), "thousands")
    return names


def _step(name: str, correct: Sequence[str], bind: Parameters) -> Step:
    if match := _ZERO_PAD.fullmatch(name):
        return Step(name, _zero_pad(int(match[1])))
    spaces = bind.bind(_SPACES)
    simple: dict[str, Callable[[str], str]] = {
        "strip": lambda cell: _stripped(cell, spaces),
        "lower": lambda cell: f"lower({cell})",
        "upper": lambda cell: f"upper({cell})",
        "title": _title,
        "collapse_spaces": lambda cell: f"regexp_replace({cell}, '{_RUN_OF_SPACES}', ' ', 'g')",
        "decimal_comma": _decimal_comma,
        "thousands": _thousands(".", ",") if "decimal_comma" in correct else _thousands(",", "."),
    }
    if name not in simple:
        raise ValueError(f"{name!r} is not a correction; there are: {', '.join(NAMES)}")
    return Step(name, simple[name])


def _null_values(null_values: Sequence[str], bind: Parameters) -> list[Step]:
    if not null_values:
        return []
    listed = ", ".join(bind.bind(value) for value in null_values)
    return [Step("null_values", lambda cell: f"CASE WHEN {cell} IN ({listed}) THEN '' ELSE {cell} END")]


def _stripped(cell: str, spaces: str) -> str:
    """Without white space at its ends; a cell that begins and ends in visible ASCII has none, and is most cells."""
    visible = f"{cell} >= '!' AND {cell} < chr(127) AND right({cell}, 1) BETWEEN '!' AND '~'"
    return f"CASE WHEN {visible} THEN {cell} ELSE trim({cell}, {spaces}) END"


def _title(cell: str) -> str:
    """The first letter of each run of letters large, the others small: as Python's str.title."""
    words = f"regexp_extract_all({cell}, '\\p{{L}}[\\p{{L}}\\p{{M}}]*|[^\\p{{L}}]+')"
    return f"array_to_string(list_transform({words}, lambda w: upper(left(w, 1)) || lower(substr(w, 2))), '')"


def _decimal_comma(cell: str) -> str:
    shape = r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?"
    return f"CASE WHEN regexp_full_match({cell}, '{shape}') THEN replace({cell}, ',', '.') ELSE {cell} END"


def _thousands(mark: str, decimal: str) -> Callable[[str], str]:
    """Take the marks out of whole groups of three digits; one mark in a cell, or it stays as it came."""
    marks = [re.escape(mark), *_GROUP_MARKS]
    groups = "|".join(f"({m}[0-9]{{3}})+" for m in marks).replace("'", "''")
    shape = f"[+-]?[0-9]{{1,3}}({groups})({re.escape(decimal)}[0-9]*)?"
    every = f"[{''.join(marks)}]".replace("'", "''")
    return lambda cell: (
        f"CASE WHEN regexp_full_match({cell}, '{shape}') THEN regexp_replace({cell}, '{every}', '', 'g') "
        f"ELSE {cell} END"
    )


def _zero_pad(width: int) -> Callable[[str], str]:
    """Only whole numbers: what holds anything but digits did not lose its zeros."""
    return lambda cell: (
        f"CASE WHEN length({cell}) < {width} AND regexp_full_match({cell}, '[0-9]+') "
        f"THEN lpad({cell}, {width}, '0') ELSE {cell} END"
    )
