"""The Delta log on a local file system: entries that are durable before they exist.

deltalake makes the table; the entries behind the first are our own, since deltalake does not fsync, and after a
power cut its newest entry can be empty without an error. An entry is written under a temporary name, made
durable, and linked to its number: a link fails if another writer took the number. Ours hold five actions of
the Delta protocol (https://github.com/delta-io/delta/blob/master/PROTOCOL.md), reader version 1 and writer
version 2: commitInfo, metaData, add, remove, txn.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from snapshotter import disk
from snapshotter.contract.columns import StoredColumn
from snapshotter.errors import LedgerDamaged, LedgerForeign
from snapshotter.ledger.history import Entry, History
from snapshotter.ledger.records import FORMAT, Commit, PartRecord

APPLICATION = "snapshotter"
_ENTRY = re.compile(r"\d{20}\.json")
_PROTOCOL = {"minReaderVersion": 1, "minWriterVersion": 2}
# Only `prune` forgets: no clean-up of the log and no checkpoint but our own.
_PROPERTIES = {
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
    "delta.checkpointInterval": "1000000",
}
# The columns that the table has for itself: (name, Delta type).
OWN_COLUMNS = (
    ("_batch", "integer"),
    ("source_filename", "string"),
    ("source_revision", "integer"),
    ("source_row", "long"),
    ("_instant", "timestamp"),
    ("_deleted", "boolean"),
)


_Mark = tuple[int, int, int]  # inode, mtime (ns), size


class Log:
    """The `_delta_log` of one table, and the history of the entries that left it.

    Args:
        root: the table's folder.
        dataset: its name, for messages.
    """

    def __init__(self, root: Path, dataset: str) -> None:
        """Nothing is read yet."""
        self.root, self.dataset = root, dataset
        self.folder = root / "_delta_log"
        self.history = History(root)
        self._forget()

    def _forget(self) -> None:
        self.commits: list[tuple[int, Commit]] = []
        self.version, self.digest = -1, ""
        self._metadata: dict[str, Any] = {}
        self._contract: dict[str, Any] = {}  # of the newest snapshot: an entry has its own only if it is another one
        self._marks: dict[Path, _Mark] = {}

    def exists(self) -> bool:
        """Whether there is a table."""
        return bool(self.versions())

    def versions(self) -> list[int]:
        """The versions whose entries are in `_delta_log`, in order."""
        if not self.folder.is_dir():
            return []
        return sorted(int(entry.name[:20]) for entry in self.folder.iterdir() if _ENTRY.fullmatch(entry.name))

    def create(self) -> None:
        """Make the table, durably; a half-made one of a killed process is made anew."""
        from deltalake import (
            DeltaTable,
            Field,
            Schema,
        )  # 0.08 s, and only the first run of a dataset needs it
        from deltalake.schema import PrimitiveType

        disk.make_folder(self.root)
        fields = [Field(name, PrimitiveType(kind), nullable=True) for name, kind in OWN_COLUMNS]
        with disk.writing(self.root):
            DeltaTable.create(str(self.root), Schema(fields), name=self.dataset, configuration=_PROPERTIES)
        disk.sync_file(self.entry(0))
        disk.sync_folder(self.folder)
        disk.sync_folder(self.root)

    def read(self, *, until: int | None = None) -> bool:
        """Read the entries that were not read yet into `commits`, `version` and `digest` (of the newest entry).

        Args:
            until: leave out later entries: they are torn, and nobody was told of them.

        Returns:
            Whether what had been read before still holds; if not, all was read anew.

        Raises:
            LedgerDamaged: an entry is missing, or does not hold what it says.
            LedgerForeign: something else wrote to the table, or a newer version of this.
        """
        entries, goes_on = self._later_entries(), until is None or self.version <= until
        if entries is None or not goes_on:
            self._forget()
            entries, goes_on = self._all_entries(), False
        try:
            for version, content in entries:
                if until is None or version <= until:
                    self._take(version, content)
        except BaseException:
            self._forget()  # half of a log is none
            raise
        self.remember()
        return goes_on

    def _later_entries(self) -> list[Entry] | None:
        """The entries behind those that were read; None if those are not all as they were."""
        marks = self._present()
        if self.version < 0 or any(marks.get(path) != mark for path, mark in self._marks.items()):
            return None
        versions = [version for version in self.versions() if version > self.version]
        found = [(version, content) for version in versions if (content := self._bytes(version)) is not None]
        is_whole = [version for version, _ in found] == list(range(self.version + 1, self.version + 1 + len(found)))
        return found if is_whole else None

    def _all_entries(self) -> list[Entry]:
        """Every entry: what is in `_delta_log` is read first, since what leaves it is in the history before."""
        for _ in range(2):
            present = [
                (version, content) for version in self.versions() if (content := self._bytes(version)) is not None
            ]
            try:
                first = present[0][0] if present else 0
                shed = {version: content for version, content in self.history.read() if version < first}
            except (ValueError, OSError) as error:
                raise self.damaged(f"its history cannot be read: {error}") from None
            entries = [*shed.items(), *present]
            if [version for version, _ in entries] == list(range(len(entries))):
                return entries
        raise self.damaged("an entry is missing from its log")

    def _bytes(self, version: int) -> bytes | None:
        """An entry; None if it left the log since it was seen there."""
        try:
            return self.entry(version).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.damaged(f"entry {version} of its log cannot be read: {error.strerror}") from None

    def _present(self) -> dict[Path, _Mark]:
        """What tells each file of the log from another one of its name, such as one of a ledger that was begun anew."""
        found = {}
        for path in [*map(self.entry, self.versions()), *self.history.files()]:
            with suppress(FileNotFoundError):
                status = path.stat()
                found[path] = (status.st_ino, status.st_mtime_ns, status.st_size)
        return found

    def remember(self) -> None:
        """Take the files of the log for what was read, after they were changed by their owner."""
        self._marks = self._present()

    def _take(self, version: int, content: bytes) -> None:
        actions = self._actions(version, content)
        self._take_metadata(actions)
        infos = [a["commitInfo"] for a in actions if isinstance(a.get("commitInfo"), dict)]
        record = next((info.get(APPLICATION) for info in infos), None)
        if record is not None:
            commit = self._commit(version, record, actions)
            if commit.previous and commit.previous != self.digest:
                raise self.damaged(f"entry {version - 1} of its log is not what it was")
            self._keep(version, commit)
        elif version:
            raise self._foreign(f"version {version} of the table was not written by snapshotter")
        self.version, self.digest = version, hashlib.sha256(content).hexdigest()

    def append(self, commit: Commit, sizes: Iterable[PartRecord] = ()) -> None:
        """Commit: this is the point from which the change counts.

        Args:
            commit: our record.
            sizes: the records of the parts that the commit removes.

        Raises:
            LedgerForeign: another writer made this version.
            NotWritten: the system refused; nothing counts.
        """
        version, commit = self.version + 1, commit.model_copy(update={"previous": self.digest})
        told = commit.model_copy(update={"contract": {}}) if commit.contract == self._contract else commit
        lines = "".join(
            json.dumps(action, ensure_ascii=False, separators=(",", ":")) + "\n"
            for action in self._entry_of(told, list(sizes))
        )
        try:
            disk.create(self.entry(version), lines.encode(), self.root)
        except FileExistsError:
            raise self._foreign("another program committed at the same time") from None
        self._keep(version, commit)
        self.version, self.digest = version, hashlib.sha256(lines.encode()).hexdigest()
        self.remember()

    def _keep(self, version: int, commit: Commit) -> None:
        """Take a commit in; contracts that are equal are one object, however many snapshots were made under it."""
        if commit.snapshot is not None:
            if commit.contract and commit.contract != self._contract:
                self._contract = commit.contract
            commit = commit.model_copy(update={"contract": self._contract})
        self.commits.append((version, commit))

    def entry(self, version: int) -> Path:
        """Where the entry of a version is, while it is in `_delta_log`."""
        return self.folder / f"{version:020d}.json"

    def _actions(self, version: int, content: bytes) -> list[dict[str, Any]]:
        try:
            actions = [json.loads(line) for line in content.decode().split("\n") if line]
        except ValueError:
            raise self.damaged(f"entry {version} of its log cannot be read") from None
        if not actions or not all(isinstance(action, dict) for action in actions):
            raise self.damaged(f"entry {version} of its log is empty")
        return actions

    def _take_metadata(self, actions: Sequence[dict[str, Any]]) -> None:
        for action in actions:
            if "metaData" in action:
                self._metadata = action["metaData"]
            protocol = action.get("protocol", _PROTOCOL)
            if {key: protocol.get(key) for key in _PROTOCOL} != _PROTOCOL:
                raise self._foreign("its Delta protocol is not reader 1, writer 2")

    def _commit(self, version: int, record: dict[str, Any], actions: Sequence[dict[str, Any]]) -> Commit:
        if record.get("format", 0) > FORMAT:
            raise self._foreign("a newer version of snapshotter wrote it")
        try:
            commit = Commit.model_validate(record)
        except ValidationError:
            raise self.damaged(f"entry {version} of its log does not hold a commit") from None
        added = {_path_of(action["add"]) for action in actions if "add" in action}
        removed = {_path_of(action["remove"]) for action in actions if "remove" in action}
        if added != {part.path for part in commit.parts} or removed != set(commit.removed_parts):
            raise self.damaged(f"entry {version} of its log does not hold the files it says")
        return commit

    def _entry_of(self, commit: Commit, removed: list[PartRecord]) -> list[dict[str, Any]]:
        at = int(commit.at.timestamp() * 1000)
        info = {
            "timestamp": at,
            "operation": "WRITE",
            "operationParameters": {"mode": "Append", "partitionBy": "[]"},
            "engineInfo": APPLICATION,
            APPLICATION: commit.model_dump(mode="json", exclude_defaults=True) | {"format": FORMAT},
        }
        actions: list[dict[str, Any]] = [{"commitInfo": info}]
        if commit.columns:
            self._metadata = {**self._metadata, "schemaString": self._schema_with(commit.columns)}
            actions.append({"metaData": self._metadata})
        # Readers that follow what is new in a table have nothing to see where rows only change their file.
        is_new = commit.kind not in ("upkeep", "prune")
        actions += [_add(part, at, is_new=is_new) for part in commit.parts]
        actions += [_remove(part, at, is_new=is_new) for part in removed]
        if commit.snapshot is not None:
            actions.append({"txn": {"appId": APPLICATION, "version": commit.snapshot, "lastUpdated": at}})
        return actions

    def _schema_with(self, columns: Sequence[StoredColumn]) -> str:
        schema = json.loads(self._metadata["schemaString"])
        for column in columns:
            schema["fields"].append(_field(column.physical, delta_type(column.type)))
            if column.offset:
                schema["fields"].append(_field(column.offset, "string"))
        return json.dumps(schema, ensure_ascii=False)

    def damaged(self, problem: str) -> LedgerDamaged:
        """The error for what is wrong with the log."""
        return LedgerDamaged(dataset=self.dataset, problem=problem)

    def _foreign(self, problem: str) -> LedgerForeign:
        return LedgerForeign(dataset=self.dataset, problem=problem)


def _path_of(action: object) -> object:
    return action.get("path") if isinstance(action, dict) else None


def delta_type(contract_type: str) -> str:
    """The Delta Lake type that stores a contract's type."""
    kinds = {
        "integer": "long",
        "number": "double",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp",
    }
    return contract_type if contract_type.startswith("decimal") else kinds.get(contract_type, "string")


def _field(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "nullable": True, "metadata": {}}


def _add(part: PartRecord, at: int, *, is_new: bool) -> dict[str, Any]:
    statistics = json.dumps({"numRecords": part.rows})  # no minima: a wrong one makes readers drop rows silently
    return {
        "add": {
            "path": part.path,
            "partitionValues": {},
            "size": part.size,
            "modificationTime": at,
            "dataChange": is_new,
            "stats": statistics,
        }
    }


def _remove(part: PartRecord, at: int, *, is_new: bool) -> dict[str, Any]:
    return {
        "remove": {
            "path": part.path,
            "deletionTimestamp": at,
            "dataChange": is_new,
            "extendedFileMetadata": True,
            "partitionValues": {},
            "size": part.size,
        }
    }
