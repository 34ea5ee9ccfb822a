"""Where the columns of a header are stored: the memory of which columns a dataset has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from snapshotter.contract import Contract
from snapshotter.contract.columns import Column, StoredColumn, fold, place_of, store
from snapshotter.contract.header import Header
from snapshotter.engine.base import Cell
from snapshotter.ledger.state import Shape
from snapshotter.publish import field_of


class Binding:
    """The stored columns of a dataset while a run adds to them.

    Args:
        contract: the dataset's contract.
        columns: the columns that the ledger has.
        shapes: the headers that the ledger knows.
        carried: the columns that batches carry which count.
    """

    def __init__(
        self,
        contract: Contract,
        columns: Sequence[StoredColumn],
        shapes: Sequence[Shape],
        carried: frozenset[int],
    ) -> None:
        """Start with what the ledger has."""
        self._contract = contract
        self.columns, self.shapes = list(columns), list(shapes)
        self._known_columns, self._known_shapes, self._carried = len(columns), len(shapes), set(carried)
        places = ((name, place_of(contract.column(name), columns)) for name in {column.name for column in columns})
        self._places = {fold(name): index for name, index in places if index is not None}
        self._spelled: dict[int, str] = {}  # of columns that came with this run
        self._bound: dict[int, tuple[Header, list[Cell], int]] = {}  # by identity; the header is kept with it
        self._taken = {fold(name) for c in columns for name in (c.physical, c.offset) if name}

    @property
    def new_columns(self) -> tuple[StoredColumn, ...]:
        """The columns that the ledger does not have yet."""
        new = enumerate(self.columns[self._known_columns :], self._known_columns)
        return tuple(replace(column, name=self._spelled.get(index, column.name)) for index, column in new)

    @property
    def new_shapes(self) -> tuple[Shape, ...]:
        """The headers that the ledger does not know yet."""
        return tuple(self.shapes[self._known_shapes :])

    def bind(self, header: Header) -> tuple[list[Cell], int]:
        """Give every column of a header its place.

        Returns:
            The cells (with the key's absent columns), and the index of the header's shape.
        """
        known = id(header)
        if known not in self._bound:
            cells = [self._cell(cell.position, cell.column) for cell in header.cells]
            shape = self._shape(tuple((c.field.index, c.column.name) for c in cells))
            present = {fold(cell.column.name) for cell in header.cells}
            cells += [self._cell(None, column) for column in self._contract.key if fold(column.name) not in present]
            self._bound[known] = (header, cells, shape)
        return self._bound[known][1:]

    def about(self, shape: int) -> list[str]:
        """Warnings for an applied file, about columns that came, went or are spelled otherwise than before.

        Args:
            shape: of its header. Those of later files are compared with it, too.
        """
        spelled = {i: name for i, name in self.shapes[shape] if fold(name) not in self._contract.columns}
        came = [name for i, name in spelled.items() if i not in self._carried] if self._carried else []
        gone = [self._spelling(i) for i in sorted(self._carried - {i for i, _ in self.shapes[shape]})]
        gone = [name for name in gone if fold(name) not in self._contract.columns]
        for i, name in spelled.items():
            if i >= self._known_columns:
                self._spelled.setdefault(i, name)
        self._carried |= {i for i, _ in self.shapes[shape]}
        warnings = [f"new columns: {listed(came)}"] if came else []
        warnings += [
            f"column {name!r} was taken for {self._spelling(i)!r}: the same but for case"
            for i, name in spelled.items()
            if name != self._spelling(i)
        ]
        return warnings + ([f"known columns are missing: {listed(gone)}"] if gone else [])

    def _spelling(self, index: int) -> str:
        """How a column was first called in a file that was applied."""
        return self._spelled.get(index, self.columns[index].name)

    def store_key(self) -> None:
        """Give the key's columns their place, also where no header came: every state has a key."""
        for column in self._contract.key:
            self._cell(None, column)

    def _cell(self, position: int | None, column: Column) -> Cell:
        folded = fold(column.name)
        if folded not in self._places:
            self._places[folded] = len(self.columns)
            self.columns.append(store(column, self._taken))
        index = self._places[folded]
        return Cell(position, column, field_of(index, self.columns[index]))

    def _shape(self, shape: Shape) -> int:
        if shape not in self.shapes:
            self.shapes.append(shape)
        return self.shapes.index(shape)


def listed(names: Sequence[str]) -> str:
    """Names for a message: not more of them than a person reads."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(repr, names[:5])) + more
