"""A column of some rows: fixed-width cells laid side by side, and what they are worth.

A maker of columns is a pure function of `Rows`. Whatever belongs to a row is a function of its number, its
version and the seed, so a row can be made at any time, in any order, by any thread or process, and another
table can look at it without a look-up table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from snapshotter.testdata.cells import Cells, cells, compact, escaped, needs_quotes
from snapshotter.testdata.draws import Words, below

Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Texts = npt.NDArray[np.str_]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Some rows of one table.

    Args:
        ids: the number of each row in its table, from 0.
        versions: how often it had changed: 0 for its first form.
        at: the time of that version, in seconds since 1970.
        changes: what the file says of it: an index into `CHANGES`.
        states: where it is in its life: an index into the states of the table; of no meaning if it has none.
    """

    ids: Words
    versions: Words
    at: Numbers
    changes: npt.NDArray[np.uint8]
    states: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.ids)

    def some(self, chosen: Bools | slice | npt.NDArray[np.intp]) -> Rows:
        """Some of these rows."""
        return Rows(
            ids=self.ids[chosen],
            versions=self.versions[chosen],
            at=self.at[chosen],
            changes=self.changes[chosen],
            states=self.states[chosen],
        )


@dataclass(frozen=True, kw_only=True)
class Column:
    """The cells of one column.

    Args:
        pieces: arrays of as many cells as there are rows; a cell is what they hold side by side, in CSV's
            spelling without the quotes around it.
        quotes: a quote for each cell that must stand between quotes, else NUL; None if none must.
        numbers: what the cells are worth, times 10 to the power of `decimals`; None for texts.
        decimals: the digits behind the point.
        unit: what the numbers count: days and seconds are counted from 1970 on.
        missing: which cells are empty; None if none is.
    """

    pieces: tuple[Cells, ...]
    quotes: npt.NDArray[np.uint8] | None = None
    numbers: Numbers | None = None
    decimals: int = 0
    unit: Literal["one", "day", "second"] = "one"
    missing: Bools | None = None

    def __len__(self) -> int:
        return len(self.pieces[0])

    def texts(self) -> Texts:
        """The cells as they are read from a CSV file."""
        found = [cell.replace(b"\0", b"").decode() for cell in _side_by_side(self.pieces).tolist()]
        if self.quotes is not None:
            found = [text.replace('""', '"') if quote else text for text, quote in zip(found, self.quotes, strict=True)]
        return np.array(found, dtype=np.str_)

    def without(self, gone: Bools) -> Column:
        """The same with some cells empty."""
        if not gone.any():
            return self
        pieces = tuple(np.where(gone, b"", piece) for piece in self.pieces)
        quotes = None if self.quotes is None else np.where(gone, np.uint8(0), self.quotes)
        missing = gone if self.missing is None else self.missing | gone
        return replace(self, pieces=pieces, quotes=quotes, missing=missing)

    def put(self, places: npt.NDArray[np.intp], texts: Texts) -> Column:
        """The same with other texts in some places."""
        if not len(places):
            return self
        gone = np.zeros(len(self), dtype=np.bool_)
        gone[places] = True
        rest, other = self.without(gone), of_texts(texts.tolist())
        piece = np.zeros(len(self), dtype=other.pieces[0].dtype)
        piece[places] = other.pieces[0]
        quotes = np.zeros(len(self), dtype=np.uint8) if rest.quotes is None else rest.quotes.copy()
        quotes[places] = 0 if other.quotes is None else other.quotes
        return Column(pieces=(*rest.pieces, piece), quotes=quotes if quotes.any() else None)


Maker = Callable[[Rows], Column]


@dataclass(frozen=True)
class Choices:
    """A list of texts to pick cells from, spelled for CSV once."""

    table: Cells
    quotes: npt.NDArray[np.uint8] | None

    @classmethod
    def of(cls, texts: Sequence[str]) -> Choices:
        """Spell the texts.

        Raises:
            ValueError: one has a NUL in it, which a cell cannot hold.
        """
        if any("\0" in text for text in texts):
            raise ValueError("a text has the character NUL in it, which cannot be written")
        quotes = needs_quotes(texts)
        spelled = [escaped(text) if quote else text for text, quote in zip(texts, quotes, strict=True)]
        return cls(table=cells(spelled), quotes=quotes if quotes.any() else None)

    def pick(self, numbers: Words | npt.NDArray[np.intp]) -> Column:
        """The texts of these numbers."""
        places = numbers.astype(np.intp, copy=False)
        quotes = None if self.quotes is None else self.quotes.take(places)
        return Column(pieces=(self.table.take(places),), quotes=quotes)

    def draw(self, words: Words) -> Column:
        """A text for each word, each text of the list as likely as the other."""
        return self.pick(below(words, len(self.table)))


def of_texts(texts: Sequence[str]) -> Column:
    """A column of these very texts."""
    spelled = Choices.of(texts)
    return Column(pieces=(spelled.table,), quotes=spelled.quotes)


def joined(columns: Iterable[Column | str], length: int) -> Column:
    """Columns and constant texts side by side, as one column."""
    pieces: list[Cells] = []
    quotes: npt.NDArray[np.uint8] | None = None
    for column in columns:
        if not isinstance(column, str):
            made = column
        elif column:
            made = Choices.of([column]).pick(np.zeros(length, dtype=np.intp))
        else:
            continue
        pieces += made.pieces
        if made.quotes is not None:
            quotes = made.quotes if quotes is None else quotes | made.quotes
    return Column(pieces=tuple(pieces), quotes=quotes)


def records(columns: Sequence[Column]) -> bytes:
    """The columns as records of CSV."""
    fields: list[tuple[str, np.dtype[np.bytes_] | str]] = []
    values: list[Cells | npt.NDArray[np.uint8] | bytes] = []

    def add(dtype: np.dtype[np.bytes_] | str, value: Cells | npt.NDArray[np.uint8] | bytes) -> None:
        fields.append((str(len(fields)), dtype))
        values.append(value)

    for number, column in enumerate(columns):
        if number:
            add("S1", b",")
        if column.quotes is not None:
            add("u1", column.quotes)
        for piece in column.pieces:
            add(piece.dtype, piece)
        if column.quotes is not None:
            add("u1", column.quotes)
    add("S1", b"\n")
    rows = np.empty(len(columns[0]), dtype=np.dtype(fields))
    for (name, _), value in zip(fields, values, strict=True):
        rows[name] = value
    return compact(rows)


def _side_by_side(pieces: tuple[Cells, ...]) -> Cells:
    rows = np.empty(len(pieces[0]), dtype=np.dtype([(str(i), piece.dtype) for i, piece in enumerate(pieces)]))
    for number, piece in enumerate(pieces):
        rows[str(number)] = piece
    return rows.view(f"S{rows.dtype.itemsize}")
