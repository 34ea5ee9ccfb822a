"""What every kind of column has in common, and where a column stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from snapshotter.testdata import source
from snapshotter.testdata.description.column import Column, Maker, Rows
from snapshotter.testdata.description.growth import Growth
from snapshotter.testdata.description.listing import Listing
from snapshotter.testdata.draws import Words, mix

_VERSION = np.uint64(0x9E3779B97F4A7C15 | 1)


@dataclass(frozen=True, kw_only=True)
class Turns:
    """Which of a table's columns a change changes: they take turns, and each row begins with another one.

    Args:
        number: of the group of columns that has this turn.
        groups: how many there are.
    """

    number: int
    groups: int

    def version(self, rows: Rows) -> Words:
        """How often the columns of this group had changed in each row."""
        groups = np.uint64(self.groups)
        return (rows.versions + (rows.ids + np.uint64(self.number)) % groups) // groups


@dataclass(frozen=True, kw_only=True)
class Made:
    """A table as others see it.

    Args:
        name: of the table.
        growth: the numbers of its rows.
        fields: what a consumer must know of its columns.
        makers: its columns; those of the tables before it are all there, its own as far as they are bound.
        changing: the names of columns that a change may change.
        people: turns row numbers into those of persons; and the name of the table whose persons they are.
        parent: for rows that belong to one of another table each: turns their numbers into that table's.
        siblings: for such rows: turns their numbers into how many of the same parent are before them.
        listing: for rows that are given in a file: that.
    """

    name: str
    growth: Growth
    fields: Mapping[str, source.Field]
    makers: Mapping[str, Maker]
    changing: frozenset[str]
    people: tuple[str, Callable[[Words], Words]]
    parent: Callable[[Words], Words] | None = None
    siblings: Callable[[Words], Words] | None = None
    listing: Listing | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a column stands.

    Args:
        table: its table.
        column: its name.
        locale: of its table.
        tables: all tables before its own, by name.
        keys: names a stream of words by some texts.
        turns: None for a column that stays as it is.
        shift: added to its version: what the same row would hold otherwise.
        states: the states of the table's rows, if they have any.
        postcodes: how many different ones there are.
    """

    table: Made
    column: str
    locale: str
    tables: Mapping[str, Made]
    keys: Callable[..., int]
    turns: Turns | None = None
    shift: int = 0
    states: tuple[str, ...] = ()
    postcodes: int = 50_000

    def words(self, *names: str) -> Callable[[Rows], Words]:
        """A word for each row, the same for the same row and version.

        Args:
            names: further names, where a column needs several words.
        """
        key = self.keys(self.table.name, self.column, *names)
        turns = self.turns
        if turns is None:
            return lambda rows: mix(rows.ids, key)
        return lambda rows: mix(rows.ids + turns.version(rows) * _VERSION, key)


class Kind(BaseModel):
    """How the cells of a column are made.

    In a description each kind is a mapping that has the kind's own name among its keys, as in its `example`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    name: ClassVar[str]
    example: ClassVar[str]

    says: str = Field(default="", description="what the column is, for a person")
    empty: float = Field(default=0, ge=0, lt=1, description="the share of empty cells")
    type: str | None = Field(default=None, description="the type in `snapshotter.toml`, if not the usual one")

    def needs(self) -> set[str]:
        """The columns of its own table that must be made before it."""
        return set()

    def looks_at(self) -> set[str]:
        """The tables that must be made before its own."""
        return set()

    def bind(self, place: Place) -> Maker:
        """Make the maker of this column.

        Raises:
            ValueError: this cannot be there; the sentence says why.
        """
        raise NotImplementedError

    def field(self) -> source.Field:
        """What a consumer must know of the column."""
        return source.Field(type=self.type or self.usual_type(), nullable=self.empty > 0, says=self.says)

    def usual_type(self) -> str:
        """The type of its cells."""
        return "string"

    def maker(self, place: Place) -> Maker:
        """The maker of this column, with the empty cells that are asked for."""
        make = self.bind(place)
        if not self.empty:
            return make
        words, share = place.words("empty"), np.uint64(int(self.empty * (1 << 32)))

        def some(rows: Rows) -> Column:
            return make(rows).without((words(rows) >> np.uint64(32)) < share)

        return some
