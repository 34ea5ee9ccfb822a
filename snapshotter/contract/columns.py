"""Columns: as a contract declares them, as a header names them, as the ledger stores them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snapshotter.config import ColumnConfig
from snapshotter.contract.corrections import Step
from snapshotter.contract.types import CellType

# Names that the ledger's table has for itself; a user's column of such a name is stored under another.
RESERVED = frozenset({"_batch", "_instant", "_deleted", "_rank", "source_filename", "source_revision", "source_row"})


def fold(name: str) -> str:
    """A column name without regard to case: what SQL engines and Delta Lake compare."""
    return name.casefold()


@dataclass(frozen=True)
class StoredColumn:
    """A column of the ledger.

    Args:
        name: as it was first called.
        physical: its name in the Delta table.
        type: the contract's name of its type.
        offset: for timestamps, the column of the UTC offsets (`Z`, `±HH:MM`, NULL) as they came.
    """

    name: str
    physical: str
    type: str = "string"
    offset: str | None = None


@dataclass(frozen=True)
class Column:
    """A column of a contract, ready to be compiled.

    Args:
        name: the declared name, or the header's for an undeclared column.
        type: what its cells are.
        nullable: whether a cell may be empty.
        rules: as configured.
        declared: whether the contract names it.
        steps: the corrections of its cells.
    """

    name: str
    type: CellType
    nullable: bool
    rules: ColumnConfig
    declared: bool = True
    steps: tuple[Step, ...] = ()

    @property
    def required(self) -> bool:
        """Whether a header must have it."""
        return self.declared and self.rules.required


def place_of(column: Column, stored: Sequence[StoredColumn]) -> int | None:
    """The index of the stored column that holds a column's cells: that of its name and type, if there is one.

    A name has a stored column for each type that it had: after a rebuild under another type, the old one is that of
    older snapshots.
    """
    wanted = fold(column.name), column.type.name
    return next((index for index, known in enumerate(stored) if (fold(known.name), known.type) == wanted), None)


def store(column: Column, taken: set[str]) -> StoredColumn:
    """Give a new column its place in the ledger's table.

    Args:
        column: the column.
        taken: the folded physical names in use; the new ones are added to it.
    """
    physical = _free(column.name, taken)
    offset = _free(f"_offset_{column.name}", taken) if column.type.name == "timestamp" else None
    return StoredColumn(column.name, physical, column.type.name, offset)


def _free(name: str, taken: set[str]) -> str:
    while fold(name) in taken or fold(name) in RESERVED:
        name += "_"
    taken.add(fold(name))
    return name
