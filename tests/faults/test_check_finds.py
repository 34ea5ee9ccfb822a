"""`check` finds every changed byte: of the log, the Parquet files, the views, the archive and the refused rows."""

import gzip
import os
import random
from collections import Counter

import pytest
from conftest import drop
from modes import long_only

from snapshotter import upkeep
from snapshotter.ledger import Ledger

HEAD = "id,timestamp,v,gone\n"
CONFIG = """
[datasets.default]
match = "*.csv"
delete_when = { column = "gone", values = ["yes"] }
[datasets.default.columns.v]
max_length = 8
[datasets.other]
match = "*.csv.gz"
replace_revisions = true
lineage = ["source_filename", "source_row", "snapshot", "loaded_at"]
"""


def rows(first, last, day, word="a", gone=""):
    """A file with some rows of one day."""
    return HEAD + "".join(f"{number},2024-01-{day:02d},{word}{number},{gone}\n" for number in range(first, last))


@pytest.fixture(scope="module")
def eventful(workspace):
    """Two datasets, gz files, refused rows and files, deletes, duplicates, a reset, a requeue, a withdrawal."""
    ws = workspace(CONFIG, **{"a.csv": rows(1, 40, 1), "a.csv.gz": gzip.compress(rows(1, 40, 1).encode())})
    ws.run()
    drop(ws, "b.csv", rows(20, 60, 2, "much too long") + rows(60, 70, 2)[len(HEAD) :])
    drop(ws, "folder/a.csv.gz", gzip.compress(rows(30, 50, 2).encode()))
    drop(ws, "refused.csv", "x\n1\n")
    drop(ws, "empty.csv", HEAD)
    ws.run()
    drop(ws, "a.csv", rows(1, 10, 3, gone="yes"))
    drop(ws, "a.csv.gz", gzip.compress(rows(5, 20, 3).encode()))
    drop(ws, "c.csv", rows(100, 120, 3, "ü"))
    ws.run()
    ws.withdraw("c.csv", dataset="default")
    ws.reset(2, dataset="default")
    ws.reset(1, requeue=True, dataset="other")
    ws.run()
    drop(ws, "b.csv", rows(20, 60, 2, "much too long") + rows(60, 70, 2)[len(HEAD) :])
    drop(ws, "folder/a.csv.gz", gzip.compress(rows(30, 50, 2).encode()))
    ws.run()
    assert ws.check(every=True).problems == []
    return ws


@pytest.fixture(scope="module")
def old(workspace):
    """A workspace with merged Parquet files, forgotten snapshots, and a checkpoint with entries that left the log."""
    ws = workspace()
    for number in range(upkeep.TOGETHER + 3):
        drop(ws, f"{number}.csv", f"id,timestamp,v\n{number},2024-01-01,x\n,,refused\n")
        ws.run()
    ws.prune(4)
    ledger = Ledger(ws.layout.ledger("default"), "default")
    ledger.open()
    ledger.shed(2)
    assert ws.check(every=True).problems == []
    return ws


def ours(ws):
    """The files in `output/` and `input/processed/`, without hidden ones: what a check vouches for."""
    found = [path for folder in (ws.layout.output, ws.layout.processed) for path in folder.rglob("*")]
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def missed(ws, changes, seed):
    """Change one byte, check, change it back, so many times; returns the changes that were not found.

    One half of them is spread over the files, so that small ones have their share, the other over the bytes. The
    file's time is put back, as a disk that fails would leave it.
    """
    chance, files, found = random.Random(seed), ours(ws), []
    sizes = [path.stat().st_size for path in files]
    for number in range(changes):
        path = chance.choice(files) if number % 2 else chance.choices(files, sizes)[0]
        content, status = path.read_bytes(), path.stat()
        place = chance.randrange(len(content))
        changed = bytearray(content)
        changed[place] ^= chance.randrange(1, 256)
        put(path, bytes(changed), status)
        result = ws.check()
        put(path, content, status)
        if result.ok:
            what = path.relative_to(ws.layout.root).as_posix()
            found.append(f"{what}, byte {place}: {content[place]:#x} -> {changed[place]:#x}")
    return found


def put(path, content, status):
    """Write a file where it lies, with the times that it had."""
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_the_files_are_of_every_kind(eventful):
    """Logs, notes, Parquet files, views, refused rows and archived files of both datasets are among them."""
    kinds = Counter(
        "/".join([*path.relative_to(eventful.layout.root).parts[:2], path.suffix]) for path in ours(eventful)
    )
    assert set(kinds) == {
        "input/processed/.csv",
        "input/processed/.gz",
        "output/latest.csv/.csv",
        "output/other/.csv",
        "output/ledger/.json",
        "output/ledger/.index",
        "output/ledger/.parquet",
        "output/rejects/.csv",
    }


def test_a_sample_of_changed_bytes_is_found(eventful):
    """Of sixty changes of one byte, all are found."""
    assert missed(eventful, 60, seed=1) == []


def test_a_sample_of_changed_bytes_of_an_old_workspace_is_found(old):
    """Of thirty more, in history, checkpoint, digests and merged Parquet files, too, all are found."""
    assert {path.suffix for path in ours(old)} >= {".zst", ".parquet", ".json", ".csv"}
    assert list(old.layout.ledger("default").glob("_delta_log/*.checkpoint.parquet"))
    assert missed(old, 30, seed=3) == []


@pytest.mark.slow
def test_a_thousand_changed_bytes_are_found(eventful):
    """Of a thousand changes of one byte, all are found."""
    long_only()
    assert missed(eventful, 1_000, seed=2) == []
