"""Kinds of columns that look at other columns, of this table or another."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from snapshotter.testdata.description.column import Column, Maker, Rows, joined
from snapshotter.testdata.description.kinds.base import Kind, Made, Place
from snapshotter.testdata.description.numbers import whole
from snapshotter.testdata.draws import Words, mix


class Ref(Kind):
    """The key of a row of another table, which has come before."""

    name: ClassVar[str] = "ref"
    example: ClassVar[str] = "{ref: customers, pick: early}"
    ref: str = Field(description="a table")
    column: str | None = Field(default=None, description="its column, if it is not the first one")
    pick: Literal["any", "early", "each", "parent"] = Field(
        default="any",
        description="`any` row; mostly `early` ones, so that few have many; `each` row once; the `parent` of `per`",
    )

    def looks_at(self) -> set[str]:
        """That table."""
        return {self.ref}

    def bind(self, place: Place) -> Maker:
        """Pick a row, and make its cell."""
        other = place.tables[self.ref]
        column = self.column or next(iter(other.makers))
        if column not in other.makers:
            raise ValueError(f"{self.ref} has no column {column!r}; it has {', '.join(other.makers)}")
        if column in other.changing:
            raise ValueError(f"{self.ref}.{column} changes; a link needs a column that stays as it is")
        picked, make = self.picked(place), other.makers[column]
        return lambda rows: make(first_forms(other, picked(rows)))

    def picked(self, place: Place) -> Callable[[Rows], Words]:
        """A function from rows to the numbers of the rows they are linked to."""
        other, growth = place.tables[self.ref], place.table.growth
        if self.pick == "parent":
            parent = place.table.parent
            if parent is None:
                raise ValueError(f"{place.table.name} is not made `per` {self.ref}")
            return lambda rows: parent(rows.ids)
        if self.pick == "each":
            _enough(place.table, other)
            return lambda rows: _each(growth.file_of(rows.ids), rows.ids, place.table, other)
        _there(place.table, other)
        words, early = place.words(), self.pick == "early"

        def any_known(rows: Rows) -> Words:
            known = other.growth.known(growth.file_of(rows.ids)).astype(np.uint64)
            drawn = words(rows) >> np.uint64(32)
            if early:
                drawn = (drawn * (mix(drawn, 1) >> np.uint64(32))) >> np.uint64(32)
            return (drawn * known) >> np.uint64(32)

        return any_known


def _enough(table: Made, other: Made) -> None:
    ours, theirs = np.diff(table.growth.firsts), np.diff(other.growth.firsts)
    if (short := np.flatnonzero(ours > theirs)).size:
        file = int(short[0])
        raise ValueError(
            f"file {file + 1} has {ours[file]} new rows of {table.name}, but only {theirs[file]} of {other.name}: "
            "there is not one for each"
        )


def _there(table: Made, other: Made) -> None:
    ours, known = np.diff(table.growth.firsts), other.growth.firsts[1:]
    if (none := np.flatnonzero((ours > 0) & (known == 0))).size:
        raise ValueError(f"file {int(none[0]) + 1} has rows of {table.name}, but none of {other.name} has come by then")


def _each(files: np.ndarray[tuple[int], np.dtype[np.intp]], ids: Words, table: Made, other: Made) -> Words:
    """Different rows of another table that came with the same file, spread evenly."""
    ours, theirs = table.growth.firsts, other.growth.firsts
    count = (ours[files + 1] - ours[files]).astype(np.uint64)
    of = (theirs[files + 1] - theirs[files]).astype(np.uint64)
    return theirs[files].astype(np.uint64) + (ids - ours[files].astype(np.uint64)) * of // count


def first_forms(table: Made, ids: Words) -> Rows:
    """Rows of a table as they came first."""
    none = np.zeros(len(ids), dtype=np.uint8)
    return Rows(ids=ids, versions=np.zeros_like(ids), at=table.growth.created(ids), changes=none, states=none)


class Of(Kind):
    """What the row says to which a `ref` leads."""

    name: ClassVar[str] = "of"
    example: ClassVar[str] = "{of: customer_id, column: email}"
    of: str = Field(description="a column of this table that is a `ref`")
    column: str = Field(description="a column of the table that it refers to")

    def needs(self) -> set[str]:
        """The link."""
        return {self.of}

    def bind(self, place: Place) -> Maker:
        """Bound by the table, which knows the link: see `through`."""
        raise ValueError(f"{self.of} is not a `ref`")

    def through(self, link: Ref, place: Place) -> Maker:
        """The maker, given the link. The link's own draws are made again: that is cheaper than to keep them."""
        return link.model_copy(update={"column": self.column}).bind(place)


class Template(Kind):
    """Other columns within a text."""

    name: ClassVar[str] = "template"
    example: ClassVar[str] = '{template: "{first_name} {last_name}"}'
    template: str = Field(description="a text with the names of columns in braces")

    @field_validator("template")
    @classmethod
    def _plain(cls, given: str) -> str:
        for _, field, spec, conversion in string.Formatter().parse(given):
            if field is not None and (not field or spec or conversion):
                raise ValueError("a template has names of columns in braces, and nothing else in them")
        return given

    def needs(self) -> set[str]:
        """The columns in braces."""
        return {field for _, field, _, _ in string.Formatter().parse(self.template) if field}

    def bind(self, place: Place) -> Maker:
        """Put the cells side by side."""
        parts: list[str | Maker] = []
        for text, field, _, _ in string.Formatter().parse(self.template):
            parts += [text] if field is None else [text, place.table.makers[field]]

        def make(rows: Rows) -> Column:
            return joined([part if isinstance(part, str) else part(rows) for part in parts], len(rows))

        return make


class Position(Kind):
    """The number of a row among those of its parent, from 1, where rows are `per` another table."""

    name: ClassVar[str] = "position"
    example: ClassVar[str] = "{position: orders}"
    position: str = Field(description="the table that this table's rows are `per`")

    def looks_at(self) -> set[str]:
        """That table."""
        return {self.position}

    def bind(self, place: Place) -> Maker:
        """Count from the first row of the same parent."""
        siblings = place.table.siblings
        if siblings is None:
            raise ValueError(f"{place.table.name} is not made `per` {self.position}")
        return lambda rows: whole((siblings(rows.ids) + np.uint64(1)).astype(np.int64))

    def usual_type(self) -> str:
        """A whole number."""
        return "integer"
