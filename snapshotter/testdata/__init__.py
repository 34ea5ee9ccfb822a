"""Test data: files that behave like real deliveries, the same bytes for the same arguments anywhere.

    from snapshotter.testdata import demo, generate_accounts, retail

    for batch in demo(rows=1000, keys=300, files=5):
        print(batch.name, batch.frame())
    retail(customers=500).frames()["transactions"]
    generate_accounts(10)

`SOURCES` holds what `generate_test_data.py SOURCE` can make, by name. What a source needs is loaded when it is asked
for, since the demo needs far less than the others.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from snapshotter.testdata.batch import Batch
from snapshotter.testdata.demo import demo
from snapshotter.testdata.demo import source as demo_source
from snapshotter.testdata.source import Field, Source, Table

if TYPE_CHECKING:
    from snapshotter.testdata.sources import accounts, generate_accounts, retail, shop
    from snapshotter.testdata.sources.crm import CrmSettings, crm

__all__ = [
    "SOURCES",
    "Batch",
    "CrmSettings",
    "Field",
    "Source",
    "Table",
    "accounts",
    "crm",
    "demo",
    "generate_accounts",
    "retail",
    "shop",
]

_LATER = {
    **dict.fromkeys(("accounts", "generate_accounts", "retail", "shop"), "snapshotter.testdata.sources"),
    **dict.fromkeys(("CrmSettings", "crm"), "snapshotter.testdata.sources.crm"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (whatever has that name)
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)


def _described(name: str) -> Callable[..., Source]:
    def source(**arguments: Any) -> Source:  # noqa: ANN401  (those of the source)
        found: Source = __getattr__(name)(**arguments)
        return found

    return source


def _first_day() -> Source:
    from snapshotter.testdata.sources.crm import CrmSettings, crm

    return crm(CrmSettings()).source


SOURCES: Mapping[str, Callable[..., Source]] = {
    "demo": demo_source,
    "retail": _described("retail"),
    "crm": _first_day,
    "accounts": _described("accounts"),
    "shop": _described("shop"),
}
