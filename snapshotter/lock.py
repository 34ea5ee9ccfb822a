"""One writer at a time: a lock that the system releases when its process dies."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from snapshotter.disk import writing
from snapshotter.errors import LockTimeout
from snapshotter.layout import Layout


@contextmanager
def writer_lock(layout: Layout, timeout: float, given_up: Callable[[], bool] | None = None) -> Iterator[None]:
    """Hold the workspace's lock.

    Args:
        layout: the workspace.
        timeout: how long to wait for another process, in seconds.
        given_up: asked while waiting; True ends it.

    Raises:
        LockTimeout: it did not end in that time, or the waiting was given up; says who holds the lock.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(layout.lock, timeout=timeout)
    with writing(layout.lock):
        try:
            lock.acquire(cancel_check=given_up)
        except Timeout:
            raise LockTimeout(holder=_holder(layout), seconds=timeout) from None
    try:
        # Who holds it: for people. The lock itself is the system's, and dies with its process.
        note = {"process": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        with suppress(OSError):
            _note(layout).write_text(json.dumps(note))
        yield
    finally:
        lock.release()


def is_held(layout: Layout) -> bool:
    """Whether a writer is at work, as the system tells it; looking does not get in its way.

    Where the system does not list its locks, the answer is no.
    """
    try:
        lock = layout.lock.stat()
        held = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return False
    device = f"{os.major(lock.st_dev):02x}:{os.minor(lock.st_dev):02x}:{lock.st_ino}"
    writer = _holder(layout).split()[1]
    for line in held:  # such as `1: FLOCK  ADVISORY  WRITE 708 08:01:1234 0 EOF`
        _, kind, *_, process, place, _, _ = line.replace("->", "").split()
        # Some file systems list another device than they tell; then it is the process that said that it holds the lock.
        if kind == "FLOCK" and (place == device or (place.endswith(f":{lock.st_ino}") and process == writer)):
            return True
    return False


def _note(layout: Layout) -> Path:
    """Beside the lock, whose file belongs to the library that locks it."""
    return layout.lock.with_name(".snapshotter.writer.json")


def _holder(layout: Layout) -> str:
    try:
        note = json.loads(_note(layout).read_text())
        return f"process {note['process']} since {note['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
