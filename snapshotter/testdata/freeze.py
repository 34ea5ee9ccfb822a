"""Makes a pool with Faker and freezes it: `python -m snapshotter.testdata.freeze NAME [FOLDER]`.

To be run by a maintainer when the values shall change: it writes `NAME.json` into `pools/`, never over an
existing one, and prints the line for `pools.PINNED`. Then name the new pool where it shall be used, record the
golden digests of the tests anew, and say it in the changelog: everybody's data changes.

`en_GB-…`, `en_US-…` and `pt_BR-…` are pools of locales (`freezing.locales`), `common-…` is that of things without a
locale (`freezing.common`); any other name is a pool of the demo, which has people of several locales.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from snapshotter.testdata.freezing import common, locales
from snapshotter.testdata.pools import FOLDER

if TYPE_CHECKING:
    from faker import Faker

# Of 25 people and places. Mostly British and American, and enough others that not all is ASCII.
LOCALES = {"en_GB": 15, "en_US": 5, "de_DE": 1, "es_ES": 1, "fr_FR": 1, "pl_PL": 1, "pt_BR": 1}
# Sizes are powers of two, so that a few bits of a random word are a fair index.
SIZE = 2048
# Longest values in bytes of UTF-8: cells are laid out in columns of fixed width, so that one long value would
# cost all rows.
LONGEST = {"first": 14, "last": 16, "city": 22, "phrase": 48, "company": 32}


def freeze(name: str, folder: Path = FOLDER, seed: int = 20220103) -> str:
    """Make a pool and write it.

    Args:
        name: the new pool's name.
        folder: gets `NAME.json`.
        seed: for Faker; with one version of Faker the same seed gives the same pool.

    Returns:
        The sha256 of the file.

    Raises:
        FileExistsError: there is such a pool, and pools are not changed.
    """
    content = (json.dumps(_lists(name.partition("-")[0], seed), ensure_ascii=False, indent=0) + "\n").encode()
    with (folder / f"{name}.json").open("xb") as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def _lists(kind: str, seed: int) -> dict[str, list[str]]:
    if kind in locales.LOCALES:
        return locales.pool(kind, seed)
    return common.pool(seed) if kind == "common" else values(seed)


def values(seed: int) -> dict[str, list[str]]:
    """The lists of a pool.

    People and places are as frequent in their list as Faker draws them, so that a fair pick from the list
    keeps its weights; phrases and companies stand once each, so that different picks are different texts.
    """
    fakers = _fakers(seed)
    english = fakers["en_GB"]
    first = _by_locale(fakers, "first", lambda faker: faker.first_name())
    last = _by_locale(fakers, "last", lambda faker: faker.last_name())
    return {
        "first": first,
        "first_mail": [locales.mail(text) for text in first],
        "last": last,
        "last_mail": [locales.mail(text) for text in last],
        "city": _by_locale(fakers, "city", lambda faker: faker.city()),
        "phrase": _quoted(_distinct("phrase", english.catch_phrase)),
        "company": _distinct("company", english.company),
    }


def _fakers(seed: int) -> dict[str, Faker]:
    from faker import Faker

    fakers = {locale: Faker(locale) for locale in LOCALES}
    for number, faker in enumerate(fakers.values()):
        faker.seed_instance(seed + number)
    return fakers


def _by_locale(fakers: dict[str, Faker], kind: str, make: Callable[[Faker], str]) -> list[str]:
    turns = [locale for locale, share in LOCALES.items() for _ in range(share)]
    return [
        next(text for text in _endless(fakers[turns[i % len(turns)]], make) if _fits(kind, text)) for i in range(SIZE)
    ]


def _endless(faker: Faker, make: Callable[[Faker], str]) -> Iterator[str]:
    while True:
        yield make(faker)


def _distinct(kind: str, make: Callable[[], str]) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < SIZE:
        text = make()
        if _fits(kind, text):
            found[text] = None
    return list(found)


def _fits(kind: str, text: str) -> bool:
    return len(text.encode()) <= LONGEST[kind] and text == text.strip() and text.isprintable() and '"' not in text


def _quoted(phrases: list[str]) -> list[str]:
    """Put the first word of every 16th phrase into quotes: readers stumble over them."""
    return ['"{}" {}'.format(*text.split(" ", 1)) if number % 16 == 0 else text for number, text in enumerate(phrases)]


def main(name: str, folder: str = str(FOLDER)) -> None:
    """Freeze a pool and print the line that pins it."""
    sys.stdout.write(f'    "{name}": "{freeze(name, Path(folder))}",\n')


if __name__ == "__main__":
    main(*sys.argv[1:])
