"""Which columns may be the key: unique in the samples, alone or together with the timestamp.

Rows that are the same in every cell do no harm and do not count as twins. What counts first is the name (`id` before
`city`), then uniqueness without the timestamp, then the place in the header. Together with timestamps that hardly
repeat anything is unique, so columns that nothing else speaks for come last then. A column that is unique only with
the timestamp gives way to a pair, if its rows seem to be different things (`entities`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from snapshotter.contract.times import Clock
from snapshotter.sql import Parameters
from snapshotter.starting.answers import KeyCandidate
from snapshotter.starting.entities import Part, completing, differs, is_entity
from snapshotter.starting.kinds import Kind
from snapshotter.starting.naming import key_tier
from snapshotter.starting.table import Column, SampleTable

FIRST = 20_000  # rows that refuse most candidates before all are looked at
SHOWN = 4  # candidates
_PARTS = 8  # columns of which pairs and triples are made
_COMPARED = 8  # of those that are not unique
_CORRECTED = 0.1  # of the rows may be pairs that stand twice, for them to be what the rows are about
_TELLING = 0.5  # of the rows may be instants of their own, for uniqueness with them to say anything


def part_of(column: Column, kind: Kind) -> Part:
    """How likely a column is part of a key."""
    tier = key_tier(column.name)
    if kind.type in ("number", "boolean") or kind.type.startswith("decimal"):
        tier = 4
    elif tier == 2 and (kind.type in ("date", "timestamp") or (kind.type == "integer" and column.index > 0)):
        tier = 3
    return Part(column, tier, bool(kind.empty) or not column.everywhere)


def find_keys(
    table: SampleTable, parts: Sequence[Part], timestamp: Column, formats: tuple[str, ...]
) -> list[KeyCandidate]:
    """The candidates for the key, the likeliest first; where nothing is unique, the one with the fewest twins.

    Args:
        table: the samples.
        parts: the columns that may be part of a key, in the order of the header.
        timestamp: the column that orders versions; not among them.
        formats: how it is read.
    """
    bind = Parameters()
    instant = Clock(formats, "UTC").instant(timestamp.cell, bind)
    content = ", ".join(column.cell for column in table.columns)
    table.ask(
        f"CREATE OR REPLACE TABLE versions AS SELECT *, {instant} AS _instant, hash({content}) AS _content FROM cells",
        bind,
    )
    ((instants, rows),) = table.ask("SELECT count(DISTINCT _instant), count(_instant) FROM versions")
    search = _Search(table, telling=instants <= _TELLING * rows)
    for stage in _stages(parts, telling=search.telling):
        if found := list(stage(search)):
            ranked = search.weighed(found, parts)
            first = {candidate.columns: candidate for candidate in reversed(ranked)}  # each once, where it is first
            return sorted(first.values(), key=ranked.index)[:SHOWN]
    return [search.fewest()] if search.tried else []


class _Search:
    """Counts the twins of candidates, each once.

    Args:
        table: with `versions`.
        telling: whether uniqueness with the timestamp says anything.
    """

    def __init__(self, table: SampleTable, *, telling: bool) -> None:
        self._table, self.telling = table, telling
        self.tried: dict[tuple[Part, ...], int] = {}

    def unique(self, parts: tuple[Part, ...], *, alone: bool) -> Iterator[KeyCandidate]:
        """The candidate, if it is unique."""
        twins = self._twins(parts, alone=alone, first=True)
        if twins or self._twins(parts, alone=alone):
            if not alone:
                self.tried[parts] = twins
            return
        yield KeyCandidate(columns=tuple(part.column.name for part in parts), alone=alone)

    def weighed(self, found: Sequence[KeyCandidate], parts: Sequence[Part]) -> list[KeyCandidate]:
        """Candidates, with what may be better than a first one of one column that is unique only with the timestamp.

        Too wide a key shows in latest.csv, too narrow a one hides: its rows are taken for versions and superseded.
        """
        key = found[0]
        if key.alone or len(key.columns) > 1:
            return list(found)
        own = next(part for part in parts if part.column.name == key.columns[0])
        better, others = self._without_timestamp(own, parts)
        wider = [] if self.telling else list(self._wider(own, parts))
        is_number = key_tier(own.column.name) == 1  # a number is often one only within something
        return [*better, *(wider if is_number else ()), key, *(() if is_number else wider), *others, *found[1:]]

    def _without_timestamp(
        self, own: Part, parts: Sequence[Part]
    ) -> tuple[Sequence[KeyCandidate], Sequence[KeyCandidate]]:
        """A column with another one, if unique without the timestamp but for a few: better pairs, and other ones.

        Better, if the column's rows seem to be different things. The few are versions: a receipt that was corrected.
        """
        better: list[KeyCandidate] = []
        others: list[KeyCandidate] = []
        for part in completing(self._table, own, parts):
            pair = (own, part) if own.column.index < part.column.index else (part, own)
            twins = self._twins(pair, alone=True)
            if twins > _CORRECTED * self._table.rows:
                continue
            for candidate in self.unique(pair, alone=not twins):
                (others if is_entity(self._table, own, parts, part) else better).append(candidate)
        return better[:2], others[:1]

    def _wider(self, own: Part, parts: Sequence[Part]) -> Iterator[KeyCandidate]:
        """A column with those before it that differ within it: a receipt's number with its shop.

        Only where uniqueness with the timestamp says nothing: then two things may be taken for versions of one.
        """
        before = [part for part in parts if part.tier <= 2 and not part.empty and part.column.index < own.column.index]
        differing = tuple(part for part in before if differs(self._table, part, own))[:2]
        if differing:
            yield from self.unique((*differing, own), alone=False)

    def fewest(self) -> KeyCandidate:
        """Of what was tried, that with the fewest twins; of equals the shortest."""
        likely = sorted(self.tried, key=lambda parts: (self.tried[parts], len(parts)))[:_COMPARED]
        counts = {parts: self._twins(parts, alone=False) for parts in likely}
        best = min(counts, key=lambda parts: (counts[parts], len(parts), sum(part.tier for part in parts)))
        return KeyCandidate(columns=tuple(part.column.name for part in best), alone=False, twins=counts[best])

    def _twins(self, parts: tuple[Part, ...], *, alone: bool, first: bool = False) -> int:
        """How many keys stand twice (at one instant) with different rows."""
        cells = ", ".join(part.column.cell for part in parts)
        instant = "" if alone else ", _instant"
        few = f"AND _n <= {FIRST}" if first else ""
        groups = (
            f"SELECT 1 FROM versions WHERE _instant IS NOT NULL {few} GROUP BY {cells}{instant} "
            "HAVING min(_content) <> max(_content)"
        )
        return int(self._table.ask(f"SELECT count(*) FROM ({groups})")[0][0])


Stage = Callable[[_Search], Iterator[KeyCandidate]]


def _stages(parts: Sequence[Part], *, telling: bool) -> Iterator[Stage]:
    """The candidates that are tried together, the likelier stages first."""
    whole = sorted((part for part in parts if not part.empty), key=lambda part: (part.tier, part.column.index))
    named = [part for part in whole if part.tier < 2]
    texts = [part for part in whole if part.tier == 2]
    yield _singles(named, (True, False))
    yield _singles(texts, (True, False) if telling else (True,))
    likely = sorted((p for p in parts if p.tier <= 2), key=lambda p: (p.empty, p.tier, p.column.index))[:_PARTS]
    for size in (2, 3):
        yield _together(likely, size, (True, False) if telling else (True,))
    yield _singles(texts, (False,))
    for size in (2, 3):
        yield _together(likely, size, (False,))
    any_ = sorted((p for p in parts if p.tier <= 3), key=lambda p: (p.tier, p.empty, p.column.index))[:_PARTS]
    for size in (2, 3):
        yield _together(any_, size, (True, False))
    yield _singles([part for part in whole if part.tier > 2], (True, False))


def _singles(parts: Sequence[Part], ways: Sequence[bool]) -> Stage:
    def stage(search: _Search) -> Iterator[KeyCandidate]:
        found: set[Part] = set()
        for alone in ways:
            for part in parts:
                if part not in found:
                    for candidate in search.unique((part,), alone=alone):
                        found.add(part)
                        yield candidate

    return stage


def _together(parts: Sequence[Part], size: int, ways: Sequence[bool]) -> Stage:
    """Several columns, in the order of the header; one of them at least is never empty."""

    def stage(search: _Search) -> Iterator[KeyCandidate]:
        sets = [group for group in combinations(parts, size) if not all(part.empty for part in group)]
        sets.sort(key=lambda group: (sum(p.empty for p in group), sum(p.tier for p in group), _places(group)))
        for alone in ways:
            for group in sets:
                ordered = tuple(sorted(group, key=lambda part: part.column.index))
                yield from search.unique(ordered, alone=alone)

    return stage


def _places(group: Sequence[Part]) -> list[int]:
    return sorted(part.column.index for part in group)
