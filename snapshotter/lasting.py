"""Which rows still matter: those that some later row, or its absence, could make a published cell of. Pure SQL.

Rows can be forgotten where they always count together, so that a row which others of them hide is hidden for ever.
Of each key these stay:

- the greatest rank: it wins, or is a tombstone that keeps older rows dead;
- the greatest tombstone: cells at or below it are not taken over;
- the greatest rank that carries each group of columns: cells that a winner's file lacks come from it;
- at the greatest instant, for each content the least rank that says it: that is the lineage of what is published.
"""

from __future__ import annotations

from snapshotter.frame import Frame
from snapshotter.merge import place_of, row_of


def tops(frame: Frame, source: str, by: str) -> str:
    """Query of the greatest ranks of each key, and of its greatest instant.

    Args:
        frame: the columns.
        source: relation of ranked rows, as `merge.rows` gives them.
        by: a column of it; only rows that are equal in it count together. Without one all rows do.
    """
    groups = "".join(f", max(CASE WHEN {g.has} THEN _rank END) AS {g.top}" for g in frame.groups)
    return (
        f"SELECT {_together(frame, by)}, max(_rank) AS _rank, max(_instant) AS _instant, count(*) AS _rows, "
        f"max(CASE WHEN _deleted THEN _rank END) AS _grave{groups} FROM {source} GROUP BY ALL"
    )


def equals(frame: Frame, source: str, top_ranks: str, by: str) -> str:
    """Query of the least rank of each content at the greatest instant of a key, where more than one row is there."""
    same = " AND ".join(
        f"r.{name} IS NOT DISTINCT FROM t.{name}" for name in [f.name for f in frame.key] + [by] * bool(by)
    )
    cells = ", ".join(f"r.{name}" for field in frame.fields for name in field.names)
    together = ", ".join(f"r.{name}" for name in [f.name for f in frame.key] + [by] * bool(by))
    rivals = (
        f"SELECT r._rank, {together}, r._carried, dense_rank() OVER (PARTITION BY {together} "
        f"ORDER BY r._carried, {cells}) AS _content FROM {source} r "
        f"JOIN (SELECT * FROM {top_ranks} WHERE _rows > 1) t ON {same} AND r._instant = t._instant"
    )
    return f"SELECT min(r._rank) AS _rank FROM ({rivals}) r GROUP BY {together}, r._content"


def ranks(frame: Frame, top_ranks: str, equal_ranks: str) -> str:
    """Query of the ranks of the rows that stay, as `_batch` and `source_row`."""
    listed = ", ".join(["_rank", "_grave", *(group.top for group in frame.groups)])
    found = f"SELECT unnest([{listed}]) AS _rank FROM {top_ranks} UNION SELECT _rank FROM {equal_ranks}"
    return (
        f"SELECT b.batch AS _batch, {row_of('k._rank')} AS source_row FROM ({found}) k "
        f"JOIN batches b ON b.place = {place_of('k._rank')} WHERE k._rank IS NOT NULL"
    )


def rows(source: str, kept: str) -> str:
    """Query of the stored rows that stay, as they are."""
    return f"SELECT r.* FROM {source} r SEMI JOIN {kept} k ON r._batch = k._batch AND r.source_row = k.source_row"


def _together(frame: Frame, by: str) -> str:
    return ", ".join([*(field.name for field in frame.key), *([by] if by else [])])
