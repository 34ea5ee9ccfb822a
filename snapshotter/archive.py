"""Where files go after a commit: effects on the folders of `input/`, each of which may be done twice."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from snapshotter import disk, inbox
from snapshotter.beneath import is_beneath
from snapshotter.inbox import printable
from snapshotter.layout import Layout
from snapshotter.ledger.records import FileRecord, Move
from snapshotter.logs import logger
from snapshotter.recovery import archival
from snapshotter.requeue import Requeued, is_inside, read_requeued, write_requeued

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
        self._input = str(layout.input)
        self._taken: dict[str, set[str]] = {}

    def place(self, folder: str, name: str, sha256: str) -> str:
        """A free path for a file, relative to `input/`; asked for twice, another one.

        Args:
            folder: `processed`, `rejected` or `processing`.
            name: of the batch.
            sha256: of the file; empty for what is no regular file.
        """
        if not is_inside(name):
            raise AssertionError  # names come from the queue, the ledger and a checked note: none leads out
        extra = REASON if folder == "rejected" else ""
        taken = self._taken.setdefault(folder, set())
        path = inbox.free_name(self._layout.input / folder, name, sha256 or "0" * 64, extra, taken)
        taken.add(path)
        return f"{folder}/{path}"

    def reserve(self, path: str) -> None:
        """Keep a path, relative to `input/`, from being given by `place`."""
        folder, _, name = path.partition("/")
        self._taken.setdefault(folder, set()).add(name)

    def carry_out(self, moves: Iterable[Move]) -> list[Move]:
        """Move files, each with what is written about it before it, and what is no longer true taken away.

        A file that is no longer the one that was meant stays where it is: it is the next run's.

        Args:
            moves: what to do.

        Returns:
            The moves that were done.
        """
        todo = [move for move in moves if self.is_pending(move)]
        for move in todo:
            if move.reason is not None:
                self._write_reason(move)
            if move.source.startswith("rejected/"):
                disk.remove(self._layout.input / f"{move.source}{REASON}")
        self._remember([self._note(move) for move in todo if move.target.startswith("processing/")])
        pairs = {self._target(move): self._source(move) for move in todo}
        disk.link_all([(source, target) for target, source in pairs.items() if not os.path.lexists(target)])
        done = [move for move in todo if self._has_arrived(move)]
        pending = [move for move in done if self.is_pending(move)]
        queued = [move for move in pending if move.source.startswith("processing/")]
        disk.remove_all([self._source(move) for move in pending if not move.source.startswith("processing/")])
        for move in queued:
            source = self._source(move)
            self._settle(move, disk.aside(source))  # of a process that a power cut ended
            self._settle(move, disk.set_aside(source))
        disk.sync_folders(map(self._source, queued))
        return done

    def put_back(self, moves: Iterable[Move]) -> None:
        """Look at what a killed process had set aside: it goes if it is archived, else it goes back to the queue."""
        for move in moves:
            if move.source.startswith("processing/"):
                source = self._source(move)
                if os.path.lexists(disk.aside(source)) and is_beneath(f"{self._input}/processing", source):
                    self._settle(move, disk.aside(source))
                    disk.sync_folders([source])

    def _settle(self, move: Move, away: str | None) -> None:
        """Remove what was set aside if it is the archived file, as it was read; else it is the next run's.

        Others may give the name to another file, or write on, until it is set aside: only now is it the last look.
        """
        ours = _status(away) if away is not None else None
        if away is None or ours is None:
            return
        target = self._target(move)
        there = _status(target)
        is_linked = there is not None and _is_same(ours, there)
        if is_linked and (not move.sha256 or _is_known(ours, move) or digest(away) == move.sha256):
            disk.remove_tree(away)
        elif there is not None and _is_known(ours, move) and digest(target) == move.sha256:
            disk.remove_tree(away)  # copied where no link can be made
        else:
            if is_linked:
                self._keep_start(move, Path(target))
            self._return(move, Path(away), Path(self._source(move)))

    def _return(self, move: Move, away: Path, source: Path) -> None:
        """Put a file back into the queue, under another name if its own is taken."""
        back = source
        while not disk.put_back(away, back):
            name = printable(os.fsencode(source.relative_to(self._layout.queue)))
            back = self._layout.queue / inbox.free_name(self._layout.queue, name, move.sha256 or "0" * 64)
        logger.bind(dataset=self._dataset, name=move.name).warning(
            "the file was changed while it was archived; what it is now waits in the queue"
        )

    def _keep_start(self, move: Move, target: Path) -> None:
        """Keep in the archive what was read of a file that somebody wrote on to; without that, nothing."""
        start = hashlib.sha256()
        for piece in _start(target, move.size):
            start.update(piece)
        if start.hexdigest() == move.sha256:
            disk.replace(target, _start(target, move.size))
        else:
            disk.remove(target)
            logger.bind(dataset=self._dataset, name=move.name).warning(
                "the file was overwritten while it was archived: its rows count, but its bytes are not in the archive"
            )

    def _has_arrived(self, move: Move) -> bool:
        """Whether what has the new name is the file that was meant; what was swapped in since we looked loses it."""
        target = self._target(move)
        if _is_known(os.lstat(target), move) or not move.sha256 or digest(target) == move.sha256:
            return True
        if os.path.lexists(self._source(move)):
            disk.remove(Path(target))
        return False

    def secure(self, records: Iterable[FileRecord]) -> None:
        """Make files of the queue durable before a commit names them: whoever dropped them need not have."""
        moves = [archival(record) for record in records if record.sha256]
        disk.secure([self._source(move) for move in moves], self._layout.queue)

    def is_pending(self, move: Move) -> bool:
        """Whether a move is still to be done: at its source there is the file that was meant."""
        source, target = self._source(move), self._target(move)
        here = _status(source)
        if here is None or not is_beneath(f"{self._input}/{move.source.partition('/')[0]}", source):
            return False  # gone, or a folder on the way was swapped for a link: what lies there is not ours to move
        if stat.S_ISDIR(here.st_mode) or (move.sha256 and not stat.S_ISREG(here.st_mode)):
            return False  # swapped for something else, which could block whoever opens it
        known, there = _is_known(here, move), _status(target)
        if there is not None:
            # Linked, and not removed yet; or copied where no link can be made: then only the very same file may go.
            is_linked = _is_same(here, there)
            is_copied = not is_linked and known and stat.S_ISREG(there.st_mode) and digest(target) == move.sha256
            return source != target and (is_linked or is_copied)
        if known or not move.sha256:
            return True
        return here.st_size == move.size and digest(source) == move.sha256

    def _note(self, move: Move) -> Requeued:
        queued = move.target.removeprefix("processing/")
        return Requeued(move.sha256, queued, self._dataset, move.name, move.revision, move.batch_time)

    def _remember(self, notes: list[Requeued]) -> None:
        """Write down what the bytes are called that are about to be moved back to the queue."""
        if notes:
            known = read_requeued(self._layout.requeued)
            new = set(notes)
            write_requeued(self._layout.requeued, [*(note for note in known if note not in new), *notes])

    def forget(self, notes: Iterable[Requeued], moves: Iterable[Move] = ()) -> None:
        """Forget notes whose files were taken, or went back to the archive."""
        gone = set(notes)
        left = {move.source.removeprefix("processing/") for move in moves if move.source.startswith("processing/")}
        known = read_requeued(self._layout.requeued)
        kept = [note for note in known if note not in gone and note.queued not in left]
        if kept != known:
            write_requeued(self._layout.requeued, kept)

    def _source(self, move: Move) -> str:
        return f"{self._input}/{os.fsdecode(bytes.fromhex(move.raw)) if move.raw else move.source}"

    def _target(self, move: Move) -> str:
        return f"{self._input}/{move.target}"

    def _write_reason(self, move: Move) -> None:
        assert move.reason is not None
        note = {
            "file": move.name,
            "dataset": self._dataset,
            "revision": move.revision,
            "sha256": move.sha256 or None,
            **move.reason.model_dump(),
        }
        target = self._layout.input / f"{move.target}{REASON}"
        disk.make_folder(target.parent)
        disk.replace(target, (json.dumps(note, ensure_ascii=False, indent=1) + "\n").encode())


def _is_known(status: os.stat_result, move: Move) -> bool:
    """Whether a file is the one that was read, by what the system says of it."""
    return (status.st_ino, status.st_mtime_ns, status.st_size) == (move.inode, move.modified, move.size)


def _start(path: Path, size: int) -> Iterator[bytes]:
    for piece in disk.pieces(path):
        if size > 0:
            yield piece[:size]
        size -= len(piece)


def _is_same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _status(path: str) -> os.stat_result | None:
    """What the system says of a name, links not followed; None if nothing has it."""
    try:
        return os.lstat(path)
    except OSError:
        return None


def digest(path: Path | str) -> str:
    """The sha256 of a file; empty for what is no regular one, which is not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            return ""
        raise
    with os.fdopen(descriptor, "rb") as file:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return hashlib.file_digest(file, "sha256").hexdigest() if is_file else ""
