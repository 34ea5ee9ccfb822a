"""Behind the commit point: an error there does not undo what counts, and must not sound as if it did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from snapshotter import disk
from snapshotter.errors import LedgerForeign, NotFinished, SnapshotterError
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import Commit, Move


@contextmanager
def finishing(dataset: str, commit: Commit) -> Iterator[None]:
    """Turn whatever goes wrong into the error that says that the commit counts.

    Raises:
        NotFinished: the system refused; the next run does the rest.
    """
    try:
        yield
    except (SnapshotterError, OSError) as error:
        other = "the prune" if commit.kind == "prune" else "what became of its files"
        what = f"snapshot {commit.snapshot}" if commit.snapshot is not None else other
        raise NotFinished(dataset=dataset, what=what, problem=error) from error


def settle(layout: Layout, dataset: str, moves: Iterable[Move]) -> None:
    """Make durable what a process that was killed may have named, and no more; the rest of a recovery does the same.

    Args:
        layout: the workspace.
        dataset: its name.
        moves: of the newest commit, done or not.
    """
    rejects = layout.rejects(dataset)
    folders = [layout.ledger(dataset) / "_delta_log", layout.latest(dataset).parent, rejects]
    folders += [folder for folder in rejects.rglob("*") if folder.is_dir()]
    folders += [(layout.input / path).parent for move in moves for path in (move.target, move.source)]
    for folder in dict.fromkeys(folders):
        if folder.is_dir():
            disk.sync_folder(folder)


def may_count(ledger: Ledger, version: int, error: Exception) -> bool:
    """Whether an entry that could not be made durable or acknowledged stands in the log nevertheless.

    Args:
        ledger: of the dataset.
        version: the last one before it.
        error: what went wrong.
    """
    try:
        return Ledger(ledger.root, ledger.dataset).open().version > version
    except (SnapshotterError, OSError):
        return not isinstance(error, LedgerForeign)  # nobody can tell now; the next run will
