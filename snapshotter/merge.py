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
| `_has_3` | whether the row's file carries the columns of group 3 |
| `_new`, `_gone` | whether this run brought the row; whether this run replaces it |

Columns that some file lacks are resolved by groups of columns that the same files carry: the cells that a winner
lacks come, for a whole group, from one row. So the work follows the cells, not the square of their columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from snapshotter.frame import Field, Frame, Group

ROW_BITS, ORDER_BITS = 40, 24
_RANK = (
    f"epoch_us(r._instant)::HUGEINT * {2 ** (ROW_BITS + ORDER_BITS)} + b.place::HUGEINT * {2**ROW_BITS} + r.source_row"
)


def place_of(rank: str) -> str:
    """SQL of the place of the batch that a rank tells."""
    return f"(({rank} & {2**64 - 1}::HUGEINT) >> {ROW_BITS})::BIGINT"


def row_of(rank: str) -> str:
    """SQL of the row number that a rank tells."""
    return f"({rank} & {2**ROW_BITS - 1}::HUGEINT)::BIGINT"


def rows(frame: Frame, source: str) -> str:
    """Query of all rows in play, ranked. `batches` says of each batch: place, carried, is_new, is_gone, _has_N."""
    flags = "".join(f", b.{group.has}" for group in frame.groups)
    return (
        f"SELECT {_RANK} AS _rank, r._batch, r.source_row, r._instant, r._deleted, b.carried AS _carried, "
        f"b.is_new AS _new, b.is_gone AS _gone{flags}, {_columns(frame.fields, 'r.')} "
        f"FROM {source} r JOIN batches b ON r._batch = b.batch"
    )


def known(frame: Frame, source: str, touched: str) -> str:
    """Query of what decides between the rows of the touched keys that were there before."""
    flags = "".join(f", r.{group.has}" for group in frame.groups)
    return (
        f"SELECT {keys(frame.key, 'r.')}, r._rank, r._deleted{flags} "
        f"FROM {source} r SEMI JOIN {touched} t ON {same_key(frame.key, 'r', 't')} WHERE NOT r._new"
    )


def winners(frame: Frame, source: str) -> str:
    """Query of the greatest rank per key, of its greatest tombstone, and of the greatest that carries each group.

    CASE and not FILTER: the engine copies all arguments for each filter.
    """
    key = keys(frame.key)
    tops = "".join(f", max(CASE WHEN {g.has} THEN _rank END) AS {g.top}" for g in frame.inheriting)
    return (
        f"SELECT {key}, max(_rank) AS _rank, max(CASE WHEN _deleted THEN _rank END) AS _grave{tops} "
        f"FROM {source} GROUP BY {key}"
    )


def standing(frame: Frame, source: str, won: str, counts: str) -> str:
    """Query of the winning rows that are not tombstones, before inheritance, and of where each group comes from.

    Args:
        frame: the columns.
        source: relation of the rows as stored. Rows are looked up in it by batch and number: what is fetched passes
            through no more operators than that, each of which holds 2,048 rows of every column.
        won: relation of the winners.
        counts: SQL condition on the batches `b` that count.
    """
    # Of the greatest rank that carries a group and the greatest tombstone, the greater decides.
    sources = (f"greatest(w.{g.top}, w._grave)" if g.inherits else "w._rank" for g in frame.groups)
    named = "".join(f", {sql} AS {group.source}" for sql, group in zip(sources, frame.groups, strict=True))
    stood = f"SELECT w._rank{named} FROM {won} w WHERE w._rank IS DISTINCT FROM w._grave"
    also = "".join(f", w.{group.source}" for group in frame.groups)
    return _looked_up(f"w._rank{also}, {_columns(frame.fields, 'r.')}", source, stood, counts)


