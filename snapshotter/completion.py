"""What follows a commit: the view, the refused rows, the files that move or go. A recovery does what was left undone.

Each step may be done twice, and none of them decides anything: the newest commit says it all.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from snapshotter import disk, forgotten, indexing, rejects
from snapshotter.archive import Archive
from snapshotter.finishing import settle
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import Move
from snapshotter.ledger.state import State
from snapshotter.recovery import moves_of
from snapshotter.requeue import Requeued, read_requeued


class Completion:
    """Completes the newest commit of one dataset.

    Args:
        layout: the workspace.
        ledger: of the dataset.
        archive: moves its files.
    """

    def __init__(self, layout: Layout, ledger: Ledger, archive: Archive) -> None:
        """Nothing is done yet."""
        self._layout, self._ledger, self._archive = layout, ledger, archive

    def publish(self, snapshot: int) -> None:
        """Give the draft of a snapshot's view its name; if it has it already, nothing happens."""
        draft = self._layout.draft(self._ledger.dataset, snapshot)
        if draft.exists():
            disk.publish_beside(draft, self._layout.latest(self._ledger.dataset))
            newest = self._ledger.newest()
            if newest is not None and newest.view is not None:
                indexing.sweep(self._ledger.root, newest.view.sha256)

    def publish_rejects(self) -> None:
        """Give the refused rows of the newest commit their names."""
        newest, folder = self._ledger.newest(), self._layout.rejects(self._ledger.dataset)
        named = (
            {rejects.draft(folder, r.batch or 0): folder / r.rejects for r in newest.files if r.rejects}
            if newest
            else {}
        )
        drafts = [(draft, path) for draft, path in named.items() if draft.exists()]
        for parent in dict.fromkeys(path.parent for _, path in drafts):
            disk.make_folder(parent)
        disk.publish_all(drafts)

    def archive(self, consumed: Iterable[Requeued]) -> None:
        """Move the files of the newest commit to where they belong now.

        Args:
            consumed: the notes of requeued files that it took.
        """
        self.publish_rejects()
        self._archive.forget(consumed, self._archive.carry_out(self._moves()))
        self._ledger.finish()

    def recover(self, moves: Iterable[Move], state: State) -> None:
        """Do all that follows the view, and remove what belongs to no commit.

        Args:
            moves: those that are still to be done.
            state: the current one.
        """
        self.publish_rejects()
        begun = not self._ledger.is_finished()
        if begun:
            self._archive.put_back(self._moves())
        done = self._archive.carry_out(moves)
        self._archive.forget(self._notes(), done)
        self._layout.sweep_notes((Path(move.target) for move in self._moves()), copies=begun)
        if begun:
            settle(self._layout, self._ledger.dataset, self._moves())
        self.forget(state)

    def forget(self, state: State) -> None:
        """Remove the files that a prune forgot, and Parquet files that no commit knows any more.

        Args:
            state: the current one.
        """
        newest = self._ledger.newest()
        if newest is not None and newest.horizon is not None and not self._ledger.is_finished():
            name, commits = self._ledger.dataset, self._ledger.commits
            forgotten.remove(forgotten.forgotten(self._layout, name, commits, state, newest.horizon))
        self._ledger.sweep()
        self._ledger.finish()

    def _moves(self) -> tuple[Move, ...]:
        newest = self._ledger.newest()
        return moves_of(newest) if newest else ()

    def _notes(self) -> list[Requeued]:
        """The notes of requeued files that the newest commit took."""
        newest = self._ledger.newest()
        if newest is None or newest.kind == "rebuild" or self._ledger.is_finished():
            return []
        taken = {(r.sha256, r.name, r.revision) for r in newest.files}
        return [n for n in read_requeued(self._layout.requeued) if (n.sha256, n.name, n.revision) in taken]
