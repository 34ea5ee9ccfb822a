"""Rebuild: the archive read again under the present contract, as a new snapshot that a reset takes back.

What was judged under the old contract is dropped, and every file that was delivered and not taken back is judged
anew, as if all of them came in one run on an empty ledger. The files stay where they are, and the old rows in the
Parquet files of the older snapshots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from snapshotter import disk, inbox, rejects
from snapshotter.binding import Binding
from snapshotter.contract import Contract, changes
from snapshotter.contract.columns import fold
from snapshotter.dataset import Dataset
from snapshotter.draft import Draft
from snapshotter.errors import ArchiveIncomplete
from snapshotter.identity import Identity
from snapshotter.inbox import Drop
from snapshotter.ledger.contracts import stored_contract
from snapshotter.ledger.records import Commit, FileRecord, Status
from snapshotter.ledger.state import Batch, State
from snapshotter.pipeline import Outcome
from snapshotter.resolution import Resolution, resolve
from snapshotter.results import RebuildDifference, RebuildSide
from snapshotter.spool import Unreadable

_NAMED = 5  # files that a message names


@dataclass(frozen=True)
class Proposal:
    """A rebuild that was judged and merged, and of which nothing is committed.

    Args:
        draft: the commit in the making.
        difference: what it would change.
    """

    draft: Draft
    difference: RebuildDifference


class Archived:
    """Archived files, each the batch that it was.

    Its timestamps are held against the time of its pick-up: what `max_future` says of a row never depends on when
    somebody rebuilds. The time in its name is looked for anew, since the pattern is the contract's.

    Args:
        contract: the present one.
        batches: the batch of each file.
    """

    def __init__(self, contract: Contract, batches: Sequence[Batch]) -> None:
        """Nothing is read yet."""
        self._config, self._batches = contract.config, batches
        self._first = min((batch.picked_up for batch in batches), default=None)

    def expected(self, place: int, drop: Drop) -> tuple[str, int]:  # noqa: ARG002 - the place says which batch it is
        """Name and revision as they were."""
        record = self._batches[place].record
        return record.name, record.revision

    def identify(self, place: int, drop: Drop, sha256: str) -> Identity:  # noqa: ARG002 - as above
        """The batch that the file was, if it still is that file."""
        batch = self._batches[place]
        if sha256 != batch.record.sha256:
            raise Unreadable("archive", "its bytes are not those that were recorded", sha256)
        time = inbox.batch_time(batch.record.name, self._config.batch_time)
        picked_up = batch.picked_up
        if self._config.max_future is None and self._first is not None:
            picked_up = self._first  # it decides nothing, so that all files can be read at once
        replaces = self._config.replace_revisions
        return Identity(batch.record.name, batch.record.revision, time, picked_up, replaces=replaces)


def propose(
    dataset: Dataset, archive: Path, now: datetime, progress: Callable[[int], None] = lambda _: None
) -> Proposal | None:
    """Read the archive again, and see what that changes; None where there is no snapshot yet.

    Args:
        dataset: open, and recovered.
        archive: the folder that the paths of archived files are relative to.
        now: the time of the rebuild.
        progress: called with the number of bytes of each file that was read.

    Raises:
        ArchiveIncomplete: an archived file is missing, or is not what it was.
    """
    state = dataset.state
    if state.current is None:
        return None
    old = stored_contract(dataset.name, state.current)
    before = resolve(old, state, dataset.ledger.root)
    dataset.engine.merge(before.frame, before.batches, before.stored)
    dataset.engine.keep(old, before.columns, before.frame.key, "before")
    draft = _reread(dataset, state.held, archive, now, progress)
    dataset.merge(draft)
    assert draft.resolution is not None
    dataset.engine.keep(draft.contract, draft.resolution.columns, draft.resolution.frame.key, "after")
    return Proposal(draft, _difference(dataset, draft, state.current, before))


def carry_out(dataset: Dataset, proposal: Proposal) -> Outcome:
    """The write order of a run, without a queue and without moves."""
    draft = proposal.draft
    _keep_rejects(dataset, draft)
    dataset.write(draft)
    commit = dataset.commit(draft)  # COMMIT POINT
    dataset.finish(draft)
    return Outcome(dataset.name, commit, draft.counts, draft.reported())


def _reread(
    dataset: Dataset, batches: Sequence[Batch], archive: Path, now: datetime, progress: Callable[[int], None]
) -> Draft:
    """Judge the archived files of batches."""
    drops = [Drop(batch.record.name, archive / batch.archived, batch.record.size) for batch in batches]
    _refuse_incomplete(dataset.name, [b for b, drop in zip(batches, drops, strict=True) if not _is_there(drop)])
    draft = _judge_again(dataset, drops, Archived(dataset.contract, batches), now, progress)
    found = {(r.name, r.revision): r.sha256 for r in draft.taken.records}
    differ = [b for b in batches if found.get((b.record.name, b.record.revision)) != b.record.sha256]
    _refuse_incomplete(dataset.name, differ)
    draft.taken.records[:] = _as_archived(draft.taken.records, batches, dataset.state)
    return draft


def _judge_again(
    dataset: Dataset, drops: Sequence[Drop], identities: Archived, now: datetime, progress: Callable[[int], None]
) -> Draft:
    """Judge archived files under the configured contract, as if nothing were stored yet.

    Refused rows are drafts outside `output/rejects/`, until `_keep_rejects`.
    """
    binding = Binding(dataset.contract, dataset.state.columns, dataset.state.shapes, frozenset())
    base = replace(dataset.state, batches={}, parts={})
    draft = Draft("rebuild", now, dataset.contract, base, binding=binding)
    dataset.engine.verify(dataset.contract)
    draft.taken = dataset.intake(draft, identities, dataset.scratch, progress).take(drops)
    binding.store_key()
    draft.dropped = tuple(batch.id for batch in dataset.state.held)
    draft.removed_parts = tuple(dataset.state.parts)
    return draft


def _keep_rejects(dataset: Dataset, draft: Draft) -> None:
    """Put the refused rows where the commit will give them their names."""
    folder = dataset.layout.rejects(dataset.name)
    for record in draft.new:
        if record.rejects:
            disk.make_folder(folder)
            draft_of = rejects.draft(dataset.scratch, record.batch or 0)
            disk.replace(rejects.draft(folder, record.batch or 0), disk.pieces(draft_of))


def _is_there(drop: Drop) -> bool:
    try:
        return drop.path.lstat().st_size == drop.size
    except OSError:
        return False


def _refuse_incomplete(dataset: str, batches: Sequence[Batch]) -> None:
    if not batches:
        return
    named = ", ".join(f"input/{batch.archived}" for batch in batches[:_NAMED])
    more = f" and {len(batches) - _NAMED} more" if len(batches) > _NAMED else ""
    raise ArchiveIncomplete(dataset=dataset, files=named + more)


def _as_archived(records: Sequence[FileRecord], batches: Sequence[Batch], state: State) -> list[FileRecord]:
    """Records of files that stay where they are; one that is refused keeps a batch, so that it stays known.

    A later rebuild under a mended contract reads it again, and a reset behind this one lets it count again.
    """
    number = max([state.next_batch - 1, *(record.batch or 0 for record in records)])
    found = []
    for record, batch in zip(records, batches, strict=True):
        known: dict[str, object] = {"queued": batch.record.queued, "raw": batch.record.raw}
        known |= {"archived": batch.archived, "picked_up": batch.picked_up}
        if record.status is not Status.APPLIED:
            number += 1
            known |= {"batch": number, "batch_time": batch.record.batch_time}
        found.append(record.model_copy(update=known))
    return found


def _difference(dataset: Dataset, draft: Draft, current: Commit, before: Resolution) -> RebuildDifference:
    """What the rebuild changes: counts of files, rows and keys, and the columns."""
    assert draft.resolution is not None
    live, gone = [batch.record for batch in dataset.state.live], draft.gone
    counting = [record for record in draft.new if record.batch not in gone]
    one = _side(live, current.view.rows if current.view else 0)
    other = _side(counting, draft.counts.inserted - draft.counts.deleted)
    names, after = _names(before), _names(draft.resolution)
    both = [name for folded, name in names.items() if folded in after]
    key, new_key = _key(before), _key(draft.resolution)
    keys: tuple[int | None, ...] = (None, None, None)
    if not one.rows or not other.rows:
        keys = (other.rows, one.rows, 0)
    elif list(map(fold, key)) == list(map(fold, new_key)):
        cells = [name for name in both if name not in key]
        keys = dataset.engine.differences("before", "after", key, cells)
    old = stored_contract(dataset.name, current)
    return RebuildDifference(
        contract=changes(old, draft.contract, dataset.state.columns),
        before=one,
        after=other,
        keys_added=keys[0],
        keys_removed=keys[1],
        keys_changed=keys[2],
        columns_added=[name for folded, name in after.items() if folded not in names],
        columns_removed=[name for folded, name in names.items() if folded not in after],
    )


def _side(records: Sequence[FileRecord], rows: int) -> RebuildSide:
    return RebuildSide(
        files=len(records),
        read=sum(record.read for record in records),
        accepted=sum(record.accepted for record in records),
        rejected=sum(record.rejected for record in records),
        rows=rows,
    )


def _names(resolution: Resolution) -> dict[str, str]:
    """The columns of a view, lineage aside, by folded name."""
    return {fold(column.name): column.name for column in resolution.columns if column.field is not None}


def _key(resolution: Resolution) -> list[str]:
    """The published names of the key's columns; none for a part that no file carries."""
    places = {column.field: column.name for column in resolution.columns if column.field is not None}
    return [places[field] for field in resolution.frame.key if field in places]
