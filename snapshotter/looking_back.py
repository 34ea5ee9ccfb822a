"""What is strange about the files of a run, by comparison with those before them: warnings in their records."""

from __future__ import annotations

from snapshotter.binding import Binding, listed
from snapshotter.ledger.records import FileRecord, Status
from snapshotter.ledger.state import State
from snapshotter.oddities import Oddities

_ROWS = 2  # accepted rows from which on an empty column is worth a warning


class LookBack:
    """Goes over the records of a run in the order of the queue, whatever groups the files were read in.

    Only at the end, since a file that was refused then is nothing that others are compared with.

    Args:
        state: of the dataset, before the run.
        binding: its columns, those of the run among them.
    """

    def __init__(self, state: State, binding: Binding) -> None:
        """Look at what the state knows of bytes and columns, once."""
        self._owner = {batch.record.sha256: batch.record.name for batch in state.live}
        self._oddities, self._binding = Oddities(state), binding

    def on(self, record: FileRecord) -> FileRecord:
        """The record of the next file, with what is strange about it."""
        if record.status not in (Status.APPLIED, Status.EMPTY):
            return record
        said = self._oddities.about_size(record.read)
        if record.status is Status.APPLIED and record.shape is not None:
            self._oddities.remember_size(record.read)
            said = [*self._binding.about(record.shape), *self._twin(record), *said]
            if record.accepted >= _ROWS:
                said += self._emptied(record, record.shape)
        return record.model_copy(update={"warnings": (*record.warnings, *said)}) if said else record

    def _twin(self, record: FileRecord) -> list[str]:
        """A warning if another name came with the same bytes."""
        other = self._owner.setdefault(record.sha256, record.name)
        return [f"holds the same bytes as {other!r}"] if other != record.name else []

    def _emptied(self, record: FileRecord, shape: int) -> list[str]:
        names = [self._binding.columns[index].name for index in self._oddities.emptied(record.empty)]
        self._oddities.remember_columns([index for index, _ in self._binding.shapes[shape]], record.empty)
        return [f"suddenly empty in every row: {listed(names)}"] if names else []
