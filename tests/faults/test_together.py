"""Two writers and four readers at once, and now and then one of them is killed: nobody ever sees a half-done thing."""

import csv
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT, latest
from modes import MODE, Mode
from scenes import RUN, bytes_under, committed_views, do
from tracing import Commander

from snapshotter import Workspace

pytestmark = pytest.mark.slow

BATCHES = 50 if MODE is Mode.SAMPLE else 1000
KEYS = 40
WAITING = 8 if MODE is Mode.SAMPLE else 25  # files in the queue, from which on no more are dropped
KILLS = (0.5, 1.5)  # seconds between them
PATIENCE = 1800  # seconds
DRIVER_ENDS = {0, 10, -signal.SIGKILL}  # 10: the other one had the lock too long
READER_ENDS = {0, 14, -signal.SIGKILL}  # 14: no snapshot yet


def name(number):
    """The file of a batch."""
    return f"b{number:05}.csv"


def rows_of(number):
    """The rows of a batch: [id, v, check, source]."""
    keys = dict.fromkeys((number % KEYS, number * 7 % KEYS))
    return [[str(key), str(number), f"{key} of {number}", name(number)] for key in keys]


def content(number):
    """A batch as a file; later numbers have later timestamps."""
    minutes, seconds = divmod(number, 60)
    at = f"2024-01-01T{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    lines = "".join(f"{key},{at},{v},{check}\n" for key, v, check, _ in rows_of(number))
    return f"id,timestamp,v,check\n{lines}".encode()


