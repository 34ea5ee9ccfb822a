"""Upkeep: a ledger that is written to often stays small, and every snapshot of it stays what it was."""

import shutil
from pathlib import Path

import pytest
from conftest import drop
from deltalake import DeltaTable
from killing import Killer
from scenes import RUN, copy, do

from snapshotter import Workspace, upkeep
from snapshotter.archive import digest
from snapshotter.ledger import Ledger
from snapshotter.ledger.history import History
from snapshotter.ledger.records import PartRecord
from snapshotter.ledger.state import State

HEAD = "id,timestamp,v\n"


def part(name, size, rows=1):
    """A record of a Parquet file."""
    return PartRecord(path=name, rows=rows, size=size, sha256="", batches=(1,))


def deliver(ws, first, last):
    """Runs of one small file each; every key comes again and again, and now and then a column is new."""
    for number in range(first, last):
        extra = (",w", ",new") if number % 7 == 3 else ("", "")
        drop(
            ws,
            f"{number:04d}.csv",
            f"id,timestamp,v{extra[0]}\n{number % 5},2024-01-01T00:{number % 60:02d},{number}{extra[1]}\n",
        )
        assert ws.run().datasets[0].error is None


def entries(ws):
    """The numbers of the entries that lie in the log."""
    return sorted(int(path.name[:20]) for path in (ws.layout.ledger("default") / "_delta_log").glob("*.json"))


@pytest.fixture(scope="module")
def busy(workspace):
    """A workspace with more commits than its log keeps: the next runs put files together, and shed entries."""
    ws = workspace()
    deliver(ws, 0, upkeep.ENTRIES + upkeep.STAYING + 5)
    return ws


@pytest.fixture
def again(busy, tmp_path):
    """A copy of it."""
    return Workspace(copy(busy.layout.root, tmp_path / "copy"))


# -- what is worth doing


def test_few_files_are_left_alone():
    """Up to so many files of one size nothing is written anew."""
    parts = [part(f"{n}", 1000) for n in range(upkeep.TOGETHER - 1)]
    assert not upkeep.plan(State(parts={p.path: p for p in parts}), parts, 1)


def test_files_of_one_size_come_together_and_larger_ones_stay():
    """A large file is not written anew because small ones came; that is what keeps the work in bounds."""
    small = [part(f"{n}", 1000) for n in range(upkeep.TOGETHER)]
    large = [part(f"large {n}", 5_000_000) for n in range(3)]
    huge = [part(f"huge {n}", upkeep.LARGEST + 1) for n in range(upkeep.TOGETHER)]
    work = upkeep.plan(State(parts={p.path: p for p in (*small, *large, *huge)}), [*small, *large, *huge], 1)
    assert work.live == (tuple(small),)
    assert not work.shelved


def test_files_beside_the_table_come_together_for_themselves():
    """Rows that do not count now never get into the table by that."""
    parts = [part(f"{n}", 1000) for n in range(upkeep.TOGETHER)]
    work = upkeep.plan(State(), parts, 1)
    assert (work.live, work.shelved) == ((), (tuple(parts),))


# -- what it does


def test_the_ledger_stays_small(busy):
    """After many runs there are few Parquet files and few entries, and deltalake reads the table from a checkpoint."""
    root = busy.layout.ledger("default")
    assert len(list(root.glob("*.parquet"))) < 3 * upkeep.TOGETHER
    assert len(entries(busy)) < upkeep.ENTRIES + upkeep.STAYING
    table = DeltaTable(str(root))
    assert table.version() == entries(busy)[-1]
    assert sum(table.get_add_actions(flatten=True)["num_records"].to_pylist()) == len(busy.files())


