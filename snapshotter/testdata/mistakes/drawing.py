"""Draws by weights, for each row alone and in whole numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.draws import Words
from snapshotter.testdata.mistakes.kinds import Weight
from snapshotter.testdata.mistakes.letters import Flags, Places, each_below

_SUM = 1 << 24

Weights = npt.NDArray[np.int64]


def key(*names: object) -> int:
    """A key for `mix` that belongs to names: the same everywhere, and no other one's."""
    digest = hashlib.blake2b("\0".join(map(str, names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def whole(weights: Sequence[Weight]) -> Weights:
    """Weights as whole numbers in the same proportions, to one in 16 million; what is not 0 stays more than 0."""
    exact = [Fraction(weight) for weight in weights]
    total = sum(exact)
    return np.array([max(int(weight * _SUM / total), 1) if weight else 0 for weight in exact], dtype=np.int64)


def by_weight(words: Words, weights: Weights) -> Places:
    """For each word the number of one of the weights, each as often as its weight says."""
    ends = np.cumsum(weights)
    return np.searchsorted(ends, each_below(words, ends[-1:]), side="right")


def by_weight_among(words: Words, weights: Weights, allowed: Flags) -> Places:
    """The same for each word among those weights alone that its row allows; at least one must be more than 0."""
    ends = np.cumsum(np.where(allowed, weights, 0), axis=1)
    drawn = each_below(words, ends[:, -1])
    numbers: Places = np.count_nonzero(ends <= drawn[:, None], axis=1)
    return numbers
