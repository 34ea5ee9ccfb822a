"""From the names in a file's header to the columns of a contract.

A name is matched in this order: as it is; as an alias; without regard to case, blanks and punctuation; and at last by
likeness, if `header_match` allows it. The first way that finds a column decides, and every way but the first is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from snapshotter.config import LINEAGE
from snapshotter.contract import Contract
from snapshotter.contract.columns import Column, fold
from snapshotter.contract.likeness import nearest, plain, similar


class HeaderRefused(Exception):
    """A header that no row can be read under; refuses its file.

    Args:
        column: the column at fault, if one is.
        reason: what is wrong, for a person.
        candidates: names in the header that may be meant.
    """

    def __init__(self, reason: str, column: str | None = None, candidates: Sequence[str] = ()) -> None:
        """Keep what is wrong."""
        super().__init__(reason)
        self.reason, self.column, self.candidates = reason, column, tuple(candidates)


@dataclass(frozen=True)
class HeaderCell:
    """A cell of a header that is taken.

    Args:
        position: 0-based; None for a declared column that the file lacks and that counts as empty.
        column: the column that it means.
        warning: how it was matched, if not by its very name.
        is_guess: whether it was matched by likeness, which holds only if the column's cells are of its type.
    """

    position: int | None
    column: Column
    warning: str = ""
    is_guess: bool = False


@dataclass(frozen=True)
class Header:
    """What the cells of a file's records mean.

    Args:
        width: how many cells a record has.
        cells: the columns that are taken, in the file's order.
        warnings: what a person should know.
    """

    width: int
    cells: tuple[HeaderCell, ...]
    warnings: tuple[str, ...]

    @property
    def guesses(self) -> list[HeaderCell]:
        """The columns that were matched by likeness."""
        return [cell for cell in self.cells if cell.is_guess]


def missing(names: Sequence[str], contract: Contract) -> list[Column]:
    """The required columns that a header lacks, likeness left aside."""
    present = {fold(cell.column.name) for cell in _matched(names, contract).values()}
    return [c for folded, c in contract.columns.items() if c.required and folded not in present]


def resolve(names: Sequence[str], contract: Contract, never: Collection[int] = ()) -> Header:
    """Match a header with a contract.

    Args:
        names: the cells of the header, in order.
        contract: the dataset's contract.
        never: positions that likeness must not be asked about, since their cells were not of the column's type.

    Raises:
        HeaderRefused: a required column is missing, a name stands twice, two names mean one column, or a column
            came or is lacking that may not.
    """
    refuse_twins(names)
    found = _matched(names, contract)
    unknown = {
        position: name for position, name in enumerate(names) if name and position not in found and not _is_ours(name)
    }
    asked = {position: name for position, name in unknown.items() if position not in never}
    found |= _guessed(asked, found, contract)
    _refuse_rivals(names, found)
    _refuse_lacking(names, found, unknown, contract, never)
    extra = {position: name for position, name in unknown.items() if position not in found}
    if extra and contract.config.extra_columns == "reject":
        name = next(iter(extra.values()))
        raise HeaderRefused(f'column {name!r} is not declared, and extra_columns is "reject"', name)
    if contract.config.extra_columns == "keep":
        found |= {position: HeaderCell(position, contract.column(name)) for position, name in extra.items()}
    cells = [found[position] for position in sorted(found)]
    cells += _absent(cells, contract)
    return Header(len(names), tuple(cells), (*_ignored(names), *(cell.warning for cell in cells if cell.warning)))


def _matched(names: Sequence[str], contract: Contract) -> dict[int, HeaderCell]:
    """The cells of a header that mean a declared column, likeness left aside, by position."""
    known = {position: name for position, name in enumerate(names) if name and not _is_ours(name)}
    found = {}
    for position, name in known.items():
        folded = contract.aliases.get(fold(name), fold(name))
        if folded in contract.columns:
            column = contract.columns[folded]
            found[position] = HeaderCell(position, column, _how(name, column))
    # Only for columns that are still missing: `id` is the key of a file that has an `_id` as well.
    taken = {fold(cell.column.name) for cell in found.values()}
    spelled: dict[str, list[Column]] = {}
    for folded, column in contract.columns.items():
        for name in {plain(name) for name in (column.name, *column.rules.aliases)} - {""}:
            spelled.setdefault(name, []).extend([column] if folded not in taken else [])
    for position, name in known.items():
        columns = spelled.get(plain(name), []) if position not in found else []
        if len(columns) == 1:
            found[position] = HeaderCell(position, columns[0], _how(name, columns[0]))
    return found


def _how(name: str, column: Column) -> str:
    """A warning for a name that is not the column's own."""
    if name == column.name:
        return ""
    if name in column.rules.aliases:
        return f"column {name!r} was taken for {column.name!r}: an alias of it"
    names = (column.name, *column.rules.aliases)
    if fold(name) in map(fold, names):
        return f"column {name!r} was taken for {column.name!r}: the same but for case"
    return f"column {name!r} was taken for {column.name!r}: the same but for case, blanks and punctuation"


