"""Storms and slow writers: whatever comes however, each file is applied once.

SNAPSHOTTER_STORM is the number of files of the storms (10,000 while it runs, 20,000 while it is stopped); without it a
hundredth of them come, which is what the normal suite has time for.
"""

import logging
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import drop
from watching import HEAD, Watching, renamed, row

from snapshotter import Workspace

LOG = logging.getLogger(__name__)
STORM = int(os.environ.get("SNAPSHOTTER_STORM", "100"))
RATE = 500  # files a second
POLL = 2.0


def takes(watch, names):
    """Read runs until all these files were applied, each exactly once; returns the runs."""
    applied, runs = Counter(), []
    while len(applied) < len(names):
        runs.append(watch.run())
        files = [file for dataset in runs[-1]["datasets"] for file in dataset["files"]]
        applied.update(file["name"] for file in files if file["status"] == "applied")
        assert not [file for file in files if file["status"] not in ("applied", "deferred")]
    assert applied == Counter(names)
    return runs


def is_whole(watch, names):
    """Every file is in the archive, none in the queue, and latest.csv has a row of each."""
    ws = watch.ws
    assert watch.stop()[0] == 0
    assert not list(ws.layout.queue.iterdir())
    assert {path.name for path in ws.layout.processed.iterdir()} == set(names)
    assert sorted(watch.latest()) == sorted(f"{n},2024-01-01,a" for n in range(len(names)))
    assert ws.check().ok


@pytest.mark.slow
def test_a_storm_while_it_watches(workspace):
    """Files that come at 500 a second, each written where it lies, are all applied, each once."""
    ws = workspace()
    names = [f"{n}.csv" for n in range(STORM)]
    with Watching(ws, "--poll", POLL) as watch:
        start = time.monotonic()
        for n, name in enumerate(names):
            while time.monotonic() < start + n / RATE:
                pass
            drop(ws, name, row(n))
        runs = takes(watch, names)
        LOG.info("%d files at %d/s: %d runs, %.1f s", len(names), RATE, len(runs), time.monotonic() - start)
        is_whole(watch, names)


@pytest.mark.slow
def test_a_storm_while_it_is_stopped(workspace):
    """What came while the process could not run is taken by one rescan: in one run."""
    ws = workspace()
    names = [f"{n}.csv" for n in range(2 * STORM)]
    with Watching(ws, "--poll", POLL) as watch:
        os.kill(watch.pid, signal.SIGSTOP)
        for n, name in enumerate(names):
            drop(ws, name, row(n))
        start = time.monotonic()
        os.kill(watch.pid, signal.SIGCONT)
        runs = takes(watch, names)
        LOG.info("%d files at once: %d runs, %.1f s", len(names), len(runs), time.monotonic() - start)
        assert len(runs) == 1
        is_whole(watch, names)


def pause(watch):
    """Let more than the settling time pass, as the watch sees it: a file that comes meanwhile is taken."""
    number = len(watch.events)
    drop(watch.ws, f"clock-{number}.csv", row(f"clock-{number}"))
    watch.run(f"clock-{number}.csv")


@pytest.fixture
def watch(workspace):
    """A watch with a short settling time."""
    with Watching(workspace(), "--settle", 0.2, "--poll", 0.5) as watch:
        yield watch


def mine(watch):
    """The rows that are no clock's."""
    return [line for line in watch.latest() if not line.startswith("clock")]


@pytest.mark.parametrize("hidden", ["slow.csv.part", ".slow.csv", "~slow.csv"])
def test_in_pieces_under_a_temporary_name(watch, hidden):
    """Pieces with pauses longer than the settling time, under a name that is not seen: one batch, whole."""
    with (watch.ws.layout.queue / hidden).open("w") as file:
        for n, piece in enumerate([HEAD, "1,2024-", "01-01,a\n2,", "2024-01-01,b\n"]):
            file.write(piece)
            file.flush()
            if n < 2:
                pause(watch)
    Path(file.name).rename(watch.ws.layout.queue / "slow.csv")
    (dataset,) = watch.run("slow.csv")["datasets"]
    assert (dataset["files"][0]["status"], dataset["files"][0]["read"]) == ("applied", 2)
    assert mine(watch) == ["1,2024-01-01,a", "2,2024-01-01,b"]


