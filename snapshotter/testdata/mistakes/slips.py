"""Mistakes in any text: slips of the finger, of the eye and of the ear, and what systems lose.

Each takes texts, a word of randomness for each and the setting, and gives the texts after it; a text in which
it cannot be made comes back as it was.
"""

from __future__ import annotations

import numpy as np

from snapshotter.testdata.draws import Words, mix
from snapshotter.testdata.mistakes.kinds import Role
from snapshotter.testdata.mistakes.letters import (
    ALNUM,
    BLANK,
    DIGIT,
    LOWER,
    NUL,
    PLAIN,
    UPPER,
    Codes,
    Flags,
    Letters,
    Places,
    cased,
    choose,
    each_below,
    looked_up,
    mapped,
    one,
    pick,
    shifted,
    splice,
)
from snapshotter.testdata.mistakes.locales import LOOKS
from snapshotter.testdata.mistakes.setting import Setting
from snapshotter.testdata.mistakes.words import Spans, ranks, words_of

# The widths of fields in systems that cut what is longer.
_WIDTHS = np.array([8, 10, 12, 15, 20, 25, 30, 40, 50], dtype=np.intp)
_HYPHEN = ord("-")


def typo(letters: Letters, words: Words, setting: Setting) -> Codes:
    """A neighbouring key instead of the right one."""
    at, found = pick(letters.letters & setting.keyboard.has_neighbours(letters.codes), words)
    return _put(letters, at, found, 1, one(setting.keyboard.neighbour(letters.at(at), mix(words, 1))))


def omitted(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001  (each mistake is called alike)
    """A letter left out, never the first one of a word."""
    at, found = pick(_inside(letters), words)
    return splice(letters, at, found.astype(np.intp), np.zeros((len(letters), 0), dtype=np.uint32))


def doubled(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001
    """A letter twice, never the first one of a word."""
    at, found = pick(_inside(letters), words)
    return _put(letters, at, found, 0, one(letters.at(at)))


def inserted(letters: Letters, words: Words, setting: Setting) -> Codes:
    """A neighbouring key behind the right one."""
    at, found = pick(letters.letters & setting.keyboard.has_neighbours(letters.codes), words)
    here, after = letters.at(at), letters.at(at + 1)
    key = setting.keyboard.neighbour(here, mix(words, 1))
    key = cased(key, np.where(looked_up(ALNUM, after), after, here))
    return _put(letters, at + found, found, 0, one(key))


def swapped(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001
    """Two neighbouring letters, or digits, swapped; capitals stay where they were."""
    codes, usable, digits = letters.codes, letters.letters, looked_up(DIGIT, letters.codes)
    small = mapped(LOWER, codes)
    pairs = usable & shifted(usable, -1) & (digits == shifted(digits, -1)) & (small != shifted(small, -1))
    at, found = pick(pairs, words)
    first, second = letters.at(at), letters.at(at + 1)
    return _put(letters, at, found, 2, np.stack([cased(second, first), cased(first, second)], axis=1))


def misread(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001
    """A letter taken for one that looks like it."""
    return LOOKS.applied(letters, words)


def misheard(letters: Letters, words: Words, setting: Setting) -> Codes:
    """Written as it sounds."""
    return setting.sounds.applied(letters, words)


def unaccented(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001
    """Without accents."""
    return mapped(PLAIN, letters.codes)


def capitals(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001
    """All in capitals."""
    return mapped(UPPER, letters.codes)


def small_letters(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001
    """All in small letters."""
    return mapped(LOWER, letters.codes)


def truncated(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001
    """Cut at the width of some system's field, and blanks at the end lost."""
    fitting = np.searchsorted(_WIDTHS, letters.lengths)
    widths = np.where(fitting > 0, _WIDTHS[each_below(words, fitting)], letters.lengths)
    places = np.arange(letters.codes.shape[1])
    kept = (places < widths[:, None]) & (letters.codes != BLANK)
    ends = len(places) - np.argmax(kept[:, ::-1], axis=1)
    return np.where(places < ends[:, None], letters.codes, np.uint32(NUL))


def blank(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001
    """Nothing at all."""
    return np.zeros_like(letters.codes)


def joined(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001
    """A blank between two words lost."""
    filled = (letters.codes != BLANK) & (letters.codes != NUL)
    between = (letters.codes == BLANK) & shifted(filled, 1) & shifted(filled, -1)
    at, found = pick(between, words)
    return splice(letters, at, found.astype(np.intp), np.zeros((len(letters), 0), dtype=np.uint32))


def shortened(letters: Letters, words: Words, setting: Setting) -> Codes:
    """A word abbreviated, or written out."""
    return setting.short.replaced(letters, words_of(letters), words)


def nickname(letters: Letters, words: Words, setting: Setting) -> Codes:
    """The first word, a first name, replaced by what friends say."""
    spans = words_of(letters)
    rank, _ = ranks(spans, len(letters))
    return setting.nicknames.replaced(letters, spans.some(rank == 0), words)


def part_missing(letters: Letters, words: Words, setting: Setting) -> Codes:
    """Without the house number, the second half of the postcode, or a word, one in the middle where there is one."""
    if setting.role is Role.POSTCODE:
        return _outward(letters)
    spans = words_of(letters)
    rank, count = ranks(spans, len(letters))
    going = (count == 2) | ((count > 2) & (rank > 0) & (rank < count - 1))
    if setting.role is Role.STREET:
        going = _house_number(letters, spans, (count > 1) & ((rank == 0) | (rank == count - 1)), going)
    return _without_word(letters, spans, going, words)


def _house_number(letters: Letters, spans: Spans, outer: Flags, otherwise: Flags) -> Flags:
    """The first or last words that begin with a digit; in a text without one what there is otherwise."""
    first: Codes = letters.codes[spans.owners, spans.starts]
    numbers = outer & looked_up(DIGIT, first)
    numbered = np.bincount(spans.owners[numbers], minlength=len(letters)) > 0
    return np.where(numbered[spans.owners], numbers, otherwise)


def _without_word(letters: Letters, spans: Spans, going: Flags, words: Words) -> Codes:
    """One of the marked words taken out, with what parts it from the next word, or the last one from the one before."""
    chosen, found = choose(spans.owners[going], len(letters), words)
    if not found.any():
        return letters.codes
    number = np.flatnonzero(going).take(chosen, mode="clip")
    ends = spans.starts + spans.longs
    following = np.minimum(number + 1, len(ends) - 1)
    last = (following == number) | (spans.owners[following] != spans.owners[number])
    starts = np.where(last, ends[number - 1], spans.starts[number])
    stops = np.where(last, ends[number], spans.starts[following])
    nothing = np.zeros((len(letters), 0), dtype=np.uint32)
    return splice(letters, np.where(found, starts, 0), np.where(found, stops - starts, 0), nothing)


def _outward(letters: Letters) -> Codes:
    """What stands before the first blank or hyphen."""
    border = (letters.codes == BLANK) | (letters.codes == _HYPHEN)
    kept = ~np.logical_or.accumulate(border, axis=1)
    return np.where(kept, letters.codes, np.uint32(NUL))


def _inside(letters: Letters) -> Flags:
    """Letters that follow another one."""
    usable = letters.letters
    return usable & shifted(usable, 1)


def _put(letters: Letters, at: Places, found: Flags, cut: int, put: Codes) -> Codes:
    """Splice where there is a place for it."""
    return splice(letters, at, found * cut, put, found * put.shape[1])
