"""What the last process left undone, as the ledger and the folders tell it; it is looked at, and nothing is changed."""

from __future__ import annotations

import re
from pathlib import Path

from snapshotter import disk, rejects
from snapshotter.archive import Archive, digest
from snapshotter.errors import SnapshotterError
from snapshotter.forgotten import forgotten
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import ViewRecord
from snapshotter.ledger.state import State
from snapshotter.lock import is_held
from snapshotter.recovery import Found, Plan, Rest, plan
from snapshotter.steady import ATTEMPTS, marks, steadily

_ENTRY = re.compile(r"(\d{20})\.json")


def unfinished(layout: Layout, dataset: str) -> list[str]:
    """What the next run has to finish of a dataset before it begins, in words; nothing while a writer is at work."""
    for _ in range(ATTEMPTS):
        before = marks(layout, dataset)
        try:
            todo = steadily(layout, dataset, lambda ledger, state: find(layout, dataset, ledger, state))
        except SnapshotterError:
            return []  # it is damaged, and nothing is done about it but by a person
        if todo.is_empty or is_held(layout):
            return []
        if marks(layout, dataset) == before:
            return todo.sentences()
    return []  # others write without a pause, and finish what they begin


def find(layout: Layout, dataset: str, ledger: Ledger, state: State, *, copied: bool = False) -> Plan:
    """What is to be done before a dataset is as its newest commit wants it.

    Args:
        layout: the workspace.
        dataset: its name.
        ledger: of the dataset, open.
        state: of the ledger.
        copied: whether `latest.csv` is believed to be a copy of what was published, until that is proved.
    """
    current, newest = state.current, ledger.newest()
    view = current.view if current else None
    draft = layout.draft(dataset, state.next_snapshot - 1)
    unfinished = newest is not None and not ledger.is_finished()
    folder = layout.rejects(dataset)
    drafts = {
        rejects.draft(folder, record.batch or 0): record.rejects
        for record in (newest.files if newest else ())
        if record.rejects
    }
    waiting = [path for path in drafts if path.exists()]
    latest = layout.latest(dataset)
    published = Found.SAME if copied and is_like(latest, view) else compare_view(latest, view)
    used = {*waiting} if published is Found.SAME else {*waiting, draft}
    temporary = {
        *_temporary(layout.latest(dataset).parent, "latest-*.tmp"),
        *_temporary(folder),
        *_temporary(ledger.root),
    }
    return plan(
        [newest] if newest and unfinished else [],
        view,
        published,
        compare_view(draft, view),
        Archive(layout, dataset).is_pending,
        Rest(
            torn=_torn(ledger, state),
            rejects=tuple(drafts[path] for path in waiting),
            parquet=_unnamed(ledger),
            temporary=len(temporary - used),
            pruned=_pruned(layout, ledger, state) if unfinished else 0,
            unfinished=unfinished,
        ),
    )


def is_like(path: Path, view: ViewRecord | None) -> bool:
    """Whether a file has size and time of the recorded view: it, or a copy of it (of a whole workspace, say)."""
    if view is None or not path.is_file():
        return False
    status = path.stat()
    return (status.st_size, status.st_mtime_ns) == (view.size, view.modified)


def only_looks_like(path: Path, view: ViewRecord | None) -> bool:
    """Whether a file has size and time of the recorded view, and other bytes."""
    return is_like(path, view) and compare_view(path, view) is Found.OTHER


def compare_view(path: Path, view: ViewRecord | None) -> Found:
    """Whether a file is the recorded view: by size, time and inode, and where those differ by its digest."""
    if view is None or not path.is_file():
        return Found.MISSING
    status = path.stat()
    if (status.st_size, status.st_ino, status.st_mtime_ns) == (view.size, view.inode, view.modified):
        return Found.SAME
    return Found.SAME if status.st_size == view.size and digest(path) == view.sha256 else Found.OTHER


def _torn(ledger: Ledger, state: State) -> int | None:
    """An entry behind the newest one that counts: torn as it was written, and never acknowledged."""
    folder = ledger.root / "_delta_log"
    found = [_ENTRY.fullmatch(entry.name) for entry in folder.iterdir()] if folder.is_dir() else []
    newest = max((int(match[1]) for match in found if match), default=-1)
    return newest if newest > state.version else None


def _pruned(layout: Layout, ledger: Ledger, state: State) -> int:
    """The number of files that the newest commit, if it is a prune, is still to remove."""
    newest = ledger.newest()
    if newest is None or newest.horizon is None:
        return 0
    return len(forgotten(layout, ledger.dataset, ledger.commits, state, newest.horizon))


def _unnamed(ledger: Ledger) -> int:
    """The number of Parquet files that no commit names."""
    named = ledger.all_parts()
    return sum(path.name not in named for path in ledger.root.glob("*.parquet"))


def _temporary(folder: Path, rest: str = "*") -> list[Path]:
    return list(folder.glob(f"{disk.TEMPORARY}{rest}")) if folder.is_dir() else []
