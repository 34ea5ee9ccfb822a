"""The queue and the archive: finding files, reading each once, and where they go afterwards.

A file is opened once, without following links, and what is fingerprinted is what is parsed. The queue is a
folder and nothing else: there is no other record of what waits.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import signal
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import chain, count
from pathlib import Path
from typing import IO, NamedTuple

from snapshotter import spool
from snapshotter.beneath import open_beneath
from snapshotter.config import DatasetConfig
from snapshotter.contract.times import format_pattern
from snapshotter.expansion import expand
from snapshotter.spool import Content, Deferred, Unreadable, identity, spooled

SUFFIXES = (".csv", ".csv.gz", ".csv.zst")
_INVISIBLE_ENDS = (".tmp", ".part", ".partial", ".crdownload", ".swp", "~")
_NO_LINK = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH = 32  # folders in each other
_NAME_BYTES = 255  # what file systems take as one name
_PATH_BYTES = 4095  # what the system takes as a path
_LONGER = 512  # bytes that later paths have more than that in the queue: of folders, marks and companions
_NO_REGULAR_FILE = (errno.ELOOP, errno.ENXIO)  # a link or a pipe took its place; every other refusal may pass


class Look(NamedTuple):
    """What tells that a file is not what it was: size in bytes, times in ns of content and of inode, inode."""

    size: int
    modified: int
    changed: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Look:
        """The look of a file by its status."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@dataclass(frozen=True)
class Drop:
    """Something that lies in the queue.

    Args:
        name: its path inside the queue, printable: what is not UTF-8 or a control character is escaped.
        path: where it is.
        size: in bytes.
        problem: why it is not even opened; empty for a regular file with a decent name.
        raw: the bytes of the name in hexadecimal, if it cannot be printed.
        look: what it looked like when it was found; None where that does not matter.
        root: the folder beneath which no link is followed; without it, the one it lies in.
    """

    name: str
    path: Path
    size: int
    problem: str = ""
    raw: str = ""
    look: Look | None = None
    root: Path | None = None


def scan(queue: Path) -> list[Drop]:
    """Everything visible in the queue and its sub-folders, by name."""
    descriptor = os.open(queue, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return sorted(_walk(descriptor, queue, b""), key=lambda drop: drop.name)
    finally:
        os.close(descriptor)


def _walk(descriptor: int, queue: Path, inside: bytes) -> Iterator[Drop]:
    """What lies in an open folder of the queue, so that a folder swapped for a link leads nowhere."""
    above = len(os.fsencode(queue))
    for entry in os.scandir(descriptor):
        if invisible(entry.name):
            continue
        name = os.path.join(inside, os.fsencode(entry.name))
        here, shown = os.fsdecode(name), printable(name)
        path = queue / here
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _folder(descriptor, queue, name)
                continue
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # taken away since we saw it
            continue
        except OSError:  # of this one alone: it is told, and the others are taken
            yield Drop(f"{shown}/", path, 0, "it cannot be looked at")
            continue
        if above + max(len(name), len(shown.encode())) > _PATH_BYTES - _LONGER:
            yield Drop(f"{shown}/", path, 0, "its path is too long for the archive")
            continue
        raw = "" if shown == here else name.hex()
        yield Drop(shown, path, status.st_size, _problem(status, raw), raw, Look.of(status), queue)


def _folder(descriptor: int, queue: Path, name: bytes) -> Iterator[Drop]:
    """What lies in a folder; it matches no dataset itself, and is told if it cannot be read."""
    unread = Drop(f"{printable(name)}/", queue / os.fsdecode(name), 0, "the folder cannot be read")
    if name.count(b"/") == _DEPTH:  # each level holds a descriptor; nobody files that deep, but somebody may attack
        yield unread
        return
    try:
        below = os.open(os.path.basename(name), _NO_LINK | os.O_DIRECTORY, dir_fd=descriptor)
    except OSError:  # gone since we saw it, or not for us, or swapped for a link
        yield unread
        return
    try:
        yield from _walk(below, queue, name)
    finally:
        os.close(below)


def invisible(name: str) -> bool:
    """Whether a name in the queue is one that writers use while they write."""
    return name.startswith((".", "~")) or name.endswith(_INVISIBLE_ENDS)


def printable(name: bytes) -> str:
    """A name that can be printed and stored: what is not UTF-8, and control characters, are escaped."""
    text = name.decode("utf-8", "backslashreplace")
    if text.isprintable():  # then none of these is in it, which is quickly told
        return text
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda match: f"\\x{ord(match[0]):02x}", text)


