"""From a description to a source: tables in the order of their links, columns in that of their needs."""

from __future__ import annotations

import functools
import graphlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from snapshotter.testdata.batch import Batch
from snapshotter.testdata.description.binding import STREAMS, Binding, Keys
from snapshotter.testdata.description.column import Rows, Texts, records
from snapshotter.testdata.description.erring import Erring
from snapshotter.testdata.description.kinds import Kind
from snapshotter.testdata.description.kinds.base import Made
from snapshotter.testdata.description.lives import Holding, Lives, Successors, added
from snapshotter.testdata.description.model import Description, Per, understood
from snapshotter.testdata.description.text import Text
from snapshotter.testdata.description.times import from_seconds, in_seconds
from snapshotter.testdata.draws import Draws, below
from snapshotter.testdata.source import Field, Source, Table

# Rows of one part: small enough for its columns to stay in the processor's cache. It does not change any byte.
PART_ROWS = 16_384
_PANDAS = {"integer": "int64", "number": "float64", "boolean": "bool", "date": "datetime64[s]"}


def build(text: Text, overrides: Mapping[str, Any], part_rows: int = PART_ROWS) -> Source:
    """Plan the files of a description that was read; arguments and errors as of `load`."""
    said, columns = understood(text, overrides)
    keys = Keys(said.seed)
    times = _times(text, said, keys)
    tables: dict[str, _Planned] = {}
    for name in _table_order(text, said, columns):
        tables[name] = _Planned.of(text, said, name, columns[name], tables, times, keys)
    ordered = [tables[name] for name in tables]
    return Source(
        name=said.name,
        tables=tuple(planned.table for planned in ordered),
        rows=sum(planned.expected() for planned in ordered),
        batches=functools.partial(_batches, ordered, times, part_rows),
        says=said.says,
    )


def _times(text: Text, said: Description, keys: Keys) -> list[datetime]:
    """The time before the first file, and that of each file."""
    least, most = (int(gap.total_seconds()) for gap in said.every)
    gaps = below(Draws(keys("schedule"), STREAMS).words(said.files), most - least + 1).astype(np.int64) + least
    first = in_seconds(said.start)
    seconds = np.concatenate([[first - int(gaps[0]), first], first + np.cumsum(gaps[1:])])
    try:
        return [from_seconds(int(second)) for second in seconds]
    except OverflowError:
        raise text.wrong(("files",), f"{said.files} files from {said.start} leave the years up to 9999") from None


def _table_order(text: Text, said: Description, columns: Mapping[str, Mapping[str, Kind]]) -> list[str]:
    """Each table behind those that it looks at."""
    graph: dict[str, set[str]] = {}
    for name, spec in said.tables.items():
        looks: list[tuple[tuple[str, ...], str]] = [
            (("columns", column), other) for column, kind in columns[name].items() for other in kind.looks_at()
        ]
        looks += [(("rows", "per"), spec.rows.per)] if isinstance(spec.rows, Per) else []
        for where, other in looks:
            if other not in said.tables:
                raise text.wrong(("tables", name, *where), f"there is no table {other!r}")
        graph[name] = {other for _, other in looks}
    try:
        return list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        circle = error.args[1][::-1]
        raise text.wrong(("tables", circle[0]), f"a circle of links: {' → '.join(circle)}") from error


@dataclass(frozen=True)
class _Planned:
    """A table whose columns can be made."""

    table: Table
    made: Made
    file: str
    whole: bool
    changes: Any
    successors: Successors | None
    erring: Erring | None
    keys: Callable[..., int]

    @classmethod
    def of(  # noqa: PLR0913, PLR0917  (what a table is made of)
        cls,
        text: Text,
        said: Description,
        name: str,
        columns: Mapping[str, Kind],
        before: Mapping[str, _Planned],
        times: Sequence[datetime],
        keys: Keys,
    ) -> _Planned:
        """Bind the columns of one table."""
        binding = Binding(text, said, name, columns, {other: planned.made for other, planned in before.items()}, keys)
        made = binding.bound(times)
        spec = said.tables[name]
        file = spec.file or f"{name}_%Y%m%dT%H%M%S.csv"
        _check_names(text, name, file, times[1:])
        return cls(
            table=binding.contract(file, made),
            made=made,
            file=file,
            whole=spec.whole,
            changes=spec.changes,
            successors=binding.successors(),
            erring=binding.erring(made),
            keys=functools.partial(keys, name, "life"),
        )

    def expected(self) -> int:
        """About how many rows all files have together."""
        firsts = self.made.growth.firsts
        if self.whole:
            return int(firsts[1:].sum())
        shares = self.changes.updated + self.changes.resent + self.changes.late + self.changes.deleted
        return int(firsts[-1]) + int(shares * int(firsts[1:-1].sum()))

    def holdings(self) -> Iterator[Holding]:
        """What each file holds."""
        changes = self.changes
        if not (self.whole or changes.updated or changes.resent or changes.late or changes.deleted):
            return added(self.made.growth)
        return Lives(self.made.growth, changes, self.successors, self.keys).files(whole=self.whole)

    def batch(self, holding: Holding, at: datetime, part_rows: int) -> Batch:
        """One file."""
        starts = range(0, holding.length, part_rows)
        return Batch(
            name=at.strftime(self.file),
            at=at,
            rows=holding.length,
            columns={name: _pandas(field) for name, field in self.table.fields.items()},
            parts=[
                functools.partial(self._part, holding.some, start, min(start + part_rows, holding.length))
                for start in starts
            ],
            table=self.table.name,
            labels=functools.partial(self._labels, self.erring, holding) if self.erring else None,
            changes=holding.changes,
        )

    def _labels(self, erring: Erring, holding: Holding) -> dict[str, Texts]:
        return erring.labels(holding.some(0, holding.length))

    def _part(self, some: Callable[[int, int], Rows], start: int, stop: int) -> bytes:
        rows = some(start, stop)
        columns = {name: self.made.makers[name](rows) for name in self.table.fields}
        if self.erring:
            columns = self.erring.err(rows, columns)
        return records(list(columns.values()))


def _check_names(text: Text, name: str, file: str, times: Sequence[datetime]) -> None:
    path = ("tables", name, "file")
    if "/" in file or file.startswith((".", "~")) or not file.endswith(".csv"):
        raise text.wrong(path, f"{file!r} is not the name of a .csv file that is seen")
    names = {at.strftime(file) for at in times}
    if len(names) < len(times):
        raise text.wrong(path, f"{len(times)} files would have {len(names)} names: {file!r} does not tell their times")


def _batches(tables: Sequence[_Planned], times: Sequence[datetime], part_rows: int) -> Iterator[Batch]:
    """Every file that has rows, in the order of time; of one time, in the order of links."""
    plans = [planned.holdings() for planned in tables]
    for at in times[1:]:
        for planned, plan in zip(tables, plans, strict=True):
            holding = next(plan)
            if holding.length:
                yield planned.batch(holding, at, part_rows)


def _pandas(field: Field) -> str:
    if field.type.startswith("decimal"):
        return "float64"
    if field.type == "timestamp":
        return "datetime64[s]"
    kind = _PANDAS.get(field.type, "str")
    return {"int64": "Int64", "bool": "boolean"}.get(kind, kind) if field.nullable else kind
