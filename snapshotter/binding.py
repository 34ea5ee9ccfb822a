"""Where the columns of a header are stored: the memory of which columns a dataset has."""

from __future__ import annotations

from collections.abc import Sequence

from snapshotter.contract import Contract
from snapshotter.contract.columns import Column, StoredColumn, fold, store
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
        self, contract: Contract, columns: Sequence[StoredColumn], shapes: Sequence[Shape], carried: frozenset[int]
    ) -> None:
        """Start with what the ledger has."""
        self._contract = contract
        self.columns, self.shapes = list(columns), list(shapes)
        self._known_columns, self._known_shapes, self._carried = len(columns), len(shapes), set(carried)
        self._places = {fold(column.name): index for index, column in enumerate(columns)}
        self._taken = {fold(name) for c in columns for name in (c.physical, c.offset) if name}

    @property
    def new_columns(self) -> tuple[StoredColumn, ...]:
        """The columns that the ledger does not have yet."""
        return tuple(self.columns[self._known_columns :])

    @property
    def new_shapes(self) -> tuple[Shape, ...]:
        """The headers that the ledger does not know yet."""
        return tuple(self.shapes[self._known_shapes :])

    def bind(self, header: Header) -> tuple[list[Cell], int, list[str]]:
        """Give every column of a header its place.

        Returns:
            The cells (with the key's absent columns), the index of the header's shape, and warnings about
            columns that came, went or are spelled otherwise.
        """
        warnings, is_first = [], not self.columns
        cells, shape = [], []
        for position, column, name in header.cells:
            new = fold(column.name) not in self._places
            cell = self._cell(position, column)
            stored = self.columns[cell.field.index]
            if new and not column.declared and not is_first:
                warnings.append(f"column {name!r} is new")
            elif stored.name != name and not column.declared:
                warnings.append(f"column {name!r} was taken for {stored.name!r}")
            cells.append(cell)
            shape.append((cell.field.index, name))
        present = {index for index, _ in shape}
        gone = [self.columns[i].name for i in sorted(self._carried - present) if not self._declared(i)]
        if gone:
            more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
            warnings.append(f"known columns are missing: {', '.join(map(repr, gone[:5]))}{more}")
        self._carried |= present
        absent = [c for c in self._contract.key if fold(c.name) not in {fold(column.name) for _, column, _ in header.cells}]
        cells += [self._cell(None, column) for column in absent]
        return cells, self._shape(tuple(shape)), warnings

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

    def _declared(self, index: int) -> bool:
        return fold(self.columns[index].name) in self._contract.columns
