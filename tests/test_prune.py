"""Prune: what is kept stays as it is, byte for byte, and whatever comes later gives what it would have given."""

import os
import shutil

import pytest
from conftest import drop, latest, run_cli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapshotter import Workspace
from snapshotter.archive import digest
from snapshotter.errors import ArchiveIncomplete, BehindHorizon, NotRestorable, UsageError

EXAMPLES = 300 if os.environ.get("HYPOTHESIS_PROFILE") in ("long", "faults") else 12

HEAD = "id,timestamp,v\n"
DELETES = (
    '[datasets.default]\ndelete_when = { column = "op", values = ["D"] }\nlineage = ["source_filename", "source_row"]\n'
)
REPLACES = "[datasets.default]\nreplace_revisions = true\n"


def deliver(ws, *files):
    """Each file in a run of its own."""
    for name, content in files:
        drop(ws, name, content)
        ws.run()
    return ws


def bytes_of(ws):
    """The digest of each restorable snapshot, rendered anew."""
    found = {}
    for snapshot in ws.snapshots():
        if snapshot.restorable:
            with ws.rendered(snapshot.snapshot) as (path, _):
                found[snapshot.snapshot] = digest(path)
            assert found[snapshot.snapshot] == snapshot.sha256
    return found


@pytest.fixture
def five(workspace):
    """Five snapshots of one file each; key 1 in each, later files later."""
    ws = workspace()
    files = [(f"{n}.csv", f"{HEAD}1,2024-01-0{n},v{n}\n{n}0,2024-01-01,once\n") for n in range(1, 6)]
    return deliver(ws, *files)


def test_what_is_kept_stays_restorable_byte_for_byte(five):
    """From the horizon on every snapshot gives its own bytes; before it none can be restored, as `snapshots` says."""
    before = bytes_of(five)
    found = five.prune(keep_last=2)
    assert (found.horizon, found.snapshots, found.files) == (4, [1, 2, 3], 3)
    assert bytes_of(five) == {number: before[number] for number in (4, 5)}
    assert [s.restorable for s in five.snapshots()] == [False, False, False, True, True]
    with pytest.raises(NotRestorable):
        five.reset(3)
    with pytest.raises(NotRestorable):
        five.show(1)
    assert five.check().problems == []


def test_what_is_behind_the_horizon_cannot_be_withdrawn(five):
    """A file of a forgotten snapshot is refused by name; that of the oldest kept snapshot can still be taken back."""
    five.prune(keep_last=2)
    with pytest.raises(BehindHorizon):
        five.withdraw("3.csv")
    five.withdraw("5.csv")
    five.withdraw("4.csv")
    assert "v3" in latest(five)


def test_history_begins_at_the_horizon(five):
    """Versions that no restorable snapshot publishes are gone; later ones are there."""
    five.prune(keep_last=2)
    assert [version.source_filename for version in five.history("1")] == ["5.csv", "4.csv", "3.csv"]


def test_a_tombstone_survives(workspace):
    """A delete behind the horizon keeps an older row dead that arrives afterwards; a newer one brings the key back."""
    ws = workspace(DELETES)
    head = "id,timestamp,v,op\n"
    deliver(ws, ("a.csv", f"{head}1,2024-01-02,x,\n2,2024-01-02,y,\n"), ("b.csv", f"{head}1,2024-01-03,,D\n"))
    deliver(ws, ("c.csv", f"{head}2,2024-01-05,z,\n"))
    ws.prune(keep_last=1)
    deliver(ws, ("late.csv", f"{head}1,2024-01-01,dead,\n"))
    assert "dead" not in latest(ws)
    deliver(ws, ("new.csv", f"{head}1,2024-01-04,alive,\n"))
    assert "alive" in latest(ws)


def test_an_inherited_cell_survives(workspace):
    """A cell that a later file lacks still comes from a row behind the horizon."""
    ws = workspace()
    deliver(ws, ("a.csv", "id,timestamp,v,w\n1,2024-01-01,x,kept\n"), ("b.csv", f"{HEAD}1,2024-01-02,y\n"))
    deliver(ws, ("c.csv", f"{HEAD}2,2024-01-02,y\n"))
    ws.prune(keep_last=1)
    deliver(ws, ("d.csv", f"{HEAD}1,2024-01-03,z\n"))
    assert "1,2024-01-03,z,kept,d.csv" in latest(ws)


