"""What single commands take: start-up, and going back on a large state."""

from __future__ import annotations

import filecmp
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import Failure, Sample
from benchmarks.outcome import Outcome
from benchmarks.stage import HERE, Stage, driver
from benchmarks.works import change_of

NOTHING, HELP, EMPTY = "python -c pass", "--help", "run, empty queue"
COPY, RENDER = "copy", "full render"


def startup(stage: Stage, times: int = 11) -> Outcome:
    """Start-up: the interpreter alone, the help, and a run that finds nothing to do.

    Raises:
        Failure: there is no state to start on.
    """
    outcome = Outcome("startup", "start-up, on a state of 100,000 rows")
    workspace = stage.workspace(stage.state(100_000))
    ways: dict[str, Callable[[], Sample]] = {
        NOTHING: lambda: stage.measured(sys.executable, "-c", "pass"),
        HELP: lambda: stage.measured(*driver("--help")),
        EMPTY: lambda: stage.ours(workspace, "run"),
    }
    for way in ways.values():  # whoever comes first pays for what the system has not read yet
        way()
    in_turn(stage, outcome, ways, times)
    stage.clear()
    return outcome


def going_back(stage: Stage, rows: int = 10_000_000, times: int = 3) -> Outcome:
    """Asking and going back on a large state of two snapshots, beside a copy and a full render of latest.csv.

    What `reset`, `withdraw` and `show` give must be the bytes of the snapshot that they go back to.

    Raises:
        Failure: the state could not be made.
    """
    outcome = Outcome("back", f"going back on {rows:,} rows, after a second snapshot of 20,000")
    changed = change_of(rows)
    base, before = stage.state(rows, changed), stage.state(rows) / "output" / "latest.csv"
    (drop,) = stage.drops(changed).iterdir()
    key = drop.read_text("utf-8").splitlines()[1].partition(",")[0]
    out = stage.folder / "peer.csv"

    def changing(*arguments: str, unless: Path | None = None) -> Sample:
        workspace = stage.workspace(base)
        latest = workspace / "output" / "latest.csv"
        if unless is None:
            latest.unlink()
        sample = stage.ours(workspace, *arguments)
        _expect(latest, unless or base / "output" / "latest.csv")
        return sample

    def showing() -> Sample:
        out.unlink(missing_ok=True)
        sample = stage.ours(base, "show", "1", "--output", out)
        _expect(out, before)
        return sample

    ways: dict[str, Callable[[], Sample]] = {
        COPY: lambda: stage.peer(COPY, drop.parent, out, before),
        RENDER: lambda: changing("run", "--quiet"),
        "history": lambda: stage.ours(base, "history", key),
        "show": showing,
        "diff": lambda: stage.ours(base, "diff", "1", "2"),
        "diff --json": lambda: stage.ours(base, "diff", "1", "2", "--json"),
        "reset": lambda: changing("reset", "1", "--yes", unless=before),
        "withdraw": lambda: changing("withdraw", drop.name, "--yes", unless=before),
    }
    in_turn(stage, outcome, ways, times)
    outcome.facts = {"latest_bytes": before.stat().st_size}
    stage.clear()
    return outcome


def validation(stage: Stage) -> Outcome:
    """What a contract costs, as benchmarks/validation.py measures it."""
    outcome = Outcome("validation", "a contract of ten typed columns with rules")
    stage.say("validation: benchmarks/validation.py")
    with tempfile.TemporaryDirectory(dir=stage.folder) as scratch:
        environment = stage.environment | {"TMPDIR": scratch}
        command = [sys.executable, str(HERE / "validation.py")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    outcome.text = done.stdout.strip()
    if done.returncode:
        outcome.failures["validation.py"] = f"ended with exit code {done.returncode}"
    return outcome


def in_turn(stage: Stage, outcome: Outcome, ways: dict[str, Callable[[], Sample]], times: int) -> None:
    """Measure each way once a turn; one that fails is left out from then on."""
    for turn in range(times):
        for name, way in ways.items():
            if name in outcome.failures:
                continue
            try:
                sample = way()
            except Failure as failure:
                outcome.failures[name] = str(failure)
                stage.say(f"{outcome.name}, turn {turn + 1}: {name} {failure}")
            else:
                outcome.add(name, sample)
                stage.say(f"{outcome.name}, turn {turn + 1}: {name} {sample.seconds:.3f} s, CPU {sample.cpu:.2f} s")


def _expect(found: Path, expected: Path) -> None:
    """Raise Failure unless two files are equal, byte for byte."""
    if not found.is_file() or not filecmp.cmp(found, expected, shallow=False):
        raise Failure("did not give the bytes of the snapshot that it goes back to")
