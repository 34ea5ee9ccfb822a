"""The Delta log on a local file system: entries that are durable before they exist.

deltalake makes the table; the entries behind the first are our own, since deltalake does not fsync, and after a
power cut its newest entry can be empty without an error. An entry is written under a temporary name, made
durable, and linked to its number: a link fails if another writer took the number. Ours hold five actions of
the Delta protocol (https://github.com/delta-io/delta/blob/master/PROTOCOL.md), reader version 1 and writer
version 2: commitInfo, metaData, add, remove, txn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from snapshotter import disk
from snapshotter.contract.columns import StoredColumn
from snapshotter.errors import LedgerDamaged, LedgerForeign
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


class Log:
    """The `_delta_log` of one table.

    Args:
        root: the table's folder.
        dataset: its name, for messages.
    """

    def __init__(self, root: Path, dataset: str) -> None:
        """Nothing is read yet."""
        self.root, self.dataset = root, dataset
        self.folder = root / "_delta_log"
        self._metadata: dict[str, Any] = {}

    def exists(self) -> bool:
        """Whether there is a table."""
        return bool(self.versions())

    def versions(self) -> list[int]:
        """The versions that the log holds, in order."""
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
        disk.sync_file(self._entry(0))
        disk.sync_folder(self.folder)
        disk.sync_folder(self.root)

    def read(self) -> list[tuple[int, Commit]]:
        """All commits of ours, with their versions.

        Raises:
            LedgerDamaged: an entry is missing, or does not hold what it says.
            LedgerForeign: something else wrote to the table, or a newer version of this.
        """
        versions = self.versions()
        if versions != list(range(len(versions))):
            raise self._damaged("an entry is missing from its log")
        commits = []
        for version in versions:
            actions = self._actions(version)
            self._take_metadata(actions)
            record = next((a["commitInfo"].get(APPLICATION) for a in actions if "commitInfo" in a), None)
            if record is not None:
                commits.append((version, self._commit(version, record, actions)))
            elif version:
                raise self._foreign(f"version {version} of the table was not written by snapshotter")
        return commits

    def append(self, version: int, commit: Commit, sizes: Iterable[PartRecord] = ()) -> None:
        """Commit: this is the point from which the change counts.

        Args:
            version: the Delta version that it makes, one more than the last.
            commit: our record.
            sizes: the records of the parts that the commit removes.

        Raises:
            LedgerForeign: another writer made this version.
            NotWritten: the system refused; nothing counts.
        """
        lines = "".join(
            json.dumps(action, ensure_ascii=False, separators=(",", ":")) + "\n"
            for action in self._entry_of(commit, list(sizes))
        )
        try:
            disk.create(self._entry(version), lines.encode(), self.root)
        except FileExistsError:
            raise self._foreign("another program committed at the same time") from None

    def _entry(self, version: int) -> Path:
        return self.folder / f"{version:020d}.json"

    def _actions(self, version: int) -> list[dict[str, Any]]:
        try:
            text = self._entry(version).read_bytes().decode()
            actions = [json.loads(line) for line in text.split("\n") if line]
        except ValueError:
            raise self._damaged(f"entry {version} of its log cannot be read") from None
        except OSError as error:
            raise self._damaged(f"entry {version} of its log cannot be read: {error.strerror}") from None
        if not actions or not all(isinstance(action, dict) for action in actions):
            raise self._damaged(f"entry {version} of its log is empty")
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
            raise self._damaged(f"entry {version} of its log does not hold a commit") from None
        added = {action["add"]["path"] for action in actions if "add" in action}
        removed = {action["remove"]["path"] for action in actions if "remove" in action}
        if added != {part.path for part in commit.parts} or removed != set(commit.removed_parts):
            raise self._damaged(f"entry {version} of its log does not hold the files it says")
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
        actions += [_add(part, at) for part in commit.parts]
        actions += [_remove(part, at) for part in removed]
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

    def _damaged(self, problem: str) -> LedgerDamaged:
        return LedgerDamaged(dataset=self.dataset, problem=problem)

    def _foreign(self, problem: str) -> LedgerForeign:
        return LedgerForeign(dataset=self.dataset, problem=problem)


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


def _add(part: PartRecord, at: int) -> dict[str, Any]:
    statistics = json.dumps({"numRecords": part.rows})  # no minima: a wrong one makes readers drop rows silently
    return {
        "add": {
            "path": part.path,
            "partitionValues": {},
            "size": part.size,
            "modificationTime": at,
            "dataChange": True,
            "stats": statistics,
        }
    }


def _remove(part: PartRecord, at: int) -> dict[str, Any]:
    return {
        "remove": {
            "path": part.path,
            "deletionTimestamp": at,
            "dataChange": True,
            "extendedFileMetadata": True,
            "partitionValues": {},
            "size": part.size,
        }
    }
