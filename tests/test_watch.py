"""`watch`: what settles is taken, once; what fails passes by or waits; and it ends when it is asked to."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Queue

import pytest
from conftest import DRIVER, drop, latest, run_cli
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from watching import HEAD, LONG, Watching, renamed, row

from snapshotter import heartbeat
from snapshotter.cli import events
from snapshotter.errors import AlreadyWatched, UsageError
from snapshotter.heartbeat import WatchStatus
from snapshotter.results import ErrorInfo
from snapshotter.watch import Stop, Watch, telling, waking
from snapshotter.watch.retrying import Retries
from snapshotter.watch.settling import Settling
from snapshotter.workspace import Workspace

NEVER = 3600
TWO = '[datasets.a]\nmatch = "a*.csv"\n[datasets.b]\nmatch = "b*.csv"\n'
HELD = """
from pathlib import Path

def hold(frame):
    if len(frame):
        Path(__file__).with_name("gate").read_text()
    return frame
"""
STRACE = shutil.which("strace")
needs_strace = pytest.mark.skipif(not STRACE, reason="strace is not installed")


def without_rights():
    """A command that starts a process to which a file's mode applies, whoever we are."""
    if os.geteuid():
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may read any file, and setpriv is not installed")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", "--"]


def failing(what, path=None):
    """A command that starts a process to which the system refuses something, of one path if it is named."""
    where = ["-P", str(path)] if path else []
    return [STRACE, "-f", "-qq", "-o", "/dev/null", *where, "-e", f"inject={what}", "--"]


# -- settling, as a function

LOOKS = st.lists(
    st.tuples(
        st.integers(0, 8),  # the pause before the look
        st.integers(0, 3),  # how long it takes
        st.dictionaries(st.sampled_from("ab"), st.integers(0, 2)),
    ),
    max_size=12,
)


@given(LOOKS, st.integers(1, 10))
def test_settled_is_what_two_looks_a_pause_apart_and_all_between_saw_the_same(looks, pause):
    """A file has settled exactly if some look at least `pause` earlier, and each one since, saw what this one sees."""
    settling, history, now = Settling(), [], 0
    for wait, duration, seen in looks:
        began, ended = now + wait, now + wait + duration
        settling = settling.looked(seen, began, ended, pause)
        expected = set()
        for name, look in seen.items():
            for before, other in reversed(history):
                if other.get(name) != look:
                    break
                if began - before >= pause:
                    expected.add(name)
        assert settling.settled == expected
        assert settling.due(pause) is None or set(settling.since) > expected
        history.append((ended, seen))
        now = ended


@given(st.dictionaries(st.sampled_from("abc"), st.integers()), st.sets(st.sampled_from("abcd")))
def test_what_is_known_to_be_whole_needs_no_second_look(seen, whole):
    """A hint settles a file that is there at once, and no other; without a pause everything is settled."""
    assert Settling().looked(seen, 0, 1, 5, whole).settled == whole & seen.keys()
    assert Settling().looked(seen, 0, 1, 0).settled == seen.keys()