def test_in_pieces_while_it_is_held_open(watch):
    """A writer that keeps its file open is waited for, however long it pauses, where the system can tell."""
    with (watch.ws.layout.queue / "slow.csv").open("w") as file:
        file.write(f"{HEAD}1,2024-01-01,a\n")
        file.flush()
        assert watch.next("waiting")["files"][0]["name"] == "slow.csv"
        file.write("2,2024-01-01,b\n")
    while not (found := [f for d in watch.run()["datasets"] for f in d["files"] if f["status"] == "applied"]):
        pass
    assert (found[0]["name"], found[0]["revision"], found[0]["read"]) == ("slow.csv", 1, 2)
    assert mine(watch) == ["1,2024-01-01,a", "2,2024-01-01,b"]


def test_renamed_in_from_outside(watch, tmp_path):
    """A file that is moved into the queue, from a folder beside it, is taken whole."""
    outside = watch.ws.layout.root / "outside.csv"
    outside.write_text(row(1))
    outside.rename(watch.ws.layout.queue / "a.csv")
    watch.run("a.csv")
    assert mine(watch) == ["1,2024-01-01,a"]


def test_hard_linked_in(watch):
    """A hard link is a file like any other; the name outside stays, and what is written to it later comes nowhere."""
    outside = watch.ws.layout.root / "outside.csv"
    outside.write_text(row(1))
    (watch.ws.layout.queue / "a.csv").hardlink_to(outside)
    watch.run("a.csv")
    assert outside.read_text() == row(1)
    assert mine(watch) == ["1,2024-01-01,a"]


def test_replaced_before_it_settled_and_after_it_was_taken(watch):
    """What a name held when it settled is one batch; another content under it, later, is its next revision."""
    for v in "abc":
        drop(watch.ws, "a.csv", row(1, v))
    watch.run("a.csv")
    while mine(watch) != ["1,2024-01-01,c"]:  # on a slow machine the ones before it may have settled, too
        watch.run("a.csv")
    renamed(watch.ws, "a.csv", row(1, "d", day=2))
    watch.run("a.csv")
    assert mine(watch) == ["1,2024-01-02,d"]
    assert [version.values["v"] for version in watch.ws.history("1")][:2] == ["d", "c"]
    revisions = [file.revision for file in watch.ws.files()]
    assert revisions == list(range(1, len(revisions) + 1))


def test_appended_to_after_it_settled(watch):
    """A file that grows between the look and the reading is deferred, and taken whole when it has settled again.

    A writer that opens it anew for each piece, more often than files settle, is not interrupted.
    """
    path = drop(watch.ws, "log.csv", HEAD)
    for n in range(30):
        with path.open("a") as file:
            file.write(f"{n},2024-01-01,a\n")
    watch.run("log.csv")
    while len(mine(watch)) < 30:  # on a slow machine some pieces may have settled before the others came
        watch.run("log.csv")
    assert watch.stop()[0] == 0
    assert not path.exists()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_a_disk_that_was_full_for_a_while(small_disk):
    """While there is no space the watch goes on and the file waits; with space again it is taken, once."""
    queue = small_disk / "ws" / "input" / "processing"
    queue.mkdir(parents=True)
    ws = Workspace(small_disk / "ws")
    with Watching(ws, "--settle", 0) as watch:
        drop(ws, "a.csv", row(1))
        watch.run("a.csv")
        hidden = drop(ws, ".b.csv", row(2))
        ballast = small_disk / "ballast"
        filled = subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=4k"], check=False, capture_output=True)
        assert b"No space left" in filled.stderr
        hidden.rename(queue / "b.csv")
        assert watch.next("error")["error"]["name"] == "NotWritten"
        assert watch.latest() == ["1,2024-01-01,a"]
        ballast.unlink()
        takes(watch, ["b.csv"])
        assert watch.latest() == ["1,2024-01-01,a", "2,2024-01-01,a"]
        assert watch.stop()[0] == 0
    assert ws.check().ok
