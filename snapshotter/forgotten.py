"""The files that a prune removes: those of runs before the horizon, in the archive and among the refused rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from snapshotter import disk
from snapshotter.archive import digest
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
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
    earlier = [commit.horizon for _, commit in commits if commit.horizon is not None and commit.horizon < oldest]
    records = list(behind(commits, state, oldest, since=max(earlier, default=1)))
    if not records:
        return []
    others, found = _of_others(layout, dataset), dict[Path, Forgotten]()
    for record, path in records:
        if path and path not in others:
            inside = layout.input / path
            found[inside] = Forgotten(inside, record.sha256, record.size, record.inode, record.modified)
    staying = {record.rejects for _, commit in commits[_place(commits, oldest) :] for record in commit.files}
    for record, _ in records:
        if record.rejects and record.rejects_sha256 and record.rejects not in staying:
            refused = layout.rejects(dataset) / record.rejects
            found[refused] = Forgotten(refused, record.rejects_sha256, -1)
    return [file for file in found.values() if file.is_there]


def behind(
    commits: Sequence[tuple[int, Commit]], state: State, oldest: int, *, since: int = 1
) -> Iterator[tuple[FileRecord, str]]:
    """The files that were taken before a horizon, each with a path in `input/`; without one where it stays.

    Args:
        commits: all of the ledger.
        state: the current one.
        oldest: the snapshot at the horizon.
        since: an earlier horizon; what was taken before that went with it.
    """
    begin, end = _place(commits, since), _place(commits, oldest)
    staying = {path for _, commit in commits[end:] for record in commit.files for path in _paths(record, state)}
    for _, commit in commits[begin:end]:
        for record in commit.files:
            yield record, ""
            for path in _paths(record, state) - staying:
                if path.startswith("processed/") and record.sha256:
                    yield record, path


def _place(commits: Sequence[tuple[int, Commit]], snapshot: int) -> int:
    """The place of the commit that made a snapshot; of the first one, the beginning."""
    places = (place for place, (_, commit) in enumerate(commits) if commit.snapshot == snapshot)
    return next(places, 0) if snapshot > 1 else 0


def _of_others(layout: Layout, dataset: str) -> set[str]:
    """The archived files that ledgers of other datasets name.

    Raises:
        LedgerDamaged: one of them cannot be read.
    """
    folder = layout.output / "ledger"
    names = [entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name != dataset]
    states = (Ledger(layout.ledger(name), name).open() for name in names)
    return {path for state in states for _, record in state.files for path in _paths(record, state)}


def remove(files: Iterable[Forgotten]) -> None:
    """Remove files, durably."""
    folders: dict[Path, None] = {}
    for file in files:
        with disk.writing(file.path):
            file.path.unlink(missing_ok=True)
        folders[file.path.parent] = None
    for folder in folders:
        disk.sync_folder(folder)


def _paths(record: FileRecord, state: State) -> set[str]:
    """Where the file of a record may be, inside `input/`: where it went, and where its batch says it is now."""
    batch = state.batches.get(record.batch) if record.batch is not None else None
    return {record.archived, batch.archived} if batch else {record.archived}
