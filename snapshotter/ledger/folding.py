"""From commits to a state: one commit after the other, each once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from snapshotter.contract.columns import StoredColumn
from snapshotter.ledger.records import Commit, FileRecord, PartRecord, Status
from snapshotter.ledger.state import Batch, Shape, State, outdated

# What becomes of a batch that a commit of this kind drops.
_DROPPED_BY = {
    "run": Status.REPLACED,
    "reset": Status.ROLLED_BACK,
    "withdraw": Status.WITHDRAWN,
    "rebuild": Status.REPLACED,
}


class Fold:
    """A state that grows by one commit at a time."""

    def __init__(self) -> None:
        """Begin with the state of a ledger in which nothing was committed."""
        self.known: dict[str, PartRecord] = {}  # every Parquet file that a commit named and none forgot
        self._version, self._horizon, self._mingled = -1, 1, 1
        self._columns: list[StoredColumn] = []
        self._shapes: list[Shape] = []
        self._files: list[tuple[datetime, FileRecord]] = []
        self._batches: dict[int, Batch] = {}
        self._snapshots: dict[int, Commit] = {}
        self._parts: dict[str, PartRecord] = {}
        self._same: dict[tuple[str, int, str], list[int]] = {}  # equal name, revision and bytes: they have one file
        self._named: dict[str, list[int]] = {}
        self._replacing: set[str] = set()  # names of which a revision replaces those before it

    def add(self, version: int, commit: Commit) -> None:
        """Take a commit in.

        Args:
            version: the Delta version that it made.
            commit: our record in it.
        """
        self._version = version
        self._columns += commit.columns
        self._shapes += commit.shapes
        self._files += ((commit.at, record) for record in commit.files)
        for path in commit.removed_parts:
            self._parts.pop(path)
        self._parts |= {part.path: part for part in commit.parts}
        for path in commit.forgotten:
            self.known.pop(path, None)
        self.known |= {part.path: part for part in (*commit.parts, *commit.shelved)}
        self._add_batches(commit)
        if commit.snapshot is not None:
            self._snapshots[commit.snapshot] = commit
        if commit.horizon is not None:
            self._horizon, self._mingled = commit.horizon, commit.mingled

    def state(self) -> State:
        """The state so far."""
        self._settle()
        return State(
            version=self._version,
            columns=tuple(self._columns),
            shapes=tuple(self._shapes),
            batches=dict(self._batches),
            snapshots=dict(self._snapshots),
            parts=dict(self._parts),
            files=tuple(self._files),
            horizon=self._horizon,
            mingled=self._mingled,
        )

    def name(self, number: int) -> str:
        """The name of a batch."""
        return self._batches[number].record.name

    def counting(self, name: str) -> set[int]:
        """The batches of a name that count, as far as is known so far."""
        held = [self._batches[number] for number in self._named[name] if self._batches[number].held]
        applied = {batch.id for batch in held if batch.record.status is Status.APPLIED}
        return applied - outdated(batch.record for batch in held)

    def _add_batches(self, commit: Commit) -> None:
        batches, same = self._batches, self._same
        for record in commit.files:
            if record.batch is None or commit.snapshot is None:
                continue
            twins = same.setdefault((record.name, record.revision, record.sha256), [])
            for number in twins:  # their file came back out of the queue, or beside theirs, which may be gone
                batches[number] = replace(batches[number], archived=record.archived)
            twins.append(record.batch)
            batches[record.batch] = Batch(record, commit.snapshot, commit.at, record.status, record.archived)
            self._named.setdefault(record.name, []).append(record.batch)
            if record.replaces:
                self._replacing.add(record.name)
        for number in commit.dropped:
            batches[number] = replace(batches[number], status=_DROPPED_BY[commit.kind], held=False)
        for number in commit.added:
            batches[number] = replace(batches[number], status=batches[number].record.status, held=True)
        for move in commit.moves:
            for number in same.get((move.name, move.revision, move.sha256), ()):
                batches[number] = replace(batches[number], archived=move.target)

    def _settle(self) -> None:
        """Give each batch that is held its status: what its run said, or that a newer revision replaces it."""
        for name in self._replacing:
            settle(self._batches, self._named[name])


def fold(commits: Iterable[tuple[int, Commit]], until: int | None = None) -> State:
    """The state after these commits, (Delta version, record) in order.

    Args:
        commits: all commits of the ledger.
        until: stop behind the commit that made this snapshot.
    """
    folding = Fold()
    for version, commit in commits:
        folding.add(version, commit)
        if until is not None and commit.snapshot == until:
            break
    return folding.state()


def settle(batches: dict[int, Batch], numbers: Iterable[int]) -> None:
    """Give those of some batches that are held their status, in place; all of a name must be among them."""
    held = [batches[number] for number in numbers if batches[number].held]
    old = outdated(batch.record for batch in held)
    for batch in held:
        status = Status.REPLACED if batch.id in old else batch.record.status
        if status is not batch.status:
            batches[batch.id] = replace(batch, status=status)


def without(state: State, numbers: Collection[int]) -> State:
    """The state as if some batches had never come; its Parquet files are those that it has now."""
    left = {n: replace(b, status=Status.WITHDRAWN, held=False) if n in numbers else b for n, b in state.batches.items()}
    settle(left, list(left))
    return replace(state, batches=left)
