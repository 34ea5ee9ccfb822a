"""Test data that a YAML or JSON file describes: tables, their columns and links, and how they change over files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snapshotter.testdata.description.text import WrongDescription
from snapshotter.testdata.source import Source

__all__ = ["WrongDescription", "load"]


def load(path: Path, overrides: Mapping[str, Any] | None = None, *, part_rows: int | None = None) -> Source:
    """Read a description and plan its files; their bytes are made when they are asked for.

    Args:
        path: YAML or JSON.
        overrides: what is said otherwise, by path: `{"seed": 7, "tables.orders.rows": 10}`.
        part_rows: how many rows are made at a time; it does not change any byte.

    Raises:
        WrongDescription: it says what cannot be, with the line and the key.
    """
    from snapshotter.testdata.description import building
    from snapshotter.testdata.description.text import read

    return building.build(read(path), overrides or {}, part_rows or building.PART_ROWS)