def test_every_snapshot_stays_what_it_was(busy):
    """Each is restorable, and gives its own bytes, whichever file its rows are in now."""
    snapshots = busy.snapshots()
    assert all(snapshot.restorable for snapshot in snapshots)
    for snapshot in snapshots[:: len(snapshots) // 8]:
        with busy.rendered(snapshot.snapshot) as (path, _):
            assert digest(path) == snapshot.sha256
    assert busy.check().problems == []


def test_what_left_the_log_is_kept_verbatim(busy):
    """History and log together hold every entry, in order, and the digest of each is in the one behind it."""
    root = busy.layout.ledger("default")
    kept = [version for version, _ in History(root).read()]
    assert kept == list(range(len(kept)))
    assert entries(busy)[0] <= len(kept)
    ledger = Ledger(root, "default")
    ledger.open()
    assert [version for version, _ in ledger.commits] == list(range(1, entries(busy)[-1] + 1))


def test_a_reset_behind_what_came_together_restores_exactly_that(again):
    """The live version then holds the batches of that snapshot and no other, and the way forward is open."""
    snapshots = again.snapshots()
    middle = snapshots[len(snapshots) // 2]
    again.reset(middle.snapshot)
    assert digest(again.layout.latest("default")) == middle.sha256
    rows = DeltaTable(str(again.layout.ledger("default"))).get_add_actions(flatten=True)["num_records"].to_pylist()
    assert sum(rows) == middle.snapshot
    again.reset(snapshots[-1].snapshot)
    assert digest(again.layout.latest("default")) == snapshots[-1].sha256
    assert again.check().problems == []


def test_a_file_in_the_middle_can_be_withdrawn_and_come_back(again):
    """Its rows are cut out of a file that has others, and found again by a reset."""
    number = len(again.snapshots())
    before = digest(again.layout.latest("default"))
    again.withdraw("0114.csv")
    again.withdraw("0059.csv")
    assert again.check().problems == []
    again.reset(number)
    assert digest(again.layout.latest("default")) == before


def test_rows_that_were_replaced_come_together_too(workspace):
    """Under replace_revisions each run leaves rows that do not count; they stay findable in few files."""
    ws = workspace("[datasets.default]\nreplace_revisions = true\n")
    for number in range(upkeep.TOGETHER + 4):
        drop(ws, "same.csv", f"{HEAD}1,2024-01-01,{number}\n")
        ws.run()
    assert len(list(ws.layout.ledger("default").glob("*.parquet"))) < upkeep.TOGETHER
    first = ws.snapshots()[0]
    ws.withdraw(f"same.csv@{upkeep.TOGETHER + 4}")
    assert f",{upkeep.TOGETHER + 2}," in ws.layout.latest("default").read_text()
    ws.reset(1)
    assert digest(ws.layout.latest("default")) == first.sha256
    assert ws.check().problems == []


def test_a_damaged_checkpoint_is_found_and_made_anew(again):
    """We do not need it to read the log; others do, so `check` finds it and `--repair` writes it again."""
    checkpoint = next((again.layout.ledger("default") / "_delta_log").glob("*.checkpoint.parquet"))
    checkpoint.write_bytes(b"\0" * checkpoint.stat().st_size)
    assert again.check().problems
    assert again.check(repair=True).problems == []
    assert DeltaTable(str(again.layout.ledger("default"))).version() == entries(again)[-1]


def test_a_damaged_history_is_damage(again):
    """A byte of it is a named error, and nothing is changed."""
    path = History(again.layout.ledger("default")).files()[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    drop(again, "new.csv", f"{HEAD}9,2024-01-01,x\n")
    fresh = Workspace(again.layout.root)
    assert fresh.run().datasets[0].error.name == "LedgerDamaged"
    assert [problem.what for problem in fresh.check().problems] == ["ledger"]


# -- killed


@pytest.fixture(scope="module")
def killer():
    """Runs commands and kills them."""
    process = Killer()
    yield process
    process.close()


RIPE = {"files": lambda ws: len(Ledger(ws.layout.ledger("default"), "default").open().parts) == upkeep.TOGETHER - 1}
RIPE["entries"] = lambda ws: len(entries(ws)) == upkeep.ENTRIES + upkeep.STAYING - 1


@pytest.fixture(scope="module", params=RIPE)
def ripe(workspace, request):
    """The next run puts files together, or sheds entries."""
    ws, number = workspace(), 0
    while number == 0 or not RIPE[request.param](ws):
        deliver(ws, number, number + 1)
        number += 1
    drop(ws, "last.csv", f"{HEAD}77,2024-01-01,last\n")
    return ws


def test_upkeep_can_be_killed_anywhere(killer, ripe, tmp_path):
    """Whatever of it was done, each snapshot is what it was, no file is without a commit, and the next run goes on."""
    before = ripe.layout.root
    wanted = [(s.snapshot, s.sha256) for s in do(copy(before, tmp_path / "done"), RUN).snapshots()]
    points = [p for p in killer.points(copy(before, tmp_path / "points"), RUN) if p.startswith("tend")]
    assert any("_history" in point or "os.link" in point for point in points)
    kinds = {point.split(" #")[0].rpartition("/")[0] + point.partition(":")[2].split()[0]: point for point in points}
    for number, point in enumerate(kinds.values()):
        root = copy(before, tmp_path / str(number))
        assert killer.kill(root, RUN, point), point
        ws = Workspace(root)
        assert [(s.snapshot, s.sha256) for s in ws.snapshots() if s.restorable] == wanted, point
        assert DeltaTable(str(ws.layout.ledger("default"))).version() >= len(wanted), point
        drop(ws, "later.csv", f"{HEAD}78,2024-01-01,later\n")
        assert ws.run().datasets[0].error is None, point
        assert ws.check().problems == [], point
        shutil.rmtree(root)


def test_a_prune_can_be_killed_anywhere(killer, ripe, tmp_path):
    """Before its commit nothing is forgotten; behind it the next run finishes it, and what is kept is what it was."""
    command, before = ("prune", (), {"keep_last": 3}), ripe.layout.root
    done = copy(before, tmp_path / "done")
    kept = [(s.snapshot, s.sha256) for s in do(done, command).snapshots() if s.restorable]
    points = killer.points(copy(before, tmp_path / "points"), command)
    assert any(point.startswith("commit_prune: os.remove") for point in points)
    kinds = {point.split(" #")[0].rpartition("/")[0] + point.partition(":")[2].split()[0]: point for point in points}
    for number, point in enumerate(kinds.values()):
        root = copy(before, tmp_path / str(number))
        assert killer.kill(root, command, point), point
        ws = Workspace(root)
        assert [(s.snapshot, s.sha256) for s in ws.snapshots() if s.restorable][-3:] == kept, point
        was_committed = not ws.snapshots()[0].restorable
        ws.run()
        assert ws.check().problems == [], point
        left = sorted(path.name for path in Path(root, "input/processed").iterdir())
        assert len(left) == (3 + 1 if was_committed else len(ws.files())), point
        shutil.rmtree(root)


def test_status_says_what_a_killed_prune_left(killer, again):
    """Behind its commit, the files that are still there are told, and the next run removes them."""
    command = ("prune", (), {"keep_last": 3})
    points = killer.points(copy(again.layout.root, again.layout.root.with_name("points")), command)
    point = next(point for point in points if point.startswith("commit_prune: os.remove input/processed"))
    assert killer.kill(again.layout.root, command, point)
    ws = Workspace(again.layout.root)
    assert any("pruned files are to be removed" in text for text in ws.status().recovery)
    ws.run()
    assert ws.status().recovery == []
    assert len(list(ws.layout.processed.iterdir())) == 3
