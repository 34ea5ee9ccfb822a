"""The Python API: a workspace and all that can be asked of it or done to it. The command line calls nothing else."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from snapshotter import logs, pipeline
from snapshotter.dataset import Dataset
from snapshotter.errors import SnapshotterError, UsageError
from snapshotter.inbox import Drop
from snapshotter.ledger import Ledger
from snapshotter.lock import writer_lock
from snapshotter.readable import ReadableWorkspace
from snapshotter.writer import Writer

if TYPE_CHECKING:
    from snapshotter.ledger.records import Commit
    from snapshotter.pipeline import Outcome
    from snapshotter.results import (
        CheckResult,
        CleanResult,
        DatasetResult,
        PruneResult,
        RebuildDifference,
        RebuildResult,
        RunResult,
    )
    from snapshotter.watch import Stop
    from snapshotter.watch.telling import WatchEvent

_LONGEST = 100 * 365  # days

logs.silence()


class Workspace(ReadableWorkspace):
    """A workspace: a folder with `input/processing/`, all that can be asked of it, and all that can be done to it.

    Args:
        path: the folder; without it `SNAPSHOTTER_WORKSPACE`, else the current folder.
        clock: returns the present time, with a time zone.

    Raises:
        NoWorkspace: the folder is no workspace, or cannot be read.
        ConfigError: `snapshotter.toml` says something that is not allowed.
    """

    def __init__(
        self, path: str | Path | None = None, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Read the configuration; nothing is changed."""
        super().__init__(path)
        self._clock = clock
        self._ledgers: dict[str, Ledger] = {}  # of the writer: what it has read it need not read again

    def reload(self) -> None:
        """Read the configuration again if it may have changed: the file, or what the contracts are made of.

        Raises:
            ConfigError: it says something that is not allowed.
        """
        elsewhere = any(config.contract for config in self.settings.datasets.values())
        if elsewhere or self._configured is None or self._configured != self.configuration():
            self._configure()

    def run(
        self,
        *,
        dry_run: bool = False,
        progress: Callable[[int], None] = lambda _: None,
        only: Callable[[Drop], bool] = lambda _: True,
        given_up: Callable[[], bool] | None = None,
    ) -> RunResult:
        """Process everything in the queue.

        Args:
            dry_run: do all but commit, publish and move.
            progress: called with the number of bytes of each file that was looked at, and with 0 before each commit;
                it may raise `pipeline.Stopped`, and then nothing more is committed.
            only: which files of the queue are seen.
            given_up: asked while another process is writing; True ends the waiting.

        Returns:
            What was done to each dataset that had a file in the queue, errors of single datasets included.

        Raises:
            LockTimeout: another process is writing.
            ConfigError: what `contract` names is not there, or is no contract.
            Stopped: `progress` said so before anything was committed.
        """
        from snapshotter.results import RunResult

        start = time.perf_counter()
        list(self.contracts.values())  # a mistake in one stops the run before anything is touched
        with self._writing(recover=not dry_run, given_up=given_up) as (datasets, broken):
            drops, unmatched = pipeline.sort_queue(self.layout, self.settings.datasets, only)
            outcomes = pipeline.run(datasets, drops, self._clock(), dry_run=dry_run, progress=progress)
            outcomes += [pipeline.Outcome(name, error=error) for name, error in broken.items()]
            told = [outcome for outcome in outcomes if drops[outcome.dataset] or outcome.error]
            current = {dataset.name: dataset.state.current for dataset in datasets}
            results = self._results(told, current)
            others = [outcome for outcome in outcomes if outcome not in told and outcome.commit]
            republished = {o.dataset: o.commit.snapshot for o in others if o.commit and o.commit.snapshot}
        seconds = round(time.perf_counter() - start, 3)
        return RunResult(datasets=results, unmatched=unmatched, seconds=seconds, republished=republished)

    def _results(self, outcomes: Sequence[Outcome], current: Mapping[str, Commit | None]) -> list[DatasetResult]:
        if not outcomes:
            return []
        from snapshotter import reading

        return [reading.run_result(self.layout, outcome, current.get(outcome.dataset)) for outcome in outcomes]

    def watch(
        self,
        *,
        settle: float = 1.0,
        poll: float = 10.0,
        events: bool = True,
        tell: Callable[[WatchEvent], None] = lambda _: None,
        stop: Stop | None = None,
    ) -> None:
        """Process files as they settle, until `stop` is asked.

        Args:
            settle: how long a file must not change before it is taken, in seconds.
            poll: how often the queue is looked at, in seconds, whether or not the system tells of a change.
            events: whether the system is asked to tell of changes; without, the queue is looked at every `settle`
                seconds while files settle, else every `poll` seconds.
            tell: called with what happens, in order, in this thread.
            stop: ends the watch; asked once the run under way is finished first, asked twice it stops before its
                commit.

        Raises:
            AlreadyWatched: another watch is running in the workspace.
            NotWritten: the workspace's folder cannot be written to.
            UsageError: a time that makes no sense.
        """
        from snapshotter.watch import Stop, Watch

        for name, value, least in (("settle", settle, 0), ("poll", poll, 0.01)):
            if not (math.isfinite(value) and least <= value <= threading.TIMEOUT_MAX):
                raise UsageError(what=f"{name} = {value:g} makes no sense", remedy="Give it in seconds.")
        Watch(self, self._clock, tell, stop or Stop(), settle=settle, poll=poll, events=events).run()

    def reset(self, snapshot: int, *, requeue: bool = False, dataset: str | None = None) -> DatasetResult:
        """Go back to the state of a snapshot, as a new snapshot.

        Args:
            snapshot: its number.
            requeue: move the files of the batches that came after it back to the queue.
            dataset: its name; without it the only one, or `default`.

        Raises:
            NoSuchSnapshot, NotRestorable: there is no such state to go back to.
        """
        from snapshotter import going_back, reading

        with self._one(dataset) as target:
            outcome = going_back.reset(target, snapshot, self._clock(), requeue=requeue)
            return reading.run_result(self.layout, outcome, target.state.current)

    def withdraw(self, name: str, revision: int | None = None, *, dataset: str | None = None) -> DatasetResult:
        """Take one file back: the state as if it had never come, as a new snapshot.

        Args:
            name: the batch's name; `NAME@REVISION` is understood, too.
            revision: its revision, needed if several count.
            dataset: its name; without it the only one, or `default`.

        Raises:
            NoSuchBatch, AmbiguousBatch: the name says nothing that counts, or too much.
        """
        from snapshotter import going_back, reading

        with self._one(dataset) as target:
            outcome = going_back.withdraw(target, name, revision, self._clock())
            return reading.run_result(self.layout, outcome, target.state.current)

    def rebuild(
        self, confirm: Callable[[RebuildDifference], bool] = lambda _: True, *, dataset: str | None = None
    ) -> RebuildResult:
        """Read the archive again under the present contract, as a new snapshot; `reset` takes it back.

        Args:
            confirm: asked before anything is committed, with what would change; while it thinks, others that want to
                write wait. If it says no, nothing is changed.
            dataset: its name; without it the only one, or `default`.

        Returns:
            What was done, with the difference; `snapshot` is None if nothing was.

        Raises:
            ArchiveIncomplete: an archived file that counts is missing, or is not what it was.
        """
        from snapshotter import reading, rebuilding
        from snapshotter.results import RebuildResult

        with self._one(dataset) as target:
            proposal = rebuilding.propose(target, self.layout.input, self._clock())
            if proposal is None:
                outcome = pipeline.Outcome(target.name)
            elif confirm(proposal.difference):
                outcome = rebuilding.carry_out(target, proposal)
            else:
                outcome = pipeline.Outcome(target.name, None, proposal.draft.counts, proposal.draft.reported())
            result = reading.run_result(self.layout, outcome, target.state.current)
        return RebuildResult(**dict(result), difference=proposal.difference if proposal else None)

    def prune(
        self,
        keep_last: int | None = None,
        keep_days: float | None = None,
        *,
        dry_run: bool = False,
        dataset: str | None = None,
        confirm: Callable[[PruneResult], bool] = lambda _: True,
    ) -> PruneResult:
        """Forget old snapshots, and with them archived files and refused rows; no later result changes.

        Args:
            keep_last: keep so many of the newest snapshots.
            keep_days: keep the snapshots of so many days; what either option keeps is kept, and always the current one.
            dry_run: only say what would be forgotten.
            dataset: its name; without it the only one, or `default`.
            confirm: asked before anything is forgotten, with what that would be; while it thinks, others that want to
                write wait. If it says no, nothing is forgotten.

        Raises:
            UsageError: neither option is given, or one makes no sense.
        """
        from snapshotter import pruning

        if keep_last is None and keep_days is None:
            raise UsageError(what="prune was not told what to keep", remedy="Say --keep-last N, --keep-days D or both.")
        if (keep_last is not None and keep_last < 1) or (keep_days is not None and not 0 <= keep_days <= _LONGEST):
            remedy = f"Keep at least 1 snapshot, and 0 to {_LONGEST:,} days."
            raise UsageError(what="prune was told to keep what cannot be kept", remedy=remedy)
        with self._one(dataset, recover=not dry_run) as target:
            oldest = pruning.horizon(target.state.snapshots, keep_last, keep_days, self._clock())
            found = pruning.propose(target, oldest)
            if dry_run or not confirm(found):
                return found
            return pruning.carry_out(target, found, self._clock())

    def clean(self, *, requeue: bool = False) -> CleanResult:
        """Empty `output/`: every ledger, view and reject of every dataset.

        Args:
            requeue: move the processed files back to the queue; they keep their names and revisions.
        """
        from snapshotter import going_back

        with self._writing(render=False) as (_, broken):  # a view that goes need not be right first
            if requeue:
                for error in broken.values():  # what its files are called is not known
                    raise error
            ledgers = self.layout.output / "ledger"
            others = [entry.name for entry in ledgers.iterdir() if entry.is_dir()] if ledgers.is_dir() else []
            return going_back.clean(self.layout, sorted({*self.contracts, *others}), requeue=requeue)

    def check(
        self,
        *,
        quick: bool = False,
        every: bool = False,
        repair: bool = False,
        dataset: str | None = None,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> CheckResult:
        """Verify ledger, view, archive, rejects and counts against each other; changes nothing but to repair.

        Args:
            quick: the current snapshot alone.
            every: render each snapshot that can be restored, not only the newest, the oldest and one between.
            repair: mend what can be derived again, as the only writer; what is left is what is returned.
            dataset: only this one.
            progress: called with the number of bytes that were read, and of all that are to be read.

        Raises:
            UsageError: both `quick` and `every` are asked for.
            LockTimeout: another process is writing; a check that repairs nothing never waits.
        """
        from snapshotter import checking

        if quick and every:
            raise UsageError(what="a check cannot be quick and look at all", remedy="Say --quick or --all.")
        names = [self.name(dataset)] if dataset else list(self.contracts)
        scope = checking.Scope(quick=quick, every=every, alone=repair)
        if not repair:
            return checking.check(self.layout, self.settings, names, scope, progress)
        with writer_lock(self.layout, self.settings.lock_timeout):
            mended = checking.mend_notes(self.layout, names)
        with self._writing(names) as (datasets, broken):
            mended += [
                f"{target.name}: finished what was left undone: {said}"
                for target in datasets
                for said in target.recovered
            ]
            found = checking.check(self.layout, self.settings, names, scope, progress)
            rendered, failed = checking.mend(found, datasets)
            if rendered:
                found = checking.check(self.layout, self.settings, names, scope, progress)
        failed += [checking.not_mended(name, error) for name, error in broken.items()]
        told = {p.dataset for p in found.problems if p.what in ("ledger", "part") and not p.repairable}
        failed = [p for p in failed if p.dataset not in told]  # what is wrong with the ledger is why
        return found.model_copy(update={"repaired": mended + rendered, "problems": found.problems + failed})

    @contextmanager
    def _one(self, dataset: str | None, *, recover: bool = True) -> Iterator[Dataset]:
        """One dataset open for writing."""
        with self._writing([self.name(dataset)], recover=recover) as (datasets, broken):
            for error in broken.values():
                raise error
            yield datasets[0]

    @contextmanager
    def _writing(
        self,
        names: Sequence[str] | None = None,
        *,
        recover: bool = True,
        render: bool = True,
        given_up: Callable[[], bool] | None = None,
    ) -> Iterator[tuple[list[Dataset], dict[str, SnapshotterError]]]:
        """Datasets open for writing; see `Writer`."""
        writer = Writer(self.layout, self.settings, self.contracts, self._ledgers)
        with writer.open(names or list(self.contracts), recover=recover, render=render, given_up=given_up) as found:
            yield found
