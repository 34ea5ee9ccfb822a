"""The frozen pools of locales: what is in them, how often, and that places are right."""

import json
import re
import unicodedata
from collections import Counter

import pytest

from snapshotter.testdata.freezing import common, fresh, locales
from snapshotter.testdata.pools import FOLDER, PINNED, load

LOCALES = ("en_GB", "en_US", "pt_BR")
# Latitudes and longitudes between which a country lies.
BOXES = {"en_GB": (49.8, 60.9, -8.2, 1.8), "en_US": (18.9, 71.4, -179.2, -66.9), "pt_BR": (-33.8, 5.3, -74.0, -34.7)}
REGIONS = {
    "Scotland": (54.6, 60.9, -7.7, -0.7),
    "Wales": (51.3, 53.5, -5.4, -2.6),
    "Northern Ireland": (54.0, 55.4, -8.2, -5.4),
    "London": (51.28, 51.7, -0.52, 0.34),
    "North East": (54.4, 55.9, -2.7, -0.8),
    "North West": (52.9, 55.2, -3.7, -1.9),
    "Yorkshire and The Humber": (53.3, 54.6, -2.6, 0.2),
    "East Midlands": (51.9, 53.7, -2.1, 0.4),
    "West Midlands": (51.8, 53.3, -3.3, -1.1),
    "East of England": (51.4, 53.1, -0.8, 1.8),
    "South East": (50.5, 52.3, -2.0, 1.5),
    "South West": (49.8, 52.2, -6.5, -1.4),
}


@pytest.mark.parametrize("name", PINNED)
def test_every_text_can_be_a_cell(name):
    """No text is empty, too long for a column of fixed width, or holds what a reader would not show as it is."""
    for kind, texts in load(name).items():
        assert texts, kind
        for text in texts:
            assert 0 < len(text) <= 140
            assert text == text.strip()
            assert text.isprintable()
            assert unicodedata.is_normalized("NFC", text)


@pytest.mark.parametrize("locale", LOCALES)
def test_lists_that_belong_together_are_of_one_length(locale):
    """Items of one number belong together: a name and its part of an e-mail address, a town and its postcodes."""
    pool = load(f"{locale}-1")
    assert len({len(texts) for name, texts in pool.items() if name.startswith("place_")}) == 1
    for kind in ("female", "male", "last"):
        assert len(pool[kind]) == len(pool[f"{kind}_mail"])
        assert all(re.fullmatch("[a-z]+([.-][a-z]+)*", text) for text in pool[f"{kind}_mail"])
        plain = [(text, mail) for text, mail in zip(pool[kind], pool[f"{kind}_mail"], strict=True) if text.isascii()]
        assert all(re.sub("[^a-z]", "", text.lower()) == re.sub("[^a-z]", "", mail) for text, mail in plain)
    assert len(pool["nickname"]) == len(pool["nickname_of"]) > 50


@pytest.mark.parametrize("locale", LOCALES)
def test_names_are_as_frequent_as_fakers(locale):
    """The most frequent names of Faker's provider come as often as its weights say, where it has weights."""
    from faker import Faker

    provider = next(p for p in Faker(locale).factories[0].providers if hasattr(p, "first_names_female"))
    pool = load(f"{locale}-1")
    for kind, names in (("female", provider.first_names_female), ("male", provider.first_names_male)):
        weights, found = (
            Counter(names),
            Counter(pool[kind]),
        )  # a mapping has weights, a list each name as often as it is
        total = sum(weights.values())
        for name, weight in weights.most_common(10):
            share = weight / total
            assert abs(found[name] / len(pool[kind]) - share) < 5 * (share / len(pool[kind])) ** 0.5


