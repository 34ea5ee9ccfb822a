"""Rows that are the same person again, and rows in which people made mistakes.

Who is whose duplicate is a function of the row's number; what is wrong in a row is one of its number, too, and
of what would have stood there. So a duplicate is the same duplicate in each file, with the same slips.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.description.column import Column, Maker, Rows, Texts
from snapshotter.testdata.draws import Words, mix
from snapshotter.testdata.mistakes import Mistakes

Bools = npt.NDArray[np.bool_]

_HALF = np.uint64(32)
_ALL = 1 << 32


@dataclass(frozen=True)
class Doubles:
    """Which rows of a table are persons that were there already.

    Args:
        share: of the rows, 0 to below 1, in 2**32nds.
        key: names the draws.
    """

    share: int
    key: int

    @classmethod
    def around(cls, share: float, variance: float, key: int) -> Doubles:
        """A share that is drawn from those at most `variance` from the one that is asked for."""
        spread = round(variance * _ALL)
        drawn = int(mix(np.array([0], dtype=np.uint64), key + 1)[0]) * (2 * spread + 1) >> 64
        return cls(min(max(round(share * _ALL) + drawn - spread, 0), _ALL - 1), key)

    def are(self, ids: Words) -> Bools:
        """Which of these rows are; the first row of a table never is."""
        found: Bools = ((mix(ids, self.key) >> _HALF) < np.uint64(self.share)) & (ids > 0)
        return found

    def persons(self, ids: Words) -> Words:
        """The row with which each row's person came first: the row itself, or one before it."""
        persons = ids.copy()
        again = np.flatnonzero(self.are(ids))
        while again.size:
            before = persons[again]
            words = mix(before, self.key + 2)
            persons[again] = ((words >> _HALF) * before) >> _HALF
            again = again[self.are(persons[again])]
        return persons


@dataclass(frozen=True)
class Erring:
    """The mistakes in the rows of a table.

    Args:
        mistakes: what may go wrong.
        makers: the columns in which it may.
        married: what else they hold after a wedding.
        moved: what else they hold after a move.
        doubles: the rows that are somebody again: each of them errs.
        share: of the other rows, how many err, in 2**32nds.
        key: names the draws.
        person: turns the numbers of rows into those of persons.
    """

    mistakes: Mistakes
    makers: Mapping[str, Maker]
    married: Mapping[str, Maker]
    moved: Mapping[str, Maker]
    doubles: Doubles | None
    share: int
    key: int
    person: Callable[[Words], Words]

    def err(self, rows: Rows, columns: Mapping[str, Column]) -> dict[str, Column]:
        """The columns of some rows, with the mistakes in them."""
        wrong, texts, _ = self._made(rows)
        return {name: column.put(wrong, texts[name]) if name in texts else column for name, column in columns.items()}

    def labels(self, rows: Rows) -> dict[str, Texts]:
        """Who each row is about, by the person's number from 1, and what was done to it, `duplicate` first."""
        wrong, _, done = self._made(rows)
        slips = np.zeros(len(rows), dtype=done.dtype)
        slips[wrong] = done
        twice = self.doubles.are(rows.ids) if self.doubles else np.zeros(len(rows), dtype=np.bool_)
        says = np.strings.add(np.where(twice, "duplicate ", ""), slips)
        return {"who": (self.person(rows.ids) + np.uint64(1)).astype(np.str_), "done": np.strings.rstrip(says)}

    def _made(self, rows: Rows) -> tuple[npt.NDArray[np.intp], dict[str, Texts], Texts]:
        words = mix(rows.ids, self.key)
        erring = (words >> _HALF) < np.uint64(self.share)
        if self.doubles:
            erring |= self.doubles.are(rows.ids)
        wrong = np.flatnonzero(erring)
        if not wrong.size:
            return wrong, {}, np.zeros(0, dtype="U1")
        chosen = rows.some(wrong)
        made = self.mistakes.make(
            _texts(self.makers, chosen),
            mix(words[wrong], 1),
            married=_texts(self.married, chosen),
            moved=_texts(self.moved, chosen),
        )
        return wrong, made.fields, made.labels()


def _texts(makers: Mapping[str, Maker], rows: Rows) -> dict[str, Texts]:
    return {name: make(rows).texts() for name, make in makers.items()}
