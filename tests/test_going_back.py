"""Going back: reset, withdraw and clean, and what a file means that comes again afterwards."""

import gzip
import hashlib
import json

import pytest
from conftest import drop, latest

from snapshotter import Workspace
from snapshotter.errors import NoSuchBatch, NoSuchSnapshot

HEAD = "id,timestamp,v\n"
OLD = HEAD + "9,2024-01-01,old\n"
A = HEAD + "1,2024-01-01,a\n"


def shown(ws, number):
    """The text of `show N`."""
    with ws.rendered(number) as (path, _):
        return path.read_bytes().decode()


def statuses(ws):
    """What became of each batch."""
    return {(file.name, file.revision): file.status for file in ws.files()}


def configure(ws, text):
    """The same workspace under another configuration."""
    (ws.layout.root / "snapshotter.toml").write_text(text)
    return Workspace(ws.layout.root)


def files_of(ws):
    """Every file in the folders of `input/`, notes aside, with its bytes."""
    found = (path for path in ws.layout.input.rglob("*") if path.is_file())
    return {
        path.relative_to(ws.layout.input).as_posix(): path.read_text()
        for path in found
        if not path.name.startswith(".") and not path.name.endswith(".reason.json")
    }


@pytest.fixture
def two(workspace):
    """A workspace with two snapshots: 0.csv, and a.csv after it."""
    ws = workspace(**{"0.csv": OLD})
    ws.run()
    drop(ws, "a.csv", HEAD + "1,2024-01-01,a\n")
    ws.run()
    return ws


def test_clean_requeue_of_a_file_that_was_applied_twice(two):
    """A file that was rolled back and dropped again counts once after `clean --requeue` and a run."""
    two.reset(1)
    drop(two, "a.csv", HEAD + "1,2024-01-01,a\n")
    two.run()
    before = latest(two)
    two.clean(requeue=True)
    two.run()
    assert latest(two) == before


def test_clean_requeue_of_a_file_with_rejects_that_came_twice(workspace):
    """A file that replaced itself, since it has rejects, counts once after `clean --requeue` and a run."""
    content = HEAD + "1,2024-01-01,a\n2,,b\n"
    ws = workspace(**{"a.csv": content})
    ws.run()
    drop(ws, "a.csv", content)
    ws.run()
    before = latest(ws)
    ws.clean(requeue=True)
    ws.run()
    assert latest(ws) == before


def test_a_requeued_file_and_its_copy_count_once(workspace):
    """If a copy of a file waits when the file itself is requeued beside it, its rows count once."""
    contents = (f"{HEAD}1,2024-01-01,{n}\n" for n in range(99))
    content = next(c for c in contents if hashlib.sha256(c.encode()).hexdigest() < "b")  # sorts before a.csv
    ws = workspace(**{"0.csv": OLD})
    ws.run()
    drop(ws, "a.csv", content)
    ws.run()
    before = latest(ws)
    drop(ws, "a.csv", content)
    ws.reset(1, requeue=True)
    ws.run()
    assert latest(ws) == before


def test_a_file_that_took_the_place_of_a_requeued_one_stays_in_the_queue(two):
    """A file that was put in the place of a requeued one is not swallowed by the next reset."""
    two.reset(1, requeue=True)
    drop(two, "a.csv", HEAD + "1,2025-01-01,corrected\n")
    two.reset(2)
    two.run()
    assert "1,2025-01-01,corrected,a.csv" in latest(two)


def test_a_reset_behind_a_requeue_that_was_run_again(two):
    """A reset --requeue, a run, and back to the snapshot before: it works, and the archive is whole."""
    before = latest(two)
    two.reset(1, requeue=True)
    two.run()
    two.reset(2)
    assert latest(two) == before
    assert two.check().ok


def test_a_reset_behind_a_withdrawn_file_that_was_dropped_again(two):
    """Withdraw, drop the file again as it is, and back to before: it works, and the archive is whole."""
    two.withdraw("a.csv")
    (two.layout.rejected / "a.csv").rename(two.layout.queue / "a.csv")
    two.run()
    two.reset(2)
    assert two.check().ok


