"""Rebuild: the archive read again under the present contract, and how that is taken back."""

import gzip
import hashlib
import json
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
from conftest import drop, latest, run_cli
from deltalake import DeltaTable

from snapshotter import Workspace
from snapshotter.errors import ArchiveIncomplete

HEAD = "id,timestamp,v\n"
FILES = {
    "a.csv": HEAD + "1,2024-01-01T00:30,01.50\n2,2024-01-01T00:30,2\n",
    "b.csv": "id,timestamp,v,w\n2,2024-01-02,x,k\n007,2024-01-02,3,l\n",
    "c.csv": HEAD + "1,2024-01-03,\n",
}
TYPED = '[datasets.default.columns.v]\ntype = "decimal(10,2)"\n'
LINES = "[datasets.default]\n"


def configure(ws, text, **more):
    """The same workspace under another configuration."""
    (ws.layout.root / "snapshotter.toml").write_text(text)
    return Workspace(ws.layout.root, **more)


def listing(ws):
    """Every file of a workspace with its digest; the writer's lock aside."""
    return {
        path.relative_to(ws.layout.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in ws.layout.root.rglob("*")
        if path.is_file() and not path.name.startswith(".snapshotter")
    }


def archive(ws):
    """Every archived file with its content."""
    return {path.name: path.read_text() for path in ws.layout.processed.rglob("*") if path.is_file()}


def statuses(ws, snapshot):
    """What became of the batches that a snapshot brought."""
    return {(file.name, file.revision): file.status for file in ws.files() if file.snapshot == snapshot}


def ids(ws):
    """The first cell of each row of latest.csv."""
    return [line.partition(",")[0] for line in latest(ws).splitlines()[1:]]


@pytest.fixture
def three(workspace):
    """Three files in three snapshots."""
    ws = workspace()
    for name, content in FILES.items():
        drop(ws, name, content)
        ws.run()
    return ws


CONTRACTS = {
    "key": LINES + 'key = ["v"]\n',
    "composite key": LINES + 'key = ["id", "v"]\n[datasets.default.columns.v]\nnullable = true\n',
    "timezone": LINES + 'timezone = "Europe/Rome"\n',
    "delete_when": LINES + 'delete_when = { column = "v", values = ["3"] }\n',
    "type of v": TYPED,
    "type of id": '[datasets.default.columns.id]\ntype = "integer"\n',
    "type of timestamp": '[datasets.default.columns.timestamp]\ntype = "timestamp"\n',
    "correct": '[datasets.default.columns.v]\ncorrect = ["upper"]\n',
    "nothing": "",
}


@pytest.mark.parametrize("change", CONTRACTS)
def test_a_rebuild_gives_what_the_files_give_under_the_new_contract(three, workspace, change):
    """Byte for byte, and so does what comes after it; the older snapshots stay as they were, and `check` agrees."""
    published = {n: three.show(n).to_csv() for n in (1, 2, 3)}
    ws, other = configure(three, CONTRACTS[change]), workspace(CONTRACTS[change], **FILES)
    other.run()
    result = ws.rebuild()
    assert (result.snapshot, ws.snapshots()[-1].kind) == (4, "rebuild")
    assert latest(ws) == latest(other)
    assert {n: ws.show(n).to_csv() for n in published} == published
    for one in (ws, other):
        drop(one, "d.csv", "id,timestamp,v,w,x\n2,2024-02-01,5,n,new\n9,2024-02-01,7,,\n")
        assert one.run().datasets[0].error is None
    assert latest(ws) == latest(other)
    assert ws.check().problems == []
    assert archive(ws).items() >= FILES.items()


@pytest.mark.parametrize("change", CONTRACTS)
def test_a_rebuild_is_taken_back_by_a_reset(three, change):
    """The bytes and the contract of before come back, and with the new configuration a run stops again."""
    before = latest(three)
    ws = configure(three, CONTRACTS[change])
    refused = ws.run().datasets[0].error if ws.run().datasets else None
    ws.rebuild()
    assert ws.reset(3).snapshot == 5
    assert latest(ws) == before
    assert set(statuses(ws, 4).values()) == {"rolled_back"}
    assert ws.rejects() == []
    again = ws.run().datasets
    assert (again[0].error.name if again else None) == (refused.name if refused else None)
    ws.reset(4)
    assert ws.check().problems == []
    assert archive(ws) == FILES


def test_counts_and_difference(three):
    """The snapshot counts as a run on an empty ledger; the difference says what was and what is."""
    seen = []
    result = configure(three, TYPED).rebuild(lambda difference: seen.append(difference) or True)
    assert seen == [result.difference]
    d = result.difference
    assert d.contract == ["type of v: string → decimal(10,2)"]
    assert d.before.model_dump() == {"files": 3, "read": 5, "accepted": 5, "rejected": 0, "rows": 3}
    assert d.after.model_dump() == {"files": 3, "read": 5, "accepted": 4, "rejected": 1, "rows": 3}
    assert (d.keys_added, d.keys_removed, d.keys_changed) == (0, 0, 2)  # 2 goes back to a.csv; 3 is 3.00
    c = result.counts
    assert (c.read, c.accepted, c.rejected, c.inserted, c.superseded) == (5, 4, 1, 3, 1)
    assert [(f.name, f.status, f.rejected) for f in result.files][1] == ("b.csv", "applied", 1)
    assert [(r.file, r.row, r.value) for r in Workspace(three.layout.root).rejects()] == [("b.csv", 1, "x")]


def test_under_another_key_no_keys_are_compared(three):
    """What is one key here may be three there: their numbers are None."""
    difference = configure(three, CONTRACTS["composite key"]).rebuild().difference
    assert (difference.keys_added, difference.keys_removed, difference.keys_changed) == (None, None, None)


def test_a_rebuild_that_is_not_confirmed_changes_nothing(three):
    """Whoever says no, or breaks off, finds every byte where it was; the answer has the difference all the same."""
    ws = configure(three, TYPED)
    before = listing(ws)
    result = ws.rebuild(lambda _: False)
    assert (result.snapshot, result.difference.after.rejected) == (None, 1)
    assert listing(ws) == before

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ws.rebuild(stop)
    assert listing(ws) == before
    assert not list(ws.layout.output.rglob(".snapshotter-*"))


def test_without_a_snapshot_there_is_nothing_to_rebuild(workspace):
    """A new workspace is left as it is."""
    result = workspace().rebuild()
    assert (result.snapshot, result.difference) == (None, None)


def test_where_everything_is_withdrawn_a_rebuild_takes_the_new_contract(workspace):
    """No file counts, so none is read; the next run stands under the new key."""
    ws = workspace(**{"a.csv": FILES["a.csv"]})
    ws.run()
    ws.withdraw("a.csv")
    ws = configure(ws, LINES + 'key = ["other"]\n')
    assert ws.rebuild().snapshot == 3
    drop(ws, "b.csv", "other,timestamp\n1,2024-01-01\n")
    ws.run()
    assert latest(ws).splitlines() == ["other,timestamp,source_filename", "1,2024-01-01,b.csv"]
    assert ws.check().problems == []


def test_a_second_rebuild_back_to_the_old_contract_has_the_old_bytes(three):
    """There and back: the same bytes, in the columns of the table that were there before."""
    before = latest(three)
    configure(three, TYPED).rebuild()
    ws = configure(three, "")
    ws.rebuild()
    assert latest(ws) == before
    fields = [field.name for field in DeltaTable(str(ws.layout.ledger("default"))).schema().fields]
    assert [name for name in fields if name.startswith("v")] == ["v", "v_"]
    assert ws.check().problems == []


def test_history_and_lineage_name_the_rebuild(three):
    """The rows were accepted anew: `snapshot` is that of the rebuild, names and row numbers are what they were."""
    ws = configure(three, TYPED + 'max = 100\n[datasets.default]\nlineage = ["snapshot", "source_row"]\n')
    ws.rebuild()
    versions = [(v.source_filename, v.source_row, v.snapshot, v.values["v"]) for v in ws.history("1")]
    assert versions == [("c.csv", 1, 4, ""), ("a.csv", 1, 4, "1.50")]
    assert {line.split(",")[-2] for line in latest(ws).splitlines()[1:]} == {"4"}


def test_names_suffixes_and_revisions_are_kept(workspace):
    """Compressed files, sub-folders and several revisions of one name are read as what they were."""
    ws = workspace()
    for n in (1, 2):
        drop(ws, "x/a.csv.gz", gzip.compress(f"{HEAD}{n},2024-01-0{n},0{n}\n".encode()))
        ws.run()
    before = latest(ws)
    configure(ws, LINES + 'lineage = ["source_filename", "source_revision"]\n').rebuild()
    assert ids(ws) == ["1", "2"]
    assert [line.rsplit(",", 1)[1] for line in latest(ws).splitlines()[1:]] == ["1", "2"]
    assert before.count("\n") == 3
    assert statuses(ws, 3) == {("x/a.csv.gz", 1): "applied", ("x/a.csv.gz", 2): "applied"}


# -- the archive


@pytest.mark.parametrize("harm", ["gone", "longer", "same size", "a link", "being written"])
def test_an_archive_that_is_not_whole_cannot_be_rebuilt(three, harm):
    """A file that is missing or another one is a named error that names it, and nothing is changed."""
    path = three.layout.processed / "b.csv"
    if harm in ("gone", "a link"):
        path.rename(three.layout.root / "elsewhere.csv")
    if harm == "a link":
        path.symlink_to(three.layout.root / "elsewhere.csv")
    if harm in ("longer", "same size"):
        path.write_text("x" * (len(FILES["b.csv"]) + (harm == "longer")))
    ws = configure(three, TYPED)
    before = listing(ws)
    writer = path.open("a") if harm == "being written" else nullcontext()
    with writer, pytest.raises(ArchiveIncomplete, match=r"input/processed/b\.csv") as caught:
        ws.rebuild()
    assert caught.value.code == 21
    assert listing(ws) == before


def test_files_that_do_not_count_are_not_needed(three):
    """A rolled back and a withdrawn file may be gone: a rebuild reads what counts, and nothing else."""
    three.withdraw("c.csv")
    drop(three, "d.csv", HEAD + "5,2024-01-01,5\n")
    three.run()
    three.reset(4)
    (three.layout.processed / "d.csv").unlink()
    (three.layout.rejected / "c.csv").unlink()
    assert configure(three, TYPED).rebuild().difference.after.files == 2
    assert ids(three) == ["1", "2", "007"]


# -- files that the new contract refuses

REFUSES = "[datasets.default.columns.w]\n"  # a required column, which only b.csv has


@pytest.fixture
def refused(three):
    """After a rebuild under a contract that refuses two of three files."""
    ws = configure(three, REFUSES)
    ws.rebuild()
    return ws


def test_a_file_that_the_new_contract_refuses_stays_where_it_is(refused):
    """Its rows do not count, the answer, `files`, `rejects` and `status` say so, and the file is in the archive."""
    assert ids(refused) == ["2", "007"]
    assert statuses(refused, 4) == {("a.csv", 1): "rejected", ("b.csv", 1): "applied", ("c.csv", 1): "rejected"}
    assert [(r.file, r.row, r.rule) for r in refused.rejects()] == [
        ("a.csv", None, "header"),
        ("c.csv", None, "header"),
    ]
    assert "2 files that the last rebuild refused" in refused.status().datasets[0].attention[0]
    assert archive(refused) == FILES
    assert refused.check().problems == []


def test_what_is_refused_twice_is_told_once(refused):
    """Another rebuild that refuses the same files: each is listed once, also one of several revisions."""
    drop(refused, "a.csv", FILES["b.csv"])
    refused.run()
    refused.rebuild()
    assert [r.file for r in refused.rejects()] == ["a.csv", "c.csv"]
    assert [f.name for f in refused.files("rejected")] == ["a.csv", "c.csv"]


def test_a_file_that_was_refused_in_a_run_waits_on(three):
    """A rebuild reads the revision that counts, and says nothing of a later one that lies in rejected/."""
    drop(three, "a.csv", "no,key\n1,2\n")
    three.run()
    configure(three, TYPED).rebuild()
    assert [(r.file, r.rule) for r in three.rejects() if r.row is None] == [("a.csv", "header")]


def test_a_refused_file_counts_again_under_a_mended_contract(refused):
    """The next rebuild reads it again."""
    ws = configure(refused, "")
    ws.rebuild()
    assert ids(ws) == ["1", "2", "007"]
    assert ws.rejects() == []


def test_a_refused_file_that_is_dropped_again_is_applied(refused):
    """With a contract that takes it, the same bytes are applied under their revision."""
    ws = configure(refused, "")
    drop(ws, "a.csv", FILES["a.csv"])
    [file] = ws.run().datasets[0].files
    assert (file.status, file.revision) == ("applied", 1)
    assert ids(ws) == ["1", "2", "007"]
    assert [r.file for r in ws.rejects()] == ["c.csv"]


def test_a_reset_behind_a_rebuild_lets_refused_files_count_again(refused):
    """`reset M-1`: what was refused counts, and nothing says that it is refused; forth again, it is."""
    refused.reset(3)
    assert ids(refused) == ["1", "2", "007"]
    assert refused.rejects() == []
    assert refused.status().datasets[0].attention == []
    refused.reset(4)
    assert [r.file for r in refused.rejects()] == ["a.csv", "c.csv"]


def test_clean_requeue_takes_refused_files_along(refused):
    """From scratch under the old contract: everything is there."""
    ws = configure(refused, "")
    ws.clean(requeue=True)
    ws.run()
    assert ids(ws) == ["1", "2", "007"]


def test_a_reset_with_requeue_behind_a_rebuild_leaves_what_counts_in_the_archive(three):
    """Files whose rows count again stay; only those that came later go back to the queue."""
    ws = configure(three, TYPED)
    ws.rebuild()
    ws.reset(2, requeue=True)
    assert sorted(archive(ws)) == ["a.csv", "b.csv"]
    assert [path.name for path in ws.layout.queue.glob("*.csv")] == ["c.csv"]
    assert configure(ws, "").run().datasets[0].snapshot == 6
    assert ids(ws) == ["1", "2", "007"]


def test_refused_rows_lie_in_files_of_their_own(workspace):
    """The rejects of before stay for the snapshots of before; those of the rebuild lie beside them."""
    ws = workspace(**{"a.csv": HEAD + "1,2024-01-01,x\n2,never,y\n"})
    ws.run()
    configure(ws, TYPED).rebuild()
    assert {(r.row, r.column) for r in ws.rejects()} == {(1, "v"), (2, "v"), (2, "timestamp")}
    assert len(list(ws.layout.rejects("default").iterdir())) == 2
    ws.reset(1)
    assert [(r.row, r.column) for r in ws.rejects()] == [(2, "timestamp")]
    assert ws.check().problems == []


# -- what was decided at pick-up


def test_max_future_is_held_against_the_time_of_the_pick_up(workspace):
    """What was too far ahead then is so in any rebuild, and what was not is not, however often one rebuilds."""
    ws = workspace(**{"a.csv": HEAD + "1,2024-01-01,a\n2,2024-06-01,b\n"})
    clock = {"now": datetime(2024, 1, 1, tzinfo=UTC)}
    ws = configure(ws, "", clock=lambda: clock["now"])
    ws.run()
    clock["now"] = datetime(2023, 1, 1, tzinfo=UTC)  # a clock that went wrong
    ws.rebuild()
    assert ids(ws) == ["1"]
    clock["now"] = datetime(2025, 1, 1, tzinfo=UTC)
    ws.rebuild()
    ws.rebuild()
    assert ids(ws) == ["1"]
    configure(ws, LINES + 'max_future = "off"\n', clock=lambda: clock["now"]).rebuild()
    assert ids(ws) == ["1", "2"]


def test_batch_time_is_looked_for_anew(workspace):
    """Under another pattern the names give other times; a name without one is refused."""
    ws = workspace(**{f"{name}.csv": f"{HEAD}1,2024-01-01,{name}\n" for name in ("z-20240101", "a-20240202", "none")})
    ws.run()
    assert ",z-20240101," in latest(ws)
    ws = configure(ws, LINES + 'batch_time = "%Y%m%d"\n')
    ws.rebuild()
    assert ",a-20240202," in latest(ws)
    assert [(r.file, r.rule) for r in ws.rejects()] == [("none.csv", "batch_time")]


def test_what_is_sent_again_behind_a_rebuild_is_a_duplicate(three):
    """The rebuild accepted it under the present contract."""
    ws = configure(three, TYPED)
    ws.rebuild()
    drop(ws, "a.csv", FILES["a.csv"])
    assert [file.status for file in ws.run().datasets[0].files] == ["duplicate"]


def test_withdraw_behind_a_rebuild(three):
    """The file moves to rejected/; back to before the rebuild, it counts and lies in the archive again."""
    before = latest(three)
    ws = configure(three, TYPED)
    ws.rebuild()
    ws.withdraw("a.csv")
    assert (ws.layout.rejected / "a.csv").is_file()
    ws.reset(3)
    assert latest(ws) == before
    assert archive(ws) == FILES


# -- the command


def test_without_a_terminal_the_command_needs_a_yes(three):
    """It shows the difference, says that nothing was changed, and ends with 2."""
    ws = configure(three, TYPED)
    before = listing(ws)
    done = run_cli("rebuild", workspace=ws)
    assert done.returncode == 2
    assert "5 → 4" in done.stderr
    assert "not confirmed; nothing was changed" in done.stderr
    assert listing(ws) == before


def test_the_command_publishes_and_says_how_to_go_back(three):
    """Rows were refused, so the exit code is 1; JSON is the object of a reset with the files and the difference."""
    ws = configure(three, TYPED)
    done = run_cli("rebuild", "--yes", workspace=ws)
    assert done.returncode == 1
    assert "rebuilt, as snapshot 4" in done.stderr
    assert "snapshotter reset 3 --dataset default" in done.stderr
    done = run_cli("rebuild", "--yes", "--json", workspace=ws)
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr, told["snapshot"], len(told["files"])) == (1, "", 5, 3)
    assert told["difference"]["before"] == told["difference"]["after"]
    assert told["latest"]["sha256"] == hashlib.sha256(latest(ws).encode()).hexdigest()


def test_the_error_of_a_changed_contract_names_the_way_out(three):
    """What the hint says can be typed as it stands, and then the run goes on."""
    ws = configure(three, TYPED)
    [result] = ws.run().datasets
    command = result.error.hint.partition("`snapshotter ")[2].partition("`")[0]
    assert run_cli(*command.split(), "--yes", workspace=ws).returncode == 1
    drop(ws, "d.csv", HEAD + "4,2024-01-01,1\n")
    assert ws.run().datasets[0].snapshot == 5
