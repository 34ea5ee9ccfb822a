"""The Parquet files: that they are there, and that each holds the rows of its batches, no more and no fewer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from snapshotter.checking.digests import Expected
from snapshotter.checking.findings import BACKUP, Findings
from snapshotter.engine.port import Engine
from snapshotter.errors import LedgerDamaged
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import PartRecord
from snapshotter.ledger.state import State

_LIVE = BACKUP + ", or start again with `clean --requeue`; what is published stays as it is"
_OLD = "the current snapshot does not need it; to have older ones back, " + BACKUP


def expected_parts(findings: Findings, ledger: Ledger, state: State, *, quick: bool) -> Iterator[Expected]:
    """The Parquet files that must be there, with their digests."""
    parts = state.parts if quick else ledger.all_parts()
    for part in parts.values():
        findings.checked["parts"] += 1
        remedy = _LIVE if part.path in state.parts else _OLD
        yield Expected(findings, "part", ledger.root / part.path, part.sha256, remedy)


def check_rows(findings: Findings, ledger: Ledger, state: State, engine: Engine, *, quick: bool) -> None:
    """Batch by batch, each Parquet file holds as many rows as were accepted, under the name that was recorded."""
    parts = state.parts if quick else ledger.all_parts()
    there = [part for part in parts.values() if (ledger.root / part.path).exists()]
    try:
        tallies = engine.tally([ledger.root / part.path for part in there])
    except LedgerDamaged as error:
        findings.found("part", ledger.root, error.message, _LIVE)
        return
    for part, tally in zip(there, tallies, strict=True):
        if sum(rows for *_, rows in tally) != part.rows or not _is_whole(part, tally, state):
            problem = "it does not hold the rows that were accepted of its batches"
            findings.found("counts", ledger.root / part.path, problem, _LIVE)


def _is_whole(part: PartRecord, found: Sequence[tuple[int, str, int, int]], state: State) -> bool:
    """Whether the rows are those of the batches; of one behind the horizon some may be pruned, even all."""
    tally = {number: (name, revision, rows) for number, name, revision, rows in found}
    if len(tally) < len(found) or not tally.keys() <= set(part.batches):
        return False
    for number in part.batches:
        batch = state.batches[number]
        name, revision, rows = tally.get(number, (batch.record.name, batch.record.revision, 0))
        is_enough = rows <= batch.record.accepted if state.is_behind_horizon(batch) else rows == batch.record.accepted
        if (name, revision) != (batch.record.name, batch.record.revision) or not is_enough:
            return False
    return True
