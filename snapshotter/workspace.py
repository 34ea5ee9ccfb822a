"""The Python API: a workspace and all that can be asked of it or done to it. The command line calls nothing else."""

from __future__ import annotations

import math
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger

from snapshotter import going_back, pipeline, pruning, reading, rebuilding, refused, tables
from snapshotter.config import FILE_NAME, Settings, load
from snapshotter.contract import Contract
from snapshotter.contract.sources import Contracts
from snapshotter.dataset import Dataset
from snapshotter.errors import NotWritten, SnapshotterError, UsageError
from snapshotter.inbox import Drop, Look
from snapshotter.layout import DEFAULT, Layout
from snapshotter.ledger import Ledger
from snapshotter.lock import writer_lock
from snapshotter.results import (
    CheckResult,
    CleanResult,
    DatasetResult,
    DiffResult,
    FileInfo,
    PruneResult,
    RebuildDifference,
    RebuildResult,
    RejectGroup,
    RejectInfo,
    RunResult,
    SnapshotInfo,
    StatusResult,
    VersionInfo,
)

if TYPE_CHECKING:
    import pandas as pd

    from snapshotter.watch import Stop
    from snapshotter.watch.telling import WatchEvent

_LONGEST = 100 * 365  # days

logger.disable("snapshotter")  # a library is silent until its caller says `logger.enable("snapshotter")`


