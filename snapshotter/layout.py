"""Where things lie in a workspace; every path that the project touches is made here."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from snapshotter import disk
from snapshotter.errors import NoWorkspace

DEFAULT = "default"


@dataclass(frozen=True)
class Layout:
    """The folders of one workspace; `root` is resolved, so that nothing leads out of it."""

    root: Path

    @classmethod
    def of(cls, folder: Path | str) -> Layout:
        """The layout of an existing workspace.

        Raises:
            NoWorkspace: it is none, or cannot be read.
        """
        try:
            layout = cls(Path(folder).resolve())
            if not layout.root.is_dir():
                raise NoWorkspace(path=folder, problem="there is no such folder")
            if not layout.queue.is_dir():
                raise NoWorkspace(path=folder, problem="it has no folder input/processing/")
            next(layout.queue.iterdir(), None)
        except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself, before Python 3.13
            problem = error.strerror if isinstance(error, OSError) else error
            raise NoWorkspace(path=folder, problem=str(problem)) from None
        return layout

    @property
    def input(self) -> Path:
        """The folder of the queue and the archive."""
        return self.root / "input"

    @property
    def queue(self) -> Path:
        """Files that wait."""
        return self.input / "processing"

    @property
    def processed(self) -> Path:
        """Files that were taken."""
        return self.input / "processed"

    @property
    def rejected(self) -> Path:
        """Files that were refused or withdrawn."""
        return self.input / "rejected"

    @property
    def output(self) -> Path:
        """All that the project makes."""
        return self.root / "output"

    @property
    def lock(self) -> Path:
        """The writer's lock."""
        return self.root / ".snapshotter.lock"

    @property
    def watch_lock(self) -> Path:
        """Held by a watch for as long as it lives."""
        return self.root / ".snapshotter.watch.lock"

    @property
    def heartbeat(self) -> Path:
        """What a watch is doing."""
        return self.root / ".snapshotter.watch.json"

    @property
    def requeued(self) -> Path:
        """What files are called that were moved back to the queue; not in it, where whoever drops could write it."""
        return self.root / ".snapshotter.requeued.json"

    @property
    def logs(self) -> Path:
        """The folder of a watch's logs."""
        return self.root / "logs"

    def latest(self, dataset: str) -> Path:
        """The view."""
        return self.output / "latest.csv" if dataset == DEFAULT else self.output / dataset / "latest.csv"

    def draft(self, dataset: str, snapshot: int) -> Path:
        """The view of a snapshot that is about to be published, beside the old one."""
        return self.latest(dataset).with_name(f"{disk.TEMPORARY}latest-{snapshot}.tmp")

    def rejects(self, dataset: str) -> Path:
        """Rows that were refused out of applied files."""
        return self.output / "rejects" / dataset

    def ledger(self, dataset: str) -> Path:
        """The Delta table."""
        return self.output / "ledger" / dataset

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder of a writer for what does not fit into memory; gone afterwards, whatever happens."""
        disk.make_folder(self.output)
        with disk.writing(self.output):
            folder = Path(tempfile.mkdtemp(prefix=disk.TEMPORARY, dir=self.output))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep_scratch(self) -> None:
        """Remove the scratch folders of killed writers; only under the lock."""
        self._sweep(f"{disk.TEMPORARY}*", self.output)

    def sweep_drafts(self) -> None:
        """Remove drafts of views that nothing was committed for; only under the lock, after recovery."""
        folders = [
            p for p in (*self.output.glob("*"), *self.output.glob("rejects/*")) if p.is_dir() and not p.is_symlink()
        ]
        self._sweep(f"{disk.TEMPORARY}*.tmp", self.output, *folders)

    def sweep_notes(self, targets: Iterable[Path], *, copies: bool) -> None:
        """Remove drafts of notes: beside the lock, and where refused files went (in `input/`).

        With `copies`, those of files that could not be linked, too: wherever files went.
        """
        folders = {self.input / target.parent for target in targets if copies or target.parts[0] == "rejected"}
        self._sweep(f"{disk.TEMPORARY}*.tmp", self.root, self.queue, self.rejected, *folders)

    def _sweep(self, pattern: str, *folders: Path) -> None:
        for folder in folders:
            for entry in folder.glob(pattern) if folder.is_dir() else ():
                if entry.is_dir() or pattern.endswith(".tmp"):
                    disk.remove_tree(entry)