def test_the_pause_doubles_up_to_five_minutes():
    """1, 2, 4 … 300 seconds; a success begins anew."""
    retries = Retries()
    assert [retries.failed("x", 0.0) for _ in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert retries.waits("x", 299)
    assert retries.due("x", 300)
    retries.succeeded("x")
    assert not retries.waits("x", 0)
    assert retries.failed("x", 0.0) == 1


def test_a_wait_may_be_as_long_as_anybody_likes():
    """A time beyond what the system can count is waited for in pieces."""
    bell = waking.Bell()
    bell.ring()
    waking.wait(1e9, bell)


# -- taking files


def test_it_takes_what_is_there_and_what_comes(workspace):
    """Files that lay there and files that are dropped later are taken; `run` events are what `run --json` prints."""
    ws = workspace(**{"a.csv": row(1)})
    with Watching(ws, "--settle", 0.1) as watch:
        result = watch.run("a.csv")
        assert list(result) == ["datasets", "unmatched", "seconds"]
        assert result["datasets"][0]["snapshot"] == 1
        drop(ws, "b.csv", row(2))
        assert watch.run("b.csv")["datasets"][0]["snapshot"] == 2
        assert watch.latest() == ["1,2024-01-01,a", "2,2024-01-01,a"]
        code, last = watch.stop()
    assert (code, last["runs"], last["given_up"]) == (0, 2, False)


def test_what_settles_together_is_one_run(workspace):
    """Files that lie there are one snapshot."""
    ws = workspace(**{f"{n}.csv": row(n) for n in range(5)})
    with Watching(ws, "--settle", 0.5) as watch:
        assert watch.run(*(f"{n}.csv" for n in range(5)))["datasets"][0]["snapshot"] == 1


def test_a_file_that_comes_by_rename_is_taken_at_once_and_the_others_are_not_seen(workspace):
    """Renamed from a name that writers use, a file does not wait; one that has not settled stays, unseen by the run."""
    ws = workspace()
    with Watching(ws, "--settle", NEVER, "--poll", NEVER) as watch:
        slow = drop(ws, "slow.csv", row(1))
        renamed(ws, "whole.csv", row(2))
        watch.run("whole.csv")
        assert slow.is_file()
        assert watch.latest() == ["2,2024-01-01,a"]


def test_it_works_without_events(workspace):
    """Where the system tells nothing, looking alone does."""
    ws = workspace()
    with Watching(ws, "--no-events", "--settle", 0.1, "--poll", 0.2) as watch:
        assert watch.started["events"] is False
        drop(ws, "deep/er/a.csv", row(1))
        watch.run("deep/er/a.csv")


def test_what_no_dataset_takes_causes_no_run(workspace):
    """A file that nothing matches, and names that writers use, are left alone."""
    ws = workspace(**{"notes.txt": "x", ".hidden.csv": row(8), "half.csv.part": row(9)})
    with Watching(ws, "--settle", 0, "--poll", 0.05) as watch:
        drop(ws, "a.csv", row(1))
        assert watch.run("a.csv")["unmatched"] == ["notes.txt"]
        assert watch.stop()[1]["runs"] == 1


def test_the_first_run_finishes_what_was_left(workspace):
    """A view that is missing is written again though nothing waits."""
    ws = workspace(**{"a.csv": row(1)})
    ws.run()
    before = latest(ws)
    ws.layout.latest("default").unlink()
    with Watching(ws) as watch:
        code, _ = watch.stop()
    assert code == 0
    ws.run()
    assert latest(ws) == before


# -- ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_idle_watch_ends_at_once(workspace, number):
    """Either signal ends it with 0; nothing of it is left but its log and the lock's file."""
    ws = workspace()
    with Watching(ws, "--poll", NEVER) as watch:
        assert watch.stop(number)[0] == 0
        assert watch.process.stderr.read() == b""
    assert sorted(path.name for path in ws.layout.root.glob("*watch*")) == [".snapshotter.watch.lock"]


def held(workspace, *names):
    """A workspace whose runs stop in the middle of each file, until its gate was opened."""
    ws = workspace('[datasets.default]\ntransform = "held:hold"\n', **{name: row(1, name) for name in names})
    (ws.layout.root / "held.py").write_text(HELD)
    os.mkfifo(ws.layout.root / "gate")
    return ws


def test_a_signal_in_a_run_lets_it_finish(workspace):
    """Asked once in the middle of a run, it finishes that, and exits with 0."""
    ws = held(workspace, "a.csv")
    with Watching(ws, "--settle", 0) as watch:
        with (ws.layout.root / "gate").open("w"):  # opens when the run stands there
            os.kill(watch.pid, signal.SIGTERM)
        watch.run("a.csv")
        code, last = watch.end()
    assert (code, last["given_up"]) == (0, False)
    assert watch.latest() == ["1,2024-01-01,a.csv"]


def test_a_second_signal_gives_the_run_up_before_its_commit(workspace):
    """Asked twice, it stops behind the file that it is at: nothing is committed, every file waits, the code is 0."""
    ws = held(workspace, "a.csv", "b.csv")
    with Watching(ws, "--settle", 0) as watch:
        with (ws.layout.root / "gate").open("w"):
            os.kill(watch.pid, signal.SIGTERM)
            os.kill(watch.pid, signal.SIGINT)
        code, last = watch.end()
    assert (code, last["given_up"]) == (0, True)
    assert sorted(path.name for path in ws.layout.queue.iterdir()) == ["a.csv", "b.csv"]
    assert ws.snapshots() == []
    assert not list(ws.layout.output.glob(".snapshotter-*"))


def unread(ws):
    """A watch whose reader does not read: the pipe is full after one event."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)  # one page: it holds the first event, and then is full
    command = [sys.executable, str(DRIVER), "watch", "--json", "--settle", "0", "--workspace", str(ws.layout.root)]
    process = subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    return process, reader


def wait_for(condition):
    """Look until it is so."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end


@pytest.mark.parametrize("times", [1, 2])
def test_a_reader_that_does_not_read_does_not_keep_it_from_its_end(workspace, times):
    """Events that nobody reads are waited for; asked to end, the watch drops them, and ends with 0."""
    ws = workspace(**{"a.csv": row(1)})
    process, reader = unread(ws)
    wait_for(ws.layout.latest("default").exists)
    for _ in range(times):
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    os.close(reader)
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()


def test_a_second_signal_between_two_commits_is_told_as_it_is(workspace):
    """What was committed is in the run, what was given up waits, and nobody is blamed for it."""
    ws = workspace(TWO, **{"a.csv": row(1), "b.csv": row(1)})
    stop, told = Stop(), []

    class Asking(Workspace):
        def run(self, *, progress, **more):
            commits = []

            def asked_twice(size):
                commits.append(size)
                if commits.count(0) == 2:
                    stop.ask()
                    stop.ask()
                progress(size)

            return super().run(progress=asked_twice, **more)

    Asking(ws.layout.root).watch(settle=0, tell=told.append, stop=stop)
    assert [event.event for event in told] == ["started", "run", "stopped"]
    assert [dataset.dataset for dataset in told[1].run.datasets] == ["a"]
    assert told[2].given_up
    assert (ws.layout.queue / "b.csv").is_file()


def test_a_reader_that_is_gone_ends_it_with_an_error(workspace):
    """A watch that can tell nobody any more ends, says so, and does not pretend that it was asked to."""
    ws = workspace()
    with Watching(ws, "--settle", 0) as watch:
        watch.process.stdout.close()
        drop(ws, "a.csv", row(1))
        assert watch.process.wait(LONG) == 18
        error = json.loads(watch.process.stderr.read())["error"]
        assert (error["name"], "stdout" in error["message"]) == ("NotWritten", True)
    assert ws.status().watch is None


def test_a_signal_ends_the_wait_for_another_writer(workspace):
    """A watch that waits for the lock is ended by one signal; no run is under way then."""
    ws = workspace('lock_timeout = "1h"')
    with FileLock(ws.layout.lock), Watching(ws) as watch:
        assert watch.stop()[0] == 0


# -- beside others


def test_there_is_one_watch_of_a_workspace(workspace):
    """A second one exits with 23 and says who watches; `run` beside it just runs."""
    ws = workspace()
    with Watching(ws, "--settle", NEVER) as watch:
        done = run_cli("watch", "--json", workspace=ws)
        error = json.loads(done.stderr)["error"]
        assert (done.returncode, error["name"], done.stdout) == (23, "AlreadyWatched", "")
        assert f"process {watch.pid} since " in error["message"]
        drop(ws, "a.csv", row(1))
        assert run_cli("run", workspace=ws).returncode == 0
        renamed(ws, "b.csv", row(2))
        assert watch.run("b.csv")["datasets"][0]["snapshot"] == 2


def test_status_tells_a_living_watch_from_a_dead_one(workspace):
    """`status` says what a watch does; of one that was killed nothing, whatever it left behind."""
    ws = workspace(**{"a.csv": row(1)})
    assert ws.status().watch is None
    with Watching(ws, "--settle", 0) as watch:
        watch.run("a.csv")
        drop(ws, ".b", "")
        said = ws.status().watch
        assert (said.pid, said.runs, said.files) == (watch.pid, 1, 1)
        assert f"watched by process {watch.pid} since" in run_cli("status", workspace=ws).stderr
        watch.process.kill()
        watch.process.wait()
        assert ws.layout.heartbeat.is_file()
        assert ws.status().watch is None
    with Watching(ws) as watch:
        assert ws.status().watch.pid == watch.pid


def test_status_in_a_run_says_how_far_it_is(workspace):
    """In the middle of a run `status` tells of it."""
    ws = held(workspace, "a.csv")
    with Watching(ws, "--settle", 0) as watch:
        with (ws.layout.root / "gate").open("w"):
            said = ws.status().watch
            line = run_cli("status", workspace=ws).stderr
        assert (said.state, said.run.files, said.run.looked_at) == ("running", 1, 0)
        assert "in a run, 0 of 1 file looked at" in line
        watch.run("a.csv")


# -- what fails


def test_a_file_without_rights_waits_and_the_others_do_not(workspace):
    """A file that may not be read yet stays in the queue with the reason; it blocks nothing, and is taken at last."""
    ws = workspace(**{"shut.csv": row(1), "open.csv": row(2)})
    shut = ws.layout.queue / "shut.csv"
    shut.chmod(0)
    with Watching(ws, "--settle", 0, before=without_rights()) as watch:
        files = {file["name"]: file for file in watch.next("run")["run"]["datasets"][0]["files"]}
        assert (files["open.csv"]["status"], files["shut.csv"]["status"]) == ("applied", "deferred")
        (waiting,) = watch.next("waiting")["files"]
        assert (waiting["name"], waiting["retry_in"]) == ("shut.csv", 1)
        assert "Permission denied" in waiting["reason"]
        assert waiting["reason"] in files["shut.csv"]["warnings"]
        assert watch.next("waiting")["files"][0]["retry_in"] == 2
        assert ws.status().watch.deferred == 1
        shut.chmod(0o644)
        watch.run("shut.csv")
    assert watch.latest() == ["1,2024-01-01,a", "2,2024-01-01,a"]


@needs_strace
def test_a_disk_that_fails_for_a_while_costs_a_while(workspace):
    """Two reads that end in EIO are two pauses; the third one takes the file."""
    ws = workspace(**{"a.csv": row(1)})
    path = ws.layout.queue / "a.csv"
    with Watching(ws, "--settle", 0, before=failing("read:error=EIO:when=1..2", path=path)) as watch:
        pauses = [watch.next("waiting")["files"][0] for _ in range(2)]
        assert [waiting["retry_in"] for waiting in pauses] == [1, 2]
        assert "Input/output error" in pauses[0]["reason"]
        watch.run("a.csv")
    assert watch.latest() == ["1,2024-01-01,a"]


@needs_strace
def test_without_inotify_it_warns_once_and_looks(workspace):
    """A system that has no more watches to give is one warning; files are taken all the same."""
    ws = workspace()
    with Watching(ws, "--settle", 0, "--poll", 0.1, before=failing("inotify_init,inotify_init1:error=EMFILE")) as watch:
        assert watch.started["events"] is False
        for n in range(3):
            drop(ws, f"{n}.csv", row(n))
            watch.run(f"{n}.csv")
        assert watch.stop()[0] == 0
    warnings = [event["message"] for event in watch.events if event["event"] == "warning"]
    assert len(warnings) == 1
    assert "does not tell of new files" in warnings[0]


def test_a_run_that_fails_is_reported_and_tried_again(workspace):
    """While somebody else holds the lock, runs fail and are told of; afterwards the file is taken."""
    ws = workspace('lock_timeout = "10ms"', **{"a.csv": row(1)})
    with FileLock(ws.layout.lock) as lock, Watching(ws, "--settle", 0) as watch:
        failed = [watch.next("error") for _ in range(2)]
        assert [event["error"]["name"] for event in failed] == ["LockTimeout", "LockTimeout"]
        assert [event["retry_in"] for event in failed] == [1, 2]
        lock.release()
        watch.run("a.csv")


def test_a_dataset_that_fails_does_not_stop_the_others(workspace):
    """A damaged ledger is told of, and the other dataset goes on."""
    ws = workspace(TWO, **{"a.csv": row(1), "b.csv": row(1)})
    ws.run()
    shutil.rmtree(ws.layout.ledger("a") / "_delta_log")
    drop(ws, "a2.csv", row(2))
    with Watching(ws, "--settle", 0) as watch:
        failed = watch.next("error")
        assert (failed["dataset"], failed["error"]["name"]) == ("a", "LedgerDamaged")
        drop(ws, "b2.csv", row(2))
        while not any(dataset["snapshot"] for dataset in watch.next("run")["run"]["datasets"]):
            pass
    assert (ws.layout.queue / "a2.csv").is_file()
    assert not (ws.layout.queue / "b2.csv").exists()


def test_a_dataset_that_fails_waits_longer_each_time_whatever_others_do(workspace):
    """A run of another dataset does not begin the growing pause anew."""
    ws = workspace(TWO, **{"a.csv": row(1)})
    ws.run()
    (ws.layout.root / "snapshotter.toml").write_text(TWO.replace('"a*.csv"', '"a*.csv"\nkey = ["v"]'))
    drop(ws, "a2.csv", row(2))
    with Watching(ws, "--settle", 0) as watch:
        assert [watch.next("error")["retry_in"] for _ in range(2)] == [1, 2]
        drop(ws, "b.csv", row(1))
        while "b" not in [dataset["dataset"] for dataset in watch.run()["datasets"]]:
            pass
        assert watch.next("error")["retry_in"] == 4


def test_a_configuration_is_read_again_and_a_wrong_one_is_not_ignored(workspace):
    """A change of snapshotter.toml holds for the next run; a mistake in it stops runs until it is mended."""
    ws = workspace(**{"a.csv": row(1)})
    with Watching(ws, "--settle", 0, "--poll", 0.05) as watch:
        watch.run("a.csv")
        (ws.layout.root / "snapshotter.toml").write_text("[datasets.default]\nnonsense = 1\n")
        assert watch.next("error")["error"]["name"] == "ConfigError"
        drop(ws, "b.csv", row(2))
        assert watch.next("error")["retry_in"] == 2
        assert (ws.layout.queue / "b.csv").is_file()
        (ws.layout.root / "snapshotter.toml").write_text('[datasets.default]\nlineage = ["source_row"]\n')
        watch.run("b.csv")
    assert latest(ws).startswith("id,timestamp,v,source_row\n")


# -- what happens to the queue and to what tells of it


def test_a_queue_that_is_removed_and_made_again_is_noticed(workspace):
    """Without its folder the watch warns and waits; what is dropped into the new one is taken."""
    ws = workspace(**{"a.csv": row(1)})
    with Watching(ws, "--settle", 0, "--poll", 0.1) as watch:
        watch.run("a.csv")
        ws.layout.queue.rmdir()
        assert "input/processing/" in watch.next("warning")["message"]
        for n in range(2):  # the second one tells that the new folder is listened to, or looked at
            drop(ws, f"{n}.csv", row(n))
            watch.run(f"{n}.csv")


def test_a_queue_that_is_a_link_is_told_of(workspace, tmp_path):
    """A queue may be a link to a folder elsewhere; what comes into that one wakes the watch, and is taken at once."""
    ws = workspace()
    ws.layout.queue.rmdir()
    ws.layout.queue.symlink_to(tmp_path)
    with Watching(ws, "--settle", NEVER, "--poll", NEVER) as watch:
        renamed(ws, "a.csv", row(1))
        watch.run("a.csv")


def test_a_contract_elsewhere_is_read_again(workspace):
    """A model that `contract` names may change while it is watched; the next run judges by the new one."""
    ws = workspace('[datasets.default]\ncontract = "model:Row"\n', **{"a.csv": row(1, "long")})
    model = ws.layout.root / "model.py"
    text = "from pydantic import BaseModel, Field\n\nclass Row(BaseModel):\n    id: str\n    timestamp: str\n"
    model.write_text(text)
    with Watching(ws, "--settle", 0) as watch:
        assert watch.run("a.csv")["datasets"][0]["counts"]["accepted"] == 1
        model.write_text(f"{text}    v: str = Field(max_length=3)\n")
        drop(ws, "b.csv", row(2, "long"))
        assert watch.run("b.csv")["datasets"][0]["counts"]["rejected"] == 1


class Inside:
    """A watch in this process, with its workings at hand."""

    def __init__(self, ws, **options):
        self.stop, self.told = Stop(), Queue()
        space = Workspace(ws.layout.root)
        defaults = {"settle": NEVER, "poll": NEVER, "events": True}
        self.watch = Watch(space, space._clock, self.told.put, self.stop, **{**defaults, **options})
        self.thread = threading.Thread(target=self.watch.run)

    def __enter__(self):
        self.thread.start()
        assert self.next().event == "started"
        return self

    def __exit__(self, *_):
        self.stop.ask()
        self.thread.join(LONG)

    def next(self):
        """The next event."""
        return self.told.get(timeout=LONG)


@pytest.mark.parametrize("which", ["observer", "emitter", "descriptor"])
def test_threads_that_die_are_replaced(workspace, which):
    """Whichever thread of the system's messenger ends, a look by time notices it, and a rename is told of again."""
    ws = workspace()
    with Inside(ws, poll=0.2) as inside:
        dead = inside.watch._events._observer
        threads = {"observer": dead, "emitter": next(iter(dead.emitters)), "descriptor": dead._inotify_fd}
        threads[which].stop()
        threads[which].join(LONG)
        looked = None
        while inside.watch._events._observer in (dead, None):
            assert inside.thread.is_alive()
            if looked != inside.watch._looked:  # what is seen and not told of is what gives a silent one away
                looked = inside.watch._looked
                drop(ws, f"seen at {looked}.csv", row(1))
        while not inside.watch._events.is_alive():
            assert inside.thread.is_alive()
        renamed(ws, "a.csv", row(2))
        assert [file.name for file in inside.next().run.datasets[0].files] == ["a.csv"]


def test_a_handler_that_fails_is_replaced(workspace):
    """An error in what the messenger calls ends its thread; another one takes over."""
    ws = workspace()
    with Inside(ws, poll=0.2) as inside:
        dead = inside.watch._events._observer
        caught = []
        before, threading.excepthook = threading.excepthook, caught.append
        try:
            dead.event_queue.put(("no event", "no watch"))
            dead.join(LONG)
        finally:
            threading.excepthook = before
        assert caught
        while inside.watch._events._observer in (dead, None):
            assert inside.thread.is_alive()
        renamed(ws, "a.csv", row(2))
        assert inside.next().event == "run"


# -- what it says


def test_a_person_reads_what_happens(workspace):
    """Without --json a line for each event goes to stderr, and nothing to stdout; with --quiet only errors."""
    for options, said in ([], True), (["--quiet"], False):
        ws = workspace(**{"a.csv": row(1)})
        command = [sys.executable, "driver.py", "watch", "--settle", "0", "--workspace", str(ws.layout.root), *options]
        root = Path(__file__).parents[1]
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while not ws.layout.latest("default").exists():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=LONG)
        assert (process.returncode, out) == (0, "")
        assert ("watching" in err, "1 applied" in err, "stopped after 1 run" in err) == (said, said, said)
        assert "Traceback" not in err


