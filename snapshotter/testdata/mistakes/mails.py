"""Mistakes in e-mail addresses."""

from __future__ import annotations

import numpy as np

from snapshotter.testdata.draws import Words
from snapshotter.testdata.mistakes.letters import Codes, Flags, Letters, Places, pick, shifted, splice
from snapshotter.testdata.mistakes.setting import Setting
from snapshotter.testdata.mistakes.words import Lookup, Spans

_AT, _DOT = ord("@"), ord(".")
# None of these is an ending that exists, so that no mistake makes somebody's address.
_ENDINGS = Lookup(
    (right, wrong)
    for right, wrongs in {
        "com": ("con", "cmo", "ocm", "vom", "comm", "xom", "coom"),
        "org": ("ogr", "orgg", "prg", "irg", "rog", "og"),
        "net": ("nte", "ent", "nett", "nrt", "mrt", "nwt"),
    }.items()
    for wrong in wrongs
)


def local_part(codes: Codes) -> Places:
    """The place of the last @ of each address, its end where there is none: letters before it may be touched."""
    at, found = _last(codes == _AT)
    return np.where(found, at, codes.shape[1])


def ending(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001  (each mistake is called alike)
    """A slip in com, org or net."""
    at, found = _domain_dot(letters)
    owners = np.flatnonzero(found)
    starts = at[found] + 1
    return _ENDINGS.replaced(letters, Spans(owners, starts, letters.lengths[found] - starts), words)


def dot(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001
    """A dot before the @ lost."""
    usable = letters.letters
    between = (letters.codes == _DOT) & shifted(usable, 1) & shifted(usable, -1)
    return _cut(letters, *pick(between, words))


def domain_dot(letters: Letters, words: Words, setting: Setting) -> Codes:  # noqa: ARG001
    """The last dot of the domain lost."""
    return _cut(letters, *_domain_dot(letters))


def _domain_dot(letters: Letters) -> tuple[Places, Flags]:
    """The last dot, where it stands behind an @."""
    sign, signed = _last(letters.codes == _AT)
    at, dotted = _last(letters.codes == _DOT)
    return at, signed & dotted & (at > sign)


def _cut(letters: Letters, at: Places, found: Flags) -> Codes:
    return splice(letters, at, found.astype(np.intp), np.zeros((len(letters), 0), dtype=np.uint32))


def _last(marked: Flags) -> tuple[Places, Flags]:
    """The last marked place of each row, and whether there is one."""
    found: Flags = np.asarray(marked.any(axis=1))
    return marked.shape[1] - 1 - np.argmax(marked[:, ::-1], axis=1), found
