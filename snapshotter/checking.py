"""`check`: everything against everything. It only reads, and it trusts nothing that it can compute."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from snapshotter.archive import digest
from snapshotter.config import Settings
from snapshotter.dataset import stored_contract
from snapshotter.engine import open_engine
from snapshotter.errors import SnapshotterError
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import Commit, PartRecord, Status
from snapshotter.ledger.state import State
from snapshotter.resolution import resolve
from snapshotter.results import CheckResult, Problem

What = Literal["ledger", "part", "view", "archive", "rejects", "counts"]


class _Check:
    """The findings about one dataset."""

    def __init__(self, layout: Layout, settings: Settings, dataset: str) -> None:
        self.layout, self.settings, self.dataset = layout, settings, dataset
        self.problems: list[Problem] = []
        self.checked = {"commits": 0, "parts": 0, "views": 0, "files": 0, "rejects": 0}

    def found(self, what: What, path: Path | str, problem: str) -> None:
        inside = path.relative_to(self.layout.root).as_posix() if isinstance(path, Path) else path
        self.problems.append(Problem(dataset=self.dataset, what=what, path=inside, problem=problem))

    def compare(self, what: What, path: Path, sha256: str) -> bool:
        """Compare a file with its recorded digest."""
        try:
            same = digest(path) == sha256
        except OSError as error:
            self.found(what, path, f"cannot be read: {error.strerror}")
            return False
        if not same:
            self.found(what, path, "its bytes are not those that were recorded")
        return same


def check(layout: Layout, settings: Settings, datasets: list[str], *, quick: bool) -> CheckResult:
    """Verify datasets.

    Args:
        layout: the workspace.
        settings: the workspace's.
        datasets: their names.
        quick: only the current snapshot: its files, its view, the files of its batches.
    """
    problems: list[Problem] = []
    checked: dict[str, int] = {}
    for name in datasets:
        one = _Check(layout, settings, name)
        _check_dataset(one, quick=quick)
        problems += one.problems
        checked = {what: checked.get(what, 0) + count for what, count in one.checked.items()}
    return CheckResult(checked=checked, problems=problems)


def _check_dataset(check: _Check, *, quick: bool) -> None:
    ledger = Ledger(check.layout.ledger(check.dataset), check.dataset)
    try:
        state = ledger.open()
    except SnapshotterError as error:
        check.found("ledger", ledger.root, error.message)
        return
    if not ledger.exists():
        return
    check.checked["commits"] = state.version + 1
    _check_parts(check, ledger, state, quick=quick)
    if not check.problems:
        _check_against_delta(check, ledger, state)
        _check_views(check, ledger, state, quick=quick)
    _check_counts(check, state)
    _check_archive(check, state, quick=quick)
    _check_rejects(check, state)


def _check_parts(check: _Check, ledger: Ledger, state: State, *, quick: bool) -> None:
    """Every Parquet file has the bytes that were recorded."""
    parts: dict[str, PartRecord] = state.parts if quick else ledger.all_parts()
    for part in parts.values():
        check.checked["parts"] += 1
        check.compare("part", ledger.root / part.path, part.sha256)


def _check_against_delta(check: _Check, ledger: Ledger, state: State) -> None:
    """deltalake, which knows nothing of our fold, finds the same version, files and rows."""
    from deltalake import DeltaTable

    table = DeltaTable(str(ledger.root))
    actions = table.get_add_actions(flatten=True)
    rows = dict(zip(actions["path"].to_pylist(), actions["num_records"].to_pylist(), strict=True))
    if table.version() != state.version or rows != {part.path: part.rows for part in state.parts.values()}:
        check.found("ledger", ledger.root, "deltalake reads another version, or other files, from its log")


def _check_views(check: _Check, ledger: Ledger, state: State, *, quick: bool) -> None:
    """`latest.csv` is the current snapshot, and rendering snapshots from the ledger gives their recorded bytes."""
    current = state.current
    if current is None or current.view is None:
        return
    check.compare("view", check.layout.latest(check.dataset), current.view.sha256)
    restorable = sorted(ledger.restorable())
    for number in {restorable[-1]} if quick else {restorable[0], restorable[len(restorable) // 2], restorable[-1]}:
        check.checked["views"] += 1
        commit = state.snapshots[number]
        if commit.view is None or _rendered(check, ledger, number, commit) != commit.view.sha256:
            check.found("view", ledger.root, f"rendering snapshot {number} gives other bytes than were published")


def _rendered(check: _Check, ledger: Ledger, number: int, commit: Commit) -> str:
    contract = stored_contract(check.dataset, commit)
    resolution = resolve(contract, ledger.at(number), ledger.root)
    with tempfile.TemporaryDirectory(prefix="snapshotter-") as folder:
        scratch = Path(folder)
        with open_engine(scratch, check.layout.output, check.settings.memory_limit, check.dataset) as engine:
            engine.merge(resolution.frame, resolution.batches, resolution.stored)
            engine.publish(contract, resolution.columns, resolution.frame.key, scratch / "latest.csv")
        return digest(scratch / "latest.csv")


def _check_counts(check: _Check, state: State) -> None:
    """The counts of every run add up, and so do the rows from snapshot to snapshot."""
    before = 0
    for number, commit in sorted(state.snapshots.items()):
        c, rows = commit.counts, commit.view.rows if commit.view else 0
        adds_up = c.read == c.accepted + c.rejected
        adds_up &= c.accepted == c.inserted + c.updated + c.unchanged + c.superseded + c.deleted
        if commit.kind == "rebuild":  # counts as a run on an empty ledger
            adds_up &= rows == c.inserted - c.deleted
        elif commit.kind == "run" and not commit.dropped and not any(record.replaces for record in commit.files):
            adds_up &= rows == before + c.inserted - c.deleted
        if not adds_up:
            check.found("counts", f"snapshot {number}", "its counts do not add up")
        before = rows
    stored = sum(part.rows for part in state.parts.values())
    accepted = sum(batch.record.accepted for batch in state.live)
    # Of rows behind the horizon, those that can no longer matter are pruned.
    if stored > accepted or (stored < accepted and state.horizon == 1):
        check.found("counts", "the ledger", f"it holds {stored} rows, but {accepted} were accepted")


def _check_archive(check: _Check, state: State, *, quick: bool) -> None:
    """The archived file of every batch is there, with the bytes that were recorded."""
    last: dict[str, str] = {}
    forgotten = {batch.archived for batch in state.batches.values() if state.is_behind_horizon(batch)}
    forgotten |= {record.archived for _, record in state.files if record.batch is None} if state.horizon > 1 else set()
    for _, record in state.files:
        batch = state.batches.get(record.batch) if record.batch is not None else None
        path = batch.archived if batch else record.archived
        if not record.sha256 or path.startswith("processing/"):
            continue
        if quick and (batch is None or batch.status is not Status.APPLIED):
            continue
        if path.startswith("rejected/") and not (check.layout.input / path).exists():
            continue  # a refused or withdrawn file that was taken away to be mended, or dropped again
        if path in forgotten and not (check.layout.input / path).exists():
            continue
        last[path] = record.sha256
    for path, sha256 in last.items():
        check.checked["files"] += 1
        check.compare("archive", check.layout.input / path, sha256)


def _check_rejects(check: _Check, state: State) -> None:
    """The files of refused rows, unless they were taken away to be mended, are as they were written."""
    for _, record in state.files:
        path = check.layout.rejects(check.dataset) / (record.rejects or "")
        if record.rejects and record.rejects_sha256 and path.exists():
            check.checked["rejects"] += 1
            check.compare("rejects", path, record.rejects_sha256)
