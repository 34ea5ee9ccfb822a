"""Whether the rows with one value of a column are versions of one thing, or different things.

A column may be unique together with the timestamp for two reasons. Of a customer's versions most cells stay as they
are; of receipts that two shops gave the same number, hardly any. So a column is doubted if another one, such as the
shop, makes it unique without the timestamp, and nothing else is the same in all rows of a value. What changes by its
nature from one version to the next, as a status does, makes nothing unique.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snapshotter.starting.naming import is_scope, is_stage, key_tier
from snapshotter.starting.table import Column, SampleTable

_MOST = 0.5  # of the values with several rows
_CONSTANT = 0.9  # of them: a column that is the same within so many describes the value
_COMMON = 0.5  # of the rows: a cell that stands in more of them is the same within many values by chance
_CROSSED = 0.5  # of all pairs of two columns: if so many are there, one numbers within the other
_RECURS = 2  # rows per cell, at least: what stands but once divides nothing


@dataclass(frozen=True)
class Part:
    """A column that may be part of a key.

    Args:
        column: which.
        tier: how unlikely: 0 an identifier by name, 1 a code, 2 any text, 3 whole numbers and dates, 4 measures.
        empty: whether some cell is empty.
    """

    column: Column
    tier: int
    empty: bool

    @property
    def identifies(self) -> bool:
        """Whether its name says that it identifies something, or what numbers are given within."""
        return key_tier(self.column.name) < 2 or is_scope(self.column.name)


def completing(table: SampleTable, key: Part, parts: Sequence[Part]) -> Iterator[Part]:
    """The columns that may have to join a key of one column: they differ within its values, and recur.

    Args:
        table: the samples, with `versions`.
        key: the column.
        parts: all that may be part of a key.
    """
    likely = [part for part in parts if part != key and not part.empty and not is_stage(part.column.name)]
    likely = [part for part in likely if part.identifies or (part.tier <= 2 and key_tier(key.column.name) == 1)]
    for part in sorted(likely, key=lambda part: (not part.identifies, part.tier, part.column.index)):
        if _RECURS * _distinct(table, part) <= table.rows and differs(table, part, key):
            yield part


def differs(table: SampleTable, part: Part, key: Part) -> bool:
    """Whether a column is another one in most of the values that have several rows."""
    several, differing = _differing(table, part, key)
    return differing > _MOST * several


def is_entity(table: SampleTable, key: Part, parts: Sequence[Part], other: Part) -> bool:
    """Whether the rows of a value seem to be versions of one thing: some column that varies is the same in them.

    Not if nearly all pairs with another identifier are there: the one then numbers within the other, as receipts do
    within a shop, and what is the same in all of a shop's receipts describes the shop.
    """
    pairs = _distinct(table, key) * _distinct(table, other)
    if key.identifies and other.identifies and table.rows >= _CROSSED * pairs:
        return False
    return any(_describes(table, part, key) for part in parts if part not in (key, other))


def _describes(table: SampleTable, part: Part, key: Part) -> bool:
    cell = part.column.cell
    ((most,),) = table.ask(f"SELECT max(number) FROM (SELECT count(*) AS number FROM versions GROUP BY {cell})")
    if most > _COMMON * table.rows:
        return False
    several, differing = _differing(table, part, key)
    return several > 0 and differing <= (1 - _CONSTANT) * several


def _differing(table: SampleTable, part: Part, key: Part) -> tuple[int, int]:
    """How many values of a key have several rows, and in how many of those a column is not always the same."""
    cell = part.column.cell
    groups = (
        f"SELECT count(DISTINCT _content) AS number, min({cell}) <> max({cell}) AS differs FROM versions "
        f"GROUP BY {key.column.cell} HAVING number > 1"
    )
    ((several, differing),) = table.ask(f"SELECT count(*), count(*) FILTER (differs) FROM ({groups})")
    return int(several), int(differing)


def _distinct(table: SampleTable, part: Part) -> int:
    return int(table.ask(f"SELECT count(DISTINCT {part.column.cell}) FROM versions")[0][0])
