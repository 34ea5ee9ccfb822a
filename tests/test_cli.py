"""The commands, as a person and as a program meet them."""

import hashlib
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from conftest import DRIVER, ROOT, drop, latest, run_cli
from filelock import FileLock
from typer.main import get_command

from snapshotter import Workspace
from snapshotter.cli import main
from snapshotter.cli.commands import app
from snapshotter.errors import named_errors

HEAD = "id,timestamp,v\n"
A = HEAD + "1,2024-01-01,a\n"
COMMANDS = sorted(get_command(app).commands)
TWO = '[datasets.first]\nmatch = "a*.csv"\n[datasets.second]\nmatch = ["*.csv", "!"]\n'


class Done:
    """What a command of this process said, and its exit code."""

    def __init__(self, *arguments, workspace=None):
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        where = ["--workspace", str(workspace.layout.root)] if workspace else []
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
            main([*map(str, arguments), *where])
        out.flush()
        self.code, self.out, self.err = end.value.code or 0, out.buffer.getvalue().decode(), err.getvalue()

    @property
    def json(self):
        """The one JSON value on stdout."""
        return json.loads(self.out)

    @property
    def error(self):
        """The JSON error on stderr."""
        return json.loads(self.err)["error"]


def listing(ws):
    """Every file and folder of a workspace with its digest, but for the writer's lock."""
    return {
        path.relative_to(ws.layout.root).as_posix(): path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest()
        for path in ws.layout.root.rglob("*")
        if not path.name.startswith(".snapshotter")
    }


