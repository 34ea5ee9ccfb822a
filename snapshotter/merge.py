"""Which row wins, and what a run did: the rules of the specification, sections 4 and 5, as SQL over sets.

The rank of a row is one integer, `instant * 2^64 + order of its batch * 2^40 + row number`: comparing ranks
is comparing (instant, batch time, name, revision, row number). The maximum of a set is associative,
commutative and idempotent, so that neither the order of arrival nor the number of runs can change a result.

Relations have the stored columns under the names c0, c1 … (and o0, o1 … for the offsets of timestamps), so that
no name from a file can meet one of ours. What a relation holds beside them:

| column | |
|---|---|
| `_rank` | the rank |
| `_batch`, `source_row`, `_instant`, `_deleted` | as stored |
| `_carried` | number of the set of columns that the row's file carries |
| `_has_3` | whether the row's file carries column 3; only for columns that some file lacks |
| `_new`, `_gone` | whether this run brought the row; whether this run replaces it |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ROW_BITS, ORDER_BITS = 40, 24
_RANK = (
    f"epoch_us(r._instant)::HUGEINT * {2 ** (ROW_BITS + ORDER_BITS)} + b.place::HUGEINT * {2**ROW_BITS} + r.source_row"
)


@dataclass(frozen=True)
class Field:
    """A stored column as the relations know it.

    Args:
        index: its number among the stored columns.
        has_offset: whether it is a timestamp, with the offset in a column of its own.
        stored: the engine's type of its values.
    """

    index: int
    has_offset: bool = False
    stored: str = "VARCHAR"

    @property
    def is_text(self) -> bool:
        """Whether its empty cell is stored as an empty text (and not as NULL)."""
        return self.stored == "VARCHAR"

    @property
    def name(self) -> str:
        """The column of its values."""
        return f"c{self.index}"

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of its values and, for a timestamp, of its offsets."""
        return (self.name, f"o{self.index}") if self.has_offset else (self.name,)

    @property
    def has(self) -> str:
        """The flag that says whether a row's file carries it."""
        return f"_has_{self.index}"


@dataclass(frozen=True)
class Frame:
    """The columns of a merge.

    Args:
        fields: every column that a batch in play carries.
        key: those of the key, in order.
        partial: those that some batch in play lacks.
        marker: the column of `delete_when`, which is never inherited.
    """

    fields: tuple[Field, ...]
    key: tuple[Field, ...]
    partial: tuple[Field, ...] = ()
    marker: Field | None = None

    @property
    def inheritable(self) -> tuple[Field, ...]:
        """The columns that an absent cell is taken over for."""
        return tuple(field for field in self.partial if field != self.marker)

    @property
    def constant(self) -> tuple[Field, ...]:
        """The columns that every batch in play carries."""
        return tuple(field for field in self.fields if field not in self.partial)


def rows(frame: Frame, source: str) -> str:
    """Query of all rows in play, ranked. `batches` says of each batch: place, carried, is_new, is_gone, has_N."""
    flags = "".join(f", b.has_{field.index} AS {field.has}" for field in frame.partial)
    return (
        f"SELECT {_RANK} AS _rank, r._batch, r.source_row, r._instant, r._deleted, b.carried AS _carried, "
        f"b.is_new AS _new, b.is_gone AS _gone{flags}, {_columns(frame.fields, 'r.')} "
        f"FROM ({source}) r JOIN batches b ON r._batch = b.batch"
    )


def winners(frame: Frame, source: str) -> str:
    """Query of the greatest rank per key, and of its greatest tombstone."""
    key = _keys(frame)
    return f"SELECT {key}, max(_rank) AS _rank, max(_rank) FILTER (_deleted) AS _grave FROM {source} GROUP BY {key}"


def standing(frame: Frame, source: str, won: str) -> str:
    """Query of the winning rows that are not tombstones, before inheritance."""
    flags = "".join(f", r.{field.has}" for field in frame.partial)
    return (
        f"SELECT r._rank, w._grave{flags}, {_columns(frame.fields, 'r.')} "
        f"FROM {source} r JOIN {won} w ON r._rank = w._rank WHERE NOT r._deleted"
    )


