"""`check`: everything against everything. It only reads, and it trusts nothing that it can compute.

log -> notes and leftovers -> digests of all files (one pass) -> rows, deltalake, views -> counts
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from snapshotter import leftovers
from snapshotter.checking.counts import check_counts
from snapshotter.checking.digests import Expected, Progress, compare
from snapshotter.checking.entries import REMEDY, check_against_delta, check_note, expected_derived
from snapshotter.checking.files import expected_archive, expected_rejects, unknown_files
from snapshotter.checking.findings import Findings
from snapshotter.checking.mending import mend, mend_notes, not_mended
from snapshotter.checking.rows import check_rows, expected_parts
from snapshotter.checking.views import check_index, check_views, expected_view
from snapshotter.config import Settings
from snapshotter.engine import open_engine
from snapshotter.errors import SnapshotterError
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.state import State
from snapshotter.lock import is_held
from snapshotter.recovery import ViewStep
from snapshotter.results import CheckResult
from snapshotter.steady import marks

__all__ = ["Progress", "Scope", "check", "mend", "mend_notes", "not_mended"]

_ATTEMPTS = 4  # behind the first only what seemed to be wrong is looked at


@dataclass(frozen=True)
class Scope:
    """How much is checked.

    Args:
        quick: only the current snapshot: its files, its view, the files of its batches.
        every: render each restorable snapshot, and not only the newest, the oldest and one between.
        alone: whether the caller holds the writer's lock; otherwise a writer may be at work beside it.
    """

    quick: bool = False
    every: bool = False
    alone: bool = False


def check(layout: Layout, settings: Settings, datasets: Sequence[str], scope: Scope, progress: Progress) -> CheckResult:
    """Verify datasets.

    Args:
        layout: the workspace.
        settings: the workspace's.
        datasets: their names.
        scope: how much.
        progress: called with the bytes that were read, and with all there are to read.
    """
    found = [Findings(layout, settings, name) for name in datasets]
    doubted = list(range(len(found)))
    for attempt in range(_ATTEMPTS):
        before = {n: marks(layout, found[n].dataset) for n in doubted}
        looked = {n: Findings(layout, settings, found[n].dataset, found[n] if attempt else None) for n in doubted}
        try:
            _look(layout, list(looked.values()), scope, progress)
        except (SnapshotterError, OSError):
            if attempt == _ATTEMPTS - 1 or all(marks(layout, found[n].dataset) == before[n] for n in doubted):
                raise
            continue
        for n, findings in looked.items():
            findings.checked = {what: max(found[n].checked[what], count) for what, count in findings.checked.items()}
            found[n] = findings
        # What seems to be wrong may have been right when the ledger was read.
        doubted = [n for n in doubted if found[n].problems and marks(layout, found[n].dataset) != before[n]]
        if not doubted:
            break
    for n in doubted:
        found[n].give_up()
    return _result(layout, settings, found, quick=scope.quick)


def _look(layout: Layout, found: Sequence[Findings], scope: Scope, progress: Progress) -> None:
    """One look at each dataset."""
    opened = [(findings, *open_) for findings in found if (open_ := _open(findings)) is not None]
    busy = not scope.alone and is_held(layout)
    expected: list[Expected] = []
    for findings, ledger, state in opened:
        expected += _expected(findings, ledger, state, quick=scope.quick, busy=busy)
    compare([one for one in expected if one.findings.looks_at(one.path)], progress)
    for findings, ledger, state in opened:
        if findings.sound and not findings.is_computed:
            _compute(findings, ledger, state, scope)
            findings.is_computed = True
        check_counts(findings, state)
        check_index(findings, ledger)
        findings.settle([ledger.root / path for path in state.parts])


def _result(layout: Layout, settings: Settings, found: Sequence[Findings], *, quick: bool) -> CheckResult:
    notes = list(dict.fromkeys(note for findings in found for note in findings.notes))
    if not quick and set(settings.datasets) <= {findings.dataset for findings in found}:
        notes += [f"{path}: nobody knows it; it was left alone" for path in unknown_files(layout)]
    return CheckResult(
        checked={what: sum(findings.checked[what] for findings in found) for what in found[0].checked} if found else {},
        problems=[problem for findings in found for problem in findings.problems],
        notes=notes,
    )


def _compute(findings: Findings, ledger: Ledger, state: State, scope: Scope) -> None:
    """What is computed from a ledger whose bytes are right."""
    check_against_delta(findings, ledger, state)
    limit = findings.settings.memory_limit
    with (
        tempfile.TemporaryDirectory(prefix="snapshotter-") as folder,
        open_engine(Path(folder), [findings.layout.output], limit, findings.dataset) as engine,
    ):
        check_rows(findings, ledger, state, engine, quick=scope.quick)
        check_views(findings, ledger, state, engine, Path(folder), quick=scope.quick, every=scope.every)


def _open(findings: Findings) -> tuple[Ledger, State] | None:
    """A dataset's ledger, if there is one and it can be opened."""
    ledger = Ledger(findings.layout.ledger(findings.dataset), findings.dataset)
    check_note(findings, ledger)
    try:
        state = ledger.open()
    except SnapshotterError as error:
        if not findings.problems:
            findings.found("ledger", ledger.root, error.message.removesuffix("; nothing was changed"), REMEDY)
        return None
    if not ledger.exists() or not findings.sound:
        return None
    findings.checked["commits"] = state.version + 1
    return ledger, state


def _expected(findings: Findings, ledger: Ledger, state: State, *, quick: bool, busy: bool) -> list[Expected]:
    """Every file that must be there; what the last process left undone is a problem, or the business of a writer."""
    plan = leftovers.find(findings.layout, findings.dataset, ledger, state)
    undone = plan.moves or plan.rest.rejects or plan.rest.torn is not None or plan.rest.unfinished
    expected = [
        *expected_derived(findings, ledger),
        *expected_parts(findings, ledger, state, quick=quick),
        *expected_archive(findings, ledger, state, plan, quick=quick),
        *expected_rejects(findings, state),
    ]
    if busy and (undone or plan.view is not ViewStep.NOTHING):
        findings.notes.append(f"{findings.dataset}: a writer is at work; latest.csv was not looked at")
        return expected
    for said in plan.sentences():
        if undone and not said.startswith("latest.csv"):
            remedy = "the next run does it, and so does `check --repair`"
            findings.found("recovery", ledger.root, said, remedy, mendable=True)
        elif not undone and plan.view is ViewStep.NOTHING:
            findings.notes.append(f"{findings.dataset}: {said}")
    return [*expected, *expected_view(findings, state)]
