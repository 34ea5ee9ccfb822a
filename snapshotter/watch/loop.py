"""The loop of a watch: look, run what has settled, wait."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from snapshotter import heartbeat, pipeline
from snapshotter.config import Settings
from snapshotter.errors import LockTimeout, NotWritten, SnapshotterError
from snapshotter.inbox import Drop, Look
from snapshotter.layout import Layout
from snapshotter.logs import logger
from snapshotter.reading import error_info
from snapshotter.results import DatasetResult, RunResult
from snapshotter.watch import telling
from snapshotter.watch.pulse import Pulse, stamp
from snapshotter.watch.retrying import Retries
from snapshotter.watch.settling import Settling
from snapshotter.watch.waking import Bell, Events, Stop, wait

_GAP = 0.02  # seconds between two looks at least
_SHARE = 4  # and so many times as long as the last look took: looking takes a fifth of the time at most
_MISSING = 1.0  # seconds between two looks for a queue that is not there
_WRITTEN = "another process has it open for writing, or changed it when it was about to be read"


class Work(Protocol):
    """What a watch needs of a workspace."""

    layout: Layout
    settings: Settings

    def configuration(self) -> Look | None:
        """What the configuration's file looks like."""
        ...

    def reload(self) -> None:
        """Read the configuration again if it may have changed. Raises ConfigError."""
        ...

    def run(
        self, *, progress: Callable[[int], None], only: Callable[[Drop], bool], given_up: Callable[[], bool]
    ) -> RunResult:
        """Process some of the files in the queue."""
        ...


