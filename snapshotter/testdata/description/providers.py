"""Values of Faker's providers: from a frozen pool where there is one, else from the Faker that is installed."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping

from snapshotter.testdata.pools import PINNED, load

LOCALES = ("en_GB", "en_US", "pt_BR")
SIZE = 2048


def provider(locale: str, name: str, arguments: Mapping[str, object]) -> list[str]:
    """Texts to draw from.

    Args:
        locale: as Faker calls it.
        name: of the provider.
        arguments: for the provider; with any, no frozen pool holds its values.

    Returns:
        `SIZE` texts or so, the frequent ones more than once.

    Raises:
        ValueError: Faker has no such locale or provider, or it does not take these arguments.
    """
    if not arguments:
        for pool in (f"{locale}-1", "common-1"):
            if pool in PINNED and name in (texts := load(pool)):
                return texts[name]
    return _fresh(locale, name, json.dumps(arguments, sort_keys=True))


@functools.lru_cache(maxsize=64)
def _fresh(locale: str, name: str, arguments: str) -> list[str]:
    from snapshotter.testdata.freeze import fresh

    digest = hashlib.blake2b(f"{locale} {name} {arguments}".encode(), digest_size=4).digest()
    texts: list[str] = fresh(locale, name, json.loads(arguments), SIZE, int.from_bytes(digest))
    return texts
