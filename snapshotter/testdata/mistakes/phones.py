"""The same telephone number written in another way."""

from __future__ import annotations

import numpy as np

from snapshotter.testdata.draws import Words, mix
from snapshotter.testdata.mistakes.letters import (
    BLANK,
    DIGIT,
    NUL,
    Codes,
    Letters,
    each_below,
    looked_up,
    one,
    splice,
    without,
)
from snapshotter.testdata.mistakes.locales import Telephone
from snapshotter.testdata.mistakes.setting import Setting

_HYPHEN, _BRACKET, _PLUS = ord("-"), ord("("), ord("+")
_MARKS = np.array([ord(mark) for mark in " -().\u00a0"], dtype=np.uint32)


def rewritten(letters: Letters, words: Words, setting: Setting) -> Codes:
    """The country's number put in or left out, marks lost or exchanged, digits grouped.

    One of the ways is drawn; where it changes nothing the next one is taken, in turn.
    """
    ways = (_country, _bare, _other_marks, _grouped)
    turn = each_below(mix(words, 1), np.full(len(letters), len(ways)))
    result = np.zeros((len(letters), letters.codes.shape[1] + len(setting.telephone.country) + 1), dtype=np.uint32)
    result[:, : letters.codes.shape[1]] = letters.codes
    open_ = np.ones(len(letters), dtype=np.bool_)
    for step in range(len(ways)):
        for number, way in enumerate(ways):
            rows = np.flatnonzero(open_ & ((turn + step) % len(ways) == number))
            if not rows.size:
                continue
            written = way(Letters(letters.codes[rows]), setting.telephone)
            padded = np.zeros((len(rows), result.shape[1]), dtype=np.uint32)
            padded[:, : written.shape[1]] = written
            differs = (padded != result[rows]).any(axis=1)
            result[rows[differs]] = padded[differs]
            open_[rows[differs]] = False
    return result


def _country(letters: Letters, telephone: Telephone) -> Codes:
    """From abroad instead of at home, or the other way round."""
    country, trunk = _codes(telephone.country), _codes(telephone.trunk)
    rows, long = len(letters), len(country)
    beginning = np.stack([letters.at(np.full(rows, place)) for place in range(long + 2)], axis=1)
    abroad = (beginning[:, :long] == country).all(axis=1)
    first, second, behind = beginning[:, 0], beginning[:, 1], beginning[:, long]
    gap = (behind == BLANK) | (behind == _HYPHEN)
    bracket = np.where(gap, beginning[:, long + 1], behind) == _BRACKET
    digit = looked_up(DIGIT, first)
    if len(trunk):
        abroad &= ~bracket  # +44 (0)20 has both at once
        home = (first == trunk[0]) & looked_up(DIGIT, second) & (second != trunk[0])
    else:
        home = (digit & (first > ord("1"))) | (digit & (telephone.country != "+1") & (first > ord("0")))
        home |= first == _BRACKET
    put = np.zeros((rows, long + 1), dtype=np.uint32)
    put[home] = [*country, BLANK]
    put[abroad, : len(trunk)] = trunk
    longs = np.where(home, long + 1, np.where(abroad, len(trunk), 0))
    cut = np.where(home, len(trunk), np.where(abroad, long + gap, 0))
    return splice(letters, np.zeros(rows, dtype=np.intp), cut, put, longs)


def _bare(letters: Letters, telephone: Telephone) -> Codes:  # noqa: ARG001  (each way is called alike)
    """Digits alone."""
    return without(letters, np.isin(letters.codes, _MARKS))


def _other_marks(letters: Letters, telephone: Telephone) -> Codes:  # noqa: ARG001
    """Blanks instead of hyphens; hyphens instead of blanks where there are no hyphens."""
    hyphens = letters.codes == _HYPHEN
    blanks = (letters.codes == BLANK) & ~hyphens.any(axis=1)[:, None]
    return np.where(hyphens, np.uint32(BLANK), np.where(blanks, np.uint32(_HYPHEN), letters.codes))


def _grouped(letters: Letters, telephone: Telephone) -> Codes:
    """A blank before the last digits, where there are digits alone."""
    codes = letters.codes
    plain = (looked_up(DIGIT, codes) | (codes == NUL) | (codes == _PLUS)).all(axis=1)
    plain &= letters.lengths > telephone.last + 1
    at = np.where(plain, letters.lengths - telephone.last, 0)
    put = one(np.full(len(letters), BLANK, dtype=np.uint32))
    return splice(letters, at, 0, put, plain.astype(np.intp))


def _codes(text: str) -> Codes:
    return np.array([ord(letter) for letter in text], dtype=np.uint32)
