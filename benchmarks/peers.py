#!/usr/bin/env python3
"""What a user would write or install instead: each peer turns a folder of CSV drops into one latest.csv.

    python benchmarks/peers.py NAME DROPS OUT [STATE]

With STATE (a latest.csv) the drops are merged into it. Each is its tool's plain way to say it, as a user would find it
in the manual, and none of them does more: PEERS says of each what its rule is and what it leaves out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NEWEST_FIRST = "row_number() OVER (PARTITION BY id ORDER BY timestamp DESC, source_filename DESC)"


def pandas_loop(drops: Path, out: Path, state: Path | None) -> None:
    """The usual script: per file read latest.csv, concatenate, drop duplicates, write."""
    import pandas as pd

    if state:
        shutil.copy(state, out)
    for path in files(drops):
        frame = pd.read_csv(path)
        frame["source_filename"] = path.name
        if out.exists():
            frame = pd.concat([pd.read_csv(out), frame])
        frame = frame.sort_values("timestamp", kind="stable").drop_duplicates("id", keep="last").sort_values("id")
        frame.to_csv(out, index=False)


def polars_once(drops: Path, out: Path, state: Path | None) -> None:
    """One lazy query over all files, streamed to the result."""
    import polars as pl

    rows = pl.scan_csv(files(drops), include_file_paths="source_filename", try_parse_dates=True)
    if state:
        rows = pl.concat([pl.scan_csv(state, try_parse_dates=True), rows], how="vertical_relaxed")
    rows.sort("timestamp", maintain_order=True).unique("id", keep="last").sort("id").sink_csv(out)


def duckdb_once(drops: Path, out: Path, state: Path | None) -> None:
    """One SQL statement over all files: rank, filter, sort, write."""
    import duckdb

    rows = f"SELECT * RENAME (filename AS source_filename) FROM {read(drops)}"
    if state:
        rows = f"FROM read_csv({literal(state)}) UNION ALL BY NAME ({rows})"
    ranked = f"SELECT *, {NEWEST_FIRST} AS place FROM ({rows})"
    newest = f"SELECT * EXCLUDE (place) FROM ({ranked}) WHERE place = 1 ORDER BY id"
    duckdb.connect().execute(f"COPY ({newest}) TO {literal(out)}")


def duckdb_anti_join(drops: Path, out: Path, state: Path | None) -> None:
    """The quick way with a state: its untouched rows, then the new ones, unsorted; takes every drop for newer."""
    import duckdb

    assert state, "it adds to a state"
    rows = f"SELECT * RENAME (filename AS source_filename) FROM {read(drops)}"
    ranked = f"SELECT *, {NEWEST_FIRST} AS place FROM ({rows})"
    connection = duckdb.connect()
    connection.execute(f"CREATE TEMP TABLE new AS SELECT * EXCLUDE (place) FROM ({ranked}) WHERE place = 1")
    untouched = f"SELECT * FROM read_csv({literal(state)}) ANTI JOIN new USING (id)"
    connection.execute(f"COPY ({untouched} UNION ALL BY NAME FROM new) TO {literal(out)}")


def delta_merge(drops: Path, out: Path, state: Path | None) -> None:
    """The lakehouse way: a MERGE for each file with delta-rs, and one export."""
    import duckdb
    from deltalake import DeltaTable, write_deltalake

    assert state is None, "its state would be its own table"
    connection = duckdb.connect()
    table = tempfile.mkdtemp()
    for number, path in enumerate(files(drops)):
        rows = f"SELECT *, {literal(path.name)} AS source_filename FROM read_csv({literal(path)})"
        ranked = f"SELECT *, {NEWEST_FIRST} AS place FROM ({rows})"
        batch: Any = connection.sql(f"SELECT * EXCLUDE (place) FROM ({ranked}) WHERE place = 1")
        if number == 0:
            write_deltalake(table, batch)
            continue
        merge = DeltaTable(table).merge(batch, predicate="t.id = s.id", source_alias="s", target_alias="t")
        merge = merge.when_matched_update_all(predicate="s.timestamp > t.timestamp")
        merge.when_not_matched_insert_all().execute()
    parts = ", ".join(literal(uri) for uri in DeltaTable(table).file_uris())
    connection.execute(f"COPY (FROM read_parquet([{parts}]) ORDER BY id) TO {literal(out)}")
    shutil.rmtree(table)


def dlt_merge(drops: Path, out: Path, state: Path | None) -> None:
    """A dlt pipeline into DuckDB: a resource over all files, merged on id, the newest by dedup_sort; and an export."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt
    import duckdb
    import pyarrow as pa
    import pyarrow.csv

    assert state is None, "its state would be its own database"

    def rows() -> Iterator[pa.Table]:
        for path in files(drops):
            table = pyarrow.csv.read_csv(path)
            yield table.append_column("source_filename", pa.array([path.name] * len(table)))

    folder = tempfile.mkdtemp()
    database = str(Path(folder) / "rows.duckdb")
    pipeline = dlt.pipeline(
        "benchmark", pipelines_dir=folder, destination=dlt.destinations.duckdb(database), dataset_name="latest"
    )
    hints = {"timestamp": {"dedup_sort": "desc"}}
    pipeline.run(dlt.resource(rows(), name="rows", primary_key="id", write_disposition="merge", columns=hints))
    with duckdb.connect(database, read_only=True) as connection:
        connection.execute(f"COPY (FROM latest.rows ORDER BY id) TO {literal(out)}")
    shutil.rmtree(folder)


