"""From proved files to rows in the engine: join, read once, count, and set apart what has too few or too many cells.

Small files of one header are joined behind it and read at once from memory; a large file is read by its own
descriptor (no glob, no suffix, no swap between look and open can mislead). What was read must have as many
records as were proved.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path

import numpy as np

from snapshotter.apart import Apart, Numbering, Numbers, Raw, TooScattered
from snapshotter.contract.header import Header
from snapshotter.engine.base import Cell, ReadFailed, Spans, Text
from snapshotter.engine.port import Engine
from snapshotter.errors import ReaderDisagrees
from snapshotter.reader import SCATTERED, Irregular, Layout, Measured, Prover
from snapshotter.spool import Content, nameless


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
        ragged: records that were set apart since they have the wrong number of cells; None if there are none.
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
    ragged: Apart | None = field(init=False, default=None)

    @property
    def layout(self) -> Layout:
        """What was proved of its text."""
        return self.measured.layout

    @property
    def apart(self) -> list[Apart]:
        """The records that were set apart: broken, or with the wrong number of cells."""
        return [self.measured.broken, *([self.ragged] if self.ragged else [])]

    @property
    def refused(self) -> Iterator[Raw]:
        """The same, one after the other."""
        return chain.from_iterable(self.apart)

    def close(self) -> None:
        """Let go of the bytes, and of what was set apart."""
        self.content.close()
        for apart in self.apart:
            apart.close()

    @property
    def group(self) -> tuple[object, ...]:
        """Equal for files that can be read as one text, and judged at once."""
        return tuple(self.names), self.delimiter, self.layout.crlf, id(self.header), self.picked_up


class Scattered(Irregular):
    """A file of which so many records are to be set apart between others that it is refused; says which file."""

    def __init__(self, proven: Proven, record: int) -> None:
        """Keep the file."""
        super().__init__(SCATTERED.format(row=record), record, "cells")
        self.proven = proven


def load(files: Sequence[Proven], engine: Engine, scratch: Path) -> Spans:
    """Read files of one group into the engine.

    Returns:
        Which records of which batches the engine's rows are. Records with the wrong number of cells are not
        among them; they are in `refused` of their file.

    Raises:
        ReaderDisagrees: the engine does not find the records that were proved.
        Deferred: a large file was changed since it was fingerprinted.
        Scattered: a file has too many such records between others.
    """
    expected = sum(proven.layout.records for proven in files)
    if not any(proven.layout.blank_lines for proven in files):
        with _text(files, scratch) as text:
            if _attempt(engine, text) == expected:
                return _spans(files)
    for proven in files:
        proven.content.own(scratch)  # what is looked at once more must still be what was proved
        proven.ragged = Apart(scratch)
    with _text(files, scratch, regular=False) as text:
        found = _attempt(engine, text)
    if found != expected - sum(len(proven.ragged or ()) for proven in files):
        names = ", ".join(proven.name for proven in files[:3])
        raise ReaderDisagrees(file=names, problem=f"{expected} records were proved, {found} were read")
    return _spans(files)


def _attempt(engine: Engine, text: Text) -> int | None:
    try:
        return engine.read(text)
    except ReadFailed:
        return None


def _separate(proven: Proven, ragged: Apart) -> Iterator[bytes]:
    """The bytes of the records with the right number of cells; the others are set apart."""
    prover = Prover(proven.delimiter, detailed=True)
    numbering, width = Numbering([proven.measured.broken]), proven.header.width
    held, begin, place = b"", 0, 0  # bytes that are held, where they begin, and the place of their first record
    for chunk in chain(proven.content.chunks(proven.measured.start), [b""]):
        held += chunk
        if chunk:
            prover.feed(chunk)
        else:
            prover.end()
        starts, ends, cells = prover.records()
        numbers = numbering.of(np.arange(place, place + len(ends)))
        good = cells == width
        yield from _runs(held, starts[good] - begin, ends[good] - begin)
        for bad in np.flatnonzero(~good).tolist():
            reason = f"the record has {cells[bad]} cells, the header {width}"
            raw = held[starts[bad] - begin : ends[bad] - begin].rstrip(b"\r\n")
            try:
                ragged.add(Raw(int(numbers[bad]), "cells", reason, raw))
            except TooScattered:
                raise Scattered(proven, int(numbers[bad])) from None
        held, begin, place = held[prover.pending - begin :], prover.pending, place + len(ends)


def _runs(text: bytes, starts: Numbers, ends: Numbers) -> Iterator[bytes]:
    """The bytes of some records, those that follow each other at once."""
    if len(starts):
        breaks = np.flatnonzero(starts[1:] != ends[:-1]) + 1
        begins, stops = np.concatenate(([0], breaks)), np.concatenate((breaks, [len(starts)])) - 1
        yield b"".join(text[begin:stop] for begin, stop in zip(starts[begins], ends[stops], strict=True))


@contextmanager
def _text(files: Sequence[Proven], scratch: Path, *, regular: bool = True) -> Iterator[Text]:
    """The files' records behind one header, where the engine can read them: in memory, or where they lie.

    Args:
        files: of one group.
        scratch: a folder for a large text.
        regular: whether all records go in; else those with the wrong number of cells are set apart.
    """
    first = files[0]
    width, longest = first.header.width, max(proven.layout.longest for proven in files)
    as_it_lies = regular and first.measured.start == 0 and not any("\n" in name for name in first.names)
    if first.content.file is not None and as_it_lies:
        yield Text(_path(first.content.file.fileno()), width, first.delimiter, longest)
        return
    newline = b"\r\n" if first.layout.crlf else b"\n"
    with nameless(scratch, in_memory=first.content.file is None) as file:
        descriptor = file.fileno()
        _write(descriptor, first.delimiter.join(f"c{i}" for i in range(width)).encode() + newline)
        for proven in files:
            last = b"\n"
            ragged = None if regular else proven.ragged
            for piece in _all(proven) if ragged is None else _separate(proven, ragged):
                _write(descriptor, piece)
                last = piece[-1:]
            if last != b"\n":
                _write(descriptor, newline)
        yield Text(_path(descriptor), width, first.delimiter, longest)


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _all(proven: Proven) -> Iterator[bytes]:
    """The bytes of a file's records, without its header."""
    return proven.content.chunks(proven.measured.start + proven.layout.header_end)


def _spans(files: Sequence[Proven]) -> Spans:
    """Which records the rows of a text are."""
    if not any(len(part) for proven in files for part in proven.apart):  # one span a file: no array for each of them
        counts = np.array([proven.layout.records for proven in files], np.int64)
        numbers = np.array([proven.batch for proven in files], np.int64)
        return Spans(np.cumsum(counts) - counts, numbers, np.ones(len(files), np.int64))
    firsts, batches, records = [], [], []
    before = 0
    for proven in files:
        left = proven.layout.records - len(proven.ragged or ())
        places, numbers = Numbering(proven.apart).spans(left)
        firsts.append(places + before)
        batches.append(np.full(len(places), proven.batch, np.int64))
        records.append(numbers)
        before += left
    return Spans(*(np.concatenate(parts) for parts in (firsts, batches, records)))
