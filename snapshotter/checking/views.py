"""The views: `latest.csv` is the current snapshot, and the ledger still gives what was published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from snapshotter import indexing
from snapshotter.archive import digest
from snapshotter.checking.digests import Expected
from snapshotter.checking.findings import BACKUP, Findings
from snapshotter.engine.port import Engine
from snapshotter.errors import SnapshotterError
from snapshotter.ledger import Ledger
from snapshotter.ledger.contracts import stored_contract
from snapshotter.ledger.state import State
from snapshotter.resolution import resolve

MENDED = "`check --repair` renders it again from the ledger"


def expected_view(findings: Findings, state: State) -> Iterator[Expected]:
    """`latest.csv`, with the digest of the current snapshot."""
    if state.current is not None and state.current.view is not None:
        path = findings.layout.latest(findings.dataset)
        yield Expected(findings, "view", path, state.current.view.sha256, MENDED, mendable=True)


def check_index(findings: Findings, ledger: Ledger) -> None:
    """The index of the view is what was written; it is believed by no run otherwise."""
    for path in indexing.unsound(ledger.root):
        findings.found("view", path, "the index of latest.csv is not what was written", MENDED, mendable=True)


def check_views(  # noqa: PLR0913 - what to check, with what, and how much of it
    findings: Findings, ledger: Ledger, state: State, engine: Engine, scratch: Path, *, quick: bool, every: bool
) -> None:
    """Rendering snapshots from the ledger gives the bytes that were recorded.

    Args:
        findings: where a problem goes.
        ledger: of the dataset, open.
        state: of the ledger.
        engine: one of its own, since it holds what it rendered last.
        scratch: a folder for a view, which the engine may write to.
        quick: only the current snapshot.
        every: each snapshot that can be restored; otherwise the current one, the oldest and one between.
    """
    numbers = sorted(ledger.restorable())
    if not numbers:
        return
    some = {numbers[-1]} if quick else {numbers[0], numbers[len(numbers) // 2], numbers[-1]}
    for number in numbers if every else sorted(some):
        view = state.snapshots[number].view
        if view is None:
            continue
        findings.checked["views"] += 1
        try:
            found = _rendered(ledger, number, engine, scratch / "latest.csv")
        except SnapshotterError as error:
            problem = f"snapshot {number} cannot be rendered: {error.message}"
        else:
            problem = f"rendering snapshot {number} gives other bytes than were published"
            if found == (view.sha256, view.rows):
                continue
        findings.found("view", ledger.root, problem, BACKUP + "; what is published stays as it is")


def _rendered(ledger: Ledger, number: int, engine: Engine, path: Path) -> tuple[str, int]:
    """The digest of a snapshot's view, and its rows."""
    state = ledger.at(number)
    contract = stored_contract(ledger.dataset, state.snapshots[number])
    resolution = resolve(contract, state, ledger.root)
    engine.merge(resolution.frame, resolution.batches, resolution.stored)
    rows = engine.publish(contract, resolution.columns, resolution.frame.key, path)
    return digest(path), rows