def inherited(frame: Frame, source: str, stood: str) -> str:
    """Query of the cells that winning rows take over: of the greatest rank that carries the column, above the grave."""
    parts = []
    for field in frame.inheritable:
        condition = f"FILTER (r.{field.has} AND (s._grave IS NULL OR r._rank > s._grave))"
        parts += [f"arg_max_null(r.{name}, r._rank) {condition} AS {name}" for name in field.names]
        parts.append(f"max(r._rank) {condition} AS _source_{field.index}")
    lacking = " OR ".join(f"NOT s.{field.has}" for field in frame.inheritable)
    return (
        f"SELECT s._rank, {', '.join(parts)} FROM {source} r JOIN {stood} s ON {_same_key(frame, 'r', 's')} "
        f"WHERE {lacking} GROUP BY s._rank"
    )


def published(frame: Frame, stood: str, heirs: str | None) -> str:
    """Query of the published rows: `_rank`, the columns, and `_source_N`, the rank of the cell of a partial column."""
    parts = ["s._rank", _columns(frame.constant, "s.")]
    for field in frame.partial:
        if heirs is None or field == frame.marker:
            parts += [f"s.{name}" for name in field.names]
            parts.append(f"s._rank AS _source_{field.index}")
            continue
        parts += [f"CASE WHEN s.{field.has} THEN s.{name} ELSE h.{name} END AS {name}" for name in field.names]
        # A cell that nothing fills was taken away by the tombstone; or, where rows were replaced, it went with them.
        source = f"coalesce(h._source_{field.index}, s._grave, s._rank)"
        parts.append(f"CASE WHEN s.{field.has} THEN s._rank ELSE {source} END AS _source_{field.index}")
    join = f" LEFT JOIN {heirs} h ON s._rank = h._rank" if heirs else ""
    return f"SELECT {', '.join(part for part in parts if part)} FROM {stood} s{join}"


def contended(frame: Frame, source: str) -> str:
    """Query of the (key, instant) pairs at which there is more than one row."""
    key = _keys(frame)
    return f"SELECT {key}, _instant FROM {source} GROUP BY {key}, _instant HAVING count(*) > 1"


def rivals(frame: Frame, source: str, pairs: str) -> str:
    """Query of the rows at those pairs, with `_content`: equal for rows of one pair that say the same."""
    key = _keys(frame, "r.")
    return (
        f"SELECT {key}, r._instant, r._rank, r._new, r._gone, dense_rank() OVER (PARTITION BY {key}, r._instant "
        f"ORDER BY r._carried, {_columns(frame.fields, 'r.')}) AS _content "
        f"FROM {source} r SEMI JOIN {pairs} p ON {_same_key(frame, 'r', 'p')} AND r._instant = p._instant"
    )


def contents(frame: Frame, rival_rows: str) -> str:
    """Query of what was said at contended pairs: the least and greatest rank that says it, and who said it before."""
    key = _keys(frame)
    return (
        f"SELECT {key}, _instant, _content, min(_rank) FILTER (NOT _gone) AS _least, "
        f"max(_rank) FILTER (NOT _gone) AS _greatest, bool_or(NOT _new) AS _known "
        f"FROM {rival_rows} GROUP BY {key}, _instant, _content"
    )


