"""Rules that put some letters for one or two others: what looks alike, and what sounds alike.

A rule is written `ph>f`. `^kn>n` holds at the beginning of a word alone, `-z>s` everywhere else, `~le>lle` behind a
vowel, `ie$>y` at the end of a word. A word is an unbroken run of letters and digits here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.draws import Words, mix
from snapshotter.testdata.mistakes.letters import (
    ALNUM,
    UPPER,
    Codes,
    Letters,
    Places,
    cased,
    each_below,
    looked_up,
    pick,
    shifted,
    splice,
)

_T = TypeVar("_T", int, npt.NDArray[np.int32])

_NOTHING, _OTHER, _VOWEL = range(3)  # what a letter can be behind
_BEHIND = {"^": (_NOTHING,), "-": (_OTHER, _VOWEL), "~": (_VOWEL,)}
_SORTS = ALNUM * np.int32(_OTHER)
_SORTS[[ord(letter) for letter in "aeiouyAEIOUYáàâãéêíóôõúÁÀÂÃÉÊÍÓÔÕÚ"]] = _VOWEL


@dataclass(frozen=True)
class Rule:
    """One rule: `here` and `put`, behind what it holds, and whether only at the end of a word."""

    here: str
    put: str
    behind: tuple[int, ...]
    ending: bool

    @classmethod
    def read(cls, text: str) -> Rule:
        """Read a rule as it is written above."""
        here, _, put = text.partition(">")
        return cls(here.strip("^-~$"), put, _BEHIND.get(here[0], (_NOTHING, _OTHER, _VOWEL)), here.endswith("$"))


class Rules:
    """Rules made into tables: by what stands at a place, which rules hold there.

    Args:
        text: the rules, separated by blanks.
        any_case: whether capitals and small letters are the same; what is put then takes the case.
    """

    def __init__(self, text: str, *, any_case: bool) -> None:
        self.rules = [Rule.read(rule) for rule in text.split()]
        self._any_case = any_case
        alphabet = sorted({letter for rule in self.rules for letter in rule.here})
        self._base = len(alphabet) + 2  # 0 is no letter, 1 any other letter
        self._signs = ALNUM.astype(np.int32)
        for number, letter in enumerate(alphabet, 2):
            self._signs[ord(letter)] = number
            if any_case:
                self._signs[UPPER[ord(letter)]] = number
        self._tables({letter: number for number, letter in enumerate(alphabet, 2)})
        self._cut = np.array([len(rule.here) for rule in self.rules], dtype=np.intp)
        self._longs = np.array([len(rule.put) for rule in self.rules], dtype=np.intp)
        self._put: Codes = np.zeros((len(self.rules), max(1, int(self._longs.max()))), dtype=np.uint32)
        for row, rule in zip(self._put, self.rules, strict=True):
            row[: len(rule.put)] = [ord(letter) for letter in rule.put]

    def _tables(self, numbers: dict[str, int]) -> None:
        """For each situation how many rules hold, and where they begin in the list of them."""
        holding: dict[int, list[int]] = {}
        for number, rule in enumerate(self.rules):
            for situation in self._situations(rule, [numbers[letter] for letter in rule.here]):
                holding.setdefault(situation, []).append(number)
        self._first = np.zeros(6 * self._base**2, dtype=np.intp)
        self._count = np.zeros(6 * self._base**2, dtype=np.intp)
        together: list[int] = []
        for situation, rules in holding.items():
            self._first[situation], self._count[situation] = len(together), len(rules)
            together += rules
        self._holding = np.array(together, dtype=np.intp)

    def _situations(self, rule: Rule, signs: list[int]) -> Iterator[int]:
        """The situations in which a rule holds: a number of four things, see `_situation`."""
        ends = (True,) if rule.ending and len(signs) == 2 else (False, True)
        seconds = signs[1:] or ([0] if rule.ending else range(self._base))
        for behind in rule.behind:
            for end in ends:
                for second in seconds:
                    yield self._situation(behind, int(end), signs[0], second)

    def _situation(self, behind: _T, end: _T, first: _T, second: _T) -> _T:
        """A number for: what is it behind? is the word over after two letters? which stands here, and which next?"""
        return ((behind * 2 + end) * self._base + first) * self._base + second

    def applied(self, letters: Letters, words: Words) -> Codes:
        """The texts after one rule at one place; where none holds, as they were."""
        signs = np.where(letters.letters, looked_up(self._signs, letters.codes), 0)
        after, later = shifted(signs, -1), shifted(signs, -2)
        behind = shifted(np.where(letters.letters, looked_up(_SORTS, letters.codes), 0), 1)
        situations = self._situation(behind, (later == 0).astype(np.int32), signs, after)
        counts = self._count.take(situations)
        at, found = pick(counts > 0, words)
        here = situations[np.arange(len(letters)), at]
        number = self._first[here] + each_below(mix(words, 1), self._count[here])
        rule = self._holding.take(number, mode="clip")
        put = self._put[rule]
        if self._any_case:
            put = self._in_case(letters, at, self._cut[rule], put)
        return splice(letters, at, self._cut[rule] * found, put, self._longs[rule] * found)

    @staticmethod
    def _in_case(letters: Letters, at: Places, cut: Places, put: Codes) -> Codes:
        """What is put in the case of the letters that go, and behind them in that of the letter that follows."""
        follower = letters.at(at + cut)
        letter = looked_up(ALNUM, follower)
        follower = np.where(letter, follower, letters.at(at))
        columns = [
            cased(column, np.where(place < cut, letters.at(at + place), follower)) for place, column in enumerate(put.T)
        ]
        return np.stack(columns, axis=1)
