"""Answers about a workspace: what the ledger and the folders say, as results. Nothing here writes or waits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

from snapshotter import heartbeat, leftovers
from snapshotter.config import Settings
from snapshotter.contract import Contract
from snapshotter.errors import SnapshotterError
from snapshotter.layout import Layout
from snapshotter.ledger.contracts import stored_contract
from snapshotter.ledger.records import Commit, FileRecord, Status
from snapshotter.ledger.state import State
from snapshotter.leftovers import compare_view
from snapshotter.pipeline import Outcome, sort_queue
from snapshotter.recovery import Found
from snapshotter.refused import refused_files
from snapshotter.results import (
    Correction,
    DatasetResult,
    DatasetStatus,
    ErrorInfo,
    FileInfo,
    FileResult,
    LastRun,
    LatestInfo,
    SnapshotInfo,
    StatusResult,
)
from snapshotter.steady import steadily
from snapshotter.wording import counted, warnings

T = TypeVar("T")

_TOLD = 5  # warnings of the last run that `status` repeats


def error_info(error: SnapshotterError) -> ErrorInfo:
    """A named error as a result."""
    return ErrorInfo(code=error.code, name=error.name, message=error.message, hint=error.remedy)


def run_result(layout: Layout, outcome: Outcome, current: Commit | None) -> DatasetResult:
    """What a run, a reset, a withdraw or a rebuild did.

    Args:
        layout: the workspace.
        outcome: of the dataset.
        current: the commit of its current snapshot.
    """
    latest = _latest(layout, outcome.dataset, current) if outcome.error is None else None
    return DatasetResult(
        dataset=outcome.dataset,
        snapshot=outcome.commit.snapshot if outcome.commit else None,
        error=error_info(outcome.error) if outcome.error else None,
        counts=outcome.counts,
        latest=latest,
        files=[_file_result(record) for record in outcome.files],
    )


def _file_result(record: FileRecord) -> FileResult:
    warnings = list(record.warnings)
    if record.failure:
        warnings.append(_where(record) + record.failure.reason)
    return FileResult(
        name=record.name,
        sha256=record.sha256 or None,
        revision=record.revision,
        status=record.status.value,
        read=record.read,
        accepted=record.accepted,
        rejected=record.rejected,
        warnings=warnings,
        corrected=_corrections(record),
    )


def _corrections(record: FileRecord) -> list[Correction]:
    return [Correction(column=column, correction=name, cells=cells) for column, name, cells in record.corrected]


def _where(record: FileRecord) -> str:
    row = record.failure.row if record.failure else None
    return f"record {row}: " if row is not None else ""


def _latest(layout: Layout, dataset: str, current: Commit | None) -> LatestInfo | None:
    if current is None or current.view is None:
        return None
    path = layout.latest(dataset).relative_to(layout.root).as_posix()
    return LatestInfo(path=path, rows=current.view.rows, sha256=current.view.sha256)


def snapshots(layout: Layout, dataset: str) -> list[SnapshotInfo]:
    """The snapshots of a dataset, oldest first."""
    state, restorable = steadily(layout, dataset, lambda ledger, state: (state, ledger.restorable()))
    return [
        SnapshotInfo(
            snapshot=number,
            kind=commit.kind,
            at=_time(commit.at),
            files=sum(record.status is Status.APPLIED for record in commit.files),
            counts=commit.counts,
            rows=commit.view.rows if commit.view else 0,
            sha256=commit.view.sha256 if commit.view else "",
            restorable=number in restorable,
        )
        for number, commit in sorted(state.snapshots.items())
    ]


def _state(layout: Layout, dataset: str) -> State:
    return steadily(layout, dataset, lambda _, state: state)


def files(layout: Layout, dataset: str, status: str | None) -> list[FileInfo]:
    """Every delivery, oldest first."""
    state = _state(layout, dataset)
    found = [_file_info(at, record, state) for at, record in state.files]
    return [info for info in found if status is None or info.status == status]


def _file_info(at: datetime, record: FileRecord, state: State) -> FileInfo:
    batch = state.batches.get(record.batch) if record.batch is not None else None
    return FileInfo(
        name=record.name,
        revision=record.revision,
        status=(batch.status if batch else record.status).value,
        sha256=record.sha256 or None,
        size=record.size,
        at=_time(at),
        snapshot=batch.snapshot if batch else None,
        read=record.read,
        accepted=record.accepted,
        rejected=record.rejected,
        archived=batch.archived if batch else record.archived,
        warnings=_file_result(record).warnings,
        corrected=_corrections(record),
    )


def current_contract(layout: Layout, dataset: str) -> Contract | None:
    """The contract of the current snapshot, which stands alone; None before the first one."""
    current = _state(layout, dataset).current
    return stored_contract(dataset, current) if current else None


def published_contract(layout: Layout, dataset: str) -> Contract | None:
    """The contract of the snapshot that `latest.csv` is: for a moment behind a commit, that is the one before it."""
    state = _state(layout, dataset)
    newest = [commit for _, commit in sorted(state.snapshots.items())][-2:]
    path = layout.latest(dataset)
    found = next((c for c in reversed(newest) if compare_view(path, c.view) is Found.SAME), state.current)
    return stored_contract(dataset, found) if found else None


def status(layout: Layout, settings: Settings) -> StatusResult:
    """The state of a workspace."""
    drops, unmatched = sort_queue(layout, settings.datasets)
    datasets = [_dataset_status(layout, name, [drop.name for drop in drops[name]]) for name in settings.datasets]
    return StatusResult(
        workspace=str(layout.root),
        queue=sum(len(names) for names in drops.values()),
        unmatched=unmatched,
        datasets=datasets,
        recovery=[f"{name}: {said}" for name in settings.datasets for said in leftovers.unfinished(layout, name)],
        watch=heartbeat.read(layout),
    )


def _dataset_status(layout: Layout, dataset: str, queued: list[str]) -> DatasetStatus:
    try:
        state = _state(layout, dataset)
    except SnapshotterError as error:
        return DatasetStatus(
            dataset=dataset,
            snapshot=None,
            kind=None,
            at=None,
            latest=None,
            queued=queued,
            last_run=None,
            attention=[f"{error.message}. {error.remedy}"],
        )
    current = state.current
    return DatasetStatus(
        dataset=dataset,
        snapshot=current.snapshot if current else None,
        kind=current.kind if current else None,
        at=_time(current.at) if current else None,
        latest=_latest(layout, dataset, current),
        queued=queued,
        last_run=_last_run(state),
        attention=_attention(layout, dataset, state),
    )


def _last_run(state: State) -> LastRun | None:
    rebuilt = {commit.at for commit in state.snapshots.values() if commit.kind == "rebuild"}
    times = [at for at, _ in state.files if at not in rebuilt]
    if not times:
        return None
    at = times[-1]
    commit = next((c for c in state.snapshots.values() if c.at == at), None)
    taken = times.count(at)
    counts = {"counts": commit.counts} if commit else {}
    return LastRun(at=_time(at), snapshot=commit.snapshot if commit else None, files=taken, **counts)


def _attention(layout: Layout, dataset: str, state: State) -> list[str]:
    """What a person should do something about."""
    found = []
    current = state.current
    if current is not None and compare_view(layout.latest(dataset), current.view) is not Found.SAME:
        found.append("latest.csv is not the current snapshot; the next run writes it again")
    refused = [record.archived.startswith("rejected/") for record in refused_files(layout, state)]
    if any(refused):
        found.append(f"{counted(sum(refused), 'refused file')} in input/rejected/ (see `rejects`)")
    if not all(refused):
        found.append(f"{counted(refused.count(False), 'file')} that the last rebuild refused (see `rejects`)")
    folder, counting = layout.rejects(dataset), [b for b in state.live if not state.is_behind_horizon(b)]
    rows = sum(b.record.rejected for b in counting if b.record.rejects and (folder / b.record.rejects).exists())
    if rows:
        found.append(f"{counted(rows, 'refused row')} in output/rejects/{dataset}/ (see `rejects`)")
    at = state.files[-1][0] if state.files else None
    told = warnings((record.name, text) for when, record in state.files if when == at for text in record.warnings)
    found += [f"warning in the last run: {text}" for text in told[:_TOLD]]
    if len(told) > _TOLD:
        found.append(f"{len(told) - _TOLD} more warnings in the last run (see `files`)")
    return found


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
