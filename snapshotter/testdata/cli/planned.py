"""What a command has planned, before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from snapshotter.testdata.source import Source


@dataclass(frozen=True)
class Planned:
    """A source, and what is to be said of it.

    Args:
        source: what is to be made.
        facts: what `--json` is to say of it, beside what it says of every source.
        over: what a person is to be told of it, behind the number of rows.
        every: the seconds from one batch to the next, if it is to run until it is stopped.
        goes_on: whether the next call makes what comes after this.
        finish: called when all is delivered; returns what else `--json` is to say.
        notes: lines for a person, when it is finished.
    """

    source: Source
    facts: Mapping[str, Any] = field(default_factory=dict)
    over: str = ""
    every: float | None = None
    goes_on: bool = False
    finish: Callable[[], Mapping[str, Any]] = dict
    notes: Callable[[], Iterable[str]] = tuple
