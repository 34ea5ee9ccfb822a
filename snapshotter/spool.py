"""The bytes of a file while it is worked on: in memory, in the file itself, or in a nameless copy on the disk."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

LARGE = 32 * 2**20  # bytes; what is larger is not held in memory
CHUNK = 2**20  # bytes looked at at a time: a position for each of them takes 8
HEAD = 4 * 2**20  # bytes that must hold the header


class Deferred(Exception):
    """The file cannot be taken now; it waits for the next run.

    Args:
        reason: what is in the way, for a person; empty where somebody is writing to it.
    """

    def __init__(self, reason: str = "") -> None:
        """Keep what is in the way."""
        super().__init__(reason)
        self.reason = reason


class Unreadable(Exception):
    """The file cannot be taken at all; refuses it.

    Args:
        rule: the rule's name in rejects.
        reason: for a person.
        sha256: of the file's bytes, if they could be read.
    """

    def __init__(self, rule: str, reason: str, sha256: str = "") -> None:
        """Keep what is wrong."""
        super().__init__(reason)
        self.rule, self.reason, self.sha256 = rule, reason, sha256


@dataclass
class Content:
    """A file's text as bytes, and the digest of the file as it lies there.

    Args:
        sha256: of the file's own bytes, whatever became of the text since (expanded, decoded).
        data: all of the text's bytes, or None for a large one.
        file: an open file with a large text; whoever takes the content closes it.
        identity: (size, mtime in ns, inode, ctime in ns) of the file when it was read.
        private: whether `file` is a copy of ours, which nobody else can change.
    """

    sha256: str
    data: bytes | None = None
    file: IO[bytes] | None = None
    identity: tuple[int, int, int, int] = (0, 0, 0, 0)
    private: bool = False

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """The bytes from `start` on, in pieces."""
        if self.data is not None:
            for begin in range(start, len(self.data), CHUNK):
                yield self.data[begin : begin + CHUNK]
        elif self.file is not None:
            self.file.seek(start)
            while chunk := self.file.read(CHUNK):
                yield chunk

    def head(self) -> tuple[bytes, bool]:
        """The first bytes, which must hold the header, and whether these are all."""
        if self.data is not None:
            return self.data[: HEAD + 1], len(self.data) <= HEAD
        assert self.file is not None
        self.file.seek(0)
        head = self.file.read(HEAD + 1)
        return head, len(head) <= HEAD

    def view(self, scratch: Path) -> bytes | mmap.mmap:
        """All bytes as one; never a mapping of a file that another process could cut, which would kill this one."""
        self.own(scratch)
        if self.data is not None:
            return self.data
        assert self.file is not None
        return mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)

    def own(self, scratch: Path) -> None:
        """Hold a copy of ours, which nobody else can change, of what is not in memory.

        Raises:
            Deferred: the file was changed since it was fingerprinted.
        """
        if self.data is None and not self.private:
            self.replace(self.chunks(), scratch)

    def replace(self, pieces: Iterable[bytes], scratch: Path) -> None:
        """Hold these bytes from now on, which were made of the present ones.

        Raises:
            Deferred: the file was changed meanwhile.
        """
        data, file = spooled(pieces, scratch)
        if not self.is_unchanged():
            if file is not None:
                file.close()
            raise Deferred
        self.close()
        self.data, self.file, self.private = data, file, True

    def is_unchanged(self) -> bool:
        """Whether the file is still as it was when it was fingerprinted, as far as that still matters."""
        return self.file is None or self.private or identity(self.file.fileno()) == self.identity

    @property
    def length(self) -> int:
        """The number of bytes of the text."""
        return os.fstat(self.file.fileno()).st_size if self.file is not None else len(self.data or b"")

    def close(self) -> None:
        """Let go of the file."""
        if self.file is not None:
            self.file.close()


@contextmanager
def nameless(scratch: Path, *, in_memory: bool = False) -> Iterator[IO[bytes]]:
    """A file without a name, so that nothing is left of it.

    Args:
        scratch: a folder of the file system on which it is.
        in_memory: whether it is in memory instead.
    """
    if in_memory:
        with os.fdopen(os.memfd_create("snapshotter", os.MFD_CLOEXEC), "w+b") as file:
            yield file
    else:
        with tempfile.TemporaryFile(dir=scratch) as file:
            yield file


def identity(descriptor: int) -> tuple[int, int, int, int]:
    """What tells that a file was changed: its size in bytes, its time in ns, its inode, and the time of that in ns.

    The last one nobody can put back; it counts while a file is read, and not behind it: our own link changes it.
    """
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def spooled(pieces: Iterable[bytes], scratch: Path) -> tuple[bytes | None, IO[bytes] | None]:
    """Bytes that come in pieces: in memory, or in a nameless file at its start if there are many of them."""
    spool = cast(IO[bytes], tempfile.SpooledTemporaryFile(LARGE, dir=str(scratch)))  # noqa: SIM115 - it outlives us
    size = 0
    try:
        for piece in pieces:
            size += spool.write(piece)
        spool.seek(0)
        if size > LARGE:
            return None, spool
        data = spool.read()
    except BaseException:
        spool.close()
        raise
    spool.close()
    return data, None
