"""Binds the columns of one table to each other, to those of other tables, and to their streams of words."""

from __future__ import annotations

import functools
import graphlib
import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from snapshotter.testdata.description.column import Maker
from snapshotter.testdata.description.erring import Doubles, Erring
from snapshotter.testdata.description.growth import Growth, Numbers, Windows
from snapshotter.testdata.description.kinds import Kind
from snapshotter.testdata.description.kinds.base import Made, Place, Turns
from snapshotter.testdata.description.kinds.life import Change, States, Time
from snapshotter.testdata.description.kinds.links import Of, Ref, first_forms
from snapshotter.testdata.description.kinds.people import MARRIED, MOVED, Person
from snapshotter.testdata.description.listing import Listing
from snapshotter.testdata.description.lives import Successors
from snapshotter.testdata.description.model import Description, FromFile, Per, TableSaid
from snapshotter.testdata.description.text import Text
from snapshotter.testdata.description.times import in_seconds
from snapshotter.testdata.draws import Draws, Words, below, mix
from snapshotter.testdata.mistakes import Mistakes, Role
from snapshotter.testdata.pools import load
from snapshotter.testdata.source import Field, Table

_OTHERWISE = 1 << 20  # a version that no row ever has
STREAMS = 16  # the table of draws of descriptions; those below are the demo's
_PIECE = 1 << 20  # rows that are summed up at a time


@dataclass(frozen=True)
class Keys:
    """Names streams of words by texts: a name that is added later leaves those of the others as they are."""

    seed: int

    def __call__(self, *names: str) -> int:
        """A word for a stream."""
        digest = hashlib.blake2b("\0".join(names).encode(), digest_size=6).digest()
        return Draws(self.seed, STREAMS, int.from_bytes(digest)).word()