class Workspace:
    """A workspace: a folder with `input/processing/`.

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
        self.layout = Layout.of(path or os.environ.get("SNAPSHOTTER_WORKSPACE") or ".")
        self._clock = clock
        self._ledgers: dict[str, Ledger] = {}  # of the writer: what it has read it need not read again
        self._configure()

    def _configure(self) -> None:
        self._configured: Look | None = None  # if what follows fails, it is not up to date
        look = self.configuration()
        self.settings: Settings = load(self.layout.root)
        self.contracts = Contracts(self.settings.datasets, self.layout.root)
        self._configured = look

    def configuration(self) -> Look | None:
        """What `snapshotter.toml` looks like now, to tell whether it was changed; None if there is none."""
        try:
            return Look.of((self.layout.root / FILE_NAME).stat())
        except OSError:
            return None

    # -- what changes something

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
        start = time.perf_counter()
        list(self.contracts.values())  # a mistake in one stops the run before anything is touched
        with self._writing(recover=not dry_run, given_up=given_up) as (datasets, broken):
            drops, unmatched = pipeline.sort_queue(self.layout, self.settings.datasets, only)
            outcomes = pipeline.run(datasets, drops, self._clock(), dry_run=dry_run, progress=progress)
            outcomes += [pipeline.Outcome(name, error=error) for name, error in broken.items()]
            told = [outcome for outcome in outcomes if drops[outcome.dataset] or outcome.error]
            current = {dataset.name: dataset.state.current for dataset in datasets}
            results = [reading.run_result(self.layout, o, current.get(o.dataset)) for o in told]
            others = [outcome for outcome in outcomes if outcome not in told and outcome.commit]
            republished = {o.dataset: o.commit.snapshot for o in others if o.commit and o.commit.snapshot}
        seconds = round(time.perf_counter() - start, 3)
        return RunResult(datasets=results, unmatched=unmatched, seconds=seconds, republished=republished)

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
    ) -> PruneResult:
        """Forget old snapshots, and with them archived files and refused rows; no later result changes.

        Args:
            keep_last: keep so many of the newest snapshots.
            keep_days: keep the snapshots of so many days; what either option keeps is kept, and always the current one.
            dry_run: only say what would be forgotten.
            dataset: its name; without it the only one, or `default`.

        Raises:
            UsageError: neither option is given, or one makes no sense.
        """
        if keep_last is None and keep_days is None:
            raise UsageError(what="prune was not told what to keep", remedy="Say --keep-last N, --keep-days D or both.")
        if (keep_last is not None and keep_last < 1) or (keep_days is not None and not 0 <= keep_days <= _LONGEST):
            remedy = f"Keep at least 1 snapshot, and 0 to {_LONGEST:,} days."
            raise UsageError(what="prune was told to keep what cannot be kept", remedy=remedy)
        with self._one(dataset) as target:
            return pruning.prune(target, keep_last, keep_days, self._clock(), dry_run=dry_run)

    def clean(self, *, requeue: bool = False) -> CleanResult:
        """Empty `output/`: every ledger, view and reject of every dataset.

        Args:
            requeue: move the processed files back to the queue; they keep their names and revisions.
        """
        with self._writing() as (_, broken):
            if requeue:
                for error in broken.values():  # what its files are called is not known
                    raise error
            ledgers = self.layout.output / "ledger"
            others = [entry.name for entry in ledgers.iterdir() if entry.is_dir()] if ledgers.is_dir() else []
            return going_back.clean(self.layout, sorted({*self.contracts, *others}), requeue=requeue)

    # -- what only reads, and never waits

    def status(self) -> StatusResult:
        """The queue, the current snapshots, the last runs, and what needs attention."""
        return reading.status(self.layout, self.settings)

    def snapshots(self, *, dataset: str | None = None) -> list[SnapshotInfo]:
        """Every snapshot, oldest first."""
        return reading.snapshots(self.layout, self.name(dataset))

    def files(self, status: str | None = None, *, dataset: str | None = None) -> list[FileInfo]:
        """Every delivery and what became of it, oldest first; those of one status if it is given."""
        return reading.files(self.layout, self.name(dataset), status)

    def rejects(self, name: str | None = None, *, dataset: str | None = None) -> list[RejectInfo]:
        """Refused rows of batches that count, and refused files; those of one file if it is named."""
        return list(self.each_reject(name, dataset=dataset))

    def each_reject(self, name: str | None = None, *, dataset: str | None = None) -> Iterator[RejectInfo]:
        """`rejects`, one by one, for those that do not fit into memory."""
        return refused.rejects(self.layout, self._known(self.name(dataset)), name)

    def reject_groups(self, name: str | None = None, *, dataset: str | None = None) -> list[RejectGroup]:
        """`rejects` by rule and column, most frequent first, each with the setting that would have let it in."""
        return refused.grouped(self.layout, self._known(self.name(dataset)), name)

    def latest(self, *, dataset: str | None = None) -> pd.DataFrame:
        """The published snapshot as a DataFrame: one row a key, numbers and dates in their types, texts as they are."""
        name = self.name(dataset)
        contract = reading.published_contract(self.layout, name) or self.contracts[name]
        return tables.frame(self.layout.latest(name), contract)

    def show(self, snapshot: int | None = None, *, dataset: str | None = None) -> pd.DataFrame:
        """`latest` as of a snapshot; without a number, of the current one.

        Raises:
            NoSuchSnapshot, NotRestorable: there is no such state.
        """
        with self.rendered(snapshot, dataset=dataset) as (path, contract):
            return tables.frame(path, contract)

    @contextmanager
    def rendered(
        self, snapshot: int | None = None, *, dataset: str | None = None, excel_safe: bool = False
    ) -> Iterator[tuple[Path, Contract]]:
        """The bytes of `latest.csv` as of a snapshot, in a file that is gone afterwards, and its contract.

        Args:
            snapshot: its number; without one, the current snapshot.
            dataset: its name; without it the only one, or `default`.
            excel_safe: put a ' before what a spreadsheet would run.
        """
        where = (self.layout, self.settings, self.name(dataset), snapshot)
        with reading.rendered(*where, excel_safe=excel_safe) as found:
            yield found

    def diff(self, one: int, other: int, *, dataset: str | None = None) -> DiffResult:
        """Keys added, removed and changed between two snapshots, cell by cell, lineage aside."""
        return reading.diff(self.layout, self.settings, self.name(dataset), one, other)

    def history(self, key: str | Sequence[str], *, dataset: str | None = None) -> list[VersionInfo]:
        """Every version of a key that counts, newest first.

        Args:
            key: its value, or the values of its columns in order.
            dataset: its name; without it the only one, or `default`.
        """
        parts = [key] if isinstance(key, str) else list(key)
        contract = self._known(self.name(dataset))
        if len(parts) != len(contract.key):
            names = ", ".join(column.name for column in contract.key)
            what = f"the key of dataset `{contract.dataset}` has {len(contract.key)} parts ({names}), not {len(parts)}"
            raise UsageError(what=what, remedy="Name every part, in that order; an empty one as ''.")
        return reading.history(self.layout, self.settings, contract.dataset, parts)

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
            LockTimeout: another process is writing; a check that repairs nothing never waits.
        """
        from snapshotter import checking

        names = [self.name(dataset)] if dataset else list(self.contracts)
        scope = checking.Scope(quick=quick, every=every, alone=repair)
        if not repair:
            return checking.check(self.layout, self.settings, names, scope, progress)
        with writer_lock(self.layout, self.settings.lock_timeout):
            mended = checking.mend_notes(self.layout, names)
        with self._writing(names) as (datasets, _):
            mended += [
                f"{target.name}: finished what was left undone: {said}"
                for target in datasets
                for said in target.recovered
            ]
            found = checking.check(self.layout, self.settings, names, scope, progress)
            rendered = checking.mend(found, datasets)
            if rendered:
                found = checking.check(self.layout, self.settings, names, scope, progress)
        return found.model_copy(update={"repaired": mended + rendered})

    def name(self, dataset: str | None) -> str:
        """The dataset that is meant.

        Raises:
            UsageError: there is none of that name, or several and none named.
        """
        names = list(self.contracts)
        if dataset is None:
            if len(names) == 1:
                return names[0]
            if DEFAULT in names:
                return DEFAULT
            raise UsageError(what=f"there are several datasets: {', '.join(names)}", remedy="Name one with --dataset.")
        if dataset not in names:
            raise UsageError(what=f"there is no dataset `{dataset}`", remedy=f"There are: {', '.join(names)}.")
        return dataset

    def _known(self, dataset: str) -> Contract:
        """The contract of the current snapshot; before the first one, that of the configuration."""
        return reading.current_contract(self.layout, dataset) or self.contracts[dataset]

    @contextmanager
    def _one(self, dataset: str | None) -> Iterator[Dataset]:
        """One dataset open for writing."""
        with self._writing([self.name(dataset)]) as (datasets, broken):
            for error in broken.values():
                raise error
            yield datasets[0]

    @contextmanager
    def _writing(
        self,
        names: Sequence[str] | None = None,
        *,
        recover: bool = True,
        given_up: Callable[[], bool] | None = None,
    ) -> Iterator[tuple[list[Dataset], dict[str, SnapshotterError]]]:
        """Datasets open for writing, under the lock, with what a killed process left finished first.

        Yields:
            The datasets, and the errors of those that cannot be opened.
        """
        with ExitStack() as stack:
            stack.enter_context(writer_lock(self.layout, self.settings.lock_timeout, given_up))
            if recover:
                self.layout.sweep_scratch()
            if recover:
                scratch = stack.enter_context(self.layout.scratch())
            else:  # a dry run leaves nothing, not even an empty output/
                scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="snapshotter-")))
            datasets: list[Dataset] = []
            broken: dict[str, SnapshotterError] = {}
            for name in names or self.contracts:
                try:
                    ledger = self._ledgers.setdefault(name, Ledger(self.layout.ledger(name), name))
                    dataset = Dataset(self.layout, ledger, self.contracts, self.settings, scratch, mend=recover)
                    stack.callback(dataset.close)
                    if recover:
                        dataset.recover()
                    datasets.append(dataset)
                except SnapshotterError as error:
                    broken[name] = error
                except OSError as error:
                    broken[name] = NotWritten(path=error.filename or name, problem=error.strerror or error)
            if recover and not broken and len(datasets) == len(self.contracts):  # drafts of others may be needed yet
                self.layout.sweep_drafts()
            yield datasets, broken
