"""Checkpoints for other readers of the table, and the entries that leave `_delta_log` once one stands for them.

`_digests.json` has the sha256 of what is derived here, so that `check` can tell whether it is what was written.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from snapshotter import disk
from snapshotter.errors import LedgerDamaged
from snapshotter.ledger.log import Log

DIGESTS = "_digests.json"
_POINTER = "_last_checkpoint"  # of the Delta protocol


def shed(log: Log, keep: int) -> None:
    """Write a checkpoint of the newest version, and move all but the newest entries into the history.

    Each step may be done twice, and after each of them the table can be read, by us and by others: the history is
    durable before the checkpoint is written, the checkpoint before the first entry goes, and entries go in
    ascending order.

    Args:
        log: read to its end.
        keep: the number of entries that stay.

    Raises:
        LedgerDamaged: deltalake makes other files of the log than we do; nothing was removed.
    """
    versions = log.versions()
    old = versions[: len(versions) - keep]
    if not old:
        return
    log.history.add([(version, log.entry(version).read_bytes()) for version in old])
    try:
        checkpoint = _write_checkpoint(log)
    except LedgerDamaged:  # by an older checkpoint, most likely: without it the log tells all
        _restore(log)
        checkpoint = _write_checkpoint(log)
    _note_digests(log, checkpoint)
    for version in log.versions()[:-keep]:
        with disk.writing(log.folder):
            log.entry(version).unlink(missing_ok=True)
    for path in log.folder.glob("*.checkpoint.parquet"):
        if path != checkpoint:
            with disk.writing(path):
                path.unlink(missing_ok=True)
    disk.sync_folder(log.folder)
    log.remember()


def renew(log: Log) -> None:
    """Make anew what is derived of the log: all entries go back into it, and leave it again.

    Args:
        log: read to its end, so that its entries are known to be those that were written.
    """
    present = log.versions()
    _restore(log)
    for path in log.history.files():
        disk.remove(path)
    shed(log, len(present))


def _restore(log: Log) -> None:
    """Put all entries back into the log, and take checkpoints away."""
    present = log.versions()
    for version, content in list(log.history.read()):
        if version not in present:
            disk.create(log.entry(version), content, log.root)
    for path in (log.folder / _POINTER, *log.folder.glob("*.checkpoint.parquet")):
        disk.remove(path)


def digests(root: Path) -> dict[str, str]:
    """The recorded sha256 of each derived file, by its path inside the table's folder; none were made without a file.

    Raises:
        ValueError: the record cannot be read, or is not as it was written.
    """
    try:
        content = (root / DIGESTS).read_bytes()
    except FileNotFoundError:
        return {}
    found: dict[str, str] = json.loads(content)
    if _as_json(found) != content:
        raise ValueError("it is not as it was written")
    return found


def _write_checkpoint(log: Log) -> Path:
    """Write the checkpoint, durably, when deltalake reads from it what our own log says."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    path = log.folder / f"{log.version:020d}.checkpoint.parquet"
    try:
        with disk.writing(log.folder):
            DeltaTable(str(log.root)).create_checkpoint()
        disk.sync_file(path)
        disk.sync_file(log.folder / _POINTER)
        disk.sync_folder(log.folder)
        version = DeltaTable(str(log.root)).version()
    except (DeltaError, ValueError) as error:
        raise log.damaged(f"deltalake cannot write a checkpoint of it: {str(error).splitlines()[0]}") from None
    if version != log.version:
        raise log.damaged("deltalake reads another version of its log")
    return path


def _note_digests(log: Log, checkpoint: Path) -> None:
    derived = [checkpoint, log.folder / _POINTER, *log.history.files()]
    found = {path.relative_to(log.root).as_posix(): _digest(path) for path in derived}
    disk.replace(log.root / DIGESTS, _as_json(found))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _as_json(found: dict[str, str]) -> bytes:
    return json.dumps(found, sort_keys=True, indent=1).encode()
