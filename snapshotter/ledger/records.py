"""What a commit says of itself: our record inside each entry of the Delta log.

These models are the format of the ledger on the disk. A field is only ever added, with a default.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from snapshotter.contract.columns import StoredColumn

FORMAT = 1


class Status(StrEnum):
    """What became of a file. The first five are said by a run, the others come later."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    EMPTY = "empty"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    ROLLED_BACK = "rolled_back"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class FailureGroup(_Record):
    """Rows that were refused for one reason; in a file that is refused because of them."""

    column: str
    rule: str
    reason: str
    rows: int


class Failure(_Record):
    """Why a whole file was refused.

    Args:
        rule: the rule's name.
        reason: for a person; never holds a cell's value.
        column: the column at fault, if one is.
        row: the number of the record at fault (header 0, first record 1), if one is.
        groups: what was wrong with its rows, if there were too many of them.
        candidates: names in its header that may be the column that is missing.
    """

    rule: str
    reason: str
    column: str | None = None
    row: int | None = None
    groups: tuple[FailureGroup, ...] = ()
    candidates: tuple[str, ...] = ()


class FileRecord(_Record):
    """A file that a run took out of the queue, or that a rebuild read again.

    Args:
        name, revision: the batch.
        sha256: digest of the file's bytes; empty for what is not a regular file.
        size: in bytes.
        inode, modified: of the file when it was read (ns), to know it again.
        status: what the run decided.
        queued: its path in the queue, which differs from the name after a requeue.
        raw: the bytes of that path in hexadecimal, if it cannot be printed.
        archived: its path inside `input/` afterwards (`processed/…` or `rejected/…`).
        batch: the number that its rows carry; None if it has none.
        batch_time: the time inside its name.
        shape: index of its header in the ledger's list of shapes.
        acceptance: digest of the contract that accepted it.
        replaces: whether earlier revisions of its name do not count beside it (`replace_revisions`).
        picked_up: when it was taken out of the queue, if that was not when it was judged last (a rebuild).
        read, accepted, rejected: numbers of records.
        corrected: (column, correction, number of accepted cells that it changed).
        empty: the columns of its header that are empty in every accepted record.
        rejects: path of its rejected rows inside `output/rejects/<dataset>/`, and the digest of that file.
        warnings, failure: what a person should know.
    """

    name: str
    revision: int
    sha256: str
    size: int
    status: Status
    queued: str
    archived: str
    raw: str = ""
    inode: int = 0
    modified: int = 0
    batch: int | None = None
    batch_time: datetime | None = None
    shape: int | None = None
    acceptance: str = ""
    replaces: bool = False
    picked_up: datetime | None = None
    read: int = 0
    accepted: int = 0
    rejected: int = 0
    corrected: tuple[tuple[str, str, int], ...] = ()
    empty: tuple[int, ...] = ()
    rejects: str | None = None
    rejects_sha256: str | None = None
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None


class PartRecord(_Record):
    """A Parquet file of the table.

    Args:
        path: its name in the table's folder.
        rows, size, sha256: what is in it.
        batches: the batches whose rows it holds.
    """

    path: str
    rows: int
    size: int
    sha256: str
    batches: tuple[int, ...]


class ViewRecord(_Record):
    """The rendered `latest.csv` of a snapshot; inode and mtime (ns) are those it had when it was written."""

    sha256: str
    rows: int
    size: int
    inode: int
    modified: int


class Counts(_Record):
    """What a run did, in rows; see the specification, section 5."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    deleted: int = 0
    ties: int = 0


class Move(_Record):
    """A file that changes its folder because of a commit; paths are relative to `input/`.

    Args:
        source, target: from where to where.
        raw: where the source is, if its name cannot be printed: its bytes inside `input/`, in hexadecimal.
        batch: the batch whose file it is, if it has a number.
        name, revision, batch_time: of the batch, for a file that goes back to the queue.
        sha256, size, inode, modified: of the file; without a digest it is no regular file.
        reason: for `input/rejected/`, why it is there.
    """

    source: str
    target: str
    raw: str = ""
    batch: int | None = None
    name: str = ""
    revision: int = 0
    batch_time: datetime | None = None
    sha256: str = ""
    size: int = 0
    inode: int = 0
    modified: int = 0
    reason: Failure | None = None


Kind = Literal["run", "reset", "withdraw", "config", "rebuild", "files", "upkeep", "prune"]


class Commit(_Record):
    """One change of the ledger.

    Args:
        previous: sha256 of the log's entry before this one.
        kind: `files` only records what became of files, `upkeep` puts Parquet files together, and `prune` forgets;
            all others make a snapshot.
        snapshot: the number of the snapshot that it makes.
        at: when.
        contract: the dataset's configuration, as it holds for this snapshot; in the log only where it is another one
            than that of the snapshot before.
        target: the snapshot that a reset goes back to.
        files: the files that the run took out of the queue, or that the rebuild read again.
        added, dropped: batches that count from now on although an earlier commit brought them, or no longer.
        columns: columns that are new in the table.
        shapes: headers that are new: (index of the column, published name) in the header's order.
        parts, removed_parts: Parquet files that belong to the table from now on, or no longer.
        shelved: Parquet files beside the table: rows that do not count now, but may again.
        forgotten: Parquet files that are removed: what they held is in others now, or was pruned.
        horizon: of a prune: the oldest snapshot that can still be restored.
        mingled: of a prune: batches that snapshots before this one brought have lost rows that others of them hid.
        moves: archived files that go elsewhere.
        counts, view: the result.
    """

    format: int = FORMAT
    previous: str = ""
    kind: Kind
    snapshot: int | None = None
    at: datetime
    contract: dict[str, Any] = {}
    target: int | None = None
    files: tuple[FileRecord, ...] = ()
    added: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    columns: tuple[StoredColumn, ...] = ()
    shapes: tuple[tuple[tuple[int, str], ...], ...] = ()
    parts: tuple[PartRecord, ...] = ()
    removed_parts: tuple[str, ...] = ()
    shelved: tuple[PartRecord, ...] = ()
    forgotten: tuple[str, ...] = ()
    horizon: int | None = None
    mingled: int = 1
    moves: tuple[Move, ...] = ()
    counts: Counts = Counts()
    view: ViewRecord | None = None
