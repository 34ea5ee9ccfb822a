"""Tracer rows: hand-made rows that are merged into the online customers once, to be followed through a pipeline.

A run takes those of `tracer/*.csv`. When its files are delivered, these are moved to `tracer/eaten/RUN/`, and then
the run is noted as finished. One that is stopped in between is made again by the next one, which finds its rows in
either place and makes the same bytes; a finished run's rows are never looked at again.
"""

from __future__ import annotations

from pathlib import Path

from snapshotter.testdata.description.column import Column, of_texts
from snapshotter.testdata.description.listing import Listing

FOLDER = "tracer"


def rows(folder: Path, run: int, columns: list[str]) -> list[Column] | None:
    """The tracer rows of a run, as columns; None if there are none.

    Args:
        folder: the working folder.
        run: its number.
        columns: those that the rows must have, in any order.

    Raises:
        ValueError: a file is no CSV, or has other columns.
    """
    paths = [*_waiting(folder), *_eaten(folder, run).glob("*.csv")]
    listings = [_checked(path, columns) for path in sorted(paths, key=lambda path: path.name)]
    if not listings:
        return None
    return [of_texts([cell for listing in listings for cell in listing.columns[name]]) for name in columns]


def put_away(folder: Path, run: int) -> None:
    """Move the rows of a run that is delivered.

    Raises:
        ValueError: a file of that name was put there by this very run, which was stopped.
    """
    eaten = _eaten(folder, run)
    for path in _waiting(folder):
        eaten.mkdir(parents=True, exist_ok=True)
        if (eaten / path.name).exists():
            raise ValueError(f"{eaten / path.name} is there already, of a run that was stopped: rename {path}")
        path.rename(eaten / path.name)


def _waiting(folder: Path) -> list[Path]:
    return sorted((folder / FOLDER).glob("*.csv"))


def _eaten(folder: Path, run: int) -> Path:
    return folder / FOLDER / "eaten" / str(run)


def _checked(path: Path, columns: list[str]) -> Listing:
    listing = Listing.read(path)
    unknown = [name for name in listing.columns if name not in columns]
    missing = [name for name in columns if name not in listing.columns]
    if unknown or missing:
        what = f"has no column {missing[0]!r}" if missing else f"has the column {unknown[0]!r}, which is unknown"
        raise ValueError(f"{path} {what}: the columns are {', '.join(columns)}")
    return listing
