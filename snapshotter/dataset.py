"""One dataset, open for work: what is judged, merged, written and committed of it, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from loguru import logger

from snapshotter import disk, rejects
from snapshotter.archive import Archive, digest
from snapshotter.binding import Binding
from snapshotter.config import DatasetConfig, Settings
from snapshotter.contract import Contract, changes, compile_contract, is_view_change
from snapshotter.engine import Engine, open_engine
from snapshotter.errors import ContractChanged
from snapshotter.inbox import Drop
from snapshotter.intake import Intake, Taken
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import Commit, Counts, FileRecord, Kind, Move, PartRecord, Status, ViewRecord
from snapshotter.ledger.state import State
from snapshotter.recovery import Found, Plan, ViewStep, moves_of, plan
from snapshotter.requeue import Requeued, read_requeued
from snapshotter.resolution import Resolution, resolve


@dataclass
class Draft:
    """A commit in the making.

    Args:
        kind, at, contract: of the commit; the contract is that of the snapshot it makes.
        base: the state whose batches and files stay, but for those that are dropped.
        taken, binding: what a run took out of the queue, and the columns it came with.
        dropped, added, moves, target: as in the commit.
    """

    kind: Kind
    at: datetime
    contract: Contract
    base: State
    taken: Taken = field(default_factory=Taken)
    binding: Binding | None = None
    dropped: tuple[int, ...] = ()
    added: tuple[int, ...] = ()
    moves: tuple[Move, ...] = ()
    target: int | None = None
    parts: tuple[PartRecord, ...] = ()
    removed_parts: tuple[str, ...] = ()
    counts: Counts = field(default_factory=Counts)
    view: ViewRecord | None = None
    resolution: Resolution | None = None

    @property
    def changes_snapshot(self) -> bool:
        """Whether the commit makes a snapshot, or only records what became of files."""
        return self.kind != "files"

    @property
    def new(self) -> list[FileRecord]:
        """The files whose rows are new."""
        return [record for record in self.taken.records if record.batch is not None]

    def reported(self) -> tuple[FileRecord, ...]:
        """A record of each file that was in the queue, deferred ones last."""
        return (*self.taken.records, *self.taken.deferred)


class Dataset:
    """A dataset of a workspace, under the writer's lock.

    Args:
        layout: the workspace.
        name: its name.
        contracts: as configured now; only asked for it where it decides.
        settings: the workspace's.
        scratch: the writer's folder for drafts.
    """

    def __init__(
        self, layout: Layout, name: str, contracts: Mapping[str, Contract], settings: Settings, scratch: Path
    ) -> None:
        """Read the ledger's log."""
        self.name, self._contracts = name, contracts
        self._layout, self._settings, self._scratch = layout, settings, scratch
        self.ledger = Ledger(layout.ledger(self.name), self.name)
        self.state = self.ledger.open()
        self._archive = Archive(layout, self.name)
        self._engine: Engine | None = None

    @property
    def contract(self) -> Contract:
        """The contract as configured now."""
        return self._contracts[self.name]

    @property
    def engine(self) -> Engine:
        """The engine, opened when it is first needed."""
        if self._engine is None:
            output = self._layout.output
            self._engine = open_engine(self._scratch, output, self._settings.memory_limit, self.name)
        return self._engine

    def close(self) -> None:
        """Let go of the engine."""
        if self._engine is not None:
            self._engine.__exit__(None, None, None)
            self._engine = None

    # -- recovery

    def recovery(self) -> Plan:
        """What the last process left undone."""
        current = self.state.current
        view = current.view if current else None
        newest = self.ledger.newest()
        return plan(
            [newest] if newest and not self.ledger.is_finished() else [],
            view,
            compare_view(self._layout.latest(self.name), view),
            compare_view(self._draft_path(), view),
            self._archive.is_pending,
        )

    def recover(self) -> Plan:
        """Finish what the last process left undone; then nothing of it lies about."""
        todo = self.recovery()
        if not todo.is_empty:
            logger.bind(dataset=self.name, view=todo.view.value, moves=len(todo.moves)).warning("recovering")
        if todo.view is ViewStep.PUBLISH_DRAFT:
            self.publish()
        elif todo.view is ViewStep.RENDER:
            self.render_current()
        self._publish_rejects()
        done = self._archive.carry_out(todo.moves)
        self._archive.forget(self._notes_of_newest(), done)
        self._layout.sweep_notes(Path(move.target) for move in self._moves_of_newest())
        self.ledger.sweep()
        self.ledger.finish()
        return todo

    def _moves_of_newest(self) -> tuple[Move, ...]:
        newest = self.ledger.newest()
        return moves_of(newest) if newest else ()

    def _notes_of_newest(self) -> list[Requeued]:
        """The notes of requeued files that the newest commit took."""
        newest = self.ledger.newest()
        if newest is None or self.ledger.is_finished():
            return []
        taken = {(r.sha256, r.name, r.revision) for r in newest.files}
        return [n for n in read_requeued(self._layout.queue) if (n.sha256, n.name, n.revision) in taken]

    def render_current(self) -> None:
        """Write `latest.csv` of the current snapshot again; by the ledger it has the same bytes."""
        current = self.state.current
        if current is None:
            return
        contract = stored_contract(self.name, current)
        resolution = resolve(contract, self.state, self.ledger.root)
        self.engine.merge(resolution.frame, resolution.batches, resolution.stored)
        draft = self._draft_path()
        disk.make_folder(draft.parent)
        self.engine.publish(contract, resolution.columns, resolution.frame.key, draft)
        disk.sync_file(draft)
        self.publish()
        self.close()

    def _publish_rejects(self) -> None:
        """Give the refused rows of the newest commit their names."""
        newest, folder = self.ledger.newest(), self._layout.rejects(self.name)
        for record in newest.files if newest else ():
            draft = rejects.draft(folder, record.batch or 0)
            if record.rejects and draft.exists():
                disk.make_folder((folder / record.rejects).parent)
                disk.publish(draft, folder / record.rejects)

    # -- a run, step by step

    def judge(
        self, drops: Sequence[Drop], now: datetime, progress: Callable[[int], None], *, dry_run: bool = False
    ) -> Draft:
        """Take the files and judge their rows; the engine holds the accepted ones.

        Raises:
            ContractChanged: the contract is not the one under which the stored rows were accepted.
        """
        self._refuse_changed_contract()
        current = self.state.current
        carried = frozenset(i for batch in self.state.live for i, _ in self.state.shapes[batch.record.shape or 0])
        binding = Binding(self.contract, self.state.columns, self.state.shapes, carried)
        draft = Draft("files", now, self.contract, self.state, binding=binding)
        if drops:
            self.engine.verify(self.contract)
            draft.taken = Intake(
                contract=self.contract,
                state=self.state,
                binding=binding,
                engine=self.engine,
                requeued=read_requeued(self._layout.queue),
                scratch=self._scratch,
                rejects_folder=self._layout.rejects(self.name),
                drafts_folder=self._scratch if dry_run else self._layout.rejects(self.name),
                now=now,
                progress=progress,
            ).take(drops)
            draft.dropped = tuple(draft.taken.replaced)
        if draft.new:
            draft.kind = "run"
        elif current is not None and is_view_change(stored_contract(self.name, current).config, self.contract.config):
            draft.kind = "config"
        return draft

    def merge(self, draft: Draft) -> None:
        """Find the winners, and what the new rows did."""
        binding = draft.binding
        draft.resolution = resolution = resolve(
            draft.contract,
            draft.base,
            self.ledger.root,
            columns=binding.columns if binding else None,
            shapes=binding.shapes if binding else None,
            new=draft.new,
            gone=draft.dropped,
            snapshot=self.state.next_snapshot,
            at=draft.at,
        )
        effects = self.engine.merge(resolution.frame, resolution.batches, resolution.stored)
        read, accepted = sum(r.read for r in draft.new), sum(r.accepted for r in draft.new)
        draft.counts = Counts(read=read, accepted=accepted, rejected=read - accepted, **effects.__dict__)
        draft.taken.records[:] = [self._with_lost_keys(draft, record) for record in draft.taken.records]

    def write(self, draft: Draft) -> None:
        """Write rows and view, side by side: neither needs the other, and neither counts yet."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            view = pool.submit(self.render, draft)
            self.write_rows(draft)
            view.result()

    def write_rows(self, draft: Draft) -> None:
        """Write the new rows as Parquet, and anew the files that hold rows which no longer count."""
        self.ledger.prepare()
        rewritten, removed = self.rewrite(draft.base, draft.dropped)
        parts = list(rewritten)
        if draft.new and draft.counts.accepted:
            assert draft.resolution is not None
            assert draft.binding is not None
            columns = draft.binding.columns
            carried = {i for record in draft.new if record.accepted for i, _ in draft.binding.shapes[record.shape or 0]}
            key = {field.index for field in draft.resolution.frame.key}
            fields = [f for f in draft.resolution.frame.fields if f.index in carried | key]
            path = self.ledger.new_part()
            rows = self.engine.write_part([(f, columns[f.index]) for f in fields], path)
            parts.append(self.ledger.part(path, rows, tuple(record.batch or 0 for record in draft.new)))
        draft.parts += tuple(parts)
        draft.removed_parts += tuple(removed)

    def rewrite(self, base: State, dropped: Sequence[int]) -> tuple[list[PartRecord], list[str]]:
        """Write the Parquet files that hold some batches anew without them; returns the new and the old ones."""
        new, old = [], []
        for part in base.parts.values():
            if not set(dropped) & set(part.batches):
                continue
            old.append(part.path)
            staying = tuple(batch for batch in part.batches if batch not in dropped)
            if staying:
                path = self.ledger.new_part()
                rows = self.engine.rewrite_part(self.ledger.root / part.path, dropped, path)
                new.append(self.ledger.part(path, rows, staying))
        return new, old

    def render(self, draft: Draft) -> None:
        """Write the new view beside the old one, durably, and take its digest."""
        assert draft.resolution is not None
        path = self._layout.draft(self.name, self.state.next_snapshot)
        disk.make_folder(path.parent)
        rows = self.engine.publish(draft.contract, draft.resolution.columns, draft.resolution.frame.key, path)
        disk.sync_file(path)
        status = path.stat()
        draft.view = ViewRecord(
            sha256=digest(path),
            rows=rows,
            size=status.st_size,
            inode=status.st_ino,
            modified=status.st_mtime_ns,
        )

    def commit(self, draft: Draft) -> Commit | None:
        """Make it count: one entry of the ledger's log, or none if there is nothing to record."""
        files = tuple(self._with_archive(record) for record in draft.taken.records)
        if not files and not draft.changes_snapshot:
            return None
        draft.taken.records[:] = files
        binding = draft.binding
        commit = Commit(
            kind=draft.kind,
            snapshot=self.state.next_snapshot if draft.changes_snapshot else None,
            at=draft.at,
            contract=draft.contract.config.model_dump(mode="json") if draft.changes_snapshot else {},
            target=draft.target,
            files=files,
            added=draft.added,
            dropped=draft.dropped,
            columns=binding.new_columns if binding and draft.changes_snapshot else (),
            shapes=binding.new_shapes if binding and draft.changes_snapshot else (),
            parts=draft.parts,
            removed_parts=draft.removed_parts,
            moves=draft.moves,
            counts=draft.counts,
            view=draft.view,
        )
        self.ledger.prepare()
        self.state = self.ledger.commit(commit)
        logger.bind(dataset=self.name, snapshot=commit.snapshot, kind=commit.kind, files=len(files)).info("committed")
        return commit

    def publish(self) -> None:
        """Give the committed view its name; if it is that already, nothing happens."""
        draft = self._draft_path()
        if draft.exists():
            disk.publish(draft, self._layout.latest(self.name))

    def archive(self, taken: Taken) -> None:
        """Move the files of the newest commit to where they belong now."""
        newest = self.ledger.newest()
        assert newest is not None
        self._publish_rejects()
        self._archive.forget(taken.consumed, self._archive.carry_out(moves_of(newest)))
        self.ledger.finish()

    def place(self, folder: str, name: str, sha256: str) -> str:
        """A free path in a folder of `input/`, relative to it."""
        return self._archive.place(folder, name, sha256)

    def _draft_path(self) -> Path:
        return self._layout.draft(self.name, self.state.next_snapshot - 1)

    def _refuse_changed_contract(self) -> None:
        current = self.state.current
        if current is not None:
            found = changes(stored_contract(self.name, current), self.contract, self.state.columns)
            if found:
                raise ContractChanged(dataset=self.name, changes="; ".join(found))

    def _with_archive(self, record: FileRecord) -> FileRecord:
        folder = "rejected" if record.status is Status.REJECTED else "processed"
        return record.model_copy(update={"archived": self.place(folder, record.name, record.sha256)})

    def _with_lost_keys(self, draft: Draft, record: FileRecord) -> FileRecord:
        """A warning for a revision that lacks keys of the one before it."""
        if record.batch is None or record.revision == 1 or draft.resolution is None:
            return record
        wanted = (record.name, record.revision - 1)
        before = next((b for b in draft.base.live if (b.record.name, b.record.revision) == wanted), None)
        if before is None:
            return record
        lost = self.engine.lost_keys(draft.resolution.frame.key, before.id, record.batch)
        if not lost:
            return record
        warning = f"lacks {lost} keys of revision {before.record.revision}, which stay (see replace_revisions)"
        return record.model_copy(update={"warnings": (*record.warnings, warning)})


def stored_contract(dataset: str, commit: Commit) -> Contract:
    """The contract that a snapshot was made under."""
    return compile_contract(dataset, DatasetConfig.model_validate(commit.contract))


def compare_view(path: Path, view: ViewRecord | None) -> Found:
    """Whether a file is the recorded view: by size, time and inode, and where those differ by its digest."""
    if view is None or not path.is_file():
        return Found.MISSING
    status = path.stat()
    if (status.st_size, status.st_ino, status.st_mtime_ns) == (view.size, view.inode, view.modified):
        return Found.SAME
    return Found.SAME if status.st_size == view.size and digest(path) == view.sha256 else Found.OTHER
