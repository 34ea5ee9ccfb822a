"""Putting hostile names and values into SQL: the only place that quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_PARAMETER = re.compile(r"\$(v\d+)\b")


def identifier(name: str) -> str:
    """A name as a quoted SQL identifier, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def identifiers(names: Iterable[str], prefix: str = "") -> str:
    """Names as a comma-separated list of quoted identifiers, each behind `prefix` (such as `r.`)."""
    return ", ".join(prefix + identifier(name) for name in names)


class Parameters:
    """Values that SQL text refers to as `$v0`, `$v1` …; a value never becomes part of the text."""

    def __init__(self) -> None:
        """Start without values."""
        self._values: dict[str, Any] = {}

    def bind(self, value: object) -> str:
        """Keep a value; returns the placeholder that stands for it."""
        name = f"v{len(self._values)}"
        self._values[name] = value
        return f"${name}"

    def copy(self) -> Parameters:
        """The same values, to which others can be added."""
        other = Parameters()
        other._values = dict(self._values)
        return other

    def used_by(self, text: str) -> dict[str, Any]:
        """The values that this text refers to: engines refuse a surplus as they refuse a lack."""
        names = set(_PARAMETER.findall(re.sub(r'"(?:[^"]|"")*"', "", text)))
        return {name: self._values[name] for name in names}


def all_of(conditions: Iterable[str]) -> str:
    """Conditions joined with AND; TRUE when there is none."""
    return " AND ".join(f"({condition})" for condition in conditions) or "TRUE"
