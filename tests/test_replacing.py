"""`replace_revisions`: a new revision of a name withdraws the ones before it, and withdrawing it brings them back."""

from pathlib import Path

import duckdb
import pytest
from conftest import drop, latest
from deltalake import DeltaTable

from snapshotter import Workspace
from snapshotter.errors import NoSuchBatch, NotRestorable

HEAD = "id,timestamp,v\n"
ON = "[datasets.default]\nreplace_revisions = true\n"
ONE, TWO, THREE = (
    HEAD + "".join(f"{n},2024-01-0{k},r{k}\n" for n in range(k, 4)) for k in (1, 2, 3)
)  # fewer keys each


def rows(ws):
    """The cells v of latest.csv by key."""
    return {line.split(",")[0]: line.split(",")[2] for line in latest(ws).splitlines()[1:]}


def statuses(ws):
    """What became of each batch, in the order of their coming."""
    return [(file.name, file.revision, file.status) for file in ws.files()]


def stored(ws):
    """The revisions whose rows the Delta table holds, as another program reads it."""
    files = DeltaTable(str(ws.layout.ledger("default"))).file_uris()
    found = duckdb.execute("SELECT DISTINCT source_revision FROM read_parquet($1) ORDER BY ALL", [files]).fetchall()
    return [revision for (revision,) in found]


def configure(ws, text):
    """The same workspace under another configuration."""
    (ws.layout.root / "snapshotter.toml").write_text(text)
    return Workspace(ws.layout.root)


@pytest.fixture
def replaced(workspace):
    """Three revisions of a.csv, each in a run of its own."""
    ws = workspace(ON)
    for content in (ONE, TWO, THREE):
        drop(ws, "a.csv", content)
        ws.run()
    return ws


def test_only_the_newest_revision_counts(replaced):
    """In latest.csv, in history and in the Delta table; the others are `replaced`, and their files stay."""
    assert rows(replaced) == {"3": "r3"}
    assert statuses(replaced) == [("a.csv", 1, "replaced"), ("a.csv", 2, "replaced"), ("a.csv", 3, "applied")]
    assert [v.values["v"] for v in replaced.history("3")] == ["r3"]
    assert stored(replaced) == [3]
    assert len(list(replaced.layout.processed.iterdir())) == 3
    assert replaced.check().problems == []


def test_a_run_says_how_many_keys_go(replaced):
    """A revision that lacks keys of the one that it replaces has a warning with their number."""
    drop(replaced, "a.csv", HEAD + "7,2024-02-01,r4\n")
    [file] = replaced.run().datasets[0].files
    assert any("lacks 1 keys of revision 3, which no longer count" in warning for warning in file.warnings)
    assert rows(replaced) == {"7": "r4"}


def test_withdrawing_a_revision_brings_back_the_one_before_it(replaced):
    """As if it had never come, again and again, down to nothing; then there is nothing to withdraw."""
    for wanted in ({"2": "r2", "3": "r2"}, {"1": "r1", "2": "r1", "3": "r1"}, {}):
        replaced.withdraw("a.csv")
        assert rows(replaced) == wanted
        assert replaced.check().problems == []
    with pytest.raises(NoSuchBatch, match="withdrawn"):
        replaced.withdraw("a.csv", 1)


def test_a_reset_brings_back_what_counted_then(replaced):
    """With what it had replaced: withdrawn after the reset, the revision before it counts."""
    replaced.withdraw("a.csv")
    replaced.withdraw("a.csv")
    replaced.reset(2)
    assert rows(replaced) == {"2": "r2", "3": "r2"}
    assert statuses(replaced)[2] == ("a.csv", 3, "withdrawn")
    replaced.withdraw("a.csv")
    assert rows(replaced) == {"1": "r1", "2": "r1", "3": "r1"}
    assert replaced.check().problems == []


def test_several_revisions_in_one_run(replaced):
    """Requeued, all three come at once: only the newest counts, and the rows of the others wait beside the table."""
    before = latest(replaced)
    replaced.reset(1, requeue=True)
    replaced.run()
    assert latest(replaced) == before
    assert stored(replaced) == [3]
    assert sorted(statuses(replaced)[3:]) == [("a.csv", 2, "replaced"), ("a.csv", 3, "applied")]
    assert replaced.check().problems == []
    for wanted in ("r2", "r1"):
        replaced.withdraw("a.csv")
        assert rows(replaced)["3"] == wanted
        assert replaced.check().problems == []


def test_the_rows_that_wait_survive_the_next_run(replaced):
    """What the sweep of a later run leaves is what a withdrawal needs; without it, a named error changes nothing."""
    replaced.reset(1, requeue=True)
    replaced.run()
    replaced.run()
    before = latest(replaced)
    known = set(DeltaTable(str(replaced.layout.ledger("default"))).file_uris())
    for path in replaced.layout.ledger("default").glob("*.parquet"):
        if str(path) not in {uri.removeprefix("file://") for uri in known}:
            path.unlink()
    with pytest.raises(NotRestorable, match=r"a\.csv.*not there any more"):
        replaced.withdraw("a.csv")
    assert latest(replaced) == before


