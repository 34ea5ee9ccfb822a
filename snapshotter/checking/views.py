"""The views: `latest.csv` is the current snapshot, and the ledger still gives what was published."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from snapshotter.archive import digest
from snapshotter.checking.digests import Expected
from snapshotter.checking.findings import BACKUP, Findings
from snapshotter.dataset import stored_contract
from snapshotter.engine import open_engine
from snapshotter.errors import SnapshotterError
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import Commit, ViewRecord
from snapshotter.ledger.state import State
from snapshotter.resolution import resolve

MENDED = "`check --repair` renders it again from the ledger"


def expected_view(findings: Findings, state: State) -> Iterator[Expected]:
    """`latest.csv`, with the digest of the current snapshot."""
    if state.current is not None and state.current.view is not None:
        path = findings.layout.latest(findings.dataset)
        yield Expected(findings, "view", path, state.current.view.sha256, MENDED, mendable=True)


def check_views(findings: Findings, ledger: Ledger, state: State, *, quick: bool, every: bool) -> None:
    """Rendering snapshots from the ledger gives the bytes that were recorded.

    Args:
        findings: where a problem goes.
        ledger: of the dataset, open.
        state: of the ledger.
        quick: only the current snapshot.
        every: each snapshot that can be restored; otherwise the current one, the oldest and one between.
    """
    numbers = sorted(ledger.restorable())
    if not numbers:
        return
    some = {numbers[-1]} if quick else {numbers[0], numbers[len(numbers) // 2], numbers[-1]}
    for number in numbers if every else sorted(some):
        commit = state.snapshots[number]
        if commit.view is None:
            continue
        findings.checked["views"] += 1
        problem = _problem(findings, ledger, number, commit, commit.view)
        if problem:
            findings.found("view", ledger.root, problem, BACKUP + "; what is published stays as it is")


def _problem(findings: Findings, ledger: Ledger, number: int, commit: Commit, view: ViewRecord) -> str:
    try:
        found = _rendered(findings, ledger, number, commit)
    except SnapshotterError as error:
        return f"snapshot {number} cannot be rendered: {error.message}"
    if found != (view.sha256, view.rows):
        return f"rendering snapshot {number} gives other bytes than were published"
    return ""


def _rendered(findings: Findings, ledger: Ledger, number: int, commit: Commit) -> tuple[str, int]:
    contract = stored_contract(findings.dataset, commit)
    resolution = resolve(contract, ledger.at(number), ledger.root)
    limit = findings.settings.memory_limit
    with tempfile.TemporaryDirectory(prefix="snapshotter-") as folder:
        path = Path(folder) / "latest.csv"
        with open_engine(Path(folder), findings.layout.output, limit, findings.dataset) as engine:
            engine.merge(resolution.frame, resolution.batches, resolution.stored)
            rows = engine.publish(contract, resolution.columns, resolution.frame.key, path)
        return digest(path), rows
