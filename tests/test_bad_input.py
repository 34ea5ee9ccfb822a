"""Bad input gets a clear error, and loses nothing."""

import os
import stat

import pytest
from conftest import drop, latest, run_cli

HEAD = "id,timestamp,v\n"
GOOD = HEAD + "1,2024-01-01,a\n"


def contents(ws):
    """The bytes of every file in the folders of `input/`, notes aside, sorted."""
    found = (path for path in ws.layout.input.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted(path.read_bytes() for path in found if not path.name.endswith(".reason.json"))


@pytest.mark.xfail(reason="bug 4: a folder where an archived file has the name")
def test_a_folder_called_like_an_archived_file(workspace):
    """After x.csv, a folder x.csv with a file in it is taken, too, and no run is stuck behind it."""
    ws = workspace(**{"x.csv": GOOD})
    ws.run()
    drop(ws, "x.csv/b.csv", HEAD + "2,2024-01-01,b\n")
    ws.run()
    ws.run()
    assert contents(ws) == sorted([GOOD.encode(), (HEAD + "2,2024-01-01,b\n").encode()])


@pytest.mark.xfail(reason="bug 5: a hostile name and its printable form are taken for each other")
def test_a_hostile_name_and_its_printable_form_are_two_files(workspace):
    """A name with a newline and another one that looks like its escaped form each go to one folder, once."""
    ws = workspace(**{"new\nline.csv": HEAD + "2,2024-01-01,b\n", "new\\x0aline.csv": GOOD})
    ws.run()
    assert contents(ws) == sorted([GOOD.encode(), (HEAD + "2,2024-01-01,b\n").encode()])
    assert list(ws.layout.queue.iterdir()) == []


@pytest.mark.xfail(reason="bug 6: extra_columns applies to the column of delete_when")
@pytest.mark.parametrize("extra", ["ignore", "reject"])
def test_the_column_of_delete_when_is_never_an_extra_one(workspace, extra):
    """extra_columns does not make a delete mark be overlooked."""
    config = f'[datasets.default]\nextra_columns = "{extra}"\ndelete_when = {{ column = "op", values = ["D"] }}\n'
    ws = workspace(config, **{"a.csv": "id,timestamp,op\n1,2024-01-01,\n2,2024-01-01,\n"})
    ws.run()
    drop(ws, "b.csv", "id,timestamp,op\n1,2024-01-02,D\n")
    ws.run()
    assert "1,2024" not in latest(ws)


@pytest.mark.xfail(reason="bug 10: OSError and RuntimeError without a name")
def test_output_is_a_file(workspace):
    """Where `output` is a file there is a named error, not a traceback."""
    ws = workspace(**{"a.csv": GOOD})
    (ws.layout.root / "output").write_text("")
    done = run_cli("run", workspace=ws)
    assert done.returncode == 18
    assert "Traceback" not in done.stderr


@pytest.mark.xfail(reason="bug 10: OSError and RuntimeError without a name")
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