def test_an_older_revision_that_comes_after_a_newer_one_does_not_count(replaced):
    """Which revisions count depends on the set of them, never on the order of their coming."""
    before = latest(replaced)
    replaced.reset(1, requeue=True)
    waiting = {path.read_text(): path for path in replaced.layout.queue.glob("*.csv")}
    aside = waiting[TWO].rename(replaced.layout.root / "aside")
    replaced.run()
    assert latest(replaced) == before
    Path(aside).rename(replaced.layout.queue / "whatever.csv")
    [result] = replaced.run().datasets
    assert [(f.name, f.revision, f.status) for f in result.files] == [("a.csv", 2, "applied")]
    assert latest(replaced) == before
    replaced.withdraw("a.csv")
    assert rows(replaced) == {"2": "r2", "3": "r2"}
    assert replaced.check().problems == []


@pytest.mark.parametrize("content", ["no,key\n1,2\n", HEAD, ""])
def test_what_is_refused_or_empty_replaces_nothing(replaced, content):
    """The revision before it counts on."""
    drop(replaced, "a.csv", content)
    replaced.run()
    assert rows(replaced) == {"3": "r3"}


def test_a_revision_without_a_good_row_replaces_all_the_same(replaced):
    """It is applied, and says so: every key of the one before it goes."""
    drop(replaced, "a.csv", HEAD + "1,never,x\n")
    [file] = replaced.run().datasets[0].files
    assert (file.status, file.accepted, rows(replaced)) == ("applied", 0, {})
    assert any("lacks 1 keys of revision 3" in warning for warning in file.warnings)
    replaced.withdraw("a.csv")
    assert rows(replaced) == {"3": "r3"}
    assert replaced.check().problems == []


def test_other_names_count_on(replaced):
    """A key that another file has too stays, with that file's row."""
    drop(replaced, "b.csv", HEAD + "3,2024-01-02,b\n9,2024-01-01,b\n")
    replaced.run()
    drop(replaced, "a.csv", HEAD + "3,2024-01-01,r4\n")
    [result] = replaced.run().datasets
    assert rows(replaced) == {"3": "b", "9": "b"}
    assert (result.counts.updated, result.counts.superseded) == (0, 1)  # the row that came did not do it


def test_switched_on_it_holds_from_the_next_file_on(workspace):
    """The revisions that count stay until another one comes, which replaces them all; withdrawn, they all count."""
    ws = workspace(**{"a.csv": ONE})
    ws.run()
    drop(ws, "a.csv", TWO)
    ws.run()
    both = rows(ws)
    ws = configure(ws, ON)
    ws.run()
    drop(ws, "b.csv", HEAD + "8,2024-01-01,b\n")
    ws.run()
    assert rows(ws) == both | {"8": "b"}
    drop(ws, "a.csv", THREE)
    ws.run()
    assert rows(ws) == {"3": "r3", "8": "b"}
    ws.withdraw("a.csv")
    assert rows(ws) == both | {"8": "b"}


def test_switched_off_the_next_revision_adds_its_rows(replaced):
    """What was replaced stays so, also if the file that did it comes again."""
    ws = configure(replaced, "")
    drop(ws, "a.csv", THREE)
    assert [file.status for file in ws.run().datasets[0].files] == ["applied"]  # another contract
    assert rows(ws) == {"3": "r3"}
    drop(ws, "a.csv", HEAD + "5,2024-01-05,r4\n")
    ws.run()
    assert rows(ws) == {"3": "r3", "5": "r4"}


def test_a_rebuild_applies_it_to_what_is_there(replaced):
    """Off, every revision counts; on again, only the newest: both by rebuilds, both taken back by resets."""
    before = latest(replaced)
    ws = configure(replaced, "")
    assert ws.rebuild().difference.after.files == 3
    assert rows(ws) == {"1": "r1", "2": "r2", "3": "r3"}
    ws = configure(ws, ON)
    assert ws.rebuild().difference.after.files == 1
    assert latest(ws) == before
    ws.withdraw("a.csv")
    assert rows(ws) == {"2": "r2", "3": "r2"}
    ws.reset(4)
    assert rows(ws) == {"1": "r1", "2": "r2", "3": "r3"}
    assert ws.check().problems == []


def test_a_mended_file_takes_the_place_of_itself(workspace):
    """A revision with rejects that is dropped again replaces its own rows, and what it had replaced stays replaced."""
    ws = workspace(ON, **{"a.csv": ONE})
    ws.run()
    with_reject = HEAD + "3,2024-01-03,x\n4,,y\n"
    for _ in range(2):
        drop(ws, "a.csv", with_reject)
        ws.run()
    assert rows(ws) == {"3": "x"}
    assert [status for *_, status in statuses(ws)] == ["replaced", "replaced", "applied"]
    ws.withdraw("a.csv")
    assert rows(ws) == {"1": "r1", "2": "r1", "3": "r1"}


def test_a_replaced_revision_can_be_taken_back(replaced):
    """By its revision; a rebuild then does without its file."""
    (replaced.layout.processed / "a.csv").unlink()
    before = latest(replaced)
    replaced.withdraw("a.csv@1")
    assert statuses(replaced)[0] == ("a.csv", 1, "withdrawn")
    assert latest(replaced) == before
    replaced.rebuild()
    assert latest(replaced) == before
    assert replaced.check().problems == []
