"""Behind the commit point: an error there does not undo what counts, and must not sound as if it did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from snapshotter.errors import LedgerForeign, NotFinished, SnapshotterError
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import Commit


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
