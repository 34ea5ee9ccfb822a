"""What can be a mistake, in which sort of field, and how often.

The numbers of the kinds stand in what `mistaken` returns, so they are never given to another kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from fractions import Fraction
from types import MappingProxyType

Weight = int | float | Fraction


class Kind(IntEnum):
    """A kind of mistake; its text for people is `says`, its name in small letters stands in settings."""

    says: str

    def __new__(cls, number: int, says: str) -> Kind:
        """A number with what it means."""
        kind = int.__new__(cls, number)
        kind._value_ = number
        kind.says = says
        return kind

    NOTHING = 0, "as it was"
    TYPO = 1, "a neighbouring key instead of the right one"
    OMITTED = 2, "a letter left out"
    DOUBLED = 3, "a letter twice"
    INSERTED = 4, "a neighbouring key as well"
    SWAPPED = 5, "two neighbouring letters or digits swapped"
    OCR = 6, "a letter taken for one that looks like it"
    PHONETIC = 7, "written as it sounds"
    ACCENTS = 8, "accents lost"
    UPPER = 9, "all in capitals"
    LOWER = 10, "all in small letters"
    TRUNCATED = 11, "cut off at the end"
    PART = 12, "a part is missing"
    BLANK = 13, "left empty"
    SPACING = 14, "a blank lost"
    NICKNAME = 15, "the name that friends use"
    MARRIED = 16, "another last name after a wedding"
    MOVED = 17, "another address after a move"
    ABBREVIATED = 18, "abbreviated, or written out"
    MAIL_ENDING = 19, "a slip in the ending of the domain"
    MAIL_DOT = 20, "the dot before the @ lost"
    DOMAIN_DOT = 21, "the dot before the ending of the domain lost"
    PHONE_FORMAT = 22, "the same number written in another way"
    YEAR_OFF = 23, "a year too early or too late"
    DECADE_OFF = 24, "ten years too early or too late"
    DAY_MONTH = 25, "day and month swapped"
    NEW_YEAR = 26, "on 1 January of that year"
    DAY_OFF = 27, "a day too early or too late"

    @property
    def label(self) -> str:
        """Its name in settings and in what is said about a row."""
        return self.name.lower()

    @property
    def valid(self) -> bool:
        """Whether the result of it still is a valid value of the field's type: a date a date, an e-mail one."""
        return self not in _INVALID


class Role(StrEnum):
    """What a field holds."""

    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    FULL_NAME = "full_name"
    TITLE = "title"
    EMAIL = "email"
    PHONE = "phone"
    STREET = "street"
    TOWN = "town"
    POSTCODE = "postcode"
    DATE = "date"
    FREE_TEXT = "free_text"
    IDENTIFIER = "identifier"


# An empty cell is a valid one where the field is nullable; that is not known here.
_INVALID = frozenset({Kind.BLANK, Kind.DOMAIN_DOT})

_SLIPS = {Kind.TYPO: 14, Kind.OMITTED: 11, Kind.DOUBLED: 6, Kind.INSERTED: 5, Kind.SWAPPED: 10}
_CASES = {Kind.UPPER: 5, Kind.LOWER: 4}

