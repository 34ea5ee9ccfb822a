"""Which batch a file in the queue is: its name, revision and batch time, by its bytes and by what the ledger knows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from snapshotter import inbox
from snapshotter.config import DatasetConfig
from snapshotter.inbox import Drop
from snapshotter.ledger.records import Status
from snapshotter.ledger.state import Batch, State
from snapshotter.requeue import Requeued
from snapshotter.spool import Unreadable


@dataclass(frozen=True)
class Identity:
    """Which batch a file is.

    Args:
        name, revision, batch_time: of the batch.
        picked_up: the time against which its timestamps are held.
        existing: the batch of the same name and revision that it takes the place of.
        is_duplicate: whether that one says the same already.
        replaces: whether earlier revisions of its name do not count beside it.
    """

    name: str
    revision: int
    batch_time: datetime | None
    picked_up: datetime
    existing: Batch | None = None
    is_duplicate: bool = False
    replaces: bool = False


class Identities(Protocol):
    """Says which batch each file is that is taken."""

    def expected(self, place: int, drop: Drop) -> tuple[str, int]:
        """Name and revision of a file before it is opened."""
        ...

    def identify(self, place: int, drop: Drop, sha256: str) -> Identity:
        """Which batch the bytes are. Raises Unreadable."""
        ...


class Queued:
    """Files out of the queue: by name and content, or what they were before they were moved back to it.

    Args:
        config, state: the dataset's.
        acceptance: a digest of all that decides now what is accepted.
        requeued: what was moved back to the queue of this dataset.
        queue: the names in the queue.
        now: the time of the run.
    """

    def __init__(
        self,
        config: DatasetConfig,
        state: State,
        acceptance: str,
        requeued: Sequence[Requeued],
        queue: Collection[str],
        now: datetime,
    ) -> None:
        """Look at what the state knows of names, once."""
        self._config, self._state, self._acceptance = config, state, acceptance
        self._queue, self._now = queue, now
        self._notes: dict[str, list[Requeued]] = {}  # by digest
        self._waiting: dict[str, int] = {}  # the greatest revision of each name
        for note in requeued:
            self._notes.setdefault(note.sha256, []).append(note)
            self._waiting[note.name] = max(note.revision, self._waiting.get(note.name, 0))
        self._newest = state.newest_by_name()
        self._held = {(batch.record.name, batch.record.revision): batch for batch in state.held}
        self.consumed: list[Requeued] = []

    def expected(self, place: int, drop: Drop) -> tuple[str, int]:  # noqa: ARG002 - in a queue the name says it all
        """A new revision of its name."""
        return drop.name, self._next_revision(drop.name)

    def identify(self, place: int, drop: Drop, sha256: str) -> Identity:  # noqa: ARG002 - as above
        """The batch that these bytes were before a requeue, else by name and content."""
        notes = self._notes.get(sha256, [])
        # The note of its own name first: the others may be those of equal files that were renamed.
        own = next((note for note in notes if note.queued == drop.name), None)
        note = own or next((note for note in notes if note.queued not in self._queue), None)
        if note:
            notes.remove(note)
            self.consumed.append(note)
            return self._identity(note.name, note.revision, note.batch_time, sha256)
        time = inbox.batch_time(drop.name, self._config.batch_time)
        newest = self._newest.get(drop.name)
        same = newest is not None and newest.record.sha256 == sha256
        revision = newest.record.revision if newest and same else self._next_revision(drop.name)
        return self._identity(drop.name, revision, time, sha256)

    def _identity(self, name: str, revision: int, batch_time: datetime | None, sha256: str) -> Identity:
        existing = self._held.get((name, revision))
        # What a revision replaced when it came, it replaces when it comes again: only its rows are judged anew.
        replaces = self._config.replace_revisions or (existing is not None and existing.record.replaces)
        is_duplicate = self._is_duplicate(existing, sha256)
        if not is_duplicate:
            self._refuse_pruned(name, revision, existing, replaces=replaces)
        return Identity(name, revision, batch_time, self._now, existing, is_duplicate, replaces)

    def _refuse_pruned(self, name: str, revision: int, existing: Batch | None, *, replaces: bool) -> None:
        """A revision cannot take the place of one behind the horizon: what that one hid is forgotten.

        Raises:
            Unreadable: it would have to.
        """
        older = (self._held.get((name, number)) for number in range(1, revision)) if replaces else ()
        for batch in (existing, *older):
            if batch is not None and batch.record.accepted and self._state.is_mingled(batch):
                reason = f"it would take the place of revision {batch.record.revision}, which is older than snapshot"
                mend = "drop it under another name: then its rows are added"
                raise Unreadable("pruned", f"{reason} {self._state.horizon}, the oldest that prune kept; {mend}")

    def _next_revision(self, name: str) -> int:
        newest = self._newest.get(name)
        return max(newest.record.revision if newest else 0, self._waiting.get(name, 0)) + 1

    def _is_duplicate(self, existing: Batch | None, sha256: str) -> bool:
        """Whether these bytes count already, accepted whole under the same contract."""
        if existing is None or existing.record.status is not Status.APPLIED:
            return False
        known = existing.record
        return known.sha256 == sha256 and known.rejected == 0 and known.acceptance == self._acceptance
