"""Where the time of the default job goes: `python -m benchmarks.profiling [--rows N --files N]`.

Prints two things. First the call tree of one run on the drops of `seed`, as pyinstrument samples it: what DuckDB and
NumPy do counts for the Python line that waits for them. Then which libraries each command imports, and how long that
takes. Both are measured with the instrument's own cost: shares say more than seconds.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.drops import Drops
from benchmarks.report import table
from benchmarks.stage import Stage, driver

LINE = re.compile(r"import time:\s*(?P<self>\d+) \|\s*(?P<total>\d+) \|\s*(?P<name>[\w.]+)")
LEAST = 2.0  # ms; what takes less is summed up


def main(arguments: Sequence[str]) -> None:
    """Profile and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000, help="of each file (%(default)s)")
    parser.add_argument("--files", type=int, default=50, help="(%(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="snapshotter-profile-") as folder:
        stage = Stage(Path(folder), say=lambda _: None)
        drops = stage.drops(Drops(options.files, options.rows, 30_000))
        workspace = stage.workspace(None, drops)
        run = [*driver("run", "--quiet"), "--workspace", workspace][1:]
        print(f"One run: {options.files} files of {options.rows:,} rows, empty state")
        print(told([sys.executable, "-m", "pyinstrument", "--renderer=text", *run], stage).stdout)
        timed = [sys.executable, "-X", "importtime"]
        for name, command in (("--help", driver("--help")[1:]), ("run, empty queue", run), ("run, files", run)):
            stage.workspace(None, drops if name == "run, files" else None)
            print(f"Imports of `{name}`\n\n{shares(told([*timed, *command], stage).stderr)}")


def told(command: Sequence[str | Path], stage: Stage) -> subprocess.CompletedProcess[str]:
    """What a process prints; it must end well."""
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=True, cwd=stage.folder, env=stage.environment
    )


def shares(text: str) -> str:
    """The table of libraries out of what `-X importtime` tells: of each the modules, and the ms of its own."""
    times: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    for line in text.splitlines():
        if match := LINE.search(line):
            library = match["name"].partition(".")[0]
            times[library] += int(match["self"])
            modules[library] += 1
    large = {name: took for name, took in times.most_common() if took / 1000 >= LEAST}
    rest = [name for name in times if name not in large]
    rows = [(name, f"{modules[name]}", f"{took / 1000:.1f}") for name, took in large.items()]
    rows.append(
        (f"{len(rest)} others", f"{sum(modules[n] for n in rest)}", f"{sum(times[n] for n in rest) / 1000:.1f}")
    )
    rows.append(("all", f"{modules.total()}", f"{times.total() / 1000:.1f}"))
    return table(("library", "modules", "ms"), rows)


if __name__ == "__main__":
    main(sys.argv[1:])
