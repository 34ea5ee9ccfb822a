"""What somebody does to the published view, or to its index, never gets into a view that a run publishes."""

import itertools
import os
import shutil
import threading
from pathlib import Path

import duckdb
import pytest
from conftest import drop
from loguru import logger

from snapshotter import Workspace, blocks, rendering
from snapshotter.blocks import Blocks
from snapshotter.engine.duckdb import DuckDBEngine
from snapshotter.errors import OutOfMemory

HEAD = "id,timestamp,v\n"
COUNT = 200


def rows(numbers, year=2024, text="value"):
    """The text of a file."""
    return HEAD + "".join(f"{n},{year}-01-01,{text} {n}\n" for n in numbers)


@pytest.fixture
def splicing(workspace, monkeypatch):
    """A workspace with a view of many blocks; said: what runs said of how views came about."""
    for module in rendering, blocks:
        monkeypatch.setattr(module, "SIZE", 100)
    monkeypatch.setattr(blocks, "TOGETHER", 2)
    ws = workspace(**{"a.csv": rows(range(COUNT))})
    ws.run()
    ws.said = []
    sink = logger.add(lambda message: ws.said.append(message.record["message"]), level="DEBUG")
    logger.enable("snapshotter")
    yield ws
    logger.disable("snapshotter")
    logger.remove(sink)


def index(ws):
    """The index of the view."""
    (path,) = ws.layout.ledger("default").glob("_view-*.index")
    return path


def changed(ws, old, new):
    """Write to the view in place, and put its time back."""
    latest = ws.layout.latest("default")
    status, data = latest.stat(), latest.read_bytes()
    assert len(old) == len(new)
    assert data.count(old) == 1
    with latest.open("r+b") as file:
        file.seek(data.index(old))
        file.write(new)
    os.utime(latest, ns=(status.st_atime_ns, status.st_mtime_ns))


def updated(ws):
    """One row changes; what the run says, as a picture."""
    drop(ws, "b.csv", rows([100], 2025, "other"))
    told = ws.run()
    (dataset,) = told.datasets
    assert dataset.error is None
    return dataset.counts


def is_right(ws, counts):
    """Whether one row was updated, and all else is as it was."""
    wanted = rows(range(COUNT)).replace("100,2024-01-01,value 100\n", "100,2025-01-01,other 100\n")
    wanted = "".join(
        f"{line},{'source_filename' if line == HEAD.strip() else 'b.csv' if 'other' in line else 'a.csv'}\n"
        for line in wanted.splitlines()
    )
    assert ws.layout.latest("default").read_text() == wanted
    assert (counts.updated, counts.inserted, counts.unchanged, counts.superseded) == (1, 0, 0, 0)
    assert ws.check().problems == []


def spliced(ws):
    """Whether the last run spliced."""
    return any("the view is spliced" in words for words in ws.said)


def test_nothing_done_is_spliced(splicing):
    """The control: this run splices."""
    is_right(splicing, updated(splicing))
    assert spliced(splicing)


VIEWS = {
    "a byte far from what changes": lambda ws: changed(ws, b"value 17,", b"value 71,"),
    "a byte in a line beside": lambda ws: changed(ws, b"value 101,", b"value 111,"),
    "the line that changes, as it will be": lambda ws: changed(
        ws, b"100,2024-01-01,value 100", b"100,2025-01-01,other 100"
    ),
    "the key of the line that changes": lambda ws: changed(ws, b"\n100,", b"\n999,"),
    "the time of the line that changes": lambda ws: changed(ws, b"100,2024-01-01", b"100,2029-01-01"),
    "the end of the header": lambda ws: changed(ws, b"source_filename\n", b"source_filename\r"),
    "a name in the header": lambda ws: changed(ws, b"id,timestamp,v", b"id,timestamp,w"),
    "a line end": lambda ws: changed(ws, b"a.csv\n42,", b"a.csv,42,"),
    "no text": lambda ws: changed(ws, b"value 102,", b"value\xff102,"),
    "a quote": lambda ws: changed(ws, b"value 102", b'value"102'),
}


@pytest.mark.parametrize("what", VIEWS)
def test_a_view_that_was_written_to(splicing, what):
    """Same size and time, other bytes: the run renders whole, and counts what the ledger says."""
    VIEWS[what](splicing)
    is_right(splicing, updated(splicing))
    assert not spliced(splicing)


@pytest.mark.parametrize("what", ["the line that changes, as it will be", "the time of the line that changes"])
def test_a_dry_run_counts_by_the_ledger(splicing, what):
    """Nor does a dry run, which writes no view, count what somebody wrote."""
    VIEWS[what](splicing)
    drop(splicing, "b.csv", rows([100], 2025, "other"))
    assert splicing.run(dry_run=True).datasets[0].counts.updated == 1


