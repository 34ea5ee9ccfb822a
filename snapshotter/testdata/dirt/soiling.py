"""Soils a source: which files and rows get which dirt, and in which wave each file comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from snapshotter.testdata.batch import Batch
from snapshotter.testdata.dirt import naming
from snapshotter.testdata.dirt.files import Clean, sheets
from snapshotter.testdata.dirt.grid import Grid
from snapshotter.testdata.dirt.kinds import FileKind, RowKind
from snapshotter.testdata.dirt.mixing import mixed
from snapshotter.testdata.dirt.rows import Ground
from snapshotter.testdata.dirt.sheet import APPLIED, DUPLICATE, EMPTY, Delivered, Fates, Sheet, fates
from snapshotter.testdata.draws import Draws, mix
from snapshotter.testdata.source import Source, Table

_FILES, _ROWS, _KINDS, _TABLES = 0xD1F0, 0xD1F1, 0xD1F2, 0xD1F3  # streams of randomness, apart from those of sources
_WHOLE, _HALF = 1 << 32, np.uint64(32)

Kind = TypeVar("Kind", FileKind, RowKind)


@dataclass(frozen=True, kw_only=True)
class Soiled:
    """A source with dirt in it.

    Args:
        source: the clean one.
        share: of the files, and of the rows of the other files.
        seed: 0 to 2**64 - 1.
        tables: the source's; with dirt, each has an alias, an optional column and cp1252 as a second encoding.
    """

    source: Source
    share: float
    seed: int
    tables: tuple[Table, ...] = field(repr=False)

    def files(self) -> Iterator[Delivered]:
        """The files by wave, and in each wave in the order in which they come; a new iterator at each call.

        A dirty file is held in memory while it is the current one; what the others hold is made when it is asked for.
        """
        revisions: dict[tuple[str, str], int] = {}
        later: list[tuple[int, Batch, FileKind, int]] = []
        for batch, kind, word, found in _planned(self):
            for sheet in found:
                if sheet.wave == 1:
                    yield _delivered(batch, sheet, revisions)
                elif kind is not None:
                    later.append((sheet.wave, batch, kind, word))
        for wave, batch, kind, word in sorted(later, key=lambda entry: entry[0]):
            for sheet in sheets(kind, _clean(self, batch), word) or ():
                if sheet.wave == wave:
                    yield _delivered(batch, sheet, revisions)


def soil(source: Source, share: float, seed: int) -> Soiled:
    """Put dirt into a source.

    Args:
        source: of any tables; its files are CSV as `Batch` has them, and all their rows are valid.
        share: about this share of the files of each table is dirty as a whole, and in the other files about this
            share of the rows; 0 to 1.
        seed: 0 to 2**64 - 1; the same arguments give the same bytes.

    Raises:
        ValueError: a number is out of its range.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share of dirt is 0 to 1, not {share}")
    words = Draws(seed, _TABLES).words(len(source.tables)).tolist()
    tables = [_lenient(table, word) for table, word in zip(source.tables, words, strict=True)]
    return Soiled(source=source, share=share, seed=seed, tables=tuple(tables) if share else source.tables)


def _lenient(table: Table, word: int) -> Table:
    """The table with a contract that can take what is done to its files."""
    fields, names = dict(table.fields), list(table.fields)
    free = Ground(table, tuple(names)).free
    aliased = names[word % len(names)]
    alias = naming.alias_for(aliased, table)
    if alias and not any(each.aliases for each in fields.values()):
        fields[aliased] = replace(fields[aliased], aliases=(alias,))
    if free and all(fields[names[place]].required for place in free):
        optional = names[free[(word >> 16) % len(free)]]
        fields[optional] = replace(fields[optional], required=False)
    encodings = table.encodings if "cp1252" in table.encodings else (*table.encodings, "cp1252")
    return replace(table, fields=fields, encodings=encodings)


