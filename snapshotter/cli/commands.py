"""All commands together, in the order in which `--help` lists them."""

from __future__ import annotations

from snapshotter.cli import asking, changing, starting, watching
from snapshotter.cli.app import HOMES, app

__all__ = ["app", "asking", "changing", "starting", "watching"]

app.registered_commands.sort(key=lambda info: list(HOMES).index(info.callback.__name__) if info.callback else -1)
