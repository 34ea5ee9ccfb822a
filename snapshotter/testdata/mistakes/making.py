"""Mistakes in whole rows: how many fields of each err, which ones, and what one event does to several."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.draws import Words, mix
from snapshotter.testdata.mistakes.drawing import by_weight, key, whole
from snapshotter.testdata.mistakes.field import Done, ErringField
from snapshotter.testdata.mistakes.kinds import USUAL_COUNTS, Kind, Role, Weight, checked, weights_of
from snapshotter.testdata.mistakes.letters import NUL, Flags, Texts, codes_of, each_below, lengths, native
from snapshotter.testdata.mistakes.locales import locale_of
from snapshotter.testdata.mistakes.setting import Setting
from snapshotter.testdata.mistakes.words import Lookup

_TOP = np.uint64(63)


@dataclass(frozen=True)
class Mistaken:
    """Rows after mistakes, and what was done.

    Args:
        fields: the texts of each field.
        done: for each field with a role, or to which an event came, the number of a `Kind` for each row.
    """

    fields: dict[str, Texts]
    done: dict[str, Done]

    def labels(self) -> Texts:
        """What was done to each row as a text: `first_name:typo email:lower`, empty where it is as it was."""
        found = np.zeros(len(next(iter(self.fields.values()), ())), dtype="U1")
        for name, done in self.done.items():
            says = np.array([f" {name}:{kind.label}" for kind in Kind], dtype=np.str_)
            rows = np.flatnonzero(done)
            if rows.size:
                longer = np.strings.add(found[rows], says[done[rows]])
                wide = max(codes_of(found).shape[1], int(lengths(codes_of(longer)).max()))
                found = found.astype(f"U{wide}")  # as wide as the longest, not as all fields together
                found[rows] = longer
        return np.strings.lstrip(found)


class Mistakes:
    """What may go wrong in the rows of a table.

    Args:
        roles: what each field holds; a field without a role does not err.
        locale: en_GB, en_US or pt_BR.
        weights: by field the weight of each kind; `kinds.USUAL` for the others.
        how_many: the weight of each number of fields that err in a row; `kinds.USUAL_COUNTS` if None. A row with
            fewer fields that are not empty has as many as there are.
        nicknames: first names, and what friends say; a name may come several times.
        valid: the fields that must stay valid values of their type: never empty, an e-mail address always one.

    Raises:
        ValueError: something is unknown, or weights are no weights; it says what is allowed.
    """

    def __init__(
        self,
        roles: Mapping[str, Role | str],
        *,
        locale: str = "en_GB",
        weights: Mapping[str, Mapping[str, Weight]] | None = None,
        how_many: Mapping[int, Weight] | None = None,
        nicknames: Sequence[tuple[str, str]] = (),
        valid: Collection[str] = (),
    ) -> None:
        given = weights or {}
        self._roles = {name: _role(name, role) for name, role in roles.items()}
        for names, what in ((given, "weights"), (valid, "valid")):
            unknown = [name for name in names if name not in self._roles]
            if unknown:
                raise ValueError(f"{what}: no field with a role is called {', '.join(unknown)}; {_those(self._roles)}")
        known, lookup = locale_of(locale), Lookup(nicknames)
        self._fields = {
            name: ErringField(
                name, Setting.of(role, known, lookup), weights_of(role, given.get(name), name=name, valid=name in valid)
            )
            for name, role in sorted(self._roles.items())
        }
        self._counts, self._count_weights = _counts(how_many)

    def make(
        self,
        fields: Mapping[str, Texts],
        words: Words,
        *,
        married: Mapping[str, Texts] | None = None,
        moved: Mapping[str, Texts] | None = None,
    ) -> Mistaken:
        """Put mistakes into rows; each row by its own word alone, so that it may be made in any company.

        Marriages begin in a last or full name, moves in any field of an address. They then take all fields for
        which another value is given with them, whatever else was to err there; the e-mail address follows a
        marriage in half of the rows. A field whose other value is the same stays as it is.

        Args:
            fields: the texts of each field.
            words: a word of randomness for each row.
            married: by field what it holds after a wedding: a last name, a full name, a title, an e-mail address.
            moved: by field what it holds after a move: street, town, postcode and what else belongs to them.

        Raises:
            ValueError: a field with a role is missing, or not all have the same number of rows.
        """
        events = {
            kind: {name: native(texts) for name, texts in (given or {}).items()}
            for kind, given in ((Kind.MARRIED, married), (Kind.MOVED, moved))
        }
        columns = {name: native(texts) for name, texts in fields.items()}
        self._check(columns, words, events)
        chosen = self._chosen(columns, words)
        made, done = dict(columns), {}
        for name, field in self._fields.items():
            others = {kind: given[name] for kind, given in events.items() if name in given}
            made[name], done[name] = field.err(columns[name], chosen[name], words, others)
        for kind, given in events.items():
            self._follow(kind, given, columns, Mistaken(made, done), words)
        return Mistaken(made, {name: done[name] for name in columns if name in done})

    def _check(self, columns: Mapping[str, Texts], words: Words, events: Mapping[Kind, Mapping[str, Texts]]) -> None:
        for names in (self._roles, *events.values()):
            missing = [name for name in names if name not in columns]
            if missing:
                raise ValueError(f"no field is called {', '.join(missing)}; {_those(columns)}")
        for texts in (columns, *events.values()):
            for name, column in texts.items():
                if len(column) != len(words):
                    raise ValueError(f"{name} has {len(column)} rows, and there are {len(words)} words")

    def _chosen(self, columns: Mapping[str, Texts], words: Words) -> dict[str, Flags]:
        """The rows in which each field errs: a fair sample of the fields that are not empty.

        Selection sampling: Knuth, "The Art of Computer Programming", volume 2, 3.4.2, algorithm S.
        """
        filled = {name: codes_of(columns[name])[:, 0] != NUL for name in self._fields}
        left = np.zeros(len(words), dtype=np.intp)
        for flags in filled.values():
            left += flags
        needed = self._counts[by_weight(mix(words, key("how many")), self._count_weights)]
        chosen = {}
        for name, flags in filled.items():
            chosen[name] = flags & (each_below(mix(words, key(name, "whether")), left) < needed)
            needed = needed - chosen[name]
            left -= flags
        return chosen

    def _follow(
        self, kind: Kind, given: Mapping[str, Texts], columns: Mapping[str, Texts], mistaken: Mistaken, words: Words
    ) -> None:
        """Let the other fields of an event follow the one in which it began."""
        happened = np.zeros(len(words), dtype=np.bool_)
        for done in mistaken.done.values():
            happened |= done == kind
        if not happened.any():
            return
        follows = mix(words, key("follows")) >> _TOP != 0
        for name, other in given.items():
            goes = happened & (other != columns[name]) & (other != "")
            if self._roles.get(name) is Role.EMAIL and kind is Kind.MARRIED:
                goes &= follows
            mistaken.fields[name] = np.where(goes, other, mistaken.fields[name])
            before = mistaken.done.get(name, np.zeros(len(words), dtype=np.uint8))
            mistaken.done[name] = np.where(goes, np.uint8(kind), before)


def _role(name: str, role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise ValueError(f"{name}: no role is called {role}; there are {', '.join(Role)}") from None


def _those(names: Collection[str]) -> str:
    return f"there are {', '.join(names)}" if names else "there are none"


def _counts(how_many: Mapping[int, Weight] | None) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    given = USUAL_COUNTS if how_many is None else how_many
    for count in given:
        if not _is_count(count):
            raise ValueError(f"how_many: {count} is no number of fields; whole numbers from 0 are allowed")
    checked({str(count): weight for count, weight in given.items()}, "how_many")
    return np.array(list(given), dtype=np.intp), whole(list(given.values()))


def _is_count(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given >= 0
