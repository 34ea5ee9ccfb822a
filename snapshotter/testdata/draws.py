"""Randomness that is the same bits on every machine and under every version of NumPy.

Only two things of NumPy are used: the raw 64-bit words of Philox4x64-10, which are fixed by its published
algorithm, and integer arithmetic, which is exact. The methods of `np.random.Generator` (`integers`, `choice`,
`permutation`) are left alone: NumPy reserves the right to change what they return (NEP 19). Floating point is
left alone too.

Philox is counter-based (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a stream is
named by (seed, table, chunk), so a chunk can be made alone, in any order, by any thread or process.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

_WORD = 1 << 64
_CHUNKS = 1 << 48
_HALF = np.uint64(32)


class Draws:
    """The stream of one (seed, table, chunk).

    Args:
        seed: 0 to 2**64 - 1.
        table: which use of randomness this is, 0 to 2**16 - 1.
        chunk: which part of that table, 0 to 2**48 - 1.

    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(self, seed: int, table: int, chunk: int = 0) -> None:
        if not (0 <= seed < _WORD and 0 <= chunk < _CHUNKS and 0 <= table < _WORD // _CHUNKS):
            raise ValueError(f"no stream has the name ({seed}, {table}, {chunk})")
        self._philox = np.random.Philox(key=seed | (table * _CHUNKS + chunk) << 64)

    def words(self, count: int) -> Words:
        """The next `count` words."""
        return self._philox.random_raw(count)

    def word(self) -> int:
        """The next word as a Python integer."""
        return int(self._philox.random_raw())


def below(words: Words, bound: int) -> Words:
    """Turn words into numbers from 0 to `bound` - 1, by multiplication and shift of their upper halves.

    Args:
        words: any words; only the upper 32 bits of each count.
        bound: 1 to 2**32. The unevenness is at most `bound` / 2**32.
    """
    return ((words >> _HALF) * np.uint64(bound)) >> _HALF


def mix(numbers: Words, key: int) -> Words:
    """A word for each number: what belongs to an id can be had for any id, in any order, without a table.

    The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014), which is a bijection of 64-bit words.
    """
    words = numbers * np.uint64(0x9E3779B97F4A7C15)
    words += np.uint64(key)
    words ^= words >> np.uint64(30)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words


def permute(numbers: Words, size: int, key: int) -> Words:
    """The places of `numbers` in a shuffle of 0 to `size` - 1, without making the shuffle.

    A bijection of the next power of two, repeated for the few that land outside until they are inside
    ("cycle walking": Black, Rogaway, "Ciphers with arbitrary finite domains", 2002). Different numbers have
    different places, so what is picked by it is picked once, by construction.

    Args:
        numbers: each from 0 to `size` - 1.
        size: 1 to 2**63.
        key: names the shuffle, 0 to 2**64 - 1.
    """
    places = _scramble(numbers, size, key)
    outside = np.flatnonzero(places >= np.uint64(size))
    while outside.size:
        again = _scramble(places[outside], size, key)
        places[outside] = again
        outside = outside[again >= np.uint64(size)]
    return places


def _scramble(numbers: Words, size: int, key: int) -> Words:
    """A bijection of 0 to 2**bits - 1, the smallest such range that holds `size` numbers.

    Each step (multiply by an odd number, add, fold the upper half into the lower one) can be undone.
    """
    bits = max(1, (size - 1).bit_length())
    mask, fold = np.uint64((1 << bits) - 1), np.uint64((bits + 1) // 2)
    words = numbers
    for factor in (0x9E3779B97F4A7C15, 0xD1342543DE82EF95, 0xBF58476D1CE4E5B9):
        words = words * np.uint64(factor | 1)
        words += np.uint64(key)
        words &= mask
        words ^= words >> fold
        key = (key * 0x5851F42D4C957F2D + 0x14057B7EF767814F) % _WORD
    return words
