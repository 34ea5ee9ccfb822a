"""What each command loads: a library takes longer to load than most commands to run."""

import gzip
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
import zstandard
from conftest import DRIVER, ROOT, drop, run_cli

from snapshotter.cli.app import HOMES

HEAVY = {
    *("deltalake", "duckdb", "faker", "filelock", "jinja2", "loguru", "numpy", "open_data_contract_standard"),
    *("pandas", "pydantic", "rapidfuzz", "rich", "typer", "watchdog", "yaml", "zstandard"),
}
HEAD = "id,timestamp,v\n"
ROW = (HEAD + "9,2024-01-09,x\n").encode()
PROFILE = {"PYTHONPROFILEIMPORTTIME": "1"}

HELP = "typer"
ASK = "typer pydantic"
DRAW = f"{ASK} rich"  # a table
WRITE = f"{ASK} filelock"
ROWS = f"{ASK} duckdb numpy"
WRITE_ROWS = f"{WRITE} duckdb numpy"
LOADED = {
    "--help": HELP,
    "--version": ASK,
    "nonsense": ASK,
    "run": WRITE,
    "run --json": WRITE,
    "run --dry-run": WRITE,
    "status": DRAW,
    "status --json": ASK,
    "snapshots": DRAW,
    "snapshots --json": ASK,
    "files": DRAW,
    "files --json": ASK,
    "rejects": ASK,
    "rejects --json": ASK,
    "show": f"{ASK} numpy",  # a copy of what is published
    "show 1 --json": ROWS,
    "diff 1 2": f"{ROWS} rich",
    "diff 1 2 --json": ROWS,
    "history 1": f"{ROWS} rich",
    "history 1 --json": ROWS,
    "check": f"{ROWS} deltalake",
    "check --repair": f"{WRITE_ROWS} deltalake",
    "reset 1 --yes": WRITE_ROWS,
    "reset 9 --yes": WRITE,  # there is no snapshot 9
    "withdraw b.csv --yes": WRITE_ROWS,
    "rebuild --yes": WRITE_ROWS,
    "prune --keep-last 1 --yes": WRITE_ROWS,
    "clean --requeue --yes": WRITE,
    "init": ASK,
}
FILES = {"n.csv": (ROW, WRITE_ROWS), "n.csv.gz": (gzip.compress(ROW), WRITE_ROWS)}
FILES["n.csv.zst"] = (zstandard.compress(ROW), f"{WRITE_ROWS} zstandard")


def loaded(said: str) -> set[str]:
    """The heavy libraries among what Python says that it imported."""
    names = re.findall(r"^import time: +\d+ \| +\d+ \| +(\w+)", said, re.MULTILINE)
    assert "snapshotter" in names
    return HEAVY & set(names)


@pytest.fixture(scope="module")
def past(workspace):
    """A workspace with three snapshots, and a refused row."""
    ws = workspace()
    for day, name in enumerate("abc", 1):
        drop(ws, f"{name}.csv", f"{HEAD}{day},2024-01-0{day},x\n,,bad\n")
        ws.run()
    return ws


@pytest.fixture
def copy(past, workspace):
    """The same, to be changed."""
    ws = workspace()
    shutil.copytree(past.layout.root, ws.layout.root, dirs_exist_ok=True)
    return ws


@pytest.mark.parametrize("command", LOADED)
def test_a_command_loads_what_it_needs_and_nothing_else(copy, command):
    """The table says exactly which libraries a command loads; one that loads less belongs into it, too."""
    where = None if LOADED[command] == HELP or command in {"--version", "nonsense"} else copy
    assert loaded(run_cli(*command.split(), workspace=where, env=PROFILE).stderr) == set(LOADED[command].split())


@pytest.mark.parametrize("command", HOMES)
def test_no_help_text_loads_what_its_command_needs(command):
    """`COMMAND --help` loads typer alone."""
    assert loaded(run_cli(command, "--help", env=PROFILE).stderr) == {"typer"}


