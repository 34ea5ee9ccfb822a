"""Sample files: which bytes of them are looked at, in which encoding, and where their records are."""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snapshotter import inbox, reader
from snapshotter.errors import UsageError
from snapshotter.inbox import Drop
from snapshotter.reader import Irregular, Layout, Measured, Prover
from snapshotter.spool import Content, Deferred, Unreadable
from snapshotter.starting.toml import shown

ROWS = 200_000  # of a sample: more would hardly change a verdict
BYTES = 100 * 10**6  # of a sample, expanded
GUESSES = ("cp1252", "latin-1")  # the second one takes any bytes


@dataclass(frozen=True)
class Sample:
    """The records of a sample file that are looked at.

    Args:
        name: its path inside the queue, or its own name; printable.
        encoding: in which its text was read: by its byte order mark, else UTF-8, else one of `GUESSES`.
        delimiter: between its cells.
        names: the cells of its header.
        raw: the header's bytes in UTF-8.
        body: the records behind it, each with as many cells as the header, in UTF-8, every line ended.
        numbers: the numbers of these records in the file (from 1).
        longest: the longest record, in bytes.
        ragged: how many records are broken, or have too few or too many cells.
        cut: whether there are more records than were looked at.
    """

    name: str
    encoding: str
    delimiter: str
    names: list[str]
    raw: bytes
    body: bytes
    numbers: list[int]
    longest: int
    ragged: int
    cut: bool


def read_sample(path: Path, queue: Path, scratch: Path) -> Sample:
    """Read the head of a sample file: at most `ROWS` records, at most `BYTES` bytes.

    Args:
        path: the file; `.csv`, `.csv.gz` or `.csv.zst`, in the queue or elsewhere.
        queue: the workspace's queue; a file in it goes by its path there.
        scratch: a folder for what does not fit into memory.

    Raises:
        UsageError: it cannot be read, or is no regular CSV; says why.
    """
    name = _name(path, queue)
    try:
        if not name.endswith(inbox.SUFFIXES):
            raise Irregular("its name does not end in .csv, .csv.gz or .csv.zst, and only such files are read")
        data, cut = _head(name, path, scratch)
        encoding, text = _decoded(data, whole=not cut)
        data = text.encode()
        return _records(name, encoding, data[: _last_end(data)] if cut else data, scratch, cut=cut)
    except (Irregular, Unreadable) as error:
        where = f", record {error.record}" if isinstance(error, Irregular) and error.record else ""
        raise UsageError(
            what=f"{name} cannot be a sample{where}: {error.reason}",
            remedy="Nothing was made. Mend the file, or leave it out.",
        ) from None
    except Deferred:
        raise UsageError(what=f"{name} is being written", remedy="Nothing was made. Wait until it is whole.") from None


def _name(path: Path, queue: Path) -> str:
    whole = path.parent.resolve() / path.name
    inside = whole.relative_to(queue) if whole.is_relative_to(queue) else Path(whole.name)
    return inbox.printable(os.fsencode(inside))


def _head(name: str, path: Path, scratch: Path) -> tuple[bytes, bool]:
    """The first bytes of a file, expanded, and whether there are more."""
    try:
        if path.is_dir():
            raise Irregular("it is a folder; name the files in it")
        whole = path.resolve()  # a person may name a link; the queue may not hold one
        content = inbox.read(Drop(name, whole, whole.stat().st_size), scratch)
    except (OSError, RuntimeError) as error:
        problem = error.strerror if isinstance(error, OSError) else str(error)
        raise Irregular(f"{problem or error}") from None
    try:
        return _first(content)
    finally:
        content.close()


def _first(content: Content) -> tuple[bytes, bool]:
    pieces, size = [], 0
    for chunk in content.chunks():
        pieces.append(chunk)
        size += len(chunk)
        if size > BYTES:
            return b"".join(pieces)[:BYTES], True
    return b"".join(pieces), False