def test_the_log_tells_of_runs_and_never_of_cells(workspace):
    """logs/watch.log has a line for each run; refused and deferred files are named in it, cells are not."""
    ws = workspace(**{"a.csv": HEAD + "1,2024-01-01,secret\n,secret,secret\n", "b.csv": "secret\n"})
    with Watching(ws, "--settle", 0, env={"SNAPSHOTTER_LOG_LEVEL": "DEBUG"}) as watch:
        watch.run("a.csv", "b.csv")
        watch.stop()
    log = (ws.layout.logs / "watch.log").read_text()
    assert [word for word in ("watch started", "committed", "b.csv", "watch stopped") if word not in log] == []
    assert "secret" not in log


@pytest.mark.parametrize("options", [{"settle": -1}, {"settle": float("nan")}, {"poll": 0}, {"poll": float("inf")}])
def test_times_that_make_no_sense_are_refused(workspace, options):
    """Neither time may be negative or endless, and a poll must take some time."""
    with pytest.raises(UsageError):
        workspace().watch(**options)


def test_from_python_a_second_watch_is_a_named_error(workspace):
    """`Workspace.watch` raises AlreadyWatched, also in the process of the first one."""
    ws = workspace()
    with Inside(ws), pytest.raises(AlreadyWatched):
        ws.watch()


