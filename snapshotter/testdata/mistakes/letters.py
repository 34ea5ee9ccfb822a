"""Texts as matrices of code points: one row a text, padded with NUL, so that a million are changed at once.

Nothing here depends on how wide a matrix is, so a text becomes the same in whatever company it is.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.draws import Words

Texts = npt.NDArray[np.str_]
Codes = npt.NDArray[np.uint32]
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

_Of = TypeVar("_Of", bound=np.generic)

# Tables know the letters of Latin-1 and Latin Extended-A, whose properties Unicode has fixed. Their last entry
# is for every other character, at which nothing is changed.
LIMIT = 0x180
BLANK, NUL = ord(" "), 0
_HALF = np.uint64(32)


@dataclass(frozen=True)
class Letters:
    """Some texts as code points.

    Args:
        codes: a row for each text.
        until: the place in each text before which single letters may be touched; None: all of them.
    """

    codes: Codes
    until: Places | None = None

    def __len__(self) -> int:
        return len(self.codes)

    @functools.cached_property
    def letters(self) -> Flags:
        """Where a letter or a digit is that may be touched."""
        found = looked_up(ALNUM, self.codes)
        if self.until is not None:
            found &= np.arange(self.codes.shape[1]) < self.until[:, None]
        return found

    @functools.cached_property
    def lengths(self) -> Places:
        """The number of characters of each text."""
        return lengths(self.codes)

    def at(self, places: Places) -> Codes:
        """The character at one place of each text, NUL behind its end."""
        width = self.codes.shape[1]
        found: Codes = self.codes[np.arange(len(self)), np.clip(places, 0, width - 1)]
        return np.where((places >= 0) & (places < width), found, np.uint32(NUL))


def native(texts: npt.ArrayLike) -> Texts:
    """Texts of any type (objects, another machine's order of bytes) as fixed-width ones of this machine."""
    plain = np.asarray(texts, dtype=np.str_)
    return plain.astype(plain.dtype.newbyteorder("="), copy=False)


def codes_of(texts: Texts) -> Codes:
    """A view of texts as code points, or of a copy where there is no other way."""
    plain = np.ascontiguousarray(texts)
    return plain.view(np.uint32).reshape(len(plain), plain.dtype.itemsize // 4)


def texts_of(codes: Codes) -> Texts:
    """A view of code points as texts."""
    return np.ascontiguousarray(codes).view(f"U{codes.shape[1]}").ravel()


def lengths(codes: Codes) -> Places:
    """The number of characters of each text."""
    return np.strings.str_len(texts_of(codes)).astype(np.intp)


def shifted(table: npt.NDArray[_Of], by: int) -> npt.NDArray[_Of]:
    """Each row's entries `by` places later (or earlier, below 0), with zeros at the other end."""
    moved = np.zeros_like(table)
    if by > 0:
        moved[:, by:] = table[:, :-by]
    else:
        moved[:, :by] = table[:, -by:]
    return moved


def each_below(words: Words, bounds: npt.NDArray[np.integer]) -> Places:
    """For each word a number below its own bound, as `draws.below` does it; 0 where the bound is 0."""
    return (((words >> _HALF) * bounds.astype(np.uint64)) >> _HALF).astype(np.intp)


def pick(candidates: Flags, words: Words) -> tuple[Places, Flags]:
    """One of the places that are marked in each row, all equally likely.

    Returns:
        The place for each row (0 where none is marked), and whether there is one.
    """
    rows, width = candidates.shape
    marked = np.flatnonzero(candidates)
    chosen, found = choose(marked // width, rows, words)
    return np.where(found, marked.take(chosen, mode="clip") % width, 0) if marked.size else chosen, found


def choose(owners: Places, rows: int, words: Words) -> tuple[Places, Flags]:
    """One of the things that each row owns, all equally likely.

    Args:
        owners: the row of each thing, in ascending order.
        rows: how many there are.
        words: a word for each row.

    Returns:
        The number of the thing for each row (0 where it owns none), and whether there is one.
    """
    counts = np.bincount(owners, minlength=rows)
    first = np.cumsum(counts) - counts
    found = counts > 0
    return np.where(found, first + each_below(words, counts), 0), found


def splice(letters: Letters, at: Places, cut: Places | int, put: Codes, longs: Places | None = None) -> Codes:
    """In each text take out `cut` characters at a place and put others there.

    Args:
        letters: the texts.
        at: where, for each text.
        cut: how many go, for each text or for all.
        put: what comes, a row for each text.
        longs: how much of the row of `put` comes; None: all of it.
    """
    rows, width = letters.codes.shape
    longs = np.full(rows, put.shape[1]) if longs is None else longs
    grown = longs - cut
    result: Codes = np.zeros((rows, width + max(0, int(grown.max(initial=0)))), dtype=np.uint32)
    result[:, :width] = letters.codes
    ends = (at + longs)[:, None]
    shifts = np.unique(grown)
    for shift in shifts[shifts != 0].tolist():
        some = slice(None) if len(shifts) == 1 else np.flatnonzero(grown == shift)
        _shift(result, letters.codes, some, shift, ends[some])
    every = np.arange(rows)
    for place in range(put.shape[1]):
        some = every[longs > place]
        result[some, at[some] + place] = put[some, place]
    return result


def _shift(result: Codes, codes: Codes, some: Places | slice, shift: int, ends: Places) -> None:
    """Move what is behind `ends` in some rows of the result by `shift` places."""
    width = codes.shape[1]
    moved = result[some]
    if shift > 0:
        behind = np.arange(shift, width + shift) >= ends
        np.copyto(moved[:, shift : width + shift], codes[some], where=behind)
    else:
        behind = np.arange(width + shift) >= ends
        np.copyto(moved[:, : width + shift], codes[some, -shift:], where=behind)
        moved[:, width + shift : width] = NUL
    result[some] = moved


def without(letters: Letters, unwanted: Flags) -> Codes:
    """The texts without the marked characters."""
    kept = (letters.codes != NUL) & ~unwanted
    owners = np.flatnonzero(kept) // letters.codes.shape[1]
    counts = np.bincount(owners, minlength=len(letters))
    result = np.zeros_like(letters.codes)
    result[owners, np.arange(len(owners)) - (np.cumsum(counts) - counts)[owners]] = letters.codes[kept]
    return result


def one(codes: Codes) -> Codes:
    """One character for each text as what is to be put in."""
    return codes[:, None]


def looked_up(table: npt.NDArray[_Of], codes: Codes) -> npt.NDArray[_Of]:
    """What a table says of each character."""
    return table.take(codes, mode="clip")


def mapped(table: Codes, codes: Codes) -> Codes:
    """Each character as a table has it; those that it does not know stay."""
    return np.where(codes < LIMIT, table.take(codes, mode="clip"), codes)


def _all(say: Callable[[str], object], dtype: type[_Of]) -> npt.NDArray[_Of]:
    return np.array([say(chr(code)) for code in range(LIMIT)] + [0], dtype=dtype)


def _other_case(letter: str) -> str:
    """The letter in the other case, where the two belong to each other alone; else itself."""
    other = letter.swapcase()
    known = len(other) == 1 and ord(other) < LIMIT and other.swapcase() == letter
    return other if known else letter


def _base(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    return base if base.isascii() and base.isalpha() else {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O"}.get(letter, letter)


ALNUM = _all(lambda letter: letter.isalpha() or "0" <= letter <= "9", np.bool_)
DIGIT = _all(lambda letter: "0" <= letter <= "9", np.bool_)
CAPITAL = _all(lambda letter: letter.isupper() and _other_case(letter) != letter, np.bool_)
UPPER: Codes = _all(lambda letter: ord(_other_case(letter) if letter.islower() else letter), np.uint32)
LOWER: Codes = _all(lambda letter: ord(_other_case(letter) if letter.isupper() else letter), np.uint32)
PLAIN: Codes = _all(lambda letter: ord(_base(letter)), np.uint32)


def cased(codes: Codes, like: Codes) -> Codes:
    """Each character in the case of the letter beside it in `like`; as it is where that has none."""
    capital = looked_up(CAPITAL, like)
    small = mapped(UPPER, like) != like
    return np.where(capital, mapped(UPPER, codes), np.where(small, mapped(LOWER, codes), codes))
