"""Bad input gets a clear error, and loses nothing."""

import gzip
import json
import os
import stat
from contextlib import contextmanager

import pytest
from conftest import drop, latest, run_cli

from snapshotter import Workspace
from snapshotter.errors import ConfigError, NoWorkspace

HEAD = "id,timestamp,v\n"
GOOD = HEAD + "1,2024-01-01,a\n"


def contents(ws):
    """The bytes of every file in the folders of `input/`, notes aside, sorted."""
    found = (path for path in ws.layout.input.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted(path.read_bytes() for path in found if not path.name.endswith(".reason.json"))


def test_a_folder_called_like_an_archived_file(workspace):
    """After x.csv, a folder x.csv with a file in it is taken, too, and no run is stuck behind it."""
    ws = workspace(**{"x.csv": GOOD})
    ws.run()
    drop(ws, "x.csv/b.csv", HEAD + "2,2024-01-01,b\n")
    ws.run()
    ws.run()
    assert contents(ws) == sorted([GOOD.encode(), (HEAD + "2,2024-01-01,b\n").encode()])


def test_a_hostile_name_and_its_printable_form_are_two_files(workspace):
    """A name with a newline and another one that looks like its escaped form each go to one folder, once."""
    ws = workspace(**{"new\nline.csv": HEAD + "2,2024-01-01,b\n", "new\\x0aline.csv": GOOD})
    ws.run()
    assert contents(ws) == sorted([GOOD.encode(), (HEAD + "2,2024-01-01,b\n").encode()])
    assert list(ws.layout.queue.iterdir()) == []


@pytest.mark.parametrize("extra", ["ignore", "reject"])
def test_the_column_of_delete_when_is_never_an_extra_one(workspace, extra):
    """extra_columns does not make a delete mark be overlooked."""
    config = f'[datasets.default]\nextra_columns = "{extra}"\ndelete_when = {{ column = "op", values = ["D"] }}\n'
    ws = workspace(config, **{"a.csv": "id,timestamp,op\n1,2024-01-01,\n2,2024-01-01,\n"})
    ws.run()
    drop(ws, "b.csv", "id,timestamp,op\n1,2024-01-02,D\n")
    ws.run()
    assert "1,2024" not in latest(ws)


def test_output_is_a_file(workspace):
    """Where `output` is a file there is a named error, not a traceback."""
    ws = workspace(**{"a.csv": GOOD})
    (ws.layout.root / "output").write_text("")
    done = run_cli("run", workspace=ws)
    assert done.returncode == 18
    assert "Traceback" not in done.stderr


def test_a_workspace_that_is_a_link_to_itself(tmp_path):
    """A loop of links is no workspace."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    done = run_cli("status", workspace=tmp_path / "loop")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_what_is_not_a_regular_file_is_refused_and_never_opened(workspace):
    """Links, a pipe and a device go to input/rejected/ as they are, each with its reason."""
    ws = workspace()
    queue = ws.layout.queue
    (queue / "file.csv").symlink_to("/etc/passwd")
    (queue / "folder.csv").symlink_to("/etc")
    (queue / "dangling.csv").symlink_to("nowhere")
    os.mkfifo(queue / "pipe.csv")
    names = ["dangling.csv", "file.csv", "folder.csv", "pipe.csv"]
    if os.geteuid() == 0:
        os.mknod(queue / "device.csv", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        names = sorted([*names, "device.csv"])
    files = ws.run().datasets[0].files
    assert [(file.name, file.status) for file in files] == [(name, "rejected") for name in names]
    assert all((ws.layout.rejected / f"{name}.reason.json").is_file() for name in names)
    assert os.path.lexists(ws.layout.rejected / "dangling.csv")
    assert list(queue.iterdir()) == []


def reasons(ws):
    """What the notes beside the refused files say, by their names."""
    notes = ws.layout.rejected.rglob("*.reason.json")
    return {note.name.removesuffix(".reason.json"): json.loads(note.read_text()) for note in notes}


def is_refused(ws, name, content, words, row=None):
    """Whether a run refuses the file whole, with a reason that holds the words, and loses none of its bytes."""
    path = drop(ws, name, content)
    before = contents(ws)
    [file] = ws.run().datasets[0].files
    note = reasons(ws)[name]
    assert (file.status, file.read, file.accepted) == ("rejected", 0, 0)
    assert words in note["reason"]
    assert note["row"] == row
    assert contents(ws) == before
    assert not path.exists()
    return True


@contextmanager
def nobody():
    """Be somebody for whom permissions hold: root may read everything."""
    before = os.geteuid()
    try:
        if before == 0:
            os.seteuid(65534)
        yield
    finally:
        os.seteuid(before)


# -- the workspace


def test_a_missing_workspace_is_wrong_usage(tmp_path):
    """A folder that is not there exits with 2, names it, and says how to make a workspace."""
    done = run_cli("run", workspace=tmp_path / "none")
    assert done.returncode == 2
    assert f"{tmp_path}/none is not a workspace: there is no such folder" in done.stderr
    assert "snapshotter init" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_a_queue_is_no_workspace(tmp_path):
    """A folder without input/processing/ is named, and nothing is made in it."""
    with pytest.raises(NoWorkspace, match="input/processing/"):
        Workspace(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_workspace(tmp_path):
    """A file in place of the folder is no workspace."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NoWorkspace):
        Workspace(tmp_path / "file")


@pytest.mark.parametrize("locked", [".", "input", "input/processing"])
def test_an_unreadable_workspace_is_a_named_error(workspace, locked):
    """A workspace that may not be read exits with 2 and says why."""
    ws = workspace(**{"a.csv": GOOD})
    ws.layout.root.parent.chmod(0o711)
    ws.layout.root.chmod(0o755)
    folder = ws.layout.root / locked
    folder.chmod(0)
    with nobody(), pytest.raises(NoWorkspace, match="Permission denied"):
        Workspace(ws.layout.root)
    folder.chmod(0o755)


# -- the configuration

HEAD_OF_DATASET = "[datasets.default]\n"
WRONG = {
    "bad TOML": ("[datasets.default\n", "the file", "is not valid TOML"),
    "not UTF-8": (b"# \xff\n", "the file", "is not valid TOML"),
    "unknown key": ('memory = "2GB"\n', "memory", "memory_limit, lock_timeout, datasets"),
    "unknown key of a dataset": (HEAD_OF_DATASET + 'keys = "id"\n', "datasets.default.keys", "match, key, timestamp"),
    "unknown key of a column": (
        "[datasets.default.columns.v]\ntyp = 1\n",
        "datasets.default.columns.v.typ",
        "type, nullable, required",
    ),
    "unknown key of deletes": (
        HEAD_OF_DATASET + 'delete_when = { column = "op", valus = ["D"] }\n',
        "datasets.default.delete_when.valus",
        "column, values, not_empty",
    ),
    "unknown type": (
        '[datasets.default.columns.v]\ntype = "int"\n',
        "datasets.default.columns.v.type",
        "string, integer, number",
    ),
    "impossible decimal": (
        '[datasets.default.columns.v]\ntype = "decimal(2,3)"\n',
        "datasets.default.columns.v.type",
        "the scale 0 to the precision",
    ),
    "unknown policy": (HEAD_OF_DATASET + 'extra_columns = "drop"\n', "datasets.default.extra_columns", "'keep'"),
    "no duration": ('lock_timeout = "soon"\n', "lock_timeout", '"60s"'),
    "no size": ('memory_limit = "much"\n', "memory_limit", '"2GB"'),
    "too little memory": ('memory_limit = "1MB"\n', "memory_limit", '"100MB"'),
    "no time zone": (HEAD_OF_DATASET + 'timezone = "Rome"\n', "datasets.default.timezone", "Europe/Rome"),
    "bad directive": (
        HEAD_OF_DATASET + 'timestamp_formats = ["%Q"]\n',
        "datasets.default.timestamp_formats",
        "strptime",
    ),
    "batch_time without a date": (HEAD_OF_DATASET + 'batch_time = "x"\n', "datasets.default.batch_time", "%Y%m%d"),
    "no key": (HEAD_OF_DATASET + "key = []\n", "datasets.default.key", "at least 1"),
    "key twice": (HEAD_OF_DATASET + 'key = ["id", "ID"]\n', "datasets.default.key", "once"),
    "timestamp in the key": (HEAD_OF_DATASET + 'key = ["id", "timestamp"]\n', "datasets.default.timestamp", "another"),
    "timestamp that orders nothing": (
        '[datasets.default.columns.timestamp]\ntype = "boolean"\n',
        "datasets.default.columns.timestamp.type",
        "string, timestamp, date",
    ),
    "timestamp that may be absent": (
        "[datasets.default.columns.timestamp]\nrequired = false\n",
        "datasets.default.columns.timestamp",
        "Remove",
    ),
    "a column twice": (
        "[datasets.default.columns.v]\n[datasets.default.columns.V]\n",
        "datasets.default.columns.V",
        "Remove one",
    ),
    "lineage as a column": (
        "[datasets.default.columns.source_filename]\n",
        "datasets.default.columns.source_filename",
        "source_row",
    ),
    "a rejects column": ("[datasets.default.columns._reject_x]\n", "datasets.default.columns._reject_x", "rejects"),
    "unknown lineage": (HEAD_OF_DATASET + 'lineage = ["file"]\n', "datasets.default.lineage.0", "'source_filename'"),
    "alias of two": (
        '[datasets.default.columns.a]\naliases = ["x"]\n[datasets.default.columns.b]\naliases = ["x"]\n',
        "datasets.default.columns.b.aliases",
        "Remove one",
    ),
    "min_length over max_length": (
        "[datasets.default.columns.v]\nmin_length = 3\nmax_length = 2\n",
        "datasets.default.columns.v.min_length",
        "max_length",
    ),
    "bounds of a text": ("[datasets.default.columns.v]\nmin = 0\n", "datasets.default.columns.v.min", "min_length"),
    "bounds of a boolean": (
        '[datasets.default.columns.v]\ntype = "boolean"\nmin = 0\n',
        "datasets.default.columns.v.min",
        "min_length",
    ),
    "deletes without a form": (
        HEAD_OF_DATASET + 'delete_when = { column = "op" }\n',
        "datasets.default.delete_when",
        "not_empty",
    ),
    "deletes in two forms": (
        HEAD_OF_DATASET + 'delete_when = { column = "op", values = ["D"], not_empty = true }\n',
        "datasets.default.delete_when",
        "not_empty",
    ),
    "a limit beyond all time": (
        HEAD_OF_DATASET + 'max_future = "99999999d"\n',
        "datasets.default.max_future",
        "less than 100 years",
    ),
    "an alias of ours": (
        "[datasets.default.columns.v]\naliases = ['snapshot']\n",
        "datasets.default.columns.v.aliases",
        "never matches",
    ),
    "a reserved dataset": ("[datasets.ledger]\n", "datasets.ledger", "neither `ledger` nor `rejects`"),
    "a dataset with a slash": ('[datasets."a/b"]\n', "datasets.a/b", "letters, digits"),
    "match nothing": (HEAD_OF_DATASET + "match = []\n", "datasets.default.match", "at least 1"),
    "an encoding that nobody knows": (
        HEAD_OF_DATASET + 'encodings = ["utf-8", "utf-9"]\n',
        "datasets.default.encodings.1",
        "cp1252",
    ),
    "an encoding that is none of text": (
        HEAD_OF_DATASET + 'encodings = ["base64"]\n',
        "datasets.default.encodings.0",
        "'base64' is not a text encoding",
    ),
    "no encoding": (HEAD_OF_DATASET + "encodings = []\n", "datasets.default.encodings", "at least 1"),
    "a correction that is none": (
        '[datasets.default.columns.v]\ncorrect = ["trim"]\n',
        "datasets.default.columns.v.correct",
        "collapse_spaces",
    ),
    "a likeness of nothing": (
        HEAD_OF_DATASET + "header_match = 0\n",
        "datasets.default.header_match",
        "greater than 0",
    ),
    "more than every row": (
        HEAD_OF_DATASET + "max_reject_ratio = 2\n",
        "datasets.default.max_reject_ratio",
        "or equal to 1",
    ),
    "a policy that is none": (
        HEAD_OF_DATASET + 'absent_columns = "drop"\n',
        "datasets.default.absent_columns",
        "'null'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_broken_configuration_names_file_key_and_what_is_allowed(workspace, case):
    """What snapshotter.toml says wrong is named: the file, the key, and what would be right."""
    text, key, words = WRONG[case]
    ws = workspace(**{"a.csv": GOOD})
    file = ws.layout.root / "snapshotter.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        Workspace(ws.layout.root)
    said = f"{caught.value.message} {caught.value.remedy}"
    assert caught.value.code == 2
    assert f"{file}: {key}: " in said
    assert words in said
    assert contents(ws) == [GOOD.encode()]


SENSELESS = {
    "min over max": 'type = "integer"\nmin = 5\nmax = 4\n',
    "dates the wrong way": 'type = "date"\nmin = 2024-02-01\nmax = 2024-01-01\n',
    "a bound that is no number": 'type = "integer"\nmin = "x"\n',
    "a value that is no date": 'type = "date"\nvalues = ["2024-02-30"]\n',
    "a bad pattern": 'pattern = "("\n',
}


@pytest.mark.parametrize("case", SENSELESS)
def test_a_rule_that_makes_no_sense_is_found_before_any_row_is_judged(workspace, case):
    """Bounds, values and patterns that no cell can be held against are errors of the configuration."""
    ws = workspace("[datasets.default.columns.v]\n" + SENSELESS[case], **{"a.csv": GOOD})
    error = ws.run().datasets[0].error
    assert (error.code, error.name) == (2, "ConfigError")
    assert "snapshotter.toml: datasets.default.columns.v" in error.message
    assert (ws.layout.queue / "a.csv").read_text() == GOOD


def test_a_broken_configuration_exits_with_2(workspace):
    """Through the real program: exit code 2, prose on stderr, nothing on stdout, and the file waits."""
    ws = workspace(**{"a.csv": GOOD})
    (ws.layout.root / "snapshotter.toml").write_text("[datasets.default]\nkeys = 1\n")
    done = run_cli("run", workspace=ws)
    assert (done.returncode, done.stdout) == (2, "")
    assert "datasets.default.keys" in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(ws) == [GOOD.encode()]


def test_a_bad_pattern_exits_with_2(workspace):
    """What only the engine can tell of the configuration exits with 2, too."""
    ws = workspace('[datasets.default.columns.v]\npattern = "("\n', **{"a.csv": GOOD})
    done = run_cli("run", workspace=ws)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


# -- what lies in the queue


def test_files_in_folders_of_the_queue_are_taken_and_keep_their_folders(workspace):
    """A file of a sub-folder is a batch whose name is its path, in the queue, in the view and in the archive."""
    ws = workspace(**{"2024/01/a.csv": GOOD, "b/a.csv": HEAD + "2,2024-01-01,b\n"})
    ws.run()
    assert latest(ws).splitlines()[1:] == ["1,2024-01-01,a,2024/01/a.csv", "2,2024-01-01,b,b/a.csv"]
    assert (ws.layout.processed / "2024/01/a.csv").read_text() == GOOD
    assert (ws.layout.processed / "b/a.csv").is_file()


def test_a_refused_file_of_a_folder_keeps_its_folder(workspace):
    """A refused file goes to the same sub-folder of input/rejected/, its reason beside it."""
    ws = workspace(**{"x/a.csv": "no,header\n"})
    ws.run()
    assert (ws.layout.rejected / "x/a.csv").read_text() == "no,header\n"
    assert (ws.layout.rejected / "x/a.csv.reason.json").is_file()


def test_a_linked_folder_is_not_followed(workspace, tmp_path):
    """A link to a folder of CSV files is refused; nothing in that folder is taken or moved."""
    (tmp_path / "a.csv").write_text(GOOD)
    ws = workspace()
    (ws.layout.queue / "folder.csv").symlink_to(tmp_path)
    ws.run()
    assert (tmp_path / "a.csv").read_text() == GOOD
    assert not ws.layout.latest("default").exists()


def test_a_link_to_a_good_file_is_refused(workspace, tmp_path):
    """A link is refused even where it leads to a valid file, which stays as it is."""
    (tmp_path / "a.csv").write_text(GOOD)
    ws = workspace()
    (ws.layout.queue / "a.csv").symlink_to(tmp_path / "a.csv")
    [file] = ws.run().datasets[0].files
    assert (file.status, file.read) == ("rejected", 0)
    assert "symbolic link" in reasons(ws)["a.csv"]["reason"]
    assert (tmp_path / "a.csv").read_text() == GOOD


def test_a_device_is_refused_and_never_opened(workspace):
    """A device in the queue goes to input/rejected/ as a device."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: only root can make a device")
    ws = workspace()
    os.mknod(ws.layout.queue / "zero.csv", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    ws.run()
    assert "device" in reasons(ws)["zero.csv"]["reason"]
    assert stat.S_ISCHR((ws.layout.rejected / "zero.csv").lstat().st_mode)


def test_a_pipe_does_not_hold_up_a_run_through_the_program(workspace):
    """A run with a pipe in the queue ends, takes the other files, and exits with 1."""
    ws = workspace(**{"a.csv": GOOD})
    os.mkfifo(ws.layout.queue / "pipe.csv")
    done = run_cli("run", workspace=ws, timeout=30)
    assert done.returncode == 1
    assert "pipe.csv" in done.stderr
    assert latest(ws).count("\n") == 2


@pytest.mark.parametrize("name", [".hidden.csv", "~a.csv", "a.csv.tmp", "a.csv.part", "a.csv.swp", "a.csv~"])
def test_names_of_files_in_the_making_are_invisible(workspace, name):
    """A name that writers use while they write is neither taken nor reported."""
    ws = workspace(**{name: GOOD})
    result = ws.run()
    assert (result.datasets, result.unmatched) == ([], [])
    assert (ws.layout.queue / name).read_text() == GOOD


def test_a_file_that_fits_no_dataset_stays_and_is_reported(workspace):
    """What is not CSV is reported as unmatched, and stays where it is."""
    ws = workspace(**{"readme.txt": "hello"})
    assert ws.run().unmatched == ["readme.txt"]
    assert (ws.layout.queue / "readme.txt").read_text() == "hello"


def test_a_file_that_is_being_written_waits(workspace):
    """A file that is held open for writing is deferred and stays; the others are taken, and then it is."""
    ws = workspace(**{"a.csv": GOOD})
    path = drop(ws, "b.csv", HEAD + "2,2024-01-01,b\n")
    with path.open("a"):
        files = ws.run().datasets[0].files
        assert [(f.name, f.status) for f in files] == [("a.csv", "applied"), ("b.csv", "deferred")]
        assert path.is_file()
    [file] = ws.run().datasets[0].files
    assert (file.name, file.status) == ("b.csv", "applied")


# -- files that are refused whole

REFUSED = {
    "no bytes": (b"", "no bytes at all", None),
    "binary": (bytes(range(256)) * 20, "byte 128 is not UTF-8", 1),
    "NUL bytes": (b"\0" * 1000, "NUL", 0),
    "an Excel file": (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\xff\xfe", "not UTF-8", 0),
    "UTF-16 without a mark": ((HEAD + "1,2024-01-01,é\n").encode("utf-16-le"), "save it as UTF-8", 1),
    "Latin-1 in a row": (HEAD.encode() + b"1,2024-01-01,a\n2,2024-01-01,caf\xe9\n", "is not UTF-8", 2),
    "no key": ("timestamp,v\n2024-01-01,a\n", "lacks 'id'; it has 'timestamp', 'v'", None),
    "no timestamp": ("id,v\n1,a\n", "lacks 'timestamp'", None),
    "neither": ("a,b\n1,2\n", "lacks 'id', 'timestamp'", None),
    "a name twice": ("id,timestamp,v,v\n1,2024-01-01,a,b\n", "names 'v' twice", None),
    "a name twice in other case": ("id,timestamp,ID\n1,2024-01-01,2\n", "twice", None),
    "a quote in the header that is never closed": ('id,"timestamp,v\n1,2024-01-01,a\n', "never closed", 0),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_with_its_reason(workspace, case):
    """Refused whole: 0 rows counted, the bytes in input/rejected/, the reason and the record's number beside them."""
    content, words, row = REFUSED[case]
    assert is_refused(workspace(), "x.csv", content, words, row)


@pytest.mark.parametrize(("name", "content"), [("x.csv.gz", GOOD), ("x.csv.zst", GOOD), ("x.csv.gz", "")])
def test_what_is_not_compressed_as_its_name_says_is_refused(workspace, name, content):
    """A file called .gz or .zst that is neither is refused, its bytes untouched."""
    assert is_refused(workspace(), name, content, "")


def test_a_cut_gzip_file_is_refused(workspace):
    """Half a gzip file is refused: a part of a delivery is no delivery."""
    content = gzip.compress((HEAD + "".join(f"{n},2024-01-01,{n * n}\n" for n in range(999))).encode())
    assert is_refused(workspace(), "x.csv.gz", content[: len(content) // 2], "not a whole gzip file")


def test_a_file_that_expands_without_end_is_refused(workspace):
    """A file that expands to 1,000 times its size and more is refused."""
    assert is_refused(workspace(), "x.csv.gz", gzip.compress(bytes(110_000_000)), "1000 times its size")


def test_a_refused_file_does_not_hold_up_the_others(workspace):
    """A refused file costs nobody else anything: the good one is published, and the exit code says 1."""
    ws = workspace(**{"a.csv": GOOD, "b.csv": ""})
    done = run_cli("run", "--json", workspace=ws)
    assert done.returncode == 1
    files = json.loads(done.stdout)["datasets"][0]["files"]
    assert [(f["name"], f["status"]) for f in files] == [("a.csv", "applied"), ("b.csv", "rejected")]
    assert done.stderr == ""
    assert latest(ws).count("\n") == 2


def test_a_header_alone_is_empty_and_no_error(workspace):
    """A file of a header is archived as empty, makes no snapshot, and exits with 0."""
    ws = workspace(**{"a.csv": HEAD})
    assert run_cli("run", workspace=ws).returncode == 0
    [file] = ws.files()
    assert (file.status, file.read) == ("empty", 0)
    assert (ws.layout.processed / "a.csv").read_text() == HEAD
    assert ws.snapshots() == []


# -- rows that are refused

BAD_ROWS = {
    "too few cells": ("1,2024-01-01", "cells", None),
    "too many cells": ("1,2024-01-01,a,b", "cells", None),
    "an empty key": (",2024-01-01,a", "nullable", "id"),
    "an empty timestamp": ("1,,a", "nullable", "timestamp"),
    "a timestamp that is none": ("1,yesterday,a", "timestamp", "timestamp"),
    "a day that is none": ("1,2024-02-30,a", "timestamp", "timestamp"),
    "a format that nobody declared": ("1,01/02/2024,a", "timestamp", "timestamp"),
    "the year 2922": ("1,2922-01-01,a", "max_future", "timestamp"),
    "more than DuckDB's years": ("1,999999-01-01,a", "timestamp", "timestamp"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_refused_alone_with_its_number_column_and_rule(workspace, case):
    """The good row is published; the bad one lies in output/rejects/ as it was, with what is wrong about it."""
    line, rule, column = BAD_ROWS[case]
    content = f"{HEAD}{line}\n9,2024-01-01,z\n"
    ws = workspace(**{"a.csv": content})
    result = ws.run().datasets[0]
    assert (result.counts.read, result.counts.accepted, result.counts.rejected) == (2, 1, 1)
    assert [(r.file, r.row, r.column, r.rule) for r in ws.rejects()] == [("a.csv", 1, column, rule)]
    assert all(r.reason for r in ws.rejects())
    assert (ws.layout.rejects("default") / "a.csv.csv").read_text().splitlines()[1].startswith(line + ",1,")
    assert (ws.layout.processed / "a.csv").read_text() == content
    assert latest(ws).splitlines()[1:] == ["9,2024-01-01,z,a.csv"]


def test_an_unreadable_key_is_refused(workspace):
    """A key that its type cannot hold is a reject, and names the type."""
    ws = workspace('[datasets.default.columns.id]\ntype = "integer"\n', **{"a.csv": HEAD + "1.5,2024-01-01,a\n"})
    ws.run()
    [reject] = ws.rejects()
    assert (reject.column, reject.rule, reject.value) == ("id", "type", "1.5")
    assert "not " in reject.reason


def test_a_file_of_nothing_but_bad_rows_exits_with_1(workspace):
    """Where every row is refused there is still an answer: exit code 1, and where the rows are."""
    ws = workspace(**{"a.csv": HEAD + ",,\n"})
    done = run_cli("run", workspace=ws)
    assert done.returncode == 1
    assert "output/rejects/default/" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_timestamp_in_the_year_2922_is_taken_where_that_is_allowed(workspace):
    """max_future = "off" lets any future in."""
    ws = workspace('[datasets.default]\nmax_future = "off"\n', **{"a.csv": HEAD + "1,2922-01-01,a\n"})
    assert ws.run().datasets[0].counts.accepted == 1


# -- mending

BROKEN = HEAD + "1,2024-01-01,a\n2,yesterday,b\n3,2024-01-01\n"


def test_a_mended_file_of_rejects_is_applied_as_it_is(workspace):
    """Mended and dropped again with its four columns, which are ignored, it is applied like any file."""
    ws = workspace(**{"a.csv": BROKEN})
    ws.run()
    source = ws.layout.rejects("default") / "a.csv.csv"
    mended = source.read_text().replace("yesterday", "2024-01-02").replace("3,2024-01-01,", "3,2024-01-01,c,", 1)
    source.unlink()
    drop(ws, "a.csv.csv", mended)
    [file] = ws.run().datasets[0].files
    assert (file.status, file.accepted, file.rejected) == ("applied", 2, 0)
    assert latest(ws).splitlines()[1:] == [
        "1,2024-01-01,a,a.csv",
        "2,2024-01-02,b,a.csv.csv",
        "3,2024-01-01,c,a.csv.csv",
    ]
    assert "_reject_" not in latest(ws)


def test_a_file_of_rejects_that_nobody_mended_is_refused_again(workspace):
    """Dropped again as it was, every row of it is refused for the same rules."""
    ws = workspace(**{"a.csv": BROKEN})
    ws.run()
    rules = [(r.column, r.rule, r.reason) for r in ws.rejects("a.csv")]
    source = ws.layout.rejects("default") / "a.csv.csv"
    source.rename(ws.layout.queue / "a.csv.csv")
    before = latest(ws)
    [file] = ws.run().datasets[0].files
    assert (file.accepted, file.rejected) == (0, 2)
    assert [rule[:2] for rule in rules] == [(r.column, r.rule) for r in ws.rejects("a.csv.csv")]
    assert latest(ws) == before


def test_a_refused_file_that_was_mended_is_applied(workspace):
    """A refused file that is mended and dropped again is applied under its name."""
    ws = workspace(**{"a.csv": "id,v\n1,a\n"})
    ws.run()
    drop(ws, "a.csv", GOOD)
    [file] = ws.run().datasets[0].files
    assert file.status == "applied"
    assert latest(ws).splitlines()[1:] == ["1,2024-01-01,a,a.csv"]


def test_a_refused_file_that_comes_again_is_refused_again(workspace):
    """The same bytes again are judged again, and both deliveries are kept."""
    ws = workspace()
    for _ in range(2):
        drop(ws, "a.csv", "id,v\n1,a\n")
        assert ws.run().datasets[0].files[0].status == "rejected"
    assert contents(ws) == [b"id,v\n1,a\n"] * 2
    assert len(reasons(ws)) == 2


# -- hostile names

NAMES = [
    "with space.csv",
    "o'quote.csv",
    'double"quote.csv',
    "semi;colon.csv",
    "'; DROP TABLE x; --.csv",
    "--help.csv",
    "-rf.csv",
    "*.csv",
    "[a].csv",
    "%s{0}$x.csv",
    "[red]markup[/red].csv",
    "ünï-日本-🦆.csv",
    "a@2.csv",
    "comma,name.csv",
    "back\\slash.csv",
    ("x" * 251) + ".csv",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_file_name_is_a_name_like_any_other(workspace, name):
    """It is taken, published as lineage, archived under its own name, and can be withdrawn."""
    ws = workspace(**{"0.csv": HEAD + "9,2024-01-01,z\n", name: GOOD})
    files = {file.name: file.status for file in ws.run().datasets[0].files}
    assert files == {"0.csv": "applied", name: "applied"}
    assert name in set(ws.latest()["source_filename"])
    assert (ws.layout.processed / name).read_text() == GOOD
    ws.withdraw(name)
    assert (ws.layout.rejected).is_dir()
    assert contents(ws) == sorted([GOOD.encode(), (HEAD + "9,2024-01-01,z\n").encode()])
    assert latest(ws).count("\n") == 2


@pytest.mark.parametrize("name", [b"new\nline.csv", b"tab\there.csv", b"\xff\xfe.csv", b"escape\x1b[2J.csv"])
def test_a_name_that_cannot_be_printed_is_refused(workspace, name):
    """Refused, never shown raw; its bytes and its reason are in input/rejected/."""
    ws = workspace()
    (ws.layout.queue / os.fsdecode(name)).write_text(GOOD)
    [file] = ws.run().datasets[0].files
    assert file.status == "rejected"
    assert file.name.isprintable()
    assert "control characters" in next(iter(reasons(ws).values()))["reason"]
    assert contents(ws) == [GOOD.encode()]


def test_no_control_character_of_a_name_reaches_the_terminal(workspace):
    """A name that would clear the screen is shown escaped by run, files and rejects."""
    ws = workspace()
    (ws.layout.queue / "x\x1b[2J.csv").write_text(GOOD)
    shown = [run_cli(command, workspace=ws) for command in ("run", "files", "rejects")]
    assert not any("\x1b" in done.stdout + done.stderr for done in shown)


# -- hostile headers and cells


@pytest.mark.parametrize(
    "column", ['"; DROP TABLE x; --', "it's", 'a "quoted" one', "a;b", "a b", "a.b", "ünï", "select", "%s", "$v0", "c0"]
)
def test_a_hostile_column_name_is_a_name_like_any_other(workspace, column):
    """It comes out as it came in."""
    quoted = '"' + column.replace('"', '""') + '"'
    ws = workspace(**{"a.csv": f"id,timestamp,{quoted}\n1,2024-01-01,x\n"})
    ws.run()
    assert list(ws.latest().columns) == ["id", "timestamp", column, "source_filename"]
    drop(ws, "b.csv", f"id,timestamp,{quoted}\n1,2024-01-02,y\n,,z\n")
    ws.run()
    assert ws.latest()[column].tolist() == ["y"]
    assert [version.values[column] for version in ws.history("1")] == ["y", "x"]


def test_a_cell_of_50_mb_is_a_cell(workspace):
    """A cell of 50 MB is published byte for byte."""
    ws = workspace(**{"a.csv": HEAD + "1,2024-01-01," + "x" * 50_000_000 + "\n"})
    assert ws.run().datasets[0].counts.accepted == 1
    assert (
        ws.layout.latest("default").stat().st_size
        == len("id,timestamp,v,source_filename\n1,2024-01-01,,a.csv\n") + 50_000_000
    )


def test_a_refused_row_with_a_large_cell_is_reported(workspace):
    """`rejects` and `show --json` read cells of any size."""
    ws = workspace(**{"a.csv": HEAD + f"1,yesterday,{'x' * 200_000}\n2,2024-01-01,{'y' * 200_000}\n"})
    ws.run()
    rejects = run_cli("rejects", "--json", workspace=ws)
    assert json.loads(rejects.stdout)[0]["rule"] == "timestamp"
    shown = run_cli("show", "--json", workspace=ws)
    assert json.loads(shown.stdout)[0]["v"] == "y" * 200_000


def test_1000_columns_are_columns(workspace):
    """A file of 1,000 columns is published as it came."""
    names = ["id", "timestamp", *(f"c{n}" for n in range(998))]
    ws = workspace(**{"a.csv": ",".join(names) + "\n1,2024-01-01" + ",x" * 998 + "\n"})
    ws.run()
    assert latest(ws).splitlines()[0] == ",".join([*names, "source_filename"])


def test_a_column_without_a_name_is_ignored_with_a_warning(workspace):
    """A trailing comma in the header costs nobody the file."""
    ws = workspace(**{"a.csv": "id,timestamp,v,\n1,2024-01-01,a,\n"})
    [file] = ws.run().datasets[0].files
    assert any("has no name" in warning for warning in file.warnings)
    assert latest(ws).splitlines()[0] == "id,timestamp,v,source_filename"


def test_a_byte_order_mark_is_understood(workspace):
    """What Excel puts before the header is no part of the key's name."""
    ws = workspace(**{"a.csv": "\ufeff" + GOOD})
    ws.run()
    assert latest(ws).startswith("id,timestamp,v,")