def lines(capsys, *told):
    """What a person reads of these events."""
    for one in told:
        events.event(one)
    said = capsys.readouterr()
    assert not said.out
    return said.err.splitlines()


def test_each_event_is_a_line(capsys):
    """What waits is told with its reason, five files at most; what fails with its remedy and its pause."""
    files = [telling.Waiting(name=f"{n}.csv", reason="why", retry_in=4) for n in range(7)]
    error = ErrorInfo(code=10, name="LockTimeout", message="somebody", hint="wait")
    assert lines(capsys, telling.Deferred(at="", files=files))[0] == "  waits     0.csv: why; tried again in 4 s"
    assert lines(capsys, telling.Deferred(at="", files=files))[-1] == "            and 2 more"
    failed = telling.Failed(at="", dataset=None, error=error, retry_in=2)
    assert lines(capsys, failed) == ["error: somebody", "  wait", "  tried again in 2 s"]
    assert lines(capsys, telling.Warned(at="", message="look")) == ["warning: look"]
    given_up = lines(capsys, telling.Stopped(at="", runs=1, given_up=True))
    assert given_up == ["stopped after 1 run; the run under way was given up, its files still wait"]
    events.complaint(failed)
    events.complaint(telling.Warned(at="", message="look"))
    assert capsys.readouterr().err == "error: somebody\n  wait\n"


def test_the_line_of_status_tells_what_waits():
    """Files that may still be written, and files that could not be taken, are counted."""
    line = events.watch_line(
        WatchStatus(pid=7, since="then", state="waiting", next_look="soon", settling=1, deferred=2)
    )
    assert "process 7 since then: waiting, looks again by soon" in line
    assert "1 file may still be written; 2 files could not be taken yet" in line


def test_a_note_that_is_none_of_ours_is_still_a_watch(workspace):
    """What cannot be read of the heartbeat is unknown; that there is a watch tells the lock."""
    ws = workspace()
    with heartbeat.held(ws.layout):
        ws.layout.heartbeat.write_text("[1]")
        assert ws.status().watch == WatchStatus()
