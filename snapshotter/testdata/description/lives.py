"""What becomes of a table's rows from file to file: which change, come again, come late, and go.

The plan of a file needs to know how each row stands; that is all that is held of a table, a few bytes for each
of its rows, and nothing at all for a table to which rows are only added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.description.column import Rows
from snapshotter.testdata.description.growth import CHANGES, DELETED, LATE, NEW, RESENT, UPDATED, Growth, Windows, steps
from snapshotter.testdata.description.model import Changes
from snapshotter.testdata.description.text import WrongDescription
from snapshotter.testdata.draws import Draws, Words, mix, permute

Numbers = npt.NDArray[np.int64]
Keys = Callable[..., int]

_NONE = np.zeros(0, dtype=np.uint64)


@dataclass(frozen=True)
class Successors:
    """Which state follows which: for each the ends of the weights of those that may.

    Args:
        following: for each state the numbers of those that may follow, and the sums of weights up to each.
    """

    following: tuple[tuple[npt.NDArray[np.uint8], Words], ...]

    @classmethod
    def of(cls, names: tuple[str, ...], states: Mapping[str, Mapping[str, int]]) -> Successors:
        """Number the states of a description."""
        number = {name: index for index, name in enumerate(names)}

        def one(name: str) -> tuple[npt.NDArray[np.uint8], Words]:
            weights = states.get(name, {})
            targets = np.array([number[target] for target in weights], dtype=np.uint8)
            return targets, np.cumsum(np.array(list(weights.values()), dtype=np.uint64))

        return cls(tuple(one(name) for name in names))

    def last(self) -> npt.NDArray[np.bool_]:
        """For each state whether it is the end."""
        return np.array([not len(targets) for targets, _ in self.following])

    def after(self, states: npt.NDArray[np.uint8], words: Words) -> npt.NDArray[np.uint8]:
        """A state that follows each of these."""
        found = states.copy()
        for state, (targets, ends) in enumerate(self.following):
            if len(targets) and (here := np.flatnonzero(states == state)).size:
                drawn = ((words[here] >> np.uint64(32)) * ends[-1]) >> np.uint64(32)
                found[here] = targets[np.searchsorted(ends, drawn, side="right")]
        return found


@dataclass(frozen=True)
class Holding:
    """What one file holds of a table.

    Args:
        length: how many rows.
        some: makes those from one place to before another one.
        changes: how many of each kind of change, and of those that are the `same` as in the file before.
    """

    length: int
    some: Callable[[int, int], Rows]
    changes: Mapping[str, int]


def added(growth: Growth) -> Iterator[Holding]:
    """The files of a table to which rows are only added: nothing is held of any row."""
    for first, end in zip(growth.firsts[:-1].tolist(), growth.firsts[1:].tolist(), strict=True):

        def some(start: int, stop: int, first: int = first) -> Rows:
            return _new(growth, first + start, first + stop)

        yield Holding(end - first, some, {"new": end - first})


def _new(growth: Growth, start: int, stop: int) -> Rows:
    ids = np.arange(start, stop, dtype=np.uint64)
    none = np.zeros(len(ids), dtype=np.uint8)
    return Rows(ids=ids, versions=np.zeros_like(ids), at=growth.created(ids), changes=none, states=none)


@dataclass
class Lives:
    """How the rows of a table stand.

    Args:
        growth: the numbers of its rows.
        changes: what happens to them.
        successors: the states that follow each other; None for a table without any.
        keys: names a stream of words by some texts.
    """

    growth: Growth
    changes: Changes
    successors: Successors | None
    keys: Keys
    versions: npt.NDArray[np.uint16] = field(init=False)
    last: Numbers = field(init=False)
    states: npt.NDArray[np.uint8] = field(init=False)
    alive: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        """No row has come yet."""
        count = len(self.growth)
        self.versions, self.states = np.zeros(count, dtype=np.uint16), np.zeros(count, dtype=np.uint8)
        self.last, self.alive = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_)

    def files(self, *, whole: bool) -> Iterator[Holding]:
        """What each file holds, in their order.

        Args:
            whole: all rows that there are, not only what changed.
        """
        for number in range(len(self.growth.windows)):
            rows = self._changed(number)
            counts = np.bincount(rows.changes, minlength=len(CHANGES)).tolist()
            changes = {name: count for name, count in zip(CHANGES, counts, strict=True) if count}
            if not whole:
                yield Holding(len(rows), _slices(rows), changes)
                continue
            held = self._all()
            told = {name: changes[name] for name in ("new", "updated") if name in changes}
            yield Holding(len(held), _slices(held), told | {"same": len(held) - sum(told.values())})

    def _all(self) -> Rows:
        ids = np.flatnonzero(self.alive).astype(np.uint64)
        return self._rows(ids, self.last[ids], np.where(self.versions[ids] > 0, UPDATED, NEW))

    def _rows(self, ids: Words, at: Numbers, change: int | npt.NDArray[np.intp]) -> Rows:
        changes = np.broadcast_to(np.asarray(change, dtype=np.uint8), len(ids))
        return Rows(
            ids=ids, versions=self.versions[ids].astype(np.uint64), at=at, changes=changes, states=self.states[ids]
        )

    def _changed(self, file: int) -> Rows:
        """The rows that come with a file; the table stands otherwise afterwards."""
        windows, known = self.growth.windows, int(self.growth.firsts[file])
        new = np.arange(known, int(self.growth.firsts[file + 1]), dtype=np.uint64)
        self.last[new], self.alive[new] = self.growth.created(new), True
        updated, resent, late, deleted = self._chosen(known, file)
        parts = [(self._rows(new, self.last[new], NEW), self.last[new])]
        arrive = _Arrivals(windows, file, Draws(self.keys("arrivals"), 0, file))
        times = arrive(len(updated))
        self._update(updated, times, file)
        parts.append((self._rows(updated, times, UPDATED), times))
        parts.append((self._rows(resent, self.last[resent], RESENT), arrive(len(resent))))
        parts.append((self._first_forms(late, file), arrive(len(late))))
        times = arrive(len(deleted))
        parts.append((self._rows(deleted, times, DELETED), times))
        self.alive[deleted] = False
        return _in_order(parts)

    def _chosen(self, known: int, file: int) -> tuple[Words, Words, Words, Words]:
        """The rows that are updated, sent again, late and deleted: no row is two of these."""
        shares = self.changes
        alive = np.flatnonzero(self.alive[:known]).astype(np.uint64)
        going = alive
        if self.successors:
            going = alive[~self.successors.last()[self.states[alive]]]
        count = int(len(going) * shares.updated)
        count = count if shares.at_most is None else min(count, shares.at_most)
        updated = _some(going, count, self.keys("updated", str(file)))
        counts = [int(len(alive) * share) for share in (shares.resent, shares.late, shares.deleted)]
        if not sum(counts):
            return updated, _NONE, _NONE, _NONE
        taken = np.zeros(known, dtype=np.bool_)
        taken[updated] = True
        free = alive[~taken[alive]]
        others = _some(free, min(sum(counts), len(free)), self.keys("others", str(file)))
        resent, late, deleted = np.split(others, np.cumsum(counts[:2]))
        return updated, resent, late, deleted

    def _update(self, ids: Words, at: Numbers, file: int) -> None:
        if self.versions[ids].max(initial=0) == np.iinfo(np.uint16).max:
            raise WrongDescription("a row would change more than 65,535 times: let fewer files come")
        self.versions[ids] += 1
        self.last[ids] = at
        if self.successors:
            words = mix(ids, self.keys("states", str(file)))
            self.states[ids] = self.successors.after(self.states[ids], words)

    def _first_forms(self, ids: Words, file: int) -> Rows:
        """Rows as they were first, at a time from then to before their last change."""
        created = self.growth.created(ids)
        room = np.maximum(self.last[ids] - created, 1).astype(np.uint64)
        words = mix(ids, self.keys("late", str(file)))
        at = created + (((words >> np.uint64(32)) * room) >> np.uint64(32)).astype(np.int64)
        none = np.zeros(len(ids), dtype=np.uint8)
        late = np.full(len(ids), LATE, dtype=np.uint8)
        return Rows(ids=ids, versions=np.zeros_like(ids), at=at, changes=late, states=none)


@dataclass(frozen=True)
class _Arrivals:
    """When rows arrive with a file."""

    windows: Windows
    file: int
    draws: Draws

    def __call__(self, count: int) -> Numbers:
        opens = int(self.windows.closes[self.file - 1]) if self.file else int(self.windows.opens[0])
        return steps(count, opens, int(self.windows.closes[self.file]), self.draws.words(count))


def _some(ids: Words, count: int, key: int) -> Words:
    """So many of these, no two the same."""
    if not count:
        return _NONE
    return ids[permute(np.arange(count, dtype=np.uint64), len(ids), key)]


def _in_order(parts: list[tuple[Rows, Numbers]]) -> Rows:
    """Rows by the time at which they arrive."""
    order = np.argsort(np.concatenate([times for _, times in parts]), kind="stable")
    rows = [rows for rows, _ in parts]
    return Rows(
        ids=np.concatenate([part.ids for part in rows])[order],
        versions=np.concatenate([part.versions for part in rows])[order],
        at=np.concatenate([part.at for part in rows])[order],
        changes=np.concatenate([part.changes for part in rows])[order],
        states=np.concatenate([part.states for part in rows])[order],
    )


def _slices(rows: Rows) -> Callable[[int, int], Rows]:
    return lambda start, stop: rows.some(slice(start, stop))