def test_nothing_to_keep_is_wrong_usage_and_the_current_snapshot_always_stays(five):
    """Without an option, or with one that keeps nothing, nothing happens; zero days keep the current snapshot."""
    with pytest.raises(UsageError):
        five.prune()
    with pytest.raises(UsageError):
        five.prune(keep_last=0)
    assert five.prune(keep_days=0).horizon == 5
    assert [s.snapshot for s in five.snapshots() if s.restorable] == [5]


def test_what_either_option_keeps_is_kept(five):
    """All five are of today: a day keeps them all, whatever the number says."""
    assert five.prune(keep_last=1, keep_days=1).snapshots == []
    assert all(s.restorable for s in five.snapshots())


def test_a_dry_run_changes_nothing(five):
    """It says what would be forgotten, and not a byte is another."""
    root = five.layout.root
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file() and not p.name.startswith(".")}
    found = five.prune(keep_last=1, dry_run=True)
    assert (found.snapshots, found.files) == ([1, 2, 3, 4], 4)
    assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file() and not p.name.startswith(".")} == before


def test_another_file_under_an_archived_name_stays(five):
    """What a person put into the archive in place of a pruned file is not ours to remove."""
    mine = five.layout.processed / "1.csv"
    mine.write_text("mine")
    five.prune(keep_last=1)
    assert mine.read_text() == "mine"
    assert not (five.layout.processed / "2.csv").exists()


def test_a_pruned_name_goes_on_with_its_revisions(five):
    """Names, revisions and digests are never pruned: the same bytes are a duplicate, other bytes the next revision."""
    five.prune(keep_last=1)
    drop(five, "1.csv", f"{HEAD}1,2024-01-01,v1\n10,2024-01-01,once\n")
    [again] = five.run().datasets[0].files
    drop(five, "1.csv", f"{HEAD}1,2024-01-09,new\n")
    [other] = five.run().datasets[0].files
    assert (again.status, again.revision, other.status, other.revision) == ("duplicate", 1, "applied", 2)


def test_a_file_that_would_take_the_place_of_a_pruned_one_is_refused(workspace):
    """With rejects, dropped again: what its rows hid is forgotten, so they cannot be taken out; the reason says so."""
    bad = f"{HEAD}1,2024-01-02,x\n,2024-01-02,no key\n"
    ws = deliver(
        workspace(), ("a.csv", f"{HEAD}1,2024-01-01,hidden\n"), ("b.csv", bad), ("c.csv", f"{HEAD}2,2024-01-02,y\n")
    )
    ws.prune(keep_last=1)
    drop(ws, "b.csv", bad)
    [file] = ws.run().datasets[0].files
    assert file.status == "rejected"
    assert "drop it under another name" in file.warnings[-1]
    assert ws.rejects("b.csv")[-1].rule == "pruned"


def test_revisions_go_on_replacing_each_other(workspace):
    """Under replace_revisions a row comes back that a pruned revision of another name hid, once it is replaced."""
    ws = deliver(
        workspace(REPLACES),
        ("a.csv", f"{HEAD}1,2024-01-01,from a\n1,2023-01-01,older\n"),
        ("b.csv", f"{HEAD}1,2024-01-02,from b\n"),
        ("c.csv", f"{HEAD}2,2024-01-02,y\n"),
    )
    ws.prune(keep_last=1)
    assert [v.values["v"] for v in ws.history("1")] == ["from b", "from a"]
    deliver(ws, ("b.csv", f"{HEAD}3,2024-01-02,another\n"))
    assert "from a" in latest(ws)


def configure(ws, config):
    """Another configuration, from the next run on."""
    (ws.layout.root / "snapshotter.toml").write_text(config)
    return Workspace(ws.layout.root)


