"""Commands under strace: which system calls change a workspace, and what happens if one of them never comes back.

A place is where a call stands in the write order: the step, as the names that appear tell of it, the call, and the
kind of path, without what differs from run to run.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from conftest import ROOT

COMMANDER = Path(__file__).with_name("commander.py")
CHANGING = (
    "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,"
    "fsync,fdatasync,write,pwrite64,writev,pwritev,pwritev2,copy_file_range,sendfile,ftruncate,truncate,fallocate,"
    "chmod,fchmod,fchmodat,utimensat,setxattr,fsetxattr"
)
WRITING = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC)")
LINE = re.compile(r"(?:(?P<process>\d+) +)?(?P<call>\w+)\((?P<rest>.*)")
# A step begins with the first call of this kind behind the step before it: (step, call, path).
STEPS = (
    ("begin", "", ""),
    ("write rows", r"openat", r"output/ledger/\w+/part-"),
    ("render", r"openat", r"\.snapshotter-latest-\d+\.tmp"),
    ("commit", r"openat", r"output/ledger/\w+/\.snapshotter-[0-9a-f]{32}\.tmp"),
    ("acknowledge", r"unlink", r"output/ledger/\w+/\.snapshotter-[0-9a-f]{32}\.tmp"),
    ("publish", r"rename", r"latest\.csv"),
    ("archive", r"link(at)?", r"input/\w+/"),
    ("finish", r"openat", r"output/ledger/\w+/\.snapshotter-[0-9a-f]{32}\.tmp"),
)
WRITE_ROWS, ACKNOWLEDGE, FINISH = 1, 4, 7


@dataclass(frozen=True)
class Point:
    """One call of a command.

    Args:
        call: its name.
        number: the how many-th of this name in its thread.
        place: see above.
        path: the path in the workspace, if another thread calls: then `number` counts its calls of this path.
    """

    call: str
    number: int
    place: str
    path: str = ""

    def kill(self, root: Path) -> list[str]:
        """What strace does to a command on a workspace, to have it die here."""
        return self._inject(root, "signal=KILL")

    def fail(self, root: Path, error: str) -> list[str]:
        """What strace does to have it fail."""
        return self._inject(root, f"error={error}")

    def is_last_of(self, trace: str, root: Path) -> bool:
        """Whether a process died here."""
        reached = points(trace, root)
        return bool(reached) and reached[-1].what == self.what and (bool(self.path) or reached[-1].place == self.place)

    @property
    def what(self) -> str:
        """Call and kind of path."""
        return self.place.partition(": ")[2]

    def _inject(self, root: Path, what: str) -> list[str]:
        whose = ["-f", "-P", f"{root}/{self.path}"] if self.path else []  # without -f the first thread alone
        return [*whose, "-e", f"inject={self.call}:{what}:when={self.number}"]

    def __str__(self) -> str:
        """For a report."""
        return f"{self.place} (no. {self.number})"


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Args:
        code: its exit code, negative for a signal.
        output, errors: what it printed.
        trace: what strace wrote.
    """

    code: int
    output: str
    errors: str
    trace: str

    @property
    def was_killed(self) -> bool:
        """Whether it died of SIGKILL."""
        return self.code == -signal.SIGKILL

    @property
    def error(self) -> dict:
        """The named error of `--json`: of the command, or of a dataset; empty without one."""
        for text in (self.errors.strip().rpartition("\n")[2], self.output):
            try:
                said = json.loads(text)
            except ValueError:
                continue
            if isinstance(said, dict):
                failed = [dataset["error"] for dataset in said.get("datasets", [said]) if dataset.get("error")]
                if failed:
                    return failed[0]
        return {}


