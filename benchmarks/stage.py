"""Where the works play: drops, states and workspaces in one folder, made once and kept for the next time."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.drops import Drops
from benchmarks.measuring import Failure, Sample, measure

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
MEASURED = ("snapshotter", "driver.py", "generate_test_data.py", "requirements.txt")
PER_FILE = 1_000_000  # rows of each file that a large state is made of
BYTES_PER_ROW = 800  # on the disk, at most, while a state is measured: two views, the ledger, a peer's result
CONFIG = """[datasets.default]
key = ["id"]
timestamp = "timestamp"
[datasets.default.columns.id]
type = "integer"
[datasets.default.columns.amount]
type = "decimal(10,2)"
[datasets.default.columns.quantity]
type = "integer"
[datasets.default.columns.timestamp]
type = "timestamp"
"""


@dataclass(frozen=True)
class Stage:
    """A folder for all that is measured.

    Args:
        folder: holds drops, states, workspaces and results.
        limit: seconds after which a process is given up.
        say: is told what is being done.
    """

    folder: Path
    limit: float = 900
    say: Callable[[str], None] = print
    code: str = field(default_factory=lambda: digest(MEASURED))

    @property
    def scratch(self) -> Path:
        """The current and the temporary folder of what is measured, so that all of it uses one file system."""
        return self.folder / "scratch"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of what is measured: ours, without settings of snapshotter."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SNAPSHOTTER_", "COV"))}
        return inherited | {"TMPDIR": str(self.scratch), "HOME": str(self.scratch)}

    def measured(self, *command: str | Path) -> Sample:
        """Run one process on a quiet disk and an empty scratch folder; may raise Failure."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        os.sync()
        try:
            return measure(command, limit=self.limit, cwd=self.scratch, env=self.environment)
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def ours(self, workspace: Path, *arguments: str | Path) -> Sample:
        """One command of snapshotter, as its users start it."""
        return self.measured(*driver(*arguments), "--workspace", workspace)

    def peer(self, name: str, drops: Path, out: Path, state: Path | None = None) -> Sample:
        """One peer; its result is in `out`, which nobody had made before."""
        out.unlink(missing_ok=True)
        given = (drops, out, state) if state else (drops, out)
        return self.measured(sys.executable, HERE / "peers.py", name, *given)

    def drops(self, drops: Drops) -> Path:
        """The folder of these drops, made if it is not there."""
        folder = self.folder / "drops" / drops.name
        if not folder.exists():
            self.say(f"making drops: {drops.files:,} files of {drops.rows:,} rows")
            with making(folder) as unfinished:
                options = {"files": drops.files, "rows": drops.rows, "keys": drops.keys, "seed": drops.seed}
                words = [f"--{name}={value}" for name, value in options.items()]
                more = [f"--start={drops.start}", f"--every={drops.every}"]
                measure([sys.executable, HERE / "drops.py", unfinished, *words, *more], limit=3600, cwd=self.folder)
        return folder

    def state(self, rows: int, changed: Drops | None = None) -> Path:
        """A workspace that these many rows were loaded into, made anew if the code is another.

        Its archive is empty, but for the drops of the second run: nothing that is measured reads it.

        Args:
            rows: loaded in one run, over ten times as many keys.
            changed: drops of a second run.
        """
        name = f"{rows}-{changed.name}" if changed else str(rows)
        folder = self.folder / "states" / name
        made_by = folder / "made-by"
        if made_by.is_file() and made_by.read_text() == self.code:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        base = self.state(rows) if changed else None
        self.make_room(rows)
        drops = self.drops(changed or base_of(rows))
        self.say(f"making a state of {rows:,} rows" + (" and a second snapshot" if changed else ""))
        with making(folder) as unfinished:
            self.fill(unfinished, base, drops)
            self.ours(unfinished, "run", "--quiet")
            if not changed:
                shutil.rmtree(unfinished / "input")
                (unfinished / "input" / "processing").mkdir(parents=True)
            (unfinished / "made-by").write_text(self.code)
        return folder

    def make_room(self, rows: int) -> None:
        """Raise Failure if the disk would run full."""
        self.folder.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(self.folder).free, rows * BYTES_PER_ROW
        if free < needed:
            raise Failure(f"{rows:,} rows need about {needed / 1e9:.0f} GB of disk, and {free / 1e9:.0f} GB are free")

    def workspace(self, base: Path | None = None, drops: Path | None = None) -> Path:
        """A fresh workspace: a copy of a state, or an empty one, with drops in its queue."""
        folder = self.folder / "workspace"
        shutil.rmtree(folder, ignore_errors=True)
        self.fill(folder, base, drops)
        return folder

    def fill(self, folder: Path, base: Path | None, drops: Path | None) -> None:
        """Copy a state with its times. Parquet files, which nobody writes to, get a second name instead."""
        if base:
            shutil.copytree(base, folder, copy_function=_copy_or_link, dirs_exist_ok=True)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "snapshotter.toml").write_text(CONFIG)
        queue = folder / "input" / "processing"
        queue.mkdir(parents=True, exist_ok=True)
        if drops:
            shutil.copytree(drops, queue, dirs_exist_ok=True)

    def clear(self) -> None:
        """Remove what only one measurement needed."""
        shutil.rmtree(self.folder / "workspace", ignore_errors=True)
        for path in self.folder.glob("peer*.csv"):
            path.unlink()


def base_of(rows: int) -> Drops:
    """The drops that a state of these many rows is made of."""
    return Drops(max(1, rows // PER_FILE), min(rows, PER_FILE), rows * 10, 1, "2020-01-01")


def driver(*arguments: str | Path) -> list[str | Path]:
    """The command line of snapshotter."""
    return [sys.executable, ROOT / "driver.py", *arguments]


def digest(names: Sequence[str]) -> str:
    """What tells one version of some files, and of all modules of some folders, from another."""
    found = hashlib.sha256()
    for place in (ROOT / name for name in names):
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            found.update(path.read_bytes())
    return found.hexdigest()


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """A folder under another name, which it loses when it is complete."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    yield unfinished
    unfinished.rename(folder)


def _copy_or_link(source: str, target: str) -> object:
    if source.endswith(".parquet"):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)
