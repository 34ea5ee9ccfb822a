"""The words of texts, and tables of what may stand instead of a word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from snapshotter.testdata.draws import Words, mix
from snapshotter.testdata.mistakes.letters import (
    NUL,
    Codes,
    Flags,
    Letters,
    Places,
    choose,
    codes_of,
    each_below,
    lengths,
    shifted,
    splice,
)

_SEPARATORS = (ord(" "), ord(","), NUL)
_FACTOR = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Spans:
    """Pieces of texts, in the order of the texts and in each from left to right.

    Args:
        owners: the text that each is of.
        starts: the place of its first character.
        longs: the number of its characters.
    """

    owners: Places
    starts: Places
    longs: Places

    def some(self, which: Flags) -> Spans:
        """Those that are marked."""
        return Spans(self.owners[which], self.starts[which], self.longs[which])


def words_of(letters: Letters) -> Spans:
    """The words: what stands between blanks and commas."""
    inside = np.ones(letters.codes.shape, dtype=np.bool_)
    for separator in _SEPARATORS:
        inside &= letters.codes != separator
    width = letters.codes.shape[1]
    first = np.flatnonzero(inside & ~shifted(inside, 1))
    last = np.flatnonzero(inside & ~shifted(inside, -1))
    return Spans(owners=first // width, starts=first % width, longs=last - first + 1)


def ranks(spans: Spans, rows: int) -> tuple[Places, Places]:
    """For each span its rank among those of its text, from 0, and how many those are."""
    counts = np.bincount(spans.owners, minlength=rows)
    before = np.cumsum(counts) - counts
    return np.arange(len(spans.owners)) - before[spans.owners], counts[spans.owners]


class Lookup:
    """What may stand instead of a word.

    Words are found by a hash of their characters, and then compared, so that a wrong one is never taken.

    Args:
        pairs: words, and what may stand instead; a word may come several times.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        found: dict[str, list[str]] = {}
        for word, instead in pairs:
            if word and word != instead:
                found.setdefault(word, []).append(instead)
        self.known = bool(found)
        words = codes_of(np.array(list(found) or [""], dtype=np.str_))
        self._powers = _FACTOR ** np.arange(1, words.shape[1] + 1, dtype=np.uint64)
        hashes = self._hash(words)
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._words = hashes[order], words[order]
        groups = [list(found.values())[number] for number in order] if found else [[""]]
        self._count = np.array([len(group) for group in groups], dtype=np.intp)
        self._first = np.cumsum(self._count) - self._count
        self._instead = codes_of(np.array([text for group in groups for text in group], dtype=np.str_))
        self._longs = lengths(self._instead)
        self.longest = int(self._longs.max())

    def _hash(self, windows: Codes) -> Words:
        """A number for each word; NULs at its end count nothing."""
        hashed: Words = (windows * self._powers).sum(axis=1, dtype=np.uint64)
        return hashed

    def find(self, letters: Letters, spans: Spans) -> tuple[Places, Flags]:
        """For each span the number of its word here, and whether it is here."""
        places = np.arange(self._words.shape[1])
        starts = spans.owners * letters.codes.shape[1] + spans.starts
        windows = letters.codes.ravel().take(starts[:, None] + places, mode="clip")
        windows[places >= spans.longs[:, None]] = NUL
        hashes = self._hash(windows)
        numbers = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        found = (self._hashes[numbers] == hashes) & (spans.longs <= len(places))
        found &= (self._words[numbers] == windows).all(axis=1)
        return numbers, found

    def replaced(self, letters: Letters, spans: Spans, words: Words) -> Codes:
        """The texts with one of their spans that are known here replaced; where there is none, as they were."""
        numbers, known = self.find(letters, spans)
        spans, numbers = spans.some(known), numbers[known]
        chosen, found = choose(spans.owners, len(letters), words)
        if not found.any():
            return letters.codes
        number = numbers.take(chosen, mode="clip")
        instead = self._first[number] + each_below(mix(words, 1), self._count[number])
        return splice(
            letters,
            np.where(found, spans.starts.take(chosen, mode="clip"), 0),
            np.where(found, spans.longs.take(chosen, mode="clip"), 0),
            self._instead[instead],
            np.where(found, self._longs[instead], 0),
        )


def pairs(text: str) -> list[tuple[str, str]]:
    """Read pairs that are written as `Road=Rd Street=St`: each is two, one in either direction."""
    both = [tuple(pair.split("=")) for pair in text.split()]
    return [(one, other) for one, other in both] + [(other, one) for one, other in both]
