"""Which key is beside which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.draws import Words
from snapshotter.testdata.mistakes.letters import LIMIT, UPPER, Codes, Flags, Places, each_below, looked_up

# The keys of each row from left to right, and where the first one begins, in quarters of a key's width. British
# and American keyboards have letters and digits at the same places; the Brazilian one (ABNT2) has ç beside l.
_OFFSETS = (0, 2, 3, 5)
_QWERTY = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_ABNT2 = ("1234567890", "qwertyuiop", "asdfghjklç", "zxcvbnm")
_WIDTH = 4


@dataclass(frozen=True)
class Keyboard:
    """The neighbours of each key; a nearer one stands in the list more often."""

    first: Places
    count: Places
    neighbours: Codes

    def has_neighbours(self, codes: Codes) -> Flags:
        """Whether a character has a key that has neighbours."""
        return looked_up(self.count, codes) > 0

    def neighbour(self, codes: Codes, words: Words) -> Codes:
        """For each character one of its neighbours in its case; each must have some."""
        first, count = looked_up(self.first, codes), looked_up(self.count, codes)
        return self.neighbours.take(first + each_below(words, count), mode="clip")


def neighbours(rows: tuple[str, ...]) -> dict[str, str]:
    """The neighbours of each key: letters of letters, digits of digits, so that a number stays a number.

    A neighbour touches the key. One whose middle is a key's width or little more away comes three times, then
    two times, and once where the two touch at a corner.
    """
    places = {
        letter: (_OFFSETS[row] + _WIDTH * place, _WIDTH * row)
        for row, keys in enumerate(rows)
        for place, letter in enumerate(keys)
    }

    def near(letter: str) -> Iterator[str]:
        x, y = places[letter]
        for other, (left, top) in places.items():
            apart = (x - left) ** 2 + (y - top) ** 2
            if other != letter and other.isdigit() == letter.isdigit() and apart < 2 * _WIDTH**2:
                yield other * (3 if apart <= _WIDTH**2 + 1 else 2 if apart <= _WIDTH**2 + 4 else 1)

    return {letter: "".join(near(letter)) for letter in places}


def _keyboard(rows: tuple[str, ...]) -> Keyboard:
    near = neighbours(rows)
    near |= {
        chr(UPPER[ord(letter)]): "".join(chr(UPPER[ord(other)]) for other in others) for letter, others in near.items()
    }
    first: npt.NDArray[np.intp] = np.zeros(LIMIT + 1, dtype=np.intp)
    count = np.zeros_like(first)
    together = ""
    for letter, others in near.items():
        first[ord(letter)], count[ord(letter)] = len(together), len(others)
        together += others
    return Keyboard(first=first, count=count, neighbours=np.array([ord(letter) for letter in together], np.uint32))


QWERTY = _keyboard(_QWERTY)
ABNT2 = _keyboard(_ABNT2)