def miller(drops: Path, out: Path, state: Path | None) -> None:
    """Miller: newest first, the first of each id, by id. Sorts are stable, so later files win ties."""
    assert state is None, "rows of a state would lose the names of their files"
    name = 'put $source_filename=sub(FILENAME,"^.*/","")'
    verbs = [
        name.split(" ", 1),
        ["tac"],
        ["sort", "-cr", "timestamp"],
        ["head", "-n", "1", "-g", "id"],
        ["sort", "-nf", "id"],
    ]
    chain = [word for verb in verbs for word in ["then", *verb]][1:]
    with out.open("wb") as file:
        subprocess.run(["mlr", "--csv", *chain, *map(str, files(drops))], stdout=file, check=True)


def csvkit(drops: Path, out: Path, state: Path | None) -> None:
    """csvkit: the files stacked, and one query in the SQLite of csvsql; of a tie any row may win."""
    assert state is None, "rows of a state would lose the names of their files"
    tools = Path(sys.executable).parent
    names = list(map(str, files(drops)))
    query = "SELECT *, max(timestamp) AS newest FROM stdin GROUP BY id ORDER BY CAST(id AS INTEGER)"
    with out.open("wb") as file:
        stack = [str(tools / "csvstack"), "--filenames", "--group-name", "source_filename", *names]
        with subprocess.Popen(stack, stdout=subprocess.PIPE) as stacked:
            sql = [str(tools / "csvsql"), "--no-inference", "--snifflimit", "0", "--query", query]
            subprocess.run(sql, stdin=stacked.stdout, stdout=file, check=True)
        assert stacked.returncode == 0, "csvstack failed"


def copy(drops: Path, out: Path, state: Path | None) -> None:
    """The floor: read the drops' bytes, and copy the old latest.csv as the system does it, durably."""
    assert state, "it copies a state"
    for path in files(drops):
        path.read_bytes()
    shutil.copyfile(state, out)
    with out.open("rb") as file:
        os.fsync(file.fileno())


@dataclass(frozen=True)
class Peer:
    """One peer.

    Args:
        make: what it does.
        merges: whether its result holds the newest row of each key; a copy does not.
        lacks: what it does not do beyond what no peer does, for the report.
    """

    make: Callable[[Path, Path, Path | None], None]
    lacks: str
    merges: bool = True


PEERS = {
    "pandas_loop": Peer(pandas_loop, "types guessed anew from each file"),
    "polars_once": Peer(polars_once, "types guessed from the first rows; all rows in memory to be sorted"),
    "duckdb_once": Peer(
        duckdb_once, "types guessed from a sample; which of two rows of one file and instant wins is open"
    ),
    "duckdb_anti_join": Peer(
        duckdb_anti_join, "takes every drop for newer than the state, so a late row wins; the result is not sorted"
    ),
    "delta_merge": Peer(delta_merge, "one transaction for each file, so a reader may see half of a delivery"),
    "dlt_merge": Peer(
        dlt_merge, "newest within one load only: between loads the later load wins, whatever its timestamps"
    ),
    "miller": Peer(miller, "all rows in memory, as text; timestamps compared as text"),
    "csvkit": Peer(csvkit, "all rows in SQLite in memory, as text; which row wins a tie is open"),
    "copy": Peer(copy, "merges nothing: what any way to write a new file costs at least", merges=False),
}


def files(drops: Path) -> list[Path]:
    """The drops, in the order of their names."""
    return sorted(drops.glob("*.csv"))


def read(drops: Path) -> str:
    """DuckDB's reading of all drops, with the name of each row's file as `filename`."""
    return f"read_csv({literal(drops / '*.csv')}, filename = true)"


def literal(value: str | Path) -> str:
    """A text in SQL; COPY takes no parameters."""
    return "'" + str(value).replace("'", "''") + "'"


def main(arguments: list[str]) -> None:
    """Do what one peer does."""
    name, drops, out, *state = arguments
    PEERS[name].make(Path(drops), Path(out), Path(state[0]) if state else None)


if __name__ == "__main__":
    main(sys.argv[1:])