def _problem(status: os.stat_result, raw: str) -> str:
    if not stat.S_ISREG(status.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "a pipe, a socket or a device"
        return f"it is {kind}, not a regular file"
    if raw:
        return "its name is not UTF-8 or holds control characters"
    return ""


def size(folder: Path) -> int:
    """The number of bytes in a queue, for a progress bar."""
    return sum(drop.size for drop in scan(folder))


def matches(name: str, config: DatasetConfig) -> bool:
    """Whether a dataset takes a file of this name."""
    return name.endswith(SUFFIXES) and any(fnmatchcase(name, pattern) for pattern in config.match)


def batch_time(name: str, pattern: str) -> datetime | None:
    """The time inside a file's name, in UTC; None where the dataset looks for none.

    Args:
        name: the path inside the queue; its folders are looked at only if the pattern has a `/`.
        pattern: a `strptime` pattern of part of the name.

    Raises:
        Unreadable: the pattern does not match exactly once.
    """
    if not pattern:
        return None
    text = name if "/" in pattern else name.rpartition("/")[2]
    found = []
    for match in re.finditer(format_pattern(pattern), text):
        try:
            found.append(datetime.strptime(match[0], pattern).replace(tzinfo=UTC))
        except ValueError:  # the shape of a date, but no date
            continue
    if len(found) != 1:
        raise Unreadable("batch_time", f"batch_time = {pattern!r} matches {len(found)} times in the name, not once")
    return found[0]


def read(drop: Drop, scratch: Path) -> Content:
    """Read a file once: its digest and its expanded bytes.

    Args:
        drop: a file of the queue without a problem.
        scratch: a folder for what does not fit into memory.

    Raises:
        Deferred: another process has it open for writing, it changed or went since it was found, or the system
            refuses to give it now.
        Unreadable: it is no regular file, or cannot be expanded.
    """
    try:
        return _read_once(drop, scratch)
    except FileNotFoundError:
        raise Deferred from None
    except OSError as error:
        if error.errno in _NO_REGULAR_FILE:
            raise Unreadable("file", f"it cannot be opened: {error.strerror}") from None
        raise deferred(error) from None


def deferred(error: OSError) -> Deferred:
    """A refusal of the system that may pass: of rights, of the disk, of memory or descriptors."""
    return Deferred(f"cannot be read now: {error.strerror or error}; it stays in the queue")


def _read_once(drop: Drop, scratch: Path) -> Content:
    root, path = os.fspath(drop.root or drop.path.parent), os.fspath(drop.path)
    descriptor = open_beneath(root, path.removeprefix(root).lstrip("/"), os.O_RDONLY | os.O_NONBLOCK)
    file = os.fdopen(descriptor, "rb", buffering=0)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise Unreadable("file", "it is not a regular file")
        is_other = before.st_size != drop.size if drop.look is None else Look.of(before) != drop.look
        if is_other or _is_being_written(descriptor):
            raise Deferred
        if not before.st_size:
            nothing = hashlib.sha256().hexdigest()
            raise Unreadable("empty file", "the file has no bytes at all, not even a header", nothing)
        content = _read(drop, file, scratch)
        content.identity = (before.st_size, before.st_mtime_ns, before.st_ino, before.st_ctime_ns)
        if identity(descriptor) != content.identity:
            content.close()
            raise Deferred
    except BaseException:
        file.close()
        raise
    if content.file is not file:
        file.close()
    return content


def _is_being_written(descriptor: int) -> bool:
    """Whether any process has the file open for writing: the system grants a read lease only if none has."""
    try:
        # Whoever opens it to write just now sends us a signal: one that is ignored, and not SIGIO, which kills.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:  # not ours, or a file system that cannot tell
        return False
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _read(drop: Drop, file: IO[bytes], scratch: Path) -> Content:
    digest = hashlib.sha256()
    if drop.name.endswith(".csv") and drop.size > spool.LARGE:
        while chunk := file.read(spool.CHUNK):
            digest.update(chunk)
        return Content(digest.hexdigest(), file=file)
    if drop.size <= spool.LARGE:
        piece = min(spool.CHUNK, drop.size + 1)  # memory for more would cost more than a small file
        data = b"".join(iter(lambda: file.read(piece), b""))
        digest.update(data)
        if drop.name.endswith(".csv"):
            return Content(digest.hexdigest(), data=data)
    else:
        while chunk := file.read(spool.CHUNK):
            digest.update(chunk)
    file.seek(0)
    return _expanded(drop, file, digest.hexdigest(), scratch)


def _expanded(drop: Drop, file: IO[bytes], sha256: str, scratch: Path) -> Content:
    """Expand a compressed file into memory, or into a nameless file on the disk if it is large."""
    kind = "gzip" if drop.name.endswith(".gz") else "zstd"
    try:
        data, large = spooled(expand(file, kind, drop.size, scratch), scratch)
    except Unreadable as error:
        error.sha256 = sha256
        raise
    return Content(sha256, data, large, private=True)


def free_name(
    folder: Path, name: str, sha256: str, extra: str = "", taken: frozenset[str] | set[str] = frozenset()
) -> str:
    """The name under which a file goes into the archive: its own, or with 8 digits of its digest before its suffix.

    Args:
        folder: `input/processed` or `input/rejected`.
        name: its path inside the queue.
        sha256: its digest; of a thing without content, any text.
        extra: what will be appended to the name for a companion, which must be free and fit as well.
        taken: names that other files of the same run are about to take.
    """
    marked, above = f".{sha256[:8]}", os.fspath(folder)
    parent, _, base = name.rpartition("/")
    parent = _free_folder(folder, parent, marked)
    stem, suffix = _split(base)
    for mark in chain(("", marked), (f"{marked}-{number}" for number in count(2))):
        room = _NAME_BYTES - len(f"{mark}{suffix}{extra}".encode())
        candidate = f"{stem.encode()[:room].decode('utf-8', 'ignore')}{mark}{suffix}"
        path = f"{parent}/{candidate}" if parent else candidate
        if (
            path not in taken
            and not os.path.lexists(f"{above}/{path}")
            and not (extra and os.path.lexists(f"{above}/{path}{extra}"))
        ):
            return path
    raise AssertionError  # count() has no end


def _free_folder(folder: Path, path: str, mark: str) -> str:
    """A path of sub-folders; where a file or a link has the name of one, that one gets the mark."""
    inside = ""
    for part in path.split("/") if path else ():
        inside = f"{inside}/{_free_part(folder / inside, part, mark)}".removeprefix("/")
    return inside


def _free_part(folder: Path, part: str, mark: str) -> str:
    for added in chain(("", mark), (f"{mark}-{number}" for number in count(2))):
        candidate = part.encode()[: _NAME_BYTES - len(added)].decode("utf-8", "ignore") + added
        place = folder / candidate
        if not os.path.lexists(place) or (place.is_dir() and not place.is_symlink()):
            return candidate
    raise AssertionError  # count() has no end


def _split(base: str) -> tuple[str, str]:
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if base.endswith(suffix):
            return base[: -len(suffix)], suffix
    stem, dot, suffix = base.rpartition(".")
    return (stem, dot + suffix) if stem else (base, "")
