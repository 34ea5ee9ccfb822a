"""The records of one file as columns of texts, and how such columns are written as CSV."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.batch import Batch
from snapshotter.testdata.cells import QUOTE, escaped

Texts = npt.NDArray[np.object_]  # of str
Places = npt.NDArray[np.intp]

_LF = ord("\n")


@dataclass(frozen=True)
class Grid:
    """The records of a clean file.

    Args:
        columns: the cells by the name of the column, in the file's order.
        who: who each record is about; the cells of its key where the source does not tell.
        made: what the source had done to each record.
        raw: the bytes of the file.
    """

    columns: Mapping[str, Texts]
    who: Texts
    made: Texts
    raw: bytes = field(repr=False)

    @classmethod
    def of(cls, batch: Batch, key: Sequence[str]) -> Grid:
        """Read what a batch makes: CSV after RFC 4180 whose lines end in LF."""
        import pandas as pd

        raw = batch.csv()
        frame = pd.read_csv(io.BytesIO(raw), dtype=object, na_filter=False, index_col=False)
        columns = {name: frame[name].to_numpy(dtype=object) for name in batch.columns}
        labels = batch.labels() if batch.labels else {}
        return cls(
            columns,
            np.asarray(labels["who"], object) if "who" in labels else joined([columns[name] for name in key]),
            np.asarray(labels["done"], object) if "done" in labels else filled("", len(frame)),
            raw,
        )

    def __len__(self) -> int:
        """The number of records."""
        return len(self.who)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in the order of the file."""
        return tuple(self.columns)

    def record(self, place: int) -> list[str]:
        """The cells of a record."""
        return [column[place] for column in self.columns.values()]

    def with_column(self, name: str, cells: Texts) -> Grid:
        """The same with other cells in one column, or with one more column; its bytes are those of before."""
        return Grid({**self.columns, name: cells}, self.who, self.made, self.raw)

    def without(self, name: str) -> Grid:
        """The same without a column; its bytes are those of before."""
        return Grid({n: c for n, c in self.columns.items() if n != name}, self.who, self.made, self.raw)

    def first(self, count: int) -> Grid:
        """The same with the first records alone; its bytes are those of before."""
        return Grid({n: c[:count] for n, c in self.columns.items()}, self.who[:count], self.made[:count], self.raw)

    @cached_property
    def quotes(self) -> Places:
        """Where quotes stand in the bytes."""
        return np.flatnonzero(np.frombuffer(self.raw, np.uint8) == QUOTE)

    @cached_property
    def bounds(self) -> Places:
        """Where in the bytes each record begins, and at last where the file ends."""
        raw = np.frombuffer(self.raw, np.uint8)
        ends = np.flatnonzero(raw == _LF)
        if self.quotes.size:  # a line end after an odd number of quotes is inside a cell
            ends = ends[np.searchsorted(self.quotes, ends) % 2 == 0]
        return ends + 1


@dataclass(frozen=True)
class Manner:
    """How a file is written.

    Args:
        delimiter: one character.
        newline: what a line ends in.
        encoding: of the text.
        mark: bytes before it.
        quoted: whether all cells are quoted; else those that must be.
        quoted_header: the same for the names.
        blank: whether blank lines stand before the header, after every third record, and at the end.
        closed: whether the last line ends.
    """

    delimiter: str = ","
    newline: str = "\n"
    encoding: str = "utf-8"
    mark: bytes = b""
    quoted: bool = False
    quoted_header: bool = False
    blank: bool = False
    closed: bool = True

    def lines(self, header: Iterable[str], columns: Iterable[Texts]) -> list[str]:
        """The header and the records, without their line ends."""
        names = [self._cell(name, quoted=self.quoted_header) for name in header]
        cells = (self._column(column) for column in columns)
        return [self.delimiter.join(names), *map(self.delimiter.join, zip(*cells, strict=True))]

    def written(self, header: Iterable[str], columns: Iterable[Texts]) -> bytes:
        """The bytes of a file."""
        lines = self.lines(header, columns)
        if self.blank:
            spaced = [(line, "") if number % 3 == 1 else (line,) for number, line in enumerate(lines)]
            lines = ["", *(line for group in spaced for line in group), "", ""]
        text = self.newline.join(lines) + (self.newline if self.closed else "")
        return self.mark + text.encode(self.encoding)

    def record(self, cells: Iterable[str]) -> str:
        """A record, without its line end."""
        return self.delimiter.join(self._cell(cell, quoted=self.quoted) for cell in cells)

    def _column(self, cells: Texts) -> list[str]:
        listed: list[str] = cells.tolist()
        if not self.quoted and not self._special.search("\0".join(listed)):
            return listed
        return [self._cell(cell, quoted=self.quoted) for cell in listed]

    @cached_property
    def _special(self) -> re.Pattern[str]:
        return re.compile(f'["\r\n{re.escape(self.delimiter)}]')

    def _cell(self, cell: str, *, quoted: bool) -> str:
        return f'"{escaped(cell)}"' if quoted or self._special.search(cell) else cell


USUAL = Manner()


def filled(text: str, count: int) -> Texts:
    """The same text so many times."""
    return np.full(count, text, object)


def joined(parts: Sequence[Texts]) -> Texts:
    """The parts of each key as one text: the key itself where it has one part, else its parts with | between."""
    if len(parts) == 1:
        return parts[0]
    return np.array(["|".join(cells) for cells in zip(*parts, strict=True)], object)
