"""One run, from top to bottom: the way of a row.

    queue -> intake (identify, prove, read, judge) -> merge -> ledger.commit -> publish -> archive -> upkeep

The write order keeps these true at every instant, and after any crash and one more run: `latest.csv` is one
committed snapshot; every batch is applied once or waits whole in the queue; every file is in one folder; what
was reported survives a power cut; older snapshots never change. docs/design.md has the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from snapshotter import inbox
from snapshotter.config import DatasetConfig
from snapshotter.dataset import Dataset
from snapshotter.draft import Draft
from snapshotter.errors import NotWritten, SnapshotterError
from snapshotter.inbox import Drop
from snapshotter.layout import Layout
from snapshotter.ledger.records import Commit, Counts, FileRecord
from snapshotter.requeue import read_requeued

Progress = Callable[[int], None]


class Stopped(Exception):
    """A run was asked to stop, by its `progress`, and stands where it can: nothing of it is committed."""


@dataclass(frozen=True)
class Outcome:
    """What a run did to one dataset.

    Args:
        dataset: its name.
        commit: what was committed; None in a dry run and after an error.
        counts: in rows.
        files: a record of each file that was in the queue.
        error: why nothing of it was published.
    """

    dataset: str
    commit: Commit | None = None
    counts: Counts = field(default_factory=Counts)
    files: tuple[FileRecord, ...] = ()
    error: SnapshotterError | None = None


def sort_queue(
    layout: Layout, datasets: Mapping[str, DatasetConfig], only: Callable[[Drop], bool] = lambda _: True
) -> tuple[dict[str, list[Drop]], list[str]]:
    """The queue's files by dataset, the first that matches, and the names that none matches.

    A file that was moved back to the queue goes to the dataset that it came from, whatever it is called there.

    Args:
        layout: the workspace.
        datasets: their configurations, in order.
        only: which of the files that a dataset takes are seen.
    """
    origin = {note.queued: note.dataset for note in read_requeued(layout.requeued)}
    by_dataset: dict[str, list[Drop]] = {name: [] for name in datasets}
    unmatched = []
    for drop in inbox.scan(layout.queue):
        taker = next((name for name, config in datasets.items() if inbox.matches(drop.name, config)), None)
        taker = origin[drop.name] if origin.get(drop.name) in by_dataset else taker
        if taker is None:
            unmatched.append(drop.name)
        elif only(drop):
            by_dataset[taker].append(drop)
    return by_dataset, unmatched


def run(
    datasets: Sequence[Dataset],
    drops: dict[str, list[Drop]],
    now: datetime,
    *,
    dry_run: bool,
    progress: Progress,
) -> list[Outcome]:
    """Process the queue; the caller holds the writer's lock, and has recovered.

    All files of all datasets are judged before anything is committed; then each dataset is committed whole or
    not at all, and an error of one does not stop the others.

    Args:
        datasets: all datasets, open.
        drops: the queue's files by dataset.
        now: the time of the run.
        dry_run: judge and merge, but commit, publish and move nothing.
        progress: called with the number of bytes of each file that was looked at, and with 0 before each commit. It
            may raise Stopped: then nothing more is committed.

    Raises:
        Stopped: `progress` said so before anything was committed.
    """
    is_one = sum(bool(drops[dataset.name]) for dataset in datasets) < 2
    for dataset in datasets:
        dataset.parks = not is_one  # `memory_limit` is of all of them together, so one at a time is in memory
    judged = [(dataset, _judge(dataset, drops[dataset.name], now, progress, dry_run=dry_run)) for dataset in datasets]
    outcomes: list[Outcome] = []
    for dataset, draft in judged:
        try:
            outcome = draft if isinstance(draft, Outcome) else _finish(dataset, draft, progress, dry_run=dry_run)
        except Stopped:
            if any(earlier.commit for earlier in outcomes):
                break
            raise
        dataset.close()
        outcome = outcome if dry_run or outcome.error else _proved(dataset, outcome)
        if drops[dataset.name] or outcome.error or outcome.commit:
            outcomes.append(outcome)
    return outcomes


def _proved(dataset: Dataset, outcome: Outcome) -> Outcome:
    """What was only believed of the published view is proved where no other one was published."""
    try:
        dataset.prove()
    except SnapshotterError as error:
        return replace(outcome, error=error)
    except OSError as error:
        return replace(outcome, error=_not_written(dataset, error))
    return outcome


def _judge(dataset: Dataset, drops: list[Drop], now: datetime, progress: Progress, *, dry_run: bool) -> Draft | Outcome:
    try:
        return dataset.judge(drops, now, progress, dry_run=dry_run)
    except SnapshotterError as error:
        dataset.close()
        return Outcome(dataset.name, error=error)
    except OSError as error:  # of a file or a disk, where nothing was committed yet
        dataset.close()
        return Outcome(dataset.name, error=_not_written(dataset, error))


def _finish(dataset: Dataset, draft: Draft, progress: Progress, *, dry_run: bool) -> Outcome:
    """Merge, commit, publish and archive one dataset."""
    try:
        if draft.changes_snapshot:
            dataset.merge(draft)
        if not dry_run and draft.changes_snapshot:
            dataset.write(draft)
        if dry_run:
            dataset.prove_merge(draft)
            return Outcome(dataset.name, None, draft.counts, draft.reported())
        progress(0)
        commit = dataset.commit(draft)  # COMMIT POINT: from here on it counts
        if commit is not None:
            dataset.finish(draft)
            dataset.tend(draft.at)
    except SnapshotterError as error:
        return _failed(dataset, draft, error)
    except OSError as error:
        return _failed(dataset, draft, _not_written(dataset, error))
    return Outcome(dataset.name, commit, draft.counts, draft.reported())


def _failed(dataset: Dataset, draft: Draft, error: SnapshotterError) -> Outcome:
    """What a run did that failed: nothing, or, behind the commit point, all but its end."""
    if draft.committed is None:
        return Outcome(dataset.name, error=error)
    return Outcome(dataset.name, draft.committed, draft.counts, draft.reported(), error)


def _not_written(dataset: Dataset, error: OSError) -> NotWritten:
    return NotWritten(path=error.filename or dataset.name, problem=error.strerror or error)