def replaced_by_a_copy(ws):
    """Another inode."""
    latest = ws.layout.latest("default")
    shutil.copy2(latest, latest.with_name("copy"))
    latest.with_name("copy").replace(latest)


def made_a_link(ws):
    """To the same bytes."""
    latest = ws.layout.latest("default")
    latest.rename(ws.layout.root / "elsewhere.csv")
    latest.symlink_to(ws.layout.root / "elsewhere.csv")


def made_a_pipe(ws):
    """Whoever opens it to read waits."""
    ws.layout.latest("default").unlink()
    os.mkfifo(ws.layout.latest("default"))


def cut_short(ws):
    """At once."""
    os.truncate(ws.layout.latest("default"), 1000)


FILES = {f.__name__.replace("_", " "): f for f in (replaced_by_a_copy, made_a_link, made_a_pipe, cut_short)}
FILES["removed"] = lambda ws: ws.layout.latest("default").unlink()


@pytest.mark.parametrize("what", FILES)
def test_a_view_that_is_another_file(splicing, what):
    """A copy is as good as the view; whatever else it became, the run publishes a file with the right bytes."""
    FILES[what](splicing)
    is_right(splicing, updated(splicing))
    assert splicing.layout.latest("default").is_file()
    assert not splicing.layout.latest("default").is_symlink()


def flipped(data):
    """With one byte that is another one."""
    return data[:-200] + bytes([data[-200] ^ 1]) + data[-199:]


INDEXES = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "torn": lambda path: os.truncate(path, path.stat().st_size // 2),
    "with a flipped byte": lambda path: path.write_bytes(flipped(path.read_bytes())),
    "of another version": lambda path: path.rename(path.with_name(path.name[:50] + "0" * 6 + path.name[56:])),
    "of another view": lambda path: path.rename(path.with_name(path.name.replace(path.name[6:20], "0" * 14))),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a link": lambda path: (path.rename(path.with_name("x")), path.symlink_to("x")),
}


@pytest.mark.parametrize("what", INDEXES)
def test_an_index_that_is_none(splicing, what):
    """Without a sound index the run renders whole, and makes one: the next run splices."""
    INDEXES[what](index(splicing))
    is_right(splicing, updated(splicing))
    assert not spliced(splicing)
    drop(splicing, "c.csv", rows([3], 2026))
    splicing.run()
    assert spliced(splicing)
    assert splicing.check().problems == []


@pytest.fixture
def copied(splicing, tmp_path):
    """The same workspace, copied with all times."""
    ws = Workspace(shutil.copytree(splicing.layout.root, tmp_path / "copy"))
    ws.said = splicing.said
    return ws


def test_a_copied_workspace_is_spliced(copied):
    """Its view has another inode, and is believed until it is copied again."""
    is_right(copied, updated(copied))
    assert spliced(copied)


@pytest.mark.parametrize("what", VIEWS)
def test_a_copied_workspace_is_proved(copied, what):
    """A run with nothing to do makes the view of a copy right, if its time says nothing."""
    wanted = copied.layout.latest("default").read_bytes()
    VIEWS[what](copied)
    copied.run()
    assert copied.layout.latest("default").read_bytes() == wanted


@pytest.mark.parametrize("where", ["the lines are read", "it is copied", "it is looked at again"])
@pytest.mark.parametrize("how", ["cut", "written to", "given another header"])
def test_somebody_is_at_it_meanwhile(splicing, monkeypatch, where, how):
    """Cut short or written to while the run works: what is published is right."""
    latest = splicing.layout.latest("default")
    places = {
        "the lines are read": (rendering, "line_ends"),
        "it is copied": (rendering, "splice"),
        "it is looked at again": (Blocks, "hold"),
    }
    owner, name = places[where]
    original, done = getattr(owner, name), []
    ways = {
        "cut": lambda: os.truncate(latest, 2000),
        "written to": lambda: changed(splicing, b"value 102,", b"value 999,"),
        "given another header": lambda: changed(splicing, HEAD.strip().encode(), HEAD.strip().upper().encode()),
    }

    def meddling(*arguments):
        if not done:
            done.append(True)
            ways[how]()
        return original(*arguments)

    monkeypatch.setattr(owner, name, meddling)
    is_right(splicing, updated(splicing))
    assert done


def test_a_view_that_grows_at_its_end(splicing):
    """Checksums are divided, so that no run reads all that ever came to the end."""
    for number in range(30):
        drop(splicing, "c.csv", rows(range(COUNT + 10 * number, COUNT + 10 * number + 10)))
        splicing.run()
    assert spliced(splicing)
    begins, _ = _runs(index(splicing), splicing.layout.latest("default").stat().st_size)
    assert max(b - a for a, b in itertools.pairwise(begins)) < 2000