@pytest.fixture
def three(workspace):
    """Three snapshots: a key comes, changes and another one comes; a row and a file are refused."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    drop(ws, "b.csv", HEAD + "1,2024-01-02,b\n,,bad\n")
    ws.run()
    drop(ws, "c.csv", HEAD + "2,2024-01-01,=c\n")
    drop(ws, "refused.csv", "nothing\n")
    ws.run()
    return ws


# -- shapes of --json

COUNTS = ["read", "accepted", "rejected", "inserted", "updated", "unchanged", "superseded", "deleted", "ties"]
SHAPES = {
    "snapshots": "snapshot kind at files counts rows sha256 restorable",
    "rejects": "file row column rule value reason",
    "history 1": "values timestamp source_filename source_revision source_row snapshot current deleted",
    "files": "name revision status sha256 size at snapshot read accepted rejected archived warnings corrected",
}


@pytest.mark.parametrize("command", SHAPES)
def test_lists_have_the_keys_of_the_contract(three, command):
    """Each of these prints one JSON array on stdout, of objects with exactly these keys, and nothing else."""
    done = Done(*command.split(), "--json", workspace=three)
    assert (done.code, done.err) == (0, "")
    assert {tuple(entry) for entry in done.json} == {tuple(SHAPES[command].split())}


def test_run_as_json_has_the_keys_of_the_contract(workspace):
    """`run --json` prints exactly the object of the contract; what it says is so."""
    ws = workspace(**{"a.csv": A})
    done = Done("run", "--json", workspace=ws)
    seconds = done.json.pop("seconds")
    sha256 = hashlib.sha256(latest(ws).encode()).hexdigest()
    counts = dict.fromkeys(COUNTS, 0) | {"read": 1, "accepted": 1, "inserted": 1}
    file = {
        "name": "a.csv",
        "sha256": hashlib.sha256(A.encode()).hexdigest(),
        "revision": 1,
        "status": "applied",
        "read": 1,
        "accepted": 1,
        "rejected": 0,
        "warnings": [],
    }
    assert (done.code, done.err) == (0, "")
    assert seconds >= 0
    assert done.json | {"seconds": 0} == {
        "datasets": [
            {
                "dataset": "default",
                "snapshot": 1,
                "error": None,
                "counts": counts,
                "latest": {"path": "output/latest.csv", "rows": 1, "sha256": sha256},
                "files": [file],
            }
        ],
        "unmatched": [],
        "seconds": 0,
    }


def test_a_run_without_files_reports_no_dataset(workspace):
    """`datasets` holds those that had a file in the queue."""
    done = Done("run", "--json", workspace=workspace())
    assert (done.code, done.json["datasets"], done.json["unmatched"]) == (0, [], [])


def test_snapshots_as_json_are_the_oldest_first(three):
    """Numbers, kinds, rows and counts of each snapshot, in order."""
    found = Done("snapshots", "--json", workspace=three).json
    assert [(s["snapshot"], s["kind"], s["rows"], s["restorable"]) for s in found] == [
        (1, "run", 1, True),
        (2, "run", 1, True),
        (3, "run", 2, True),
    ]
    assert all(list(s["counts"]) == COUNTS for s in found)
    assert found[2]["sha256"] == hashlib.sha256(latest(three).encode()).hexdigest()


def test_rejects_as_json_name_row_and_rule_or_the_whole_file(three):
    """A refused row has its number; a refused file has null in its place."""
    found = Done("rejects", "--json", workspace=three).json
    assert [(r["file"], r["row"]) for r in found if r["file"] == "refused.csv"] == [("refused.csv", None)]
    assert {(r["file"], r["row"], r["column"]) for r in found if r["file"] == "b.csv"} == {
        ("b.csv", 2, "id"),
        ("b.csv", 2, "timestamp"),
    }
    assert Done("rejects", "b.csv", "--json", workspace=three).json == [r for r in found if r["file"] == "b.csv"]


def test_diff_as_json_is_the_contract(three):
    """Keys are lists of parts; changes are cell by cell."""
    assert Done("diff", 1, 3, "--json", workspace=three).json == {
        "added": [["2"]],
        "removed": [],
        "changed": [
            {"key": ["1"], "column": "timestamp", "old": "2024-01-01", "new": "2024-01-02"},
            {"key": ["1"], "column": "v", "old": "a", "new": "b"},
        ],
        "columns_added": [],
        "columns_removed": [],
    }


def test_history_as_json_is_the_newest_first(three):
    """Each version with where it came from; the published one is current."""
    [new, old] = Done("history", "1", "--json", workspace=three).json
    assert new == {
        "values": {"id": "1", "timestamp": "2024-01-02", "v": "b"},
        "timestamp": "2024-01-02",
        "source_filename": "b.csv",
        "source_revision": 1,
        "source_row": 1,
        "snapshot": 2,
        "current": True,
        "deleted": False,
    }
    assert (old["values"]["v"], old["current"]) == ("a", False)


def test_show_as_json_is_an_array_of_rows(three):
    """`show N --json` is latest.csv as of N, row by row."""
    assert Done("show", 1, "--json", workspace=three).json == [
        {"id": "1", "timestamp": "2024-01-01", "v": "a", "source_filename": "a.csv"}
    ]


def test_show_of_no_rows_as_json_is_an_empty_array(workspace):
    """Where every row is deleted the array is empty."""
    config = '[datasets.default]\ndelete_when = { column = "op", not_empty = true }\n'
    ws = workspace(config, **{"a.csv": "id,timestamp,op\n1,2024-01-01,D\n"})
    ws.run()
    assert Done("show", "--json", workspace=ws).json == []


def test_files_can_be_asked_for_by_status(three):
    """`files --status` lists those of one status; a status that does not exist is wrong usage."""
    done = Done("files", "--status", "rejected", "--json", workspace=three)
    assert [file["name"] for file in done.json] == ["refused.csv"]
    wrong = Done("files", "--status", "nonsense", "--json", workspace=three)
    assert wrong.code == 2
    assert "applied" in wrong.error["hint"]


def test_status_as_json_tells_of_queue_snapshot_run_and_needs(three):
    """`status --json` says what waits, what is published, and what needs attention."""
    drop(three, "next.csv", A)
    drop(three, "note.txt", "")
    found = Done("status", "--json", workspace=three).json
    [dataset] = found["datasets"]
    assert (found["queue"], found["unmatched"], dataset["queued"]) == (1, ["note.txt"], ["next.csv"])
    assert (dataset["snapshot"], dataset["latest"]["rows"], dataset["last_run"]["files"]) == (3, 2, 2)
    assert any("refused" in text for text in dataset["attention"])


def test_check_as_json_is_one_object(three):
    """`check --json` says what was checked and what is wrong: nothing."""
    done = Done("check", "--json", workspace=three)
    assert done.code == 0
    assert done.json["problems"] == []
    assert done.json["checked"]["commits"] >= 3


def test_changes_as_json_are_objects(three):
    """reset, withdraw and clean print one object each."""
    assert Done("reset", 2, "--yes", "--json", workspace=three).json["snapshot"] == 4
    assert Done("withdraw", "a.csv", "--yes", "--json", workspace=three).json["snapshot"] == 5
    assert "output/latest.csv" in Done("clean", "--yes", "--json", workspace=three).json["removed"]


# -- for people

PEOPLE = {
    "status": "snapshot",
    "snapshots": "restorable",
    "files": "refused.csv",
    "rejects": "refused.csv",
    "diff 1 3": "changed",
    "history 1": "current",
    "show": "id,timestamp,v,source_filename",
    "show 1": "1,2024-01-01,a,a.csv",
}


@pytest.mark.parametrize("command", PEOPLE)
def test_commands_print_a_table_on_stdout(three, command):
    """The answer is on stdout, without colours where there is no terminal."""
    done = Done(*command.split(), workspace=three)
    assert done.code == 0
    assert PEOPLE[command] in done.out
    assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize("command", [*PEOPLE, "check", "run", "run --dry-run", "reset 1 --yes", "withdraw b.csv --yes"])
def test_quiet_leaves_data_and_errors(three, command):
    """With --quiet there is nothing on stderr, and stdout is the same."""
    loud = Done(*command.split(), workspace=three).out if command in PEOPLE else ""
    done = Done(*command.split(), "--quiet", workspace=three)
    assert (done.code, done.err, done.out) == (0, "", loud)


def test_quiet_still_tells_errors(workspace):
    """An error of a dataset is told on stderr also with --quiet."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    (ws.layout.root / "snapshotter.toml").write_text('[datasets.default]\nkey = "v"\n')
    done = Done("run", "--quiet", workspace=ws)
    assert (done.code, done.out) == (13, "")
    assert "contract" in done.err


