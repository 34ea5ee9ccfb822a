"""Memory stays bounded, with files as large as they come: minutes to an hour, so SNAPSHOTTER_FAULTS asks for it."""

import gzip
import os
import shutil
import subprocess

import duckdb
import pytest
from conftest import peak

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("SNAPSHOTTER_FAULTS"), reason="SNAPSHOTTER_FAULTS is not set"),
]

GB = 10**9
ROW = 165  # bytes of a line of `wide`


def wide(path, rows: int) -> None:
    """A file of twelve columns, its keys in no order."""
    duckdb.sql(
        f"COPY (SELECT (i * 7919) % {rows} AS id, (TIMESTAMP '2024-01-01' + INTERVAL (i % 30000000) SECOND)::VARCHAR "
        "AS \"timestamp\", 'name ' || (i % 1000003) AS name, 'user' || i || '@example.net' AS email, "
        "'City of ' || (i % 997) AS city, (i % 100000) / 100.0 AS amount, i % 17 AS quantity, "
        "'description of the thing ' || hash(i)::VARCHAR AS description, 'a' || (i % 13) AS a, "
        f"md5((i % 1000)::VARCHAR)[1:12] AS b, 'constant' AS c, i AS d FROM range({rows}) t(i)) "
        f"TO '{path}' (FORMAT csv, HEADER)"
    )


@pytest.fixture
def large(workspace):
    """Makes workspaces under a memory limit; gone afterwards, since they are large."""
    made = []

    def make(limit: str):
        made.append(workspace(f'memory_limit = "{limit}"\n'))
        return made[-1]

    yield make
    for ws in made:
        shutil.rmtree(ws.layout.root)


@pytest.mark.parametrize(("limit", "allowed"), [("2GB", 2500), ("500MB", 800)])
def test_a_file_of_5_gb(large, limit, allowed):
    """It passes, and the whole process stays near the limit."""
    ws = large(limit)
    wide(ws.layout.queue / "a.csv", 5 * GB // ROW)
    assert (ws.layout.queue / "a.csv").stat().st_size > 4.9 * GB
    code, used = peak(ws, "run")
    assert code == 0
    assert used < allowed, f"{used} MB"


def test_a_compressed_file_of_1_gb(large):
    """Its text goes to the disk."""
    ws = large("2GB")
    wide(ws.layout.root / "a.csv", 6 * GB // ROW)
    subprocess.run(["gzip", "-1", ws.layout.root / "a.csv"], check=True)
    (ws.layout.root / "a.csv.gz").rename(ws.layout.queue / "a.csv.gz")
    assert (ws.layout.queue / "a.csv.gz").stat().st_size > 0.9 * GB
    code, used = peak(ws, "run")
    assert code == 0
    assert used < 2500, f"{used} MB"


def test_three_million_broken_lines(large):
    """They are refused one by one, and read again one by one."""
    ws = large("500MB")
    with (ws.layout.queue / "a.csv").open("w") as file:
        file.write("id,timestamp,v\n1,2024-01-01,x\n")
        file.writelines(f'{n},2024-01-01,x"y{n}\n' for n in range(3_000_000))
    code, used = peak(ws, "run")
    assert code == 1
    assert used < 700, f"{used} MB"
    code, used = peak(ws, "rejects", "--json")
    assert code == 0
    assert used < 300, f"{used} MB"


def test_ten_thousand_files(large):
    """What is remembered of a file is little."""
    ws = large("500MB")
    for number in range(10_000):
        (ws.layout.queue / f"{number}.csv").write_text(f"id,timestamp,v\n{number},2024-01-01,x\n")
    code, used = peak(ws, "run")
    assert code == 0
    assert used < 700, f"{used} MB"


@pytest.mark.parametrize("kind", ["a line without an end", "a quoted cell of 500 MB"])
def test_a_record_without_end(large, kind):
    """Its file is refused, whatever comes behind."""
    ws = large("500MB")
    with (ws.layout.queue / "a.csv").open("wb") as file:
        file.write(b"id,timestamp,v\n1,2024-01-01,")
        if kind.startswith("a line"):
            file.truncate(2 * GB)
        else:
            file.write(b'"' + b"x\n" * 250_000_000 + b'"\n')
    code, used = peak(ws, "run")
    assert code == 1
    assert used < 400, f"{used} MB"


def test_a_bomb_of_many_members(large):
    """Members one behind the other are one text, and what they expand to together is bounded."""
    ws = large("500MB")
    with (ws.layout.queue / "a.csv.gz").open("wb") as file:
        file.write(gzip.compress(b"id,timestamp\n"))
        member = gzip.compress(b"1,2024-01-01\n" + b"\n" * 100_000_000)
        for _ in range(100):
            file.write(member)
    code, used = peak(ws, "run")
    assert code == 1
    assert used < 400, f"{used} MB"
