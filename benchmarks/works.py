"""What is measured: the works, and who does them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.drops import Drops
from benchmarks.measuring import Failure
from benchmarks.outcome import OURS, Outcome
from benchmarks.peers import PEERS
from benchmarks.stage import HERE, Stage, base_of

SIZES = (1_000_000, 3_000_000, 10_000_000, 30_000_000)
HOURLY = 60
SLOW_PER_FILE = {
    "pandas_loop": "did not end within 100 s at a tenth of the files: it reads and writes everything for each file",
    "delta_merge": "97 s at a tenth of the files: one transaction for each",
    "dlt_merge": "12 s at a tenth of the files",
}
TOO_LARGE = {
    "pandas_loop": "18 s for the first two of the ten files; it reads and writes all of those before for each",
    "miller": "30 s and 4.6 GB of memory for one of the ten files",
    "csvkit": "53 s and 1.8 GB of memory for one of the ten files",
}
OWN_STATE = "its state would be a table of its own, not latest.csv; measured in `seed`"
IN_MEMORY = {"polars_once": 10_000_000, "pandas_loop": 3_000_000}  # the greatest state whose rows they are trusted with


@dataclass(frozen=True)
class Work:
    """One work that snapshotter and its peers do on the same drops.

    Args:
        name: of the work, and of the file of its outcome.
        title: what is done.
        drops: what is dropped.
        peers: who does it beside us.
        times: how many turns.
        state: rows of the state before; 0: an empty workspace.
        left_out: who does not do it, and why.
    """

    name: str
    title: str
    drops: Drops
    peers: tuple[str, ...]
    times: int
    state: int = 0
    left_out: dict[str, str] = field(default_factory=dict)


def seed(times: int = 5) -> Work:
    """The default job: a hundred thousand rows in fifty files."""
    peers = ("pandas_loop", "polars_once", "duckdb_once", "delta_merge", "dlt_merge", "miller", "csvkit")
    return Work("seed", "100,000 rows in 50 files, empty state", Drops(50, 2000, 30_000), peers, times)


def many(times: int = 3, files: int = 10_000) -> Work:
    """Many small files, one an hour."""
    peers = ("polars_once", "duckdb_once", "miller", "csvkit")
    drops = Drops(files, 20, 30_000, every=HOURLY)
    return Work("many", f"{files:,} files of 20 rows, empty state", drops, peers, times, left_out=SLOW_PER_FILE)


def load(times: int = 1, rows: int = 10_000_000) -> Work:
    """A large first delivery."""
    peers = ("duckdb_once", "polars_once", "delta_merge", "dlt_merge")
    title = f"{rows:,} rows in {base_of(rows).files} files, empty state"
    return Work("load", title, base_of(rows), peers, times, left_out=TOO_LARGE)


def change_of(rows: int) -> Drops:
    """A small delivery whose keys lie all over a state of these many rows; about a tenth of them is in it."""
    return Drops(1, 20_000, rows * 10, 5, "2022-06-01")


def grow(rows: int, times: int = 3) -> Work:
    """A small delivery on a large state."""
    held = tuple(name for name, most in IN_MEMORY.items() if rows <= most)
    left_out = dict.fromkeys(("delta_merge", "dlt_merge"), OWN_STATE)
    left_out |= {name: "holds all rows in memory" for name in IN_MEMORY if name not in held}
    peers = ("copy", "duckdb_anti_join", "duckdb_once", *held)
    return Work(f"grow-{rows}", f"20,000 rows on a state of {rows:,}", change_of(rows), peers, times, rows, left_out)


def compare(stage: Stage, work: Work) -> Outcome:
    """Measure a work: ours, then each peer, in turn. A peer that fails once is left out from then on.

    Raises:
        Failure: the drops or the state could not be made.
    """
    outcome = Outcome(work.name, work.title, left_out=work.left_out)
    drops = stage.drops(work.drops)
    base = stage.state(work.state) if work.state else None
    state = base / "output" / "latest.csv" if base else None
    out = stage.folder / "peer.csv"
    for turn in range(work.times):
        stage.clear()
        workspace = stage.workspace(base, drops)
        try:
            outcome.add(OURS, stage.ours(workspace, "run", "--quiet"))
        except Failure as failure:
            outcome.failures[OURS] = str(failure)
            break
        latest = workspace / "output" / "latest.csv"
        _tell(stage, outcome, OURS, turn)
        for name in work.peers:
            if name in outcome.failures:
                continue
            try:
                outcome.add(name, stage.peer(name, drops, out, state))
                if turn == 0 and PEERS[name].merges:
                    outcome.same[name] = difference(latest, out)
            except Failure as failure:
                outcome.failures[name] = str(failure)
            _tell(stage, outcome, name, turn)
        outcome.facts = {
            "files": work.drops.files,
            "rows_in": work.drops.files * work.drops.rows,
            "bytes_in": sum(path.stat().st_size for path in drops.iterdir()),
            "latest_bytes": latest.stat().st_size,
        }
    stage.clear()
    return outcome


def difference(ours: Path, theirs: Path) -> dict[str, int]:
    """How another result differs from ours, told by a process of its own; may raise Failure."""
    command = [sys.executable, str(HERE / "same.py"), str(ours), str(theirs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"its result cannot be compared with ours: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, int] = json.loads(done.stdout)
    return found


def _tell(stage: Stage, outcome: Outcome, who: str, turn: int) -> None:
    """Say how one measurement went."""
    if who in outcome.failures:
        stage.say(f"{outcome.name}, turn {turn + 1}: {who} {outcome.failures[who]}")
        return
    sample = outcome.samples[who][-1]
    told = (
        f"{outcome.name}, turn {turn + 1}: {who} {sample.seconds:.2f} s, CPU {sample.cpu:.2f} s, {sample.memory:.0f} MB"
    )
    stage.say(told + (f"; {apart(outcome.same[who])}" if turn == 0 and who in outcome.same else ""))


def apart(found: dict[str, int]) -> str:
    """The outcome of a comparison of rows, in words."""
    if not found["missing"] + found["extra"] + found["other"]:
        return "the same rows"
    names = ("missing", "extra", "other")
    words = ("keys missing", "keys too many", "keys won by another row")
    return ", ".join(f"{found[name]:,} {word}" for name, word in zip(names, words, strict=True) if found[name])
