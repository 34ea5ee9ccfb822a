"""From the names in a file's header to the columns of a contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from snapshotter.config import LINEAGE
from snapshotter.contract import Contract
from snapshotter.contract.columns import Column, fold


class HeaderRefused(Exception):
    """A header that no row can be read under; refuses its file.

    Args:
        column: the column at fault, if one is.
        reason: what is wrong, for a person.
    """

    def __init__(self, reason: str, column: str | None = None) -> None:
        """Keep what is wrong."""
        super().__init__(reason)
        self.reason, self.column = reason, column


@dataclass(frozen=True)
class Header:
    """What the cells of a file's records mean.

    Args:
        width: how many cells a record has.
        cells: (position of the cell, 0-based; its column; its published name) for each column that is taken.
        warnings: what a person should know.
    """

    width: int
    cells: tuple[tuple[int, Column, str], ...]
    warnings: tuple[str, ...]


def missing(names: Sequence[str], contract: Contract) -> list[Column]:
    """The required columns that a header lacks."""
    present = {contract.aliases.get(fold(name), fold(name)) for name in names}
    return [c for folded, c in contract.columns.items() if c.required and folded not in present]


def resolve(names: Sequence[str], contract: Contract) -> Header:
    """Match a header with a contract: the exact name, an alias, or the same name in another case.

    Args:
        names: the cells of the header, in order.
        contract: the dataset's contract.

    Raises:
        HeaderRefused: a required column is missing, a name stands twice, or an undeclared one is not allowed.
    """
    _refuse_twins(names)
    cells: list[tuple[int, Column, str]] = []
    ours = [name for name in names if fold(name) in LINEAGE or fold(name).startswith("_reject_")]
    warnings = [f"ignored, since latest.csv and the rejects have these columns: {_listed(ours)}"] if ours else []
    taken: dict[str, str] = {}
    for position, name in enumerate(names):
        column = _column(name, position, contract, warnings)
        if column is None:
            continue
        if fold(column.name) in taken:
            raise HeaderRefused(
                f"{taken[fold(column.name)]!r} and {name!r} are both the column {column.name!r}", column.name
            )
        taken[fold(column.name)] = name
        cells.append((position, column, column.name))
    lacking = missing(names, contract)
    if lacking:
        words = ", ".join(repr(column.name) for column in lacking)
        raise HeaderRefused(f"the header lacks {words}; it has {_listed(names)}", lacking[0].name)
    return Header(len(names), tuple(cells), tuple(warnings))


def _column(name: str, position: int, contract: Contract, warnings: list[str]) -> Column | None:
    """The column that a header cell names; None if the cell is to be left out."""
    folded = fold(name)
    if not name:
        warnings.append(f"column {position + 1} has no name and is ignored")
        return None
    if folded in LINEAGE or folded.startswith("_reject_"):
        return None
    if folded in contract.columns or folded in contract.aliases:
        column = contract.columns[contract.aliases.get(folded, folded)]
        if name != column.name and name not in column.rules.aliases:
            warnings.append(f"column {name!r} was taken for {column.name!r}")
        return column
    if contract.config.extra_columns == "reject":
        raise HeaderRefused(f'column {name!r} is not declared, and extra_columns is "reject"', name)
    if contract.config.extra_columns == "ignore":
        return None
    return contract.column(name)


def _refuse_twins(names: Sequence[str]) -> None:
    twins = [name for name, count in Counter(fold(name) for name in names if name).items() if count > 1]
    if twins:
        spelled = next(name for name in names if fold(name) == twins[0])
        raise HeaderRefused(f"the header names {spelled!r} twice (without regard to case)", spelled)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")
