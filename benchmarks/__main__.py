"""Measure snapshotter beside its peers, and write the report.

    python -m benchmarks [WORK ...] [--quick] [--times N] [--sizes ROWS,ROWS] [--work DIR] [--limit SECONDS] [--fresh]

Works: seed, many, startup, watch, validation, generate, load, grow, back. What was measured already with the same code
is not measured again, so a call that was ended goes on where it was. Drops, states and results are kept in --work
($BENCH_WORK, or a folder among the temporary ones), 25 GB at most.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import commands, generating, latency, machine, outcome, report, works
from benchmarks.generators import GENERATORS
from benchmarks.measuring import Failure
from benchmarks.outcome import Outcome
from benchmarks.peers import PEERS
from benchmarks.stage import HERE, Stage, digest
from benchmarks.works import SIZES

PICTURE = "growth.svg"
FOLDER = Path(tempfile.gettempdir()) / "snapshotter-benchmarks"
MEASURING = [
    f"benchmarks/{name}.py"
    for name in ("commands", "drops", "generating", "generators", "latency", "measuring", "peers", "stage", "works")
]
NAMES = ("seed", "many", "startup", "watch", "validation", "generate", "load", "grow", "back")
QUICK = ("seed", "many", "startup", "watch", "generate", "grow")


@dataclass(frozen=True)
class Step:
    """One outcome to be had: its name, and what is measured for it."""

    name: str
    measured: Callable[[Stage], Outcome]


def steps(names: list[str], sizes: list[int], times: int | None, *, quick: bool) -> list[Step]:
    """What is to be measured, in the order in which it is: what needs most of the disk comes last.

    Args:
        names: of works.
        sizes: rows of the states that grow.
        times: how many turns; None: as many as each work needs.
        quick: fewer turns, and a tenth of the many files.
    """

    def turns(many: int, few: int) -> int:
        return times or (few if quick else many)

    def race(work: works.Work) -> Step:
        return Step(work.name, lambda stage: works.compare(stage, work))

    every = {
        "seed": [race(works.seed(turns(5, 1)))],
        "many": [race(works.many(turns(3, 1), 1000 if quick else 10_000))],
        "startup": [Step("startup", partial(commands.startup, times=turns(11, 3)))],
        "watch": [Step("watch", partial(latency.watch, drops=10 if quick else 40))],
        "validation": [Step("validation", commands.validation)],
        "generate": [
            Step("generate", partial(generating.generating, times=turns(3, 1), scale=10 if quick else 1)),
        ],
        "load": [race(works.load(turns(3, 1)))],
        "grow": [race(works.grow(rows, turns(3, 1))) for rows in sorted(sizes)],
        "back": [Step("back", partial(commands.going_back, times=turns(3, 1)))],
    }
    chosen = [step for name in every if name in names for step in every[name]]
    return sorted(chosen, key=lambda step: step.name == f"grow-{SIZES[-1]}")


def take(stage: Stage, step: Step, kept: Path, stamp: str, *, fresh: bool) -> Outcome:
    """One outcome: the one that is kept, if it was measured with the same, or a new one. A failure is one, too."""
    found = None if fresh else outcome.read(kept, stamp)
    if found:
        stage.say(f"{step.name}: measured already, with the same code (--fresh measures again)")
        return found
    try:
        found = step.measured(stage)
    except Failure as failure:
        stage.clear()
        stage.say(f"{step.name}: {failure}")
        return Outcome(step.name, "not measured", failures={step.name: str(failure)})
    found.write(kept, stamp)
    return found


def draw(outcomes: dict[str, Outcome], out: Path) -> bool:
    """Draw the growth, if there is more than one size; says whether it did."""
    grown = [found for name, found in outcomes.items() if name.startswith("grow-")]
    points: dict[str, list[tuple[int, float]]] = {}
    for found in grown:
        for who in found.samples:
            if (median := found.median(who)) is not None:
                points.setdefault(who, []).append((int(found.name.partition("-")[2]), median))
    if len(grown) < 2:
        return False
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(points, file)
        file.flush()
        drawn = subprocess.run([sys.executable, HERE / "picture.py", out, file.name], check=False)
    return drawn.returncode == 0


def main(arguments: list[str]) -> int:
    """Measure what is asked for, print the tables, write the report; 1 if snapshotter itself failed at something."""
    options = asked(arguments)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is being measured is ended, too
    folder: Path = options.work.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    stage = Stage(folder, options.limit, lambda text: print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True))
    used = machine.versions()
    stamp = f"{stage.code} {digest(MEASURING)} {json.dumps(used | {'snapshotter': ''})} {options.times}"
    results = folder / ("results-quick" if options.quick else "results")
    outcomes = {
        step.name: take(stage, step, results / f"{step.name}.json", stamp, fresh=options.fresh)
        for step in steps(options.works, options.sizes, options.times, quick=options.quick)
    }
    target = HERE if (options.works, options.sizes) == ([*NAMES], [*SIZES]) else folder
    drawn = draw(outcomes, target / PICTURE)
    text = report.report(outcomes, machine.machine(folder), used, PICTURE if drawn else None)
    (target / "RESULTS.md").write_text(text, "utf-8")
    tables = "\n".join(f"{found.title}\n\n{report.section(found)}" for found in outcomes.values())
    print(f"\n{tables}\n{report.goals(outcomes)}\nThe report is in {target / 'RESULTS.md'}")
    return 1 if any(who not in {**PEERS, **GENERATORS} for found in outcomes.values() for who in found.failures) else 0


def asked(arguments: list[str]) -> argparse.Namespace:
    """The command line, with what is measured by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("works", nargs="*", metavar="WORK", help=f"{', '.join(NAMES)} (default: all)")
    add("--quick", action="store_true", help="under two minutes: few turns, fewer files, one million rows at most")
    add("--times", type=int, help="turns of each work")
    add("--sizes", default=",".join(map(str, SIZES)), help="rows of the states of grow (%(default)s)")
    add("--work", type=Path, default=os.environ.get("BENCH_WORK") or FOLDER, help="the folder to work in (%(default)s)")
    add("--limit", type=float, default=900, help="seconds after which a process is given up (%(default)s)")
    add("--fresh", action="store_true", help="measure again what is measured already")
    options = parser.parse_args(arguments)
    if unknown := set(options.works) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    options.sizes = [int(size) for size in options.sizes.split(",")]
    options.works = options.works or [*(QUICK if options.quick else NAMES)]
    if options.quick:
        options.sizes = [min(*options.sizes, SIZES[0])]
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
