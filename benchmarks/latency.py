"""How long a watch takes from a drop to the new latest.csv."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.drops import Drops
from benchmarks.measuring import Failure, Sample
from benchmarks.outcome import Outcome
from benchmarks.stage import Stage, driver

RENAMED, WRITTEN = "renamed into the queue", "written in the queue"
SETTLE = 0.5  # seconds; taken off where a file has to settle
LOOK = 0.001  # seconds between two looks at latest.csv
ROWS = 100_000


def watch(stage: Stage, drops: int = 40) -> Outcome:
    """Drop files of 2,000 rows one by one into the queue of a watch, and see when latest.csv is another.

    Half of them come by rename, and are taken at once; half are written under their own name, and must settle first:
    the settling time is taken off. A sample's `seconds` is the latency; CPU and memory are not told by it.

    Raises:
        Failure: there is no state, or the watch ended, or did not publish in time.
    """
    outcome = Outcome("watch", f"drop to latest.csv in `watch`, on {ROWS:,} rows, beyond the settling time")
    made = sorted(stage.drops(Drops(drops, 2000, ROWS * 10, 7, "2022-06-01")).iterdir())
    workspace = stage.workspace(stage.state(ROWS))
    queue, latest = workspace / "input" / "processing", workspace / "output" / "latest.csv"
    with _watching(stage, workspace) as process:
        for number, drop in enumerate(made):
            hidden = queue / f".{drop.name}"
            before = latest.stat().st_ino
            if number % 2:
                content = drop.read_bytes()
                start = time.perf_counter() + SETTLE
                (queue / drop.name).write_bytes(content)
            else:
                shutil.copyfile(drop, hidden)
                start = time.perf_counter()
                hidden.rename(queue / drop.name)
            end = _changed(latest, before, process, stage.limit)
            outcome.add(WRITTEN if number % 2 else RENAMED, Sample(end - start, 0, 0))
            _quiet(queue, process, stage.limit)
    stage.say(f"watch: {drops} drops, {max(max(outcome.seconds(w)) for w in (RENAMED, WRITTEN)):.3f} s at most")
    stage.clear()
    return outcome


@contextmanager
def _watching(stage: Stage, workspace: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A watch that has started; it is asked to end behind the block."""
    command = driver("watch", "--json", "--settle", str(SETTLE), "--workspace", workspace)
    events = stage.folder / "events.json"
    with (
        events.open("wb") as told,
        subprocess.Popen(
            list(map(str, command)),
            stdout=told,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"TMPDIR": str(stage.folder)},
        ) as process,
    ):
        try:
            deadline = time.monotonic() + stage.limit
            while not events.stat().st_size:
                _go_on(process, deadline)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
    last = json.loads(events.read_text("utf-8").splitlines()[-1])
    events.unlink()
    if last["event"] != "stopped":
        raise Failure(f"the watch ended with the event {last['event']}")


def _changed(latest: Path, inode: int, process: subprocess.Popen[bytes], limit: float) -> float:
    """The time at which latest.csv became another file."""
    deadline = time.monotonic() + limit
    while latest.stat().st_ino == inode:
        _go_on(process, deadline)
    return time.perf_counter()


def _quiet(queue: Path, process: subprocess.Popen[bytes], limit: float) -> None:
    """Wait until the run is done with what was dropped, so that the next drop finds the watch waiting."""
    deadline = time.monotonic() + limit
    while any(queue.iterdir()):
        _go_on(process, deadline)
    time.sleep(0.25)


def _go_on(process: subprocess.Popen[bytes], deadline: float) -> None:
    if process.poll() is not None:
        raise Failure(f"the watch ended with exit code {process.returncode}")
    if time.monotonic() > deadline:
        raise Failure("the watch did not publish in time")
    time.sleep(LOOK)
