"""Going back: each is a new snapshot made of what the ledger holds already. Nothing is erased but by `clean`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from snapshotter import disk
from snapshotter.archive import Archive
from snapshotter.dataset import Dataset
from snapshotter.draft import Draft
from snapshotter.errors import AmbiguousBatch, ArchiveIncomplete, BehindHorizon, NoSuchBatch
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.contracts import stored_contract
from snapshotter.ledger.folding import without
from snapshotter.ledger.records import Move
from snapshotter.ledger.state import Batch, State
from snapshotter.pipeline import Outcome
from snapshotter.recovery import archival, removal, withdrawn_reason
from snapshotter.requeue import read_requeued
from snapshotter.results import CleanResult

_NAMED = 5  # files that a message names


def reset(dataset: Dataset, snapshot: int, now: datetime, *, requeue: bool) -> Outcome:
    """Publish the state of a snapshot, with its contract, as a new one."""
    state, then = dataset.state, dataset.ledger.at(snapshot)
    before, after = ({batch.id for batch in s.held} for s in (state, then))
    draft = Draft("reset", now, stored_contract(dataset.name, then.snapshots[snapshot]), then, target=snapshot)
    draft.dropped, draft.added = tuple(sorted(before - after)), tuple(sorted(after - before))
    parts = dataset.parts.exactly(then)
    draft.base = replace(then, parts=parts, hidden={})
    draft.parts = tuple(part for path, part in parts.items() if path not in state.parts)
    draft.removed_parts = tuple(path for path in state.parts if path not in parts)
    revived = [state.batches[number] for number in draft.added]
    draft.moves = tuple(
        removal(batch, dataset.place("processed", batch.record.name, batch.record.sha256))
        for batch in revived
        if not batch.archived.startswith("processed/")
    )
    if requeue:
        staying = {_file_of(batch) for batch in then.held}  # a rebuild gave files that count another batch
        leaving = [state.batches[number] for number in draft.dropped]
        draft.moves += _requeue(dataset, [batch for batch in leaving if _file_of(batch) not in staying])
    return _finish(dataset, draft)


def withdraw(dataset: Dataset, name: str, revision: int | None, now: datetime) -> Outcome:
    """Publish the state as if a batch had never come."""
    batch = find(dataset.state, dataset.name, name, revision)
    if dataset.state.is_behind_horizon(batch):
        raise BehindHorizon(dataset=dataset.name, name=batch.record.name, horizon=dataset.state.horizon)
    before = dataset.state
    after = without(before, (batch.id,))
    counted = {live.id for live in before.live}
    revived = dataset.parts.revive([live for live in after.live if live.id not in counted])
    written, removed = dataset.parts.rewrite(before.parts.values(), (batch.id,))
    written += revived
    staying = {path: part for path, part in before.parts.items() if path not in removed}
    base = replace(after, parts=staying | {part.path: part for part in written})
    draft = Draft("withdraw", now, stored_contract(dataset.name, before.snapshots[max(before.snapshots)]), base)
    draft.dropped, draft.parts, draft.removed_parts = (batch.id,), tuple(written), tuple(removed)
    target = dataset.place("rejected", batch.record.name, batch.record.sha256)
    draft.moves = (removal(batch, target, withdrawn_reason()),)
    return _finish(dataset, draft)


def find(state: State, dataset: str, name: str, revision: int | None = None) -> Batch:
    """The counting batch of a name, or of `NAME@REVISION`.

    Raises:
        NoSuchBatch, AmbiguousBatch: none counts, or several do and none is named.
    """
    # A batch that a newer revision replaced does not count, but is taken back by its revision like any other.
    named = [b for b in (state.live if revision is None else state.held) if b.record.name == name]
    stem, at, digits = name.rpartition("@")
    if not named and at and digits.isdigit() and revision is None:
        return find(state, dataset, stem, int(digits))
    if revision is not None:
        named = [batch for batch in named if batch.record.revision == revision]
    if not named:
        of_name = [b for b in state.batches.values() if b.record.name == name]
        asked = [b for b in of_name if revision in (None, b.record.revision)]
        problem = f"it is {' and '.join(sorted({str(b.status) for b in asked}))}"
        if not asked:
            problem = f"it has no revision {revision}" if of_name else "no file of that name was ever applied"
        raise NoSuchBatch(dataset=dataset, name=name, problem=problem)
    if len(named) > 1:
        revisions = [batch.record.revision for batch in named]
        raise AmbiguousBatch(
            dataset=dataset, name=name, revisions=", ".join(map(str, revisions)), example=revisions[-1]
        )
    return named[0]


def clean(layout: Layout, datasets: Sequence[str], *, requeue: bool) -> CleanResult:
    """Empty `output/`; the caller holds the lock."""
    requeued: list[str] = []
    if requeue:
        for name in datasets:
            _refuse_incomplete(layout, name)
        for name in datasets:
            requeued += _requeue_all(layout, name)
    removed = [
        path for name in datasets if (path := _remove(layout, layout.latest(name)))
    ]  # no view without its ledger
    if disk.retire(layout.output / "ledger"):  # at once: no half of a ledger is left if this is killed
        removed.append("output/ledger")
    for entry in sorted(layout.output.iterdir()) if layout.output.is_dir() else ():
        if entry.name.startswith(".") and not entry.name.startswith(disk.TEMPORARY):
            continue  # not ours, and not to be seen: such as .gitkeep
        path = _remove(layout, entry)
        if path and not entry.name.startswith("."):
            removed.append(path)
    return CleanResult(removed=removed, requeued=requeued)


def _refuse_incomplete(layout: Layout, dataset: str) -> None:
    """What counts must be in the archive, or its rows would go with the ledger.

    Raises:
        ArchiveIncomplete: it is not.
    """
    state = Ledger(layout.ledger(dataset), dataset).open()
    waiting = {  # of a clean that was killed: moved back already, and called what they were
        (note.sha256, note.name, note.revision)
        for note in read_requeued(layout.requeued)
        if os.path.lexists(layout.queue / note.queued)
    }
    gone = [
        batch.archived
        for batch in state.live
        if batch.record.accepted
        and not os.path.lexists(layout.input / batch.archived)
        and (batch.record.sha256, batch.record.name, batch.record.revision) not in waiting
    ]
    if gone:
        more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
        raise ArchiveIncomplete(dataset=dataset, files=", ".join(f"input/{path}" for path in gone[:_NAMED]) + more)


def _remove(layout: Layout, path: Path) -> str:
    """Remove a file or folder; returns its path inside the workspace, or nothing if there was nothing."""
    if not os.path.lexists(path):
        return ""
    disk.remove_tree(path)
    return path.relative_to(layout.root).as_posix()


def _finish(dataset: Dataset, draft: Draft) -> Outcome:
    """The write order of a run, without a queue."""
    dataset.merge(draft)
    dataset.write_view(draft)
    commit = dataset.commit(draft)  # COMMIT POINT
    dataset.finish(draft)
    return Outcome(dataset.name, commit, draft.counts)


def _requeue(dataset: Dataset, batches: Sequence[Batch]) -> tuple[Move, ...]:
    """Moves back to the queue; carrying them out notes what the bytes are called."""
    return tuple(
        removal(batch, dataset.place("processing", batch.record.name, batch.record.sha256)) for batch in batches
    )


def _file_of(batch: Batch) -> tuple[str, int, str]:
    """What batches that have one file have in common."""
    return batch.record.name, batch.record.revision, batch.record.sha256


def _requeue_all(layout: Layout, dataset: str) -> list[str]:
    """Move every file of a dataset in `input/processed/` back to the queue; each keeps its name and revision."""
    state = Ledger(layout.ledger(dataset), dataset).open()
    archive = Archive(layout, dataset)
    begun: dict[tuple[str, str, int], list[str]] = {}  # targets that a clean which was killed has noted already
    for note in read_requeued(layout.requeued):
        begun.setdefault((note.sha256, note.name, note.revision), []).append(note.queued)
        archive.reserve(f"processing/{note.queued}")
    moves = []
    for record, archived in state.archived().values():
        source = layout.input / archived
        if not archived.startswith("processed/") or not source.is_file():
            continue
        noted = begun.get((record.sha256, record.name, record.revision), [])
        queued = next((name for name in noted if _is_free_for(source, layout.queue / name)), None)
        if queued is not None:
            noted.remove(queued)
        target = f"processing/{queued}" if queued else archive.place("processing", record.name, record.sha256)
        moves.append(archival(record).model_copy(update={"source": archived, "target": target, "raw": ""}))
    return [move.target for move in archive.carry_out(moves)]


def _is_free_for(source: Path, target: Path) -> bool:
    """Whether a file can go to a path, or is there already beside its old place."""
    return not os.path.lexists(target) or target.samefile(source)
