"""Drop CSV files into a folder; get one `latest.csv` that is always right and can go back.

The public names are loaded when they are first used, so that `import snapshotter` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snapshotter.errors import SnapshotterError
    from snapshotter.workspace import Workspace

__version__ = "0.1.0"
__all__ = ["SnapshotterError", "Workspace", "__version__"]

_HOMES = {"Workspace": "snapshotter.workspace", "SnapshotterError": "snapshotter.errors"}


def __getattr__(name: str) -> object:
    """Import a public name from its module on first use."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'snapshotter' has no attribute {name!r}")
