"""What a killed process left, and what finishes it: a pure plan over the ledger and what lies in the folders."""

from __future__ import annotations

from collections import Counter
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
class Rest:
    """What lies about beside the view and the files in `input/`.

    Args:
        torn: an entry of the log that was torn as it was written; nothing was acknowledged, and it is set aside.
        rejects: files of refused rows that wait for their names.
        parquet, temporary: the number of Parquet files that no commit names, and of temporary files, to be removed.
        pruned: the number of files that a prune forgot, and that are still there.
        unfinished: whether the newest commit is still to be noted as carried out.
    """

    torn: int | None = None
    rejects: tuple[str, ...] = ()
    parquet: int = 0
    temporary: int = 0
    pruned: int = 0
    unfinished: bool = False


NOTHING = Rest()


@dataclass(frozen=True)
class Plan:
    """What is to be done before anything else: the view first, then refused rows and moves, then the rest."""

    view: ViewStep
    moves: tuple[Move, ...]
    rest: Rest = NOTHING

    @property
    def is_empty(self) -> bool:
        """Whether the last process finished its work, and left nothing."""
        return not self.sentences()

    def sentences(self) -> list[str]:
        """The plan in words, a sentence for each step."""
        rest, found = self.rest, list[str]()
        if rest.torn is not None:
            torn = f"entry {rest.torn} of the ledger's log was torn before it counted, and is to be set aside"
            found.append(f"{torn}; its files wait in the queue")
        if self.view is ViewStep.PUBLISH_DRAFT:
            found.append("latest.csv is to be published from its draft")
        elif self.view is ViewStep.RENDER:
            found.append("latest.csv is to be rendered again from the ledger")
        found += _each(len(rest.rejects), "file of refused rows", "to be put into output/rejects/")
        for folder, number in Counter(move.target.partition("/")[0] for move in self.moves).items():
            found += _each(number, "file", f"to be moved to input/{folder}/")
        found += _each(rest.pruned, "pruned file", "to be removed")
        found += _each(rest.parquet, "Parquet file", "to be removed, since no commit names such")
        found += _each(rest.temporary, "temporary file", "to be removed")
        if rest.unfinished and not found:
            found.append("the newest commit is carried out, and is to be noted as such")
        return found


def _each(number: int, thing: str, what: str) -> list[str]:
    if not number:
        return []
    head, of, rest = thing.partition(" of ")
    return [f"1 {thing} is {what}" if number == 1 else f"{number:,} {head}s{of}{rest} are {what}"]


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
    rest: Rest = NOTHING,
) -> Plan:
    """Decide how to finish what was begun.

    Args:
        commits: the newest commit, if it was not carried out; all before it were finished before it began.
        view: the record of the current snapshot's view.
        found: `latest.csv` against that record.
        draft: the draft of that view against the record.
        pending: whether a move is still to be done: its source is there, and is the file that was meant.
        rest: what else lies about.
    """
    step = ViewStep.NOTHING
    if view is not None and found is not Found.SAME:
        step = ViewStep.PUBLISH_DRAFT if draft is Found.SAME else ViewStep.RENDER
    return Plan(step, tuple(move for commit in commits for move in moves_of(commit) if pending(move)), rest)


def withdrawn_reason() -> Failure:
    """Why a withdrawn file lies in `input/rejected/`."""
    return Failure(rule="withdrawn", reason="it was withdrawn; drop it again to apply it again")
