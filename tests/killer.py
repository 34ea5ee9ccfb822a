"""Runs commands on workspaces, each in a process of its own that dies (SIGKILL) just before a chosen point.

A point is a step of the write order, an fsync, or a call that changes a name inside the workspace, as the audit
events of Python tell of them: "archive: os.link input/processed/a.csv". Nothing is replaced; the wrappers here
only count, and call what they wrap. Requests come as lines of JSON on stdin: {"workspace", "command": [method of
Workspace, arguments, options], "point": its name or its place, null to live, "now": what the clock says, null for
the time}; each answer is the exit code, negative for a signal. The list of the points that were reached is left
beside the workspace, in NAME.points.

The libraries are loaded once; each command runs in a fork, as fresh as a new process but ten times as fast.
"""

import json
import os
import re
import signal
import sys
import threading
import traceback
from collections import Counter
from datetime import datetime
from functools import wraps
from pathlib import Path

import duckdb
import filelock

from snapshotter import Workspace, going_back, pruning, reading, rebuilding, remarks, upkeep
from snapshotter.dataset import Dataset
from snapshotter.engine import duckdb as engine

# But not deltalake: it starts a thread, which a fork would lose.
LOADED = (duckdb, filelock, engine, going_back, pruning, reading, rebuilding, remarks, upkeep)
STEPS = ("recover", "judge", "merge", "write_rows", "render", "commit", "publish", "archive", "tend", "commit_prune")
# event: the position of the path that changes among its arguments, and of the folder's descriptor, if it has one
CHANGES = {
    "open": (0, None),
    "os.rename": (1, 3),
    "os.link": (1, 3),
    "os.symlink": (1, 2),
    "os.remove": (0, 1),
    "os.mkdir": (0, 2),
    "os.rmdir": (0, 1),
    "os.truncate": (0, None),
    "shutil.rmtree": (0, 1),
    "shutil.copyfile": (1, None),
    "shutil.move": (1, None),
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Killer:
    """Names each point as it comes, and ends the process at the one that was asked for.

    Args:
        workspace: only what happens inside it counts.
        point: where to die, by its name or its place among all points (from 1); None to live.
    """

    def __init__(self, workspace: Path, point: str | int | None) -> None:
        self._workspace, self._root, self._point = workspace, os.fspath(workspace) + "/", point
        self._seen, self._local, self._lock = Counter(), threading.local(), threading.Lock()
        self.points = []

    def reach(self, what: str) -> None:
        """Stand just before something; the second of the same kind is called `… #2`."""
        name = f"{'/'.join(self._steps()) or 'outside'}: {what}"
        with self._lock:
            self._seen[name] += 1
            point = name if self._seen[name] == 1 else f"{name} #{self._seen[name]}"
            self.points.append(point)
            if self._point in (point, len(self.points)):
                self.tell()
                os.kill(os.getpid(), signal.SIGKILL)

    def tell(self) -> None:
        """Leave the list of points."""
        Path(f"{self._workspace}.points").write_text(json.dumps(self.points))

    def hook(self, event: str, arguments: tuple) -> None:
        """The audit hook."""
        if event not in CHANGES or (event == "open" and not self._writes(*arguments[1:])):
            return
        path, folder = CHANGES[event]
        place = self._inside(arguments[path], -1 if folder is None else arguments[folder])
        if place:
            self.reach(f"{event} {place}")

    def fsync(self, descriptor: int) -> None:
        """In place of os.fsync."""
        place = self._inside(Path(f"/proc/self/fd/{descriptor}").readlink())
        if place:
            self.reach(f"fsync {place}")
        self._fsync(descriptor)

    def install(self) -> None:
        """Wrap the steps and os.fsync, and listen."""
        for step in STEPS:
            setattr(Dataset, step, self._counted(step, getattr(Dataset, step)))
        self._fsync, os.fsync = os.fsync, self.fsync
        sys.addaudithook(self.hook)

    def _steps(self) -> list[str]:
        if not hasattr(self._local, "steps"):
            self._local.steps = []
        return self._local.steps

    def _counted(self, step: str, method):
        @wraps(method)
        def counted(dataset, *arguments, **options):
            self._steps().append(step if dataset.name == "default" else f"{dataset.name}.{step}")
            try:
                self.reach("begin")
                return method(dataset, *arguments, **options)
            finally:
                self._steps().pop()

        return counted

    def _inside(self, path: object, folder: object = -1) -> str:
        """A path inside the workspace, without what differs from run to run; else nothing."""
        if isinstance(path, int):
            return ""
        text = os.fsdecode(path)
        if isinstance(folder, int) and folder >= 0:
            text = f"{Path(f'/proc/self/fd/{folder}').readlink()}/{text}"
        if not (text + "/").startswith(self._root):
            return ""
        text = text.removeprefix(self._root[:-1]).removeprefix("/") or "."
        return re.sub(r"[0-9a-f]{32}|(?<=\.snapshotter-)[a-z0-9_]{8}(?=/|$)", "*", text)

    @staticmethod
    def _writes(mode: str | None, flags: int) -> bool:
        return bool(flags & WRITING) or any(letter in (mode or "") for letter in "wxa+")


def live_or_die(workspace: Path, command: list, point: str | int | None, now: str | None) -> int:
    """Run one command in this process."""
    killer = Killer(workspace, point)
    space = Workspace(workspace, clock=lambda: datetime.fromisoformat(now)) if now else Workspace(workspace)
    killer.install()
    method, arguments, options = command
    getattr(space, method)(*arguments, **options)
    killer.tell()
    return 0


def main() -> None:
    """Answer each request."""
    assert len(os.listdir("/proc/self/task")) == 1, "a fork would lose the other threads"  # noqa: PTH208
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            code = 1
            try:
                code = live_or_die(Path(request["workspace"]), *(request.get(w) for w in ("command", "point", "now")))
            except BaseException:  # noqa: BLE001 - a fork must never go on with its parent's work
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
