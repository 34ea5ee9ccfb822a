"""All commands together, in the order in which `--help` lists them."""

from __future__ import annotations

from snapshotter.cli import changing, starting, watching  # isort: skip - their commands come first
from snapshotter.cli import asking
from snapshotter.cli.app import app

__all__ = ["app", "asking", "changing", "starting", "watching"]