class Commander:
    """Command lines in processes of their own, under strace if that is wanted; see `commander.py`.

    Args:
        folder: for what they print.
        prefix: what to start them with, such as `eatmydata`.
        environment: variables for them.
    """

    def __init__(self, folder: Path, prefix: tuple[str, ...] = (), environment: dict | None = None) -> None:
        """Load the libraries."""
        folder.mkdir(parents=True, exist_ok=True)
        self._output, self._trace = folder / "output", folder / "trace"
        for path in (self._output, f"{self._output}.err"):
            os.mkfifo(path)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SNAPSHOTTER_", "COV"))}
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        ours = {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "TOKIO_WORKER_THREADS": "1", "TMPDIR": str(folder)}
        ours |= {"SNAPSHOTTER_THREADS": "1", "SNAPSHOTTER_LOCK_TIMEOUT": "1s", "PYTHONDONTWRITEBYTECODE": "1"}
        ours |= environment or {}
        command = [*prefix, sys.executable, "-X", "faulthandler", str(COMMANDER)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=inherited | ours)

    def run(
        self, root: Path, *arguments: str, inject: list[str] | None = None, file_size: int | None = None, started=None
    ) -> Ended:
        """One command on a workspace.

        Args:
            root: the workspace.
            arguments: of the command line.
            inject: options of strace, which say what happens to one call; None to do without it.
            file_size: the greatest size of a file, in bytes.
            started: told the id of the process.
        """
        json_too = [] if arguments[0] in {"show", "watch"} else ["--json"]
        command = [*arguments, *json_too, "--workspace", str(root)]
        request = {"arguments": command, "output": str(self._output), "file_size": file_size}
        with ExitStack() as pipes:  # no files, whose size can be limited; what is printed fits into a pipe
            printed = [pipes.enter_context(_opened(path)) for path in (self._output, f"{self._output}.err")]
            code, trace = self._carry_out(request, inject, started)
            output, errors = ((pipe.read() or b"").decode() for pipe in printed)
        return Ended(code, output, errors, trace)

    def _carry_out(self, request: dict, inject: list[str] | None, started) -> tuple[int, str]:
        print(json.dumps(request), file=self._process.stdin, flush=True)
        process = int(self._process.stdout.readline())
        if started:
            started(process)
        tracer = self._attach(process, inject) if inject is not None else None
        os.kill(process, signal.SIGCONT)
        code = int(self._process.stdout.readline())
        if tracer:
            with tracer:
                tracer.communicate()
        return code, self._trace.read_text() if tracer else ""

    def points(self, root: Path, *arguments: str) -> list[Point]:
        """All calls of a command that change a workspace, in order; carries it out."""
        ended = self.run(root, *arguments, inject=["-f"])
        assert ended.code in (0, 1), ended.errors
        return points(ended.trace, root)

    def _attach(self, process: int, inject: list[str]) -> subprocess.Popen:
        command = ["strace", "-y", "-s", "0", "-e", f"trace={CHANGING}", "-e", "signal=none", *inject]
        command += ["-o", str(self._trace), "-p", str(process)]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        told = tracer.stderr.readline()
        assert "attached" in told, told
        return tracer

    def close(self) -> None:
        """End it."""
        with self._process:
            self._process.stdin.close()


def _opened(path: Path | str) -> FileIO:
    """The end of a named pipe from which one can read when others have written."""
    return FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


def points(trace: str, root: Path) -> list[Point]:
    """The calls of a trace that change a workspace.

    Args:
        trace: as strace wrote it, all calls of `CHANGING`.
        root: the workspace.
    """
    numbers: Counter[tuple[str, ...]] = Counter()
    found, step, first = [], 0, ""
    for line in trace.splitlines():
        match = LINE.match(line)
        if not match or "resumed>" in line[:40]:
            continue
        call, process = match["call"], match["process"] or "the first"
        first = first or process
        numbers[process, call] += 1
        path = _path(call, match["rest"], f"{root}/")
        if not path:
            continue
        step = _step(step, call, path)
        place = f"{STEPS[step][0]}: {call} {_kind(path)}"
        if process == first:
            found.append(Point(call, numbers[process, call], place))
        else:
            matched = _old_name(match["rest"], f"{root}/") if call == "rename" else path
            numbers[process, call, matched] += 1
            found.append(Point(call, numbers[process, call, matched], place, matched))
    return found


def _step(step: int, call: str, path: str) -> int:
    """The step that a call belongs to, given that of the call before it."""

    def begins(number: int) -> bool:
        _, starter, what = STEPS[number]
        return bool(re.fullmatch(starter, call) and re.search(what, path))

    if step >= ACKNOWLEDGE and begins(WRITE_ROWS):  # of the next dataset
        return WRITE_ROWS
    following = range(step + 1, FINISH + (step > ACKNOWLEDGE))
    return next((number for number in following if begins(number)), step)


def _path(call: str, rest: str, root: str) -> str:
    """The path inside a workspace that a call changes; nothing if it changes none."""
    if call.startswith("open") and not WRITING.search(rest):
        return ""
    paths = re.findall(r'<(/[^>]*)>|"([^"]*)"', rest.partition(") = ")[0])
    named = [descriptor or name for descriptor, name in paths]
    if call.startswith(("rename", "link", "symlink")):  # the new name is what changes
        named = named[-1:]
    elif "at" in call and len(named) > 1 and not named[1].startswith("/"):
        named = [f"{named[0]}/{named[1]}"]
    elif "at" in call and len(named) > 1:
        named = named[1:]
    if not named or not f"{named[0]}/".startswith(root):
        return ""
    return named[0].removeprefix(root.rstrip("/")).removeprefix("/") or "."


def _old_name(rest: str, root: str) -> str:
    """The name that a rename takes away: strace's -P looks at no other."""
    return re.findall(r'"([^"]*)"', rest)[0].removeprefix(root)


def _kind(path: str) -> str:
    """A path without what differs from run to run, and without the names of dropped files."""
    path = re.sub(r"_view-[0-9a-f-]+|[0-9a-f]{32}|(?<=\.snapshotter-)[a-z0-9_]{8}(?=/|$)", "*", path)
    folder, _, name = path.rpartition("/")
    if path.startswith("input/") and folder != "input" and not name.startswith("."):
        return f"{folder}/*.reason.json" if name.endswith(".reason.json") else f"{folder}/*"
    if path.startswith("output/rejects/") and path.count("/") >= 3 and not name.startswith("."):
        return "output/rejects/*/*"
    return re.sub(r"\d+", "N", path)
