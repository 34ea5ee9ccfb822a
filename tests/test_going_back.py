"""Going back: reset, withdraw and clean, and what a file means that comes again afterwards."""

import hashlib

import pytest
from conftest import drop, latest

HEAD = "id,timestamp,v\n"
OLD = HEAD + "9,2024-01-01,old\n"


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


@pytest.mark.xfail(reason="bug 1: two files become the same (name, revision)")
def test_clean_requeue_of_a_file_that_was_applied_twice(two):
    """A file that was rolled back and dropped again counts once after `clean --requeue` and a run."""
    two.reset(1)
    drop(two, "a.csv", HEAD + "1,2024-01-01,a\n")
    two.run()
    before = latest(two)
    two.clean(requeue=True)
    two.run()
    assert latest(two) == before


@pytest.mark.xfail(reason="bug 1: two files become the same (name, revision)")
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


@pytest.mark.xfail(reason="bug 1: two files become the same (name, revision)")
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


@pytest.mark.xfail(reason="bug 2: a reset takes whatever lies in the queue for the requeued file")
def test_a_file_that_took_the_place_of_a_requeued_one_stays_in_the_queue(two):
    """A file that was put in the place of a requeued one is not swallowed by the next reset."""
    two.reset(1, requeue=True)
    drop(two, "a.csv", HEAD + "1,2025-01-01,corrected\n")
    two.reset(2)
    two.run()
    assert "1,2025-01-01,corrected,a.csv" in latest(two)


@pytest.mark.xfail(reason="bug 3: a move whose source is gone fails after the commit")
def test_a_reset_behind_a_requeue_that_was_run_again(two):
    """A reset --requeue, a run, and back to the snapshot before: it works, and the archive is whole."""
    before = latest(two)
    two.reset(1, requeue=True)
    two.run()
    two.reset(2)
    assert latest(two) == before
    assert two.check().ok


@pytest.mark.xfail(reason="bug 3: a move whose source is gone fails after the commit")
def test_a_reset_behind_a_withdrawn_file_that_was_dropped_again(two):
    """Withdraw, drop the file again as it is, and back to before: it works, and the archive is whole."""
    two.withdraw("a.csv")
    (two.layout.rejected / "a.csv").rename(two.layout.queue / "a.csv")
    two.run()
    two.reset(2)
    assert two.check().ok


@pytest.mark.xfail(reason="bug 3: a move whose source is gone fails after the commit")
def test_a_file_that_is_gone_from_the_archive_can_be_withdrawn(two):
    """Withdraw needs the ledger alone: the rows go though somebody removed the archived file."""
    (two.layout.processed / "a.csv").unlink()
    assert two.withdraw("a.csv").snapshot == 3


@pytest.mark.xfail(reason="bug 7: the note of a requeued file outlives its way back to processed/")
def test_a_requeue_that_was_taken_back_leaves_no_trace(two):
    """After reset --requeue and a reset of that, the same bytes under another name are another batch."""
    two.reset(1, requeue=True)
    two.reset(2)
    drop(two, "b.csv", HEAD + "1,2024-01-01,a\n")
    [file] = two.run().datasets[0].files
    assert (file.name, file.status) == ("b.csv", "applied")


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
