"""One dataset, open for work: what is judged, merged, written and committed of it, step by step."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from snapshotter import disk, leftovers
from snapshotter.archive import Archive
from snapshotter.completion import Completion
from snapshotter.config import Settings
from snapshotter.contract import Contract, changes, is_view_change
from snapshotter.draft import Draft
from snapshotter.errors import ContractChanged, LedgerDamaged, SnapshotterError
from snapshotter.finishing import finishing, may_count
from snapshotter.inbox import Drop
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.contracts import stored_contract
from snapshotter.ledger.records import Commit, FileRecord, Status
from snapshotter.logs import logger
from snapshotter.recovery import Plan, ViewStep
from snapshotter.requeue import read_requeued
from snapshotter.workers import workers

if TYPE_CHECKING:
    from snapshotter.engine.base import Effects
    from snapshotter.engine.port import Engine
    from snapshotter.identity import Identities
    from snapshotter.intake import Intake
    from snapshotter.parts import Parts
    from snapshotter.rendering import Rendering
    from snapshotter.taken import Taken
    from snapshotter.transforming import Transform


class Dataset:
    """A dataset of a workspace, under the writer's lock.

    Args:
        layout: the workspace.
        ledger: the dataset's.
        contracts: as configured now; only asked for it where it decides.
        settings: the workspace's.
        scratch: the writer's folder for drafts.
        mend: whether an entry of the log that was never acknowledged is set aside; a dry run changes nothing.
    """

    def __init__(
        self,
        layout: Layout,
        ledger: Ledger,
        contracts: Mapping[str, Contract],
        settings: Settings,
        scratch: Path,
        *,
        mend: bool,
    ) -> None:
        """Read the ledger's log."""
        self.name, self.ledger, self._contracts = ledger.dataset, ledger, contracts
        self.layout, self._settings, self.scratch = layout, settings, scratch
        self.state = ledger.open(mend=mend)
        self._archive = Archive(layout, self.name)
        self._completion = Completion(layout, ledger, self._archive)
        self._engine: Engine | None = None
        self.parks = False  # whether the engine lets go of its memory between judging and merging
        self.recovered: list[str] = []  # what was left undone and is done now, in words

    @property
    def contract(self) -> Contract:
        """The contract as configured now."""
        return self._contracts[self.name]

    @property
    def engine(self) -> Engine:
        """The engine, opened when it is first needed."""
        from snapshotter.engine import open_engine

        if self._engine is None:
            folders, limit = (self.layout.output, self.layout.input), self._settings.memory_limit
            self._engine = open_engine(self.scratch, folders, limit, self.name, parks=self.parks)
        return self._engine

    @property
    def parts(self) -> Parts:
        """Writes Parquet files."""
        from snapshotter.parts import Parts

        return Parts(self.ledger, self.engine)

    @cached_property
    def _transform(self) -> Transform | None:
        """The user's function, imported when files wait for it."""
        from snapshotter.transforming import load_transform

        return load_transform(self.layout.root, self.contract)

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
        return leftovers.find(self.layout, self.name, self.ledger, self.state, copied=True)

    def prove(self) -> None:
        """Make sure of what is published, where it was only believed; one who replaces it reads what it keeps."""
        current = self.state.current
        if current is not None and leftovers.only_looks_like(self.layout.latest(self.name), current.view):
            logger.bind(dataset=self.name).warning("latest.csv is not what was published, and is rendered again")
            self.render_current()

    def recover(self, *, render: bool = True) -> Plan:
        """Finish what the last process left undone; then nothing of it lies about.

        Args:
            render: make `latest.csv` right, too.
        """
        todo = self.recovery()
        if not todo.is_empty:
            logger.bind(dataset=self.name, view=todo.view.value, moves=len(todo.moves)).warning("recovering")
            self.recovered = todo.sentences()
        if render and todo.view is ViewStep.PUBLISH_DRAFT:
            self.publish()
        elif render and todo.view is ViewStep.RENDER:
            self.render_current()
        self._completion.recover(todo.moves, self.state)
        return todo

    def render_current(self) -> None:
        """Write `latest.csv` of the current snapshot again; by the ledger it has the same bytes.

        Raises:
            LedgerDamaged: it has not; what is published stays as it is.
        """
        from snapshotter.resolution import resolve

        current = self.state.current
        if current is None or current.view is None:
            return
        contract = stored_contract(self.name, current)
        latest = self.layout.latest(self.name)
        disk.make_folder(latest.parent)
        draft = disk.temporary(latest.parent)  # the name of a commit's draft says that it was made durable
        rendering = self._rendering()
        rendering.merge(contract, resolve(contract, self.state, self.ledger.root), None)
        view = rendering.write(draft)
        self.close()
        if view is None or view.sha256 != current.view.sha256:
            disk.remove(draft)
            problem = f"rendering snapshot {current.snapshot} gives other bytes than were published"
            raise LedgerDamaged(dataset=self.name, problem=problem)
        disk.publish(draft, latest)

    # -- a run, step by step

    def judge(
        self, drops: Sequence[Drop], now: datetime, progress: Callable[[int], None], *, dry_run: bool = False
    ) -> Draft:
        """Take the files and judge their rows; the engine holds the accepted ones.

        Raises:
            ContractChanged: the contract is not the one under which the stored rows were accepted.
        """
        self._refuse_changed_contract()
        draft = Draft("files", now, self.contract, self.state)
        if drops:
            self._take(draft, drops, progress, dry_run=dry_run)
        current = self.state.current
        if draft.new:
            draft.kind = "run"
        elif current is not None and is_view_change(stored_contract(self.name, current).config, self.contract.config):
            draft.kind = "config"
        return draft

    def _take(self, draft: Draft, drops: Sequence[Drop], progress: Callable[[int], None], *, dry_run: bool) -> None:
        from snapshotter.binding import Binding
        from snapshotter.identity import Queued

        shapes = {batch.record.shape or 0 for batch in self.state.live}
        carried = frozenset(index for shape in shapes for index, _ in self.state.shapes[shape])
        draft.binding = Binding(self.contract, self.state.columns, self.state.shapes, carried)
        self.engine.verify(self.contract)
        requeued = [note for note in read_requeued(self.layout.requeued) if note.dataset == self.name]
        waiting = {note.queued for note in requeued if os.path.lexists(self.layout.queue / note.queued)}
        queue = {drop.name for drop in drops} | waiting  # a run may take only some of what is there
        names = Queued(self.contract.config, self.state, self._acceptance, requeued, queue, draft.at)
        drafts = self.scratch if dry_run else self.layout.rejects(self.name)
        taken = self.intake(draft, names, drafts, progress).take(drops)
        done = {(record.sha256, record.name, record.revision) for record in taken.records}
        consumed = [note for note in names.consumed if (note.sha256, note.name, note.revision) in done]
        draft.taken = replace(taken, consumed=consumed)
        draft.dropped = tuple(taken.replaced)
        self.engine.park()

    def intake(
        self, draft: Draft, identities: Identities, drafts_folder: Path, progress: Callable[[int], None]
    ) -> Intake:
        """What takes files for a draft that knows where their columns go; refused rows are drafts in the folder."""
        from snapshotter.intake import Intake

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
            scratch=self.scratch,
            rejects_folder=self.layout.rejects(self.name),
            drafts_folder=drafts_folder,
            progress=progress,
        )

    def merge(self, draft: Draft) -> None:
        """Find the winners, and what the new rows did."""
        from snapshotter.resolution import resolve

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
        draft.rendering, draft.judged = self._rendering(), tuple(draft.taken.records)
        published = None if draft.kind == "rebuild" else self.state
        self._remember(draft, draft.rendering.merge(draft.contract, resolution, published))

    def _remember(self, draft: Draft, effects: Effects) -> None:
        from snapshotter.remarks import remember

        remember(draft, effects, self.engine)

    def prove_merge(self, draft: Draft) -> None:
        """Make sure of a merge of which no view is written, which would prove it."""
        if draft.rendering is not None and not draft.rendering.is_proved():
            self._remember(draft, draft.rendering.merge_whole())

    def write(self, draft: Draft) -> None:
        """Write rows and view: neither needs the other, and neither counts yet."""
        self.ledger.prepare()
        with workers(0 if draft.is_wide else 1) as begin:
            view = begin(self.render, draft)
            self.write_rows(draft)
            view.result()
        self._render_anew(draft)

    def write_rows(self, draft: Draft) -> None:
        """Write the new rows as Parquet, and anew the files that hold rows which no longer count."""
        self.parts.write(draft)

    def write_view(self, draft: Draft) -> None:
        """Write the view, where no row is new."""
        self.render(draft)
        self._render_anew(draft)

    def render(self, draft: Draft) -> None:
        """Write the new view beside the old one, durably, and take its digest; unless all keys must be merged first."""
        assert draft.rendering is not None
        path = self.layout.draft(self.name, self.state.next_snapshot)
        disk.make_folder(path.parent)
        disk.remove_tree(path)  # of a run that failed: a file that could not be made durable is not written again
        draft.view = draft.rendering.write(path)

    def _render_anew(self, draft: Draft) -> None:
        """Merge all keys where that must be; beside no other work: a merge makes anew what rows are written of."""
        if draft.view is None and draft.rendering is not None:
            self._remember(draft, draft.rendering.merge_whole())
            self.render(draft)

    def _rendering(self) -> Rendering:
        from snapshotter.rendering import Rendering  # with numpy and all else that only whoever renders needs

        return Rendering(self.layout.latest(self.name), self.ledger.root, self.engine, self.scratch)

    def commit(self, draft: Draft) -> Commit | None:
        """Make it count: one entry of the ledger's log, or none if there is nothing to record."""
        files = tuple(self._with_archive(record) for record in draft.taken.records)
        if not files and not draft.changes_snapshot:
            return None
        draft.taken.records[:] = files
        commit = draft.commit(self.state.next_snapshot)
        self.ledger.prepare()
        if draft.kind != "rebuild":
            self._archive.secure(files)
        try:
            self.state = self.ledger.commit(commit)
        except (SnapshotterError, OSError) as error:
            if may_count(self.ledger, self.state.version, error):
                draft.committed = commit
                with finishing(self.name, commit):
                    raise
            raise
        draft.committed = commit
        logger.bind(dataset=self.name, snapshot=commit.snapshot, kind=commit.kind, files=len(files)).info("committed")
        return commit

    def finish(self, draft: Draft) -> None:
        """Publish what was committed, and move the files; raises NotFinished where the system refuses."""
        assert draft.committed is not None
        with finishing(self.name, draft.committed):
            self.publish()
            self.archive(draft.taken)

    def publish(self) -> None:
        """Give the committed view its name; if it is that already, nothing happens."""
        self._completion.publish(self.state.next_snapshot - 1)

    def archive(self, taken: Taken) -> None:
        """Move the files of the newest commit to where they belong now."""
        self._completion.archive(taken.consumed)

    def tend(self, at: datetime) -> None:
        """Keep the ledger small; what goes wrong is tried again behind the next run, and changes nothing that counts.

        Args:
            at: the time of the run.
        """
        from snapshotter import upkeep

        try:
            work = upkeep.plan(self.state, self.ledger.holdings().parts.values(), self.ledger.entries())
            if work:
                self.state = upkeep.carry_out(work, self.ledger, self.state, self.engine, at)
        except (SnapshotterError, OSError) as error:
            logger.bind(dataset=self.name).warning(f"the ledger could not be kept small: {error}")

    def commit_prune(self, commit: Commit) -> None:
        """Set the horizon, and only then remove what is behind it.

        Raises:
            NotFinished: the system refused to remove; the next run does it.
        """
        self.state = self.ledger.commit(commit)  # COMMIT POINT
        logger.bind(dataset=self.name, horizon=commit.horizon).info("pruned")
        with finishing(self.name, commit):
            self._completion.forget(self.state)

    def place(self, folder: str, name: str, sha256: str) -> str:
        """A free path in a folder of `input/`, relative to it."""
        return self._archive.place(folder, name, sha256)

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
