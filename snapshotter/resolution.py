"""From a ledger's state to what an engine needs to resolve it: which rows, which batches, which columns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from snapshotter.contract import Contract
from snapshotter.contract.columns import Column, StoredColumn, fold, place_of
from snapshotter.engine.base import BatchRow, Stored
from snapshotter.errors import LedgerDamaged
from snapshotter.frame import Field, Frame, Group
from snapshotter.ledger.records import FileRecord
from snapshotter.ledger.state import Batch, Shape, State, batch_rank
from snapshotter.publish import ViewColumn, field_of, view_columns


@dataclass(frozen=True)
class Resolution:
    """All that a merge and its view are made of.

    Args:
        frame: the columns in play.
        batches: the batches in play, those on their way out among them.
        stored: the Parquet files.
        columns: of the view.
    """

    frame: Frame
    batches: list[BatchRow]
    stored: Stored
    columns: list[ViewColumn]


@dataclass(frozen=True)
class _Entry:
    rank: tuple[datetime, str, int]
    batch: int
    shape: Shape
    rows: int
    name: str
    revision: int
    snapshot: int
    at: datetime
    is_new: bool = False
    is_gone: bool = False


def resolve(  # noqa: PLR0913 - a state, and what a run adds to it, by name
    contract: Contract,
    state: State,
    root: Path,
    *,
    columns: Sequence[StoredColumn] | None = None,
    shapes: Sequence[Shape] | None = None,
    new: Iterable[FileRecord] = (),
    gone: Iterable[int] = (),
    snapshot: int = 0,
    at: datetime | None = None,
) -> Resolution:
    """Lay out a merge of a state, and of what a run adds to it and takes from it.

    Args:
        contract: the contract of the snapshot.
        state: the batches that count, and their files.
        root: the table's folder.
        columns: of the ledger and of the run, if the run adds any.
        shapes: the same of headers.
        new: records of the batches that the run adds.
        gone: the batches that the run replaces, or that a newer revision does; new ones may be among them.
        snapshot: the number that the run makes.
        at: the time of the run.
    """
    columns, shapes = columns or state.columns, shapes or state.shapes
    leaving = set(gone)
    entries = [_known(batch, shapes, is_gone=batch.id in leaving) for batch in state.live]
    entries += [_fresh(record, shapes, snapshot, at, is_gone=record.batch in leaving) for record in new]
    entries.sort(key=lambda entry: entry.rank)
    staying = [entry for entry in entries if not entry.is_gone]
    if len({entry.rank for entry in staying}) < len(staying):
        problem = "two batches of one name and revision count at once"
        raise LedgerDamaged(dataset=contract.dataset, problem=problem)
    key = tuple(_field(column, columns) for column in contract.key)
    present = dict.fromkeys(entry.shape for entry in entries)
    frame = _frame(contract, columns, key, list(present))
    # From 1 on: 0 is the place of what stands for older rows.
    places = {rank: place for place, rank in enumerate(dict.fromkeys(entry.rank for entry in entries), 1)}
    carries = {shape: frozenset(index for index, _ in shape) for shape in present}
    timed = "loaded_at" in contract.config.lineage
    rows = [_row(entry, places[entry.rank], carries[entry.shape], timed=timed) for entry in entries]
    stored = _stored(state, root, columns, [carries[e.shape] for e in entries if e.rows and not e.is_new], key)
    return Resolution(frame, rows, stored, view_columns(contract, columns, [entry.shape for entry in staying]))


def _field(column: Column, columns: Sequence[StoredColumn]) -> Field:
    index = place_of(column, columns)
    assert index is not None
    return field_of(index, columns[index])


def _frame(
    contract: Contract, columns: Sequence[StoredColumn], key: tuple[Field, ...], shapes: Sequence[Shape]
) -> Frame:
    headers = list(dict.fromkeys(frozenset(index for index, _ in shape) for shape in shapes))
    holders: dict[int, list[int]] = {field.index: [] for field in key}
    for number, header in enumerate(headers):
        for index in header:
            holders.setdefault(index, []).append(number)
    in_key, rule = {field.index for field in key}, contract.config.delete_when
    constant: list[Field] = []
    groups: dict[tuple[bool, tuple[int, ...]], list[Field]] = {}
    for index in sorted(holders):
        field = field_of(index, columns[index])
        if index in in_key or len(holders[index]) == len(headers):
            constant.append(field)
        else:
            is_marker = rule is not None and fold(columns[index].name) == fold(rule.column)
            groups.setdefault((not is_marker, tuple(holders[index])), []).append(field)
    numbered = (Group(i, tuple(fields), inherits) for i, ((inherits, _), fields) in enumerate(groups.items()))
    return Frame(key, tuple(constant), tuple(numbered))


def _known(batch: Batch, shapes: Sequence[Shape], *, is_gone: bool) -> _Entry:
    record = batch.record
    assert record.shape is not None
    return _Entry(
        batch.rank,
        batch.id,
        shapes[record.shape],
        record.accepted,
        record.name,
        record.revision,
        batch.snapshot,
        batch.at,
        is_gone=is_gone,
    )


def _fresh(record: FileRecord, shapes: Sequence[Shape], snapshot: int, at: datetime | None, *, is_gone: bool) -> _Entry:
    assert record.batch is not None
    assert record.shape is not None
    assert at is not None
    rank = batch_rank(record.batch_time, record.name, record.revision)
    return _Entry(
        rank,
        record.batch,
        shapes[record.shape],
        record.accepted,
        record.name,
        record.revision,
        snapshot,
        at,
        is_new=True,
        is_gone=is_gone,
    )


def _row(entry: _Entry, place: int, carries: frozenset[int], *, timed: bool) -> BatchRow:
    """A batch as the engine knows it; the time costs as much as all the rest, and few views show it."""
    loaded_at = entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if timed else ""
    return BatchRow(
        entry.batch,
        place,
        carries,
        entry.is_new,
        entry.is_gone,
        entry.name,
        entry.revision,
        entry.snapshot,
        loaded_at,
    )


def _stored(
    state: State,
    root: Path,
    columns: Sequence[StoredColumn],
    carried: Sequence[frozenset[int]],
    key: Sequence[Field],
) -> Stored:
    """The files with rows, and the columns that some of them have: those of their batches, and the key's."""
    paths = tuple(root / part.path for part in state.parts.values() if part.rows)
    indices = sorted(frozenset().union(*carried) | {field.index for field in key})
    known = tuple((field_of(index, columns[index]), columns[index]) for index in indices)
    return Stored(paths, known, {root / name: batches for name, batches in state.hidden.items()})


def keys_of(batches: AbstractSet[int], state: State, resolution: Resolution, root: Path) -> Stored:
    """The files of a state that have rows of some batches, for which only the keys are asked."""
    columns = tuple(pair for pair in resolution.stored.columns if pair[0] in resolution.frame.key)
    paths = tuple(root / part.path for part in state.parts.values() if not batches.isdisjoint(part.batches))
    return Stored(paths, columns, {root / name: hidden for name, hidden in state.hidden.items()})


def changed_batches(before: State, resolution: Resolution) -> set[int]:
    """The batches that count before a change and not after it, or the other way round, new ones left out."""
    counting = {row.batch for row in resolution.batches if not (row.is_new or row.is_gone)}
    return {batch.id for batch in before.live} ^ counting
