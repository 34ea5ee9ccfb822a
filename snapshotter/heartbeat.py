"""What a watch leaves for others to see: a lock that the system releases when it dies, and a note of what it does."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from snapshotter.disk import writing
from snapshotter.errors import AlreadyWatched
from snapshotter.layout import Layout

_PATIENCE = 0.5  # seconds; a reader who asks whether the lock is held, holds it itself for an instant
_PAUSE = 0.02


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
            holder = (
                f"process {note['pid']} since {note['since']}" if {"pid", "since"} <= note.keys() else "another one"
            )
            raise AlreadyWatched(holder=holder)
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


def read(layout: Layout) -> dict[str, Any] | None:
    """The note of the watch that is running; None if none is, whatever a dead one left behind."""
    try:
        descriptor = os.open(layout.watch_lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _locked(descriptor, fcntl.LOCK_SH) else _note(layout)
    finally:
        os.close(descriptor)


def _note(layout: Layout) -> dict[str, Any]:
    try:
        note = json.loads(layout.heartbeat.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
