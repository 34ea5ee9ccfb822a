"""The mistakes in one field: which kind, and another one where that cannot be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.draws import Words, mix
from snapshotter.testdata.mistakes import dates, mails, phones, slips
from snapshotter.testdata.mistakes.drawing import by_weight, by_weight_among, key, whole
from snapshotter.testdata.mistakes.kinds import Kind, Role, Weight
from snapshotter.testdata.mistakes.letters import NUL, Codes, Flags, Letters, Places, Texts, codes_of, lengths, texts_of
from snapshotter.testdata.mistakes.setting import Setting

Done = npt.NDArray[np.uint8]
Mistake = Callable[[Letters, Words, Setting], Codes]

MISTAKES: Mapping[Kind, Mistake] = MappingProxyType(
    {
        Kind.TYPO: slips.typo,
        Kind.OMITTED: slips.omitted,
        Kind.DOUBLED: slips.doubled,
        Kind.INSERTED: slips.inserted,
        Kind.SWAPPED: slips.swapped,
        Kind.OCR: slips.misread,
        Kind.PHONETIC: slips.misheard,
        Kind.ACCENTS: slips.unaccented,
        Kind.UPPER: slips.capitals,
        Kind.LOWER: slips.small_letters,
        Kind.TRUNCATED: slips.truncated,
        Kind.PART: slips.part_missing,
        Kind.BLANK: slips.blank,
        Kind.SPACING: slips.joined,
        Kind.NICKNAME: slips.nickname,
        Kind.ABBREVIATED: slips.shortened,
        Kind.MAIL_ENDING: mails.ending,
        Kind.MAIL_DOT: mails.dot,
        Kind.DOMAIN_DOT: mails.domain_dot,
        Kind.PHONE_FORMAT: phones.rewritten,
        Kind.YEAR_OFF: dates.year_off,
        Kind.DECADE_OFF: dates.decade_off,
        Kind.DAY_MONTH: dates.day_month,
        Kind.NEW_YEAR: dates.new_year,
        Kind.DAY_OFF: dates.day_off,
    }
)
_GROWTH = 4  # a country's number and a blank; abbreviations and nicknames say for themselves how long they are
_BLOCK = 1 << 15  # rows at a time: few enough for the processor's cache


class ErringField:
    """One field and what may go wrong in it.

    A kind is drawn by its weight. Where it cannot be made (no nickname is known, no two letters differ), one of
    those kinds that were not tried in this text is drawn by their weights, until one can be made or none is left.

    Args:
        name: of the field; two fields of one row err independently.
        setting: what its mistakes are made with.
        weights: how often each kind is.
    """

    def __init__(self, name: str, setting: Setting, weights: Mapping[Kind, Weight]) -> None:
        self._setting = setting
        self._kinds = list(weights)
        self._weights = whole(list(weights.values()))
        self._draws = [key(name, "kind", turn) for turn in range(len(self._kinds))]
        self._places = [key(name, "place", kind.label) for kind in self._kinds]
        self._growth = max(_GROWTH, setting.short.longest, setting.nicknames.longest)

    def err(self, texts: Texts, chosen: Flags, words: Words, others: Mapping[Kind, Texts]) -> tuple[Texts, Done]:
        """Make a mistake in the chosen texts.

        Args:
            texts: the field of each row.
            chosen: in which rows it shall err.
            words: a word of randomness for each row.
            others: for kinds that put another text, the one of each row.

        Returns:
            The texts, and the kind of each row.
        """
        codes = codes_of(texts)
        instead = {kind: codes_of(other) for kind, other in others.items()}
        wide = max([codes.shape[1] + self._growth, *(other.shape[1] for other in instead.values())])
        result: Codes = np.zeros((len(codes), wide), dtype=np.uint32)
        result[:, : codes.shape[1]] = codes
        done: Done = np.zeros(len(codes), dtype=np.uint8)
        rows = np.flatnonzero(chosen)
        for start in range(0, len(rows), _BLOCK):
            some = rows[start : start + _BLOCK]
            block = {kind: other[some] for kind, other in instead.items()}
            result[some], done[some] = self._block(result[some], words[some], block)
        return texts_of(result), done

    def _block(self, codes: Codes, words: Words, instead: Mapping[Kind, Codes]) -> tuple[Codes, Done]:
        result = codes.copy()
        done: Done = np.zeros(len(codes), dtype=np.uint8)
        weights = self._possible(instead)
        untried = np.tile(weights > 0, (len(codes), 1))
        rows = np.arange(len(codes))
        for turn in range(np.count_nonzero(weights)):
            drawn = mix(words[rows], self._draws[turn])
            kinds = by_weight_among(drawn, weights, untried[rows]) if turn else by_weight(drawn, weights)
            self._try(rows, kinds, words, instead, (codes, result, done))
            untried[rows, kinds] = False
            rows = rows[done[rows] == Kind.NOTHING]
            if not rows.size:
                break
        return result, done

    def _possible(self, instead: Mapping[Kind, Codes]) -> npt.NDArray[np.int64]:
        """The weights without those of kinds for which something is missing in all rows."""
        there = [
            kind in instead or (kind in MISTAKES and (kind is not Kind.NICKNAME or self._setting.nicknames.known))
            for kind in self._kinds
        ]
        return np.where(there, self._weights, 0)

    def _try(
        self,
        rows: Places,
        kinds: Places,
        words: Words,
        instead: Mapping[Kind, Codes],
        block: tuple[Codes, Codes, Done],
    ) -> None:
        """Make in each row its kind, and note it where the text is another one after it."""
        codes, result, done = block
        order = np.argsort(kinds, kind="stable")
        ends = np.searchsorted(kinds[order], np.arange(len(self._kinds) + 1))
        for number, kind in enumerate(self._kinds):
            group = rows[order[ends[number] : ends[number + 1]]]
            if not group.size:
                continue
            before = _trimmed(codes[group])
            if kind in instead:
                after = _trimmed(instead[kind][group])
            else:
                after = MISTAKES[kind](self._letters(before), mix(words[group], self._places[number]), self._setting)
            made = _differ(before, after) & ((after[:, 0] != NUL) | (kind is Kind.BLANK))
            good = group if made.all() else group[made]
            result[good, : after.shape[1]] = after if made.all() else after[made]
            result[good, after.shape[1] :] = NUL
            done[good] = kind

    def _letters(self, codes: Codes) -> Letters:
        return Letters(codes, mails.local_part(codes) if self._setting.role is Role.EMAIL else None)


def _trimmed(codes: Codes) -> Codes:
    """The columns up to the end of the longest text, but at least one."""
    return np.ascontiguousarray(codes[:, : max(1, int(lengths(codes).max()))])


def _differ(before: Codes, after: Codes) -> Flags:
    """Which texts are not the same."""
    both = min(before.shape[1], after.shape[1])
    differ: Flags = (before[:, :both] != after[:, :both]).any(axis=1)
    for wider in (before, after):
        if wider.shape[1] > both:
            differ |= wider[:, both:].any(axis=1)
    return differ