class Watch:
    """A watch of one workspace; see `Workspace.watch`."""

    def __init__(  # noqa: PLR0913 - what `Workspace.watch` takes, and what it adds
        self,
        work: Work,
        clock: Callable[[], datetime],
        tell: Callable[[telling.WatchEvent], None],
        stop: Stop,
        *,
        settle: float,
        poll: float,
        events: bool,
    ) -> None:
        """Nothing is touched yet."""
        self._work, self._clock, self._tell, self._stop = work, clock, tell, stop
        self._settle, self._poll = settle, poll
        self._bell = Bell()
        self._events = Events(work.layout.queue, self._bell) if events else None
        self._pulse = Pulse(work.layout, clock)
        self._settling: Settling[Path, Look] = Settling()
        self._drops: dict[Path, tuple[str, Drop]] = {}
        self._files: Retries[tuple[Path, Look | None]] = Retries()
        self._datasets: Retries[str] = Retries()
        self._whole: Retries[str] = Retries()  # of all datasets; its one key is ""
        self._listening: Retries[str] = Retries()
        self._configuration = work.configuration()
        self._owed = True  # the first run finishes what a killed process left
        self._given_up = self._is_missing = self._is_suspect = False
        self._looked, self._gap, self._judged = 0.0, _GAP, 0

    def run(self) -> None:
        """Watch until it is asked to stop.

        Raises:
            AlreadyWatched: another watch is running in the workspace.
        """
        with heartbeat.held(self._work.layout):
            self._pulse.beat("starting")
            try:
                self._watch()
            finally:
                if self._events is not None:
                    self._events.close()
        logger.bind(runs=self._pulse.runs).info("watch stopped")
        self._tell(telling.Stopped(at=self._at(), runs=self._pulse.runs, given_up=self._given_up))

    def _watch(self) -> None:
        self._listen()
        root = str(self._work.layout.root)
        is_told = self._events is not None and self._events.is_alive()
        logger.bind(workspace=root, settle=self._settle, poll=self._poll, events=is_told).info("watch started")
        self._say(
            telling.Started(
                at=self._at(), workspace=root, pid=os.getpid(), settle=self._settle, poll=self._poll, events=is_told
            )
        )
        while not self._stop.times:
            self._look()
            due = self._due()
            if due or self._owed or self._is_time():
                self._run(due)
            else:
                self._wait()

    # -- looking

    def _look(self) -> None:
        """Look at the queue, and say which files have settled."""
        self._notice_configuration()
        rang = self._bell.hush()
        self._listen(missed=self._is_suspect and not rang)
        whole, closed = self._events.take() if self._events is not None else (set(), set())
        began = time.monotonic()
        self._drops = self._scan()
        self._looked = time.monotonic()
        self._gap = max(_GAP, (self._looked - began) * _SHARE)
        looks = {path: drop.look for path, (_, drop) in self._drops.items() if drop.look is not None}
        # A file that nobody told of is no proof yet: what tells may be about to. At the next look it is one.
        self._is_suspect = not rang and any(path not in self._settling.since for path in looks)
        self._settling = self._settling.looked(looks, began, self._looked, self._settle, whole)
        there = {(path, look) for path, look in looks.items() if path not in closed}  # closed: worth another try
        self._files.keep(lambda key: key in there)

    def _notice_configuration(self) -> None:
        """A configuration that was changed is worth a run, and worth trying again whatever failed."""
        found = self._work.configuration()
        if found != self._configuration:
            self._configuration, self._owed = found, True
            self._whole, self._datasets = Retries(), Retries()

    def _scan(self) -> dict[Path, tuple[str, Drop]]:
        layout = self._work.layout
        if not layout.queue.is_dir():
            if not self._is_missing:
                self._warn("there is no folder input/processing/; files are taken again once it is there")
            self._is_missing = True
            return {}
        self._is_missing = False
        try:
            found, _ = pipeline.sort_queue(layout, self._work.settings.datasets)
        except (SnapshotterError, OSError) as error:
            if not self._whole.waits("", time.monotonic()):
                self._fail(None, error)
            return {}
        return {drop.path: (dataset, drop) for dataset, drops in found.items() for drop in drops}

    def _listen(self, *, missed: bool = False) -> None:
        """Let the system tell of changes; where it does not, the looks that come anyway must do."""
        if self._events is None or (self._events.is_alive() and not missed):
            return
        now = time.monotonic()
        if self._listening.waits("", now) or not self._work.layout.queue.is_dir():
            return
        try:
            self._events.renew()
        except OSError as error:
            if not self._listening.pause(""):
                problem = error.strerror or str(error)
                self._warn(f"the system does not tell of new files ({problem}); looking every {self._poll:g} s instead")
            self._listening.failed("", now)
            return
        self._listening.succeeded("")
        self._bell.ring()  # what came while nobody listened
        logger.bind(missed=missed).debug("listening")

    # -- running

    def _due(self) -> dict[Path, Drop]:
        """The files for the next run."""
        now = time.monotonic()
        if self._whole.waits("", now):
            return {}
        found = ((path, *self._drops[path]) for path in self._settling.settled)
        return {
            path: drop
            for path, dataset, drop in found
            if not self._datasets.waits(dataset, now) and not self._files.waits((path, drop.look), now)
        }

    def _is_time(self) -> bool:
        """Whether something that failed is to be tried again, though no file is due."""
        now = time.monotonic()
        if self._whole.waits("", now):
            return False
        return self._whole.due("", now) or any(self._datasets.due(name, now) for name in self._datasets)

    def _run(self, due: Mapping[Path, Drop]) -> None:
        """One run over files that have settled."""
        self._owed, self._judged = False, 0
        self._pulse.beat("running", run={"files": len(due), "looked_at": 0})
        wanted = {(path, drop.look) for path, drop in due.items()}

        def progress(size: int) -> None:
            self._go_on(size, len(due))

        began = time.monotonic()
        try:
            self._work.reload()
            result = self._work.run(
                progress=progress,
                only=lambda drop: (drop.path, drop.look) in wanted,
                given_up=lambda: self._stop.times > 0,
            )
        except pipeline.Stopped:
            return
        except (SnapshotterError, OSError) as error:
            if not (self._stop.times and isinstance(error, LockTimeout)):
                self._fail(None, error)
            return
        self._whole.succeeded("")
        if result.datasets or result.republished:
            self._pulse.ran(result)
            self._say(telling.Ran(at=self._at(), run=result))
        failed = self._note_datasets(result.datasets, began)
        if not self._given_up:
            self._note_left({path: drop for path, drop in due.items() if self._drops[path][0] not in failed}, result)

    def _go_on(self, size: int, files: int) -> None:
        """Between two files of a run, and before each commit."""
        if self._stop.times > 1:
            self._given_up = True  # of some datasets, if others are committed already
            raise pipeline.Stopped
        self._judged += size > 0
        self._pulse.beat("running", run={"files": files, "looked_at": self._judged})

    def _note_datasets(self, results: list[DatasetResult], began: float) -> set[str]:
        """Tell of datasets that failed; returns their names."""
        errors = {result.dataset: result.error for result in results if result.error is not None}
        for name, info in errors.items():
            if not self._datasets.waits(name, began):  # else nothing of it was asked for
                pause = self._datasets.failed(name, time.monotonic())
                self._pulse.failed()
                logger.bind(dataset=name, error=info.name, retry_in=pause).error(info.message)
                self._say(telling.Failed(at=self._at(), dataset=name, error=info, retry_in=pause))
        taken = {result.dataset for result in results}
        for name in self._datasets:  # one that waits is not well because a run of others is
            if name not in errors and (name in taken or not self._datasets.waits(name, began)):
                self._datasets.succeeded(name)
        return set(errors)

    def _note_left(self, due: Mapping[Path, Drop], result: RunResult) -> None:
        """What the run was to take, and is as it was: it is tried again, after a pause, and never blocks others."""
        reasons = {
            file.name: "; ".join(file.warnings)
            for dataset in result.datasets
            for file in dataset.files
            if file.status == "deferred"
        }
        waiting = []
        for path, drop in due.items():
            with suppress(OSError):
                if Look.of(path.lstat()) == drop.look:
                    reason = reasons.get(drop.name, "")
                    longest = {} if reason else {"longest": max(self._poll, 1.0)}  # it may be closed at any moment
                    pause = self._files.failed((path, drop.look), time.monotonic(), **longest)
                    waiting.append(telling.Waiting(name=drop.name, reason=reason or _WRITTEN, retry_in=pause))
        self._pulse.beat("running", deferred=len(self._files))
        if waiting:
            logger.bind(files=len(waiting), first=waiting[0].name, reason=waiting[0].reason).warning("files deferred")
            self._say(telling.Deferred(at=self._at(), files=waiting))

    def _fail(self, dataset: str | None, error: SnapshotterError | OSError) -> None:
        """A run failed as a whole."""
        if isinstance(error, OSError):
            problem = error.strerror or str(error)
            error = NotWritten(path=error.filename or self._work.layout.root, problem=problem)
        pause = self._whole.failed("", time.monotonic())
        self._pulse.failed()
        logger.bind(error=error.name, retry_in=pause).error(error.message)
        self._say(telling.Failed(at=self._at(), dataset=dataset, error=error_info(error), retry_in=pause))

    # -- waiting and telling

    def _wait(self) -> None:
        """Wait for the next look: until something happens, a file could have settled, or it is time anyway."""
        now = time.monotonic()
        rest = min(self._poll, _MISSING) if self._is_missing else self._poll
        times = [self._settling.due(self._settle), *(r.next(now) for r in (self._files, self._datasets, self._whole))]
        until = min([self._looked + rest, *(at for at in times if at is not None)])
        waiting = len(self._settling.since) - len(self._settling.settled)
        self._pulse.beat(
            "waiting", next_look=max(until - now, 0), settling=waiting, deferred=len(self._files), run=None
        )
        wait(self._looked + self._gap - now, self._stop.bell)
        wait(until - time.monotonic(), self._stop.bell, self._bell)

    def _warn(self, message: str) -> None:
        logger.warning(message)
        self._say(telling.Warned(at=self._at(), message=message))

    def _say(self, event: telling.WatchEvent) -> None:
        self._pulse.write()  # whoever hears of it may ask `status`
        self._tell(event)

    def _at(self) -> str:
        return stamp(self._clock())