class Crowd:
    """Everybody who works on one workspace, and what they saw.

    Args:
        root: the workspace.
        folder: for their output.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        """Nobody works yet."""
        self.root, self.wrong, self.seen = root, [], Counter()
        self._over, self._alive, self._views = threading.Event(), {}, set()
        everybody = {"driver 1": self._drive, "driver 2": self._drive}
        everybody |= {"show": self._show, "status": self._ask, "history": self._ask, "API": self._api}
        environment = {"SNAPSHOTTER_LOCK_TIMEOUT": "20s"}
        everybody["watch"] = self._watch
        self._commanders = {who: Commander(folder / who, environment=environment) for who in everybody if who != "API"}
        self._everybody = set(everybody) - {"watch"}  # which ends once
        self._threads = [threading.Thread(target=self._guarded, args=item) for item in everybody.items()]

    def work(self, batches: int) -> None:
        """Drop files, and kill somebody every now and then, until all files are taken."""
        for thread in self._threads:
            thread.start()
        try:
            self._feed(batches)
        finally:
            self._over.set()
            if self._alive.get("watch"):
                os.kill(self._alive["watch"], signal.SIGTERM)
            for thread in self._threads:
                thread.join(60)
            for commander in self._commanders.values():
                commander.close()

    def unknown_views(self) -> set[str]:
        """The digests of what was `latest.csv` at some time, or was shown, and is no committed snapshot."""
        return self._views - committed_views(self.root, "default")

    def _feed(self, batches: int) -> None:
        queue, dropped = self.root / "input" / "processing", 0
        start = time.monotonic()
        next_kill = start + KILLS[0]
        while (
            (waiting := len([path for path in queue.iterdir() if path.suffix == ".csv"]))
            or dropped < batches
            or any(not self.seen[who] for who in self._everybody)
        ):
            for number in range(dropped, min(dropped + WAITING - waiting, batches)):
                hidden = queue / f".{name(number)}"
                hidden.write_bytes(content(number))
                hidden.rename(queue / name(number))
                dropped = number + 1
            if time.monotonic() > next_kill:
                self._kill_somebody()
                next_kill = time.monotonic() + random.uniform(*KILLS)
            self._look_at_the_view()
            if self._over.wait(0.02) or time.monotonic() - start > PATIENCE:
                self.wrong.append("it did not come to an end")
                return

    def _kill_somebody(self) -> None:
        alive = [process for process in list(self._alive.values()) if process]
        if not alive:
            return
        try:
            os.kill(random.choice(alive), signal.SIGKILL)
            self.seen["kills"] += 1
        except ProcessLookupError:  # done just now
            pass

    def _look_at_the_view(self) -> None:
        try:
            self._views.add(hashlib.sha256((self.root / "output" / "latest.csv").read_bytes()).hexdigest())
        except FileNotFoundError:
            assert not self._views, "latest.csv is gone"

    def _guarded(self, who, task) -> None:
        try:
            while not self._over.is_set():
                task(who)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            self.wrong.append(f"{who}: {type(error).__name__}: {error}")
            self._over.set()

    def _command(self, who, *arguments, ends):
        commander = self._commanders[who]

        def started(process):
            self._alive[who] = process

        ended = commander.run(self.root, *arguments, started=started)
        self._alive[who] = 0
        self.seen[who] += 1
        if ended.code not in ends or "Traceback" in ended.errors:
            self.wrong.append(f"{who}: exit code {ended.code}: {ended.errors}{ended.output[:300]}")
        return ended

    def _drive(self, who) -> None:
        self._command(who, "run", ends=DRIVER_ENDS)

    def _watch(self, who) -> None:
        self._command(who, "watch", "--settle", "0.2", "--poll", "1", "--quiet", ends=DRIVER_ENDS)

    def _ask(self, who) -> None:
        ended = self._command(who, who, *(["7"] if who == "history" else []), ends=READER_ENDS)
        if ended.code == 0:
            json.loads(ended.output)
            if who == "status":
                told = [text for dataset in json.loads(ended.output)["datasets"] for text in dataset["attention"]]
                self.wrong += [f"status: {text}" for text in told if "damaged" in text]

    def _show(self, who) -> None:
        ended = self._command(who, "show", ends=READER_ENDS)
        if ended.code == 0:
            self._views.add(hashlib.sha256(ended.output.encode()).hexdigest())
            table = csv.DictReader(io.StringIO(ended.output))
            self._compare(who, [[row["id"], row["v"], row["check"], row["source_filename"]] for row in table])

    def _api(self, who) -> None:
        command = [sys.executable, str(Path(__file__).with_name("api_reader.py")), str(self.root)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as reader:
            for line in reader.stdout:
                self._alive[who] = reader.pid  # from its first look on: it takes longer to start than the others
                if self._over.is_set():
                    break
                if line.endswith(b"\n"):
                    answer = json.loads(line)
                    if "error" in answer:
                        self.wrong.append(f"{who}: {answer['error']}")
                    self._compare(who, answer.get("rows", []))
                    self.seen[who] += 1
            self._alive[who] = 0
            reader.kill()

    def _compare(self, who, rows) -> None:
        """Each row is one that was dropped, whole, and there is one of a key."""
        for row in rows:
            if row not in rows_of(int(row[1])):
                self.wrong.append(f"{who}: a row that nobody wrote: {row}")
        if len({row[0] for row in rows}) < len(rows):
            self.wrong.append(f"{who}: a key twice")


def test_two_writers_and_four_readers(workspace, tmp_path, record_property):
    """Whoever is killed: each batch is applied once, no reader fails or sees what was not committed."""
    ws = workspace()
    crowd = Crowd(ws.layout.root, tmp_path)
    crowd.work(BATCHES)
    assert not crowd.wrong, "\n".join(dict.fromkeys(crowd.wrong))
    assert not crowd.unknown_views()
    assert crowd.seen["kills"] > 0
    ws = do(ws.layout.root, RUN)
    assert Counter(file.name for file in ws.files(status="applied")) == Counter(name(n) for n in range(BATCHES))
    archived = bytes_under(ws.layout.input, ws.layout.input)
    assert archived == {f"processed/{name(n)}": content(n) for n in range(BATCHES)}
    newest = {row[0]: row for number in range(BATCHES) for row in rows_of(number)}
    table = csv.DictReader(io.StringIO(latest(ws)))
    assert {row["id"]: [row["id"], row["v"], row["check"], row["source_filename"]] for row in table} == newest
    assert Workspace(ws.layout.root).check().problems == []
    told = ", ".join(f"{number} of {who}" for who, number in sorted(crowd.seen.items()) if who != "kills")
    record_property("faults", f"{BATCHES} batches, {crowd.seen['kills']} kills; looks and runs: {told}")