def test_a_run_ends_with_a_summary_on_stderr(workspace):
    """Files, rows, what they did, the snapshot's number, the time, and what to do; stdout stays empty."""
    ws = workspace(**{"a.csv": HEAD + "1,2024-01-01,a\n,,\n", "b.csv": "x\n", "c.txt": ""})
    done = Done("run", workspace=ws)
    assert (done.code, done.out) == (1, "")
    for words in ("snapshot 1", "1 applied, 1 rejected", "1 accepted, 1 rejected", "1 inserted", " s)", "c.txt"):
        assert words in done.err
    assert "mend them" in done.err
    assert "output/rejects/default/" in done.err


def test_a_run_with_nothing_to_do_says_so(workspace):
    """An empty queue is no error."""
    done = Done("run", workspace=workspace())
    assert (done.code, done.out) == (0, "")
    assert "nothing to do" in done.err


def test_a_run_that_only_changes_the_view_says_so(workspace):
    """A snapshot of kind config out of an empty queue is told, not called nothing."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    (ws.layout.root / "snapshotter.toml").write_text("[datasets.default]\nlineage = []\n")
    done = Done("run", workspace=ws)
    assert latest(ws) == A
    assert "nothing to do" not in done.err
    assert "snapshot 2" in done.err


# -- help and usage


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example_and_the_exit_status(command):
    """`COMMAND --help` shows an example, every exit code, and the options that all commands have."""
    done = Done(command, "--help")
    assert done.code == 0
    assert f"Example: snapshotter {command}" in done.out
    assert "EXIT STATUS" in done.out
    for option in ("--workspace", "--json", "--quiet", "--help"):
        assert option in done.out


def test_the_help_lists_every_command_and_every_named_error():
    """`--help` names each command and each exit code, and exits with 0."""
    done = Done("--help")
    assert done.code == 0
    assert all(re.search(rf"^  {command}\b", done.out, re.MULTILINE) for command in COMMANDS)
    for error in named_errors():
        assert error.code < 10 or f"{error.code}  {error.__name__}" in done.out


def test_every_command_of_this_version_is_there():
    """The commands of the contract, but for those of the next issue."""
    there = "run status snapshots show diff history files rejects reset withdraw clean check init watch"
    assert set(there.split()) <= set(COMMANDS)


def test_the_version_is_told():
    """`--version` prints it."""
    done = Done("--version")
    assert done.code == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", done.out)


@pytest.mark.parametrize(
    "arguments", ["nonsense", "run --nonsense", "diff 1", "show x", "reset", "history", "--nonsense"]
)
def test_wrong_usage_exits_with_2(workspace, arguments):
    """A command line that makes no sense exits with 2, and points to the help."""
    done = Done(*arguments.split(), workspace=workspace())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert "--help" in done.err


# -- how it is started


def test_without_a_command_it_runs(workspace):
    """`driver.py` without a command is `run`, also with options."""
    ws = workspace(**{"a.csv": A})
    done = run_cli("--json", workspace=ws)
    assert json.loads(done.stdout)["datasets"][0]["snapshot"] == 1
    assert (done.returncode, done.stderr) == (0, "")


def test_as_a_module_it_is_the_same(workspace):
    """`python -m snapshotter` in the workspace takes the current folder."""
    ws = workspace(**{"a.csv": A})
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "snapshotter"]
    done = subprocess.run(command, cwd=ws.layout.root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert latest(ws).count("\n") == 2


def test_the_workspace_comes_from_the_option_then_the_environment(workspace, monkeypatch):
    """SNAPSHOTTER_WORKSPACE names it; --workspace overrides that."""
    one, other = workspace(**{"a.csv": A}), workspace()
    monkeypatch.setenv("SNAPSHOTTER_WORKSPACE", str(one.layout.root))
    assert Done("status", "--json").json["workspace"] == str(one.layout.root)
    assert Done("status", "--json", workspace=other).json["workspace"] == str(other.layout.root)


def test_a_level_of_the_log_that_does_not_exist_is_wrong_usage(workspace, monkeypatch):
    """SNAPSHOTTER_LOG_LEVEL is checked like a setting."""
    monkeypatch.setenv("SNAPSHOTTER_LOG_LEVEL", "loud")
    done = Done("status", workspace=workspace())
    assert done.code == 2
    assert "DEBUG" in done.err


def test_init_makes_a_workspace_that_runs(tmp_path):
    """init, a file, run: and there is a latest.csv; a second init changes nothing."""
    place = tmp_path / "new"
    done = Done("init", "--json", "--workspace", place)
    assert set(done.json["made"]) == {
        "input/processing/",
        "input/processed/",
        "input/rejected/",
        "output/",
        "snapshotter.toml",
    }
    ws = Workspace(place)
    drop(ws, "a.csv", A)
    assert Done("run", workspace=ws).code == 0
    before = listing(ws)
    assert Done("init", "--json", "--workspace", place).json["made"] == []
    assert listing(ws) == before


def test_what_init_writes_says_the_defaults(tmp_path):
    """The configuration of init means the same as none."""
    Done("init", "--workspace", tmp_path / "new")
    (tmp_path / "plain/input/processing").mkdir(parents=True)
    assert Workspace(tmp_path / "new").settings == Workspace(tmp_path / "plain").settings


# -- errors

ERRORS = {
    "show 9": (14, "NoSuchSnapshot"),
    "diff 1 9": (14, "NoSuchSnapshot"),
    "reset 9 --yes": (14, "NoSuchSnapshot"),
    "withdraw none.csv --yes": (16, "NoSuchBatch"),
    "withdraw a.csv@7 --yes": (16, "NoSuchBatch"),
    "history 1 2": (2, "UsageError"),
    "show --dataset none": (2, "UsageError"),
    "show --output /nowhere/x.csv": (2, "UsageError"),
    "nonsense": (2, "UsageError"),
}


@pytest.mark.parametrize("command", ERRORS)
def test_errors_as_json_are_on_stderr(three, command):
    """With --json an error is one object with code, name, message and hint on stderr; stdout is empty."""
    code, name = ERRORS[command]
    if command == "show --output /nowhere/x.csv":
        done = Done(*command.split(), workspace=three)
        assert (done.code, done.out) == (code, "")
        return
    done = Done(*command.split(), "--json", workspace=three)
    assert (done.code, done.out) == (code, "")
    assert list(json.loads(done.err)) == ["error"]
    assert list(done.error) == ["code", "name", "message", "hint"]
    assert (done.error["code"], done.error["name"]) == (code, name)
    assert done.error["message"]
    assert done.error["hint"]


@pytest.mark.parametrize("command", ERRORS)
def test_errors_for_people_are_two_lines(three, command):
    """Without --json: what is wrong, and what to do; no traceback, nothing on stdout."""
    done = Done(*command.split(), workspace=three)
    assert (done.code, done.out) == (ERRORS[command][0], "")
    assert re.fullmatch(r"error: .+\n  .+\n", done.err)


def test_two_revisions_must_be_told_apart(workspace):
    """Withdrawing a name of which two revisions count is an error that shows how to say one."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    drop(ws, "a.csv", HEAD + "1,2024-01-02,b\n")
    ws.run()
    done = Done("withdraw", "a.csv", "--yes", workspace=ws)
    assert done.code == 17
    assert "a.csv@2" in done.err
    assert Done("withdraw", "a.csv@2", "--yes", workspace=ws).code == 0
    assert "1,2024-01-01,a,a.csv" in latest(ws)


