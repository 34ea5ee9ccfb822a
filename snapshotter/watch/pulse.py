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
        self._note: dict[str, object] = {"pid": os.getpid(), "since": stamp(clock()), "state": "", "next_look": None}
        self._counts = {"runs": 0, "files": 0, "failures": 0}
        self._written = 0.0

    @property
    def runs(self) -> int:
        """How many runs found something to do."""
        return self._counts["runs"]

    def ran(self, result: RunResult) -> None:
        """Count a run."""
        files = [file for dataset in result.datasets for file in dataset.files]
        taken = sum(file.status != "deferred" for file in files)
        self._counts["runs"] += 1
        self._counts["files"] += taken
        snapshots = {dataset.dataset: dataset.snapshot for dataset in result.datasets if dataset.snapshot}
        self._note["last_run"] = {
            "at": stamp(self._clock()),
            "seconds": result.seconds,
            "files": taken,
            "snapshots": snapshots,
        }

    def failed(self) -> None:
        """Count a failure."""
        self._counts["failures"] += 1

    def beat(self, state: str, *, next_look: float | None = None, **more: object) -> None:
        """Say what the watch is doing now; written down if it is something else than before, or if it is time.

        Args:
            state: what the watch is doing.
            next_look: in so many seconds at the latest.
            more: what else there is to say; holds until it is said otherwise.
        """
        is_new = state != self._note["state"]
        look = None if next_look is None else stamp(self._clock() + timedelta(seconds=next_look))
        self._note |= {"state": state, "next_look": look, **more}
        if is_new or time.monotonic() - self._written >= _OFTEN:
            self.write()

    def write(self) -> None:
        """Write down what was said last."""
        self._written = time.monotonic()
        heartbeat.beat(self._layout, {**self._note, "at": stamp(self._clock()), **self._counts})
