"""What a watch leaves for others to see: a lock that the system releases when it dies, and a note of what it does."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from pydantic import BaseModel, ConfigDict

from snapshotter.disk import writing
from snapshotter.errors import AlreadyWatched
from snapshotter.layout import Layout

_PATIENCE = 0.5  # seconds; a reader who asks whether the lock is held, holds it itself for an instant
_PAUSE = 0.02


class WatchRun(BaseModel):
    """The last run of a watch that found something to do; `snapshots` by dataset."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    at: str
    seconds: float
    files: int
    snapshots: dict[str, int]


class RunUnderWay(BaseModel):
    """How far a run is: the files that it takes, and those that were looked at."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    files: int
    looked_at: int


class WatchStatus(BaseModel):
    """The watch that is running. All but `pid` may be unknown for the instant in which it starts.

    Args:
        pid, since: its process, and when it started.
        state: `starting`, `waiting` or `running`.
        at: when it said so.
        next_look: when it looks at the queue at the latest, if it waits.
        run: the run under way.
        last_run: the last one.
        runs, files, failures: since it started; files that were taken, runs or datasets that failed.
        settling, deferred: files that may still be written, and that could not be taken and are tried again.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    pid: int | None = None
    since: str | None = None
    state: str = "starting"
    at: str | None = None
    next_look: str | None = None
    run: RunUnderWay | None = None
    last_run: WatchRun | None = None
    runs: int = 0
    files: int = 0
    failures: int = 0
    settling: int = 0
    deferred: int = 0


@contextmanager
def held(layout: Layout) -> Iterator[None]:
    """Be the one watch of a workspace; the note is removed at the end.

    Raises:
        AlreadyWatched: there is another one; says who.
        NotWritten: the lock's file cannot be made.
    """
    with writing(layout.watch_lock):
        descriptor = os.open(layout.watch_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _lock(layout, descriptor)
        try:
            yield
        finally:
            with suppress(OSError):
                layout.heartbeat.unlink()
    finally:
        os.close(descriptor)


def _lock(layout: Layout, descriptor: int) -> None:
    end = time.monotonic() + _PATIENCE
    while not _locked(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > end:
            note = _note(layout)
            raise AlreadyWatched(holder=f"process {note.pid} since {note.since}" if note.pid else "another process")
        time.sleep(_PAUSE)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def beat(layout: Layout, note: Mapping[str, object]) -> None:
    """Replace the note, so that readers see the old one or the new; it need not survive a power cut.

    A disk that is full must not end a watch, so what cannot be written is left out.
    """
    draft = layout.heartbeat.with_name(f"{layout.heartbeat.name}.tmp")
    with suppress(OSError):
        draft.write_text(json.dumps(note, ensure_ascii=False) + "\n", encoding="utf-8")
        draft.replace(layout.heartbeat)


def read(layout: Layout) -> WatchStatus | None:
    """The note of the watch that is running; None if none is, whatever a dead one left behind."""
    try:
        descriptor = os.open(layout.watch_lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _locked(descriptor, fcntl.LOCK_SH) else _note(layout)
    finally:
        os.close(descriptor)


def _note(layout: Layout) -> WatchStatus:
    try:
        return WatchStatus.model_validate_json(layout.heartbeat.read_bytes())
    except (OSError, ValueError):  # not written yet, or somebody else's; but there is a watch
        return WatchStatus()
