"""`check` verifies everything against everything, and `--repair` mends what can be derived again."""

import errno
import json
import os
import shutil
import threading
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from conftest import drop, latest, run_cli
from deltalake import DeltaTable
from killing import Killer

from snapshotter import Workspace
from snapshotter.checking import mend_notes
from snapshotter.checking.findings import Findings
from snapshotter.checking.rows import check_rows
from snapshotter.engine import open_engine
from snapshotter.errors import LockTimeout, NotWritten
from snapshotter.ledger import Ledger

HEAD = "id,timestamp,v\n"
A, B = HEAD + "1,2024-01-01,a\n", HEAD + "2,2024-01-01,b\n3,2024-01-01,c\n,,refused\n"


@pytest.fixture(scope="module")
def checked(workspace):
    """A workspace with four snapshots, refused rows and a withdrawn file."""
    ws = workspace(**{"a.csv": A, "b.csv": B})
    ws.run()
    drop(ws, "c.csv", HEAD + "4,2024-01-01,d\n")
    ws.run()
    ws.withdraw("c.csv")
    drop(ws, "d.csv", HEAD + "5,2024-01-01,e\n")
    ws.run()
    return ws


@pytest.fixture
def again(checked, tmp_path):
    """A copy of it."""
    return Workspace(shutil.copytree(checked.layout.root, tmp_path / "copy"))


def flip(path):
    """Change one byte of a file, and leave it its time."""
    content, status = bytearray(path.read_bytes()), path.stat()
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def note(ws):
    """The note of the newest entry."""
    return ws.layout.ledger("default") / "_acknowledged.json"


def part(ws):
    """A Parquet file of the current snapshot."""
    ledger = Ledger(ws.layout.ledger("default"), "default")
    return ledger.root / next(iter(ledger.open().parts))


def listing(ws):
    """The bytes of every file of a workspace, but for the writer's lock."""
    found = (path for path in ws.layout.root.rglob("*") if path.is_file() and path.parent != ws.layout.root)
    return {path: path.read_bytes() for path in found}


# -- what it looks at


def test_all_proves_each_snapshot(checked):
    """Three without `--all`, one with `--quick`, and with `--all` every one that can be restored."""
    assert checked.check().checked["views"] == 3
    assert checked.check(quick=True).checked["views"] == 1
    assert checked.check(every=True).checked["views"] == len(checked.snapshots()) == 4


def test_rows_are_counted_batch_by_batch(checked, tmp_path):
    """Two batches whose numbers were exchanged: the total is right, and the check says that they are not."""
    ledger = Ledger(checked.layout.ledger("default"), "default")
    state, found = ledger.open(), Findings(checked.layout, checked.settings, "default")
    one, other = (batch for batch in state.batches.values() if batch.record.name in ("a.csv", "b.csv"))
    swapped = {
        batch.id: replace(batch, record=batch.record.model_copy(update={"accepted": twin.record.accepted}))
        for batch, twin in ((one, other), (other, one))
    }
    with open_engine(tmp_path, [checked.layout.output], 10**9, "default") as engine:
        check_rows(found, ledger, state, engine, quick=False)
        assert found.problems == []
        check_rows(found, ledger, replace(state, batches=state.batches | swapped), engine, quick=False)
    assert {problem.what for problem in found.problems} == {"counts"}


def test_progress_is_told_in_bytes(checked):
    """It ends at the size of all files that have a digest."""
    told = []
    checked.check(progress=lambda done, total: told.append((done, total)))
    folder = checked.layout.ledger("default")
    files = [checked.layout.latest("default"), *folder.glob("*.parquet"), *checked.layout.rejects("default").glob("*")]
    files += [checked.layout.processed / name for name in ("a.csv", "b.csv", "d.csv")]
    size = sum(path.stat().st_size for path in [*files, checked.layout.rejected / "c.csv"])
    assert told[-1] == (size, size)
    assert sorted(told) == told


