"""What a watch says of itself while it lives, for `status`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from snapshotter import heartbeat
from snapshotter.layout import Layout
from snapshotter.results import RunResult

_OFTEN = 1.0  # seconds between two notes that say the same


def stamp(at: datetime) -> str:
    """A time as text."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Pulse:
    """Writes the heartbeat.

    Args:
        layout: the workspace.
        clock: returns the present time.
    """

    def __init__(self, layout: Layout, clock: Callable[[], datetime]) -> None:
        """Nothing is written yet."""
        self._layout, self._clock = layout, clock
        self._note: dict[str, object] = {"pid": os.getpid(), "since": stamp(clock())}
        self._counts = {"runs": 0, "files": 0, "failures": 0}
        self._last_run: dict[str, object] | None = None
        self._written, self._state = 0.0, ""

    @property
    def runs(self) -> int:
        """How many runs found something to do."""
        return self._counts["runs"]

    def ran(self, result: RunResult) -> None:
        """Count a run; the next beat tells."""
        files = [file for dataset in result.datasets for file in dataset.files]
        taken = sum(file.status != "deferred" for file in files)
        self._counts["runs"] += 1
        self._counts["files"] += taken
        snapshots = {dataset.dataset: dataset.snapshot for dataset in result.datasets if dataset.snapshot}
        self._last_run = {"at": stamp(self._clock()), "seconds": result.seconds, "files": taken, "snapshots": snapshots}

    def failed(self) -> None:
        """Count a failure; the next beat tells."""
        self._counts["failures"] += 1

    def beat(self, state: str, *, next_look: float | None = None, **more: object) -> None:
        """Write it down.

        Args:
            state: what the watch is doing.
            next_look: in so many seconds at the latest.
            more: what else there is to say.
        """
        now = time.monotonic()
        if state == self._state and now - self._written < _OFTEN:
            return
        self._state, self._written = state, now
        at = self._clock()
        look = None if next_look is None else stamp(at + timedelta(seconds=next_look))
        note = {**self._note, "at": stamp(at), "state": state, "next_look": look, "last_run": self._last_run}
        heartbeat.beat(self._layout, {**note, **self._counts, **more})