@pytest.mark.parametrize("locale", LOCALES)
def test_places_are_where_they_are(locale):
    """Every town lies inside its country, a British one inside its region."""
    pool = load(f"{locale}-1")
    south, north, west, east = BOXES[locale]
    regions = pool.get("place_region", [""] * len(pool["place_lat"]))
    for lat, lon, region in zip(pool["place_lat"], pool["place_lon"], regions, strict=True):
        assert re.fullmatch(r"-?\d+\.\d{4}", lat)
        assert re.fullmatch(r"-?\d+\.\d{4}", lon)
        assert south < float(lat) < north
        assert west < float(lon) < east
        if region:
            lower, upper, left, right = REGIONS[region]
            assert lower < float(lat) < upper, region
            assert left < float(lon) < right, region


def test_british_districts_are_of_one_town_each():
    """No two towns have a postcode district in common, so no two postcodes are the same text."""
    pool = load("en_GB-1")
    taken = Counter()
    for area, low, high in zip(
        pool["place_area"], pool["place_district_low"], pool["place_district_high"], strict=True
    ):
        assert re.fullmatch("[A-Z]{1,2}", area)
        taken.update((area, district) for district in range(int(low), int(high) + 1))
    assert set(taken.values()) == {1}
    assert len(set(pool["place_area"])) > 115  # of 121 in the United Kingdom; the City has other forms


@pytest.mark.parametrize(
    ("locale", "low", "high", "digits"), [("en_US", "zip_low", "zip_high", 5), ("pt_BR", "cep_low", "cep_high", 8)]
)
def test_ranges_of_codes_are_of_one_town_each(locale, low, high, digits):
    """Postal codes are ranges of digits, in order, and of no two towns."""
    pool = load(f"{locale}-1")
    ranges = sorted(zip(pool[f"place_{low}"], pool[f"place_{high}"], strict=True))
    assert all(re.fullmatch(rf"\d{{{digits}}}", code) for pair in ranges for code in pair)
    end = ""
    for first, last in ranges:
        assert end < first <= last
        end = last


@pytest.mark.parametrize(("locale", "states"), [("en_US", 51), ("pt_BR", 27)])
def test_every_state_has_a_town(locale, states):
    """All states, and the federal district, are there, each under one name."""
    pool = load(f"{locale}-1")
    assert len(set(pool["place_state"])) == states
    assert len(set(zip(pool["place_state"], pool["place_state_name"], strict=True))) == states


@pytest.mark.parametrize("name", [*(f"{locale}-1" for locale in LOCALES), "common-1"])
def test_the_installed_faker_makes_the_pool(name):
    """A pool is what its maker gives: made again with the Faker of the lock, it has the same lists, text by text."""
    kind = name.partition("-")[0]
    made = common.pool(20220103) if kind == "common" else locales.pool(kind, 20220103)
    assert made == json.loads((FOLDER / f"{name}.json").read_text())


def test_fresh_texts_are_the_same_for_one_seed():
    """What no pool has is drawn from the Faker that is installed, by the seed."""
    one, again, other = (fresh("en_GB", "bban", {}, 50, seed) for seed in (1, 1, 2))
    assert one == again != other
    assert fresh("en_GB", "pyint", {"min_value": 7, "max_value": 7}, 3, 0) == ["7", "7", "7"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("en_UK", "job", {}), "no locale 'en_UK'; did you mean"),
        (("en_GB", "jobb", {}), "no provider 'jobb' in en_GB; did you mean job"),
        (("en_GB", "_job", {}), "no provider '_job'"),
        (("en_GB", "seed_instance", {}), "no provider"),
        (("en_GB", "job", {"loud": True}), "cannot be asked with {'loud': True}"),
        (("en_GB", "profile", {}), "gives dict, which is no text"),
        (("en_GB", "text", {"max_nb_chars": 5000}), "fit into a cell of 140 characters"),
    ],
)
def test_what_faker_cannot_give_is_said(arguments, problem):
    """An unknown locale, provider or argument is an error that names near ones."""
    with pytest.raises(ValueError, match=re.escape(problem)):
        fresh(*arguments, 20, 0)
