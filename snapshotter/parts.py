"""The Parquet files of a commit: new rows, and old files anew without what no longer counts; durable at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from snapshotter import disk
from snapshotter.draft import Draft
from snapshotter.engine import Engine
from snapshotter.engine.base import Staged
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import FileRecord, PartRecord
from snapshotter.ledger.state import Batch, State


class Parts:
    """Writes the Parquet files of one dataset.

    Args:
        ledger: of the dataset.
        engine: holds the new rows, and copies the old ones.
    """

    def __init__(self, ledger: Ledger, engine: Engine) -> None:
        """Nothing is written yet."""
        self._ledger, self._engine = ledger, engine

    def write(self, draft: Draft) -> None:
        """Write all files of a run or a rebuild.

        Rows that a newer revision replaces as they come are no part of the table, whose live version holds what
        counts and nothing else. They lie in a file beside it, since they count once that revision is withdrawn.
        """
        gone = draft.gone
        rewritten, removed = self.rewrite(draft.base.parts.values(), gone)
        counting = self._new(draft, [record for record in draft.new if record.batch not in gone])
        draft.parts += (*rewritten, *counting)
        draft.removed_parts += tuple(removed)
        draft.shelved = self._new(draft, [record for record in draft.new if record.batch in gone])

    def rewrite(self, parts: Iterable[PartRecord], gone: Collection[int]) -> tuple[list[PartRecord], list[str]]:
        """Write the files that hold some batches anew without them; returns the new and the old ones."""
        new, old = [], []
        for part in parts:
            if not set(gone) & set(part.batches):
                continue
            old.append(part.path)
            staying = [batch for batch in part.batches if batch not in gone]
            if staying:
                new.append(self._copy(part.path, [batch for batch in part.batches if batch in gone], staying))
        return new, old

    def revive(self, batches: Sequence[Batch]) -> list[PartRecord]:
        """Write the rows of batches that count again, out of the files that have them.

        Raises:
            NotRestorable: they are not there any more.
        """
        known = self._ledger.all_parts()
        return [
            self._copy(path, [batch for batch in known[path].batches if batch not in wanted], sorted(wanted))
            for path, wanted in self._ledger.holding(batches).items()
        ]

    def exactly(self, state: State) -> dict[str, PartRecord]:
        """Files that hold the batches that count in a state, and no others; those that have more are written anew.

        Args:
            state: as `Ledger.at` gives it.
        """
        counting = {batch.id for batch in state.live}
        found = {}
        for path, part in state.parts.items():
            staying = (counting & set(part.batches)) - state.hidden.get(path, frozenset())
            others = [batch for batch in part.batches if batch not in staying]
            kept = self._copy(path, others, sorted(staying)) if others else part
            found[kept.path] = kept
        return found

    def _new(self, draft: Draft, records: Sequence[FileRecord]) -> tuple[PartRecord, ...]:
        """Write the accepted rows of some new batches, if there are any; what is staged is taken as it lies."""
        wanted = {record.batch: record for record in records if record.batch is not None}
        taken = [staged for staged in self._engine.staged if staged.rows and wanted.keys() >= set(staged.batches)]
        parts = [self._adopted(staged) for staged in taken]
        for staged in taken:
            for batch in staged.batches:
                del wanted[batch]
        if any(record.accepted for record in wanted.values()):
            parts.append(self._written(draft, list(wanted.values())))
        return tuple(parts)

    def _adopted(self, staged: Staged) -> PartRecord:
        path = self._ledger.new_part()
        disk.adopt(staged.path, path)
        return self._ledger.part(path, staged.rows, staged.batches)

    def _written(self, draft: Draft, records: Sequence[FileRecord]) -> PartRecord:
        assert draft.resolution is not None
        assert draft.binding is not None
        columns, batches = draft.binding.columns, tuple(record.batch or 0 for record in records)
        carried = {i for record in records if record.accepted for i, _ in draft.binding.shapes[record.shape or 0]}
        key = {field.index for field in draft.resolution.frame.key}
        fields = [f for f in draft.resolution.frame.fields if f.index in carried | key]
        path = self._ledger.new_part()
        rows = self._engine.write_part([(f, columns[f.index]) for f in fields], batches, path)
        return self._ledger.part(path, rows, batches)

    def _copy(self, source: str, without: Sequence[int], staying: Sequence[int]) -> PartRecord:
        path = self._ledger.new_part()
        rows = self._engine.copy_rows({self._ledger.root / source: without}, path)
        return self._ledger.part(path, rows, tuple(staying))
