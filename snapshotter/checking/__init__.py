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
from snapshotter.checking.mending import mend, mend_notes
from snapshotter.checking.rows import check_rows, expected_parts
from snapshotter.checking.views import check_views, expected_view
from snapshotter.config import Settings
from snapshotter.engine import open_engine
from snapshotter.errors import SnapshotterError
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.state import State
from snapshotter.lock import is_held
from snapshotter.recovery import ViewStep
from snapshotter.results import CheckResult
from snapshotter.steady import ATTEMPTS, marks

__all__ = ["Progress", "Scope", "check", "mend", "mend_notes"]


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
    for attempt in range(ATTEMPTS):
        before = [marks(layout, name) for name in datasets]
        is_last = attempt == ATTEMPTS - 1
        try:
            result = _check(layout, settings, datasets, scope, progress)
        except (SnapshotterError, OSError):
            if is_last or before == [marks(layout, name) for name in datasets]:
                raise
        else:  # what seems to be wrong may have been right when the ledger was read
            if result.ok or is_last or before == [marks(layout, name) for name in datasets]:
                return result
    raise AssertionError("the last attempt returns or raises")


def _check(
    layout: Layout, settings: Settings, datasets: Sequence[str], scope: Scope, progress: Progress
) -> CheckResult:
    found = [Findings(layout, settings, name) for name in datasets]
    opened = [(findings, *open_) for findings in found if (open_ := _open(findings)) is not None]
    busy = not scope.alone and is_held(layout)
    expected: list[Expected] = []
    for findings, ledger, state in opened:
        expected += _expected(findings, ledger, state, quick=scope.quick, busy=busy)
    compare(expected, progress)
    for findings, ledger, state in opened:
        if findings.sound:
            _compute(findings, ledger, state, scope)
        check_counts(findings, state)
    notes = [note for findings in found for note in findings.notes]
    if not scope.quick and set(settings.datasets) <= set(datasets):
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
        open_engine(Path(folder), findings.layout.output, limit, findings.dataset) as engine,
    ):
        check_rows(findings, ledger, state, engine, quick=scope.quick)
        check_views(findings, ledger, state, engine, Path(folder), quick=scope.quick, every=scope.every)


def _open(findings: Findings) -> tuple[Ledger, State] | None:
    """A dataset's ledger, if there is one and it can be opened."""
    ledger = Ledger(findings.layout.ledger(findings.dataset), findings.dataset)
    check_note(findings, ledger)
    try:
        state = ledger.open()
    except (KeyError, IndexError, ValueError):  # of an entry that still parses, and says what it did not say
        if not findings.problems:
            findings.found("ledger", ledger.root, "the entries of its log contradict each other", REMEDY)
        return None
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
        *([] if quick else expected_derived(findings, ledger)),
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