def test_a_file_that_nobody_knows_is_a_note(again):
    """What a user put into the archive or into output/ is no fault: it is named, and left alone."""
    for path in (again.layout.processed / "mine.csv", again.layout.output / "sub" / "mine.txt"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    (again.layout.ledger("default") / "part-x.parquet").write_bytes(b"PAR1")
    done = run_cli("check", "--json", workspace=again)
    found = json.loads(done.stdout)
    assert (done.returncode, found["problems"]) == (0, [])
    said = "\n".join(found["notes"])
    assert "input/processed/mine.csv: nobody knows it" in said
    assert "output/sub/mine.txt: nobody knows it" in said
    assert "default: 1 Parquet file is to be removed, since no commit names such" in said


def test_another_file_of_refused_rows_under_the_same_name_is_no_fault(workspace):
    """Where the first was taken away to be mended, the next revision may take its name."""
    ws = workspace(**{"a.csv": A + ",,x\n"})
    ws.run()
    [rejects] = ws.layout.rejects("default").iterdir()
    rejects.unlink()
    drop(ws, "a.csv", A + ",,y\n")
    ws.run()
    assert rejects.exists()
    assert ws.check().problems == []


def test_the_former_copy_of_a_file_that_was_dropped_again_is_checked(workspace):
    """Both lie in the archive, though the batch has the newer one; a third, put where one was, is a user's."""
    ws = workspace(**{"a.csv": A + ",,x\n"})
    ws.run()
    drop(ws, "a.csv", A + ",,x\n")
    ws.run()
    former, newer = sorted(ws.layout.processed.iterdir(), key=lambda path: len(path.name))
    assert ws.check().checked["files"] == 2
    for path in (former, newer):
        flip(path)
        assert [problem.path for problem in ws.check().problems] == [f"input/processed/{path.name}"]
        flip(path)
    former.unlink()
    assert ws.check().problems == []
    ws.withdraw("a.csv")
    newer.write_text("mine")
    assert ws.check().problems == []


def test_a_writer_beside_it_is_no_damage(again):
    """A run during each look: latest.csv is not what the log said before, and nothing else is read again."""
    told, lock, number = [], threading.Lock(), count(100)

    def work(done, total):
        with lock:
            if total not in told:
                told.append(total)
                drop(again, f"{total}.csv", f"{HEAD}{next(number)},2024-02-01,x\n")
                Workspace(again.layout.root).run()

    assert again.check(progress=work).problems == []
    assert len(told) > 1
    assert max(told[1:]) < told[0] / 2


def test_a_damaged_file_beside_a_writer_stays_a_problem(again):
    """The ledger moves during the look, and the archived file is as wrong as before."""
    flip(again.layout.processed / "a.csv")
    moved = []

    def work(_done, _total):
        if not moved:
            moved.append(True)
            drop(again, "beside.csv", HEAD + "9,2024-02-01,x\n")
            Workspace(again.layout.root).run()

    assert [problem.path for problem in again.check(progress=work).problems] == ["input/processed/a.csv"]


@pytest.mark.parametrize("instead", [os.mkfifo, os.mkdir, lambda path: Path(path).symlink_to("b.csv")])
def test_what_is_no_file_is_said_and_not_waited_for(again, instead):
    """A pipe, a folder or a link in place of an archived file."""
    (again.layout.processed / "a.csv").unlink()
    instead(again.layout.processed / "a.csv")
    done = run_cli("check", workspace=again, timeout=60)
    assert done.returncode == 1
    assert "where a file was put" in done.stdout


def test_quick_and_all_at_once_are_refused(checked):
    """One is less, the other more."""
    done = run_cli("check", "--quick", "--all", workspace=checked)
    assert (done.returncode, done.stdout) == (2, "")


def test_the_summary_counts_in_words(workspace):
    """One thing of a kind is told as one."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    assert "checked 2 commits, 1 part, 1 view, 1 file, 0 rejects" in run_cli("check", workspace=ws).stderr


# -- repair


@pytest.mark.parametrize("lost", ["_digests", "_last_checkpoint", "checkpoint.parquet", "_digests checkpoint.parquet"])
def test_what_is_derived_of_the_log_and_is_gone_comes_back(again, lost):
    """Checkpoint, pointer and digests, alone or together: a problem that is mended, and deltalake reads the table."""
    ledger = Ledger(again.layout.ledger("default"), "default")
    state = ledger.open()
    ledger.shed(1)
    for path in [path for word in lost.split() for path in ledger.root.rglob(f"*{word}*")]:
        path.unlink()
    for quick in (True, False):
        assert {(problem.what, problem.repairable) for problem in again.check(quick=quick).problems} == {
            ("ledger", True)
        }
    assert again.check(repair=True).problems == []
    assert DeltaTable(str(ledger.root)).version() == state.version
    assert (ledger.root / "_digests.json").exists()


def test_a_view_that_cannot_be_rendered_is_not_said_to_be_mendable(again):
    """Where a Parquet file of the current snapshot is wrong, too."""
    flip(part(again))
    flip(again.layout.latest("default"))
    assert [(problem.what, problem.repairable) for problem in again.check().problems] == [
        ("part", False),
        ("view", False),
    ]


def test_what_is_advised_for_a_damaged_part_works(again):
    """With a Parquet file that is wrong and no latest.csv: `clean --requeue` needs no rows, and a run starts again."""
    wanted = latest(again)
    flip(part(again))
    again.layout.latest("default").unlink()
    assert any("clean --requeue" in problem.remedy for problem in again.check().problems)
    again.clean(requeue=True)
    again.run()
    assert (latest(again), again.check().problems) == (wanted, [])


def test_why_a_repair_failed_is_a_problem(again, monkeypatch):
    """The disk fails as latest.csv is rendered again: the reason is among what is left."""
    again.layout.latest("default").unlink()
    monkeypatch.setattr("os.fsync", refuse_under(again.layout.output))
    told = [(problem.what, problem.problem) for problem in again.check(repair=True).problems]
    assert ("view", "is missing") in told
    assert any(what == "recovery" and os.strerror(errno.EIO) in problem for what, problem in told)


def test_a_changed_view_is_rendered_again(workspace):
    """Also if its size and time are those that were recorded: exit code 0, and the bytes are those of before."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    before = latest(ws)
    flip(ws.layout.latest("default"))
    assert ws.status().recovery == []
    [problem] = ws.check().problems
    assert (problem.what, problem.repairable) == ("view", True)
    done = run_cli("check", "--repair", workspace=ws)
    assert (done.returncode, latest(ws)) == (0, before)
    assert "repaired  default: latest.csv was rendered again" in done.stderr
    assert ws.check().problems == []


def test_a_missing_view_comes_back(again):
    """So does one that was removed."""
    before = latest(again)
    again.layout.latest("default").unlink()
    result = again.check(repair=True)
    assert (result.problems, latest(again)) == ([], before)
    assert any("latest.csv is to be rendered again" in text for text in result.repaired)


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"version": 4,"finished": true}', b"[]"])
def test_a_note_that_cannot_be_read_is_written_anew(again, content):
    """Nothing else tells of a lost entry, so the note of the newest one is derived."""
    before = note(again).read_bytes()
    note(again).write_bytes(content)
    assert any(problem.repairable for problem in again.check().problems)
    assert again.check(repair=True).problems == []
    assert note(again).read_bytes() == before


