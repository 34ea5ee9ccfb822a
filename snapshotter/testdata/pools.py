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
    "en_GB-1": "8a806491a5ae52a44f2f999aa2621e1af594614b231abacdbdaf2e6e9151504a",
    "en_US-1": "7501fc524256d13f0217c6824c12e637ba606cfc49fd13cad5c7b58517c3ae21",
    "pt_BR-1": "0dae42e24cf078c518e8ae4a0570c1dfd839d90589a0dca8664121e94807e661",
    "common-1": "9bd575d988dcced1bcf3b9c78f81053bb33d724f887de68eb5c28d7619df2322",
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
