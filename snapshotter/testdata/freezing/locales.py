"""The pool of a locale: its people, streets and real places, and what Faker's other providers say there."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from snapshotter.testdata.freezing.drawing import distinct, draws, faker_of, fits, fresh

if TYPE_CHECKING:
    from faker import Faker

FOLDER = Path(__file__).parent
LOCALES = {"en_GB": "en", "en_US": "en", "pt_BR": "pt"}
NAMES, TEXTS = 4096, 1024
# Letters that Unicode does not decompose into an ASCII letter and a mark.
_PLAIN = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "æ": "ae", "'": "", " ": "."})
# Other providers that people name in descriptions of their own; a locale that lacks one goes without.
PROVIDERS = (
    *("name", "first_name", "last_name", "prefix", "phone_number", "catch_phrase", "bs", "word", "sentence"),
    *("city", "country", "country_code", "state", "state_abbr", "street_name", "street_address", "postcode"),
    *("zipcode", "license_plate", "iban", "ssn", "currency_code", "color_name", "file_name", "mime_type", "url"),
    *("domain_word", "ipv4", "ean13", "isbn13", "timezone", "language_name", "cnpj", "rg"),
)


def pool(locale: str, seed: int) -> dict[str, list[str]]:
    """The lists of a locale.

    Args:
        locale: one of `LOCALES`.
        seed: for Faker.

    Returns:
        Names, jobs, streets and so on are as frequent as Faker draws them. Lists of one beginning (`place_…`,
        `female` and `female_mail`, `nickname` and `nickname_of`) belong together, item by item.
    """
    faker = faker_of(locale, seed)
    lists = _people(faker) | _places(locale) | _nicknames(LOCALES[locale])
    lists |= {
        "job": draws(faker.job, 2 * TEXTS),
        "company": draws(faker.company, 2 * TEXTS),
        "street": draws(faker.street_name, NAMES),
    }
    if locale == "en_GB":
        lists["ward"] = _column("wards.csv", "ward")
    if locale == "pt_BR":
        lists["bairro"] = distinct(faker.bairro, TEXTS)
    for provider in PROVIDERS:
        if provider not in lists and hasattr(faker.factories[0], provider):
            lists[provider] = fresh(locale, provider, {}, TEXTS, seed)
    return lists


def _people(faker: Faker) -> dict[str, list[str]]:
    lists = {
        "female": draws(faker.first_name_female, NAMES),
        "male": draws(faker.first_name_male, NAMES),
        "last": draws(faker.last_name, NAMES),
        "female_title": draws(faker.prefix_female, TEXTS),
        "male_title": draws(faker.prefix_male, TEXTS),
    }
    mails = {f"{kind}_mail": [mail(text) for text in lists[kind]] for kind in ("female", "male", "last")}
    return lists | mails


def mail(text: str) -> str:
    """The text as the part of an e-mail address before the @: ASCII, lower case, no blanks."""
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(letter for letter in plain if letter.isascii()).lower()


def _places(locale: str) -> dict[str, list[str]]:
    rows = _rows(f"places_{locale}.csv")
    return {f"place_{column}": [row[column] for row in rows] for column in rows[0]}


def _nicknames(language: str) -> dict[str, list[str]]:
    rows = _rows(f"nicknames_{language}.csv")
    return {"nickname_of": [row["formal"] for row in rows], "nickname": [row["said"] for row in rows]}


def _column(file: str, name: str) -> list[str]:
    return [row[name] for row in _rows(file)]


def _rows(file: str) -> list[dict[str, str]]:
    with (FOLDER / file).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, strict=True))
    wrong = [text for row in rows for text in row.values() if not fits(text)]
    if wrong:
        raise ValueError(f"{file}: {wrong[0]!r} cannot be a cell")
    return rows