def givers(frame: Frame, source: str, stood: str, counts: str) -> str:
    """Query of the rows that some winning row takes cells from; a tombstone gives none. Arguments as above."""
    groups = frame.inheriting
    sources = ", ".join(group.source for group in groups)
    wanted = f"SELECT DISTINCT unnest([{sources}]) AS _rank FROM {stood} s WHERE {_lacks(groups)}"
    cells = _columns((field for group in groups for field in group.fields), "r.")
    return f"{_looked_up(f'w._rank, {cells}', source, wanted, counts)} WHERE NOT r._deleted"


def _looked_up(columns: str, source: str, wanted: str, counts: str) -> str:
    where = f"b.place = {place_of('w._rank')} AND {counts}"
    found = f"SELECT w.*, b.batch AS _batch, {row_of('w._rank')} AS _row FROM ({wanted}) w JOIN batches b ON {where}"
    return f"SELECT {columns} FROM {source} r JOIN ({found}) w ON r._batch = w._batch AND r.source_row = w._row"


def taken(frame: Frame, groups: Sequence[Group], stood: str, given: str) -> str:
    """Query of the cells of some groups that winning rows take over; a line for each row that lacks any group."""
    cells = ", ".join(_columns(group.fields, f"g{group.number}.") for group in groups)
    joins = (f"LEFT JOIN {given} g{g.number} ON s.{g.source} = g{g.number}._rank" for g in groups)
    return f"SELECT s._rank, {cells} FROM {stood} s {' '.join(joins)} WHERE {_lacks(frame.inheriting)}"


def side_by_side(tables: Sequence[str]) -> str:
    """Query of the cells of several such tables in one."""
    first, *others = tables
    cells = ", ".join([f"{first}.*", *(f"{table}.* EXCLUDE (_rank)" for table in others)])
    joins = " ".join(f"JOIN {table} ON {table}._rank = {first}._rank" for table in others)
    return f"SELECT {cells} FROM {first} {joins}"


def published(frame: Frame, stood: str, heirs: str | None) -> str:
    """Query of the published rows: `_rank`, the columns, and `_source_N`, the rank of the cells of a group."""
    parts = ["s._rank", _columns(frame.constant, "s.")]
    for group in frame.groups:
        own = f"s.{group.source} = s._rank"
        if heirs and group.inherits:
            parts += [f"CASE WHEN {own} THEN s.{name} ELSE h.{name} END AS {name}" for name in group.names]
        else:
            parts += [f"s.{name}" for name in group.names]
        parts.append(f"s.{group.source}")
    join = f" LEFT JOIN {heirs} h ON s._rank = h._rank" if heirs else ""
    return f"SELECT {', '.join(parts)} FROM {stood} s{join}"


def contended(frame: Frame, source: str) -> str:
    """Query of the (key, instant) pairs at which there is more than one row."""
    key = keys(frame.key)
    return f"SELECT {key}, _instant FROM {source} GROUP BY {key}, _instant HAVING count(*) > 1"


def rivals(frame: Frame, source: str, pairs: str) -> str:
    """Query of the rows at those pairs, with `_content`: equal for rows of one pair that say the same."""
    key = keys(frame.key, "r.")
    return (
        f"SELECT {key}, r._instant, r._rank, r._new, r._gone, dense_rank() OVER (PARTITION BY {key}, r._instant "
        f"ORDER BY r._carried, {_columns(frame.fields, 'r.')}) AS _content "
        f"FROM {source} r SEMI JOIN {pairs} p ON {same_key(frame.key, 'r', 'p')} AND r._instant = p._instant"
    )


def contents(frame: Frame, rival_rows: str) -> str:
    """Query of what was said at contended pairs: the least and greatest rank that says it, and who said it before."""
    key = keys(frame.key)
    return (
        f"SELECT {key}, _instant, _content, min(_rank) FILTER (NOT _gone) AS _least, "
        f"max(_rank) FILTER (NOT _gone) AS _greatest, bool_or(NOT _new) AS _known "
        f"FROM {rival_rows} GROUP BY {key}, _instant, _content"
    )