def test_what_was_mingled_once_stays_so(workspace):
    """replace_revisions switched on after a prune, pruned again: what hid rows for ever stays."""
    ws = deliver(
        workspace(),
        ("a.csv", f"{HEAD}1,2024-01-01,from a\n"),
        ("b.csv", f"{HEAD}1,2024-01-02,from b\n"),
        ("c.csv", f"{HEAD}2,2024-01-02,y\n"),
    )
    ws.prune(keep_last=1)
    ws = deliver(configure(ws, REPLACES), ("d.csv", f"{HEAD}4,2024-01-02,y\n"))
    ws.prune(keep_last=1)
    drop(ws, "b.csv", f"{HEAD}3,2024-01-02,another\n")
    [file] = ws.run().datasets[0].files
    assert (file.status, ws.rejects("b.csv")[-1].rule) == ("rejected", "pruned")
    assert "1,2024-01-02,from b" in latest(ws)
    deliver(ws, ("d.csv", f"{HEAD}5,2024-01-02,y\n"))
    assert "\n4," not in latest(ws)


def test_a_prune_knows_what_is_configured_for_the_next_run(workspace):
    """replace_revisions switched on, pruned before any run under it: revisions replace each other all the same."""
    ws = deliver(workspace(), ("a.csv", f"{HEAD}1,2024-01-01,a\n"), ("b.csv", f"{HEAD}1,2024-01-02,b\n"))
    ws = configure(deliver(ws, ("c.csv", f"{HEAD}2,2024-01-02,y\n")), REPLACES)
    ws.prune(keep_last=1)
    deliver(ws, ("b.csv", f"{HEAD}3,2024-01-02,another\n"))
    assert "1,2024-01-01,a" in latest(ws)


def test_refused_rows_of_a_kept_snapshot_stay(workspace):
    """A later file of the same name with the same bad row has a file of refused rows like the pruned one; it stays."""
    bad = f"{HEAD}1,2024-01-0%d,x\n,2024-01-01,no key\n"
    ws = deliver(workspace(), ("b.csv", bad % 1), ("c.csv", f"{HEAD}2,2024-01-02,y\n"))
    ws.prune(keep_last=1)
    deliver(ws, ("b.csv", bad % 2), ("d.csv", f"{HEAD}3,2024-01-02,y\n"))
    ws.prune(keep_last=2)
    assert len(ws.rejects("b.csv")) == 1


def test_the_archive_of_another_dataset_stays(workspace):
    """A file that another dataset took under a name that was pruned is that dataset's."""
    two = '[datasets.a]\nmatch = "%s*"\n[datasets.b]\nmatch = "%s*"\n'
    ws = deliver(
        workspace(two % ("a", "b")), ("a1.csv", f"{HEAD}1,2024-01-01,x\n"), ("a2.csv", f"{HEAD}2,2024-01-01,x\n")
    )
    ws.prune(keep_last=1, dataset="a")
    ws = deliver(configure(ws, two % ("x", "a")), ("a1.csv", f"{HEAD}1,2024-01-01,x\n"))
    ws = deliver(configure(ws, two % ("a", "b")), ("a3.csv", f"{HEAD}3,2024-01-01,x\n"))
    ws.prune(keep_last=1, dataset="a")
    assert ws.check().problems == []


def test_an_older_copy_of_a_file_that_came_again_goes_too(workspace):
    """A file with rejects that is dropped again leaves two copies in the archive; both go."""
    bad = f"{HEAD}1,2024-01-02,x\n,2024-01-02,no key\n"
    ws = deliver(workspace(), ("b.csv", bad), ("b.csv", bad), ("c.csv", f"{HEAD}2,2024-01-02,y\n"))
    ws.prune(keep_last=1)
    assert [path.name for path in ws.layout.processed.iterdir()] == ["c.csv"]


def test_clean_requeue_refuses_where_rows_would_go_with_the_ledger(five):
    """The pruned files cannot come back to the queue; nothing is removed."""
    five.prune(keep_last=1)
    before = latest(five)
    with pytest.raises(ArchiveIncomplete):
        five.clean(requeue=True)
    assert latest(five) == before
    assert five.check().problems == []


def test_what_is_forgotten_is_what_was_agreed_to(five):
    """The answer is asked under the lock: what comes meanwhile waits, and a no leaves all."""
    shown = []
    found = five.prune(keep_last=2, confirm=lambda proposed: shown.append(proposed.horizon) is not None)
    assert (shown, found.horizon) == ([4], 4)
    assert all(snapshot.restorable for snapshot in five.snapshots())


