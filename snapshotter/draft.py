"""A commit in the making: what is judged, merged and written of a dataset before it counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from snapshotter.contract import Contract
from snapshotter.ledger.records import Commit, Counts, FileRecord, Kind, Move, PartRecord, Status, ViewRecord
from snapshotter.ledger.state import State, outdated
from snapshotter.taken import Taken

if TYPE_CHECKING:
    from snapshotter.binding import Binding
    from snapshotter.rendering import Rendering
    from snapshotter.resolution import Resolution

_WIDE = 1_000  # columns: each step of the engine holds 2,048 rows of them all


@dataclass
class Draft:
    """A commit in the making.

    Args:
        kind, at, contract: of the commit; the contract is that of the snapshot it makes.
        base: the state whose batches and files stay, but for those that are dropped.
        taken, binding: what a run took out of the queue, or a rebuild read again, and the columns it came with.
        dropped, added, moves, target: as in the commit.
        parts, removed_parts, shelved, counts, view: as in the commit; known once they are written and counted.
        committed: the commit, once it counts or may count.
        resolution, rendering: how the rows were merged, and what renders them.
        judged: the records of the files before the merge showed more of them.
    """

    kind: Kind
    at: datetime
    contract: Contract
    base: State
    taken: Taken = field(default_factory=Taken)
    binding: Binding | None = None
    dropped: tuple[int, ...] = ()
    added: tuple[int, ...] = ()
    moves: tuple[Move, ...] = ()
    target: int | None = None
    parts: tuple[PartRecord, ...] = ()
    removed_parts: tuple[str, ...] = ()
    shelved: tuple[PartRecord, ...] = ()
    counts: Counts = field(default_factory=Counts)
    view: ViewRecord | None = None
    committed: Commit | None = None
    resolution: Resolution | None = None
    rendering: Rendering | None = None
    judged: tuple[FileRecord, ...] = ()

    @property
    def changes_snapshot(self) -> bool:
        """Whether the commit makes a snapshot, or only records what became of files."""
        return self.kind != "files"

    @property
    def is_wide(self) -> bool:
        """Whether its rows are too wide for two statements of the engine at once."""
        return self.resolution is not None and len(self.resolution.frame.fields) > _WIDE

    @property
    def new(self) -> list[FileRecord]:
        """The files whose rows are new."""
        applied = [record for record in self.taken.records if record.status is Status.APPLIED]
        return [record for record in applied if record.batch is not None]

    @property
    def outdated(self) -> set[int]:
        """The batches, old and new, that a newer revision replaces after the commit."""
        staying = [batch.record for batch in self.base.held if batch.id not in self.dropped]
        return outdated([*staying, *self.new])

    @property
    def gone(self) -> set[int]:
        """The batches, old and new, whose rows do not count after the commit."""
        return {*self.dropped, *self.outdated}

    def commit(self, snapshot: int) -> Commit:
        """The commit that this becomes.

        Args:
            snapshot: the number of the next one.
        """
        binding, changes = self.binding, self.changes_snapshot
        return Commit(
            kind=self.kind,
            snapshot=snapshot if changes else None,
            at=self.at,
            contract=self.contract.config.model_dump(mode="json") if changes else {},
            target=self.target,
            files=tuple(self.taken.records),
            added=self.added,
            dropped=self.dropped,
            columns=binding.new_columns if binding and changes else (),
            shapes=binding.new_shapes if binding and changes else (),
            parts=self.parts,
            removed_parts=self.removed_parts,
            shelved=self.shelved,
            moves=self.moves,
            counts=self.counts,
            view=self.view,
        )

    def reported(self) -> tuple[FileRecord, ...]:
        """A record of each file that was in the queue, deferred ones last."""
        return (*self.taken.records, *self.taken.deferred)
