"""Kinds of columns that say something of a person or a place, and agree with each other."""

from __future__ import annotations

import difflib
from typing import ClassVar

import numpy as np
from pydantic import Field

from snapshotter.testdata.description.column import Maker
from snapshotter.testdata.description.kinds.base import Kind, Place
from snapshotter.testdata.description.people import People, parts
from snapshotter.testdata.description.places import PARTS, Places
from snapshotter.testdata.mistakes import Role

_TYPES = {
    "email": "email",
    "birth_date": "date",
    "latitude": "decimal(7,4)",
    "longitude": "decimal(7,4)",
}
_ROLES = {
    "title": Role.TITLE,
    "first_name": Role.FIRST_NAME,
    "last_name": Role.LAST_NAME,
    "name": Role.FULL_NAME,
    "email": Role.EMAIL,
    "phone": Role.PHONE,
    "birth_date": Role.DATE,
    "street": Role.STREET,
    "address": Role.STREET,
    "town": Role.TOWN,
    "city": Role.TOWN,
    "postcode": Role.POSTCODE,
    "job": Role.FREE_TEXT,
}
MARRIED = ("last_name", "name", "email")
MOVED = ("street", "address", "ward", "district", "town", "city", "county", "region", "state", "postcode")


class Person(Kind):
    """What there is to say of the person whose row it is; what is said of one agrees."""

    name: ClassVar[str] = "person"
    example: ClassVar[str] = "{person: email}"
    person: str = Field(description="name, first_name, last_name, title, email, phone, birth_date, job, postcode …")

    def bind(self, place: Place) -> Maker:
        """Say it."""
        table, number = place.table.people
        people = People(place.locale, place.keys(table, "person"), _places(place))
        part, turns = _known(self.person, parts(place.locale), "of a person"), place.turns
        shift = np.uint64(place.shift)
        if turns is None:
            return lambda rows: people.part(part, number(rows.ids), np.full_like(rows.ids, shift))
        return lambda rows: people.part(part, number(rows.ids), turns.version(rows) + shift)

    def role(self) -> Role | None:
        """What sort of text it is, as far as people make mistakes in it."""
        return _ROLES.get(self.person)

    def usual_type(self) -> str:
        """E-mails, dates and coordinates are more than text."""
        return _TYPES.get(self.person, "string")


class Spot(Kind):
    """What there is to say of a postcode, where each row is one."""

    name: ClassVar[str] = "place"
    example: ClassVar[str] = "{place: region}"
    place: str = Field(description="postcode, ward, district, county, region, country, latitude, longitude, in_use …")

    def bind(self, place: Place) -> Maker:
        """Say it."""
        places = _places(place)
        if len(place.table.growth) > places.postcodes:
            raise ValueError(f"there are {len(place.table.growth):,} rows, but `postcodes` is {places.postcodes:,}")
        part = _known(self.place, list(PARTS[place.locale]), "of a place")
        return lambda rows: places.part(part, rows.ids)

    def usual_type(self) -> str:
        """Coordinates are more than text."""
        return _TYPES.get(self.place, "string")


def _places(place: Place) -> Places:
    return Places(place.locale, place.postcodes, place.keys("places"))


def _known(name: str, names: list[str], of_what: str) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, 1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"nothing {of_what} is called {name!r}{meant} There is: {', '.join(names)}")