USUAL: Mapping[Role, Mapping[Kind, int]] = MappingProxyType(
    {
        Role.FIRST_NAME: {
            Kind.NICKNAME: 26,
            **_SLIPS,
            **_CASES,
            Kind.OCR: 4,
            Kind.PHONETIC: 14,
            Kind.ACCENTS: 6,
            Kind.TRUNCATED: 1,
            Kind.PART: 4,
            Kind.SPACING: 1,
            Kind.BLANK: 2,
        },
        Role.LAST_NAME: {
            Kind.MARRIED: 14,
            **_SLIPS,
            **_CASES,
            Kind.OCR: 5,
            Kind.PHONETIC: 16,
            Kind.ACCENTS: 6,
            Kind.TRUNCATED: 2,
            Kind.PART: 5,
            Kind.SPACING: 1,
            Kind.BLANK: 1,
        },
        Role.FULL_NAME: {
            Kind.NICKNAME: 18,
            Kind.MARRIED: 8,
            **_SLIPS,
            **_CASES,
            Kind.OCR: 5,
            Kind.PHONETIC: 14,
            Kind.ACCENTS: 6,
            Kind.TRUNCATED: 3,
            Kind.PART: 10,
            Kind.SPACING: 2,
            Kind.BLANK: 1,
        },
        Role.TITLE: {
            Kind.BLANK: 40,
            Kind.ABBREVIATED: 30,
            Kind.UPPER: 10,
            Kind.LOWER: 10,
            Kind.TYPO: 5,
            Kind.OMITTED: 5,
        },
        Role.EMAIL: {
            **_SLIPS,
            **_CASES,
            Kind.OCR: 4,
            Kind.PHONETIC: 8,
            Kind.MAIL_ENDING: 14,
            Kind.MAIL_DOT: 8,
            Kind.DOMAIN_DOT: 4,
            Kind.BLANK: 7,
        },
        Role.PHONE: {
            Kind.PHONE_FORMAT: 44,
            Kind.TYPO: 16,
            Kind.SWAPPED: 16,
            Kind.OMITTED: 7,
            Kind.DOUBLED: 5,
            Kind.BLANK: 12,
        },
        Role.STREET: {
            Kind.MOVED: 16,
            Kind.ABBREVIATED: 22,
            **_SLIPS,
            **_CASES,
            Kind.OCR: 4,
            Kind.PHONETIC: 6,
            Kind.ACCENTS: 5,
            Kind.TRUNCATED: 4,
            Kind.PART: 8,
            Kind.SPACING: 2,
            Kind.BLANK: 2,
        },
        Role.TOWN: {
            Kind.MOVED: 8,
            Kind.ABBREVIATED: 8,
            **_SLIPS,
            **_CASES,
            Kind.OCR: 4,
            Kind.PHONETIC: 10,
            Kind.ACCENTS: 10,
            Kind.TRUNCATED: 2,
            Kind.PART: 3,
            Kind.SPACING: 2,
            Kind.BLANK: 4,
        },
        Role.POSTCODE: {
            Kind.MOVED: 10,
            Kind.TYPO: 16,
            Kind.OMITTED: 6,
            Kind.DOUBLED: 3,
            Kind.SWAPPED: 16,
            Kind.OCR: 14,
            Kind.LOWER: 9,
            Kind.PART: 10,
            Kind.SPACING: 12,
            Kind.BLANK: 4,
        },
        Role.DATE: {
            Kind.YEAR_OFF: 22,
            Kind.DECADE_OFF: 10,
            Kind.DAY_MONTH: 28,
            Kind.NEW_YEAR: 16,
            Kind.DAY_OFF: 20,
            Kind.BLANK: 4,
        },
        Role.FREE_TEXT: {
            **_SLIPS,
            **_CASES,
            Kind.OCR: 5,
            Kind.PHONETIC: 8,
            Kind.ACCENTS: 6,
            Kind.TRUNCATED: 8,
            Kind.PART: 10,
            Kind.SPACING: 4,
            Kind.BLANK: 4,
        },
        Role.IDENTIFIER: {
            Kind.TYPO: 24,
            Kind.SWAPPED: 30,
            Kind.OMITTED: 12,
            Kind.DOUBLED: 10,
            Kind.OCR: 20,
            Kind.LOWER: 4,
        },
    }
)
USUAL_COUNTS: Mapping[int, int] = MappingProxyType({0: 4, 1: 56, 2: 28, 3: 9, 4: 3})
"""How many fields of a row err: mostly one or two, sometimes none."""


def weights_of(role: Role, given: Mapping[str, Weight] | None, *, name: str, valid: bool) -> dict[Kind, Weight]:
    """The weights that hold for a field.

    Args:
        role: what it holds.
        given: the weights that the user wants, by the names of kinds; the others do not occur then. None: `USUAL`.
        name: of the field, for errors.
        valid: leave out the kinds whose results are no valid values.

    Raises:
        ValueError: a kind is unknown or not for this role, or the weights are no weights.
    """
    usual = {kind: weight for kind, weight in USUAL[role].items() if kind.valid or not valid}
    if given is None:
        return dict(usual)
    allowed = {kind.label: kind for kind in usual}
    unknown = [str(label) for label in given if label not in allowed]
    if unknown:
        keeps = " that must stay valid" if valid else ""
        raise ValueError(
            f"{name}: no mistake of a {role}{keeps} is called {', '.join(unknown)}; there are {', '.join(allowed)}"
        )
    checked({str(label): weight for label, weight in given.items()}, name)
    return {allowed[label]: weight for label, weight in given.items()}


def checked(given: Mapping[str, Weight], name: str) -> None:
    """Say what is wrong with weights.

    Raises:
        ValueError: one is negative or no number, or all are 0.
    """
    for label, weight in given.items():
        if not _is_weight(weight):
            raise ValueError(f"{name}: the weight of {label} is {weight}; a number from 0 is allowed")
    if not any(given.values()):
        raise ValueError(f"{name}: all weights are 0; at least one must be more")


def _is_weight(given: object) -> bool:
    """Whether it is a number from 0; settings may hold anything."""
    return isinstance(given, Weight) and not isinstance(given, bool) and 0 <= given < float("inf")
