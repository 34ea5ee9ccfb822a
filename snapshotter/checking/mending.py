"""`check --repair`: what can be derived again is; the caller holds the writer's lock."""

from __future__ import annotations

from collections.abc import Iterable

from snapshotter import disk
from snapshotter.checking.entries import NOTE
from snapshotter.dataset import Dataset
from snapshotter.errors import SnapshotterError
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.acknowledged import is_as_written
from snapshotter.leftovers import compare_view
from snapshotter.recovery import Found
from snapshotter.results import CheckResult


def mend_notes(layout: Layout, datasets: Iterable[str]) -> list[str]:
    """Take away notes of the newest entry that cannot be read; a recovery writes them anew.

    Such a note is there to tell that the newest entry was lost. So it only goes where nothing speaks for that: the
    log is whole, latest.csv is the snapshot that is its newest, and no Parquet file is without an entry.

    Args:
        layout: the workspace.
        datasets: their names.

    Returns:
        What was mended, in words.
    """
    mended = []
    for name in datasets:
        path = layout.ledger(name) / NOTE
        content = path.read_bytes() if path.is_file() else b"{}"
        if is_as_written(content):
            continue
        disk.remove(path)
        if _is_whole(layout, name):
            mended.append(f"{name}: {NOTE} was written anew")
        else:
            disk.replace(path, content)
    return mended


def _is_whole(layout: Layout, name: str) -> bool:
    """Whether a ledger opens without its note, and nothing tells of an entry behind its newest."""
    ledger = Ledger(layout.ledger(name), name)
    try:
        state = ledger.open()
    except SnapshotterError:
        return False
    named = ledger.all_parts()
    if any(path.name not in named for path in ledger.root.glob("*.parquet")):
        return False
    view = state.current.view if state.current else None
    return view is None or compare_view(layout.latest(name), view) is Found.SAME


def mend(found: CheckResult, datasets: Iterable[Dataset]) -> list[str]:
    """Render again each `latest.csv` that is not its snapshot, and make anew what is derived of the log.

    The rest that can be mended, a recovery mended.

    Args:
        found: by a check under the same lock.
        datasets: those that could be opened, after their recovery.

    Returns:
        What was mended, in words.
    """
    mended = []
    for dataset in datasets:
        if any(p.dataset == dataset.name and p.what == "ledger" and p.repairable for p in found.problems):
            dataset.ledger.renew()
            mended.append(f"{dataset.name}: checkpoint and history of the ledger's log were written anew")
        wrong = [p for p in found.problems if p.dataset == dataset.name and p.what == "view" and p.repairable]
        current = dataset.state.current
        if not wrong or current is None or current.view is None:
            continue
        try:
            dataset.render_current()
        except SnapshotterError:
            continue  # the next check says what is wrong with the ledger
        mended.append(f"{dataset.name}: latest.csv was rendered again from the ledger")
    return mended