def ties(frame: Frame, said: str) -> str:
    """Query of one number: the keys at which this run brought a content that others at its instant contradict."""
    return f"SELECT count(*) FROM (SELECT DISTINCT {keys(frame.key)} FROM ({_contradicted(frame, said)}))"


def tied(frame: Frame, rival_rows: str, said: str) -> str:
    """Query of (batch, number of its keys that got such a conflict), of new batches."""
    distinct, place = keys(frame.key, "v."), place_of("v._rank")
    return (
        f"SELECT b.batch, count(*) FROM (SELECT DISTINCT {distinct}, {place} AS place FROM {rival_rows} v "
        f"SEMI JOIN ({_contradicted(frame, said)}) t ON {same_key(frame.key, 'v', 't')} AND v._instant = t._instant "
        "WHERE v._new AND NOT v._gone) k JOIN batches b ON b.place = k.place AND b.is_new GROUP BY b.batch"
    )


def _contradicted(frame: Frame, said: str) -> str:
    """Query of the (key, instant) pairs at which this run brought a content that others contradict."""
    key = keys(frame.key)
    return (
        f"SELECT {key}, _instant FROM {said} WHERE _least IS NOT NULL "
        f"GROUP BY {key}, _instant HAVING count(*) > 1 AND NOT bool_and(_known)"
    )


def outcomes(frame: Frame, touched: str, before: str, after: str, won: str, *, replaced: bool) -> str:
    """Query of what happened to each touched key: `_was`, `_is`, `_changed`; `_cause` is the rank of what did it.

    What changed a row is the greatest-ranked new row that a changed cell comes from, or the tombstone that blanked it.

    Args:
        frame: the columns.
        touched: the keys of new rows.
        before: what was published of them.
        after: what is published now.
        won: which row won each key.
        replaced: whether rows went: then a cell may come from an old row that they hid, and which did nothing.
    """

    def is_new(rank: str) -> str:
        return f" AND {place_of(rank)} IN (SELECT place FROM batches WHERE is_new)" if replaced else ""

    causes = [f"CASE WHEN _differs{is_new('_winner')} THEN _winner END"]
    for group in frame.groups:
        source = f"coalesce({group.source}, _winner)"  # cells that nothing fills went with the rows that went
        causes.append(f"CASE WHEN _differs_{group.number}{is_new(source)} THEN {source} END")
    changed = " OR ".join(["_differs", *(f"_differs_{group.number}" for group in frame.groups)])
    parts = [f"{_differ(frame.constant)} AS _differs"]
    for group in frame.groups:
        parts += [f"{_differ(group.fields)} AS _differs_{group.number}", f"a.{group.source}"]
    on = {alias: same_key(frame.key, "t", alias) for alias in "baw"}
    return (
        f"SELECT {keys(frame.key)}, _was, _is, _was AND _is AND ({changed}) AS _changed, _winner, "
        f"CASE WHEN NOT _is THEN _last WHEN NOT _was THEN _winner "
        f"ELSE greatest({', '.join(causes)}, NULL) END AS _cause "
        f"FROM (SELECT {keys(frame.key, 't.')}, b._rank IS NOT NULL AS _was, a._rank IS NOT NULL AS _is, "
        f"a._rank AS _winner, w._rank AS _last, {', '.join(parts)} "
        f"FROM {touched} t LEFT JOIN {before} b ON {on['b']} LEFT JOIN {after} a ON {on['a']} "
        f"LEFT JOIN {won} w ON {on['w']})"
    )


