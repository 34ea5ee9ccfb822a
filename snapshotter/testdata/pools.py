"""Pools of realistic values: made once with Faker, then frozen.

What is generated must not change when Faker does, so nothing here imports Faker. A pool is a JSON file beside
this module, `pools/NAME.json`, an object of lists of texts, and its digest is pinned below. A frozen pool is
never changed: `python -m snapshotter.testdata.freeze NAME` makes one under a new name.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).with_name("pools")
PINNED = {
    "demo-1": "df02e2ca176338292e4e74ce28b12e35fb36c57d2852234e58252e719a9c85de",
    "en_GB-1": "506afb5299b5ca118a85af776d8cac4eb3a8aa99f1597aed578db82b48cd4452",
    "en_US-1": "2c01eb1c90e1ff452c297babb478cb294fb6f8e7cdd5df50cd4b46366c256994",
    "pt_BR-1": "96b86d910fcc65ea5fa6cdc4731e64015a8a7a1aecc2abdafdbb6ae80b965da5",
    "common-1": "5da570c03fe8c4a6dc43462e0547b84c5258cbc5f4fd8cecc82270956ea77737",
}

Pools = Mapping[str, list[str]]


class PoolChanged(Exception):
    """A frozen pool is not what was pinned, so what it gives would not be the same bytes as elsewhere."""


@functools.cache
def load(name: str, folder: Path = FOLDER) -> Pools:
    """Read a frozen pool and verify it.

    Args:
        name: one of `PINNED`.
        folder: where `NAME.json` is.

    Returns:
        Lists of texts by name. Cached, not to be changed.

    Raises:
        PoolChanged: the file is not the one whose digest is pinned, or cannot be read.
    """
    path = folder / f"{name}.json"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PoolChanged(f"{path} cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != PINNED[name]:
        raise PoolChanged(f"{path} has the sha256 {digest}, not {PINNED[name]}")
    pools: dict[str, list[str]] = json.loads(content)
    return pools
