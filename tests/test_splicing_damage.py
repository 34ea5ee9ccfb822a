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
@pytest.mark.parametrize("how", ["cut", "written to"])
def test_somebody_is_at_it_meanwhile(splicing, monkeypatch, where, how):
    """Cut short or written to while the run works: what is published is right."""
    latest = splicing.layout.latest("default")
    place = {"the lines are read": (Blocks, "split"), "it is copied": (rendering, "splice")}
    owner, name = place.get(where, (Blocks, "hold"))
    if where == "the lines are read":
        owner, name = rendering, "line_ends"
    original, done = getattr(owner, name), []

    def meddling(*arguments):
        if not done:
            done.append(True)
            os.truncate(latest, 2000) if how == "cut" else changed(splicing, b"value 102,", b"value 999,")
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