def test_a_file_that_is_gone_from_the_archive_can_be_withdrawn(two):
    """Withdraw needs the ledger alone: the rows go though somebody removed the archived file."""
    (two.layout.processed / "a.csv").unlink()
    assert two.withdraw("a.csv").snapshot == 3


def test_a_requeue_that_was_taken_back_leaves_no_trace(two):
    """After reset --requeue and a reset of that, the same bytes under another name are another batch."""
    two.reset(1, requeue=True)
    two.reset(2)
    drop(two, "b.csv", HEAD + "1,2024-01-01,a\n")
    [file] = two.run().datasets[0].files
    assert (file.name, file.status) == ("b.csv", "applied")


def test_a_requeued_file_keeps_its_name_also_beside_its_copy(workspace):
    """Of two equal files that were moved back, one is renamed in the queue: neither becomes a batch of that name."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    drop(ws, "a.csv", A)
    ws.run()
    ws.clean(requeue=True)
    (ws.layout.queue / "a.csv").rename(ws.layout.queue / "renamed.csv")
    assert sorted((file.name, file.status) for file in ws.run().datasets[0].files) == [
        ("a.csv", "applied"),
        ("a.csv", "duplicate"),
    ]
    assert not ws.layout.requeued.exists()


def test_requeued_revisions_keep_their_names_whatever_they_are_called(two):
    """Both revisions of a name come back from the queue as what they were, also renamed there."""
    drop(two, "a.csv", HEAD + "1,2024-01-01,b\n")
    two.run()
    before = latest(two)
    two.reset(1, requeue=True)
    (two.layout.queue / "a.csv").rename(two.layout.queue / "zzz.csv")
    two.run()
    assert latest(two) == before
    assert set(files_of(two).values()) == {OLD, HEAD + "1,2024-01-01,a\n", HEAD + "1,2024-01-01,b\n"}


# -- reset


def test_a_reset_is_a_new_snapshot_and_can_be_taken_back(two):
    """Reset N publishes the bytes of N as M; reset M-1 is as if nothing had been."""
    first, second = shown(two, 1), latest(two)
    assert two.reset(1).snapshot == 3
    assert latest(two) == first
    assert two.reset(2).snapshot == 4
    assert latest(two) == second
    assert [s.kind for s in two.snapshots()] == ["run", "run", "reset", "reset"]


def test_what_came_after_a_reset_is_rolled_back(two):
    """Its status says so, its file stays in the archive, and dropped again it is applied again as revision 1."""
    two.reset(1)
    assert statuses(two) == {("0.csv", 1): "applied", ("a.csv", 1): "rolled_back"}
    assert (two.layout.processed / "a.csv").is_file()
    drop(two, "a.csv", A)
    [file] = two.run().datasets[0].files
    assert (file.status, file.revision) == ("applied", 1)


def test_an_older_revision_that_was_rolled_back_comes_as_a_new_one(two):
    """Of several rolled back revisions, the newest comes again under its number, an older one as a new revision."""
    drop(two, "a.csv", HEAD + "1,2024-01-02,b\n")
    two.run()
    two.reset(1)
    drop(two, "a.csv", A)
    assert two.run().datasets[0].files[0].revision == 3


def test_requeued_files_wait_under_their_own_names(two):
    """Reset --requeue moves the files back to the queue, bytes untouched."""
    before = files_of(two)
    two.reset(1, requeue=True)
    assert (two.layout.queue / "a.csv").read_text() == A
    assert sorted(files_of(two).values()) == sorted(before.values())


def test_requeued_files_keep_name_revision_and_batch_time(workspace):
    """Called something else in the queue, the bytes are still the batch that they were."""
    ws = workspace('[datasets.default]\nbatch_time = "d%Y%m%d"\n', **{"d20240101.csv": OLD})
    ws.run()
    for cell in "ab":
        drop(ws, "d20240105.csv", HEAD + f"1,2024-01-01,{cell}\n")
        ws.run()
    before, seen = latest(ws), statuses(ws)
    ws.reset(1, requeue=True)
    for number, path in enumerate(sorted(ws.layout.queue.glob("*.csv"))):
        path.rename(ws.layout.queue / f"renamed-{number}.csv")
    found = ws.run().datasets[0].files
    assert {(f.name, f.revision, f.status) for f in found} == {
        ("d20240105.csv", 1, "applied"),
        ("d20240105.csv", 2, "applied"),
    }
    assert latest(ws) == before
    assert statuses(ws) == seen


def test_a_reset_brings_the_contract_of_its_snapshot_back(two):
    """The view of the old snapshot comes with the lineage that it had."""
    configure(two, "[datasets.default]\nlineage = []\n").run()
    ws = Workspace(two.layout.root)
    ws.reset(1)
    assert latest(ws) == f"{HEAD.strip()},source_filename\n9,2024-01-01,old,0.csv\n"


def test_a_reset_to_what_is_not_there_changes_nothing(two):
    """A number that no snapshot has is a named error, and nothing moves."""
    before = files_of(two), latest(two)
    with pytest.raises(NoSuchSnapshot, match="1 to 2"):
        two.reset(7)
    assert (files_of(two), latest(two)) == before
    assert len(two.snapshots()) == 2


# -- older snapshots


def test_no_snapshot_ever_changes(workspace):
    """After every kind of operation, `show N` has the bytes that latest.csv had at N."""
    ws, published = workspace(), {}

    def note(result):
        published[result.snapshot] = latest(ws)

    for name, rows in [("a", "1,2024-01-01,a\n2,2024-01-01,x\n"), ("b", "1,2024-01-03,b\n"), ("a", "3,2024-01-01,c\n")]:
        drop(ws, f"{name}.csv", HEAD + rows)
        note(ws.run().datasets[0])
    note(ws.withdraw("a.csv", 1))
    note(ws.reset(2))
    drop(ws, "late.csv", HEAD.replace("v", "v,w") + "1,2024-01-02,late,w\n")
    note(ws.run().datasets[0])
    note(ws.withdraw("b.csv"))
    note(ws.reset(3, requeue=True))
    note(ws.run().datasets[0])
    assert sorted(published) == list(range(1, 10))
    assert {number: shown(ws, number) for number in published} == published
    hashes = {s.snapshot: s.sha256 for s in ws.snapshots()}
    assert hashes == {number: hashlib.sha256(text.encode()).hexdigest() for number, text in published.items()}
    assert ws.check().ok


def test_snapshots_tell_what_each_did(two):
    """Kinds, files, rows and counts of run, reset and withdraw, oldest first."""
    two.withdraw("a.csv")
    two.reset(2)
    found = [(s.kind, s.files, s.rows, s.counts.inserted) for s in two.snapshots()]
    assert found == [("run", 1, 1, 1), ("run", 1, 2, 1), ("withdraw", 0, 1, 0), ("reset", 0, 2, 0)]


def test_a_diff_tells_keys_and_cells(two):
    """Added, removed and changed, in both directions; new columns by name."""
    drop(two, "b.csv", "id,timestamp,v,w\n1,2024-02-01,b,\n2,2024-01-01,c,w\n")
    two.run()
    there, back = two.diff(2, 3), two.diff(3, 2)
    assert (there.added, there.removed, there.columns_added) == ([["2"]], [], ["w"])
    assert (back.added, back.removed, back.columns_removed) == ([], [["2"]], ["w"])
    assert [(c.key, c.column, c.old, c.new) for c in there.changed] == [
        (["1"], "timestamp", "2024-01-01", "2024-02-01"),
        (["1"], "v", "a", "b"),
    ]
    assert two.diff(2, 2).changed == []


def test_history_tells_what_counts_and_nothing_else(two):
    """Late rows are in timestamp order; withdrawn ones are gone; a tombstone is marked."""
    drop(two, "b.csv", HEAD + "1,2024-03-01,c\n1,2023-01-01,late\n")
    two.run()
    assert [(v.values["v"], v.source_row, v.current) for v in two.history("1")] == [
        ("c", 1, True),
        ("a", 1, False),
        ("late", 2, False),
    ]
    two.withdraw("b.csv")
    assert [(v.values["v"], v.current) for v in two.history("1")] == [("a", True)]
    assert two.history("none") == []


def test_history_shows_a_tombstone(workspace):
    """A delete is a version: newest, deleted, and not current."""
    ws = workspace('[datasets.default]\ndelete_when = { column = "v", values = ["D"] }\n', **{"a.csv": A})
    ws.run()
    drop(ws, "b.csv", HEAD + "1,2024-02-01,D\n")
    ws.run()
    assert [(v.deleted, v.source_filename) for v in ws.history("1")] == [(True, "b.csv"), (False, "a.csv")]
    assert latest(ws).count("\n") == 1


# -- withdraw


def test_withdraw_is_as_if_the_file_had_never_come(workspace):
    """The state after withdrawing one of two is that of the other alone; the file lies in rejected/ with a note."""
    b = HEAD + "1,2024-01-02,b\n2,2024-01-01,c\n"
    ws, other = workspace(**{"a.csv": A, "b.csv": b}), workspace(**{"a.csv": A})
    ws.run(), other.run()
    ws.withdraw("b.csv")
    assert latest(ws) == latest(other)
    assert (ws.layout.rejected / "b.csv").read_text() == b
    assert json.loads((ws.layout.rejected / "b.csv.reason.json").read_text())["rule"] == "withdrawn"
    assert statuses(ws)["b.csv", 1] == "withdrawn"


def test_a_withdrawn_file_is_applied_again_when_it_is_dropped_again(two):
    """Moved back to the queue it counts again, and the archive is whole throughout."""
    before = latest(two)
    two.withdraw("a.csv")
    assert two.check().ok
    (two.layout.rejected / "a.csv").rename(two.layout.queue / "a.csv")
    two.run()
    assert latest(two) == before
    assert two.check().ok


def test_what_does_not_count_cannot_be_withdrawn(two):
    """A file that was withdrawn already, or never came, is a named error that says so."""
    two.withdraw("a.csv")
    with pytest.raises(NoSuchBatch, match="withdrawn"):
        two.withdraw("a.csv")
    with pytest.raises(NoSuchBatch, match="no file of that name"):
        two.withdraw("never.csv")
    with pytest.raises(NoSuchBatch, match="has no revision 9"):
        two.withdraw("a.csv@9")
    assert len(two.snapshots()) == 3


def test_everything_can_be_withdrawn(two):
    """With no file left there is a header and no row, and the workspace goes on."""
    two.withdraw("a.csv")
    two.withdraw("0.csv")
    assert latest(two).count("\n") == 1
    assert two.check().ok
    drop(two, "b.csv", HEAD + "1,2024-01-01,b\n")
    two.run()
    assert latest(two).splitlines()[1:] == ["1,2024-01-01,b,b.csv"]


# -- the contract


@pytest.mark.parametrize(
    ("setting", "header"),
    [
        ('lineage = ["source_row", "snapshot"]', "id,timestamp,v,source_row,snapshot"),
        ('column_order = ["v", "id"]', "v,id,timestamp,source_filename"),
    ],
)
def test_a_change_of_the_view_alone_is_a_snapshot_of_kind_config(two, setting, header):
    """The next run, also without a file, publishes the same rows in the new form, once."""
    ws = configure(two, f"[datasets.default]\n{setting}\n")
    ws.run()
    ws.run()
    assert latest(ws).splitlines()[0] == header
    assert [(s.kind, s.rows) for s in ws.snapshots()] == [("run", 1), ("run", 2), ("config", 2)]
    assert ws.check().ok


INCOMPATIBLE = {
    "key": 'key = "v"\n',
    "timestamp": 'timestamp = "v"\n',
    "timezone": 'timezone = "Europe/Rome"\n',
    "delete_when": 'delete_when = { column = "v", values = ["x"] }\n',
    "type of v": 'columns.v.type = "integer"\n',
    "type of id": 'columns.id.type = "integer"\n',
}


@pytest.mark.parametrize("change", INCOMPATIBLE)
@pytest.mark.parametrize("name", ["b.csv", None])
def test_a_change_that_stored_rows_cannot_follow_stops(two, change, name):
    """Whether or not a file waits: ContractChanged, which names the change and the way on; nothing was changed."""
    before = latest(two)
    if name:
        drop(two, name, A)
    [result] = configure(two, f"[datasets.default]\n{INCOMPATIBLE[change]}").run().datasets
    assert (result.error.code, result.error.name) == (13, "ContractChanged")
    assert f"({change}: " in result.error.message
    assert "rebuild" in result.error.hint
    assert latest(two) == before
    assert len(two.snapshots()) == 2
    assert not name or (two.layout.queue / name).read_text() == A


def test_a_new_rule_holds_from_the_next_file_on(two):
    """A bound concerns what comes, not what is there."""
    ws = configure(two, '[datasets.default]\ncolumns.v.pattern = "[b-z]+"\n')
    drop(ws, "b.csv", HEAD + "1,2024-01-02,a\n2,2024-01-02,b\n")
    [result] = ws.run().datasets
    assert (result.counts.accepted, result.counts.rejected) == (1, 1)
    assert "1,2024-01-01,a,a.csv" in latest(ws)


# -- the view


@pytest.mark.parametrize("name", ["b.csv", None])
@pytest.mark.parametrize("harm", ["gone", "edited", "same size"])
def test_latest_is_written_again(two, harm, name):
    """Deleted or edited by hand, latest.csv comes back with the same bytes, also without a file in the queue."""
    before, path = latest(two), two.layout.latest("default")
    if harm == "gone":
        path.unlink()
    else:
        path.write_text("x" * (len(before) if harm == "same size" else 3))
    if name:
        drop(two, name, HEAD)
    two.run()
    assert latest(two) == before
    assert len(two.snapshots()) == 2


# -- names in the archive


@pytest.mark.parametrize(("name", "stem", "suffix"), [("a.csv", "a", ".csv"), ("x/a.csv.gz", "x/a", ".csv.gz")])
def test_a_second_file_of_a_name_gets_its_digest_before_the_suffix(workspace, name, stem, suffix):
    """Nothing in processed/ is ever overwritten."""
    ws = workspace()
    contents = [HEAD.encode() + f"1,2024-01-01,{n}\n".encode() for n in range(2)]
    contents = [gzip.compress(c, mtime=0) for c in contents] if name.endswith(".gz") else contents
    for content in contents:
        drop(ws, name, content)
        ws.run()
    mark = hashlib.sha256(contents[1]).hexdigest()[:8]
    assert (ws.layout.processed / name).read_bytes() == contents[0]
    assert (ws.layout.processed / f"{stem}.{mark}{suffix}").read_bytes() == contents[1]


def test_a_duplicate_is_archived_beside_its_twin(two):
    """The same bytes under the same name: a duplicate, kept, and no snapshot."""
    drop(two, "a.csv", A)
    result = two.run().datasets[0]
    assert ([f.status for f in result.files], result.snapshot) == (["duplicate"], None)
    assert sorted(files_of(two).values()) == sorted([OLD, A, A])


# -- clean


def test_clean_empties_output_and_keeps_the_archive(two):
    """No snapshot is left, every file of input/ is where it was; the same files dropped again start at 1."""
    before = files_of(two)
    result = two.clean()
    assert "output/latest.csv" in result.removed
    assert result.requeued == []
    assert list(two.layout.output.iterdir()) == []
    assert files_of(two) == before
    assert two.snapshots() == []
    drop(two, "b.csv", A)
    assert two.run().datasets[0].snapshot == 1


def test_clean_requeue_and_run_is_the_same_table(two):
    """Everything again from the start: the same bytes, names and revisions."""
    drop(two, "a.csv", HEAD + "1,2024-01-01,again\n")
    two.run()
    before, seen = latest(two), statuses(two)
    result = two.clean(requeue=True)
    assert len(result.requeued) == 3
    assert not any(path.is_file() for path in two.layout.processed.rglob("*"))
    two.run()
    assert latest(two) == before
    assert statuses(two) == seen
    assert two.check().ok


def test_clean_of_a_new_workspace_does_nothing(workspace):
    """Where nothing was ever run there is nothing to remove."""
    assert workspace().clean(requeue=True).removed == []


def test_a_reset_behind_a_file_that_was_requeued_run_and_withdrawn(two):
    """Requeue, run, withdraw, and back to the first of all: the file that counts again is in processed/."""
    before = latest(two)
    two.reset(1, requeue=True)
    two.run()
    two.withdraw("a.csv")
    two.reset(2)
    assert latest(two) == before
    assert files_of(two) == {"processed/0.csv": OLD, "processed/a.csv": A}


# -- files that a person moves back by hand


def test_a_refused_file_that_is_moved_back_is_judged_again(workspace):
    """A rename out of input/rejected/ is a drop like any other, though it is the very same file."""
    ws = workspace(**{"a.csv": "id,ts\n1,2024-01-01\n"})
    ws.run()
    (ws.layout.root / "snapshotter.toml").write_text('[datasets.default]\ntimestamp = "ts"\n')
    (ws.layout.rejected / "a.csv").rename(ws.layout.queue / "a.csv")
    [file] = Workspace(ws.layout.root).run().datasets[0].files
    assert (file.name, file.status) == ("a.csv", "applied")


def test_an_applied_file_with_rejects_that_is_moved_back_is_judged_again(workspace):
    """A rename out of input/processed/ is a drop, too: its rows take the place of those it had."""
    ws = workspace(**{"a.csv": "id,timestamp\n1,2024-01-01\n2,01/02/2024\n"})
    ws.run()
    (ws.layout.root / "snapshotter.toml").write_text('[datasets.default]\ntimestamp_formats = ["%d/%m/%Y"]\n')
    (ws.layout.processed / "a.csv").rename(ws.layout.queue / "a.csv")
    result = Workspace(ws.layout.root).run().datasets[0]
    assert (result.files[0].status, result.latest.rows) == ("applied", 2)


def test_a_requeued_file_goes_to_its_dataset_whatever_it_is_called(workspace):
    """A name with a mark need not fit `match`: the note says where the file belongs."""
    ws = workspace('[datasets.default]\nmatch = "a.csv"\n', **{"a.csv": "id,timestamp\n1,2024-01-01\n"})
    ws.run()
    (ws.layout.queue / "a.csv").write_text("id,timestamp\n2,2024-01-01\n")
    ws.run()
    before = (ws.layout.output / "latest.csv").read_bytes()
    ws.clean(requeue=True)
    assert ws.run().unmatched == []
    assert (ws.layout.output / "latest.csv").read_bytes() == before


def test_a_requeued_file_of_one_dataset_names_none_of_another(workspace):
    """The same bytes under a name of another dataset are that dataset's own batch."""
    config = "[datasets.aa]\nmatch = 'a*.csv'\n[datasets.bb]\nmatch = 'b*.csv'\n"
    ws = workspace(config, **{"a0.csv": "id,timestamp\n0,2024-01-01\n"})
    ws.run()
    drop(ws, "a1.csv", "id,timestamp\n1,2024-01-01\n")
    ws.run()
    ws.reset(1, requeue=True, dataset="aa")
    drop(ws, "b1.csv", "id,timestamp\n1,2024-01-01\n")
    ws.run()
    assert latest(ws, "bb").splitlines()[1:] == ["1,2024-01-01,b1.csv"]
    assert latest(ws, "aa").splitlines()[1:] == ["0,2024-01-01,a0.csv", "1,2024-01-01,a1.csv"]


def test_without_its_only_file_a_view_is_its_header(workspace):
    """Withdrawn, the last row is gone from latest.csv, however small the share of its line is in it."""
    ws = workspace(
        config="[datasets.default]\nlineage = ['source_filename', 'source_row']\n",
        **{"a.csv": "id,timestamp\n1,2024-01-01\n"},
    )
    ws.run()
    assert ws.withdraw("a.csv").latest.rows == 0
    assert ws.layout.latest("default").read_bytes() == b"id,timestamp,source_filename,source_row\n"
    assert ws.check().problems == []
