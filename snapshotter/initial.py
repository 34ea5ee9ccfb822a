"""A merge into an empty ledger, as SQL: what every file brings alike is published, but for the rows that others hide.

Most keys of a first load come once, and no other row of theirs need be looked for. So only keys that come more than
once are *crowded*; of them the rows that are not the greatest are *hidden*; all other rows are published as they come.
It gives what `merge` gives, without a table of all keys; it needs every file to carry the same columns, and every row
to count.
"""

from __future__ import annotations

from snapshotter.frame import Frame
from snapshotter.merge import keys, same_key


def crowded(frame: Frame, source: str) -> str:
    """Query of the keys with more than one row, and of their greatest rank."""
    key = keys(frame.key)
    return f"SELECT {key}, max(_rank) AS _rank FROM {source} GROUP BY {key} HAVING count(*) > 1"


def hidden(frame: Frame, source: str, crowds: str) -> str:
    """Query of the ranks of the rows that another row of their key is greater than."""
    return (
        f"SELECT r._rank, r._deleted FROM {source} r JOIN {crowds} c ON {same_key(frame.key, 'r', 'c')} "
        "WHERE r._rank < c._rank"
    )


def crowd(frame: Frame, source: str, crowds: str) -> str:
    """Query of the rows of crowded keys."""
    return f"SELECT r.* FROM {source} r SEMI JOIN {crowds} c ON {same_key(frame.key, 'r', 'c')}"


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