def test_a_note_is_not_written_anew_where_the_newest_entry_may_be_lost(again):
    """Its Parquet file lies there without an entry: that is damage, and nothing is changed."""
    max((again.layout.ledger("default") / "_delta_log").glob("*.json")).unlink()
    note(again).write_bytes(b"?")
    before = listing(again)
    assert not again.check(repair=True).ok
    assert listing(again) == before


def test_the_guard_stays_until_a_right_note_takes_its_place(again, monkeypatch):
    """A note that cannot be read is never away: if the right one cannot be written, the wrong one still warns."""
    note(again).write_bytes(b"?")
    folder, before = note(again).parent, listing(again)
    monkeypatch.setattr("os.fsync", refuse_under(folder))
    with pytest.raises(NotWritten):
        mend_notes(again.layout, ["default"])
    assert listing(again) == before


def refuse_under(folder):
    """An fsync that fails for each file in a folder, as of a disk that fails."""
    really = os.fsync

    def fsync(descriptor):
        if Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(folder):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        really(descriptor)

    return fsync


@pytest.mark.parametrize("what", ["its log", "its newest entries"])
def test_a_note_is_not_written_anew_where_the_log_is_gone(workspace, what):
    """A note that cannot be read beside a log without a commit: something was lost, and nothing is changed."""
    ws = workspace(**{"refused.csv": "x\n"})
    ws.run()
    for entry in (ws.layout.ledger("default") / "_delta_log").glob("*.json"):
        if what == "its log" or entry.name > "00000000000000000000.json":
            entry.unlink()
    note(ws).write_bytes(b"?")
    before = listing(ws)
    assert not ws.check(repair=True).ok
    assert listing(ws) == before


