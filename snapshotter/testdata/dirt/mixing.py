"""A file in which some rows are dirty: clean records as they were, between them what comes in place of others."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from snapshotter.testdata.dirt.grid import Grid, Places
from snapshotter.testdata.dirt.kinds import RowKind
from snapshotter.testdata.dirt.rows import Ground, Row, is_broken_by, soil_row, soiled
from snapshotter.testdata.dirt.sheet import Fates, Sheet, also
from snapshotter.testdata.draws import Words

SOILED_ROWS = "some rows are dirty"
_FALLBACK = RowKind.QUOTE_INSIDE


def mixed(name: str, grid: Grid, ground: Ground, dirty: Places, words: Words, kinds: deque[RowKind]) -> Sheet | None:
    """Soil some rows of a file.

    Args:
        name: of the file.
        grid: its records.
        ground: what its rows are soiled by.
        dirty: the places of the rows that are to be soiled, in order.
        words: a word for each of them.
        kinds: the kinds of dirt in the order in which they are to be tried; each that is used goes to the end.

    Returns:
        None where no row could be soiled.
    """
    found = {
        place: soiled(kinds, ground, grid.record(place), int(word))
        for place, word in zip(dirty.tolist(), words.tolist(), strict=True)
    }
    found = {place: rows for place, rows in found.items() if len(rows) > 1 or rows[0].done}
    if not found:
        return None
    _make_certain(found, grid, ground)
    final = _Final(grid, found)
    return Sheet(name, 1, SOILED_ROWS, final.count, final.data, final.fates)


class _Final:
    """The rows of a file in their order at last.

    Args:
        grid: the clean records.
        found: what comes in place of some of them.
    """

    def __init__(self, grid: Grid, found: dict[int, list[Row]]) -> None:
        self._grid, self._found = grid, found
        self._last = [(place, row) for place, rows in found.items() for row in rows if row.last]
        counts = np.ones(len(grid), np.intp)
        for place, rows in found.items():
            counts[place] = sum(not row.last for row in rows)
        self._from = np.repeat(np.arange(len(grid)), counts)
        self._begins = np.cumsum(counts) - counts  # where each record of the clean file went
        self.count = len(self._from) + len(self._last)

    def data(self) -> Iterator[bytes]:
        """The bytes of the file, at once: pieces between dirty rows are small."""
        yield b"".join(self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        bounds, raw, at = self._grid.bounds.tolist(), self._grid.raw, 0
        for place, rows in self._found.items():
            yield raw[at : bounds[place]]
            yield "".join(f"{row.record}\n" for row in rows if not row.last).encode()
            at = bounds[place + 1]
        yield raw[at:]
        yield "".join(f"{row.record}\n" for _, row in self._last).encode()

    def fates(self) -> Fates:
        """What must become of the rows."""
        grid = self._grid
        places = np.concatenate([self._from, np.array([place for place, _ in self._last], np.intp)])
        columns = {name: cells[places] for name, cells in grid.columns.items()}
        done, rule, column = grid.made[places], np.full(len(places), "", object), np.full(len(places), "", object)
        for at, row in self._soiled():
            if not row.rule:
                for cells, cell in zip(columns.values(), row.cells, strict=True):
                    cells[at] = cell
            done[at], rule[at], column[at] = also(done[at], row.done or ""), row.rule, row.column
        return Fates(columns, grid.who[places], done, rule, column)

    def _soiled(self) -> Iterator[tuple[int, Row]]:
        for place, rows in self._found.items():
            stay = [row for row in rows if not row.last]
            yield from enumerate(stay, int(self._begins[place]))
        yield from enumerate((row for _, row in self._last), len(self._from))


def _make_certain(found: dict[int, list[Row]], grid: Grid, ground: Ground) -> None:
    """See to it that a quote that is never closed breaks its own line, and no more.

    The next quote in the file must have text behind it. Where it has a delimiter or the like, a reader may take it
    for the one that closes; then the row gets a quote inside a cell instead.
    """
    follows = _Following(found, grid)
    for place in reversed(found):
        if found[place][0].done is RowKind.QUOTE_OPEN and not follows.breaks(place):
            found[place] = soil_row(_FALLBACK, ground, grid.record(place), place) or found.pop(place)


class _Following:
    """What comes after a row, of which only the first quote counts."""

    def __init__(self, found: dict[int, list[Row]], grid: Grid) -> None:
        self._found, self._grid = found, grid
        self._dirty: Sequence[int] = list(found)
        self._tail = "".join(row.record + "\n" for rows in found.values() for row in rows if row.last)

    def breaks(self, place: int) -> bool:
        """Whether a quote that opens in a row is certainly not closed by what comes after it."""
        bounds, quotes = self._grid.bounds, self._grid.quotes
        verdict: bool | None = None
        at = place + 1
        for other in [*self._dirty[bisect_right(self._dirty, place) :], len(self._grid)]:
            nearest = np.searchsorted(quotes, bounds[at])
            if nearest < len(quotes) and quotes[nearest] < bounds[other]:
                begin = int(quotes[nearest])
                return bool(is_broken_by(self._grid.raw[begin : begin + 2].decode("latin-1")))
            if other < len(self._grid):
                rows = self._found[other]
                verdict = is_broken_by("".join(row.record + "\n" for row in rows if not row.last))
                at = other + 1
            else:
                verdict = is_broken_by(self._tail)
            if verdict is not None:
                return verdict
        return True
