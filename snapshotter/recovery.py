"""What a killed process left, and what finishes it: a pure plan over the ledger and what lies in the folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from snapshotter.ledger.records import Commit, Failure, FileRecord, Move, Status, ViewRecord
from snapshotter.ledger.state import Batch


class Found(Enum):
    """How a view on the disk compares with the record of it."""

    MISSING = "missing"
    SAME = "same"
    OTHER = "other"


class ViewStep(Enum):
    """What is to be done about `latest.csv`."""

    NOTHING = "nothing"
    PUBLISH_DRAFT = "publish the draft"
    RENDER = "render it again"


@dataclass(frozen=True)
class Plan:
    """What is to be done before anything else: the view first, then the moves."""

    view: ViewStep
    moves: tuple[Move, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the last process finished its work."""
        return self.view is ViewStep.NOTHING and not self.moves


def moves_of(commit: Commit) -> tuple[Move, ...]:
    """Every file that changes its folder because of a commit; a rebuild reads files where they lie."""
    taken = () if commit.kind == "rebuild" else commit.files
    return (*(archival(record) for record in taken), *commit.moves)


def archival(record: FileRecord) -> Move:
    """The move of a file out of the queue."""
    return Move(
        source=f"processing/{record.queued}",
        target=record.archived,
        raw=b"processing/".hex() + record.raw if record.raw else "",
        batch=record.batch,
        name=record.name,
        revision=record.revision,
        batch_time=record.batch_time,
        sha256=record.sha256,
        size=record.size,
        inode=record.inode,
        modified=record.modified,
        reason=record.failure if record.status is Status.REJECTED else None,
    )


def removal(batch: Batch, target: str, reason: Failure | None = None) -> Move:
    """The move of the file of a batch from where it is now."""
    changes = {"source": batch.archived, "target": target, "raw": "", "reason": reason}
    return archival(batch.record).model_copy(update=changes)


def plan(
    commits: Iterable[Commit],
    view: ViewRecord | None,
    found: Found,
    draft: Found,
    pending: Callable[[Move], bool],
) -> Plan:
    """Decide how to finish what was begun.

    Args:
        commits: the newest commit, if there is one; all before it were finished before it began.
        view: the record of the current snapshot's view.
        found: `latest.csv` against that record.
        draft: the draft of that view against the record.
        pending: whether a move is still to be done: its source is there, and is the file that was meant.
    """
    step = ViewStep.NOTHING
    if view is not None and found is not Found.SAME:
        step = ViewStep.PUBLISH_DRAFT if draft is Found.SAME else ViewStep.RENDER
    return Plan(step, tuple(move for commit in commits for move in moves_of(commit) if pending(move)))


def withdrawn_reason() -> Failure:
    """Why a withdrawn file lies in `input/rejected/`."""
    return Failure(rule="withdrawn", reason="it was withdrawn; drop it again to apply it again")
