"""The files of `input/` and `output/rejects/`, and what lies about and nobody knows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from snapshotter.checking.digests import Expected
from snapshotter.checking.findings import Findings
from snapshotter.errors import SnapshotterError
from snapshotter.forgotten import behind
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import Status
from snapshotter.ledger.state import State
from snapshotter.recovery import Plan

_ARCHIVED = "get it again from its source; what is published does not need it, `rebuild` and `clean --requeue` do"
_REJECTS = (
    "if you are mending it, nothing; else remove it and drop the file that it is from again, which is "
    "input/{archived}, to have it anew"
)


def expected_archive(
    findings: Findings, ledger: Ledger, state: State, plan: Plan, *, quick: bool
) -> Iterator[Expected]:
    """The archived file of every batch, with the bytes that were recorded."""
    last: dict[str, str] = {}
    pruned = {archived for _, archived in behind(ledger.commits, state, state.horizon)}
    for _, record in state.files:
        batch = state.batches.get(record.batch) if record.batch is not None else None
        path = batch.archived if batch else record.archived
        if not record.sha256 or path.startswith("processing/"):
            continue
        if quick and (batch is None or batch.status is not Status.APPLIED):
            continue
        if path.startswith("rejected/") and not (findings.layout.input / path).exists():
            continue  # a refused or withdrawn file that was taken away to be mended, or dropped again
        if path in pruned and not (findings.layout.input / path).exists():
            continue
        last[path] = record.sha256
    if not quick:
        last = _copies(findings.layout, state) | last
    for move in plan.moves:  # on its way
        last.pop(move.target, None)
    for path, sha256 in last.items():
        findings.checked["files"] += 1
        yield Expected(findings, "archive", findings.layout.input / path, sha256, _ARCHIVED)


def _copies(layout: Layout, state: State) -> dict[str, str]:
    """Files that came to the archive, did not leave it, and are no batch's any more, with their digests.

    Of a file that is dropped again beside its former self, the batches have the newer one.
    """
    came = [(at, 1, record.archived, record.sha256) for at, record in state.files if record.sha256]
    for commit in state.snapshots.values():
        came += [(commit.at, 2, move.source, "") for move in commit.moves]
        came += [(commit.at, 3, move.target, move.sha256) for move in commit.moves]
    found = {path: sha256 for _, _, path, sha256 in sorted(came, key=lambda event: event[:2])}
    return {
        path: sha256
        for path, sha256 in found.items()
        if sha256 and path.startswith("processed/") and (layout.input / path).is_file()
    }


def expected_rejects(findings: Findings, state: State) -> Iterator[Expected]:
    """The files of refused rows as they were written; those that were taken away are being mended."""
    last: dict[Path, Expected] = {}
    for _, record in state.files:
        if record.rejects and record.rejects_sha256:
            batch = state.batches.get(record.batch) if record.batch is not None else None
            path = findings.layout.rejects(findings.dataset) / record.rejects
            remedy = _REJECTS.format(archived=(batch.archived if batch else record.archived))
            last[path] = Expected(findings, "rejects", path, record.rejects_sha256, remedy)
    for path, expected in last.items():
        if path.exists():
            findings.checked["rejects"] += 1
            yield expected


def unknown_files(layout: Layout) -> list[str]:
    """What lies in `input/processed/` and `output/` and no ledger knows; nothing, if a ledger cannot be read."""
    root = layout.output / "ledger"
    names = [entry.name for entry in root.iterdir() if entry.is_dir()] if root.is_dir() else []
    known: set[Path] = set()
    for name in names:
        ledger = Ledger(layout.ledger(name), name)
        try:
            state = ledger.open()
        except SnapshotterError:
            return []
        known |= _known(layout, name, ledger, state)
    found = [*_files(layout.processed), *_files(layout.output)]
    return [path.relative_to(layout.root).as_posix() for path in found if path not in known]


def _known(layout: Layout, dataset: str, ledger: Ledger, state: State) -> set[Path]:
    known = {layout.latest(dataset), *ledger.root.glob("_*")}
    known |= {layout.input / path for path in state.archived()}
    known |= {layout.input / record.archived for _, record in state.files}
    known |= {layout.rejects(dataset) / record.rejects for _, record in state.files if record.rejects}
    known |= {ledger.root / path for path in ledger.all_parts()}
    return known.union(*(_files(folder) for folder in ledger.root.glob("_*")))


def _files(folder: Path) -> list[Path]:
    """The files under a folder, hidden ones and those in hidden folders left out; what vanishes meanwhile, too."""
    found = []
    for inside, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(inside) / name for name in names if not name.startswith(".")]
    return sorted(found)
