"""Upkeep of a ledger that is written to often: many small Parquet files become few, and its log stays short.

Nothing that counts changes, and every snapshot stays restorable: it is found again by its batches. What is worth
doing is a pure function of the files that are there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from snapshotter.engine import Engine
from snapshotter.errors import LedgerDamaged
from snapshotter.ledger import Ledger
from snapshotter.ledger.holdings import Holdings
from snapshotter.ledger.records import Commit, PartRecord
from snapshotter.ledger.state import State

TOGETHER = 8  # files of about one size that become one: a row is written anew once each time its file grows so much
LARGEST = 32 * 2**20  # bytes; larger files are left alone: they are few, and to write them anew takes long
ENTRIES = 100  # of the log that are moved into the history at once
STAYING = 10  # entries of the log that always stay: other processes know by them that it is still the same log
_SMALLEST = 16 * 2**10  # bytes; all below are of one size


@dataclass(frozen=True)
class Work:
    """What is worth doing.

    Args:
        live: groups of Parquet files of the table that become one each.
        shelved: the same of those beside the table.
        shed: whether entries leave the log.
    """

    live: tuple[tuple[PartRecord, ...], ...] = ()
    shelved: tuple[tuple[PartRecord, ...], ...] = ()
    shed: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.live or self.shelved or self.shed)


def plan(state: State, known: Iterable[PartRecord], entries: int) -> Work:
    """Decide what is worth doing.

    Args:
        state: the current one.
        known: all Parquet files that are there.
        entries: the number of entries in the log.
    """
    live = tuple(state.parts.values())
    shelved = tuple(part for part in known if part.path not in state.parts)
    return Work(_groups(live), _groups(shelved), entries >= ENTRIES + STAYING)


def _groups(parts: Sequence[PartRecord]) -> tuple[tuple[PartRecord, ...], ...]:
    """Files of about one size, where there are enough of them."""
    by_size: dict[int, list[PartRecord]] = {}
    for part in parts:
        if part.size <= LARGEST:
            by_size.setdefault(int(math.log(max(part.size / _SMALLEST, 1), TOGETHER)), []).append(part)
    return tuple(tuple(group) for group in by_size.values() if len(group) >= TOGETHER)


def carry_out(work: Work, ledger: Ledger, state: State, engine: Engine, at: datetime) -> State:
    """Do it, under the writer's lock, when all else is finished.

    Args:
        work: from `plan`.
        ledger: of the dataset.
        state: the current one.
        engine: of the dataset.
        at: the time of the run.

    Returns:
        The state, with other Parquet files.

    Raises:
        LedgerDamaged: a Parquet file does not have the rows that were recorded; nothing was removed.
        NotWritten: the system refused; nothing counts less than before.
    """
    if work.live or work.shelved:
        parts = tuple(_combined(group, ledger, engine) for group in work.live)
        shelved, forgotten = _shelve_together(work.shelved, ledger, state, engine)
        removed = tuple(part.path for group in work.live for part in group)
        commit = Commit(
            kind="upkeep", at=at, parts=parts, removed_parts=removed, shelved=shelved, forgotten=(*removed, *forgotten)
        )
        state = ledger.commit(commit)
        ledger.sweep()
        ledger.finish()
    if work.shed:
        ledger.shed(STAYING)
    return state


def _combined(group: Sequence[PartRecord], ledger: Ledger, engine: Engine) -> PartRecord:
    path = ledger.new_part()
    rows = engine.copy_rows({ledger.root / part.path: () for part in group}, path)
    if rows != sum(part.rows for part in group):
        problem = f"{len(group)} Parquet files have {rows} rows together, not {sum(part.rows for part in group)}"
        raise LedgerDamaged(dataset=ledger.dataset, problem=problem)
    batches = sorted({batch for part in group for batch in part.batches})
    return ledger.part(path, rows, tuple(batches))


def _shelve_together(
    groups: Sequence[Sequence[PartRecord]], ledger: Ledger, state: State, engine: Engine
) -> tuple[tuple[PartRecord, ...], tuple[str, ...]]:
    """Put rows together that do not count; of batches that are in the table, it has the rows already."""
    live = {batch for part in state.parts.values() for batch in part.batches}
    new: list[PartRecord] = []
    for group in groups:
        batches = {batch for part in group for batch in part.batches} - live
        if batches:
            chosen = Holdings({part.path: part for part in group}).assign(batches)
            sources = {
                ledger.root / part.path: set(part.batches) - chosen[part.path] for part in group if part.path in chosen
            }
            path = ledger.new_part()
            new.append(ledger.part(path, engine.copy_rows(sources, path), tuple(sorted(batches))))
    return tuple(new), tuple(part.path for group in groups for part in group)
