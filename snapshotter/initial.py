"""A merge into an empty ledger, as SQL: what every file brings alike is published, but for the rows that others hide.

Most keys of a first load come once, and no other row of theirs need be looked for. So only keys that come more than
once are *crowded*; of them the rows that are not the greatest are *hidden*; all other rows are published as they come.
It gives what `merge` gives, without a table of all keys; it needs every file to carry the same columns, and every row
to count.
"""

from __future__ import annotations

from snapshotter.frame import Frame
from snapshotter.merge import keys, place_of, row_of, same_key


def crowded(frame: Frame, source: str) -> str:
    """Query of the keys with more than one row."""
    key = keys(frame.key)
    return f"SELECT {key} FROM {source} GROUP BY {key} HAVING count(*) > 1"


def crowd(frame: Frame, source: str, crowds: str) -> str:
    """Query of what decides between the rows of crowded keys."""
    return (
        f"SELECT {keys(frame.key, 'r.')}, r._instant, r._rank, r._deleted "
        f"FROM {source} r SEMI JOIN {crowds} c ON {same_key(frame.key, 'r', 'c')}"
    )


def hidden(frame: Frame, rows: str) -> str:
    """Query of the ranks of the rows, among those of crowded keys, that another one of their key is greater than."""
    key = keys(frame.key)
    ranked = f"SELECT _rank, _deleted, max(_rank) OVER (PARTITION BY {key}) AS _greatest FROM {rows}"
    return f"SELECT _rank, _deleted FROM ({ranked}) WHERE _rank < _greatest"


def rivals(frame: Frame, source: str, rows: str, pairs: str) -> str:
    """Query of all that is known of the rows at some pairs of key and instant, which are few.

    Rows are looked up by batch and number, so that only the files are read that have some.
    """
    meets = f"{same_key(frame.key, 'r', 'p')} AND r._instant = p._instant"
    met = f"SELECT r._rank FROM {rows} r SEMI JOIN {pairs} p ON {meets}"
    batch = f"JOIN batches b ON b.place = {place_of('m._rank')}"
    found = f"SELECT b.batch AS _batch, {row_of('m._rank')} AS _row FROM ({met}) m {batch}"
    return f"SELECT r.* FROM {source} r SEMI JOIN ({found}) w ON r._batch = w._batch AND r.source_row = w._row"


def published(source: str, hidden_rows: str) -> str:
    """Query of the published rows."""
    return f"SELECT r.* FROM {source} r ANTI JOIN {hidden_rows} h ON r._rank = h._rank WHERE NOT r._deleted"


def echoed(frame: Frame, rival_rows: str, said: str, hidden_rows: str) -> str:
    """Query of the number of hidden rows that say what their key's published row says, at its instant."""
    alike = f"{same_key(frame.key, 'v', 's')} AND v._instant = s._instant AND v._content = s._content"
    return (
        f"SELECT count(*) FROM {rival_rows} v JOIN {said} s ON {alike} "
        f"SEMI JOIN (SELECT * FROM {hidden_rows} WHERE NOT _deleted) h ON v._rank = h._rank "
        f"ANTI JOIN {hidden_rows} g ON s._greatest = g._rank"
    )


def counted(source: str, hidden_rows: str) -> str:
    """Query of the numbers of all rows, of tombstones, and of rows that are hidden and are none."""
    return (
        f"SELECT (SELECT count(*) FROM {source}), (SELECT count(*) FROM {source} WHERE _deleted), "
        f"(SELECT count(*) FROM {hidden_rows} WHERE NOT _deleted)"
    )
