"""A sheet: a file as it is delivered, and what must become of it and of each of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from snapshotter.testdata.batch import Batch
from snapshotter.testdata.dirt.grid import USUAL, Grid, Manner, Texts, filled

APPLIED, REJECTED, EMPTY, DUPLICATE = "applied", "rejected", "empty", "duplicate"


@dataclass(frozen=True)
class Fates:
    """What the rows of a file are, and what must become of each.

    Args:
        columns: the cells by column, in the file's order; those of a row that is refused are what it was before.
        who: who each row is about.
        done: what was done to it; empty where nothing was.
        rule, column: under which rule it must be refused, and at which column; empty where it must be accepted.
    """

    columns: Mapping[str, Texts]
    who: Texts
    done: Texts
    rule: Texts
    column: Texts

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.who)


def fates(grid: Grid) -> Fates:
    """The rows of a clean file: all are accepted."""
    nothing = filled("", len(grid))
    return Fates(grid.columns, grid.who, grid.made, nothing, nothing)


@dataclass(frozen=True)
class Sheet:
    """A file as it is delivered.

    Args:
        name: of the file.
        wave: in which it comes, 1 first.
        done: what was done to the file; empty where nothing was.
        status: what must become of it: applied, rejected, empty or duplicate.
        rule: under which it must be rejected.
        rows: how many records it has.
        data: makes its bytes, some at a time.
        told: makes what is known of its rows.
    """

    name: str
    wave: int
    done: str
    rows: int
    data: Callable[[], Iterator[bytes]] = field(repr=False)
    told: Callable[[], Fates] = field(repr=False)
    status: str = APPLIED
    rule: str = ""


class Whole(Batch):
    """A file as it is to be written, whose parts hold its header, if it has one."""

    def header(self) -> bytes:
        """Nothing: it is not known what stands in the first line, or whether there is one."""
        return b""


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A file that is delivered, dirty or not.

    Args:
        name: of the file.
        at: the time of its batch.
        rows: the number of its records.
        wave: in which it comes, 1 first; the files of one wave are for one run, or several, before the next wave.
        table: that it is of.
        revision: of the name that it must be: the n-th content that was applied under it.
        done, status, rule: as in `Sheet`.
        origin: the clean batch that it was made of.
    """

    name: str
    at: datetime
    rows: int
    wave: int
    table: str
    revision: int
    done: str
    status: str
    rule: str
    sheet: Sheet = field(repr=False)
    origin: Batch = field(repr=False)

    def batch(self) -> Batch:
        """The file as a batch, for whoever writes batches: the clean one itself if nothing was done to it."""
        if not self.done:
            return self.origin
        return Whole(self.name, self.at, self.rows, self.origin.columns, [self._content], self.table)

    def _content(self) -> bytes:
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file, some at a time."""
        return self.sheet.data()

    def fates(self) -> Fates:
        """What must become of its rows."""
        return self.sheet.told()


def sheet_of(name: str, done: str, grid: Grid, data: bytes) -> Sheet:
    """A sheet of bytes in the first wave, with the rows of a grid, all of which are accepted."""
    return Sheet(name, 1, done, len(grid), lambda: iter([data]), lambda: fates(grid))


def rendered(grid: Grid, header: Sequence[str] | None = None, manner: Manner = USUAL) -> bytes:
    """The bytes of a grid under another header, or in another manner."""
    return manner.written(grid.names if header is None else header, grid.columns.values())


def marked(told: Fates, places: Sequence[int], done: str, rule: str = "") -> Fates:
    """The same with something done to some rows."""
    did, rules = told.done.copy(), told.rule.copy()
    for place in places:
        did[place] = also(did[place], done)
        rules[place] = rule
    return Fates(told.columns, told.who, did, rules, told.column)


def also(made: str, done: str) -> str:
    """What the source had done to a row, and what was done to it then."""
    return "; ".join(filter(None, (made, done)))
