"""The note that says what files were called that were moved back to it.

Their bytes keep their name, revision and batch time, whatever they are called there. The note lies beside the lock,
since it says where files go: whoever may drop files must not be able to write it. What it says is checked all the same.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from snapshotter import disk
from snapshotter.errors import ConfigError

_SHA256 = re.compile("[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


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
        """For the note."""
        time = self.batch_time.isoformat() if self.batch_time else None
        return {**self.__dict__, "batch_time": time}


def is_inside(name: str) -> bool:
    """Whether a name is that of a file inside a folder, printable, that leads nowhere else."""
    name.encode()  # half a surrogate pair is a ValueError
    return not _CONTROL.search(name) and all(part not in ("", ".", "..") for part in name.split("/"))


def read_requeued(note: Path) -> list[Requeued]:
    """What was moved back to the queue, by the note of it.

    Raises:
        ConfigError: it is there, but cannot be read, or says what no such note says.
    """
    try:
        descriptor = os.open(note, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, encoding="utf-8") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError
            return [_requeued(entry) for entry in json.load(file)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError):
        problem = "cannot be read; it says what the files that were moved back to the queue are called"
        allowed = "Restore it, or remove it: then those files are what their names in the queue say."
        raise ConfigError(file=note, key="the file", problem=problem, allowed=allowed) from None


def _requeued(entry: dict[str, object]) -> Requeued:
    """An entry of the note. Raises ValueError, TypeError or KeyError for what no such note says."""
    match entry:
        case {
            "sha256": str(sha256),
            "queued": str(queued),
            "dataset": str(dataset),
            "name": str(name),
            "revision": int(revision),
            "batch_time": str() | None as batch_time,
        }:
            time = datetime.fromisoformat(batch_time) if batch_time else None
            is_sound = _SHA256.fullmatch(sha256) and revision > 0 and (time is None or time.tzinfo)
            if is_sound and is_inside(queued) and is_inside(name):
                return Requeued(sha256, queued, dataset, name, revision, time)
    raise ValueError


def write_requeued(note: Path, entries: list[Requeued]) -> None:
    """Write the note anew, durably; without entries it goes."""
    if entries:
        text = json.dumps([entry.as_json() for entry in entries], ensure_ascii=False, indent=1)
        disk.replace(note, text.encode())
    elif note.exists():
        disk.remove(note)
