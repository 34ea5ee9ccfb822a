"""Reading while others write: what vanished because the ledger moved on is read again, and never called damage.

Readers take no lock. A writer may replace Parquet files or entries of the log between the moment at which a reader
learns their names and the moment at which it opens them. Such a failure says nothing about the ledger; the same
failure on a ledger that did not move does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from snapshotter.errors import LedgerDamaged, NotRestorable, NotWritten
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.state import State

ATTEMPTS = 10  # a writer that moves the ledger during each of them is no writer of ours

T = TypeVar("T")
Marks = tuple[frozenset[str], bytes, tuple[int, ...]]


def steadily(layout: Layout, dataset: str, read: Callable[[Ledger, State], T]) -> T:
    """Read a dataset's ledger; where it moved meanwhile and the reading failed, read it again.

    Args:
        layout: the workspace.
        dataset: its name.
        read: the reading; called with the ledger, open, and its state, once for each attempt.

    Raises:
        LedgerDamaged, LedgerForeign: the ledger is not what it says, and did not move.
        NotRestorable: as `read` says.
    """
    for attempt in range(ATTEMPTS):
        before = marks(layout, dataset)
        try:
            ledger = Ledger(layout.ledger(dataset), dataset)
            return read(ledger, ledger.open())
        except (LedgerDamaged, NotRestorable, NotWritten, OSError):
            if attempt == ATTEMPTS - 1 or marks(layout, dataset) == before:
                raise
    raise AssertionError("the last attempt returns or raises")


def marks(layout: Layout, dataset: str) -> Marks:
    """What differs once a writer has moved the ledger: the names of its files, and its note of the newest entry.

    And when its folders changed: one that was made, and removed again, looks as it did before.
    """
    root, note = layout.ledger(dataset), b""
    with suppress(OSError):
        note = (root / "_acknowledged.json").read_bytes()
    times = tuple(_changed(folder) for folder in (root.parent, root, root / "_delta_log"))
    return frozenset(_names(root, "") | _names(root / "_delta_log", "_delta_log/")), note, times


def _changed(folder: Path) -> int:
    try:
        return folder.stat().st_ctime_ns
    except OSError:
        return 0


def _names(folder: Path, before: str) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {before + entry.name for entry in entries}
    except OSError:
        return set()
