"""How alike two names are; rapidfuzz is loaded only where names are left over on both sides."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

_WORTH_NAMING = 60.0  # of 100: what is less alike than this is no help in a message
_NAMED = 2


def plain(name: str) -> str:
    """A name without case, blanks and punctuation: `Province/State` is `provincestate`.

    Symbols stay, and the percent sign among them: `price $` is not `price €`, nor `rate %` a `rate`.
    """
    composed = unicodedata.normalize("NFC", name).casefold()
    return "".join(c for c in composed if c in "%‰" or not (c.isspace() or unicodedata.category(c)[0] in "PZ"))


def similar(
    headers: Mapping[int, str], columns: Mapping[str, Sequence[str]], least: float
) -> list[tuple[int, str, float]]:
    """The pairs of names that are alike.

    The measure is that of the longest common subsequence: 2 · its length / the length of both names together, in
    plain spelling (rapidfuzz.distance.Indel). Names with other digits are never alike: `total_2023` is not a slip of
    the pen for `total_2024`.

    Args:
        headers: names by position.
        columns: the names that each column goes under.
        least: the likeness from which on names are alike, 0 to 1.

    Returns:
        (position, column, likeness) of each pair that is alike enough.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import Indel

    places, spelled = list(headers), [plain(name) for name in headers.values()]
    known = [(column, name) for column, names in columns.items() for name in names]
    scores = process.cdist(
        spelled, [plain(name) for _, name in known], scorer=Indel.normalized_similarity, score_cutoff=least
    )
    found: dict[tuple[int, str], float] = {}
    for row, other in zip(*scores.nonzero(), strict=True):
        (column, name), place = known[other], places[row]
        if _digits(name) == _digits(headers[place]):
            found[place, column] = max(float(scores[row, other]), found.get((place, column), 0.0))
    return [(place, column, score) for (place, column), score in found.items()]


def nearest(names: Sequence[str], headers: Sequence[str]) -> list[str]:
    """The headers that may be meant by a column of these names, the likeliest first; for a message, not a match."""
    from rapidfuzz import fuzz, process

    best: dict[str, float] = {}
    for name in names:
        # One name inside the other counts as near: `lat` and `latitudine`.
        for header, score, _ in process.extract(
            name, headers, scorer=fuzz.WRatio, processor=plain, score_cutoff=_WORTH_NAMING, limit=_NAMED
        ):
            best[header] = max(score, best.get(header, 0.0))
    return sorted(best, key=lambda header: -best[header])[:_NAMED]


def _digits(name: str) -> list[str]:
    return re.findall(r"\d+", name)
