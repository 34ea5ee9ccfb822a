"""The note in the queue that says what files were called that were moved back to it.

Its bytes keep their name, revision and batch time, whatever they are called there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from snapshotter import disk
from snapshotter.errors import ConfigError

REQUEUED = ".requeued.json"


@dataclass(frozen=True)
class Requeued:
    """A batch whose file was moved back to the queue, and what its bytes are to be called again."""

    sha256: str
    queued: str
    dataset: str
    name: str
    revision: int
    batch_time: datetime | None

    def as_json(self) -> dict[str, object]:
        """For the note in the queue."""
        time = self.batch_time.isoformat() if self.batch_time else None
        return {**self.__dict__, "batch_time": time}


def read_requeued(queue: Path) -> list[Requeued]:
    """The note of what was moved back to the queue.

    Raises:
        ConfigError: it is there, but cannot be read.
    """
    try:
        entries = json.loads((queue / REQUEUED).read_text("utf-8"))
        times = [datetime.fromisoformat(entry["batch_time"]) if entry["batch_time"] else None for entry in entries]
        return [Requeued(**{**entry, "batch_time": time}) for entry, time in zip(entries, times, strict=True)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError):
        problem = "cannot be read; it says what the files that were moved back to the queue are called"
        allowed = "Restore it, or remove it: then those files are what their names in the queue say."
        raise ConfigError(file=queue / REQUEUED, key="the file", problem=problem, allowed=allowed) from None


def write_requeued(queue: Path, entries: list[Requeued]) -> None:
    """Write the note anew, durably; without entries it goes."""
    if entries:
        text = json.dumps([entry.as_json() for entry in entries], ensure_ascii=False, indent=1)
        disk.replace(queue / REQUEUED, text.encode())
    elif (queue / REQUEUED).exists():
        disk.remove(queue / REQUEUED)