def _guessed(unknown: dict[int, str], found: dict[int, HeaderCell], contract: Contract) -> dict[int, HeaderCell]:
    """The missing columns that an unknown name is like, if no other name and no other column is."""
    least = contract.config.header_match
    taken = {fold(cell.column.name) for cell in found.values()}
    lacking = [column for folded, column in contract.columns.items() if folded not in taken]
    if least >= 1 or not lacking or not unknown:
        return {}
    names = {folded: (column.name, *column.rules.aliases) for folded, column in contract.columns.items()}
    pairs = similar(unknown, names, least)
    guessed = {}
    for column in lacking:
        (position, score), *others = [(p, s) for p, f, s in pairs if f == fold(column.name)] or [(-1, 0.0)]
        rivals = [f for p, f, _ in pairs if p == position]
        if position >= 0 and not others and len(rivals) == 1:
            warning = f"column {unknown[position]!r} was taken for {column.name!r}: alike by {score:.2f}"
            guessed[position] = HeaderCell(position, column, warning, is_guess=True)
    return guessed


def _refuse_rivals(names: Sequence[str], found: dict[int, HeaderCell]) -> None:
    taken: dict[str, str] = {}
    for position, cell in sorted(found.items()):
        folded, name = fold(cell.column.name), names[position]
        if folded in taken:
            both = f"{taken[folded]!r} and {name!r} are both the column {cell.column.name!r}"
            raise HeaderRefused(f"{both}; declare one of them as a column of its own", cell.column.name)
        taken[folded] = name


def _refuse_lacking(
    names: Sequence[str],
    found: dict[int, HeaderCell],
    unknown: dict[int, str],
    contract: Contract,
    never: Collection[int],
) -> None:
    """Refuse a header without a column that must be there, and name what comes nearest to it."""
    present = {fold(cell.column.name) for cell in found.values()}
    lacking = [c for folded, c in contract.columns.items() if c.required and folded not in present]
    if lacking:
        left = [name for position, name in unknown.items() if position not in found]
        said, candidates = [], []
        for column in lacking:
            near = nearest((column.name, *column.rules.aliases), left)
            candidates += near[:1]
            said.append(f"{column.name!r}" + (f" (nearest: {_listed(near)})" if near else ""))
        reason = f"the header lacks {', '.join(said)}; it has {_listed(names)}"
        if never:
            odd = _listed([names[position] for position in sorted(never)])
            reason += f"; alike by name, but with cells that are not of the column's type: {odd}"
        raise HeaderRefused(reason, lacking[0].name, candidates)
    if contract.config.absent_columns == "reject":
        gone = [c.name for folded, c in contract.columns.items() if folded not in present and _is_declared(c, contract)]
        if gone:
            reason = f'the header lacks {_listed(gone)}, and absent_columns is "reject"; it has {_listed(names)}'
            raise HeaderRefused(reason, gone[0])


def _absent(cells: Sequence[HeaderCell], contract: Contract) -> list[HeaderCell]:
    """The declared columns that count as empty, since `absent_columns` says so."""
    if contract.config.absent_columns != "null":
        return []
    present = {fold(cell.column.name) for cell in cells}
    gone = [c for folded, c in contract.columns.items() if folded not in present and _is_declared(c, contract)]
    return [HeaderCell(None, column) for column in gone]


def _is_declared(column: Column, contract: Contract) -> bool:
    """Whether the configuration itself declares a column; that of `delete_when` may be there without."""
    return fold(column.name) in map(fold, contract.config.columns)


def _is_ours(name: str) -> bool:
    return fold(name) in LINEAGE or fold(name).startswith("_reject_")


def _ignored(names: Sequence[str]) -> list[str]:
    """Warnings for cells of a header that are left out whatever the contract says."""
    nameless = [f"column {place} has no name and is ignored" for place, name in enumerate(names, 1) if not name]
    ours = [name for name in names if _is_ours(name)]
    return nameless + (
        [f"ignored, since latest.csv and the rejects have these columns: {_listed(ours)}"] if ours else []
    )


def refuse_twins(names: Sequence[str]) -> None:
    """Refuse a header that names a column twice.

    Raises:
        HeaderRefused: it does.
    """
    twins = [name for name, count in Counter(fold(name) for name in names if name).items() if count > 1]
    if twins:
        spelled = next(name for name in names if fold(name) == twins[0])
        raise HeaderRefused(f"the header names {spelled!r} twice (without regard to case)", spelled)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")
