"""Test data: files that behave like real deliveries, the same bytes for the same arguments anywhere.

    from snapshotter.testdata import SOURCES, demo

    for batch in demo(rows=1000, keys=300, files=5):
        print(batch.name, batch.frame())
    SOURCES["demo"](rows=1000).frames()["default"]

`SOURCES` holds what `generate_test_data.py SOURCE` can make, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from snapshotter.testdata.batch import Batch
from snapshotter.testdata.crm import CrmSettings, crm
from snapshotter.testdata.demo import demo
from snapshotter.testdata.demo import source as demo_source
from snapshotter.testdata.source import Field, Source, Table
from snapshotter.testdata.sources import accounts, generate_accounts, retail, shop

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

SOURCES: Mapping[str, Callable[..., Source]] = {
    "demo": demo_source,
    "retail": retail,
    "crm": lambda: crm(CrmSettings()).source,
    "accounts": accounts,
    "shop": shop,
}
