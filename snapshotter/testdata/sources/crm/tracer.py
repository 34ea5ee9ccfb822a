"""Tracer rows: hand-made rows that are merged into the online customers once, to be followed through a pipeline.

A run takes those of `tracer/*.csv`. When its files are delivered, these are moved to `tracer/eaten/RUN/`, and then
the run is noted as finished. One that is stopped in between is made again by the next one, which finds its rows in
either place and makes the same bytes; a finished run's rows are never looked at again. A file that is put there, or
written anew, while a run is under way was not read by it, and waits for the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from snapshotter.testdata.description.column import Column, of_texts
from snapshotter.testdata.description.listing import Listing

FOLDER = "tracer"

_Version = tuple[int, int, int]


@dataclass(frozen=True)
class Traced:
    """The tracer rows of a run.

    Args:
        columns: their cells, by column.
        waiting: the files that are to be put away, and which version of each was read.
        eaten: the folder where they are put.
    """

    columns: list[Column]
    waiting: dict[Path, _Version]
    eaten: Path

    def put_away(self) -> None:
        """Move the files, when the run is delivered; one that is another now stays for the next run."""
        for path, read in self.waiting.items():
            if _version(path) == read:
                self.eaten.mkdir(parents=True, exist_ok=True)
                path.rename(self.eaten / path.name)


def traced(folder: Path, run: int, columns: list[str]) -> Traced | None:
    """The tracer rows of a run; None if there are none.

    Args:
        folder: the working folder.
        run: its number.
        columns: those that the rows must have, in any order.

    Raises:
        ValueError: a file is no CSV, has other columns, or has the name of one that this very run has put away.
    """
    eaten = folder / FOLDER / "eaten" / str(run)
    waiting = {path: version for path in (folder / FOLDER).glob("*.csv") if (version := _version(path))}
    for path in waiting:
        if (eaten / path.name).exists():
            raise ValueError(f"{eaten / path.name} is there already, of a run that was stopped: rename {path}")
    paths = sorted([*waiting, *eaten.glob("*.csv")], key=lambda path: path.name)
    listings = [_checked(path, columns) for path in paths]
    if not listings:
        return None
    cells = [of_texts([cell for listing in listings for cell in listing.columns[name]]) for name in columns]
    return Traced(cells, waiting, eaten)


def _version(path: Path) -> _Version | None:
    """What tells a file from another one of its name; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _checked(path: Path, columns: list[str]) -> Listing:
    listing = Listing.read(path)
    unknown = [name for name in listing.columns if name not in columns]
    missing = [name for name in columns if name not in listing.columns]
    if unknown or missing:
        what = f"has no column {missing[0]!r}" if missing else f"has the column {unknown[0]!r}, which is unknown"
        raise ValueError(f"{path} {what}: the columns are {', '.join(columns)}")
    return listing
