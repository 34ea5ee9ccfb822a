"""Puts batches into a folder: all of them, or none."""

from __future__ import annotations

import filecmp
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from snapshotter.errors import NotWritten, UsageError
from snapshotter.testdata.batch import Batch


@dataclass(frozen=True)
class Delivery:
    """What was delivered: the names in order, the rows and the bytes of all files together."""

    names: list[str]
    rows: int
    size: int


def deliver(
    batches: Iterable[Batch],
    folder: Path,
    *,
    force: bool = False,
    progress: Callable[[int], object] = lambda _: None,
) -> Delivery:
    """Write the batches under hidden names, and when all are there give them their own.

    A queue does not see `.NAME.tmp`, so nobody finds half a file, or half a delivery. A file that is there
    already with the same bytes is left as it is: the same job can be run twice.

    Args:
        batches: in the order in which they shall appear.
        folder: must exist.
        force: replace files that are there with other bytes.
        progress: told the rows of each batch when it is written.

    Raises:
        UsageError: a file of that name is there with other bytes, and not `force`; nothing was changed.
        NotWritten: the system refused; nothing is left but what was given its name before.
    """
    staged: list[tuple[Path, Path]] = []
    rows = size = 0
    try:
        for batch in batches:
            path = folder / batch.name
            staged.append((folder / f".{batch.name}.tmp", path))
            size += _write(batch, staged[-1][0])
            rows += batch.rows
            progress(batch.rows)
        wanted = [(hidden, path) for hidden, path in staged if not _is_there(hidden, path, force=force)]
        for hidden, path in wanted:
            hidden.replace(path)
    except OSError as error:
        raise NotWritten(path=error.filename or folder, problem=error.strerror or error) from error
    finally:
        for hidden, _ in staged:
            hidden.unlink(missing_ok=True)
    return Delivery(names=[path.name for _, path in staged], rows=rows, size=size)


def _write(batch: Batch, path: Path) -> int:
    with path.open("wb") as file:
        return sum(file.write(chunk) for chunk in batch.chunks())


def _is_there(hidden: Path, path: Path, *, force: bool) -> bool:
    """Whether the very file is there already."""
    if not path.exists():
        return False
    if filecmp.cmp(hidden, path, shallow=False):
        return True
    if force and path.is_file():
        return False
    raise UsageError(
        what=f"{path} is there already and is another file; nothing was written",
        remedy="Say --force to replace it, or name another folder with --output.",
    )
