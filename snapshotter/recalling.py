"""What the rows of a ledger say: the view as of a snapshot, what two snapshots differ in, the versions of a key.

Nothing here writes or waits. Each looks at the rows of the keys alone that its answer is about, where that pays.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from snapshotter import disk
from snapshotter.archive import digest
from snapshotter.assembling import send
from snapshotter.config import Settings
from snapshotter.contract import Contract
from snapshotter.engine import open_engine
from snapshotter.engine.base import Difference, Narrowed, Version
from snapshotter.engine.port import Engine
from snapshotter.errors import NoSuchSnapshot
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.contracts import stored_contract
from snapshotter.ledger.records import ViewRecord
from snapshotter.ledger.state import State
from snapshotter.resolution import Resolution, keys_of, resolve
from snapshotter.results import CellChange, DiffResult, VersionInfo
from snapshotter.steady import steadily

T = TypeVar("T")

SHARE = 0.25  # of the rows of a snapshot: where more of them differ, merging all keys costs less
_ROWS_ONLY = Narrowed(settles=False, buries=False)  # all rows of each key that is sought, and no lines


@dataclass(frozen=True)
class Past:
    """A snapshot that is laid out for a merge.

    Args:
        state: as of then.
        contract: that it was made under.
        resolution: what it is made of.
        view: as it was published.
    """

    state: State
    contract: Contract
    resolution: Resolution
    view: ViewRecord | None


@contextmanager
def rendered(
    layout: Layout, settings: Settings, dataset: str, snapshot: int | None, *, excel_safe: bool = False
) -> Iterator[tuple[Path, Contract]]:
    """`latest.csv` as of a snapshot, in a temporary file; if so wanted, defused for spreadsheets."""

    def read(ledger: Ledger, state: State) -> Contract:
        past = _past(ledger, state, snapshot)
        is_current = state.current is not None and past.view == state.current.view
        if not excel_safe and is_current and _copied(layout.latest(dataset), past.view, path):
            return past.contract
        with open_engine(scratch, [layout.output], settings.memory_limit, dataset) as engine:
            if excel_safe or past.view is None:
                _merge(engine, past)
                columns, key = past.resolution.columns, past.resolution.frame.key
                engine.publish(past.contract, columns, key, path, excel_safe=excel_safe)
            else:
                _render(layout.latest(dataset), ledger.root, engine, state, past, path)
        return past.contract

    with _scratch() as scratch:
        path = scratch / "latest.csv"
        yield path, steadily(layout, dataset, read)


def diff(layout: Layout, settings: Settings, dataset: str, one: int, other: int) -> DiffResult:
    """Compare two snapshots."""

    def ask(ledger: Ledger, state: State, engine: Engine) -> tuple[list[list[str]], Difference]:
        names: list[list[str]] = []
        keys: list[list[str]] = []
        sides = _past(ledger, state, one), _past(ledger, state, other)
        narrowed = _seek_differing(engine, ledger.root, *sides)
        for label, past, beside in zip(("one", "other"), sides, reversed(sides), strict=True):
            _merge(engine, past, narrowed)
            columns, key = past.resolution.columns, past.resolution.frame.key
            names.append([column.name for column in columns if column.field is not None])
            if not names[-1]:  # nothing counts, so that no file says what the key is called
                columns = [column for column in beside.resolution.columns if column.field in key]
            engine.keep(past.contract, columns, key, label)
            places = {column.field: column.name for column in columns if column.field is not None}
            keys.append([places.get(field, "") for field in key])
        if not any(names):
            return names, Difference([], [], [])
        both = [name for name in names[0] if name in names[1]]
        common = [name for name in keys[0] if name in keys[1]]
        return names, engine.compare("one", "other", common, [name for name in both if name not in common])

    names, found = _asked(layout, settings, dataset, ask)
    return DiffResult(
        added=found.added,
        removed=found.removed,
        changed=[CellChange(key=k, column=c, old=old, new=new) for k, c, old, new in found.changed],
        columns_added=[name for name in names[1] if name not in names[0]],
        columns_removed=[name for name in names[0] if name not in names[1]],
    )


def history(layout: Layout, settings: Settings, dataset: str, key: list[str]) -> list[VersionInfo]:
    """Every version of a key that counts, newest first."""

    def ask(ledger: Ledger, state: State, engine: Engine) -> list[VersionInfo]:
        if state.current is None:
            return []
        past = _past(ledger, state, None)
        columns, fields = past.resolution.columns, past.resolution.frame.key
        engine.seek_key(past.contract, fields, key)
        _merge(engine, past, _ROWS_ONLY)
        versions = engine.versions(past.contract, columns, fields)
        names = {c.field.index: c.name for c in columns if c.field is not None}
        return [_version_info(past.contract, state, names, version) for version in versions]

    return _asked(layout, settings, dataset, ask)


def _version_info(contract: Contract, state: State, names: dict[int, str], version: Version) -> VersionInfo:
    batch = state.batches[version.batch]
    carried = {names[index] for index, _ in state.shapes[batch.record.shape or 0]}
    values = {name: value for name, value in version.values.items() if name in carried}
    return VersionInfo(
        values=values,
        timestamp=values[_timestamp_name(contract, values)],
        source_filename=batch.record.name,
        source_revision=batch.record.revision,
        source_row=version.source_row,
        snapshot=batch.snapshot,
        current=version.current,
        deleted=version.deleted,
    )


def _timestamp_name(contract: Contract, values: dict[str, str]) -> str:
    return contract.timestamp.name if contract.timestamp.name in values else next(iter(values))


# -- what an answer is about


def _past(ledger: Ledger, state: State, snapshot: int | None) -> Past:
    """A snapshot; the current one without a number.

    Raises:
        NoSuchSnapshot, NotRestorable: there is no such state.
    """
    if snapshot is None:
        if not state.snapshots:
            raise NoSuchSnapshot(dataset=ledger.dataset, snapshot="", known="none yet")
        snapshot = max(state.snapshots)
    then = ledger.at(snapshot)
    commit = then.snapshots[snapshot]
    contract = stored_contract(ledger.dataset, commit)
    return Past(then, contract, resolve(contract, then, ledger.root), commit.view)


def _seek_differing(engine: Engine, root: Path, one: Past, other: Past) -> Narrowed | None:
    """Seek the keys in which two snapshots can differ; returns None, and seeks nothing, if they are too many.

    What is published of a key is a function of its rows. So it can differ only where a batch has it that counts in
    one snapshot and not in the other; contracts that publish the same rows otherwise have no batch in common.
    """
    accepted = [{batch.id: batch.record.accepted for batch in past.state.live} for past in (one, other)]
    differing = accepted[0].keys() ^ accepted[1].keys()
    rows = sum((accepted[0] | accepted[1])[batch] for batch in differing)
    if one.resolution.frame.key != other.resolution.frame.key or rows > SHARE * max(sum(a.values()) for a in accepted):
        return None
    sources = [keys_of(differing, past.state, past.resolution, root) for past in (one, other)]
    engine.seek(one.resolution.frame, sources, differing)
    return _ROWS_ONLY


def _merge(engine: Engine, past: Past, narrowed: Narrowed | None = None) -> None:
    resolution = past.resolution
    engine.merge(resolution.frame, resolution.batches, resolution.stored, narrowed)


# -- a view


def _render(latest: Path, root: Path, engine: Engine, state: State, past: Past, path: Path) -> None:
    """Write the view of a snapshot, out of the published one where few of its keys differ."""
    from snapshotter.rendering import Rendering  # with all that only whoever renders needs

    assert past.view is not None
    rendering = Rendering(latest, root, engine, path.parent)
    rendering.merge(past.contract, past.resolution, state)
    rendering.write_copy(path, past.view.sha256)


def _copied(latest: Path, view: ViewRecord | None, path: Path) -> bool:
    """Copy the published view, if it is the recorded one: by size, time and inode, or else by its digest.

    It is opened once, since a writer may replace it at any time.
    """
    if view is None:
        return False
    try:
        file = open(latest, "rb", opener=disk.without_links)  # noqa: SIM115 - closed below
    except OSError:
        return False
    with file:
        before = os.fstat(file.fileno())
        if before.st_size != view.size:
            return False
        try:
            with disk.writing(path), path.open("wb", buffering=0) as copy:
                send(copy, file, 0, view.size)
        except EOFError:
            return False
        after = os.fstat(file.fileno())
    is_same = (before.st_ino, before.st_mtime_ns, after.st_mtime_ns) == (view.inode, view.modified, view.modified)
    return is_same or digest(path) == view.sha256


# -- asking


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder outside the workspace: readers change nothing."""
    with tempfile.TemporaryDirectory(prefix="snapshotter-") as folder:
        yield Path(folder)


def _asked(layout: Layout, settings: Settings, dataset: str, ask: Callable[[Ledger, State, Engine], T]) -> T:
    """Ask an engine about a ledger; a fresh one for each attempt."""

    def read(ledger: Ledger, state: State) -> T:
        with open_engine(scratch, [layout.output], settings.memory_limit, dataset) as engine:
            return ask(ledger, state, engine)

    with _scratch() as scratch:
        return steadily(layout, dataset, read)
