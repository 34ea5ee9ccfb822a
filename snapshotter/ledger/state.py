"""The state of a ledger, as of one commit; `folding` makes it of commits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from snapshotter.contract.columns import StoredColumn
from snapshotter.ledger.records import Commit, FileRecord, PartRecord, Status

Shape = tuple[tuple[int, str], ...]

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Batch:
    """A delivery that a run accepted, or that a rebuild read again.

    Args:
        record: as its run recorded it; `record.batch` is its number.
        snapshot, at: the snapshot that brought it, and when that was.
        status: applied while it counts.
        archived: where its file is now, inside `input/`.
        held: whether it was delivered and not taken back. A batch that is held counts, unless a newer revision
            replaces it (then it counts again once that one is withdrawn) or a rebuild refused its file.
    """

    record: FileRecord
    snapshot: int
    at: datetime
    status: Status
    archived: str
    held: bool = True

    @property
    def id(self) -> int:
        """The number that its rows carry."""
        assert self.record.batch is not None
        return self.record.batch

    @property
    def rank(self) -> tuple[datetime, str, int]:
        """What orders batches at one instant: batch time (an absent one is the least), name, revision."""
        return batch_rank(self.record.batch_time, self.record.name, self.record.revision)

    @property
    def picked_up(self) -> datetime:
        """When its file was taken out of the queue; against that time `max_future` is held."""
        return self.record.picked_up or self.at


def outdated(records: Iterable[FileRecord]) -> set[int]:
    """The batches that a newer revision of their name replaces, among those that are held.

    It is a function of the set, and of nothing that tells of order: so files may come in any order and grouping,
    and what one replaces counts again as if it had never come.
    """
    applied = [record for record in records if record.status is Status.APPLIED]
    newest: dict[str, int] = {}
    for record in applied:
        if record.replaces:
            newest[record.name] = max(newest.get(record.name, 0), record.revision)
    return {r.batch for r in applied if r.batch is not None and r.revision < newest.get(r.name, 0)}


def batch_rank(time: datetime | None, name: str, revision: int) -> tuple[datetime, str, int]:
    """The part of the rank that belongs to a batch; Python orders text by code point."""
    return (time or _NEVER, name, revision)


@dataclass(frozen=True)
class State:
    """All that a ledger says, as of one commit.

    Args:
        version: the Delta version, -1 without a table.
        columns: every column that the table ever had, in the order of their coming.
        shapes: every header that a batch ever had.
        batches: every batch by its number.
        snapshots: the commits that made snapshots, by number.
        parts: the live Parquet files by name.
        files: (when, record) of every file that a run ever took, in order.
        hidden: batches whose rows in a file of `parts` are not to be read, since another one has them, by its name.
        horizon: the oldest snapshot that was not pruned; a batch that an older one brought is behind the horizon.
        mingled: batches that snapshots before this one brought have lost rows that others of them hid.
    """

    version: int = -1
    columns: tuple[StoredColumn, ...] = ()
    shapes: tuple[Shape, ...] = ()
    batches: dict[int, Batch] = field(default_factory=dict)
    snapshots: dict[int, Commit] = field(default_factory=dict)
    parts: dict[str, PartRecord] = field(default_factory=dict)
    files: tuple[tuple[datetime, FileRecord], ...] = ()
    hidden: dict[str, frozenset[int]] = field(default_factory=dict)
    horizon: int = 1
    mingled: int = 1

    @property
    def current(self) -> Commit | None:
        """The commit of the current snapshot."""
        return self.snapshots[max(self.snapshots)] if self.snapshots else None

    @cached_property
    def live(self) -> list[Batch]:
        """The batches that count, in the order of their rank."""
        return sorted((b for b in self.batches.values() if b.status is Status.APPLIED), key=lambda b: b.rank)

    @cached_property
    def held(self) -> list[Batch]:
        """The batches that were delivered and not taken back, in the order of their coming."""
        return [batch for _, batch in sorted(self.batches.items()) if batch.held]

    def is_behind_horizon(self, batch: Batch) -> bool:
        """Whether a snapshot that can no longer be restored brought a batch: rows that it hid may be pruned."""
        return batch.snapshot < self.horizon

    def is_mingled(self, batch: Batch) -> bool:
        """Whether rows that a batch hid are forgotten, so that nothing can take its place."""
        return batch.snapshot < self.mingled and batch.status is Status.APPLIED

    @property
    def next_batch(self) -> int:
        """The number for the next batch."""
        return max(self.batches, default=0) + 1

    @property
    def next_snapshot(self) -> int:
        """The number for the next snapshot."""
        return max(self.snapshots, default=0) + 1

    def archived(self) -> dict[str, tuple[FileRecord, str]]:
        """The files that were taken, by the path inside `input/` where each is now."""
        found = {}
        for _, record in self.files:
            batch = self.batches.get(record.batch) if record.batch is not None else None
            path = batch.archived if batch else record.archived
            if path in found and batch is not None and not batch.held:
                continue  # of the batches that a file was, the one that holds says what it is called
            found[path] = (record, path)
        return found

    def newest_by_name(self) -> dict[str, Batch]:
        """The newest revision under each name, whatever became of it."""
        found: dict[str, Batch] = {}
        for batch in self.batches.values():
            other = found.get(batch.record.name)
            if other is None or (batch.record.revision, batch.id) > (other.record.revision, other.id):
                found[batch.record.name] = batch
        return found
