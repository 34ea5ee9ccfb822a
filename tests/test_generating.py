"""The command line of the generators beyond the demo's own options: sources, forms, stdout, contracts, pictures."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from linked import linked

from snapshotter.errors import UsageError
from snapshotter.testdata import SOURCES, demo
from snapshotter.testdata.cli import main
from snapshotter.testdata.cli.commands import COMMANDS
from snapshotter.testdata.cli.making import with_common_options
from snapshotter.testdata.cli.options import FormatName
from snapshotter.testdata.cli.planned import Planned
from snapshotter.testdata.formats import FORMATS

PROGRAM = [sys.executable, str(ROOT / "generate_test_data.py")]
SMALL = ("--rows", "60", "--files", "3")
ALL = ", ".join(COMMANDS)


def generate(*options, **more):
    """Run the real program, without this session's SNAPSHOTTER_ variables."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SNAPSHOTTER_")}
    how = {"capture_output": True, "text": True, "env": clean, **more}
    return subprocess.run([*PROGRAM, *map(str, options)], check=False, **how)


@pytest.fixture
def called(monkeypatch, capfd):
    """Call the program in this process: exit code, stdout and stderr."""

    def call(*options):
        monkeypatch.setattr(sys, "argv", ["generate_test_data.py", *map(str, options)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, *capfd.readouterr()

    return call


def make_linked(**options):
    """The source of three tables, made by what makes every source."""
    with_common_options(lambda: Planned(linked(days=2)))(**options)


# Which source


def test_every_source_has_a_command():
    """What can be made from Python can be made from the command line, and the other way round."""
    assert set(COMMANDS) == set(SOURCES)
    assert {form.value for form in FormatName} == set(FORMATS)


def test_list_names_sources_and_tables(called):
    """`--list` has a line for each source and one for each of its tables, also as JSON, wherever it stands."""
    code, out, err = called("--list")
    assert (code, err) == (0, "")
    for source in (make() for make in SOURCES.values()):
        assert f"{source.name:10}{source.says}\n" in out
        for table in source.tables:
            assert f"  {table.name:26}{table.says}" in out
    _, listed, _ = called("demo", "--json", "--list")
    assert {row["source"]: row["tables"] for row in json.loads(listed)}["demo"] == ["default"]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_source_has_help(called, name):
    """`SOURCE --help` says what it is and has the options that all share; `--help` names each source."""
    code, out, _ = called(name, "--help")
    assert code == 0
    for word in ("--format", "--output DIR", "--table NAME", "--with-config", "--describe", "--threads", "--list"):
        assert word in out
    _, general, _ = called("--help")
    assert f"  {name} " in general
    assert f"Usage: generate_test_data.py {name} " in out


@pytest.mark.parametrize("wrong", ["dmeo", "Demo", "demos"])
def test_near_misses_are_named(called, wrong):
    """A name that is nearly that of a source gets that one named, in JSON, too."""
    assert called(wrong) == (2, "", f"error: there is no source '{wrong}'. Did you mean demo? There is: {ALL}.\n")
    _, _, said = called(wrong, "--json")
    assert json.loads(said)["error"]["hint"] == f"Did you mean demo? There is: {ALL}."


def test_empty_name_is_no_source(called):
    """An empty name, as of a variable that is not set, is not the default source."""
    assert called("")[0] == 2


def test_a_source_behind_its_options_is_told_where_to_stand(called):
    """The source comes first; where it does not, the error says so."""
    code, out, said = called(*SMALL, "demo")
    assert (code, out, said.count("\n"), "A source stands before its options" in said) == (2, "", 1, True)
    assert "A source stands before its options" in called("--describe", "demo")[2]


# Where it goes, and in which form


@pytest.mark.parametrize("name", FORMATS)
def test_each_form(tmp_path, called, name):
    """`--format` says what the files are called and what they are."""
    code, out, _ = called(*SMALL, "--format", name, "--threads", "2", "--output", tmp_path, "--json")
    files = sorted(path.name for path in tmp_path.iterdir())
    assert (code, json.loads(out)["files"]) == (0, files)
    assert all(file.endswith(f".{name}") and file.count(".csv") <= 1 for file in files)


def test_queue_takes_no_parquet(tmp_path, called):
    """Parquet for a queue, which would never take it, is an error."""
    code, _, said = called(*SMALL, "--format", "parquet", "--workspace", tmp_path)
    assert (code, "a queue takes CSV files" in said) == (2, True)


def test_stdout_gets_one_csv():
    """`--output -` writes all files as one CSV, and says nothing."""
    run = generate(*SMALL, "--output", "-", text=False)
    batches = demo(rows=60, files=3)
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout == batches[0].header() + b"".join(batch.csv().split(b"\n", 1)[1] for batch in batches)


def test_closed_pipe_is_no_error():
    """Whoever reads may stop at any line: no traceback, and exit code 0."""
    for options in (["--rows", "3000000", "--output", "-"], ["--describe"], ["--list"]):
        with subprocess.Popen([*PROGRAM, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as job:
            job.stdout.read(1)
            job.stdout.close()
            assert (job.stderr.read(), job.wait(timeout=60)) == (b"", 0)


def test_closed_pipe_before_the_first_line():
    """Nor is it one if nobody reads at all."""
    ours, theirs = os.pipe()
    os.close(ours)
    for options in ([*SMALL, "--output", "-"], ["--describe"], ["--list"]):
        run = generate(*options, stdout=theirs, capture_output=False, stderr=subprocess.PIPE)
        assert (run.returncode, run.stderr) == (0, "")
    os.close(theirs)


def test_stdout_that_is_full():
    """Where stdout takes no more there is one line and the exit code of a write that was refused."""
    with Path("/dev/full").open("w") as full:
        run = generate(*SMALL, "--output", "-", stdout=full, capture_output=False, stderr=subprocess.PIPE)
    assert (run.returncode, run.stderr.count("\n")) == (18, 1)
    assert "stdout could not be written: No space left on device" in run.stderr


@pytest.mark.parametrize("option", [["--format", "csv.gz"], ["--with-config"], ["--json"]])
def test_stdout_takes_data_alone(called, option):
    """What needs a folder, or stdout for itself, is refused beside `--output -`."""
    code, out, said = called(*SMALL, "--output", "-", *option)
    assert (code, out) == (2, "")
    assert f"{' '.join(option)} does not go with --output -" in said


def test_several_tables_on_stdout_need_a_name(capfd):
    """A source of several tables asks which one; a table that is not there is named with its like."""
    with pytest.raises(UsageError, match="stdout takes one table, and linked has 3") as error:
        make_linked(output=Path("-"))
    assert error.value.remedy == "Name one with --table: customers, orders, notes-1."
    with pytest.raises(UsageError, match="there is no table 'order'") as error:
        make_linked(output=Path("-"), table="order")
    assert error.value.remedy.startswith("Did you mean orders? There is: customers, orders, notes-1")


def test_one_table_of_several(tmp_path, capfd):
    """`--table` makes the files of one table, and its contract alone."""
    make_linked(output=Path("-"), table="orders", workspace=tmp_path)
    assert capfd.readouterr().out.count("\n") == 1 + 12
    make_linked(output=tmp_path, table="orders", with_config=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "orders_20240301.csv",
        "orders_20240302.csv",
        "snapshotter.toml",
    ]
    assert "[datasets.customers]" not in (tmp_path / "snapshotter.toml").read_text()


def test_several_tables_are_told_by_name(tmp_path, capfd):
    """Of several tables people are told the number, and programs the rows of each."""
    make_linked(output=tmp_path)
    assert capfd.readouterr().err.startswith("36 rows of 3 tables in 6 files (")
    make_linked(output=tmp_path, as_json=True, with_config=True)
    said = json.loads(capfd.readouterr().out)
    assert said["tables"] == {"customers": 12, "orders": 12, "notes-1": 12}
    assert (said["source"], said["config"]) == ("linked", str(tmp_path / "snapshotter.toml"))


# The configuration


def test_config_lies_beside_the_queue(tmp_path, called):
    """`--with-config` writes `snapshotter.toml` into the workspace; the same one again is left alone."""
    (tmp_path / "input" / "processing").mkdir(parents=True)
    assert called(*SMALL, "--with-config", "--workspace", tmp_path)[0] == 0
    before = (tmp_path / "snapshotter.toml").stat()
    assert called(*SMALL, "--with-config", "--workspace", tmp_path)[0] == 0
    after = (tmp_path / "snapshotter.toml").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_other_config_is_not_replaced(tmp_path, called):
    """A `snapshotter.toml` of somebody's own stops the job before a file is written, unless `--force` is given."""
    queue = tmp_path / "input" / "processing"
    queue.mkdir(parents=True)
    (tmp_path / "snapshotter.toml").write_text("# mine\n")
    code, _, said = called(*SMALL, "--with-config", "--workspace", tmp_path)
    assert (code, list(queue.iterdir()), (tmp_path / "snapshotter.toml").read_text()) == (2, [], "# mine\n")
    assert "snapshotter.toml is there already and is another file" in said
    assert called(*SMALL, "--with-config", "--workspace", tmp_path, "--force")[0] == 0
    assert "[datasets.default]" in (tmp_path / "snapshotter.toml").read_text()


# The picture


def test_describe_shows_and_makes_nothing(tmp_path, called, monkeypatch):
    """`--describe` needs no folder, writes no file, and has the job's own rows and files."""
    monkeypatch.chdir(tmp_path)
    code, out, err = called("demo", *SMALL, "--describe")
    assert (code, err, list(tmp_path.iterdir())) == (0, "", [])
    assert "default: a customer and the latest order, 60 rows in 3 files" in out
    _, found, _ = called("--describe", "--json", *SMALL)
    assert json.loads(found)["tables"][0]["rows"] == 60


def test_describe_draws_into_a_file(tmp_path, called):
    """`--describe FILE.svg` writes the picture; another file there stays, unless `--force` is given."""
    path = tmp_path / "demo.svg"
    assert called("demo", "--describe", path) == (0, "", "")
    assert path.read_text().startswith("<svg ")
    drawn = path.read_bytes()
    path.write_text("mine")
    assert called("demo", "--describe", path)[0] == 2
    assert path.read_text() == "mine"
    assert called("demo", f"--describe={path}", "--force")[0] == 0
    assert path.read_bytes() == drawn
    assert [found.name for found in tmp_path.iterdir()] == ["demo.svg"]


@pytest.mark.parametrize(
    ("where", "says"), [("x.png", "does not end in .svg"), ("missing/x.svg", "there is no folder")]
)
def test_describe_refuses_other_files(tmp_path, called, monkeypatch, where, says):
    """Another kind of file, or a folder that is not there, is one line."""
    monkeypatch.chdir(tmp_path)
    code, out, said = called("--describe", where)
    assert (code, out, said.count("\n"), says in said) == (2, "", 1, True)


def test_terminal_gets_colours():
    """On a terminal the same picture has colours."""
    ours, theirs = pty.openpty()
    generate("--describe", *SMALL, stdout=theirs, capture_output=False, env=os.environ | {"TERM": "xterm-256color"})
    os.close(theirs)
    shown = os.read(ours, 65_536).decode(errors="replace")
    os.close(ours)
    assert "\x1b[" in shown
    assert "timestamp" in shown


# A source that a file describes


@pytest.mark.parametrize("name", ["my.yaml", "my.yml", "MY.JSON"])
def test_a_file_is_a_source(called, name):
    """What ends like a description is read by the command for it, which takes the file first and all options."""
    code, out, _ = called(name, "--help")
    assert (code, "Usage: generate_test_data.py [OPTIONS] {FILE}" in out) == (0, True)
    for word in ("--files", "--seed", "--describe", "--with-config", "--output DIR"):
        assert word in out
    code, out, said = called(name)
    assert (code, out, said.count("\n")) == (2, "", 1)
