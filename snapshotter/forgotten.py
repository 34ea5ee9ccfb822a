"""The files that a prune removes: those of runs before the horizon, in the archive and among the refused rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from snapshotter import disk
from snapshotter.archive import digest
from snapshotter.layout import Layout
from snapshotter.ledger.records import Commit, FileRecord
from snapshotter.ledger.state import State


@dataclass(frozen=True)
class Forgotten:
    """A file that goes.

    Args:
        path: where it is.
        sha256: of its bytes: another file under its name stays.
        size: in bytes.
        inode, modified: of the file when it was taken; 0 if nobody knows.
    """

    path: Path
    sha256: str
    size: int
    inode: int = 0
    modified: int = 0

    @property
    def is_there(self) -> bool:
        """Whether the file that is meant lies there."""
        try:
            here = self.path.lstat()
            known = (here.st_ino, here.st_mtime_ns, here.st_size) == (self.inode, self.modified, self.size)
            return known or (self.path.is_file() and not self.path.is_symlink() and digest(self.path) == self.sha256)
        except OSError:
            return False


def forgotten(
    layout: Layout, dataset: str, commits: Sequence[tuple[int, Commit]], state: State, oldest: int
) -> list[Forgotten]:
    """The files that go with the snapshots before a horizon; what lies in `input/rejected/` stays.

    Args:
        layout: the workspace.
        dataset: its name.
        commits: all of its ledger.
        state: the current one.
        oldest: the snapshot at the horizon.
    """
    found = {}
    for record, path in behind(commits, state, oldest):
        if path:
            inside = layout.input / path
            found[inside] = Forgotten(inside, record.sha256, record.size, record.inode, record.modified)
        if record.rejects and record.rejects_sha256:
            refused = layout.rejects(dataset) / record.rejects
            found[refused] = Forgotten(refused, record.rejects_sha256, -1)
    return [file for file in found.values() if file.is_there]


def behind(commits: Sequence[tuple[int, Commit]], state: State, oldest: int) -> Iterator[tuple[FileRecord, str]]:
    """The files that were taken before a horizon, each with its path in `input/`; without one where it stays.

    Args:
        commits: all of the ledger.
        state: the current one.
        oldest: the snapshot at the horizon.
    """
    first = next((place for place, (_, commit) in enumerate(commits) if commit.snapshot == oldest), 0)
    staying = {_archived(record, state) for _, commit in commits[first:] for record in commit.files}
    for _, commit in commits[:first]:
        for record in commit.files:
            path = _archived(record, state)
            goes = path.startswith("processed/") and path not in staying and record.sha256
            yield record, path if goes else ""


def remove(files: Iterable[Forgotten]) -> None:
    """Remove files, durably."""
    folders: dict[Path, None] = {}
    for file in files:
        with disk.writing(file.path):
            file.path.unlink(missing_ok=True)
        folders[file.path.parent] = None
    for folder in folders:
        disk.sync_folder(folder)


def _archived(record: FileRecord, state: State) -> str:
    """Where the file of a record is now, inside `input/`."""
    batch = state.batches.get(record.batch) if record.batch is not None else None
    return batch.archived if batch else record.archived
