"""A list of rows that a user gives: a small CSV file, such as his products."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from snapshotter.testdata.description.bounded import read_text

LONGEST = 64 << 20  # bytes: it is held as texts


@dataclass(frozen=True)
class Listing:
    """The rows of a file.

    Args:
        columns: the cells of each column by its name.
        rows: how many there are.
    """

    columns: Mapping[str, list[str]]
    rows: int

    @classmethod
    def read(cls, path: Path) -> Listing:
        """Read a file.

        Raises:
            ValueError: it cannot be read, is no CSV in UTF-8 with a header, or has no row.
        """
        text = read_text(path, LONGEST)
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise ValueError(f"{path} is not CSV: {error}") from error
        header, rows = (lines or [[]])[0], [line for line in lines[1:] if line]
        if not header or len(set(header)) < len(header):
            raise ValueError(f"{path} needs a header in which each name is once")
        if not rows:
            raise ValueError(f"{path} has no row")
        for number, row in enumerate(rows, 1):
            if len(row) != len(header):
                raise ValueError(f"{path}, row {number}: it has {len(row)} cells, the header {len(header)}")
        return cls(columns=dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)), rows=len(rows))
