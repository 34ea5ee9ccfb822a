"""A damaged ledger: every command says so, names `check`, and changes not one byte of the workspace."""

import json
import shutil

import pytest
from conftest import drop

from snapshotter import Workspace
from snapshotter.errors import LedgerDamaged

HEAD = "id,timestamp,v\n"
A, B = HEAD + "1,2024-01-01,a\n", HEAD + "2,2024-01-01,b\n,,refused\n"


def newest(ws):
    """The newest entry of the log, which was acknowledged."""
    return max((ws.layout.ledger("default") / "_delta_log").glob("*.json"))


def part(ws):
    """The Parquet file of the newest entry."""
    lines = (json.loads(line) for line in newest(ws).read_text().splitlines())
    return ws.layout.ledger("default") / next(line["add"]["path"] for line in lines if "add" in line)


def cut(path):
    """Leave one half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGE = {
    "the newest entry is empty": lambda ws: newest(ws).write_bytes(b""),
    "the newest entry is cut": lambda ws: cut(newest(ws)),
    "the newest entry is garbage": lambda ws: newest(ws).write_bytes(b"\xff\x00garbage" * 50),
    "the newest entry is missing": lambda ws: newest(ws).unlink(),
    "its Parquet file is missing": lambda ws: part(ws).unlink(),
    "its Parquet file is cut": lambda ws: cut(part(ws)),
    "its Parquet file does not open": lambda ws: part(ws).write_bytes(bytes(part(ws).stat().st_size)),
}


def asked(command):
    """Whether a command raises LedgerDamaged; what it says."""
    with pytest.raises(LedgerDamaged) as caught:
        command()
    return f"{caught.value.message}. {caught.value.remedy}"


def run(ws):
    """A run does not raise, so that the other datasets go on: it says it of the dataset."""
    error = ws.run().datasets[0].error
    return f"{error.name} {error.message}. {error.hint}"


def dry_run(ws):
    """The same."""
    error = ws.run(dry_run=True).datasets[0].error
    return f"{error.message}. {error.hint}"


def check(ws, **options):
    """A check finds it: it is what the others name."""
    problems = ws.check(**options).problems
    assert problems
    assert not any(problem.repairable for problem in problems if problem.what in ("ledger", "part"))
    return "damaged: see `snapshotter check`"


COMMANDS = {
    "run": run,
    "run --dry-run": dry_run,
    "status": lambda ws: ws.status().datasets[0].attention[0],
    "snapshots": lambda ws: asked(ws.snapshots),
    "show": lambda ws: asked(ws.show),
    "show 1": lambda ws: asked(lambda: ws.show(1)),
    "diff": lambda ws: asked(lambda: ws.diff(1, 2)),
    "history": lambda ws: asked(lambda: ws.history("1")),
    "files": lambda ws: asked(ws.files),
    "rejects": lambda ws: asked(ws.rejects),
    "latest": lambda ws: asked(ws.latest),
    "reset": lambda ws: asked(lambda: ws.reset(1)),
    "reset --requeue": lambda ws: asked(lambda: ws.reset(1, requeue=True)),
    "withdraw": lambda ws: asked(lambda: ws.withdraw("a.csv")),
    "rebuild": lambda ws: asked(ws.rebuild),
    "prune": lambda ws: asked(lambda: ws.prune(1)),
    "prune --dry-run": lambda ws: asked(lambda: ws.prune(1, dry_run=True)),
    "clean --requeue": lambda ws: asked(lambda: ws.clean(requeue=True)),
    "check": check,
    "check --quick": lambda ws: check(ws, quick=True),
    "check --repair": lambda ws: check(ws, repair=True),
}


def listing(ws):
    """The bytes of every file of a workspace, but for the writer's lock and the note of who held it."""
    found = (path for path in ws.layout.root.rglob("*") if path.is_file())
    return {
        path: path.read_bytes()
        for path in found
        if not path.name.startswith((".snapshotter.lock", ".snapshotter.writer"))
    }


@pytest.fixture(scope="module")
def healthy(workspace):
    """A workspace with two snapshots, refused rows and a refused file, and a file that waits."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    drop(ws, "b.csv", B)
    drop(ws, "refused.csv", "x\n")
    ws.run()
    drop(ws, "c.csv", HEAD + "3,2024-01-01,c\n")
    return ws


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("damage", DAMAGE)
def test_every_command_says_so_and_changes_nothing(healthy, tmp_path, damage, command):
    """Each names the damage and `check`, and every byte is as it was."""
    ws = Workspace(shutil.copytree(healthy.layout.root, tmp_path / "copy"))
    DAMAGE[damage](ws)
    before = listing(ws)
    said = COMMANDS[command](ws)
    assert "damaged" in said
    assert "snapshotter check" in said
    assert listing(ws) == before


@pytest.mark.parametrize("command", [command for command in COMMANDS if not command.startswith("check")])
def test_a_damaged_note_is_damage_to_every_command(healthy, tmp_path, command):
    """But for `check --repair`, which can tell that nothing was lost."""
    ws = Workspace(shutil.copytree(healthy.layout.root, tmp_path / "copy"))
    cut(ws.layout.ledger("default") / "_acknowledged.json")
    before = listing(ws)
    assert "snapshotter check" in COMMANDS[command](ws)
    assert listing(ws) == before
    assert ws.check(repair=True).problems == []


def test_a_clean_is_the_way_out(healthy, tmp_path):
    """`clean` asks no ledger: it removes the damaged one; the archived files can be dropped again."""
    ws = Workspace(shutil.copytree(healthy.layout.root, tmp_path / "copy"))
    cut(newest(ws))
    ws.clean()
    (ws.layout.processed / "a.csv").rename(ws.layout.queue / "a.csv")
    assert ws.run().datasets[0].snapshot == 1
    assert ws.check().problems == []
