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

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from snapshotter.errors import ReaderDisagrees
from snapshotter.reader.grammar import Grammar, Text, fault, grammar
from snapshotter.reader.proof import Layout, NotRegular, Positions, Prover
from snapshotter.spool import Content

_BATCH = 4096  # records that are written at once


class Broken(NamedTuple):
    """A line that no record could be read from: its number, its bytes without the line end, what is wrong."""

    row: int
    raw: bytes
    reason: str


@dataclass(frozen=True)
class Measured:
    """A text of which every record is regular, and the lines that had to be left out.

    Args:
        layout: what was proved of it.
        start: the byte at which its header begins.
        numbers: the number of each of its records in the file; None if none was left out.
        broken: the lines that were left out.
    """

    layout: Layout
    start: int
    numbers: Positions | None = None
    broken: tuple[Broken, ...] = ()

    @property
    def records(self) -> int:
        """The number of records in the file, the broken ones among them."""
        return self.layout.records + len(self.broken)

    def numbered(self) -> Positions:
        """The number in the file of each record of the text."""
        return np.arange(1, self.layout.records + 1) if self.numbers is None else self.numbers


def measure(content: Content, name: str, delimiter: str, span: tuple[int, int], scratch: Path) -> Measured:
    """Prove a text regular; where it is not, part it into records that are and lines that are broken.

    Args:
        content: a text in UTF-8; if it is not regular, it holds what is left of it afterwards.
        name: of the file, for messages.
        delimiter: one character.
        span: of its header, see `header_span`.
        scratch: a folder for what does not fit into memory.

    Raises:
        ReaderDisagrees: what was written anew is not regular, which cannot be.
        Deferred: the file was changed meanwhile.
    """
    start, end = span
    try:
        return Measured(_prove(content, delimiter, start), start)
    except NotRegular:
        pass
    header = content.head()[0][start:end]
    parted = _Parted(grammar(delimiter, is_cr=header.endswith(b"\r")))
    lines = parted.lines(content.view(scratch), end)
    content.replace(chain([header.removesuffix(b"\n").removesuffix(b"\r") + b"\n"], lines), scratch)
    numbers = np.array(parted.numbers, np.int64)
    try:
        layout = _prove(content, delimiter, 0)
    except NotRegular:
        raise ReaderDisagrees(file=name, problem="what was found regular cannot be proved") from None
    if layout.records != len(numbers):
        problem = f"{len(numbers)} regular records were found, {layout.records} were proved"
        raise ReaderDisagrees(file=name, problem=problem)
    return Measured(layout, 0, numbers, tuple(parted.broken))


def _prove(content: Content, delimiter: str, start: int) -> Layout:
    prover = Prover(delimiter)
    for chunk in content.chunks(start):
        prover.feed(chunk)
    return prover.finish()


class _Parted:
    """The records of a text, told apart from its broken lines."""

    def __init__(self, rules: Grammar) -> None:
        self._rules = rules
        self.numbers = array("q")
        self.broken: list[Broken] = []

    def lines(self, text: Text, begin: int) -> Iterator[bytes]:
        """The records from a byte on with LF behind each, in batches; says the rest in `numbers` and `broken`."""
        number, kept = 0, []
        for match in self._rules.line.finditer(text, begin):
            if match.lastindex is None:  # blank lines
                continue
            number += 1
            if match.lastindex == 2:
                raw = match[2] if self._rules.is_cr else match[2].removesuffix(b"\r")
                self.broken.append(Broken(number, raw, fault(self._rules, text, match.start())))
                continue
            kept.append(match[1])
            self.numbers.append(number)
            if len(kept) == _BATCH:
                yield b"\n".join(kept) + b"\n"
                kept = []
        if kept:
            yield b"\n".join(kept) + b"\n"