def echoes(frame: Frame, source: str, rival_rows: str, said: str, happened: str, after: str) -> str:
    """Query of the new rows (ranks) that say what a row in the ledger or the published row of their key says.

    Either is at their own instant, so that only rivals need to be compared.
    """
    in_ledger = (
        f"SELECT v._rank FROM {rival_rows} v JOIN {said} s ON {same_key(frame.key, 'v', 's')} "
        f"AND v._instant = s._instant AND v._content = s._content WHERE v._new AND s._known"
    )
    # A row says nothing about the columns that its file lacks: there it is compared with the published cell itself.
    said_or = {name: f"CASE WHEN n.{g.has} THEN n.{name} ELSE a.{name} END" for g in frame.groups for name in g.names}
    as_published = (
        f"SELECT n._rank FROM {source} n SEMI JOIN (SELECT _rank FROM {rival_rows} WHERE _new) v ON n._rank = v._rank "
        f"JOIN {happened} o ON {same_key(frame.key, 'n', 'o')} JOIN {after} a ON a._rank = o._winner "
        f"WHERE n._new AND NOT ({_differ(frame.fields, 'a', 'n', said_or)})"
    )
    return f"{in_ledger} UNION {as_published}"


def labels(frame: Frame, source: str, happened: str, echoing: str) -> str:
    """Query of a line per batch: how many of its new rows were inserted, updated, deleted, unchanged, superseded."""
    return (
        "SELECT _batch, count(*) FILTER (_label = 'inserted'), count(*) FILTER (_label = 'updated'), "
        "count(*) FILTER (_label = 'deleted'), count(*) FILTER (_label = 'unchanged'), "
        "count(*) FILTER (_label = 'superseded') FROM (SELECT n._batch, CASE "
        "WHEN n._rank = o._cause AND NOT o._was AND o._is THEN 'inserted' "
        "WHEN n._rank = o._cause AND o._was AND NOT o._is THEN 'deleted' "
        "WHEN n._rank = o._cause AND o._changed THEN 'updated' "
        "WHEN n._rank = o._winner OR e._rank IS NOT NULL OR (n._deleted AND NOT o._was) THEN 'unchanged' "
        "ELSE 'superseded' END AS _label "
        f"FROM (SELECT * FROM {source} WHERE _new) n JOIN {happened} o ON {same_key(frame.key, 'n', 'o')} "
        f"LEFT JOIN {echoing} e ON n._rank = e._rank) GROUP BY _batch"
    )


def late(frame: Frame, source: str, won_before: str, batches: Iterable[int]) -> str:
    """Query of those of some new batches of which every row lost to one that was in the ledger already."""
    listed = ", ".join(f"{batch:d}" for batch in batches)
    return (
        f"SELECT n._batch FROM {source} n LEFT JOIN {won_before} w ON {same_key(frame.key, 'n', 'w')} "
        f"WHERE n._batch IN ({listed}) GROUP BY n._batch HAVING bool_and(coalesce(w._rank > n._rank, FALSE))"
    )


def _columns(fields: Iterable[Field], prefix: str = "") -> str:
    return ", ".join(prefix + name for field in fields for name in field.names)


def keys(key: Iterable[Field], prefix: str = "") -> str:
    """SQL of the values of the key; the offset of a timestamp in it is no part of what it is equal to."""
    return ", ".join(prefix + field.name for field in key)


def same_key(key: Iterable[Field], one: str, other: str) -> str:
    """SQL of equal keys; empty equals empty."""
    return " AND ".join(f"{one}.{field.name} IS NOT DISTINCT FROM {other}.{field.name}" for field in key)


def _lacks(groups: Iterable[Group]) -> str:
    """Whether a winning row lacks any group: its own rank is the greatest that a cell of it can come from."""
    return f"least({', '.join(f's.{group.source}' for group in groups)}) < s._rank"


def _differ(fields: Iterable[Field], one: str = "a", other: str = "b", instead: Mapping[str, str] | None = None) -> str:
    """Whether published cells differ; an absent text is published as the empty one is.

    One comparison of two rows of cells: thousands of single ones would take the engine minutes to plan. `instead`
    has SQL to compare with in place of some of the other's columns.
    """
    pairs = []
    for field in fields:
        for name in field.names:
            pair = f"{one}.{name}", (instead or {}).get(name, f"{other}.{name}")
            pairs.append(tuple(f"coalesce({cell}, '')" if field.is_text else cell for cell in pair))
    return " IS DISTINCT FROM ".join(f"row({', '.join(side)})" for side in zip(*pairs, strict=True))
