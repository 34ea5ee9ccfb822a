"""The default engine: DuckDB, embedded and in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from snapshotter import lasting, merge
from snapshotter.contract import Contract
from snapshotter.engine.base import BatchRow, Difference, Effects, Narrowed, Stored, Version
from snapshotter.engine.merging import InitialMerging, Merging
from snapshotter.engine.rows import no_rows, rows_of, stored_rows
from snapshotter.engine.session import literal
from snapshotter.engine.staging import Staging
from snapshotter.frame import Field, Frame, Group
from snapshotter.merge import keys, same_key
from snapshotter.publish import ViewColumn, key_order, of_batch, text, view
from snapshotter.sql import identifier

_TALLIED = 100  # files that one query counts
_MANY_CELLS = 10_000  # tables times columns, from which on one table costs less than planning them all


class DuckDBEngine(Staging):
    """See `snapshotter.engine.port.Engine`; arguments as in `open_engine`."""

    # -- Parquet

    def copy_rows(self, sources: Mapping[Path, Collection[int]], path: Path) -> int:
        """Copy them in one pass."""
        with self._reading_ledger():
            return self._copy(rows_of(sources), path, "FORMAT parquet")

    def copy_lasting(self, frame: Frame, batches: Sequence[BatchRow], stored: Stored, path: Path, by: str) -> int:
        """Find their ranks first, and then the rows as they are stored."""
        with self._reading_ledger():
            self._set_batches(batches, frame.groups)
            self._run(f"CREATE OR REPLACE VIEW cells AS {self._source(frame, stored_rows(stored))}")
            self._run(f"CREATE OR REPLACE VIEW all_rows AS {merge.rows(frame, 'cells')}")
            self._run(f"CREATE OR REPLACE TABLE tops AS {lasting.tops(frame, 'all_rows', by)}")
            self._run(f"CREATE OR REPLACE TABLE equals AS {lasting.equals(frame, 'all_rows', 'tops', by)}")
            self._run(f"CREATE OR REPLACE TABLE kept AS {lasting.ranks(frame, 'tops', 'equals')}")
            sources = {source: stored.hidden.get(source, ()) for source in stored.paths}
            return self._copy(lasting.rows(f"({rows_of(sources)})", "kept"), path, "FORMAT parquet")

    def tally(self, paths: Sequence[Path]) -> list[list[tuple[int, str, int, int]]]:
        """Count in one query for many files; a path as a column could meet a column of theirs."""
        found: list[list[tuple[int, str, int, int]]] = [[] for _ in paths]
        for first in range(0, len(paths), _TALLIED):
            query = " UNION ALL ".join(
                f"SELECT {place:d}, _batch, source_filename, source_revision, count(*) "
                f"FROM read_parquet({literal(str(path))}) GROUP BY ALL"
                for place, path in enumerate(paths[first : first + _TALLIED], first)
            )
            with self._reading_ledger():
                rows = self._all(query)
            for place, *tally in rows:
                batch, name, revision, count = tally
                found[place].append((int(batch), str(name), int(revision), int(count)))
        return found

    # -- merging

    def merge(
        self, frame: Frame, batches: Sequence[BatchRow], stored: Stored, narrowed: Narrowed | None = None
    ) -> Effects:
        """Resolve all rows into `published` with `_lineage`; then, if rows are new, see what they did."""
        with self._reading_ledger():
            self._expect(len(frame.fields))
            self._gather(len(frame.fields), _MANY_CELLS)
            old = stored_rows(stored)
            if narrowed:
                old = self._narrowed(frame, stored, narrowed)
                batches = [*batches, self._stand_in(frame)]
            self._set_batches(batches, frame.groups)
            replaced = any(batch.is_gone for batch in batches)
            merging = Merging(frame, self._all)
            if not (old or replaced or frame.groups) and any(batch.is_new for batch in batches):
                merging = InitialMerging(frame, self._all)
            merging.resolve(self._source(frame, old))
            if not any(batch.is_new for batch in batches):
                return Effects()
            return merging.effects(replaced=replaced)

    def lost_keys(self, frame: Frame, stored: Stored, revisions: Mapping[int, int]) -> dict[int, int]:
        """Compare the keys of all pairs of batches at once."""
        if not revisions:
            return {}
        self._table("revisions", "new INTEGER, old INTEGER", list(revisions.items()))
        everything = self._source(frame, stored_rows(stored))
        a, b = (
            f"(SELECT v.new AS revision, {keys(frame.key, 'r.')} FROM ({everything}) r "
            f"JOIN revisions v ON r._batch = v.{which})"
            for which in ("old", "new")
        )
        on = f"a.revision = b.revision AND {same_key(frame.key, 'a', 'b')}"
        lost = f"SELECT DISTINCT a.* FROM {a} a ANTI JOIN {b} b ON {on}"
        with self._reading_ledger():
            return dict(self._all(f"SELECT revision, count(*) FROM ({lost}) GROUP BY revision"))

    def _source(self, frame: Frame, old: str) -> str:
        """Query of the accepted rows, and of old ones if there are any, under the names that `merge` knows."""
        return " UNION ALL BY NAME ".join([no_rows(frame), *self._accepted_rows(), *([old] if old else [])])

    def _set_batches(self, batches: Sequence[BatchRow], groups: Sequence[Group]) -> None:
        self._batches = batches
        sets = {carries: number for number, carries in enumerate(dict.fromkeys(batch.carries for batch in batches))}
        flags = "".join(f", {group.has} BOOLEAN" for group in groups)
        columns = (
            "batch INTEGER, place BIGINT, carried INTEGER, is_new BOOLEAN, is_gone BOOLEAN, name VARCHAR, "
            f"revision INTEGER, snapshot BIGINT, loaded_at VARCHAR{flags}"
        )
        rows = []
        for b in batches:
            known = (
                b.batch,
                b.place,
                sets[b.carries],
                b.is_new,
                b.is_gone,
                b.name,
                b.revision,
                b.snapshot,
                b.loaded_at,
            )
            rows.append((*known, *(group.fields[0].index in b.carries for group in groups)))
        self._table("batches", columns, rows)

    # -- views

    def publish(
        self,
        contract: Contract,
        columns: Sequence[ViewColumn],
        key: Sequence[Field],
        path: Path,
        *,
        excel_safe: bool = False,
        header: bool = True,
    ) -> int:
        """Write the view; DuckDB quotes a cell only where it must, and gives the exact text back."""
        own = replace(contract, parameters=contract.parameters.copy())  # to which the query adds its own
        lineage = {name: f"{own.parameters.bind(self._texts(name))}::VARCHAR[]" for name in of_batch(columns)}
        query = view(columns, own, key, "published", lineage, excel_safe=excel_safe)
        options = f"FORMAT csv, HEADER {header}, DELIMITER ',', COMMENT '', USE_TMP_FILE false"
        return self._copy(query, path, options, own.parameters)

    def _texts(self, lineage: str) -> list[str]:
        """What a column of lineage says of each batch that counts, in the order of their places, from 1 on."""
        names = {"source_filename": "name", "source_revision": "revision", "snapshot": "snapshot"}
        told = {b.place: str(getattr(b, names.get(lineage, lineage))) for b in self._batches if not b.is_gone}
        return [told.get(place, "") for place in range(1, max(told, default=0) + 1)]

    def versions(self, contract: Contract, columns: Sequence[ViewColumn], key: Sequence[Field]) -> list[Version]:
        """Read the rows of the key, newest first; only the columns that each row's file carries."""
        shown = [column for column in columns if column.field is not None]
        cells = ", ".join(f"coalesce({text(column, contract)}, '')" for column in shown)
        query = (
            f"SELECT p._batch, p.source_row, p._deleted, p._rank IN (SELECT _lineage FROM published), {cells} "
            f"FROM after_rows p SEMI JOIN sought s ON {same_key(key, 'p', 's')} ORDER BY p._rank DESC"
        )
        names = [column.name for column in shown]
        return [
            Version(dict(zip(names, values, strict=True)), int(batch), int(row), current=current, deleted=deleted)
            for batch, row, deleted, current, *values in self._all(query, contract.parameters)
        ]

    def keep(self, contract: Contract, columns: Sequence[ViewColumn], key: Sequence[Field], name: str) -> None:
        """Keep texts: two contracts may have other types for a column."""
        cells = [
            f"coalesce({text(c, contract)}, '') AS {identifier('x' + c.name)}" for c in columns if c.field is not None
        ]
        order = f"row_number() OVER (ORDER BY {', '.join(key_order(key))}) AS _place"
        self._run(
            f"CREATE TABLE {identifier(name)} AS SELECT {', '.join([*cells, order])} FROM published p",
            contract.parameters,
        )

    def differences(self, one: str, other: str, key: Sequence[str], columns: Sequence[str]) -> tuple[int, int, int]:
        """Count by the same joins; nothing leaves the engine but three numbers."""
        a, b = identifier(one), identifier(other)
        on = " AND ".join(f"a.{identifier('x' + name)} = b.{identifier('x' + name)}" for name in key)
        sides = [", ".join(f"{alias}.{identifier('x' + name)}" for name in columns) for alias in "ab"]
        differ = f"row({sides[0]}) IS DISTINCT FROM row({sides[1]})" if columns else "FALSE"
        queries = (
            f"{b} b ANTI JOIN {a} a ON {on}",
            f"{a} a ANTI JOIN {b} b ON {on}",
            f"{a} a JOIN {b} b ON {on} WHERE {differ}",
        )
        added, removed, changed = (int(self._one(f"SELECT count(*) FROM {query}")) for query in queries)
        self._run(f"DROP TABLE {a}; DROP TABLE {b}")
        return added, removed, changed

    def compare(self, one: str, other: str, key: Sequence[str], columns: Sequence[str]) -> Difference:
        """Compare by a full join on the key; only what differs leaves the engine."""
        a, b = identifier(one), identifier(other)
        on = " AND ".join(f"a.{identifier('x' + name)} = b.{identifier('x' + name)}" for name in key)
        keys = [", ".join(f"{alias}.{identifier('x' + name)}" for name in key) for alias in "ab"]
        added = self._all(f"SELECT {keys[1]} FROM {b} b ANTI JOIN {a} a ON {on} ORDER BY b._place")
        removed = self._all(f"SELECT {keys[0]} FROM {a} a ANTI JOIN {b} b ON {on} ORDER BY a._place")
        changed = []
        for place, name in enumerate(columns):
            cell = identifier("x" + name)
            both = f"{a} a JOIN {b} b ON {on} WHERE a.{cell} <> b.{cell}"
            rows = self._all(f"SELECT b._place, a.{cell}, b.{cell}, {keys[0]} FROM {both}")
            changed += [((row, place), (list(parts), name, old, new)) for row, old, new, *parts in rows]
        changed.sort(key=lambda item: item[0])
        return Difference([list(k) for k in added], [list(k) for k in removed], [change for _, change in changed])
