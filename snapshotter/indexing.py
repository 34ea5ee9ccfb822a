"""The index of a view, a file beside the ledger: which one fits, and how it gets its name.

It is derived, so it is never made durable: it is found by the digest of the view that it is of and by what decides
the order of its keys, and it is believed only with the checksum that its name tells. One that is missing, torn or
older is no damage; then a view is rendered whole, and gives a new one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from snapshotter import disk
from snapshotter.errors import NotWritten
from snapshotter.frame import Field

_FORMAT = 2


class Indexes:
    """The indexes in the folder of a ledger.

    Args:
        root: the folder.
        version: of the engine, which decides how keys are compared.
    """

    def __init__(self, root: Path, version: str) -> None:
        """Nothing is looked for yet."""
        self._root, self._version = root, version

    def find(self, sha256: str, key: Sequence[Field]) -> Path | None:
        """The index of a view, if there is one that is whole.

        Args:
            sha256: of the view.
            key: its fields.
        """
        for path in self._root.glob(f"{self._stem(sha256, key)}-*.index"):
            with suppress(OSError):  # one that cannot be read is none
                if path.name == self._name(sha256, key, path):
                    return path
        return None

    def keep(self, draft: Path, sha256: str, key: Sequence[Field]) -> None:
        """Give a draft its name, as the one index of a view; another one of the same view may have other blocks."""
        path = self._root / self._name(sha256, key, draft)
        disk.rename(draft, path)
        for other in self._root.glob(f"{stem(sha256)}-*.index"):
            if other != path:
                _remove(other)

    def _name(self, sha256: str, key: Sequence[Field], path: Path) -> str:
        return f"{self._stem(sha256, key)}-{_checksum(path):08x}.index"

    def _stem(self, sha256: str, key: Sequence[Field]) -> str:
        order = json.dumps([_FORMAT, self._version, [(field.index, field.stored) for field in key]])
        return f"{stem(sha256)}-{hashlib.sha256(order.encode()).hexdigest()[:16]}"


def stem(sha256: str) -> str:
    """How the names of the indexes of a view begin."""
    return f"_view-{sha256[:32]}"


def sweep(root: Path, sha256: str) -> None:
    """Remove the indexes of other views than one; what cannot be removed does no harm, and is tried again."""
    for path in root.glob("_view-*.index"):
        if not path.name.startswith(stem(sha256)):
            _remove(path)


def unsound(root: Path) -> list[Path]:
    """The indexes that are not what was written."""
    found = []
    for path in root.glob("_view-*.index"):
        try:
            is_sound = path.name.endswith(f"-{_checksum(path):08x}.index")
        except FileNotFoundError:  # a writer took it away
            continue
        except OSError:
            is_sound = False
        if not is_sound:
            found.append(path)
    return found


def _checksum(path: Path) -> int:
    checksum = 0
    with open(path, "rb", opener=disk.without_links) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        while piece := file.read(1 << 20):
            checksum = zlib.crc32(piece, checksum)
    return checksum


def _remove(path: Path) -> None:
    with suppress(NotWritten):
        disk.remove_tree(path)