@dataclass
class Binding:
    """Binds the columns of one table."""

    text: Text
    said: Description
    name: str
    columns: Mapping[str, Kind]
    before: Mapping[str, Made]
    keys: Keys

    @property
    def spec(self) -> TableSaid:
        """What is said of the table."""
        return self.said.tables[self.name]

    def bound(self, times: Sequence[datetime]) -> Made:
        """The table, each of its columns bound behind those that it needs."""
        makers: dict[str, Maker] = {}
        turns = self._turns()
        fields: dict[str, Field] = {}
        doubles = self._doubles()
        parent, siblings, firsts = self._numbers(times)
        made = Made(
            name=self.name,
            growth=self._growth(firsts, times, parent),
            makers=makers,
            fields=fields,
            changing=frozenset(turns),
            people=(self.name, doubles.persons if doubles else lambda ids: ids),
            parent=parent,
            siblings=siblings,
            listing=self._listing,
        )
        made = self._with_people(made)
        for column in self._column_order():
            kind = self.columns[column]
            try:
                makers[column] = self._bind(kind, column, made, turns)
                fields[column] = self._field(kind)
            except ValueError as error:
                raise self._wrong(("columns", column), str(error)) from error
        return made

    def _doubles(self) -> Doubles | None:
        said = self.spec.duplicates
        if said is None:
            return None
        if self.spec.people:
            raise self._wrong(("duplicates",), "the persons are those of another table, which says who is there twice")
        return Doubles.around(said.share, said.variance, self.keys(self.name, "duplicates"))

    def erring(self, made: Made) -> Erring | None:
        """The mistakes in the table's rows, if there are any."""
        said, roles = self.spec.mistakes, self._roles()
        if not (said.share or self.spec.duplicates):
            return None
        if not roles:
            raise self._wrong(("columns",), "there is no column of kind `person` in which a mistake could be made")
        pool = load(f"{self._locale}-1")
        try:
            mistakes = Mistakes(
                roles,
                locale=self._locale,
                weights=said.weights,
                nicknames=list(zip(pool["nickname_of"], pool["nickname"], strict=True)),
                valid=[name for name in roles if made.fields[name].type != "string"],
            )
        except ValueError as error:
            raise self._wrong(("mistakes", "weights"), str(error)) from error
        return Erring(
            mistakes=mistakes,
            makers={name: made.makers[name] for name in self._persons()},
            married=self._otherwise(made, MARRIED, roles),
            moved=self._otherwise(made, MOVED, self._persons()),
            doubles=self._doubles(),
            share=round(said.share * (1 << 32)),
            key=self.keys(self.name, "mistakes"),
            person=made.people[1],
        )

    def _persons(self) -> dict[str, Person]:
        return {name: kind for name, kind in self.columns.items() if isinstance(kind, Person)}

    def _roles(self) -> dict[str, Role]:
        return {name: role for name, kind in self._persons().items() if (role := kind.role())}

    def _otherwise(self, made: Made, parts: Collection[str], names: Collection[str]) -> dict[str, Maker]:
        """What columns hold of a person after a wedding or a move."""
        turns = self._turns()
        return {
            name: kind.bind(replace(self._place(name, made, turns.get(name)), shift=_OTHERWISE))
            for name, kind in self._persons().items()
            if kind.person in parts and name in names
        }

    @property
    def _locale(self) -> str:
        return self.spec.locale or self.said.locale

    def _growth(self, firsts: Numbers, times: Sequence[datetime], parent: Callable[[Words], Words] | None) -> Growth:
        """Rows that are `per` another table are made with its rows; with `since`, some time after them."""
        rows = self.spec.rows
        return Growth(
            firsts=firsts,
            windows=self._windows(times),
            key=self.keys(self.name, "created"),
            parents=(self.before[rows.per].growth, parent) if isinstance(rows, Per) and parent else None,
            together=not self.spec.since,
        )

    def _bind(self, kind: Kind, column: str, made: Made, turns: Mapping[str, Turns]) -> Maker:
        place = self._place(column, made, turns.get(column))
        if isinstance(kind, Of) and isinstance(link := self.columns.get(kind.of), Ref):
            return kind.through(link, replace(place, column=kind.of, turns=None))
        return kind.maker(place)

    def _place(self, column: str, made: Made, turns: Turns | None) -> Place:
        return Place(
            table=made,
            column=column,
            locale=self._locale,
            tables=self.before,
            keys=self.keys,
            turns=turns,
            states=self._states(),
            postcodes=self.said.postcodes,
        )

    def _wrong(self, path: tuple[str, ...], problem: str) -> ValueError:
        return self.text.wrong(("tables", self.name, *path), problem)

    def _column_order(self) -> list[str]:
        graph: dict[str, set[str]] = {}
        for name, kind in self.columns.items():
            if unknown := sorted(kind.needs() - self.columns.keys()):
                raise self._wrong(("columns", name), f"there is no column {unknown[0]!r} in this table")
            graph[name] = kind.needs()
        try:
            return list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            circle = error.args[1][::-1]
            raise self._wrong(("columns", circle[0]), f"a circle of columns: {' → '.join(circle)}") from error

    def _turns(self) -> dict[str, Turns]:
        groups = [[group] if isinstance(group, str) else group for group in self.spec.changes.columns]
        turns: dict[str, Turns] = {}
        for number, group in enumerate(groups):
            for column in group:
                if column not in self.columns:
                    raise self._wrong(("changes", "columns"), f"there is no column {column!r} in this table")
                if column in self._key() or isinstance(self.columns[column], Time | Change | States):
                    raise self._wrong(("changes", "columns"), f"{column} cannot be one of the columns that change")
                if column in turns:
                    raise self._wrong(("changes", "columns"), f"{column} is there twice")
                turns[column] = Turns(number=number, groups=len(groups))
        return turns

    def _windows(self, times: Sequence[datetime]) -> Windows:
        seconds = np.array([in_seconds(at) for at in times], dtype=np.int64)
        opens = seconds[:-1].copy()
        if self.spec.since:
            opens[0] = in_seconds(self.spec.since)
            if opens[0] >= seconds[1]:
                raise self._wrong(("since",), f"{self.spec.since} is not before the first file, {times[1]}")
        return Windows(opens=opens, closes=seconds[1:])

    def _numbers(
        self, times: Sequence[datetime]
    ) -> tuple[Callable[[Words], Words] | None, Callable[[Words], Words] | None, Numbers]:
        """How rows are numbered: which is whose, and how many there are before each file."""
        rows, files = self.spec.rows, len(times) - 1
        if isinstance(rows, FromFile):
            if self.spec.changes.new:
                raise self._wrong(("changes", "new"), f"there are no more rows than {rows.file} has")
            return None, None, np.array([0] + [self._listing.rows if self._listing else 0] * files, dtype=np.int64)
        if isinstance(rows, int):
            later = np.array([round(rows * self.spec.changes.new * file) for file in range(files)], dtype=np.int64)
            return None, None, np.concatenate([[0], rows + later])
        if self.spec.changes.new:
            raise self._wrong(("changes", "new"), f"new rows come with those of {rows.per}")
        other = self.before[rows.per]
        ends = _sums(len(other.growth), rows, self.keys(self.name, "per"))

        def parent(ids: Words) -> Words:
            return (np.searchsorted(ends, ids, side="right") - 1).astype(np.uint64)

        return parent, lambda ids: ids - ends[parent(ids)], ends[other.growth.firsts].astype(np.int64)

    @functools.cached_property
    def _listing(self) -> Listing | None:
        rows = self.spec.rows
        if not isinstance(rows, FromFile):
            return None
        try:
            return Listing.read(self.text.folder / rows.file)
        except ValueError as error:
            raise self._wrong(("rows", "file"), str(error)) from error

    def _with_people(self, made: Made) -> Made:
        """The same table; its persons are those of the linked rows, if that is said."""
        column = self.spec.people
        if not column:
            return made
        link = self.columns.get(column)
        if not isinstance(link, Ref):
            raise self._wrong(("people",), f"{column!r} is not a column of kind `ref` of this table")
        table, number = self.before[link.ref].people
        try:
            picked = link.picked(self._place(column, made, None))
        except ValueError as error:
            raise self._wrong(("columns", column), str(error)) from error
        return replace(made, people=(table, lambda ids: number(picked(first_forms(made, ids)))))

    def _key(self) -> tuple[str, ...]:
        return tuple(self.spec.key) or (next(iter(self.columns)),)

    def _states(self) -> tuple[str, ...]:
        return next((kind.all_states() for kind in self.columns.values() if isinstance(kind, States)), ())

    def successors(self) -> Successors | None:
        """The states of the table's rows."""
        found = [kind for kind in self.columns.values() if isinstance(kind, States)]
        if len(found) > 1:
            raise self._wrong(("columns",), "a table has one column of states")
        return Successors.of(found[0].all_states(), found[0].states) if found else None

    def contract(self, file: str, made: Made) -> Table:
        """What a consumer must know."""
        for column in self._key():
            if column not in self.columns:
                raise self._wrong(("key",), f"there is no column {column!r}")
        return Table(
            name=self.name,
            match=_glob(file),
            key=self._key(),
            timestamp=self._timestamp(),
            fields={name: made.fields[name] for name in self.columns},
            deleted=self._deleted(),
            batch_time=file.removesuffix(".csv"),
            says=self.spec.says,
        )

    def _field(self, kind: Kind) -> Field:
        """What a consumer must know of a column; one that is taken from another table is of the type there."""
        field, looked_up = kind.field(), None
        if isinstance(kind, Person) and kind.role() and (self.spec.duplicates or self.spec.mistakes.share):
            return replace(field, nullable=field.nullable or field.type == "string")
        if isinstance(kind, Ref):
            other = self.before[kind.ref]
            looked_up = kind.column or next(iter(other.fields))
            field = replace(field, refers=(kind.ref, looked_up))
        elif isinstance(kind, Of) and isinstance(link := self.columns[kind.of], Ref):
            other, looked_up = self.before[link.ref], kind.column
        else:
            return field
        theirs = other.fields[looked_up]
        return replace(field, type=kind.type or theirs.type, values=theirs.values, nullable=theirs.nullable)

    def _timestamp(self) -> str:
        times = [name for name, kind in self.columns.items() if isinstance(kind, Time)]
        wanted = self.spec.timestamp
        if wanted:
            if wanted not in self.columns:
                raise self._wrong(("timestamp",), f"there is no column {wanted!r}")
            return wanted
        changed = [name for name in times if self.columns[name].model_dump()["time"] == "changed"]
        if not times:
            raise self._wrong(("columns",), "a table needs a column of kind `time`, which orders the versions of a row")
        return (changed or times)[0]

    def _deleted(self) -> tuple[str, str] | None:
        for name, kind in self.columns.items():
            if isinstance(kind, Change) and kind.change.get("deleted"):
                return name, kind.change["deleted"]
        if self.spec.changes.deleted and not self.spec.whole:
            raise self._wrong(("changes", "deleted"), "a column of kind `change` must say which rows are deleted")
        return None


_WIDTHS = {"Y": 4, "j": 3, **dict.fromkeys("mdHMSy", 2)}


def _glob(file: str) -> str:
    """A glob of the names that a strftime pattern makes."""
    return re.sub("%(.)", lambda found: "?" * _WIDTHS.get(found[1], 0) or "*", file) + "*"


def _sums(count: int, rows: Per, key: int) -> Words:
    """How many rows there are before those of each of `count` others, and after the last one.

    They are summed up a piece at a time: nothing beside the sums is held for all of them.
    """
    ends = np.zeros(count + 1, dtype=np.uint64)
    for start in range(0, count, _PIECE):
        ids = np.arange(start, min(start + _PIECE, count), dtype=np.uint64)
        counts = below(mix(ids, key), rows.at_most - rows.at_least + 1) + np.uint64(rows.at_least)
        ends[start + 1 : start + len(ids) + 1] = ends[start] + np.cumsum(counts)
    return ends
