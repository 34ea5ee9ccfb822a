"""The strict path, for text that is not regular throughout: each record is judged for itself.

The rule: a record that breaks the quoting rules costs the line on which it starts; reading goes on at the next line.
So a quote that is never closed costs one line, not the rest of the file. The records that are left are written anew
with LF behind each, and proved: from there on they are read as any other file.

One pass is linear, whatever the bytes. An attempt at a record stays within its line, unless a quoted cell holds line
ends. Say it began in line 1, reaches line n, and fails there. Every line end between them lies within quotes, so the
number of quotes before it is odd, counted from line 1; line 1 has an odd number of its own; so counted from line 2
on it is even, and an attempt that begins in line 2 or later is outside quotes there: it ends at the end of its line.
No line is therefore looked at more than three times.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from snapshotter.apart import Apart, Numbering, Raw, TooScattered
from snapshotter.errors import ReaderDisagrees
from snapshotter.reader.grammar import Grammar, Text, fault, grammar
from snapshotter.reader.irregular import Irregular
from snapshotter.reader.proof import LONGEST, Layout, NotRegular, Positions, Prover, too_long
from snapshotter.spool import Content

_BATCH = 4096  # records that are written at once
_BYTES = 2**20  # of records, after which fewer are
_STEP = 64 * 2**20  # bytes of a mapped text after which those behind it are let go
SCATTERED = "so many records that cannot be read stand between others that the file is not taken; the first is {row}"


@dataclass(frozen=True)
class Measured:
    """A text of which every record is regular, and the lines that had to be left out.

    Args:
        layout: what was proved of it.
        start: the byte at which its header begins.
        broken: the lines that were left out, since no record could be read from them.
    """

    layout: Layout
    start: int
    broken: Apart

    @property
    def records(self) -> int:
        """The number of records in the file, the broken ones among them."""
        return self.layout.records + len(self.broken)

    def numbered(self) -> Positions:
        """The number in the file of each record of the text."""
        return Numbering([self.broken]).of(np.arange(self.layout.records))


def measure(
    content: Content,
    name: str,
    delimiter: str,
    span: tuple[int, int],
    scratch: Path,
    proved: Layout | None = None,
) -> Measured:
    """Prove a text regular; where it is not, part it into records that are and lines that are broken.

    Args:
        content: a text in UTF-8; if it is not regular, it holds what is left of it afterwards.
        name: of the file, for messages.
        delimiter: one character.
        span: of its header, see `header_span`.
        scratch: a folder for what does not fit into memory.
        proved: what was proved of it together with others, if it was.

    Raises:
        Irregular: a record is too long, or too many lines are broken.
        ReaderDisagrees: what was written anew is not regular, which cannot be.
        Deferred: the file was changed meanwhile.
    """
    start, end = span
    try:
        return Measured(proved or _prove(content, delimiter, start), start, Apart(scratch))
    except NotRegular:
        pass
    header = content.head()[0][start:end]
    parted = _Parted(grammar(delimiter, is_cr=header.endswith(b"\r")), Apart(scratch))
    lines = parted.lines(content.view(scratch), end)
    try:
        content.replace(chain([header.removesuffix(b"\n").removesuffix(b"\r") + b"\n"], lines), scratch)
    except TooScattered:
        row = next(iter(parted.broken)).row
        raise Irregular(SCATTERED.format(row=row), row) from None
    try:
        layout = _prove(content, delimiter, 0)
    except NotRegular:
        raise ReaderDisagrees(file=name, problem="what was found regular cannot be proved") from None
    if layout.records != parted.records:
        problem = f"{parted.records} regular records were found, {layout.records} were proved"
        raise ReaderDisagrees(file=name, problem=problem)
    return Measured(layout, 0, parted.broken)


def _prove(content: Content, delimiter: str, start: int) -> Layout:
    prover = Prover(delimiter)
    for chunk in content.chunks(start):
        prover.feed(chunk)
    return prover.finish()


class _Parted:
    """The records of a text, told apart from its broken lines."""

    def __init__(self, rules: Grammar, broken: Apart) -> None:
        self._rules = rules
        self.records = 0
        self.broken = broken

    def lines(self, text: Text, begin: int) -> Iterator[bytes]:
        """The records from a byte on with LF behind each, in batches; counts them, and sets the rest apart."""
        number, size = 0, 0
        kept: list[bytes] = []
        for match in self._rules.line.finditer(text, begin):
            _let_go(text, match)
            if match.lastindex is None:  # blank lines
                continue
            number += 1
            if match.end() - match.start() > LONGEST:
                raise too_long(number)
            if match.lastindex == 2:
                raw = match[2] if self._rules.is_cr else match[2].removesuffix(b"\r")
                self.broken.add(Raw(number, "csv", fault(self._rules, text, match.start()), raw))
                continue
            kept.append(match[1])
            size += len(kept[-1])
            self.records += 1
            if len(kept) == _BATCH or size > _BYTES:
                yield b"\n".join(kept) + b"\n"
                kept, size = [], 0
        if kept:
            yield b"\n".join(kept) + b"\n"


def _let_go(text: Text, match: re.Match[bytes]) -> None:
    """Let the system take back the memory of a mapped text that was read, each time that a step of it is behind."""
    behind = match.end() // _STEP * _STEP
    if match.start() < behind and isinstance(text, mmap.mmap):
        text.madvise(mmap.MADV_DONTNEED, 0, behind)