def ties(frame: Frame, said: str) -> str:
    """Query of one number: the keys at which this run brought a content that others at its instant contradict."""
    key = _keys(frame)
    return (
        f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM (SELECT {key} FROM {said} WHERE _least IS NOT NULL "
        f"GROUP BY {key}, _instant HAVING count(*) > 1 AND NOT bool_and(_known)))"
    )


def outcomes(frame: Frame, touched: str, before: str, after: str, won: str, *, replaced: bool) -> str:
    """Query of what happened to each touched key: `_was`, `_is`, `_changed`; `_cause` is the rank of what did it.

    Args:
        frame: the columns.
        touched: the keys of new rows.
        before: what was published of them.
        after: what is published now.
        won: which row won each key.
        replaced: whether rows went: then a cell may come from an old row that they hid, and which did nothing.
    """
    place = "(({} & " + f"{2 ** (ROW_BITS + ORDER_BITS) - 1}::HUGEINT) >> {ROW_BITS})::BIGINT"
    is_new = f" AND {place} IN (SELECT place FROM batches WHERE is_new)" if replaced else ""
    causes = [f"CASE WHEN _differs{is_new.format('_winner')} THEN _winner END"]
    for field in frame.partial:
        source = f"_source_{field.index}"
        causes.append(f"CASE WHEN _differs_{field.index}{is_new.format(source)} THEN {source} END")
    changed = " OR ".join(["_differs", *(f"_differs_{field.index}" for field in frame.partial)])
    parts = [f"{_differ(frame.constant)} AS _differs"]
    for field in frame.partial:
        parts += [f"{_differ([field])} AS _differs_{field.index}", f"a._source_{field.index}"]
    on = {alias: _same_key(frame, "t", alias) for alias in "baw"}
    return (
        f"SELECT {_keys(frame)}, _was, _is, _was AND _is AND ({changed}) AS _changed, _winner, "
        f"CASE WHEN NOT _is THEN _last WHEN NOT _was THEN _winner "
        f"ELSE greatest({', '.join(causes)}, NULL) END AS _cause "
        f"FROM (SELECT {_keys(frame, 't.')}, b._rank IS NOT NULL AS _was, a._rank IS NOT NULL AS _is, "
        f"a._rank AS _winner, w._rank AS _last, {', '.join(parts)} "
        f"FROM {touched} t LEFT JOIN {before} b ON {on['b']} LEFT JOIN {after} a ON {on['a']} "
        f"LEFT JOIN {won} w ON {on['w']})"
    )


def echoes(frame: Frame, source: str, rival_rows: str, said: str, happened: str, after: str) -> str:
    """Query of the new rows (ranks) that say what a row in the ledger or the published row of their key says.

    Either is at their own instant, so that only rivals need to be compared.
    """
    in_ledger = (
        f"SELECT v._rank FROM {rival_rows} v JOIN {said} s ON {_same_key(frame, 'v', 's')} "
        f"AND v._instant = s._instant AND v._content = s._content WHERE v._new AND s._known"
    )
    same = [f"NOT ({_differ(frame.constant, 'a', 'n')})"]
    same += [f"(NOT n.{field.has} OR NOT ({_differ([field], 'a', 'n')}))" for field in frame.partial]
    as_published = (
        f"SELECT n._rank FROM {source} n SEMI JOIN (SELECT _rank FROM {rival_rows} WHERE _new) v ON n._rank = v._rank "
        f"JOIN {happened} o ON {_same_key(frame, 'n', 'o')} JOIN {after} a ON a._rank = o._winner "
        f"WHERE n._new AND {' AND '.join(same)}"
    )
    return f"{in_ledger} UNION {as_published}"


def labels(frame: Frame, source: str, happened: str, echoing: str) -> str:
    """Query of one row: how many of the new rows were inserted, updated, deleted, unchanged, superseded."""
    return (
        "SELECT count(*) FILTER (_label = 'inserted'), count(*) FILTER (_label = 'updated'), "
        "count(*) FILTER (_label = 'deleted'), count(*) FILTER (_label = 'unchanged'), "
        "count(*) FILTER (_label = 'superseded') FROM (SELECT CASE "
        "WHEN n._rank = o._cause AND NOT o._was AND o._is THEN 'inserted' "
        "WHEN n._rank = o._cause AND o._was AND NOT o._is THEN 'deleted' "
        "WHEN n._rank = o._cause AND o._changed THEN 'updated' "
        "WHEN n._rank = o._winner OR e._rank IS NOT NULL OR (n._deleted AND NOT o._was) THEN 'unchanged' "
        "ELSE 'superseded' END AS _label "
        f"FROM (SELECT * FROM {source} WHERE _new) n JOIN {happened} o ON {_same_key(frame, 'n', 'o')} "
        f"LEFT JOIN {echoing} e ON n._rank = e._rank)"
    )


def _columns(fields: Iterable[Field], prefix: str = "") -> str:
    return ", ".join(prefix + name for field in fields for name in field.names)


def _keys(frame: Frame, prefix: str = "") -> str:
    """The values of the key; the offset of a timestamp in it is no part of what it is equal to."""
    return ", ".join(prefix + field.name for field in frame.key)


def _same_key(frame: Frame, one: str, other: str) -> str:
    """Equal keys; empty equals empty."""
    return " AND ".join(f"{one}.{field.name} IS NOT DISTINCT FROM {other}.{field.name}" for field in frame.key)


def _differ(fields: Iterable[Field], one: str = "a", other: str = "b") -> str:
    """Whether published cells differ; an absent text is published as the empty one is.

    One comparison of two rows of cells: thousands of single ones would take the engine minutes to plan.
    """
    cells = [(name, field.is_text) for field in fields for name in field.names]
    sides = (
        ", ".join(f"coalesce({alias}.{name}, '')" if is_text else f"{alias}.{name}" for name, is_text in cells)
        for alias in (one, other)
    )
    return " IS DISTINCT FROM ".join(f"row({side})" for side in sides)
