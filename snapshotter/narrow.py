"""Which rows a change can touch, as SQL: a merge of those keys alone gives of them what a merge of all keys gives.

A run can only change keys that its new rows have, or rows that count no longer or again. They are *sought* in the
view by the key from which on each block of lines holds the keys, and of most of them the line says enough: where
every new row is later than the published one, no older row can matter, and the line itself stands for all of them.
Of the others all rows are fetched from the ledger.

Relations, beside those of `merge`:

| relation | columns |
|---|---|
| `sought` | the key, `_key` (what orders it), `_earliest` (the first instant of its new rows; NULL if others go) |
| `blocks` | `n`, `first` (the least `_key` that it may hold), `begin` |
| `lines` | `_n` (its number), `_key`, `_instant`, and the columns as they are stored: lines of the view |
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from snapshotter.contract import Contract
from snapshotter.contract.times import Clock
from snapshotter.frame import Field, Frame
from snapshotter.merge import keys, same_key
from snapshotter.publish import ViewColumn, key_order, key_terms
from snapshotter.sql import all_of

STANDING_IN = 0  # the number, and the place, of the batch that stands for those of published lines


def sort_key(key: Sequence[Field], prefix: str) -> str:
    """SQL of one value that orders as the rows of a view are ordered: a BLOB, and none is below the empty one."""
    # Of a few bytes of a fixed number, such as a date, DuckDB would make a BIGINT; a text has no such number.
    terms = ", ".join(f"{term}, 'ASC NULLS FIRST'" for term in [*key_terms(key, prefix), "''"])
    return f"create_sort_key({terms})"


def sought(key: Sequence[Field], fresh: str, others: str) -> str:
    """Query of the keys that are sought.

    Args:
        key: its fields.
        fresh: query of the new rows.
        others: query of the keys of rows that count no longer or again.
    """
    names = keys(key)
    moved = f"SELECT *, NULL::TIMESTAMP AS _instant FROM ({others})"
    rows = f"SELECT {names}, _instant FROM ({fresh}) UNION ALL BY NAME {moved}"
    first = "CASE WHEN count(*) = count(_instant) THEN min(_instant) END AS _earliest"
    return f"SELECT *, {sort_key(key, 's.')} AS _key FROM (SELECT {names}, {first} FROM ({rows}) GROUP BY {names}) s"


def located(source: str) -> str:
    """Query of the blocks in which keys belong: `n` for each `_key` of a relation, in no order."""
    return f"SELECT s.*, coalesce(b.n, 0) AS _block FROM {source} s ASOF LEFT JOIN blocks b ON s._key >= b.first"


def lines(key: Sequence[Field], columns: Sequence[ViewColumn], contract: Contract, timestamp: Field | None) -> str:
    """Query of the lines out of their texts `c0`, `c1` …: the inverse of how they were published.

    Args:
        key: the fields of the key.
        columns: of the view.
        contract: under which the lines were published.
        timestamp: the field that orders the versions; None if the view does not show it.
    """
    cells = [sql for place, column in enumerate(columns) for sql in _stored(column, f"r.c{place}", contract)]
    shown = {column.field for column in columns}
    unseen = [field for field in key if field not in shown]
    cells += [f"{absent(field)} AS {field.name}" for field in unseen]
    cells += [f"NULL::VARCHAR AS {name}" for field in unseen for name in field.names[1:]]
    instant = "NULL::TIMESTAMP"
    if timestamp is not None:
        place = next(place for place, column in enumerate(columns) if column.field == timestamp)
        is_stamp = timestamp.has_offset
        instant = f"l.{timestamp.name}" if is_stamp else contract.clock.instant(f"l._t{place}", contract.parameters)
        cells.append(f"r.c{place} AS _t{place}")
    stored = f"SELECT r.rowid AS _n, {', '.join(cells)} FROM raw r"
    return f"SELECT l.*, {sort_key(key, 'l.')} AS _key, {instant} AS _instant FROM ({stored}) l"


def absent(field: Field) -> str:
    """SQL of the stored value of a cell that no file carries."""
    return "''" if field.is_text else f"NULL::{field.stored}"


def _stored(column: ViewColumn, cell: str, contract: Contract) -> list[str]:
    """SQL of the stored values of a published cell; none of a column of lineage."""
    if column.field is None or column.stored is None:
        return []
    name = column.field.name
    if column.field.is_text:
        return [f"{cell} AS {name}"]
    if not column.field.has_offset:
        return [f"CASE WHEN {cell} <> '' THEN {contract.type(column.stored.type).parse(cell)} END AS {name}"]
    iso = Clock((), contract.clock.timezone)  # it was published so, whatever it came as
    both = iso.instant(cell, contract.parameters), iso.offset(cell, contract.parameters)
    return [f"{sql} AS {part}" for sql, part in zip(both, column.field.names, strict=True)]


def settled(frame: Frame) -> str:
    """Query of the lines that stand for all older rows of their keys: every new row is later."""
    return f"SELECT l.* FROM lines l JOIN sought s ON {same_key(frame.key, 'l', 's')} WHERE s._earliest > l._instant"


def unsettled(frame: Frame) -> str:
    """Query of the keys of lines that say too little about the older rows."""
    on = same_key(frame.key, "l", "s")
    return (
        f"SELECT {keys(frame.key, 's.')} FROM sought s JOIN lines l ON {on} "
        "WHERE s._earliest IS NULL OR l._instant IS NULL OR s._earliest <= l._instant"
    )


def buried(frame: Frame, source: str) -> str:
    """Query of the sought keys that the view does not show, and that have a tombstone in the ledger."""
    unseen = f"SELECT * FROM sought s ANTI JOIN lines l ON {same_key(frame.key, 's', 'l')}"
    graves = f"SELECT {keys(frame.key)} FROM ({source}) WHERE _deleted"
    return f"SELECT {keys(frame.key, 's.')} FROM ({unseen}) s SEMI JOIN ({graves}) g ON {same_key(frame.key, 's', 'g')}"


def fetched(frame: Frame, source: str, wanted: str, *, filled: bool) -> str:
    """Query of all stored rows of some keys.

    Args:
        frame: the columns.
        source: query of the stored rows.
        wanted: relation of the keys.
        filled: whether no part of a wanted key is NULL. Then plain equality finds them, with which the engine skips
            what cannot match: of a few keys among ten million it takes a twentieth of the time.
    """
    equal = " AND ".join(f"r.{field.name} = w.{field.name}" for field in frame.key)
    return f"SELECT r.* FROM ({source}) r SEMI JOIN {wanted} w ON {equal if filled else same_key(frame.key, 'r', 'w')}"


def unfilled(key: Sequence[Field]) -> str:
    """SQL of whether some part of a key is NULL."""
    return " OR ".join(f"{field.name} IS NULL" for field in key)


def sought_key(key: Sequence[Field], contract: Contract, parts: Sequence[str]) -> str:
    """Query of one key out of its parts as a user writes them, which are `p0`, `p1` … of the relation `asked`.

    They are read there and not as constants, which the engine would compute by every branch of what reads them. An
    empty part is an empty cell; one that is no value of its column is no key.
    """
    values = [
        f"({column.type.parse(f'a.p{place}')})" if part else absent(field)
        for place, (field, part, column) in enumerate(zip(key, parts, contract.key, strict=True))
    ]
    named = ", ".join(f"{value} AS {field.name}" for value, field in zip(values, key, strict=True))
    real = all_of(f"{field.name} IS NOT NULL" for field, part in zip(key, parts, strict=True) if part)
    return f"SELECT * FROM (SELECT {named} FROM asked a) WHERE {real}"


def standing_in(frame: Frame, source: str) -> str:
    """Query of lines as if they were stored rows, of the batch that stands for all."""
    cells = ", ".join(f"l.{name}" for field in frame.constant for name in field.names)
    return (
        f"SELECT {STANDING_IN}::INTEGER AS _batch, l._n AS source_row, l._instant, FALSE AS _deleted, {cells} "
        f"FROM {source} l"
    )


def gone(key: Sequence[Field]) -> str:
    """Query of the numbers of the lines of sought keys, in order: each is published anew, or gone."""
    return f"SELECT l._n FROM lines l SEMI JOIN sought s ON {same_key(key, 'l', 's')} ORDER BY l._n"


def come(key: Sequence[Field], published: str) -> str:
    """Query of where published rows go, in their order: the block, and the last line not behind it (-1: none)."""
    order = ", ".join(key_order(key))
    rows = f"SELECT {sort_key(key, 'p.')} AS _key, row_number() OVER (ORDER BY {order}) AS _place FROM {published} p"
    return (
        f"SELECT p._block, coalesce(l._n, -1) AS _after FROM ({located(f'({rows})')}) p "
        "ASOF LEFT JOIN lines l ON p._key >= l._key ORDER BY p._place"
    )


def rows_of(batches: Collection[int], key: Sequence[Field], source: str) -> str:
    """Query of the keys of the rows of some batches."""
    listed = ", ".join(f"{batch:d}" for batch in sorted(batches)) or "NULL"
    return f"SELECT {keys(key)} FROM ({source}) WHERE _batch IN ({listed})"
