"""Places: addresses whose street, town, region, postcode and coordinates agree, each a function of its number.

A description has so many postcodes. Each belongs to a real town, the more the larger the town is, and no two
are the same text. Where a locale's postcodes are no more than ranges of numbers, several may be.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.cells import cells
from snapshotter.testdata.description.column import Choices, Column, joined
from snapshotter.testdata.description.numbers import fixed, padded
from snapshotter.testdata.draws import Words, below, mix
from snapshotter.testdata.pools import load

Numbers = npt.NDArray[np.int64]

_UNITS = 4000  # a British outward code has ten sectors of 400 units: two of the 20 letters that are used
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
_ENDED = 20  # of so many postcodes one is no longer in use
_SPREAD = 301  # postcodes of a town lie within 0.03 degrees of it, in ten-thousandths


class Places:
    """The places of a locale.

    Args:
        locale: en_GB, en_US or pt_BR.
        postcodes: how many different ones there are, those that are no longer in use counted.
        key: scatters what belongs to a postcode.

    Raises:
        ValueError: the locale is another one, or has not so many.
    """

    def __init__(self, locale: str, postcodes: int, key: int) -> None:
        if locale not in PARTS:
            raise ValueError(f"there are people and places of {', '.join(PARTS)}, not of {locale!r}")
        self.pool = load(f"{locale}-1")
        self.locale, self.postcodes, self.key = locale, postcodes, key
        ends = np.cumsum(self._numbers("place_weight")) * postcodes
        total = self._numbers("place_weight").sum()
        self.firsts = np.concatenate([np.zeros(1, dtype=np.int64), ends // total])
        if locale == "en_GB":
            room = self._districts() * _UNITS
            if (full := np.flatnonzero(np.diff(self.firsts) > room)).size:
                most = int((room[full] * total // self._numbers("place_weight")[full]).min())
                raise ValueError(f"there are at most {most:,} postcodes of {locale}, not {postcodes:,}")

    def in_use(self, words: Words) -> Words:
        """For each word the number of a postcode that is in use."""
        used = below(words, max(1, self.postcodes - self.postcodes // _ENDED))
        return used + used // np.uint64(_ENDED - 1)

    def part(self, name: str, numbers: Words, houses: Words | None = None) -> Column:
        """One part of the addresses with these postcodes.

        Args:
            name: one of `PARTS[locale]`.
            numbers: of postcodes.
            houses: a word for each address, for what differs within a postcode.
        """
        made = PARTS[self.locale][name]
        return made(self, numbers, numbers if houses is None else houses)

    def towns(self, numbers: Words) -> npt.NDArray[np.intp]:
        """The town of each postcode."""
        return self._towns().take(numbers.astype(np.intp)).astype(np.intp)

    def of_town(self, name: str, numbers: Words) -> Column:
        """What the pool says of the town."""
        return self._choices(name).pick(self.towns(numbers))

    def drawn(self, name: str, numbers: Words) -> Column:
        """A text of a list of the pool for each postcode."""
        return self._choices(name).draw(mix(numbers, self.key + len(name)))

    def street(self, numbers: Words, houses: Words) -> Column:
        """House number and street, in the order of the locale."""
        street, house = self.drawn("street", numbers), self._house(houses)
        parts: list[Column | str] = [street, ", ", house] if self.locale == "pt_BR" else [house, " ", street]
        return joined(parts, len(numbers))

    def degrees(self, name: str, numbers: Words) -> Column:
        """A latitude or longitude with four digits behind the point."""
        near = below(mix(numbers, self.key ^ len(name)), 2 * _SPREAD - 1).astype(np.int64) - (_SPREAD - 1)
        return fixed(self._degrees(name).take(self.towns(numbers)) + near, 4)

    def british(self, numbers: Words) -> Column:
        """A British postcode: area, district, sector and unit."""
        towns = self.towns(numbers)
        low = self._numbers("place_district_low").take(towns).astype(np.uint64)
        room = (self._districts() * _UNITS).take(towns).astype(np.uint64)
        place = (numbers - self.firsts.take(towns).astype(np.uint64)) * self._strides().take(towns) % room
        district, unit = low + place // np.uint64(_UNITS), place % np.uint64(_UNITS)
        return joined([self.of_town("place_area", numbers), _plain(district), " ", _inward().pick(unit)], len(numbers))

    def zip_code(self, numbers: Words) -> Column:
        """A ZIP code of the town."""
        return Column(pieces=(padded(self._between("place_zip_low", "place_zip_high", numbers), 5),))

    def cep(self, numbers: Words) -> Column:
        """A CEP of the town."""
        code = self._between("place_cep_low", "place_cep_high", numbers)
        first, last = code // np.uint64(1000), code % np.uint64(1000)
        parts: list[Column | str] = [Column(pieces=(padded(first, 5),)), "-", Column(pieces=(padded(last, 3),))]
        return joined(parts, len(numbers))

    def address(self, numbers: Words, houses: Words) -> Column:
        """The whole address in one line."""
        parts: list[Column | str] = [self.street(numbers, houses)]
        for name in ("district", "city", "state", "postcode") if self.locale == "pt_BR" else ("town", "postcode"):
            parts += [", ", self.part(name, numbers)]
        return joined(parts, len(numbers))

    def used(self, numbers: Words) -> Column:
        """Y for a postcode that is in use, N for one that has ended."""
        ended = numbers % np.uint64(_ENDED) == _ENDED - 1
        return Choices.of(["Y", "N"]).pick(ended.astype(np.intp))

    def _house(self, houses: Words) -> Column:
        """Low numbers are more frequent: the product of two draws."""
        half = np.uint64(32)
        low = np.uint64((1 << 32) - 1)
        number = ((((houses >> half) * (houses & low)) >> half) * np.uint64(240)) >> half
        return _plain(number + np.uint64(1))

    def _between(self, low: str, high: str, numbers: Words) -> Words:
        towns = self.towns(numbers)
        first, last = (self._numbers(name).take(towns).astype(np.uint64) for name in (low, high))
        return first + (((mix(numbers, self.key) >> np.uint64(32)) * (last - first + np.uint64(1))) >> np.uint64(32))

    @functools.cache  # noqa: B019  (a source has one, for as long as it lives)
    def _towns(self) -> npt.NDArray[np.uint16]:
        return np.repeat(np.arange(len(self.firsts) - 1, dtype=np.uint16), np.diff(self.firsts))

    @functools.cache  # noqa: B019
    def _strides(self) -> Words:
        """For each town a step that leads through all its units: far, so that neighbours do not look alike."""
        return np.array([_stride(int(districts) * _UNITS) for districts in self._districts()], dtype=np.uint64)

    def _districts(self) -> Numbers:
        return self._numbers("place_district_high") - self._numbers("place_district_low") + 1

    @functools.cache  # noqa: B019
    def _numbers(self, name: str) -> Numbers:
        return np.array([int(text) for text in self.pool[name]], dtype=np.int64)

    @functools.cache  # noqa: B019
    def _degrees(self, name: str) -> Numbers:
        return np.array([round(float(text) * 10_000) for text in self.pool[name]], dtype=np.int64)

    @functools.cache  # noqa: B019
    def _choices(self, name: str) -> Choices:
        return Choices.of(self.pool[name])


Part = Callable[[Places, Words, Words], Column]

_BRITISH: Mapping[str, Part] = {
    "postcode": lambda places, numbers, _: places.british(numbers),
    "town": lambda places, numbers, _: places.of_town("place_town", numbers),
    "ward": lambda places, numbers, _: places.drawn("ward", numbers),
    "district": lambda places, numbers, _: places.of_town("place_authority", numbers),
    "county": lambda places, numbers, _: places.of_town("place_county", numbers),
    "region": lambda places, numbers, _: places.of_town("place_region", numbers),
    "country": lambda places, numbers, _: places.of_town("place_country", numbers),
}
_AMERICAN: Mapping[str, Part] = {
    "postcode": lambda places, numbers, _: places.zip_code(numbers),
    "town": lambda places, numbers, _: places.of_town("place_city", numbers),
    "city": lambda places, numbers, _: places.of_town("place_city", numbers),
    "state": lambda places, numbers, _: places.of_town("place_state", numbers),
    "region": lambda places, numbers, _: places.of_town("place_state_name", numbers),
}
_BRAZILIAN: Mapping[str, Part] = {
    **_AMERICAN,
    "postcode": lambda places, numbers, _: places.cep(numbers),
    "district": lambda places, numbers, _: places.drawn("bairro", numbers),
}
_EVERYWHERE: Mapping[str, Part] = {
    "street": lambda places, numbers, houses: places.street(numbers, houses),
    "address": lambda places, numbers, houses: places.address(numbers, houses),
    "latitude": lambda places, numbers, _: places.degrees("place_lat", numbers),
    "longitude": lambda places, numbers, _: places.degrees("place_lon", numbers),
    "in_use": lambda places, numbers, _: places.used(numbers),
}
PARTS: Mapping[str, Mapping[str, Part]] = {
    "en_GB": {**_BRITISH, **_EVERYWHERE},
    "en_US": {**_AMERICAN, **_EVERYWHERE},
    "pt_BR": {**_BRAZILIAN, **_EVERYWHERE},
}


def _plain(numbers: Words) -> Column:
    return Column(pieces=(padded(numbers),))


def _stride(room: int) -> int:
    """A number near the golden section of `room` that has no divisor in common with it."""
    return next(step for step in range(room * 618 // 1000, room) if math.gcd(step, room) == 1)


@functools.cache
def _inward() -> Choices:
    """The inward halves of British postcodes: a sector and two letters."""
    codes = (f"{sector}{a}{b}" for sector in range(10) for a in _LETTERS for b in _LETTERS)
    return Choices(table=cells(codes), quotes=None)
