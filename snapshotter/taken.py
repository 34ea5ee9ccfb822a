"""What a run took out of the queue of one dataset."""

from __future__ import annotations

from dataclasses import dataclass, field

from snapshotter.ledger.records import FileRecord
from snapshotter.requeue import Requeued


@dataclass(frozen=True)
class Taken:
    """What was taken out of a dataset's queue.

    Args:
        records: a record of each file, in the order of the queue.
        deferred: records of the files that are being written.
        replaced: batches that re-dropped files take the place of.
        consumed: notes of requeued files that were taken.
    """

    records: list[FileRecord] = field(default_factory=list)
    deferred: list[FileRecord] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    consumed: list[Requeued] = field(default_factory=list)
