"""A watch as its users start it: a process whose events are read from its stdout, so that no test has to sleep."""

import json
import os
import select
import signal
import subprocess
import sys

from conftest import DRIVER, drop, latest

HEAD = "id,timestamp,v\n"
LONG = 120.0  # seconds in which anything happens on any machine


def row(key, v="a", day=1):
    """A file of one row."""
    return f"{HEAD}{key},2024-01-{day:02d},{v}\n"


def renamed(ws, name, content):
    """Drop a file as careful writers do: under a name that is not seen, and then renamed."""
    hidden = drop(ws, f".{name}", content)
    return hidden.rename(hidden.with_name(name))


class Watching:
    """A `driver.py watch --json` of a workspace.

    Args:
        ws: the workspace.
        options: more of the command line.
        before: a command that starts the process.
        env: variables beside the inherited ones.
    """

    def __init__(self, ws, *options, before=(), env=None):
        command = [*before, sys.executable, str(DRIVER), "watch", "--json", "--workspace", str(ws.layout.root)]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SNAPSHOTTER_")}
        self.ws, self.events, self._rest = ws, [], b""
        self.process = subprocess.Popen(
            [*command, *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=inherited | (env or {}),
            bufsize=0,
        )

    def __enter__(self):
        self.started = self.next("started")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    @property
    def pid(self):
        """The watch itself, whatever started it."""
        return self.started["pid"] if hasattr(self, "started") else self.process.pid

    def next(self, kind=None):
        """The next event, of that kind if one is named."""
        while True:
            event = self._read()
            self.events.append(event)
            if kind in (None, event["event"]):
                return event

    def run(self, *names):
        """The next run; it took exactly these files, if any are named."""
        event = self.next("run")["run"]
        taken = [file["name"] for dataset in event["datasets"] for file in dataset["files"]]
        assert not names or sorted(taken) == sorted(names)
        return event

    def stop(self, number=signal.SIGTERM, *, times=1):
        """Ask it to end, and say how it did: the exit code and its last event."""
        for _ in range(times):
            os.kill(self.pid, number)
        return self.end()

    def end(self):
        """Wait for its end: the exit code and its last event."""
        last = self.next("stopped")
        assert self.process.stdout.read() == b""
        return self.process.wait(LONG), last

    def latest(self):
        """The rows of latest.csv, without their lineage."""
        lines = latest(self.ws).splitlines()[1:]
        return [line.rpartition(",")[0] for line in lines]

    def _read(self):
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self.process.stdout], [], [], LONG)
            assert ready, f"nothing happened; so far: {self.events}"
            piece = os.read(self.process.stdout.fileno(), 1 << 16)
            assert piece, f"it ended: {self.process.stderr.read().decode()}"
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)
