"""Compressed files: gzip and zstd, whole or not at all, and not without end."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from snapshotter.spool import Deferred, Unreadable

_EXPANDS_TO = 1000  # the largest believable ratio of a compressed file of more than _SMALL bytes
_SMALL = 100 * 10**6
_DISK_SHARE = 0.5  # of what is free on the disk that takes the expanded text


def expand(file: IO[bytes], kind: str, size: int, scratch: Path) -> Iterator[bytes]:
    """The text of a compressed file, in pieces.

    Args:
        file: the open file, at its start.
        kind: "gzip" or "zstd".
        size: of the compressed file, in bytes.
        scratch: the folder that takes what does not fit into memory.

    Raises:
        Unreadable: it is damaged or cut, something follows its end, it holds nothing, or it expands to more than
            1,000 times its size (100 MB are always allowed).
        Deferred: it expands to more than half of what is free on the disk (and 100 MB).
    """
    allowed = max(_SMALL, int(shutil.disk_usage(scratch).free * _DISK_SHARE))
    expanded = 0
    for piece in _gzip(file) if kind == "gzip" else _zstd(file):
        expanded += len(piece)
        if expanded > max(_SMALL, size * _EXPANDS_TO):
            raise Unreadable("size", f"it expands to more than {_EXPANDS_TO} times its size")
        if expanded > allowed:
            problem = f"it expands to more than {allowed:,} bytes, half of what is free on the disk"
            raise Deferred(f"{problem}; it stays in the queue until there is room")
        yield piece
    if not expanded:
        raise Unreadable("empty file", "the file has no bytes at all, not even a header")


def _gzip(file: IO[bytes]) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as reader:
            while chunk := reader.read(2**20):
                yield chunk
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:  # an error of the disk passes by: it is not the file's
        raise Unreadable("compression", f"it is not a whole gzip file: {error}") from None


def _zstd(file: IO[bytes]) -> Iterator[bytes]:
    import zstandard  # only where a .zst was dropped

    # Frame by frame, since only a decompressobj can tell a cut frame; small pieces, since 4 bytes can become 128 KiB.
    frame, pending = None, b""
    try:
        while piece := pending or file.read(4096):
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            yield frame.decompress(piece)
            pending = frame.unused_data
            if frame.eof:
                frame = None
    except zstandard.ZstdError as error:
        raise Unreadable("compression", f"it is not a whole zstd file: {error}") from None
    if frame is not None:
        raise Unreadable("compression", "it is not a whole zstd file: it ends within a frame")
