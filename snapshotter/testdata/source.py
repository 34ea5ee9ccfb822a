"""A source: tables that belong together, and the files in which they come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from snapshotter.testdata.batch import Batch

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Field:
    """What a consumer must know of a column.

    Args:
        type: as in `snapshotter.toml`: string, integer, number, decimal(p,s), boolean, date, timestamp, uuid, email.
        nullable: whether a cell may be empty.
        required: whether every file has the column.
        aliases: other names that the column may have in a file.
        values: all values that there are, where they are few.
        refers: the table and the column whose values these are.
        says: what the column is, in a few words, for a person.
    """

    type: str = "string"
    nullable: bool = False
    required: bool = True
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    refers: tuple[str, str] | None = None
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a consumer must know of a table to take its files: its contract.

    Args:
        name: of the table and of its dataset: letters, digits, `_` and `-`.
        match: a glob that the names of its files match, and those of no other table.
        key: the columns that name a row.
        timestamp: the column that orders the versions of a row.
        fields: its columns by name, in the order in which they stand in a file.
        deleted: the column and the value that mark a row as deleted, if rows are.
        batch_time: the strptime pattern of the time in the names of its files.
        encodings: in which its files may be, in the order in which they are to be tried.
        says: what a row is, in one sentence, for a person.
    """

    name: str
    match: str
    key: tuple[str, ...]
    timestamp: str
    fields: Mapping[str, Field]
    deleted: tuple[str, str] | None = None
    batch_time: str = ""
    encodings: tuple[str, ...] = ("utf-8",)
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Tables that belong together.

    Args:
        name: of the source.
        tables: each before those that refer to it.
        rows: how many there are in all files together, as far as that is known before they are made; for the
            progress bar.
        batches: the files in the order in which they come; a new iterator at each call, always of the same files.
        says: what the source is, in one line, for a person.
    """

    name: str
    tables: tuple[Table, ...]
    rows: int
    batches: Callable[[], Iterator[Batch]] = field(repr=False)
    says: str = ""

    def since(self, first: datetime, *, always: Collection[str] = ()) -> Source:
        """The same without the files before a time, but for those of some tables."""
        wanted = self.batches

        def later() -> Iterator[Batch]:
            return (batch for batch in wanted() if batch.at >= first or batch.table in always)

        return replace(self, batches=later)

    def only(self, table: str) -> Source:
        """The same with one of its tables alone."""
        wanted = self.batches

        def of_it() -> Iterator[Batch]:
            return (batch for batch in wanted() if batch.table == table)

        return replace(self, tables=tuple(its for its in self.tables if its.name == table), rows=0, batches=of_it)

    def frames(self) -> dict[str, pd.DataFrame]:
        """All rows of each table as a DataFrame, in the order in which they come."""
        import pandas as pd

        found: dict[str, list[pd.DataFrame]] = {table.name: [] for table in self.tables}
        for batch in self.batches():
            found[batch.table].append(batch.frame())
        return {name: pd.concat(frames, ignore_index=True) for name, frames in found.items() if frames}
