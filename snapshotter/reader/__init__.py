"""Bytes to records, without a wrong cell.

The steps, in order: `decode` (strictly, to UTF-8), `header_span` and `header_names`, and `measure`, which proves the
records regular or else takes the strict path, record by record; many small texts are proved before it, in one pass
(`prove_together`). What is left afterwards is text that a fast reader cannot misread, and the number of its records.
"""

from __future__ import annotations

from snapshotter.reader.encoding import decode, marked_encoding
from snapshotter.reader.grammar import DELIMITERS
from snapshotter.reader.header import header_names, header_span
from snapshotter.reader.irregular import Irregular
from snapshotter.reader.proof import Layout, Positions, Prover
from snapshotter.reader.strict import SCATTERED, Measured, measure
from snapshotter.reader.together import AT_ONCE, SMALL, prove_together

__all__ = [
    "AT_ONCE",
    "DELIMITERS",
    "SCATTERED",
    "SMALL",
    "Irregular",
    "Layout",
    "Measured",
    "Positions",
    "Prover",
    "decode",
    "header_names",
    "header_span",
    "marked_encoding",
    "measure",
    "prove_together",
]