def test_a_repair_of_a_dataset_without_a_ledger_is_nothing_to_do(workspace):
    """Nothing was run yet: exit code 0, and nothing appears."""
    ws = workspace(**{"a.csv": A})
    done = run_cli("check", "--repair", workspace=ws)
    assert (done.returncode, ws.layout.ledger("default").exists()) == (0, False)


def test_a_repair_behind_a_killed_first_run_damages_nothing(workspace):
    """Killed anywhere between its commit and the moves, repaired, run: the first snapshot is there, all is well."""
    killer = Killer()
    ws = workspace(**{"a.csv": A})
    points = killer.points(ws.layout.root, ["run", [], {}])
    wanted = latest(ws)
    begin, end = (
        next(n for n, point in enumerate(points, 1) if point.startswith(step)) for step in ("commit", "archive")
    )
    for point in range(begin, end + 1):
        ws = workspace(**{"a.csv": A})
        assert killer.kill(ws.layout.root, ["run", [], {}], point)
        ws.check(repair=True)
        assert [dataset.error for dataset in ws.run().datasets] in ([], [None])
        assert (latest(ws), ws.check().problems) == (wanted, [])
    killer.close()


def test_what_a_killed_process_left_is_finished(again):
    """Moves that are pending are a problem that `--repair` mends."""
    shutil.move(again.layout.processed / "d.csv", again.layout.queue / "d.csv")
    note(again).write_text(json.dumps({"version": 4, "finished": False}))
    [problem] = again.check().problems
    assert (problem.what, problem.repairable) == ("recovery", True)
    assert problem.problem == "1 file is to be moved to input/processed/"
    result = again.check(repair=True)
    assert result.problems == []
    assert result.repaired == ["default: finished what was left undone: 1 file is to be moved to input/processed/"]
    assert (again.layout.processed / "d.csv").is_file()


WHAT_IS_LOST = {
    "part": (part, "from a backup"),
    "archive": (lambda ws: ws.layout.processed / "a.csv", "get it again from its source; what is published does not"),
    "rejects": (lambda ws: next(ws.layout.rejects("default").iterdir()), "drop the file that it is from again"),
}


@pytest.mark.parametrize("what", WHAT_IS_LOST)
def test_what_cannot_be_derived_stays_a_problem_with_advice(again, what):
    """A Parquet file, an archived file and refused rows are not invented: exit code 1, and what to do."""
    find, advice = WHAT_IS_LOST[what]
    flip(find(again))
    before = listing(again)
    done = run_cli("check", "--repair", workspace=again)
    assert done.returncode == 1
    assert advice in done.stderr
    assert [(p.what, p.repairable) for p in again.check().problems] == [(what, False)]
    assert listing(again) == before


def test_a_view_is_not_rendered_from_a_damaged_ledger(again):
    """With a Parquet file that is none any more, latest.csv stays as it is."""
    part(again).write_bytes(bytes(part(again).stat().st_size))
    flip(again.layout.latest("default"))
    before = listing(again)
    assert not again.check(repair=True).ok
    assert listing(again) == before


def test_repair_is_a_writer_and_check_is_not(again, holder, monkeypatch):
    """Beside another writer a repair waits and then says so; a check answers."""
    monkeypatch.setenv("SNAPSHOTTER_LOCK_TIMEOUT", "0s")
    ws = Workspace(again.layout.root)
    with holder(ws):
        assert ws.check().ok
        with pytest.raises(LockTimeout):
            ws.check(repair=True)
