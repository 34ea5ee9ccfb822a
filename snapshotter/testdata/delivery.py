"""Puts batches into a folder: all of them, or none."""

from __future__ import annotations

import contextlib
import filecmp
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from snapshotter.errors import NotWritten, UsageError
from snapshotter.testdata.batch import Batch
from snapshotter.testdata.formats import FORMATS, Format
from snapshotter.testdata.making import made, processors
from snapshotter.testdata.source import Table

Progress = Callable[[int], object]


@dataclass
class Delivery:
    """What was delivered.

    Args:
        names: of the files, in order.
        rows: of each table, by its name.
        size: the bytes of all files together.
        latest: the last batch.
    """

    names: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    size: int = 0
    latest: Batch | None = None

    def add(self, batch: Batch, name: str, size: int) -> None:
        """Note one file."""
        self.names.append(name)
        self.rows[batch.table] = self.rows.get(batch.table, 0) + batch.rows
        self.size += size
        self.latest = batch

    def include(self, later: Delivery) -> None:
        """Note all files of another delivery, which came after this one."""
        self.names += later.names
        for table, rows in later.rows.items():
            self.rows[table] = self.rows.get(table, 0) + rows
        self.size += later.size
        self.latest = later.latest or self.latest


def deliver(  # noqa: PLR0913  (options of one thing)
    batches: Iterable[Batch],
    tables: Iterable[Table],
    folder: Path,
    *,
    form: Format = FORMATS["csv"],
    beside: Mapping[Path, bytes] | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> Delivery:
    """Write the batches under hidden names, and when all are there give them their own.

    A queue does not see `.NAME.tmp`, so nobody finds half a file, or half a delivery. A file that is there
    already with the same bytes is left as it is: the same job can be run twice.

    Args:
        batches: in the order in which they shall appear.
        tables: those that the batches are of.
        folder: must exist.
        form: in which form the files are.
        beside: other files that belong to it, which get their names first; their folders must exist.
        force: replace files that are there with other bytes.
        threads: how many make parts; one for each processor where it is None. The bytes do not depend on it.
        progress: told how many rows were written since it was told last.

    Raises:
        UsageError: a file of that name is there with other bytes, and not `force`, or one name comes twice;
            nothing was changed.
        NotWritten: the system refused; nothing is left but what was given its name before.
    """
    staged: dict[Path, Path] = {}
    delivery = Delivery()
    contracts = {table.name: table for table in tables}
    try:
        for path, content in (beside or {}).items():
            _hidden(path, staged).write_bytes(content)
            _is_there(staged[path], path, force=force)  # better refused before everything is made
        with contextlib.closing(made(batches, form.pack, threads or processors())) as files:
            for batch, parts in files:
                path = folder / form.name(batch)
                hidden = _hidden(path, staged)
                with form.open(hidden, batch, contracts[batch.table]) as write:
                    for part, rows in parts:
                        write(part)
                        progress(rows)
                delivery.add(batch, path.name, hidden.stat().st_size)
        _reveal(staged, force=force)
    except OSError as error:
        raise NotWritten(path=error.filename or folder, problem=error.strerror or error) from error
    finally:
        with _uninterrupted():
            for hidden in staged.values():
                with contextlib.suppress(OSError):  # the system refuses this, too; the error above says why
                    hidden.unlink(missing_ok=True)
    return delivery


def _hidden(path: Path, staged: dict[Path, Path]) -> Path:
    if path in staged:
        raise UsageError(
            what=f"two files of one delivery have the name {path.name}; nothing was written",
            remedy="Name a folder for each of them with --output.",
        )
    staged[path] = path.with_name(f".{path.name}.tmp")
    return staged[path]


def _reveal(staged: dict[Path, Path], *, force: bool) -> None:
    """Give the files their names; what remains staged was there already."""
    wanted = [path for path, hidden in staged.items() if not _is_there(hidden, path, force=force)]
    with _uninterrupted():
        for path in wanted:
            staged[path].replace(path)
            del staged[path]


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


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM: what is inside takes a moment, and half of it is worse than none."""
    if threading.current_thread() is not threading.main_thread():  # Python raises them in the main thread alone
        yield
        return
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    before = {which: signal.signal(which, note) for which in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
        for number in came:
            signal.raise_signal(number)
