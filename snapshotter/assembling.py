"""A file out of parts of others, which the system copies without showing them to us."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from snapshotter.disk import writing

_TOLD = 4 << 20  # bytes


def assemble(path: Path, parts: Iterable[tuple[IO[bytes], int, int]], told: Callable[[int], None]) -> None:
    """Write a file out of parts of others; not durably yet.

    Args:
        path: the file; it does not exist.
        parts: file, begin and end of each part, in order.
        told: called now and then with the number of bytes that are there.

    Raises:
        NotWritten: the system refused.
        EOFError: a file is shorter than that.
    """
    with writing(path), path.open("xb", buffering=0) as draft:
        size = next_told = 0
        for source, begin, end in parts:
            send(draft, source, begin, end)
            size += end - begin
            if size >= next_told:
                told(size)
                next_told = size + _TOLD
        told(size)


def send(target: IO[bytes], source: IO[bytes], begin: int, end: int) -> None:
    """Copy bytes to the present place of an unbuffered file; raises EOFError if the source does not have them."""
    while begin < end:
        sent = os.sendfile(target.fileno(), source.fileno(), begin, end - begin)
        if not sent:
            raise EOFError
        begin += sent
