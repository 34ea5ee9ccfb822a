"""Contracts in the Open Data Contract Standard, version 3 (https://bitol-io.github.io/open-data-contract-standard).

The standard describes a table, a contract of ours the rows of a delivery. What it has no word for stands in custom
properties, `snapshotter.` and the name of the setting, which go before the standard's own words. `required` is
`nullable = false`. `unique` is checked within a file, and not at all for a key, which is unique in latest.csv by
itself. Quality rules are for other tools, but for `nullValues` and `invalidValues` that must be 0.
"""

from snapshotter.contract.odcs.reading import Found, OdcsRefused, read
from snapshotter.contract.odcs.writing import write

__all__ = ["Found", "OdcsRefused", "read", "write"]