def _planned(soiled: Soiled) -> Iterator[tuple[Batch, FileKind | None, int, Sequence[Sheet]]]:
    """Each batch with the files that come in its place, and what is done to it as a whole."""
    share, tables = int(soiled.share * _WHOLE), {table.name: table for table in soiled.tables}
    queue, kinds = _shuffled(FileKind, soiled.seed, 0), _shuffled(RowKind, soiled.seed, 1)
    sums = dict(zip(tables, (Draws(soiled.seed, _FILES).words(len(tables)) >> _HALF).tolist(), strict=True))
    for number, batch in enumerate(soiled.source.batches()):
        if not share or not batch.rows:
            yield batch, None, 0, [_untouched(batch, tables[batch.table])]
            continue
        word = Draws(soiled.seed, _ROWS, number).word()
        sums[batch.table] += share
        if sums[batch.table] >= _WHOLE:
            sums[batch.table] -= _WHOLE
            kind, found = _first(queue, _clean(soiled, batch), word)
            yield batch, kind, word, found
        else:
            yield batch, None, word, [_with_dirty_rows(soiled, batch, word, share, kinds)]


def _shuffled(kinds: type[Kind], seed: int, chunk: int) -> deque[Kind]:
    listed = list(kinds)
    return deque(listed[place] for place in np.argsort(Draws(seed, _KINDS, chunk).words(len(listed))).tolist())


def _first(queue: deque[FileKind], clean: Clean, word: int) -> tuple[FileKind | None, Sequence[Sheet]]:
    """Soil a file by the first kind that it can have, which then goes to the end of the queue."""
    for kind in queue:
        found = sheets(kind, clean, word)
        if found:
            queue.remove(kind)
            queue.append(kind)
            return kind, found
    raise AssertionError("any file can be empty")


def _clean(soiled: Soiled, batch: Batch) -> Clean:
    table = _table(soiled, batch)
    grid = Grid.of(batch, table.key)
    return Clean(batch.name, table, soiled.tables, grid, _ground(table, grid))


def _table(soiled: Soiled, batch: Batch) -> Table:
    return next(table for table in soiled.tables if table.name == batch.table)


def _ground(table: Table, grid: Grid) -> Ground:
    """What rows are soiled by; a cell that is no mark of a delete is taken from the file itself."""
    ground = Ground(table, grid.names)
    if ground.mark is None:
        return ground
    place, _ = ground.mark
    marks = grid.columns[grid.names[place]]
    alive = next((cell for cell in dict.fromkeys(marks.tolist()) if not ground.is_mark(cell)), None)
    return replace(ground, alive=alive)


def _untouched(batch: Batch, table: Table) -> Sheet:
    def told() -> Fates:
        return fates(Grid.of(batch, table.key))

    return Sheet(batch.name, 1, "", batch.rows, batch.chunks, told, APPLIED if batch.rows else EMPTY)


def _with_dirty_rows(soiled: Soiled, batch: Batch, key: int, share: int, kinds: deque[RowKind]) -> Sheet:
    table = _table(soiled, batch)
    words = mix(np.arange(batch.rows, dtype=np.uint64), key)
    dirty = np.flatnonzero(words >> _HALF < np.uint64(share))
    if not dirty.size:
        return _untouched(batch, table)
    grid = Grid.of(batch, table.key)
    sheet = mixed(batch.name, grid, _ground(table, grid), dirty, mix(words[dirty], key), kinds)
    return sheet or _untouched(batch, table)


def _delivered(batch: Batch, sheet: Sheet, revisions: dict[tuple[str, str], int]) -> Delivered:
    """The file, with its revision: only what is applied takes a number."""
    name = (batch.table, sheet.name)
    revision = revisions.get(name, 0) + (sheet.status != DUPLICATE)
    if sheet.status == APPLIED:
        revisions[name] = revision
    return Delivered(
        name=sheet.name,
        at=batch.at,
        rows=sheet.rows,
        wave=sheet.wave,
        table=batch.table,
        revision=revision,
        done=sheet.done,
        status=sheet.status,
        rule=sheet.rule,
        sheet=sheet,
        origin=batch,
    )
