"""Engines do the set-sized work; the default one is chosen here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snapshotter.engine.port import Engine

__all__ = ["Engine", "open_engine"]


def open_engine(
    scratch: Path, readable: Sequence[Path], memory_limit: int, dataset: str, *, parks: bool = False
) -> Engine:
    """The engine for one piece of work.

    Args:
        scratch: a folder for what does not fit into memory, and for drafts.
        readable: the only folders beside it whose files the engine may touch; what it is given by descriptor, too, must
            lie in one.
        memory_limit: in bytes.
        dataset: for messages.
        parks: whether it must be able to `park`; then its tables are in a file in `scratch`.
    """
    from snapshotter.engine.duckdb import DuckDBEngine  # 0.1 s: only where rows are worked on

    return DuckDBEngine(scratch, readable, memory_limit, dataset, parks=parks)
