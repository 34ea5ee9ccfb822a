"""Readers never wait for a writer, and never see half of what it does, nor call it damage."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, drop, run_cli

from snapshotter.errors import LedgerDamaged, LockTimeout, NoSuchSnapshot, NotRestorable, NotWritten, UsageError
from snapshotter.layout import Layout
from snapshotter.lock import is_held, writer_lock
from snapshotter.steady import ATTEMPTS, steadily

HEAD = "id,timestamp,v\n"
A, B = HEAD + "1,2024-01-01,a\n", HEAD + "2,2024-01-01,b\n,,refused\n"


# -- one retry for all


def test_what_fails_on_a_ledger_that_did_not_move_fails_at_once(workspace):
    """The error comes through, and nothing was read twice."""
    ws, calls = workspace(**{"a.csv": A}), []
    ws.run()

    def read(ledger, state):
        calls.append(state.version)
        raise NotRestorable(dataset="default", snapshot=1, problem="gone")

    with pytest.raises(NotRestorable):
        steadily(ws.layout, "default", read)
    assert calls == [1]


@pytest.mark.parametrize("error", [LedgerDamaged(dataset="default", problem="gone"), FileNotFoundError(2, "gone")])
def test_what_fails_while_the_ledger_moves_is_read_again(workspace, error):
    """The second reading sees the newer state, and its answer is the answer."""
    ws, calls = workspace(**{"a.csv": A}), []
    ws.run()

    def read(ledger, state):
        calls.append(state.version)
        if len(calls) == 1:
            drop(ws, "b.csv", B)
            ws.run()
            raise error
        return state.current.snapshot

    assert steadily(ws.layout, "default", read) == 2
    assert calls == [1, 2]


def test_a_ledger_that_never_stands_still_ends_in_the_error(workspace):
    """The number of readings is bounded."""
    ws, calls = workspace(**{"a.csv": A}), []
    ws.run()

    def read(ledger, state):
        calls.append(state.version)
        drop(ws, "a.csv", HEAD + f"1,2024-01-01,{len(calls)}\n")
        ws.run()
        raise LedgerDamaged(dataset="default", problem="gone")

    with pytest.raises(LedgerDamaged):
        steadily(ws.layout, "default", read)
    assert len(calls) == ATTEMPTS


# -- beside a writer

WRITER = """
import sys
from pathlib import Path
from snapshotter import Workspace
ws = Workspace(sys.argv[1])
for round in range(int(sys.argv[2])):
    for number in range(3):
        text = f"id,timestamp,v\\n1,2024-01-01,{round}-{number}\\n{number},2024-01-02,x\\n,,refused\\n"
        (ws.layout.queue / f"{round}-{number}.csv").write_text(text)
        ws.run()
    ws.withdraw(f"{round}-1.csv")
    ws.reset(3)
    ws.reset(1, requeue=True)
    ws.run()
    if round % 2:
        ws.clean()
"""


def readings(ws):
    """What readers ask, each alone."""
    return {
        "show": ws.show,
        "snapshots": ws.snapshots,
        "files": ws.files,
        "rejects": ws.rejects,
        "history": lambda: ws.history("1"),
        "diff": lambda: ws.diff(1, 2),
        "status": ws.status,
        "latest": ws.latest,
        "check": ws.check,
    }


def test_readers_beside_a_writer_see_whole_states(workspace):
    """While another process runs, takes back and cleans, no reader fails but for what a clean took, nor says damage."""
    ws, answers = workspace(), dict.fromkeys(readings(workspace()), 0)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", WRITER, str(ws.layout.root), "4"]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}) as writer:
        while writer.poll() is None:
            for name, read in readings(ws).items():
                try:
                    answer = read()
                except (NoSuchSnapshot, UsageError):  # a clean was faster
                    continue
                answers[name] += 1
                if name == "status":
                    assert not any("damaged" in text for text in answer.datasets[0].attention)
                if name == "check":
                    assert answer.problems == []
    assert writer.returncode == 0
    assert min(answers.values()) > 0


# -- the lock


def test_a_killed_holder_frees_the_lock_at_once(workspace, holder):
    """After SIGKILL the next writer does not wait at all."""
    ws = workspace(**{"a.csv": A})
    with holder(ws) as process:
        assert is_held(ws.layout)
        process.kill()
        process.wait()
        assert not is_held(ws.layout)
        with writer_lock(ws.layout, 0):
            pass


def test_lock_timeout_names_the_holder(workspace, holder):
    """Who holds it, and since when; `status` and `show` answer meanwhile."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    with holder(ws) as process:
        done = run_cli("run", "--json", workspace=ws, env={"SNAPSHOTTER_LOCK_TIMEOUT": "0s"})
        assert run_cli("status", workspace=ws).returncode == 0
        assert run_cli("show", workspace=ws).stdout == ws.layout.latest("default").read_text()
    error = json.loads(done.stderr)["error"]
    assert (done.returncode, error["name"]) == (10, "LockTimeout")
    assert f"process {process.pid} since 20" in error["message"]


def test_a_forked_child_does_not_keep_the_lock(workspace):
    """A child that outlives the block of its parent, as one of a user's own function may, holds nothing."""
    ws = workspace()
    reading, writing = os.pipe()
    with writer_lock(ws.layout, 0):
        child = os.fork()
        if not child:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        with pytest.raises(LockTimeout), writer_lock(Layout.of(ws.layout.root), 0):
            pass
    os.close(reading)
    with writer_lock(ws.layout, 0):
        pass
    os.close(writing)
    assert os.waitpid(child, 0)[1] == 0


KILLED_WITH_CHILD = """
import os, sys, signal
from snapshotter.layout import Layout
from snapshotter.lock import writer_lock
reading, writing = os.pipe()
with writer_lock(Layout.of(sys.argv[1]), 0):
    if not os.fork():
        os.write(writing, b"lives")
        sys.stdin.read()
        os._exit(0)
    os.read(reading, 5)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_forked_child_of_a_killed_holder_does_not_keep_the_lock(workspace):
    """Not even where nobody let go of it: the child lives, and the next writer goes on."""
    ws = workspace()
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", KILLED_WITH_CHILD, str(ws.layout.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path}) as process:
        process.wait()
        with writer_lock(ws.layout, 0):
            pass
        process.stdin.close()


def test_a_workspace_that_cannot_be_written_says_so(workspace):
    """A file system that is read-only: exit code 18 and what could not be written; readers answer."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    drop(ws, "b.csv", B)
    root = ws.layout.root
    inside = f"mount --bind {root} {root} && mount -o remount,bind,ro {root} && exec "
    python, driver = sys.executable, ROOT / "driver.py"
    found = {}
    for command in ("run --json", "status"):
        script = f"{inside} {python} {driver} {command} --workspace {root}"
        unshared = ["unshare", "--mount", "--map-root-user", "sh", "-c", script]
        try:
            found[command] = subprocess.run(unshared, capture_output=True, text=True, check=False, timeout=60)
        except FileNotFoundError:
            pytest.skip("there is no unshare")
    if "mount" in found["run --json"].stderr:
        pytest.skip("nothing may be mounted here")
    error = json.loads(found["run --json"].stderr)["error"]
    assert (found["run --json"].returncode, error["name"]) == (18, NotWritten.__name__)
    assert "Read-only file system" in error["message"]
    assert Path(root / "input/processing/b.csv").is_file()
    assert found["status"].returncode == 0