def test_a_dry_run_recovers_nothing(five):
    """What was left undone is left to a run."""
    five.layout.latest("default").unlink()
    five.prune(keep_last=1, dry_run=True)
    assert not five.layout.latest("default").exists()


def test_a_rebuild_refuses_where_pruned_files_are_missing(five):
    """The archive is not whole any more; the error names a file."""
    five.prune(keep_last=1)
    shown = run_cli("rebuild", "--yes", workspace=five)
    assert shown.returncode == 21
    assert "input/processed/1.csv" in shown.stderr


def test_the_command_says_what_it_does(five):
    """A dry run, a question that nobody answers, and the deed."""
    dry = run_cli("prune", "--keep-last", "2", "--dry-run", workspace=five)
    assert (dry.returncode, "would forget 3 snapshots, 3 files" in dry.stderr) == (0, True)
    assert run_cli("prune", "--keep-last", "2", workspace=five).returncode == 2
    done = run_cli("prune", "--keep-last", "2", "--yes", workspace=five)
    assert (done.returncode, "forgot 3 snapshots" in done.stderr) == (0, True)
    assert "nothing to forget" in run_cli("prune", "--keep-last", "2", "--yes", workspace=five).stderr


# -- against a workspace that was never pruned

CELLS = st.sampled_from(["", "a", "b", "c"])
DAYS = st.integers(1, 4).map(lambda day: f"2024-01-0{day}")
HEADERS = st.sampled_from(
    ["id,timestamp,v,op", "id,timestamp,v,op,w", "id,timestamp,w,v", "id,timestamp,op", "id,timestamp"]
)
ROWS = st.lists(
    st.tuples(st.integers(1, 3), DAYS, CELLS, CELLS, st.sampled_from(["", "", "D"])), min_size=1, max_size=4
)
FILES = st.tuples(st.sampled_from("abcdef"), HEADERS, ROWS)
STEPS = st.lists(
    st.one_of(
        FILES,
        FILES,
        FILES,
        st.tuples(st.just("prune"), st.integers(1, 3)),
        st.tuples(st.just("reset"), st.integers(0, 3)),
        st.tuples(st.just("withdraw"), st.integers(0, 3)),
    ),
    min_size=4,
    max_size=14,
)


def text(header, rows):
    """A file with those columns of the rows."""
    names = header.split(",")
    lines = [dict(zip(("id", "timestamp", "v", "w", "op"), map(str, row), strict=True)) for row in rows]
    return "\n".join([header, *(",".join(line[name] for name in names) for line in lines)]) + "\n"


def step(ws, what, horizon):
    """One step that is possible for both; returns whether it was."""
    if what[0] == "reset":
        number = len(ws.snapshots()) - what[1]
        if number >= horizon:
            ws.reset(number)
    elif what[0] == "withdraw":
        counting = [f for f in ws.files("applied") if f.snapshot >= horizon]
        if counting:
            file = counting[what[1] % len(counting)]
            ws.withdraw(file.name, file.revision)
    else:
        drop(ws, f"{what[0]}.csv", text(*what[1:]))
        ws.run()


@pytest.mark.parametrize("config", [DELETES, DELETES + "replace_revisions = true\n"], ids=["adding", "replacing"])
@settings(
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_nobody_can_tell_from_the_result_that_something_was_pruned(workspace, config, steps):
    """Two workspaces get the same; one is pruned in between. All that it keeps is equal."""
    one, other = workspace(config), workspace(config)
    horizon = 1
    for what in steps:
        if what[0] == "prune":
            horizon = one.prune(keep_last=what[1]).horizon or 1
            continue
        if what[0] in ("reset", "withdraw") and not one.snapshots():
            continue
        for ws in (one, other):
            step(ws, what, horizon)
        if not one.snapshots():
            continue
        assert latest(one) == latest(other)
    kept = {number: sha for number, sha in bytes_of(other).items() if number >= horizon}
    assert bytes_of(one) == kept
    for ws in (one, other):
        assert ws.check().problems == []
        shutil.rmtree(ws.layout.root)
        assert not ws.layout.root.exists()


def test_a_pruned_workspace_opens_anew(five):
    """A fresh process sees what the one that pruned saw."""
    five.prune(keep_last=2)
    fresh = Workspace(five.layout.root)
    assert fresh.snapshots() == five.snapshots()
    assert fresh.check().problems == []
