"""People: title, names, e-mail, telephone, date of birth and address agree, each a function of the person's number."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import date

import numpy as np

from snapshotter.testdata.description.column import Choices, Column, joined
from snapshotter.testdata.description.numbers import padded
from snapshotter.testdata.description.places import PARTS as PLACE_PARTS
from snapshotter.testdata.description.places import Places
from snapshotter.testdata.description.times import EPOCH, dates
from snapshotter.testdata.draws import Words, below, mix

_BORN_FIRST, _BORN_LAST = (date(1932, 1, 1) - EPOCH).days, (date(2006, 12, 31) - EPOCH).days
_HALF = np.uint64(32)
_MOBILE = ("074", "075", "077", "078", "079")


class People:
    """Persons of a locale.

    Args:
        locale: en_GB, en_US or pt_BR.
        key: names them; people of another key are others.
        places: where they live.
    """

    def __init__(self, locale: str, key: int, places: Places) -> None:
        self.locale, self.key, self.places = locale, key, places
        self.pool = places.pool

    def part(self, name: str, persons: Words, versions: Words) -> Column:
        """What one column says of these persons.

        Args:
            name: one of `parts(locale)`.
            persons: their numbers, from 0.
            versions: how often this had changed of each; another version is another draw.
        """
        made = _PARTS.get(name)
        if made:
            return made(self, persons, versions)
        words = self._words("address", persons, versions)
        return self.places.part(name, self.places.in_use(words), mix(words, 1))

    def name(self, persons: Words, versions: Words) -> Column:
        """First and last name."""
        return joined([self.first(persons, versions), " ", self.last(persons, versions)], len(persons))

    def first(self, persons: Words, versions: Words) -> Column:
        """The first name, as the gender has it."""
        return self._gendered("female", "male", persons, versions)

    def last(self, persons: Words, versions: Words) -> Column:
        """The last name."""
        return self._choices("last").draw(self._words("last", persons, versions))

    def title(self, persons: Words, versions: Words) -> Column:
        """A title, as the gender has it."""
        return self._gendered("female_title", "male_title", persons, versions)

    def gender(self, persons: Words, versions: Words) -> Column:
        """F or M."""
        return Choices.of(["F", "M"]).pick(self._male(persons, versions))

    def email(self, persons: Words, versions: Words) -> Column:
        """An address of the names and the person's number, so that no two have one, where nobody gets mail."""
        last = self._choices("last_mail").draw(self._words("last", persons, versions))
        first = self._gendered("female_mail", "male_mail", persons, versions)
        number = Column(pieces=(padded(persons + np.uint64(1)),))
        domain = Choices.of(["com", "com", "org", "net"]).draw(self._words("domain", persons, versions))
        return joined([first, ".", last, number, "@example.", domain], len(persons))

    def phone(self, persons: Words, versions: Words) -> Column:
        """A telephone number in the locale's shape; where it has an area code, that of the town."""
        words = self._words("phone", persons, versions)
        if self.locale == "en_GB":
            start = Choices.of(_MOBILE).draw(words)
            return joined([start, _digits(words, 2, 1), " ", _digits(words, 6, 2)], len(persons))
        postcodes = self.places.in_use(self._words("address", persons, np.zeros_like(versions)))
        if self.locale == "en_US":
            area = self.places.of_town("place_area_code", postcodes)
            return joined(["(", area, ") 555-", _digits(words, 4, 1)], len(persons))
        area = self.places.of_town("place_ddd", postcodes)
        return joined(["(", area, ") 9", _digits(words, 4, 1), "-", _digits(words, 4, 2)], len(persons))

    def born(self, persons: Words, versions: Words) -> Column:
        """A date of birth; ages in the middle are more frequent."""
        words = self._words("born", persons, versions)
        low = np.uint64((1 << 32) - 1)
        middle = ((words >> _HALF) + (words & low)) >> np.uint64(1)
        days = (middle * np.uint64(_BORN_LAST - _BORN_FIRST + 1)) >> _HALF
        return dates(days.astype(np.int64) + _BORN_FIRST)

    def job(self, persons: Words, versions: Words) -> Column:
        """What they do."""
        return self._choices("job").draw(self._words("job", persons, versions))

    def _words(self, what: str, persons: Words, versions: Words) -> Words:
        key = int.from_bytes(what.encode()[:8].ljust(8, b"\0"))
        return mix(mix(persons, self.key) + versions, key)

    def _male(self, persons: Words, versions: Words) -> Words:
        return below(self._words("gender", persons, np.zeros_like(versions)), 2)

    def _gendered(self, female: str, male: str, persons: Words, versions: Words) -> Column:
        """A text from one of two lists."""
        first, count = len(self.pool[female]), len(self.pool[male])
        chosen, words = self._male(persons, versions), self._words("first", persons, versions) >> _HALF
        size = np.where(chosen, np.uint64(count), np.uint64(first))
        return self._choices(female, male).pick(((words * size) >> _HALF) + chosen * np.uint64(first))

    @functools.cache  # noqa: B019  (a source has one, for as long as it lives)
    def _choices(self, *names: str) -> Choices:
        return Choices.of([text for name in names for text in self.pool[name]])


Part = Callable[[People, Words, Words], Column]

_PARTS: Mapping[str, Part] = {
    "name": People.name,
    "first_name": People.first,
    "last_name": People.last,
    "title": People.title,
    "gender": People.gender,
    "email": People.email,
    "phone": People.phone,
    "birth_date": People.born,
    "job": People.job,
}


def parts(locale: str) -> list[str]:
    """What can be said of a person of a locale."""
    return [*_PARTS, *(name for name in PLACE_PARTS[locale] if name != "in_use")]


def _digits(words: Words, count: int, turn: int) -> Column:
    return Column(pieces=(padded(below(mix(words, turn), 10**count), count),))
