"""`check --repair`: what can be derived again is; the caller holds the writer's lock."""

from __future__ import annotations

from collections.abc import Iterable

from snapshotter.checking.entries import NOTE
from snapshotter.dataset import Dataset
from snapshotter.disk import remove_tree
from snapshotter.errors import SnapshotterError
from snapshotter.indexing import unsound
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.acknowledged import is_as_written
from snapshotter.leftovers import compare_view
from snapshotter.recovery import Found
from snapshotter.results import CheckResult, Problem


def mend_notes(layout: Layout, datasets: Iterable[str]) -> list[str]:
    """Write notes of the newest entry that cannot be read anew, each in place of the wrong one.

    Such a note is there to tell that the newest entry was lost. So it is only replaced where nothing speaks for that:
    the log is whole, latest.csv is the snapshot that is its newest, and no Parquet file is without an entry. Where
    there is none, nothing was acknowledged, and there is nothing to mend.

    Args:
        layout: the workspace.
        datasets: their names.

    Returns:
        What was mended, in words.
    """
    mended = []
    for name in datasets:
        try:
            content = (layout.ledger(name) / NOTE).read_bytes()
        except OSError:  # there is none, or the check says why it cannot be read
            continue
        ledger = Ledger(layout.ledger(name), name)
        if not is_as_written(content) and _is_whole(layout, ledger):
            ledger.note_again()
            mended.append(f"{name}: {NOTE} was written anew")
    return mended


def _is_whole(layout: Layout, ledger: Ledger) -> bool:
    """Whether a ledger opens without its note, and nothing tells of an entry behind its newest."""
    try:
        state = ledger.open(unnoted=True)
    except SnapshotterError:
        return False
    named = ledger.all_parts()
    if not ledger.commits or any(path.name not in named for path in ledger.root.glob("*.parquet")):
        return False  # a note is only written behind a commit
    view, latest = state.current.view if state.current else None, layout.latest(ledger.dataset)
    return not latest.exists() if view is None else compare_view(latest, view) is Found.SAME


def mend(found: CheckResult, datasets: Iterable[Dataset]) -> tuple[list[str], list[Problem]]:
    """Render again each `latest.csv` that is not its snapshot, and make anew what is derived of the log.

    The rest that can be mended, a recovery mended.

    Args:
        found: by a check under the same lock.
        datasets: those that could be opened, after their recovery.

    Returns:
        What was mended, in words, and why the rest could not be.
    """
    mended, failed = [], []
    for dataset in datasets:
        wrong = {p.what for p in found.problems if p.dataset == dataset.name and p.repairable}
        try:
            if "ledger" in wrong:
                dataset.ledger.renew()
                mended.append(f"{dataset.name}: checkpoint and history of the ledger's log were written anew")
            if "view" in wrong:
                for path in unsound(dataset.ledger.root):
                    remove_tree(path)
                dataset.render_current()
                mended.append(f"{dataset.name}: latest.csv was rendered again from the ledger")
        except SnapshotterError as error:
            failed.append(not_mended(dataset.name, error))
    return mended, failed


def not_mended(dataset: str, error: SnapshotterError) -> Problem:
    """Why a repair failed."""
    path, problem = f"output/ledger/{dataset}", error.message.removesuffix("; nothing was changed")
    return Problem(dataset=dataset, what="recovery", path=path, problem=problem, remedy=error.remedy)
