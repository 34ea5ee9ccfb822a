"""Texts drawn from Faker."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faker import Faker

LONGEST = 140  # characters of a text: cells are laid out in columns of fixed width, so one long one costs all rows
_TRIES = 50  # for each text that is wanted


def faker_of(locale: str, seed: int) -> Faker:
    """A Faker of a locale, seeded.

    Raises:
        ValueError: there is no such locale; the sentence names near ones.
    """
    from faker import Faker
    from faker.config import AVAILABLE_LOCALES

    if locale not in AVAILABLE_LOCALES:
        raise ValueError(f"Faker has no locale {locale!r}{_perhaps(locale, AVAILABLE_LOCALES)}")
    faker = Faker(locale)
    faker.seed_instance(seed)
    return faker


def fresh(locale: str, provider: str, arguments: Mapping[str, object], size: int, seed: int) -> list[str]:
    """Texts of a provider, as frequent as Faker draws them.

    Args:
        locale: as Faker calls it.
        provider: the name of one of its providers.
        arguments: for the provider.
        size: how many texts.
        seed: with one version of Faker, the same seed gives the same texts.

    Raises:
        ValueError: there is no such locale or provider, it does not take these arguments, or what it gives is
            not a text that fits into a cell.
    """
    faker = faker_of(locale, seed)
    names = [name for name in dir(faker.factories[0]) if not name.startswith(("_", "add_", "get_", "set_", "seed"))]
    if provider not in names:
        raise ValueError(f"Faker has no provider {provider!r} in {locale}{_perhaps(provider, names)}")
    make = getattr(faker, provider)
    try:
        return draws(lambda: _text(make(**arguments)), size)
    except (TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"Faker's provider {provider!r} cannot be asked with {dict(arguments)}: {error}") from error


def draws(make: Callable[[], str], size: int) -> list[str]:
    """So many texts that fit, with their frequencies.

    Raises:
        ValueError: hardly any text fits.
    """
    found: list[str] = []
    for _ in range(_TRIES * size):
        text = make()
        if fits(text):
            found.append(text)
        if len(found) == size:
            return found
    raise ValueError(f"of {_TRIES * size:,} texts only {len(found):,} fit into a cell of {LONGEST} characters")


def distinct(make: Callable[[], str], most: int) -> list[str]:
    """Different texts, at most so many; fewer where no more come."""
    found: dict[str, None] = {}
    for _ in range(20 * most):
        text = make()
        if fits(text):
            found[text] = None
        if len(found) == most:
            break
    return list(found)


def fits(text: str) -> bool:
    """Whether a text can be a cell that every reader shows as it is."""
    return 0 < len(text) <= LONGEST and text == text.strip() and text.isprintable() and _is_composed(text)


def _is_composed(text: str) -> bool:
    return unicodedata.is_normalized("NFC", text)


def _text(value: object) -> str:
    """A value of a provider as a text; a paragraph in one line."""
    if not isinstance(value, str | int | float):
        raise TypeError(f"it gives {type(value).__name__}, which is no text")
    return " ".join(str(value).split("\n"))


def _perhaps(name: str, names: list[str] | set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(names), 3)
    return f"; did you mean {' or '.join(near)}?" if near else ""
