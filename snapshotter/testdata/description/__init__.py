"""Test data that a YAML or JSON file describes: tables, their columns and links, and how they change over files."""

from __future__ import annotations

from snapshotter.testdata.description.building import load
from snapshotter.testdata.description.text import WrongDescription

__all__ = ["WrongDescription", "load"]
