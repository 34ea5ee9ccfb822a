"""The samples' cells in one table of the engine, so that candidates are judged by the contract's own SQL."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snapshotter.config import LINEAGE
from snapshotter.contract.columns import fold
from snapshotter.contract.likeness import plain
from snapshotter.engine.base import ReadFailed, Text
from snapshotter.engine.duckdb import DuckDBEngine
from snapshotter.errors import ReaderDisagrees, UsageError
from snapshotter.sql import Parameters
from snapshotter.starting.samples import Sample
from snapshotter.starting.toml import shown

MEMORY = 2 * 10**9  # bytes
FEW = 5_000  # rows that a first look is taken at


@dataclass(frozen=True)
class Column:
    """A column of the samples, whatever each of them calls it.

    Args:
        index: its column in the table is `c{index}`.
        name: as the last sample that has it spells it.
        aliases: other spellings, but for case.
        everywhere: whether each sample has it.
        alike: whether another column's name is the same but for case, blanks and punctuation.
    """

    index: int
    name: str
    aliases: tuple[str, ...]
    everywhere: bool
    alike: bool

    @property
    def cell(self) -> str:
        """SQL of its cell; empty where the file has no such column."""
        return f"c{self.index}"


class SampleTable(DuckDBEngine):
    """The samples in an engine of their own: the table `cells` with `_n`, `_file`, `_row` and a text per column.

    `few` holds about `FEW` rows of it, from all over. Read by what a run reads with, so that both see the same cells.

    Args:
        scratch: a folder for what does not fit into memory.
    """

    def __init__(self, scratch: Path) -> None:
        """Open it, empty."""
        super().__init__(scratch, [scratch], MEMORY, "of the samples")
        self.columns: list[Column] = []
        self.names: list[str] = []
        self.rows = 0
        self._groups: dict[tuple[str, ...], str] = {}

    def ask(self, query: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Run a query and fetch everything."""
        return self._all(query, parameters)

    def add(self, sample: Sample) -> None:
        """Read a sample.

        Raises:
            UsageError: its header names a column twice.
            ReaderDisagrees: the engine does not find the records that were proved.
        """
        _refuse_twins(sample)
        self._read(sample)
        row = "rowid + 1"
        if sample.numbers and sample.numbers[-1] != len(sample.numbers):  # some are left out
            self._table("numbers", "place BIGINT, number BIGINT", list(enumerate(sample.numbers)))
            row = "(SELECT number FROM numbers WHERE place = raw.rowid)"
        names = tuple(sample.names)
        is_new = names not in self._groups
        table = self._groups.setdefault(names, f"group_{len(self._groups)}")
        rows = f"SELECT {len(self.names):d} AS _file, {row} AS _row, * FROM raw"
        self._run(f"CREATE TABLE {table} AS {rows}" if is_new else f"INSERT INTO {table} {rows}")
        self._run("DROP TABLE raw")
        self.names.append(sample.name)

    def unite(self, headers: Sequence[Sequence[str]]) -> None:
        """Bring together what the samples' headers call the same; all samples are there."""
        self.columns = united(headers)
        sources = []
        for names, table in self._groups.items():
            places = {fold(name): place for place, name in enumerate(names) if name}
            cells = []
            for column in self.columns:
                spellings = map(fold, (column.name, *column.aliases))
                source = next((f"c{places[name]}" for name in spellings if name in places), "''")
                cells.append(f"{source} AS {column.cell}")
            sources.append(f"SELECT _file, _row, {', '.join(cells)} FROM {table}")
        query = f"SELECT * FROM ({' UNION ALL '.join(sources)}) ORDER BY _file, _row"
        self._run(f"CREATE TABLE cells AS SELECT row_number() OVER () AS _n, * FROM ({query})")
        self.rows = int(self._one("SELECT count(*) FROM cells"))
        step = max(1, self.rows // FEW)
        self._run(f"CREATE TABLE few AS SELECT * FROM cells WHERE (_n - 1) % {step} = 0")

    def _read(self, sample: Sample) -> None:
        with open(os.memfd_create("sample", os.MFD_CLOEXEC), "wb") as file:  # noqa: PTH123 - a descriptor has no path
            newline = b"\r\n" if sample.body.endswith(b"\r\n") else b"\n"
            width = len(sample.names)
            file.write(sample.delimiter.join(f"c{i}" for i in range(width)).encode() + newline)
            file.write(sample.body)
            file.flush()
            try:
                found = self.read(Text(f"/proc/self/fd/{file.fileno()}", width, sample.delimiter, sample.longest))
            except ReadFailed:
                found = None
        if found != len(sample.numbers):
            problem = f"{len(sample.numbers)} records were proved, {found or 'not all'} were read"
            raise ReaderDisagrees(file=sample.name, problem=problem)


def united(headers: Sequence[Sequence[str]]) -> list[Column]:
    """The columns of several headers, in the order of the last one, then of those before it.

    Names that differ in nothing but case, blanks and punctuation are one column where no header has both.
    """
    known = [[name for name in header if _is_taken(name)] for header in headers]
    spelled = list(dict.fromkeys(fold(name) for header in reversed(known) for name in header))
    newest = {fold(name): name for header in known for name in header}
    groups: dict[str, list[str]] = {}
    for folded in spelled:
        groups.setdefault(plain(folded) or folded, []).append(folded)
    columns: list[Column] = []
    for group in groups.values():
        rivals = len(group) > 1 and any(len({fold(n) for n in header} & set(group)) > 1 for header in known)
        for names in [[folded] for folded in group] if rivals else [group]:
            everywhere = all({fold(name) for name in header} & set(names) for header in known)
            spellings = tuple(newest[folded] for folded in names)
            columns.append(Column(len(columns), spellings[0], spellings[1:], everywhere, rivals))
    return columns


def _is_taken(name: str) -> bool:
    """Whether a run takes a column of this name."""
    return bool(name) and fold(name) not in LINEAGE and not fold(name).startswith("_reject_")


def _refuse_twins(sample: Sample) -> None:
    seen: set[str] = set()
    for name in filter(None, sample.names):
        if fold(name) in seen:
            raise UsageError(
                what=f"{sample.name} cannot be a sample: its header names `{shown(name[:60])}` twice",
                remedy="Nothing was made. Give one of the two columns another name; a run would refuse the file.",
            )
        seen.add(fold(name))