def _runs(path: Path, size: int):
    """Where the bytes under each checksum begin, and the end; and the checksums."""
    with duckdb.connect() as connection:
        query = f"SELECT begin, checked FROM read_parquet('{path}') WHERE checked >= 0 ORDER BY begin"
        found = connection.execute(query).fetchall()
    return [*(begin for begin, _ in found), size], found


def test_the_end_of_the_old_view_is_waited_for(splicing):
    """No thread is left of a run."""
    before = threading.active_count()
    updated(splicing)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(5)
    assert threading.active_count() <= before


@pytest.mark.parametrize(
    ("kind", "key"), [("boolean", "true false"), ("date", "2024-01-01 2024-01-02"), ("integer", "-3 2"), ("uuid", "")]
)
def test_keys_of_few_bytes(workspace, kind, key):
    """A key of each size has an index, small ones, too."""
    keys = key.split() or [f"{n:08}-0000-0000-0000-000000000000" for n in range(2)]
    ws = workspace(f'[datasets.default.columns.id]\ntype = "{kind}"\n')
    for name, one in zip(("a.csv", "b.csv"), keys, strict=True):
        drop(ws, name, f"{HEAD}{one},2024-01-01,x\n")
        assert ws.run().datasets[0].error is None
        assert index(ws)


def test_one_thread(splicing, monkeypatch):
    """With one thread alone, the same bytes."""
    monkeypatch.setenv("SNAPSHOTTER_THREADS", "1")
    is_right(splicing, updated(splicing))
    assert spliced(splicing)


def test_new_rows_that_do_not_count_stand_for_nothing(splicing):
    """Two revisions of a file come at once, and the newer one lacks a key: the published line of that key stays."""
    toml = splicing.layout.root / "snapshotter.toml"
    toml.write_text("[datasets.default]\nreplace_revisions = true\n")
    ws = Workspace(splicing.layout.root)
    for numbers in ([5, 7], [7]):
        drop(ws, "c.csv", rows(numbers, 2025, "other"))
        ws.run()
    ws.reset(1, requeue=True)
    splicing.said.clear()
    ws.run()
    lines = splicing.layout.latest("default").read_bytes().splitlines()
    assert [line for line in lines if line.startswith((b"5,", b"7,"))] == [
        b"5,2024-01-01,value 5,a.csv",
        b"7,2025-01-01,other 7,c.csv",
    ]
    assert len(lines) == COUNT + 1
    assert spliced(splicing)
    assert splicing.check().problems == []


def test_a_part_of_the_key_that_is_in_no_file(workspace, monkeypatch):
    """A timestamp among the key that no file carries is empty everywhere, and the view is spliced all the same."""
    for module in rendering, blocks:
        monkeypatch.setattr(module, "SIZE", 100)
    day = '[datasets.default.columns.day]\ntype = "timestamp"\nrequired = false\nnullable = true\n'
    ws = workspace('[datasets.default]\nkey = ["id", "day"]\n' + day, **{"a.csv": rows(range(COUNT))})
    ws.run()
    is_right(ws, updated(ws))


def test_without_memory_for_an_index_there_is_none(splicing, monkeypatch):
    """The index is derived: whatever keeps it from being made keeps no row from being published."""

    def refused(*_arguments):
        raise OutOfMemory(dataset="default", limit="1GB")

    monkeypatch.setattr(DuckDBEngine, "make_index", refused)
    index(splicing).unlink()
    is_right(splicing, updated(splicing))
    assert not list(splicing.layout.ledger("default").glob("*.index"))


def test_a_window_that_moves_on_leaves_no_empty_blocks(splicing):
    """Keys that go at one end and come at the other: the index stays as large as the view is."""
    toml = splicing.layout.root / "snapshotter.toml"
    toml.write_text('[datasets.default]\ndelete_when = { column = "v", values = ["gone"] }\n')
    ws = Workspace(splicing.layout.root)
    ws.rebuild()
    for number in range(12):
        first, last = 20 * number, COUNT + 20 * number
        gone = "".join(f"{n},2025-01-01,gone\n" for n in range(first, first + 20))
        drop(ws, "c.csv", rows(range(last, last + 20)) + gone)
        ws.run()
    assert spliced(splicing)
    assert len(ws.layout.latest("default").read_bytes().splitlines()) == COUNT + 1
    with duckdb.connect() as connection:
        lengths = f"SELECT lead(begin) OVER (ORDER BY begin, first) - begin AS n FROM read_parquet('{index(ws)}')"
        ((empty,),) = connection.execute(f"SELECT count(*) FROM ({lengths}) WHERE n = 0").fetchall()
    assert empty <= 1  # the first one stays
    assert ws.check().problems == []
