"""What the tests share: workspaces, dropping files into them, and the program as its users start it.

`from conftest import drop, latest, peak, run_cli` for the functions; the fixtures are known by name.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from snapshotter import Workspace

pytest.register_assert_rewrite("scenes")

ROOT = Path(__file__).resolve().parents[1]
DRIVER = ROOT / "driver.py"
SHARED = ROOT / os.environ.get("SNAPSHOTTER_SHARED", "../shared")


@pytest.fixture(scope="session")
def workspace():
    """Makes fresh workspaces: `workspace(config="", **files)` returns a Workspace with files in its queue."""
    with tempfile.TemporaryDirectory(prefix="snapshotter-tests-") as folder:

        def make(config: str = "", **files: str | bytes) -> Workspace:
            root = Path(tempfile.mkdtemp(dir=folder))
            (root / "input" / "processing").mkdir(parents=True)
            if config:
                (root / "snapshotter.toml").write_text(config, encoding="utf-8")
            ws = Workspace(root)
            for name, content in files.items():
                drop(ws, name, content)
            return ws

        yield make


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data shared with other projects; without it tests are skipped, but not under CI."""
    if not SHARED.is_dir():
        message = f"there is no folder {SHARED}; SNAPSHOTTER_SHARED names it"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return SHARED


_HOLDER = """
import sys
from snapshotter.layout import Layout
from snapshotter.lock import writer_lock
with writer_lock(Layout.of(sys.argv[1]), 5):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder():
    """Another process that holds the writer's lock of a workspace, for the time of a `with` block."""

    @contextmanager
    def hold(ws: Workspace) -> Iterator[subprocess.Popen]:
        command = [sys.executable, "-c", _HOLDER, str(ws.layout.root)]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=os.environ | {"PYTHONPATH": path}) as it:
            assert it.stdout.readline() == "held\n"
            yield it
            it.stdin.close()

    return hold


def drop(ws: Workspace, name: str, content: str | bytes) -> Path:
    """Put a file into the queue, its bytes untouched."""
    path = ws.layout.queue / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def latest(ws: Workspace, dataset: str = "default") -> str:
    """The text of latest.csv, line ends as they are."""
    return ws.layout.latest(dataset).read_bytes().decode()


def run_cli(*arguments, workspace=None, cwd=None, env=None, **more) -> subprocess.CompletedProcess:
    """Run `driver.py` in a process of its own, without this session's SNAPSHOTTER_ variables.

    Args:
        arguments: of the command line.
        workspace: a Workspace or a folder; becomes `--workspace`.
        cwd: the current folder.
        env: variables beside the inherited ones (which coverage of subprocesses needs).
        more: for `subprocess.run`.
    """
    folder = workspace.layout.root if isinstance(workspace, Workspace) else workspace
    command = [sys.executable, str(DRIVER), *map(str, arguments)]
    command += ["--workspace", str(folder)] if folder else []
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SNAPSHOTTER_")}
    how = {"capture_output": True, "text": True, "timeout": 120, **more}
    return subprocess.run(command, cwd=cwd, env=inherited | (env or {}), check=False, **how)


def pytest_terminal_summary(terminalreporter):
    """Say of the tests of faults how many points each tried."""
    told = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, value in report.user_properties
        if name == "faults" and report.when == "call"
    ]
    if told:
        terminalreporter.section("faults")
        for line in sorted(told):
            terminalreporter.line(line)


_LAUNCHER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1000)
"""


def peak(ws: Workspace, *arguments: str) -> tuple[int, int]:
    """Exit code and greatest resident memory (MB) of `driver.py` as a process of its own.

    Started by a small process, since a child's peak counts from that of its parent on; and without coverage.
    """
    program = [sys.executable, str(DRIVER), *arguments, "--workspace", str(ws.layout.root)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "SNAPSHOTTER_"))}
    done = subprocess.run(
        [sys.executable, "-S", "-c", _LAUNCHER, *program], env=environment, check=True, capture_output=True, text=True
    )
    code, used = done.stdout.split()
    return int(code), int(used)
