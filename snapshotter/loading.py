"""From proved files to rows in the engine: join, read once, count, and set apart what has too few or too many cells.

Small files of one header are joined behind it and read at once from memory; a large file is read by its own
descriptor (no glob, no suffix, no swap between look and open can mislead). What was read must have as many
records as were proved.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from snapshotter import rejects, spool
from snapshotter.contract.header import Header
from snapshotter.engine.base import Cell, Engine, ReadFailed, Span, Text
from snapshotter.errors import ReaderDisagrees
from snapshotter.reader import Layout, Measured, Positions, Prover
from snapshotter.spool import Content


@dataclass
class Proven:
    """A file whose bytes are regular and whose header fits the contract.

    Args:
        place: its place among the records of the run.
        name: of its batch.
        batch: the number of its batch.
        content: its bytes.
        names: the cells of its header.
        header, cells: what they mean and where they are stored.
        delimiter: between its cells.
        measured: what was proved of its text.
        picked_up: the time against which its timestamps are held.
        refused: records that were set apart: broken, or with the wrong number of cells.
    """

    place: int
    name: str
    batch: int
    content: Content
    names: list[str]
    header: Header
    cells: list[Cell]
    delimiter: str
    measured: Measured
    picked_up: datetime
    refused: list[rejects.Raw] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the lines that no record could be read from."""
        self.refused = [rejects.Raw(line.row, "csv", line.reason, line.raw) for line in self.measured.broken]

    @property
    def layout(self) -> Layout:
        """What was proved of its text."""
        return self.measured.layout

    @property
    def group(self) -> tuple[object, ...]:
        """Equal for files that can be read as one text, and judged at once."""
        return tuple(self.names), self.delimiter, self.layout.crlf, id(self.header), self.picked_up


@dataclass(frozen=True)
class Kept:
    """The records of a file that are read: their numbers, first bytes, and the bytes behind them."""

    numbers: Positions
    starts: Positions
    ends: Positions


def load(files: Sequence[Proven], engine: Engine, scratch: Path) -> list[Span]:
    """Read files of one group into the engine.

    Returns:
        Which records of which batches the engine's rows are. Records with the wrong number of cells are not
        among them; they are in `refused` of their file.

    Raises:
        ReaderDisagrees: the engine does not find the records that were proved.
        Deferred: a large file was changed since it was fingerprinted.
    """
    expected = sum(proven.layout.records for proven in files)
    if not any(proven.layout.blank_lines for proven in files):
        with _text(files, None, scratch) as text:
            if _attempt(engine, text) == expected:
                return _spans([(f.batch, f.measured.numbered()) for f in files])
    for proven in files:
        proven.content.own(scratch)  # what is looked at once more must still be what was proved
    kept = [_separate(proven) for proven in files]
    with _text(files, kept, scratch) as text:
        found = _attempt(engine, text)
    if found != sum(len(part.numbers) for part in kept):
        names = ", ".join(proven.name for proven in files[:3])
        raise ReaderDisagrees(file=names, problem=f"{expected} records were proved, {found} were read")
    return _spans([(proven.batch, part.numbers) for proven, part in zip(files, kept, strict=True)])


def _attempt(engine: Engine, text: Text) -> int | None:
    try:
        return engine.read(text)
    except ReadFailed:
        return None


def _separate(proven: Proven) -> Kept:
    """Find the records with the right number of cells, and keep the others apart."""
    prover = Prover(proven.delimiter, detailed=True)
    for chunk in proven.content.chunks(proven.measured.start):
        prover.feed(chunk)
    layout = prover.finish()
    assert layout.starts is not None
    assert layout.ends is not None
    assert layout.cells is not None
    numbers, width = proven.measured.numbered(), proven.header.width
    good = layout.cells == width
    for place in np.flatnonzero(~good):
        raw = b"".join(_bytes(proven, int(layout.starts[place]), int(layout.ends[place])))
        reason = f"the record has {layout.cells[place]} cells, the header {width}"
        proven.refused.append(rejects.Raw(int(numbers[place]), "cells", reason, raw.rstrip(b"\r\n")))
    return Kept(numbers[good], layout.starts[good], layout.ends[good])


@contextmanager
def _text(files: Sequence[Proven], kept: Sequence[Kept] | None, scratch: Path) -> Iterator[Text]:
    """The files' records behind one header, where the engine can read them: in memory, or where they lie."""
    first = files[0]
    width, longest = first.header.width, max(proven.layout.longest for proven in files)
    as_it_lies = kept is None and first.measured.start == 0 and not any("\n" in name for name in first.names)
    if first.content.file is not None and as_it_lies:
        yield Text(_path(first.content.file.fileno()), width, first.delimiter, longest)
        return
    newline = b"\r\n" if first.layout.crlf else b"\n"
    with _nameless(scratch, in_memory=first.content.file is None) as descriptor:
        _write(descriptor, first.delimiter.join(f"c{i}" for i in range(width)).encode() + newline)
        for place, proven in enumerate(files):
            last = b"\n"
            for piece in _pieces(proven, kept[place] if kept else None):
                _write(descriptor, piece)
                last = piece[-1:]
            if last != b"\n":
                _write(descriptor, newline)
        yield Text(_path(descriptor), width, first.delimiter, longest)


@contextmanager
def _nameless(scratch: Path, *, in_memory: bool) -> Iterator[int]:
    """A file without a name, so that nothing is left of it; yields its descriptor."""
    if in_memory:
        descriptor = os.memfd_create("snapshotter", os.MFD_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    else:
        with tempfile.TemporaryFile(dir=scratch) as file:
            yield file.fileno()


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _pieces(proven: Proven, kept: Kept | None) -> Iterator[bytes]:
    """The bytes of a file's records, without its header: all, or those that are kept, run by run."""
    if kept is None:
        yield from _bytes(proven, proven.layout.header_end, None)
    elif len(kept.numbers):
        breaks = np.flatnonzero(kept.starts[1:] != kept.ends[:-1]) + 1
        begins, stops = np.concatenate(([0], breaks)), np.concatenate((breaks, [len(kept.numbers)])) - 1
        for begin, stop in zip(kept.starts[begins], kept.ends[stops], strict=True):
            yield from _bytes(proven, int(begin), int(stop))


def _bytes(proven: Proven, begin: int, end: int | None) -> Iterator[bytes]:
    """The bytes between two offsets, counted from the header's first byte; to the end of the file without `end`."""
    content = proven.content
    begin += proven.measured.start
    if content.data is not None:
        piece = content.data[begin : None if end is None else end + proven.measured.start]
        if piece:
            yield piece
        return
    assert content.file is not None
    content.file.seek(begin)
    left = None if end is None else end + proven.measured.start - begin
    while left is None or left > 0:
        piece = content.file.read(spool.CHUNK if left is None else min(spool.CHUNK, left))
        if not piece:
            return
        left = None if left is None else left - len(piece)
        yield piece


def _spans(files: Sequence[tuple[int, Positions]]) -> list[Span]:
    """The spans of records that follow each other in a text, from their numbers by batch."""
    spans: list[Span] = []
    first = 0
    for batch, numbers in files:
        breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
        places = np.concatenate(([0], breaks)) if len(numbers) else ()
        spans += [Span(first + int(place), batch, int(numbers[place])) for place in places]
        first += len(numbers)
    return spans
