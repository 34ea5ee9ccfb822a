"""`prune`: forget old snapshots, and with them rows that can no longer matter, archived files and refused rows.

The oldest snapshot that is kept is the horizon. Batches that older ones brought are behind it: they cannot be taken
back one by one any more. Those of them that count in every snapshot from the horizon on will always count together,
so of their rows only those stay that still matter (`lasting`). All other rows that a restorable snapshot or a later
withdrawal may need stay as they are. What is forgotten is decided here, committed, and only then removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from snapshotter.dataset import Dataset
from snapshotter.forgotten import forgotten
from snapshotter.ledger import Ledger
from snapshotter.ledger.contracts import stored_contract
from snapshotter.ledger.records import Commit, PartRecord
from snapshotter.ledger.state import State, outdated
from snapshotter.resolution import resolve
from snapshotter.results import PruneResult


@dataclass(frozen=True)
class Needs:
    """The batches whose rows stay.

    Args:
        lasting: those behind the horizon that count in every snapshot from it on; of their rows some may go.
        whole: all others that a restorable snapshot, or a later withdrawal, may need.
    """

    lasting: frozenset[int]
    whole: frozenset[int]


@dataclass(frozen=True)
class Forgetting:
    """What becomes of Parquet files.

    Args:
        kept: files that stay as they are.
        live: files of which rows are copied into the table, each with the batches whose rows are not.
        shelved: the same of rows beside the table.
    """

    kept: frozenset[str]
    live: Mapping[str, frozenset[int]]
    shelved: Mapping[str, frozenset[int]]


def horizon(snapshots: Mapping[int, Commit], keep_last: int | None, keep_days: float | None, now: datetime) -> int:
    """The oldest snapshot to keep: what either option keeps is kept, and the current one always; 0 if there is none.

    Args:
        snapshots: the commits that made them, by number.
        keep_last: so many of the newest.
        keep_days: those of so many days.
        now: the present time.
    """
    numbers = sorted(snapshots)
    if not numbers:
        return 0
    kept = numbers[-max(keep_last or 1, 1) :]
    if keep_days is not None:
        kept += [number for number in numbers if snapshots[number].at >= now - timedelta(days=keep_days)]
    return min(kept)


def needs(commits: Sequence[tuple[int, Commit]], then: State, oldest: int) -> Needs:
    """The batches whose rows stay; a batch about which there is doubt stays whole.

    Args:
        commits: all of the ledger.
        then: the state as of the horizon.
        oldest: the snapshot at the horizon.
    """
    later = [commit for _, commit in commits if commit.snapshot is not None and commit.snapshot > oldest]
    behind = {batch.id for batch in then.held if batch.snapshot < oldest}
    lasting = {batch.id for batch in then.live} & behind
    new = set[int]()
    named: dict[str, set[int]] = {}
    for number in lasting:
        named.setdefault(then.batches[number].record.name, set()).add(number)
    for commit in later:
        lasting -= set(commit.dropped)
        for name in {record.name for record in commit.files if record.replaces}:
            lasting -= named.get(name, set())
        new |= {*commit.added, *(record.batch for record in commit.files if record.batch is not None)}
    # What a newer revision behind the horizon replaces can never count again: that one cannot be taken back.
    staying = behind.difference(*(commit.dropped for commit in later))
    hidden = outdated(then.batches[number].record for number in staying)
    held = {batch.id for batch in then.held} - (behind & hidden - _next_to_newest(then, hidden))
    return Needs(frozenset(lasting), frozenset((held | new) - lasting))


def _next_to_newest(then: State, hidden: Iterable[int]) -> set[int]:
    """Of replaced revisions the newest of each name: it counts if the one that replaced it comes again, and goes."""
    found: dict[str, int] = {}
    for number in sorted(hidden, key=lambda number: then.batches[number].record.revision):
        found[then.batches[number].record.name] = number
    return set(found.values())


def forgetting(needed: Needs, ledger: Ledger, live: Iterable[str], counting: frozenset[int]) -> Forgetting:
    """Decide which Parquet files stay, and which rows of the others.

    Args:
        needed: the batches whose rows stay.
        ledger: where they are.
        live: the files of the table; their rows are taken before those of others.
        counting: the batches that count now.
    """
    holdings, live = ledger.holdings(), set(live)
    kept, copied = set[str](), (dict[str, frozenset[int]](), dict[str, frozenset[int]]())
    for path, taken in holdings.assign(needed.whole, first=live).items():
        there = set(holdings.parts[path].batches)
        now = taken & counting
        if taken == there and (now == taken if path in live else not now):
            kept.add(path)
            continue
        for wanted, sources in zip((now, taken - counting), copied, strict=True):
            if wanted:
                sources[path] = frozenset(there - wanted)
    return Forgetting(frozenset(kept), *copied)


def propose(dataset: Dataset, oldest: int) -> PruneResult:
    """What a prune would forget; nothing is changed.

    Args:
        dataset: open.
        oldest: the snapshot that is to be the horizon; 0 if there is none.
    """
    state, archive = dataset.state, dataset.layout.processed
    if oldest <= state.horizon:
        return PruneResult(dataset=dataset.name, horizon=state.horizon if oldest else None)
    files = forgotten(dataset.layout, dataset.name, dataset.ledger.commits, state, oldest)
    return PruneResult(
        dataset=dataset.name,
        horizon=oldest,
        snapshots=[number for number in sorted(dataset.ledger.restorable()) if number < oldest],
        files=sum(file.path.is_relative_to(archive) for file in files),
        rejects=sum(not file.path.is_relative_to(archive) for file in files),
        bytes=sum(file.path.stat().st_size for file in files),
    )


def carry_out(dataset: Dataset, proposed: PruneResult, now: datetime) -> PruneResult:
    """Set the horizon, and forget what is behind it; the caller holds the lock, and has recovered.

    Args:
        dataset: open.
        proposed: what is to be forgotten.
        now: the present time.

    Returns:
        What was forgotten, with the bytes of rows.
    """
    oldest, ledger = proposed.horizon, dataset.ledger
    if oldest is None or oldest <= dataset.state.horizon:
        return proposed
    size = _size(ledger)
    dataset.commit_prune(_commit(dataset, ledger.at(oldest), oldest, now))
    return proposed.model_copy(update={"bytes": proposed.bytes + max(size - _size(ledger), 0)})


def _commit(dataset: Dataset, then: State, oldest: int, now: datetime) -> Commit:
    """Write the Parquet files that are left, durably, and say what is forgotten."""
    state, ledger = dataset.state, dataset.ledger
    needed = needs(ledger.commits, then, oldest)
    left = forgetting(needed, ledger, state.parts, frozenset(batch.id for batch in state.live))
    by_batch = _by_batch(dataset, then, oldest)
    written = [*_collapsed(dataset, then, needed.lasting, by_batch=by_batch), *_copied(dataset, left.live)]
    return Commit(
        kind="prune",
        at=now,
        horizon=oldest,
        mingled=state.mingled if by_batch else oldest,
        parts=tuple(written),
        removed_parts=tuple(path for path in state.parts if path not in left.kept),
        shelved=tuple(_copied(dataset, left.shelved)),
        forgotten=tuple(path for path in ledger.all_parts() if path not in left.kept),
    )


def _by_batch(dataset: Dataset, then: State, oldest: int) -> bool:
    """Whether revisions may replace those before them, which then must not have hidden rows of others for ever."""
    contracts = [commit.contract for number, commit in dataset.state.snapshots.items() if number >= oldest]
    configured = dataset.contract.config.replace_revisions or any(c.get("replace_revisions") for c in contracts)
    return configured or any(batch.record.replaces for batch in then.held)


def _collapsed(dataset: Dataset, then: State, lasting: frozenset[int], *, by_batch: bool) -> list[PartRecord]:
    """The rows that still matter, of batches that always count together."""
    batches = {number: then.batches[number] for number in lasting}
    if not any(batch.record.accepted for batch in batches.values()):
        return []
    contract = stored_contract(dataset.name, then.snapshots[max(then.snapshots)])
    resolution = resolve(contract, replace(then, batches=batches), dataset.ledger.root)
    path = dataset.ledger.new_part()
    rows = dataset.engine.copy_lasting(
        resolution.frame, resolution.batches, resolution.stored, path, "_batch" if by_batch else ""
    )
    return [dataset.ledger.part(path, rows, tuple(sorted(lasting)))]


def _copied(dataset: Dataset, sources: Mapping[str, frozenset[int]]) -> list[PartRecord]:
    if not sources:
        return []
    ledger, known = dataset.ledger, dataset.ledger.all_parts()
    path = ledger.new_part()
    rows = dataset.engine.copy_rows({ledger.root / name: without for name, without in sources.items()}, path)
    batches = {batch for name, without in sources.items() for batch in set(known[name].batches) - without}
    return [ledger.part(path, rows, tuple(sorted(batches)))]


def _size(ledger: Ledger) -> int:
    return sum(part.size for part in ledger.holdings().parts.values())
