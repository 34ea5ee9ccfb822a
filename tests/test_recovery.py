"""What a killed process left is told by `status` before the next run finishes it, in every combination."""

import itertools
import json
import shutil

import pytest
from conftest import drop, latest, run_cli

from snapshotter import Workspace
from snapshotter.recovery import Plan, Rest, ViewStep

HEAD = "id,timestamp,v\n"
A, B = HEAD + "1,2024-01-01,a\n", HEAD + "2,2024-01-01,b\n,,refused\n"
WRONG = HEAD + "9,2024-01-01,somebody else's\n"

TORN = "entry 3 of the ledger's log was torn before it counted, and is to be set aside"
RENDERED = "rendered again from the ledger"
FILES = ("same", "other", "missing")


def listing(ws):
    """The bytes of every file of a workspace, but for the writer's lock."""
    found = (path for path in ws.layout.root.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in found if path.parent != ws.layout.root}


def entry(ws, version):
    """An entry of the ledger's log."""
    return ws.layout.ledger("default") / "_delta_log" / f"{version:020d}.json"


def put(path, what, right):
    """Make a file the right one, another one, or none."""
    if what == "missing":
        path.unlink(missing_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(right if what == "same" else WRONG.encode())


@pytest.fixture(scope="module")
def finished(workspace):
    """A workspace after two runs, the second one with a refused row and a refused file."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    drop(ws, "b.csv", B)
    drop(ws, "refused.csv", "x\n")
    ws.run()
    return ws


@pytest.fixture
def again(finished, tmp_path):
    """A copy of it."""
    return Workspace(shutil.copytree(finished.layout.root, tmp_path / "copy"))


def undo(ws, *, draft="missing", view="same", pending=False, torn=False, stray=False):
    """Put a finished workspace back to what a process that was killed behind its commit may have left."""
    right = ws.layout.latest("default").read_bytes()
    put(ws.layout.draft("default", 2), draft, right)
    put(ws.layout.latest("default"), view, right)
    if pending:
        ledger = ws.layout.ledger("default")
        (ledger / "_acknowledged.json").write_text(json.dumps({"version": 2, "finished": False}))
        (ws.layout.processed / "b.csv").rename(ws.layout.queue / "b.csv")
        (ws.layout.rejected / "refused.csv").rename(ws.layout.queue / "refused.csv")
        batch = json.loads(entry(ws, 2).read_text().splitlines()[0])["commitInfo"]["snapshotter"]["files"][0]["batch"]
        rejects = ws.layout.rejects("default")
        (rejects / "b.csv.csv").rename(rejects / f".snapshotter-{batch}.tmp")
    if torn:
        entry(ws, 3).write_bytes(entry(ws, 2).read_bytes()[:100])
    if stray:
        (ws.layout.ledger("default") / "part-stray.parquet").write_bytes(b"PAR1")


def wanted(*, draft, view, pending, torn, stray):
    """What `status` has to say of it."""
    said = []
    if torn:
        said += [f"{TORN}; its files wait in the queue"]
    if view != "same":
        said += ["latest.csv is to be " + ("published from its draft" if draft == "same" else RENDERED)]
    if pending:
        said += ["1 file of refused rows is to be put into output/rejects/"]
        said += ["1 file is to be moved to input/processed/", "1 file is to be moved to input/rejected/"]
    if stray:
        said += ["1 Parquet file is to be removed, since no commit names such"]
    if view == "same" and draft != "missing":
        said += ["1 temporary file is to be removed"]
    return [f"default: {text}" for text in said]


def combinations(*, torn):
    """Every combination of leftovers."""
    names = ("draft", "view", "pending", "stray")
    found = itertools.product(FILES, FILES, (False, True), (False, True))
    return [dict(zip(names, values, strict=True)) | {"torn": torn} for values in found]


def name(left):
    """A combination as the id of a test."""
    return ", ".join(f"{what} {value}" for what, value in left.items())


def assert_told_and_finished(ws, finished, left):
    """`status` says it and changes nothing; one run later nothing of it is left, and nothing is lost."""
    undo(ws, **left)
    before = listing(ws)
    assert ws.status().recovery == wanted(**left)
    assert listing(ws) == before
    ws.run()
    assert ws.status().recovery == []
    assert ws.check().problems == []
    assert ws.layout.latest("default").read_bytes() == finished.layout.latest("default").read_bytes()
    assert not list(ws.layout.root.rglob(".snapshotter-*"))
    assert [file.status for file in ws.files()] == [file.status for file in finished.files()]
    assert len(ws.rejects()) == len(finished.rejects())


@pytest.mark.parametrize("left", combinations(torn=False), ids=name)
def test_every_combination_of_leftovers_is_told_and_finished(again, finished, left):
    """Draft and view the right one, another or missing, moves pending or not, a Parquet file of no commit or none."""
    assert_told_and_finished(again, finished, left)


@pytest.mark.parametrize("left", combinations(torn=True), ids=name)
def test_a_torn_newest_entry_with_every_combination_of_leftovers(again, finished, left):
    """The same with an entry behind the newest that was torn as it was written, and never acknowledged."""
    assert_told_and_finished(again, finished, left)


def test_status_of_a_finished_workspace_has_nothing_to_recover(finished):
    """After a run there is nothing."""
    assert finished.status().recovery == []


def test_status_prints_the_plan(again):
    """People read it under the table, and `--json` has it as plain sentences."""
    undo(again, view="missing", pending=True)
    done = run_cli("status", workspace=again)
    assert "before all else:" in done.stderr
    assert "  default: latest.csv is to be rendered again from the ledger" in done.stderr
    found = json.loads(run_cli("status", "--json", workspace=again).stdout)["recovery"]
    assert found == again.status().recovery
    assert len(found) == 4


def test_what_a_writer_has_begun_is_not_called_left(again, holder):
    """While a process holds the lock, `status` speaks of no recovery, and `check` of no fault in what it is about."""
    undo(again, view="missing", pending=True)
    with holder(again):
        assert again.status().recovery == []
        result = again.check()
        assert result.problems == []
        assert "default: a writer is at work; latest.csv was not looked at" in result.notes
    assert len(again.status().recovery) == 4
    assert {problem.what for problem in again.check().problems} == {"recovery", "view"}


def test_the_sentences_count():
    """One is one, and thousands are legible."""
    one = Plan(ViewStep.NOTHING, (), Rest(rejects=("a",), parquet=1, temporary=1)).sentences()
    many = Plan(ViewStep.NOTHING, (), Rest(rejects=("a", "b"), parquet=1234, temporary=2)).sentences()
    assert one[0] == "1 file of refused rows is to be put into output/rejects/"
    assert many[0] == "2 files of refused rows are to be put into output/rejects/"
    assert many[1] == "1,234 Parquet files are to be removed, since no commit names such"
    assert Plan(ViewStep.NOTHING, (), Rest(unfinished=True)).sentences() != []
    assert Plan(ViewStep.NOTHING, ()).is_empty


def test_the_view_is_rendered_to_the_recorded_bytes_or_not_at_all(again):
    """Where the ledger gives other bytes than were published, a recovery stops, and no other view appears."""
    changed = 0
    for part in again.layout.ledger("default").glob("*.parquet"):
        content = part.read_bytes()
        part.write_bytes(content.replace(b"\x01\0\0\0a", b"\x01\0\0\0z"))
        changed += part.read_bytes() != content
    assert changed
    again.layout.latest("default").unlink()
    drop(again, "c.csv", A)
    [result] = again.run().datasets
    assert result.error.name == "LedgerDamaged"
    assert not again.layout.latest("default").exists()


def test_latest_is_read_by_the_contract_that_it_was_published_under(workspace):
    """Between a commit and its publication latest.csv is the snapshot before, whose types may be others."""
    ws = workspace(**{"a.csv": HEAD + "1,2024-01-01,7\n"})
    ws.run()
    before = latest(ws)
    (ws.layout.root / "snapshotter.toml").write_text('[datasets.default.columns.v]\ntype = "boolean"\n')
    ws = Workspace(ws.layout.root)
    ws.rebuild()
    ws.layout.latest("default").write_text(before)
    assert list(ws.latest()["v"]) == ["7"]


def test_a_command_on_one_dataset_leaves_what_another_has_left(workspace):
    """Refused rows that wait for their name are still there after a reset of another dataset."""
    ws = workspace('[datasets.default]\nmatch = "b*"\n[datasets.other]\nmatch = "a*"\n', **{"a.csv": A, "b.csv": B})
    ws.run()
    rejects = ws.layout.rejects("default")
    content = (rejects / "b.csv.csv").read_bytes()
    batch = json.loads(entry(ws, 1).read_text().splitlines()[0])["commitInfo"]["snapshotter"]["files"][0]["batch"]
    (rejects / "b.csv.csv").rename(rejects / f".snapshotter-{batch}.tmp")
    assert len(ws.rejects(dataset="default")) == 2
    ws.reset(1, dataset="other")
    assert len(ws.rejects(dataset="default")) == 2
    ws.run()
    assert (rejects / "b.csv.csv").read_bytes() == content
