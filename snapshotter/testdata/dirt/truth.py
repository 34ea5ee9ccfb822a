"""Writes down what is right: what `latest.csv` must hold, what must become of each file and of each row.

    latest/TABLE.csv    the bytes of latest.csv after all waves (lineage: source_filename)
    wave-N/TABLE.csv    the same after each wave, where there are several
    files.csv           each file: what was done to it, and what must become of it
    rows.csv            each row of each file: who it is about, what was done to it, and what must become of it

All of it is reckoned from what was put in. Nothing is read from the dirty files, and nothing of snapshotter is asked.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from snapshotter.errors import NotWritten
from snapshotter.testdata.dirt.grid import Texts, filled, joined
from snapshotter.testdata.dirt.sheet import APPLIED, DUPLICATE, REJECTED, Delivered, Fates
from snapshotter.testdata.dirt.soiling import Soiled, soil
from snapshotter.testdata.dirt.standing import Standing, accepted, key_parts
from snapshotter.testdata.source import Source, Table

FILE_COLUMNS = ("wave", "table", "file", "revision", "done", "status", "rule", "read", "accepted", "rejected")
ROW_COLUMNS = ("wave", "table", "file", "revision", "row", "key", "who", "done", "outcome", "rule", "column")
ACCEPTED, WITH_ITS_FILE = "accepted", "refused with its file"


def write_truth(source: Soiled | Source, folder: Path, *, packed: str = "") -> None:
    """Write what is right about a source beside it.

    Args:
        source: with dirt or without.
        folder: is made if it is not there; what an earlier call wrote is replaced.
        packed: what the names of the delivered files have at their ends beside those of the source: `.gz` or `.zst`.

    Raises:
        NotWritten: the system refused.
    """
    soiled = source if isinstance(source, Soiled) else soil(source, 0, 0)
    try:
        _write(soiled, folder, packed)
    except OSError as error:
        raise NotWritten(path=error.filename or folder, problem=error.strerror or error) from error


def _write(soiled: Soiled, folder: Path, packed: str) -> None:
    tables = {table.name: table for table in soiled.tables}
    standings = {name: Standing(table) for name, table in tables.items()}
    views: list[dict[str, bytes]] = []
    with ExitStack() as opened:
        folder.mkdir(parents=True, exist_ok=True)
        files = _table_of(opened, folder / "files.csv", FILE_COLUMNS)
        rows = _table_of(opened, folder / "rows.csv", ROW_COLUMNS)
        wave = 1
        for file in soiled.files():
            if file.wave != wave:
                views.append(_views(standings))
                wave = file.wave
            files.writerow(_judged(file, tables[file.table], standings[file.table], rows, packed))
        views.append(_views(standings))
    if len(views) > 1:
        for number, seen in enumerate(views, start=1):
            _put(folder / f"wave-{number}", seen)
    _put(folder / "latest", views[-1])


def _judged(file: Delivered, table: Table, standing: Standing, rows: Any, packed: str) -> list[object]:  # noqa: ANN401
    """Write the rows of a file, let those that are accepted count, and tell what must become of the file."""
    fates, name = file.fates(), f"{file.name}{packed}"
    keys = joined([fates.columns.get(part, filled("", len(fates))) for part in table.key]).copy()
    outcome, rule = _outcomes(file, fates)
    good = np.flatnonzero(rule == "")
    if file.status == APPLIED:
        columns = {column: cells[good] for column, cells in fates.columns.items()}
        batch = accepted(table, name, file.revision, columns, good + 1)
        keys[good] = joined(key_parts(table, batch))
        standing.add(batch)
    count = len(fates)
    lists = (np.arange(1, count + 1), keys, fates.who, fates.done, outcome, rule, fates.column)
    same = [[text] * count for text in (file.wave, file.table, name, file.revision)]
    rows.writerows(zip(*same, *(each.tolist() for each in lists), strict=True))
    read = count if file.status == APPLIED else 0
    taken = len(good) if file.status == APPLIED else 0
    told = [file.wave, file.table, name, file.revision, file.done, file.status, file.rule]
    return [*told, read, taken, read - taken]


def _outcomes(file: Delivered, fates: Fates) -> tuple[Texts, Texts]:
    """What must become of each row, and the rule that refuses it."""
    count = len(fates)
    if file.status == REJECTED:
        return filled(WITH_ITS_FILE, count), filled(file.rule, count)
    if file.status == DUPLICATE:
        return filled(DUPLICATE, count), filled("", count)
    return np.where(fates.rule == "", ACCEPTED, REJECTED).astype(object), fates.rule


def _views(standings: dict[str, Standing]) -> dict[str, bytes]:
    views = {name: standing.latest() for name, standing in standings.items()}
    return {name: view for name, view in views.items() if view is not None}


def _table_of(opened: ExitStack, path: Path, columns: Sequence[str]) -> Any:  # noqa: ANN401  (csv has no name for it)
    file = opened.enter_context(_replacing(path))
    text = opened.enter_context(io.TextIOWrapper(file, encoding="utf-8", newline=""))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    return writer


def _put(folder: Path, views: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for name, view in views.items():
        with _replacing(folder / f"{name}.csv") as file:
            file.write(view)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which gets its name when it is whole."""
    hidden = path.with_name(f".{path.name}.tmp")
    try:
        with hidden.open("wb") as file:
            yield file
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)
