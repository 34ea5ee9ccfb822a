"""Files against their recorded digests: each is read once, in pieces, several at a time."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from snapshotter.checking.findings import Findings, What

Progress = Callable[[int, int], None]

_PIECE = 1 << 20  # bytes that are hashed at a time
_NO_FILE = "is a link, a folder, a pipe or a device, where a file was put"


@dataclass(frozen=True)
class Expected:
    """A file and the digest that it must have.

    Args:
        findings: where a problem goes.
        what, path, remedy, mendable: as in `Findings.found`.
        sha256: the recorded digest.
    """

    findings: Findings
    what: What
    path: Path
    sha256: str
    remedy: str
    mendable: bool = False


def compare(expected: Sequence[Expected], progress: Progress) -> None:
    """Compare files with their digests.

    Args:
        expected: the files; each problem goes to its findings, in this order.
        progress: called with the bytes that were read, and with all there are.
    """
    counter = _Counter(sum(_size(one.path) for one in expected), progress)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for one, problem in zip(expected, pool.map(lambda one: _problem(one, counter), expected), strict=True):
            if problem:
                one.findings.found(one.what, one.path, problem, one.remedy, mendable=one.mendable)


class _Counter:
    """Adds up bytes from several threads."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._done, self._total, self._progress, self._lock = 0, total, progress, threading.Lock()

    def add(self, size: int) -> None:
        with self._lock:
            self._done += size
            self._progress(self._done, self._total)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _problem(one: Expected, counter: _Counter) -> str:
    sha256 = hashlib.sha256()
    try:
        with open(one.path, "rb", buffering=0, opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return _NO_FILE
            while piece := file.read(_PIECE):
                sha256.update(piece)
                counter.add(len(piece))
    except FileNotFoundError:
        return "is missing"
    except IsADirectoryError:
        return _NO_FILE
    except OSError as error:
        return _NO_FILE if error.errno in (errno.ELOOP, errno.ENXIO) else f"cannot be read: {error.strerror}"
    return "" if sha256.hexdigest() == one.sha256 else "its bytes are not those that were recorded"


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe in its place would wait for a writer, and a link lead elsewhere."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
