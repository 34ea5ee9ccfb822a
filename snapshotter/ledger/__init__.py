"""The ledger: every accepted row, by batch, in a Delta table; with the contracts in its log it is the only truth."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from pathlib import Path

from snapshotter import disk
from snapshotter.errors import LedgerDamaged, NoSuchSnapshot, NotRestorable
from snapshotter.ledger.log import Log
from snapshotter.ledger.records import Commit, PartRecord
from snapshotter.ledger.state import Batch, State, fold


class Ledger:
    """One dataset's ledger.

    Args:
        root: the Delta table's folder, `output/ledger/<dataset>`.
        dataset: the dataset's name.
    """

    def __init__(self, root: Path, dataset: str) -> None:
        """Nothing is read yet."""
        self.root, self.dataset = root, dataset
        self._log = Log(root, dataset)
        self._commits: list[tuple[int, Commit]] = []

    def exists(self) -> bool:
        """Whether anything was ever committed."""
        return self._log.exists()

    def open(self) -> State:
        """Read the log.

        Raises:
            LedgerDamaged: the log, or a live Parquet file, is not what the log says.
            LedgerForeign: something else wrote to the table.
        """
        self._commits = self._log.read()
        self._refuse_lost_entries()
        state = fold(self._commits)
        for part in state.parts.values():
            self._verify_size(part)
        return state

    def at(self, snapshot: int) -> State:
        """The state as of a snapshot.

        Raises:
            NoSuchSnapshot: there is none of that number.
            NotRestorable: its rows are not all there any more.
        """
        state = fold(self._commits, until=snapshot)
        if snapshot not in state.snapshots:
            numbers = sorted(fold(self._commits).snapshots)
            known = f"1 to {numbers[-1]}" if numbers else "none yet"
            raise NoSuchSnapshot(dataset=self.dataset, snapshot=snapshot, known=known)
        sizes = self._sizes()
        gone = [part.path for part in state.parts.values() if sizes.get(part.path) != part.size]
        if gone:
            problem = f"{len(gone)} of its Parquet files are gone or damaged"
            raise NotRestorable(dataset=self.dataset, snapshot=snapshot, problem=problem)
        return state

    def restorable(self) -> set[int]:
        """The numbers of the snapshots whose rows are all there."""
        sizes = self._sizes()
        live: dict[str, int] = {}
        found = set()
        for _, commit in self._commits:
            for path in commit.removed_parts:
                live.pop(path)
            live |= {part.path: part.size for part in commit.parts}
            if commit.snapshot is not None and live.items() <= sizes.items():
                found.add(commit.snapshot)
        return found

    def newest(self) -> Commit | None:
        """The newest commit, of whatever kind."""
        return self._commits[-1][1] if self._commits else None

    def new_part(self) -> Path:
        """A path for a new Parquet file; nothing is there yet."""
        return self.root / f"part-{uuid.uuid4().hex}.parquet"

    def all_parts(self) -> dict[str, PartRecord]:
        """Every Parquet file that a commit ever named."""
        return {part.path: part for _, commit in self._commits for part in (*commit.parts, *commit.shelved)}

    def holding(self, batches: Iterable[Batch]) -> dict[str, list[int]]:
        """The Parquet files that hold the rows of batches which do not count now, and which of them each holds.

        Raises:
            NotRestorable: the rows of a batch are not there any more.
        """
        sizes, found = self._sizes(), dict[str, list[int]]()
        there = [part for part in self.all_parts().values() if sizes.get(part.path) == part.size]
        for batch in batches:
            part = next((part for part in there if batch.id in part.batches), None)
            if part is not None:
                found.setdefault(part.path, []).append(batch.id)
            elif batch.record.accepted:
                what = f"the rows of {batch.record.name!r}, revision {batch.record.revision}, which would count again,"
                problem = f"{what} are not there any more; nothing was changed"
                raise NotRestorable(dataset=self.dataset, snapshot=batch.snapshot, problem=problem)
        return found

    def prepare(self) -> None:
        """Make the table if there is none."""
        if not self.exists():
            disk.remove_tree(self.root / "_delta_log")
            self._log.create()
            self._commits = self._log.read()

    def commit(self, commit: Commit) -> State:
        """Make a change count; the COMMIT POINT of the write order.

        Args:
            commit: the record; its parts are written and durable.

        Returns:
            The state after it.
        """
        before = fold(self._commits)
        version = max(before.version, 0) + 1
        self._log.append(version, commit, [before.parts[path] for path in commit.removed_parts])
        self._acknowledge(version, finished=False)
        self._commits.append((version, commit))
        return fold(self._commits)

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
        for entry in self.root.iterdir():
            if entry.name.startswith(disk.TEMPORARY) or (entry.suffix == ".parquet" and entry.name not in named):
                disk.remove(entry)

    def finish(self) -> None:
        """Note that all files are where the newest commit wants them: what moves from now on, a person moves."""
        if self._commits and not self.is_finished():
            self._acknowledge(self._commits[-1][0], finished=True)

    def is_finished(self) -> bool:
        """Whether the newest commit was followed to its end."""
        note = self._acknowledged()
        return not self._commits or (note.get("version") == self._commits[-1][0] and bool(note.get("finished")))

    @property
    def _note(self) -> Path:
        """The number of the newest entry that was acknowledged: an entry that is lost cannot tell of itself."""
        return self.root / "_acknowledged.json"

    def _acknowledge(self, version: int, *, finished: bool) -> None:
        disk.replace(self._note, json.dumps({"version": version, "finished": finished}).encode())

    def _acknowledged(self) -> dict[str, int]:
        try:
            note = json.loads(self._note.read_bytes())
            return {"version": int(note["version"]), "finished": int(note.get("finished", False))}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise LedgerDamaged(dataset=self.dataset, problem=f"{self._note.name} cannot be read") from None

    def _refuse_lost_entries(self) -> None:
        versions = self._log.versions()
        if not versions and self.root.is_dir() and any(self.root.glob("*.parquet")):
            raise LedgerDamaged(dataset=self.dataset, problem="its log is gone")
        acknowledged = self._acknowledged().get("version", -1)
        if acknowledged > max(versions, default=-1):
            raise LedgerDamaged(dataset=self.dataset, problem=f"entry {acknowledged} of its log is gone")

    def _sizes(self) -> dict[str, int]:
        return {entry.name: entry.stat().st_size for entry in self.root.glob("*.parquet")}

    def _verify_size(self, part: PartRecord) -> None:
        try:
            size = (self.root / part.path).stat().st_size
        except OSError as error:
            raise LedgerDamaged(dataset=self.dataset, problem=f"{part.path}: {error.strerror}") from None
        if size != part.size:
            raise LedgerDamaged(dataset=self.dataset, problem=f"{part.path} has {size} bytes, not {part.size}")