def test_an_error_of_a_dataset_is_in_the_answer_and_in_the_exit_code(workspace):
    """`run --json` says which dataset was not published and why; the others are."""
    ws = workspace(TWO, **{"a.csv": A, "b.csv": A})
    ws.run()
    (ws.layout.root / "snapshotter.toml").write_text(TWO.replace("[datasets.second]", 'key = "v"\n[datasets.second]'))
    drop(ws, "a2.csv", A)
    drop(ws, "b2.csv", HEAD + "2,2024-01-01,b\n")
    done = Done("run", "--json", workspace=ws)
    found = {dataset["dataset"]: dataset for dataset in done.json["datasets"]}
    assert done.code == 13
    assert (found["first"]["snapshot"], found["first"]["error"]["name"]) == (None, "ContractChanged")
    assert list(found["first"]["error"]) == ["code", "name", "message", "hint"]
    assert (found["second"]["snapshot"], found["second"]["error"]) == (2, None)
    assert (ws.layout.queue / "a2.csv").is_file()


# -- what takes something back asks first


@pytest.mark.parametrize("command", ["reset 1", "reset 1 --requeue", "withdraw a.csv", "clean", "clean --requeue"])
def test_destructive_commands_need_yes_without_a_terminal(three, command):
    """Without a terminal and without --yes: exit code 2, and nothing was changed."""
    before = listing(three)
    done = run_cli(*command.split(), "--json", workspace=three, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (2, "")
    assert json.loads(done.stderr)["error"]["name"] == "ConfirmationNeeded"
    assert listing(three) == before


def on_a_terminal(ws, *arguments, answer=b""):
    """Run the program on a terminal of its own; returns (exit code, what the terminal showed)."""
    master, slave = pty.openpty()
    command = [sys.executable, str(DRIVER), *arguments, "--workspace", str(ws.layout.root)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    os.write(master, answer)
    shown = b""
    while select.select([master], [], [], 60)[0]:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        shown += chunk
    os.close(master)
    return process.wait(60), shown.decode()


def test_on_a_terminal_a_no_changes_nothing(three):
    """Asked, and answered with no: exit code 2, and nothing was changed."""
    before = listing(three)
    code, shown = on_a_terminal(three, "reset", "1", answer=b"n\n")
    assert code == 2
    assert "nothing was changed" in shown
    assert listing(three) == before


def test_on_a_terminal_a_yes_goes_ahead(three):
    """Asked, and answered with yes: it is done."""
    code, shown = on_a_terminal(three, "reset", "1", answer=b"y\n")
    assert code == 0
    assert "as snapshot 4" in shown
    assert latest(three).splitlines()[1:] == ["1,2024-01-01,a,a.csv"]


def test_on_a_terminal_a_run_shows_its_progress_and_the_summary(workspace):
    """A bar while it reads, and the summary after it; no traceback, no markup out of file names."""
    ws = workspace(**{"[red]a.csv": A, "b.csv": "no header\n"})
    code, shown = on_a_terminal(ws, "run")
    assert code == 1
    assert "reading" in shown
    assert "snapshot 1" in shown
    assert "Traceback" not in shown


# -- streams


def test_a_reader_that_has_seen_enough_is_no_error(workspace):
    """`show | head -1` shows the header, exits with 0, and has no traceback."""
    rows = "".join(f"{n},2024-01-01,{'x' * 50}\n" for n in range(20_000))
    ws = workspace(**{"a.csv": HEAD + rows})
    ws.run()
    command = f"set -o pipefail; '{sys.executable}' '{DRIVER}' show --workspace '{ws.layout.root}' | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "id,timestamp,v,source_filename\n", "")


def test_show_writes_bytes_as_they_are(workspace):
    """What `show` prints, and what it writes to a file, is latest.csv byte for byte."""
    ws = workspace(**{"a.csv": HEAD + '1,2024-01-01,"ü, ""x"""\n2,2024-01-01,"two\nlines"\n'})
    ws.run()
    assert Done("show", workspace=ws).out == latest(ws)
    target = ws.layout.root / "copy.csv"
    done = Done("show", "--output", target, workspace=ws)
    assert (done.out, target.read_bytes().decode()) == ("", latest(ws))


def test_show_for_spreadsheets_defuses_formulas(three):
    """--excel-safe puts a ' before what a spreadsheet would run; latest.csv stays as it is."""
    done = Done("show", "--excel-safe", workspace=three)
    assert "2,2024-01-01,'=c,c.csv" in done.out
    assert "2,2024-01-01,=c,c.csv" in latest(three)


def test_show_as_json_goes_into_the_file_that_is_named(three):
    """--output holds with --json, too."""
    target = three.layout.root / "copy.json"
    done = Done("show", "--json", "--output", target, workspace=three)
    assert (done.code, done.out) == (0, "")
    assert [row["id"] for row in json.loads(target.read_text())] == ["1", "2"]


# -- a dry run


def test_a_dry_run_changes_nothing(workspace):
    """A dry run leaves every file as it was and makes none, also where rows are refused."""
    ws = workspace(**{"0.csv": "id,timestamp\n9,2024-01-01\n"})
    ws.run()
    drop(ws, "a.csv", "id,timestamp\n1,2024-01-01\n,2024-01-01\n")
    drop(ws, "b.csv", "")
    before = listing(ws)
    assert run_cli("run", "--dry-run", workspace=ws).returncode == 1
    assert listing(ws) == before


def test_a_dry_run_in_a_new_workspace_makes_nothing(workspace):
    """A dry run makes no output folder where there is none."""
    ws = workspace(**{"a.csv": A})
    before = listing(ws)
    Done("run", "--dry-run", workspace=ws)
    assert listing(ws) == before


def test_a_dry_run_counts_as_the_run_does(workspace):
    """What a dry run says of files and rows is what the run says."""
    ws = workspace(**{"0.csv": A})
    ws.run()
    drop(ws, "b.csv", HEAD + "1,2024-01-02,b\n2,2024-01-01,c\n,,\n")
    dry = Done("run", "--dry-run", "--json", workspace=ws)
    real = Done("run", "--json", workspace=ws)
    [one], [other] = dry.json["datasets"], real.json["datasets"]
    assert (one["snapshot"], other["snapshot"]) == (None, 2)
    assert one["counts"] == other["counts"]
    assert one["files"] == other["files"]
    assert dry.code == real.code == 1


@pytest.mark.parametrize(
    "command", ["status", "snapshots", "files", "rejects", "show", "diff 1 2", "history 1", "check"]
)
def test_readers_change_nothing(three, command):
    """What only reads leaves every file as it was."""
    before = listing(three)
    assert Done(*command.split(), workspace=three).code == 0
    assert listing(three) == before


# -- several datasets


def test_the_first_dataset_that_matches_takes_a_file(workspace):
    """Two datasets, two views; what none matches stays in the queue and is reported."""
    ws = workspace(TWO, **{"a.csv": A, "b.csv": HEAD + "2,2024-01-01,b\n", "c.csv.gz": b"x"})
    done = Done("run", "--json", workspace=ws)
    assert {d["dataset"]: [f["name"] for f in d["files"]] for d in done.json["datasets"]} == {
        "first": ["a.csv"],
        "second": ["b.csv"],
    }
    assert done.json["unmatched"] == ["c.csv.gz"]
    assert (ws.layout.queue / "c.csv.gz").is_file()
    assert (ws.layout.output / "first/latest.csv").read_text().splitlines()[1:] == ["1,2024-01-01,a,a.csv"]
    assert (ws.layout.output / "second/latest.csv").read_text().splitlines()[1:] == ["2,2024-01-01,b,b.csv"]


def test_a_dataset_is_named_where_there_are_several(workspace):
    """--dataset names one; without it, and without one called default, the error lists them."""
    ws = workspace(TWO, **{"a.csv": A, "b.csv": HEAD + "2,2024-01-01,b\n"})
    ws.run()
    assert "b.csv" in Done("show", "--dataset", "second", workspace=ws).out
    done = Done("show", workspace=ws)
    assert done.code == 2
    assert "first, second" in done.err
    assert Done("reset", "1", "--dataset", "first", "--yes", "--json", workspace=ws).json["dataset"] == "first"


# -- one writer at a time


def test_a_second_writer_waits_and_then_says_so(three):
    """While another process holds the lock a run exits with 10, and nothing was changed; readers do not wait."""
    before = listing(three)
    with FileLock(three.layout.lock):
        done = run_cli("run", "--json", workspace=three, env={"SNAPSHOTTER_LOCK_TIMEOUT": "0.2s"})
        assert run_cli("show", workspace=three).stdout == latest(three)
        assert Done("status", workspace=three).code == 0
    assert (done.returncode, done.stdout) == (10, "")
    assert json.loads(done.stderr)["error"]["name"] == "LockTimeout"
    assert listing(three) == before


def sleeps(process):
    """Whether a process sleeps between two looks at the lock; nothing sleeps before that."""
    return "nanosleep" in Path(f"/proc/{process.pid}/wchan").read_text()


def test_an_interrupt_while_it_waits_exits_with_130(workspace):
    """SIGINT ends a run that waits for the lock: exit code 130, no traceback, the file still waits."""
    ws = workspace(**{"a.csv": A})
    command = [sys.executable, str(DRIVER), "run", "--workspace", str(ws.layout.root)]
    with FileLock(ws.layout.lock):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not sleeps(process):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert (ws.layout.queue / "a.csv").is_file()


# -- from Python


def test_tables_are_data_frames_in_the_types_of_the_contract(workspace):
    """`latest` and `show` have numbers, dates and booleans in their types, and texts as they are."""
    types = {"n": "integer", "f": "number", "b": "boolean", "d": "date", "e": "decimal(10,2)"}
    config = "".join(f'[datasets.default.columns.{name}]\ntype = "{kind}"\n' for name, kind in types.items())
    row = "1,2024-01-01,7,1.5,true,2024-02-29,1.5,007"
    ws = workspace(config, **{"a.csv": f"id,timestamp,n,f,b,d,e,t\n{row}\n2,2024-01-01,,,,,,\n"})
    ws.run()
    table = ws.latest()
    assert table.dtypes[["n", "f", "b"]].astype(str).tolist() == ["Int64", "Float64", "boolean"]
    assert table["t"].tolist() == ["007", ""]
    assert str(table["e"][0]) == "1.50"
    assert table[["n", "f", "b", "d", "e"]].isna().sum().tolist() == [1] * 5
    assert ws.show(1).equals(table)


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1])
def test_large_integers_beside_an_empty_cell_are_exact(workspace, number):
    """`latest()` shows an integer as latest.csv has it, to the last digit."""
    config = '[datasets.default.columns.v]\ntype = "integer"\n'
    ws = workspace(config, **{"a.csv": f"{HEAD}1,2024-01-01,{number}\n2,2024-01-01,\n"})
    ws.run()
    assert ws.latest()["v"][0] == number


def test_a_workspace_can_be_named_by_the_environment(workspace, monkeypatch):
    """`Workspace()` takes SNAPSHOTTER_WORKSPACE, else the current folder."""
    root = workspace().layout.root
    monkeypatch.setenv("SNAPSHOTTER_WORKSPACE", str(root))
    assert Workspace().layout.root == root
    monkeypatch.delenv("SNAPSHOTTER_WORKSPACE")
    monkeypatch.chdir(root)
    assert Workspace().layout.root == root
