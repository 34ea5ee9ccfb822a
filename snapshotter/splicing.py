"""A view out of the one before it: unchanged bytes are copied as they lie, and new lines go between them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from snapshotter.blocks import Blocks, Offsets


@dataclass(frozen=True)
class Lines:
    """Lines of the view that were shown.

    Args:
        begins, ends: the offsets of each line, and behind it, in the view; ascending.
    """

    begins: Offsets
    ends: Offsets


@dataclass(frozen=True)
class Shown:
    """The published view, of which the touched lines were read.

    Args:
        file: the view, open.
        rows: its number of lines, without the header.
        blocks: of it.
        lines: the touched ones.
        touched: for each checksum, whether lines under it were read.
    """

    file: IO[bytes]
    rows: int
    blocks: Blocks
    lines: Lines
    touched: npt.NDArray[np.bool_]


def lines_at(in_text: Offsets, begins: Offsets, ends: Offsets) -> Lines:
    """Where lines of a text are in the view, of which it has these pieces."""
    starts = np.concatenate(([0], in_text[:-1])) if len(in_text) else in_text
    pieces = np.concatenate(([0], np.cumsum(ends - begins)[:-1]))
    shift = (begins - pieces)[np.searchsorted(pieces, starts, "right") - 1]
    return Lines(starts + shift, in_text + shift)


@dataclass(frozen=True)
class Splice:
    """Places of a view where other bytes come.

    Args:
        begins, ends: offsets in the view, ascending: these bytes go.
        come, until: offsets in the new lines: these bytes come instead.
        blocks: the blocks as they are afterwards, their checksums still the old ones.
        changed: for each block, whether its bytes are others.
    """

    begins: Offsets
    ends: Offsets
    come: Offsets
    until: Offsets
    blocks: Blocks
    changed: npt.NDArray[np.bool_]

    def pieces(self, size: int) -> Iterator[tuple[bool, int, int]]:
        """What the new view is made of, in order: (whether of the new lines, begin, end).

        Args:
            size: of the old view.
        """
        done = 0
        for begin, end, come, until in zip(
            *(a.tolist() for a in (self.begins, self.ends, self.come, self.until)), strict=True
        ):
            if begin > done:
                yield False, done, begin
            if until > come:
                yield True, come, until
            done = end
        if size > done:
            yield False, done, size


def splice(blocks: Blocks, lines: Lines, gone: Offsets, places: tuple[Offsets, Offsets], new_ends: Offsets) -> Splice:
    """Plan a splice.

    Args:
        blocks: of the old view.
        lines: those of it that were shown.
        gone: numbers of the shown lines that go, ascending.
        places: for each new line, in order, its block, and the last shown line that is not behind it (-1: none).
        new_ends: the offset behind each new line.
    """
    into, after = places
    come, until = np.concatenate(([0], new_ends[:-1])).astype(np.int64), new_ends
    # A line between two blocks comes to the end of the one or the start of the other: the index says which.
    behind = np.where(after >= 0, lines.ends[np.maximum(after, 0)], 0) if len(lines.ends) else np.zeros_like(after)
    at = np.maximum(behind, blocks.begins[into])
    lost = blocks.holding(lines.begins[gone])
    change = np.zeros(len(blocks.begins), np.int64)
    np.add.at(change, into, until - come)
    np.subtract.at(change, lost, lines.ends[gone] - lines.begins[gone])
    changed = np.zeros(len(change), np.bool_)
    changed[into] = changed[lost] = True
    begins, ends = np.concatenate((at, lines.begins[gone])), np.concatenate((at, lines.ends[gone]))
    nothing = np.zeros(len(gone), np.int64)
    come, until = np.concatenate((come, nothing)), np.concatenate((until, nothing))
    # What comes at an offset comes before the line that begins there; lines that come stay in their order.
    order = np.lexsort((ends, begins))
    return Splice(begins[order], ends[order], come[order], until[order], blocks.resized(change), changed)
