"""The counts: what was recorded of each file, each run and each snapshot adds up."""

from __future__ import annotations

from snapshotter.checking.findings import BACKUP, Findings
from snapshotter.ledger.records import Commit, Status
from snapshotter.ledger.state import State

_REMEDY = BACKUP + ", or please report it: a check of what was just written should never say this"


def check_counts(findings: Findings, state: State) -> None:
    """The counts of every run add up, and so do the rows from snapshot to snapshot."""
    before = 0
    for number, commit in sorted(state.snapshots.items()):
        rows = commit.view.rows if commit.view else 0
        if not _adds_up(commit, before, rows):
            findings.found("counts", f"snapshot {number}", "its counts do not add up", _REMEDY)
        before = rows
    for _, record in state.files:
        if record.read != record.accepted + record.rejected:
            problem = f"{record.read} records were read, {record.accepted} accepted and {record.rejected} refused"
            findings.found("counts", record.name, problem, _REMEDY)
    stored = sum(part.rows for part in state.parts.values())
    accepted = sum(batch.record.accepted for batch in state.live)
    # Of rows behind the horizon, those that can no longer matter are pruned.
    if stored > accepted or (stored < accepted and state.horizon == 1):
        problem = f"the ledger holds {stored} rows, but {accepted} were accepted"
        findings.found("counts", "the ledger", problem, _REMEDY)


def _adds_up(commit: Commit, before: int, rows: int) -> bool:
    c = commit.counts
    if c.read != c.accepted + c.rejected:
        return False
    if c.accepted != c.inserted + c.updated + c.unchanged + c.superseded + c.deleted:
        return False
    new = [record for record in commit.files if record.status is Status.APPLIED and record.batch is not None]
    if commit.kind in ("run", "rebuild") and c.read != sum(record.read for record in new):
        return False
    if commit.kind == "rebuild":  # counts as a run on an empty ledger
        return rows == c.inserted - c.deleted
    if commit.kind == "run" and not commit.dropped and not any(record.replaces for record in commit.files):
        return rows == before + c.inserted - c.deleted
    return True