def _decoded(data: bytes, *, whole: bool) -> tuple[str, str]:
    """The encoding and the text; of bytes that were cut, the last character may be left out."""
    if marked := reader.marked_encoding(data):
        try:
            return marked, codecs.getincrementaldecoder(marked)("strict").decode(data, final=whole)
        except UnicodeDecodeError as error:
            raise Irregular(f"it begins like {marked}, but byte {error.start} is none", rule="encoding") from None
    for encoding in ("utf-8", *GUESSES):
        try:
            return encoding, codecs.getincrementaldecoder(encoding)("strict").decode(data, final=whole)
        except UnicodeDecodeError:
            continue
    raise AssertionError  # latin-1 takes any bytes


def _last_end(data: bytes) -> int:
    """The byte behind the last whole record of a text that was cut somewhere.

    Raises:
        Irregular: there is none.
    """
    end, inside = len(data), data.count(b'"') % 2
    while (newline := data.rfind(b"\n", 0, end)) >= 0:
        inside ^= data.count(b'"', newline, end) % 2
        if not inside:
            return newline + 1
        end = newline
    raise Irregular(f"no record ends within its first {len(data):,} bytes")


def _records(name: str, encoding: str, data: bytes, scratch: Path, *, cut: bool) -> Sample:
    span = reader.header_span(data)
    found = _delimited(name, data, span, scratch)
    layout = found.layout
    assert layout.starts is not None
    assert layout.ends is not None
    assert layout.cells is not None
    good = np.flatnonzero(layout.cells[:ROWS] == len(found.names))
    text = memoryview(found.text)[found.measured.start :]
    body = b"".join(text[layout.starts[place] : layout.ends[place]] for place in good.tolist())
    if body and not body.endswith(b"\n"):
        body += b"\r\n" if layout.crlf else b"\n"
    return Sample(
        name,
        encoding,
        found.delimiter,
        found.names,
        data[slice(*span)],
        body,
        found.measured.numbered()[good].tolist(),
        layout.longest,
        min(layout.records, ROWS) - len(good) + len(found.measured.broken),
        cut or layout.records > ROWS,
    )


@dataclass(frozen=True)
class _Reading:
    """A sample read under one delimiter: its text without broken lines, and where the records are in it."""

    delimiter: str
    names: list[str]
    text: bytes
    measured: Measured
    layout: Layout

    @property
    def share(self) -> float:
        """The share of records that have as many cells as the header."""
        assert self.layout.cells is not None
        good = int(np.count_nonzero(self.layout.cells == len(self.names)))
        return good / self.measured.records if self.measured.records else 1.0


def _delimited(name: str, data: bytes, span: tuple[int, int], scratch: Path) -> _Reading:
    """Under the delimiter under which most records have as many cells as the header, and then most cells."""
    readings: list[_Reading] = []
    problem: Irregular | None = None
    raw = data[slice(*span)]
    for delimiter in reader.DELIMITERS:
        try:
            names = reader.header_names(raw, delimiter)
        except Irregular as error:
            problem = problem or error
            continue
        if len(names) > 1:
            readings.append(_read(name, data, span, (delimiter, names), scratch))
    if not readings:
        shape = f"its header is one cell, {shown(raw[:60].decode())!r}, whichever of , ; tab | is between cells"
        raise problem or Irregular(shape)
    return max(readings, key=lambda reading: (reading.share, len(reading.names)))


def _read(name: str, data: bytes, span: tuple[int, int], header: tuple[str, list[str]], scratch: Path) -> _Reading:
    delimiter, names = header
    content = Content("", data, private=True)
    measured = reader.measure(content, name, delimiter, span, scratch)
    prover, text = Prover(delimiter, detailed=True), bytes(content.view(scratch))
    prover.feed(text[measured.start :])
    content.close()
    return _Reading(delimiter, names, text, measured, prover.finish())
