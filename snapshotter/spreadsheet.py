"""A published file for spreadsheets: cells that they would run as a formula are defused."""

from __future__ import annotations

import csv
from pathlib import Path

from snapshotter.rejects import line

# OWASP, "CSV Injection": a cell that begins so may be run; a ' before it makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def defused(path: Path) -> Path:
    """Write a copy beside the file in which no cell begins like a formula.

    Args:
        path: a published CSV file.

    Returns:
        The copy's path.
    """
    copy = path.with_name("defused.csv")
    with (
        path.open(encoding="utf-8", newline="") as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        for row in csv.reader(source):
            target.write(line([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row], ","))
    return copy
