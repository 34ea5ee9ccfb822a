"""The history of a log: entries that a checkpoint stands for, verbatim, many in one compressed file.

A checkpoint of Delta Lake knows which files belong to a table, but not what our commits said. So before an entry
leaves `_delta_log`, its bytes are here, durable. Each file holds the entries of so many versions, one JSON line
each (https://jsonlines.org), in frames of Zstandard (RFC 8878) one behind the other.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from snapshotter import disk

FOLDER = "_history"
_VERSIONS = 10_000  # in one file: what is written anew when entries are added is no more than that

Entry = tuple[int, bytes]


class History:
    """The entries of one table that are no longer in its `_delta_log`.

    Args:
        root: the table's folder.
    """

    def __init__(self, root: Path) -> None:
        """Nothing is read yet."""
        self.folder = root / FOLDER

    def files(self) -> list[Path]:
        """The files, in the order of the versions in them."""
        return sorted(self.folder.glob("*.jsonl.zst"))

    def read(self) -> Iterator[Entry]:
        """All entries, in order.

        Raises:
            ValueError: a file does not hold what was written to it.
            OSError: a file cannot be read.
        """
        for path in self.files():
            yield from _entries(path)

    def add(self, entries: Sequence[Entry]) -> None:
        """Add entries, durably; those that are there already are not added again.

        Args:
            entries: (version, bytes), in order, none left out.
        """
        disk.make_folder(self.folder)
        by_file: dict[Path, list[Entry]] = {}
        for version, content in entries:
            by_file.setdefault(self._path(version), []).append((version, content))
        for path, new in by_file.items():
            there = path.read_bytes() if path.exists() else b""
            last = max((version for version, _ in _entries(path)), default=-1) if there else -1
            missing = [entry for entry in new if entry[0] > last]
            if missing:
                disk.replace(path, there + _frame(missing))

    def _path(self, version: int) -> Path:
        return self.folder / f"{version - version % _VERSIONS:020d}.jsonl.zst"


def _frame(entries: Sequence[Entry]) -> bytes:
    import zstandard  # 0.01 s, and only a long log needs it

    lines = (json.dumps({"version": version, "entry": content.decode()}) + "\n" for version, content in entries)
    return zstandard.ZstdCompressor(level=6, write_checksum=True).compress("".join(lines).encode())


def _entries(path: Path) -> Iterator[Entry]:
    import zstandard

    decompressor = zstandard.ZstdDecompressor()
    try:
        with path.open("rb") as file, decompressor.stream_reader(file, read_across_frames=True) as reader:
            for line in io.TextIOWrapper(reader, encoding="utf-8", newline="\n"):
                found = json.loads(line)
                yield int(found["version"]), found["entry"].encode()
    except (zstandard.ZstdError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from None