@pytest.mark.parametrize("name", FILES)
def test_a_run_loads_what_its_files_need(copy, name):
    """With files in the queue there is an engine; what unpacks them is loaded for those that are packed."""
    content, needed = FILES[name]
    drop(copy, name, content)
    assert loaded(run_cli("run", workspace=copy, env=PROFILE).stderr) == set(needed.split())


def test_a_watch_that_waits_has_no_engine(copy):
    """What a watch holds in memory while nothing comes is what looks and listens."""
    command = [sys.executable, str(DRIVER), "watch", "--workspace", str(copy.layout.root)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAPSHOTTER_")} | PROFILE
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as watch:
        said = ""
        while not said.startswith("watching ") and "\nwatching " not in said:
            line = watch.stderr.readline()
            assert line, said
            said += line
        while copy.status().watch.state != "waiting":
            assert watch.poll() is None
        watch.send_signal(signal.SIGTERM)
        said += watch.communicate(timeout=60)[1]
    assert loaded(said) == {*WRITE.split(), "loguru", "watchdog"}


def test_every_command_is_in_the_table():
    """A new command says what it loads; its help is tried without being told."""
    assert {command.split()[0] for command in LOADED} | {"watch"} >= set(HOMES)


# -- the package


@pytest.mark.parametrize(
    ("statement", "needed"),
    [("import snapshotter", ""), ("from snapshotter import Workspace", "pydantic loguru")],
)
def test_the_package_loads_no_engine(statement, needed):
    """Who imports the package pays for what is used of it."""
    environment = os.environ | PROFILE | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", statement], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, loaded(done.stderr)) == (0, set(needed.split()))


# -- the log

_LISTENER = """
import sys
from snapshotter import Workspace
from loguru import logger
logger.remove()
logger.add(sys.stdout, format="{name} {message}")
if sys.argv[2:]:
    logger.enable("snapshotter")
Workspace(sys.argv[1]).reset(1)
"""


@pytest.mark.parametrize("asked", [True, False])
def test_a_caller_hears_the_log_if_it_asks(copy, asked):
    """The library is silent until its caller says so, also where that was before the first message."""
    command = [sys.executable, "-c", _LISTENER, str(copy.layout.root), *(["loud"] if asked else [])]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    heard = done.stdout.splitlines()
    assert (done.returncode, bool(heard)) == (0, asked)
    assert not asked or "snapshotter.dataset committed" in heard


def test_a_level_that_is_asked_for_is_heard(copy):
    """SNAPSHOTTER_LOG_LEVEL decides what is written; by default that is only warnings."""
    loud = run_cli("reset", "2", "--yes", "--quiet", workspace=copy, env={"SNAPSHOTTER_LOG_LEVEL": "info"})
    assert " INFO committed {'dataset': 'default', 'snapshot': 4, " in loud.stderr
    quiet = run_cli("reset", "3", "--yes", "--quiet", workspace=copy)
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_a_warning_is_heard_without_asking(copy):
    """What the last process left undone is told by the log."""
    copy.layout.latest("default").unlink()
    done = run_cli("run", "--quiet", workspace=copy)
    assert " WARNING recovering {'dataset': 'default', " in done.stderr


def test_a_users_function_shares_the_log(copy):
    """What it writes to loguru goes where ours goes, from the same level on."""
    text = "from loguru import logger\n\n\ndef tidy(frame):\n    logger.info('low')\n    logger.warning('high')\n"
    (copy.layout.root / "mine.py").write_text(text + "    return frame\n")
    (copy.layout.root / "snapshotter.toml").write_text('[datasets.default]\ntransform = "mine:tidy"\n')
    drop(copy, "d.csv", ROW)
    done = run_cli("run", "--quiet", workspace=copy)
    assert (done.returncode, "WARNING high" in done.stderr, "low" in done.stderr) == (0, True, False)
