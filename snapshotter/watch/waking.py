"""What wakes a watch: that it shall stop, and what the system tells of the queue, which is only a hint."""

from __future__ import annotations

import os
import select
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from snapshotter import inbox

_FOLDERS: list[type[FileSystemEvent]] = [DirCreatedEvent, DirMovedEvent]
_FILES: list[type[FileSystemEvent]] = [FileCreatedEvent, FileMovedEvent, FileClosedEvent]

_LONGEST = 86_400.0  # seconds of one wait; the system counts milliseconds in 31 bits


class Bell:
    """Can be rung from any thread and from a signal's handler; a thread may wait for it."""

    def __init__(self) -> None:
        """Make it."""
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self.descriptor)

    def ring(self) -> None:
        """Wake whoever waits, now or next."""
        with suppress(BlockingIOError):  # rung 2**64 times
            os.eventfd_write(self.descriptor, 1)

    def hush(self) -> bool:
        """Take back that it was rung; returns whether it was."""
        try:
            return bool(os.eventfd_read(self.descriptor))
        except BlockingIOError:
            return False


def wait(seconds: float, *bells: Bell) -> None:
    """Wait until one of them rings, at most so long, and a day."""
    poller = select.poll()
    for bell in bells:
        poller.register(bell.descriptor, select.POLLIN)
    poller.poll(min(max(seconds, 0), _LONGEST) * 1000)


class Stop:
    """Asks a watch to end: once after the run under way, twice before its commit. Safe in a signal's handler."""

    def __init__(self) -> None:
        """Nothing is asked yet."""
        self.bell = Bell()
        self.times = 0

    def ask(self) -> None:
        """Ask once more."""
        self.times += 1
        self.bell.ring()


class Events:
    """What the system tells of the queue. May fall silent at any time: that only costs time.

    Args:
        queue: the queue's folder.
        bell: rung when something happened.
    """

    def __init__(self, queue: Path, bell: Bell) -> None:
        """Nothing is listened to yet; `renew` begins."""
        self._queue, self._bell = queue, bell
        self._real = queue  # what the system calls it; a queue may be a link
        self._observer: BaseObserver | None = None
        self._folder: tuple[int, int] | None = None
        self._whole: set[Path] = set()
        self._closed: set[Path] = set()

    def is_alive(self) -> bool:
        """Whether all threads live, and the folder that they listen to is the queue."""
        observer = self._observer
        if observer is None or not observer.is_alive() or not all(e.is_alive() for e in observer.emitters):
            return False
        return self._folder == _identity(self._queue)

    def renew(self) -> None:
        """Listen anew.

        Raises:
            OSError: the system does not tell; it has its limits, or the folder is not there.
        """
        self.close()
        self._folder, self._real = _identity(self._queue), self._queue.resolve()
        observer = Observer()
        handler = _Handler(self._told)
        try:
            observer.schedule(handler, str(self._real), recursive=True, event_filter=[*_FOLDERS, *_FILES])
            # Its own folder, too: that is where a queue that was removed is made again.
            observer.schedule(handler, str(self._queue.parent), event_filter=_FOLDERS)
            observer.start()
        except OSError:
            _end(observer)
            raise
        self._observer = observer

    def close(self) -> None:
        """Stop listening."""
        observer, self._observer = self._observer, None
        if observer is not None:
            _end(observer)

    def take(self) -> tuple[set[Path], set[Path]]:
        """Files that came by rename from a name that writers use, and files that a writer closed, since last asked."""
        whole, self._whole = self._whole, set()
        closed, self._closed = self._closed, set()
        return whole, closed

    def _told(self, event: FileSystemEvent) -> None:
        source, target = Path(os.fsdecode(event.src_path)), Path(os.fsdecode(event.dest_path or event.src_path))
        if inbox.invisible(target.name):
            return
        if target.is_relative_to(self._real):
            target = self._queue / target.relative_to(self._real)
        if isinstance(event, FileMovedEvent) and inbox.invisible(source.name):
            self._whole.add(target)
        elif isinstance(event, FileClosedEvent):
            self._closed.add(target)
        self._bell.ring()


class _Handler(FileSystemEventHandler):
    def __init__(self, told: Callable[[FileSystemEvent], None]) -> None:
        self._told = told

    def dispatch(self, event: FileSystemEvent) -> None:
        self._told(event)


def _end(observer: BaseObserver) -> None:
    observer.stop()
    with suppress(RuntimeError):  # it never began
        observer.join()


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
