"""Writes the rows of one table to a stream."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import BinaryIO

from snapshotter.errors import NotWritten, UsageError
from snapshotter.testdata.batch import Batch
from snapshotter.testdata.delivery import Delivery, Progress
from snapshotter.testdata.making import made, processors


def stream(
    batches: Iterable[Batch],
    out: BinaryIO,
    *,
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> Delivery:
    """Write all batches one after the other as one CSV: the header is that of the first, and comes once.

    Args:
        batches: of one table.
        out: is flushed at the end, not closed.
        threads: how many make parts; one for each processor where it is None.
        progress: told how many rows were written since it was told last.

    Raises:
        UsageError: a batch has other columns than the first one; those before it are written.
        BrokenPipeError: whoever reads has seen enough.
        NotWritten: the system refused.
    """
    delivery = Delivery()
    header = b""
    try:
        with contextlib.closing(made(batches, bytes, threads or processors())) as files:
            for batch, parts in files:
                first, rows = next(parts)
                if not delivery.names:
                    header = first
                    out.write(header)
                elif first != header:
                    raise UsageError(
                        what=f"{batch.name} has other columns than the files before it, which one stream cannot hold",
                        remedy="What was written is complete up to there. Name a folder with --output.",
                    )
                progress(rows)
                size = len(first)
                for part, made_rows in parts:
                    out.write(part)
                    size += len(part)
                    progress(made_rows)
                delivery.add(batch, batch.name, size)
        out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise NotWritten(path="stdout", problem=error.strerror or error) from error
    return delivery
