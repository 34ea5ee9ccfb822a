"""The ledger: every accepted row, by batch, in a Delta table; with the contracts in its log it is the only truth."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from pathlib import Path

from snapshotter import disk
from snapshotter.errors import LedgerDamaged, NoSuchSnapshot, NotRestorable
from snapshotter.ledger import checkpoint, history
from snapshotter.ledger.acknowledged import Acknowledged, Note
from snapshotter.ledger.folding import Fold, fold
from snapshotter.ledger.holdings import Holdings, restorable
from snapshotter.ledger.log import Log
from snapshotter.ledger.records import Commit, PartRecord
from snapshotter.ledger.state import Batch, State

_MAGIC = b"PAR1"  # https://parquet.apache.org/docs/file-format/: a file begins and ends so


class Ledger:
    """One dataset's ledger. Opened again, it reads only what was committed since.

    Args:
        root: the Delta table's folder, `output/ledger/<dataset>`.
        dataset: the dataset's name.
    """

    def __init__(self, root: Path, dataset: str) -> None:
        """Nothing is read yet."""
        self.root, self.dataset = root, dataset
        self._log = Log(root, dataset)
        self._acknowledged = Acknowledged(root, dataset)
        self._fold, self._folded = Fold(), 0
        self._state = State()

    @property
    def commits(self) -> list[tuple[int, Commit]]:
        """Every commit, with the Delta version that it made."""
        return self._log.commits

    def exists(self) -> bool:
        """Whether anything was ever committed."""
        return self._log.exists()

    def open(self, *, mend: bool = False, unnoted: bool = False) -> State:
        """Read the log.

        The newest entry, if it is torn and nobody was ever told of it, does not count: its files are still in the
        queue.

        Args:
            mend: set such an entry aside; only under the writer's lock.
            unnoted: do not look at the note of the newest entry; then every entry has to be whole.

        Raises:
            LedgerDamaged: the log, or a live Parquet file, is not what the log says.
            LedgerForeign: something else wrote to the table.
        """
        versions, known = self._log.versions(), Note() if unnoted else self._acknowledged.read()
        newest = max(versions, default=-1)
        self._refuse_lost_entries(newest, known.version)
        try:
            goes_on = self._log.read()
            self._verify_newest(known.digest if known.version == self._log.version else "")
        except LedgerDamaged:
            if unnoted or newest != max(known.version, 0) + 1:  # each entry is acknowledged before the next one is made
                raise
            goes_on = self._log.read(until=newest - 1)
            self._verify_newest(known.digest if known.version == self._log.version else "")
            if mend:
                disk.publish(self._log.entry(newest), self.root / f"_torn-{newest}-{uuid.uuid4().hex}.json")
                disk.sync_folder(self._log.folder)
        if not goes_on:
            self._fold, self._folded = Fold(), 0
        self._fold_new()
        for part in self._state.parts.values():
            self._verify_size(part)
        if mend and self.commits and self._log.version > known.version:
            disk.sync_folder(self._log.folder)  # made, but nobody was told: before anything follows, it must be durable
            self._acknowledged.write(self._log.version, self._log.digest, finished=False)
        return self._state

    def at(self, snapshot: int) -> State:
        """The state as of a snapshot, with the Parquet files in which its rows are now.

        Raises:
            NoSuchSnapshot: there is none of that number.
            NotRestorable: its rows are not all there any more.
        """
        known = self._state.snapshots
        if snapshot not in known:
            numbers = f"1 to {max(known)}" if known else "none yet"
            raise NoSuchSnapshot(dataset=self.dataset, snapshot=snapshot, known=numbers)
        if snapshot < self._state.horizon:
            problem = f"prune forgot what was before snapshot {self._state.horizon}"
            raise NotRestorable(dataset=self.dataset, snapshot=snapshot, problem=problem)
        state, missing = self.holdings().cover(fold(self.commits, until=snapshot))
        if missing:
            problem = f"the rows of {len(missing)} of its files are gone or damaged"
            raise NotRestorable(dataset=self.dataset, snapshot=snapshot, problem=problem)
        return state

    def restorable(self) -> set[int]:
        """The numbers of the snapshots whose rows are all there."""
        return restorable(self.commits, self.holdings().batches, self._state.horizon)

    def newest(self) -> Commit | None:
        """The newest commit, of whatever kind."""
        return self.commits[-1][1] if self.commits else None

    def new_part(self) -> Path:
        """A path for a new Parquet file; nothing is there yet."""
        return self.root / f"part-{uuid.uuid4().hex}.parquet"

    def all_parts(self) -> dict[str, PartRecord]:
        """Every Parquet file that a commit named and none forgot."""
        return self._fold.known

    def holdings(self) -> Holdings:
        """The Parquet files that are there, and what they hold."""
        sizes = {entry.name: entry.stat().st_size for entry in self.root.glob("*.parquet")}
        return Holdings({path: part for path, part in self.all_parts().items() if sizes.get(path) == part.size})

    def holding(self, batches: Iterable[Batch]) -> dict[str, set[int]]:
        """The Parquet files that hold the rows of batches which do not count now, and which of them each holds.

        Raises:
            NotRestorable: the rows of a batch are not there any more.
        """
        wanted = {batch.id: batch for batch in batches}
        found = self.holdings().assign(wanted)
        for number in wanted.keys() - set[int]().union(*found.values()):
            record = wanted[number].record
            if record.accepted:
                what = f"the rows of {record.name!r}, revision {record.revision}, which would count again,"
                problem = f"{what} are not there any more; nothing was changed"
                raise NotRestorable(dataset=self.dataset, snapshot=wanted[number].snapshot, problem=problem)
        return found

    def prepare(self) -> None:
        """Make the table if there is none."""
        if not self.exists():
            disk.remove_tree(self.root / "_delta_log")
            self._log.create()
            self._log.read()

    def commit(self, commit: Commit) -> State:
        """Make a change count; the COMMIT POINT of the write order.

        Args:
            commit: the record; its parts are written and durable.

        Returns:
            The state after it.
        """
        self._log.append(commit, [self._state.parts[path] for path in commit.removed_parts])
        self._acknowledged.write(self._log.version, self._log.digest, finished=False)
        self._fold_new()
        return self._state

    def part(self, path: Path, rows: int, batches: tuple[int, ...]) -> PartRecord:
        """Make a freshly written Parquet file durable and describe it."""
        disk.sync_file(path)
        disk.sync_folder(self.root)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return PartRecord(path=path.name, rows=rows, size=path.stat().st_size, sha256=digest, batches=batches)

    def sweep(self) -> None:
        """Remove what a killed process left: temporary files, and Parquet files that no commit names."""
        if not self.root.is_dir():
            return
        named = self.all_parts()
        for entry in (*self.root.iterdir(), *(self.root / history.FOLDER).glob(f"{disk.TEMPORARY}*")):
            if entry.name.startswith(disk.TEMPORARY) or (entry.suffix == ".parquet" and entry.name not in named):
                disk.remove(entry)

    def entries(self) -> int:
        """The number of entries in `_delta_log`."""
        return len(self._log.versions())

    def has_shed(self) -> bool:
        """Whether entries left `_delta_log` for the history."""
        return self._log.versions()[:1] > [0]

    def shed(self, keep: int) -> None:
        """Write a checkpoint for other readers, and move all but the newest entries into the history.

        Args:
            keep: the number of entries that stay.
        """
        checkpoint.shed(self._log, keep)

    def renew(self) -> None:
        """Make anew what is derived of the log: checkpoint, history and their digests."""
        checkpoint.renew(self._log)

    def finish(self) -> None:
        """Note that all files are where the newest commit wants them: what moves from now on, a person moves."""
        if self.commits and not self.is_finished():
            self._acknowledged.write(self._log.version, self._log.digest, finished=True)

    def note_again(self) -> None:
        """Write the note of the newest entry anew; whether that was carried out, a recovery finds out."""
        self._acknowledged.write(self._log.version, self._log.digest, finished=False)

    def is_finished(self) -> bool:
        """Whether the newest commit was followed to its end."""
        note = self._acknowledged.read()
        return not self.commits or (note.version == self._log.version and note.finished)

    def _fold_new(self) -> None:
        try:
            for version, commit in self.commits[self._folded :]:
                self._fold.add(version, commit)
        except (KeyError, IndexError, ValueError):  # of an entry that parses, but speaks of what never was
            self._fold, self._folded = Fold(), 0
            raise LedgerDamaged(dataset=self.dataset, problem="the entries of its log contradict each other") from None
        self._folded = len(self.commits)
        self._state = self._fold.state()

    def _refuse_lost_entries(self, newest: int, acknowledged: int) -> None:
        if newest < 0 and self.root.is_dir() and any(self.root.glob("*.parquet")):
            raise LedgerDamaged(dataset=self.dataset, problem="its log is gone")
        if acknowledged > newest:
            raise LedgerDamaged(dataset=self.dataset, problem=f"entry {acknowledged} of its log is gone")

    def _verify_newest(self, digest: str) -> None:
        """The newest entry is the one that was acknowledged, and its Parquet files can be opened."""
        if digest and digest != self._log.digest:
            raise LedgerDamaged(dataset=self.dataset, problem="the newest entry of its log is not what it was")
        newest = self.newest()
        for part in newest.parts if newest else ():
            self._verify_size(part)
            with (self.root / part.path).open("rb") as file:
                first = file.read(len(_MAGIC))
                file.seek(-len(_MAGIC), 2)
                if (first, file.read()) != (_MAGIC, _MAGIC):
                    raise LedgerDamaged(dataset=self.dataset, problem=f"{part.path} is no Parquet file any more")

    def _verify_size(self, part: PartRecord) -> None:
        try:
            size = (self.root / part.path).stat().st_size
        except OSError as error:
            raise LedgerDamaged(dataset=self.dataset, problem=f"{part.path}: {error.strerror}") from None
        if size != part.size:
            raise LedgerDamaged(dataset=self.dataset, problem=f"{part.path} has {size} bytes, not {part.size}")
