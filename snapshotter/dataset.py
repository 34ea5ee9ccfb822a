"""One dataset, open for work: what is judged, merged, written and committed of it, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from loguru import logger

from snapshotter import disk, rejects
from snapshotter.archive import Archive, digest
from snapshotter.binding import Binding
from snapshotter.config import DatasetConfig, Settings
from snapshotter.contract import Contract, changes, compile_contract, is_view_change
from snapshotter.draft import Draft
from snapshotter.engine import Engine, open_engine
from snapshotter.errors import ContractChanged
from snapshotter.identity import Identities, Queued
from snapshotter.inbox import Drop
from snapshotter.intake import Intake, Taken
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import Commit, Counts, FileRecord, Move, Status, ViewRecord
from snapshotter.parts import Parts
from snapshotter.recovery import Found, Plan, ViewStep, moves_of, plan
from snapshotter.remarks import with_remarks
from snapshotter.requeue import Requeued, read_requeued
from snapshotter.resolution import resolve
from snapshotter.transforming import Transform, load_transform


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

    @property
    def parts(self) -> Parts:
        """Writes Parquet files."""
        return Parts(self.ledger, self.engine)

    @cached_property
    def _transform(self) -> Transform | None:
        """The user's function, imported when files wait for it."""
        return load_transform(self._layout.root, self.contract)

    @property
    def _acceptance(self) -> str:
        """A digest of all that decides now what is accepted, the user's function among it."""
        return self.contract.acceptance(self._transform.digest if self._transform else "")

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
        if newest is None or newest.kind == "rebuild" or self.ledger.is_finished():
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
            queue = {drop.name for drop in drops}
            requeued = [note for note in read_requeued(self._layout.queue) if note.dataset == self.name]
            names = Queued(self.contract.config, self.state, self._acceptance, requeued, queue, now)
            drafts = self._scratch if dry_run else self._layout.rejects(self.name)
            taken = self._intake(draft, names, drafts, progress).take(drops)
            draft.taken = replace(taken, consumed=names.consumed)
            draft.dropped = tuple(taken.replaced)
        if draft.new:
            draft.kind = "run"
        elif current is not None and is_view_change(stored_contract(self.name, current).config, self.contract.config):
            draft.kind = "config"
        return draft

    def _intake(
        self, draft: Draft, identities: Identities, drafts_folder: Path, progress: Callable[[int], None]
    ) -> Intake:
        assert draft.binding is not None
        return Intake(
            contract=self.contract,
            state=draft.base,
            binding=draft.binding,
            engine=self.engine,
            identities=identities,
            transform=self._transform,
            acceptance=self._acceptance,
            first_batch=self.state.next_batch,
            scratch=self._scratch,
            rejects_folder=self._layout.rejects(self.name),
            drafts_folder=drafts_folder,
            progress=progress,
        )

    def judge_again(
        self, drops: Sequence[Drop], identities: Identities, now: datetime, progress: Callable[[int], None]
    ) -> Draft:
        """Judge archived files under the configured contract, as if nothing were stored yet, for a rebuild.

        Refused rows are drafts outside `output/rejects/`, until `keep_rejects`.
        """
        binding = Binding(self.contract, self.state.columns, self.state.shapes, frozenset())
        draft = Draft("rebuild", now, self.contract, replace(self.state, batches={}, parts={}), binding=binding)
        self.engine.verify(self.contract)
        draft.taken = self._intake(draft, identities, self._scratch, progress).take(drops)
        binding.store_key()
        draft.dropped = tuple(batch.id for batch in self.state.held)
        draft.removed_parts = tuple(self.state.parts)
        return draft

    def keep_rejects(self, draft: Draft) -> None:
        """Put the refused rows of a rebuild where the commit will give them their names."""
        folder = self._layout.rejects(self.name)
        for record in draft.new:
            if record.rejects:
                disk.make_folder(folder)
                draft_of = rejects.draft(self._scratch, record.batch or 0)
                disk.replace(rejects.draft(folder, record.batch or 0), disk.pieces(draft_of))

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
            gone=draft.gone,
            snapshot=self.state.next_snapshot,
            at=draft.at,
        )
        effects = self.engine.merge(resolution.frame, resolution.batches, resolution.stored)
        read, accepted = sum(r.read for r in draft.new), sum(r.accepted for r in draft.new)
        draft.counts = Counts(read=read, accepted=accepted, rejected=read - accepted, **effects.counts())
        draft.taken.records[:] = with_remarks(draft, effects, self.engine)

    def write(self, draft: Draft) -> None:
        """Write rows and view, side by side: neither needs the other, and neither counts yet."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            view = pool.submit(self.render, draft)
            self.write_rows(draft)
            view.result()

    def write_rows(self, draft: Draft) -> None:
        """Write the new rows as Parquet, and anew the files that hold rows which no longer count."""
        self.ledger.prepare()
        self.parts.write(draft)

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
            shelved=draft.shelved,
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
        if record.archived:  # a rebuild moves no file
            return record
        folder = "rejected" if record.status is Status.REJECTED else "processed"
        return record.model_copy(update={"archived": self.place(folder, record.name, record.sha256)})


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
