"""Python's own `csv`, for cells of any size; imported from here, wherever it is used."""

from __future__ import annotations

import csv
import sys

__all__ = ["csv"]

csv.field_size_limit(sys.maxsize)
