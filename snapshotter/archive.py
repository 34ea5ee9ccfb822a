"""Where files go after a commit: effects on the folders of `input/`, each of which may be done twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from snapshotter import disk, inbox
from snapshotter.inbox import Requeued
from snapshotter.layout import Layout
from snapshotter.ledger.records import FileRecord, Move

REASON = ".reason.json"


class Archive:
    """Moves the files of one dataset.

    Args:
        layout: the workspace.
        dataset: for the notes beside refused files.
    """

    def __init__(self, layout: Layout, dataset: str) -> None:
        """Nothing is touched yet."""
        self._layout, self._dataset = layout, dataset
        self._taken: dict[str, set[str]] = {}

    def place(self, folder: str, name: str, sha256: str) -> str:
        """A free path for a file, relative to `input/`; asked for twice, another one.

        Args:
            folder: `processed`, `rejected` or `processing`.
            name: of the batch.
            sha256: of the file.
        """
        extra = REASON if folder == "rejected" else ""
        taken = self._taken.setdefault(folder, set())
        path = inbox.free_name(self._layout.input / folder, name, sha256, extra, taken)
        taken.add(path)
        return f"{folder}/{path}"

    def carry_out(self, moves: Iterable[Move], records: Mapping[str, FileRecord]) -> None:
        """Move files, each with its reason written before it and a stale one taken away behind it.

        Args:
            moves: what to do.
            records: of the files by their target.
        """
        pairs = [(move, self.source(move), self._layout.input / move.target) for move in moves]
        for move, _, target in pairs:
            if move.reason is not None:
                self._write_reason(move, target, records.get(move.target))
        disk.move_all([(source, target) for _, source, target in pairs])
        for move, source, _ in pairs:
            if move.source.startswith("rejected/"):
                disk.remove(source.with_name(source.name + REASON))

    def requeue(self, notes: list[Requeued]) -> None:
        """Remember what the bytes were called that are about to be moved back to the queue."""
        queue = self._layout.queue
        inbox.write_requeued(queue, [*(n for n in inbox.read_requeued(queue) if n not in notes), *notes])

    def forget(self, notes: list[Requeued]) -> None:
        """Forget notes whose files were taken."""
        queue = self._layout.queue
        if notes:
            inbox.write_requeued(queue, [note for note in inbox.read_requeued(queue) if note not in notes])

    def source(self, move: Move) -> Path:
        """Where the file of a move is; a hostile name in the queue is found by its printable form."""
        path = self._layout.input / move.source
        if path.exists() or path.is_symlink() or "\\" not in move.source:
            return path
        name = move.source.removeprefix("processing/")
        return next((drop.path for drop in inbox.scan(self._layout.queue) if drop.name == name), path)

    def is_pending(self, move: Move, records: Mapping[str, FileRecord]) -> bool:
        """Whether a move of the newest commit was not finished: the file that was meant is still at its source."""
        source, target = self.source(move), self._layout.input / move.target
        try:
            here = source.lstat()
        except OSError:
            return False
        if target.exists() or target.is_symlink():
            there = target.lstat()
            return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
        record = records.get(move.target)
        if record is None or not record.sha256:
            return True
        return here.st_size == record.size and digest(source) == record.sha256

    def _write_reason(self, move: Move, target: Path, record: FileRecord | None) -> None:
        assert move.reason is not None
        note = {
            "file": record.name if record else move.source.partition("/")[2],
            "dataset": self._dataset,
            "revision": record.revision if record else None,
            "sha256": record.sha256 if record else None,
            **move.reason.model_dump(),
        }
        disk.make_folder(target.parent)
        text = json.dumps(note, ensure_ascii=False, indent=1) + "\n"
        disk.replace(target.with_name(target.name + REASON), text.encode())


def digest(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
