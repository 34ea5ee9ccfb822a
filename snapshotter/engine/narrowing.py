"""The lines of the view that a change can touch, in DuckDB: found by the index, read, and placed again.

What the queries say is in `snapshotter.narrow`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from snapshotter import narrow
from snapshotter.blocks import Offsets
from snapshotter.contract import Contract
from snapshotter.engine.acceptance import Acceptance
from snapshotter.engine.base import BatchRow, Narrowed, Placed, Stored, Text
from snapshotter.engine.rows import no_rows, stored_rows
from snapshotter.engine.session import ARRAYS, literal
from snapshotter.errors import ReaderDisagrees
from snapshotter.frame import Field, Frame
from snapshotter.merge import keys
from snapshotter.publish import ViewColumn


class Narrowing(Acceptance):
    """The part of the engine that knows the published view by its index."""

    @property
    def version(self) -> str:
        """That of DuckDB."""
        return f"duckdb {duckdb.__version__}"

    def load_index(self, path: Path) -> tuple[Offsets, Offsets]:
        """Read the index into `blocks`; returns where each begins, and the checksums. Raises LedgerDamaged."""
        source = f"read_parquet({literal(str(path))}, file_row_number = true)"
        query = f"SELECT file_row_number AS n, first, begin, checked FROM {source}"
        with self._reading_ledger():
            self._run(f"CREATE OR REPLACE TABLE blocks AS {query}")
        begins, checks = self._arrays("SELECT begin, checked FROM blocks ORDER BY n")
        return begins, checks

    def make_index(self, firsts: Text, contract: Contract, columns: Sequence[ViewColumn], key: Sequence[Field]) -> int:
        """Make `blocks` of the first line of each; returns how many there are."""
        self.read(firsts)
        lines = narrow.lines(key, columns, contract, None)
        # What comes before all else belongs to the first block: else one that is split off it could begin with its key.
        query = f"SELECT _n AS n, CASE WHEN _n = 0 THEN ''::BLOB ELSE _key END AS first FROM ({lines})"
        self._run(f"CREATE OR REPLACE TABLE blocks AS {query}", contract.parameters)
        self._forget_text()
        falls = "SELECT first < lag(first) OVER (ORDER BY n) AS falls FROM blocks"
        if self._one(f"SELECT count(*) FROM ({falls}) WHERE falls"):
            raise ReaderDisagrees(file="latest.csv", problem="its lines were not written in the order of their keys")
        return int(self._one("SELECT count(*) FROM blocks"))

    def split_blocks(self, lines: Offsets, begins: Offsets) -> None:
        """Let blocks begin at these lines, too, and number all anew: by their keys, which no two have alike."""
        with self._given(n=lines, begin=begins):
            more = f"SELECT l._key AS first, a.begin FROM {ARRAYS} a JOIN lines l ON l._n = a.n"
            both = f"SELECT first, begin FROM blocks UNION ALL BY NAME {more}"
            numbered = f"SELECT row_number() OVER (ORDER BY first) - 1 AS n, first, begin FROM ({both})"
            self._run(f"CREATE OR REPLACE TABLE blocks AS {numbered}")

    def write_index(self, begins: Offsets, checks: Offsets, kept: Offsets, path: Path) -> None:
        """Write `blocks` with these offsets and checksums; only those that are kept."""
        with self._given(n=kept, begin=begins, checked=checks):
            query = f"SELECT b.first, a.begin, a.checked FROM blocks b JOIN {ARRAYS} a ON a.n = b.n ORDER BY a.n"
            self._run(f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet)")

    def seek(self, frame: Frame, sources: Sequence[Stored], changed: Collection[int]) -> int:
        """Find the keys of the accepted rows, and of the stored rows of some batches; returns how many there are."""
        fresh = " UNION ALL BY NAME ".join([no_rows(frame), *self._accepted_rows()])
        found = [narrow.rows_of(changed, frame.key, stored_rows(stored)) for stored in sources if stored.paths]
        others = " UNION ALL BY NAME ".join([f"SELECT {keys(frame.key)} FROM ({no_rows(frame)})", *found])
        with self._reading_ledger():
            self._run(f"CREATE OR REPLACE TABLE sought AS {narrow.sought(frame.key, fresh, others)}")
        return int(self._one("SELECT count(*) FROM sought"))

    def seek_key(self, contract: Contract, key: Sequence[Field], parts: Sequence[str]) -> None:
        """Seek one key."""
        self._table("asked", ", ".join(f"p{place} VARCHAR" for place in range(len(parts))), [tuple(parts)])
        query = narrow.sought_key(key, contract, parts)
        self._run(f"CREATE OR REPLACE TABLE sought AS {query}", contract.parameters)

    def locate(self) -> Offsets:
        """The numbers of the blocks in which sought keys belong, ascending."""
        (numbers,) = self._arrays(f"SELECT DISTINCT _block FROM ({narrow.located('sought')}) ORDER BY _block")
        return numbers

    def show(
        self,
        text: Text,
        contract: Contract,
        columns: Sequence[ViewColumn],
        key: Sequence[Field],
        timestamp: Field | None,
    ) -> int:
        """Read lines of the view into `lines`; returns their number. Raises ReadFailed."""
        found = self.read(text)
        query = narrow.lines(key, columns, contract, timestamp)
        self._run(f"CREATE OR REPLACE TABLE lines AS {query}", contract.parameters)
        self._forget_text()
        return found

    def placed(self, key: Sequence[Field]) -> Placed:
        """Where the merged rows go among the lines that were shown, and which of those go."""
        (gone,) = self._arrays(narrow.gone(key))
        blocks, after = self._arrays(narrow.come(key, "published"))
        return Placed(gone, blocks, after)

    def _accepted_rows(self) -> list[str]:
        """Queries of the accepted rows."""
        return [f"SELECT * EXCLUDE (_ok) FROM {table}" for table in self._accepted]

    def _narrowed(self, frame: Frame, stored: Stored, narrowed: Narrowed) -> str:
        """Query of those stored rows that can matter, or of what stands for them."""
        wanted = [f"SELECT {keys(frame.key)} FROM sought"]
        lines = f"SELECT * FROM ({narrow.standing_in(frame, 'lines')}) WHERE FALSE"
        if narrowed.settles:
            wanted = [narrow.unsettled(frame)]
            lines = narrow.standing_in(frame, f"({narrow.settled(frame)})")
            if narrowed.buries and stored.paths:
                wanted.append(narrow.buried(frame, stored_rows(stored)))
        self._run(f"CREATE OR REPLACE TABLE wanted AS {' UNION '.join(wanted)}")
        parts = [f"SELECT * FROM ({lines})"] if narrowed.settles else []
        known = f"SELECT count(*), count(*) FILTER ({narrow.unfilled(frame.key)}) FROM wanted"
        ((keys_wanted, unfilled),) = self._all(known)
        if stored.paths and keys_wanted:
            fetched = narrow.fetched(frame, stored_rows(stored), "wanted", filled=not unfilled)
            self._run(f"CREATE OR REPLACE TABLE fetched AS {fetched}")
            parts.append("SELECT * FROM fetched")
        return " UNION ALL BY NAME ".join(parts)

    def _stand_in(self, frame: Frame) -> BatchRow:
        """The batch of the lines that stand for all rows of their keys; they carry what every batch carries."""
        carries = frozenset(field.index for field in frame.constant)
        return BatchRow(narrow.STANDING_IN, narrow.STANDING_IN, carries, False, False, "", 0, 0, "")  # noqa: FBT003
