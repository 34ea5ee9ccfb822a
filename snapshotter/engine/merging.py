"""The steps of a merge in the engine: which tables and views are made of which, and in what order.

What each of them says is in `snapshotter.merge`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from snapshotter import initial, merge
from snapshotter.engine.base import Effects
from snapshotter.frame import Frame

_T = TypeVar("_T")

_JOINED = 8  # relations in one query: every join holds the columns of all joins before it, 2,048 rows of each


class Merging:
    """One merge.

    Args:
        frame: its columns.
        run: runs a statement, and returns its rows. It knows the table `batches`.
    """

    def __init__(self, frame: Frame, run: Callable[[str], list[tuple[Any, ...]]]) -> None:
        """Nothing is made yet."""
        self._frame, self._run = frame, run
        self._rivalry = False

    def resolve(self, source: str) -> None:
        """Make `published`: the winning rows with the cells they take over, and `_lineage`.

        Args:
            source: query of the rows in play, as `merge.rows` wants them.
        """
        self._run(f"CREATE OR REPLACE VIEW cells AS {source}")
        self._run(f"CREATE OR REPLACE VIEW all_rows AS {merge.rows(self._frame, 'cells')}")
        self._run("CREATE OR REPLACE VIEW after_rows AS SELECT * FROM all_rows WHERE NOT _gone")
        self._publish("after", "NOT b.is_gone")
        self._attribute(merge.contended(self._frame, "all_rows"), "all_rows")

    def _attribute(self, contended: str, source: str) -> None:
        """Make `published`, each row with the lineage of who said it first; `rivals` and `contents` are who could have.

        Args:
            contended: query of the pairs of a key and an instant that more than one row has.
            source: relation of the rows that are at such pairs, and maybe others.
        """
        self._run(f"CREATE OR REPLACE TABLE pairs AS {contended}")
        lineage, self._rivalry = "p._rank AS _lineage FROM after_published p", self._count("pairs") > 0
        if self._rivalry:
            self._run(f"CREATE OR REPLACE TABLE rivals AS {merge.rivals(self._frame, source, 'pairs')}")
            self._run(f"CREATE OR REPLACE TABLE contents AS {merge.contents(self._frame, 'rivals')}")
            lineage = (
                "coalesce(s._least, p._rank) AS _lineage "
                "FROM after_published p LEFT JOIN contents s ON p._rank = s._greatest"
            )
        self._run(f"CREATE OR REPLACE VIEW published AS SELECT p.*, {lineage}")

    def effects(self, *, replaced: bool) -> Effects:
        """Compare the touched keys before and after.

        Args:
            replaced: whether this run takes rows out.
        """
        frame = self._frame
        key = ", ".join(field.name for field in frame.key)
        self._run(f"CREATE OR REPLACE TABLE touched AS SELECT DISTINCT {key} FROM all_rows WHERE _new")
        self._run(f"CREATE OR REPLACE TABLE before_rows AS {merge.known(frame, 'all_rows', 'touched')}")
        self._publish("before", "NOT b.is_new")
        views = ("touched", "before_published", "after_published", "after_winners")
        self._run(f"CREATE OR REPLACE TABLE outcomes AS {merge.outcomes(frame, *views, replaced=replaced)}")
        echoes = "SELECT NULL::HUGEINT AS _rank WHERE FALSE"
        if self._rivalry:
            echoes = merge.echoes(frame, "all_rows", "rivals", "contents", "outcomes", "after_published")
        self._run(f"CREATE OR REPLACE TABLE echoes AS {echoes}")
        by_batch = self._run(merge.labels(frame, "all_rows", "outcomes", "echoes"))
        labels = ("inserted", "updated", "deleted", "unchanged", "superseded")
        totals = {label: sum(int(counts[place]) for counts in by_batch) for place, label in enumerate(labels, 1)}
        lost = [batch for batch, *counts in by_batch if counts[-1] == sum(counts)]
        late = self._run(merge.late(frame, "all_rows", "before_winners", lost)) if lost else []
        ties, tied = self._conflicts()
        return Effects(**totals, ties=ties, late=frozenset(batch for (batch,) in late), tied=tied)

    def _conflicts(self) -> tuple[int, dict[int, int]]:
        """The number of keys with a new conflict, in all and by new batch."""
        ties = int(self._run(merge.ties(self._frame, "contents"))[0][0]) if self._rivalry else 0
        return ties, dict(self._run(merge.tied(self._frame, "rivals", "contents"))) if ties else {}

    def _publish(self, name: str, counts: str) -> None:
        """Make `{name}_winners` and `{name}_published` of `{name}_rows`, where those batches count."""
        frame, stood = self._frame, f"{name}_held"
        self._run(f"CREATE OR REPLACE TABLE {name}_winners AS {merge.winners(frame, f'{name}_rows')}")
        # Held, since they are asked for more than once: to look them up each time fills the memory.
        self._run(f"CREATE OR REPLACE TABLE {stood} AS {merge.standing(frame, 'cells', f'{name}_winners', counts)}")
        heirs = self._inherit(name, counts) if frame.inheriting else None
        self._run(f"CREATE OR REPLACE VIEW {name}_published AS {merge.published(frame, stood, heirs)}")

    def _inherit(self, name: str, counts: str) -> str | None:
        """Make the table of the cells that winning rows take over; None if there are no such cells."""
        given, stood = f"{name}_givers", f"{name}_held"
        self._run(f"CREATE OR REPLACE TABLE {given} AS {merge.givers(self._frame, 'cells', stood, counts)}")
        heirs = None
        if self._count(given):
            portions = _portions(self._frame.inheriting)
            queries = [merge.taken(self._frame, groups, stood, given) for groups in portions]
            heirs = self._side_by_side(f"{name}_heirs", queries)
        self._run(f"DROP TABLE {given}")
        return heirs

    def _side_by_side(self, name: str, queries: Sequence[str]) -> str:
        """Make one table of the columns of many queries: some at a time, and of the results in the same way."""
        tables = [f"{name}_{number}" for number in range(len(queries))]
        for table, query in zip(tables, queries, strict=True):
            self._run(f"CREATE OR REPLACE TABLE {table} AS {query}")
        if len(tables) == 1:
            return tables[0]
        whole = self._side_by_side(f"{name}_of", [merge.side_by_side(portion) for portion in _portions(tables)])
        for table in tables:
            self._run(f"DROP TABLE {table}")
        return whole

    def _count(self, relation: str) -> int:
        """The number of rows."""
        return int(self._run(f"SELECT count(*) FROM {relation}")[0][0])


class InitialMerging(Merging):
    """A merge where nothing was there before, every file carries the same columns, and every row counts."""

    def resolve(self, source: str) -> None:
        """Make `published`; arguments as above."""
        frame = self._frame
        self._run(f"CREATE OR REPLACE VIEW cells AS {source}")
        self._run(f"CREATE OR REPLACE VIEW all_rows AS {merge.rows(frame, 'cells')}")
        self._run(f"CREATE OR REPLACE TABLE crowded AS {initial.crowded(frame, 'cells')}")
        self._run(f"CREATE OR REPLACE TABLE crowd AS {initial.crowd(frame, 'all_rows', 'crowded')}")
        self._run(f"CREATE OR REPLACE TABLE hidden AS {initial.hidden(frame, 'crowd')}")
        self._run(f"CREATE OR REPLACE VIEW after_published AS {initial.published('all_rows', 'hidden')}")
        met = initial.rivals(frame, "cells", "crowd", "pairs")
        self._attribute(merge.contended(frame, "crowd"), f"({merge.rows(frame, f'({met})')})")

    def effects(self, *, replaced: bool) -> Effects:
        """Count: a key is inserted by its published row; what says the same is unchanged, and so are tombstones."""
        assert not replaced
        rows, dead, hidden = map(int, self._run(initial.counted("all_rows", "hidden"))[0])
        echoed = initial.echoed(self._frame, "rivals", "contents", "hidden")
        echoes = int(self._run(echoed)[0][0]) if self._rivalry else 0
        ties, tied = self._conflicts()
        return Effects(
            inserted=rows - dead - hidden, unchanged=dead + echoes, superseded=hidden - echoes, ties=ties, tied=tied
        )


def _portions(items: Sequence[_T]) -> list[Sequence[_T]]:
    return [items[start : start + _JOINED] for start in range(0, len(items), _JOINED)]
