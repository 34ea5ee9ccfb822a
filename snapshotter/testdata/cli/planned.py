"""What a command has planned, before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from snapshotter.testdata.source import Source


@dataclass(frozen=True)
class Running:
    """A source whose batches come one by one, until somebody ends it.

    Args:
        plan: plans it, which may take a moment.
        interval: from one batch to the next.
        speed: how many seconds the clock of the source goes on in a second.
    """

    plan: Callable[[], Source]
    interval: timedelta
    speed: int = 1


@dataclass(frozen=True)
class Planned:
    """A source, and what is to be said of it.

    Args:
        source: what is to be made.
        facts: what `--json` is to say of it, beside what it says of every source.
        over: what a person is to be told of it, behind the number of rows.
        goes_on: whether the next call makes what comes after this.
        finish: called when files are delivered, with whether they are all that was planned, and not some tables or a
            later wave of it; returns what else `--json` is to say.
        notes: lines for a person, when it is finished.
        running: how it runs; `source` then shows it, and is not made.
    """

    source: Source
    facts: Mapping[str, Any] = field(default_factory=dict)
    over: str = ""
    goes_on: bool = False
    finish: Callable[[bool], Mapping[str, Any]] = lambda _: {}
    notes: Callable[[], Iterable[str]] = tuple
    running: Running | None = None
