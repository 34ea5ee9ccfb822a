"""Whoever kills the process, at whatever moment, loses nothing: run again, and it is as if nothing had happened.

`killer.py` runs a command and dies (SIGKILL) just before a point: a step of the write order, an fsync, or a call
that changes a name in the workspace. By default one point of each kind in each step is tried; with
SNAPSHOTTER_KILL_ALL=1 every point there is.
"""

import os
import re
import shutil
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest
from conftest import drop
from killing import Killer
from scenes import (
    GOOD,
    HEAD,
    REPLACING,
    RUN,
    TWO_DATASETS,
    WITH_REJECTS,
    another_contract,
    assert_invariants,
    assert_looks,
    assert_readers_work,
    both,
    copy,
    do,
    duplicates,
    first,
    kinds,
    picture,
    replaced,
    requeued,
    revisions,
    second,
    withdrawn,
    without_view,
)

from snapshotter import Workspace
from snapshotter.errors import SnapshotterError
from snapshotter.ledger.records import Commit, FileRecord, Move, Status, ViewRecord
from snapshotter.recovery import Found, ViewStep, plan

EVERY_POINT = bool(os.environ.get("SNAPSHOTTER_KILL_ALL"))


@dataclass(frozen=True)
class Scenario:
    """A command on a workspace.

    Args:
        name: for the report.
        prepare: makes the workspace what it is before the command.
        command: method of Workspace, arguments, options.
        config: of the workspace.
        killed_at: the point at which the same command was killed once already.
        focus: the points that are tried by default, as a pattern.
        bugs: what is wrong, by a pattern of the points where it shows.
    """

    name: str
    prepare: object
    command: tuple = RUN
    config: str = ""
    killed_at: str = ""
    focus: str = ""
    bugs: dict = field(default_factory=dict)


AFTER = "commit: os|publish|archive"
SET_ASIDE = "input/processing/.snapshotter-aside-*"
AMID = f"archive: os.remove {SET_ASIDE}"
SCENARIOS = [
    Scenario("first run", first, focus="begin|mkdir|part|latest|os.link|os.rename"),
    Scenario("second run", second, focus=AFTER),
    Scenario("two datasets", first, config=TWO_DATASETS, focus="begin|os.link"),
    Scenario("nothing but duplicates", duplicates, focus="commit: os|archive: os"),
    Scenario("run of requeued files", requeued, focus="commit: os.link|archive"),
    Scenario("view is gone", without_view, focus="recover"),
    Scenario("recovery before the view", second, killed_at="publish: begin", focus="recover"),
    Scenario("recovery amid the moves", second, killed_at=AMID, focus="recover"),
    Scenario("reset", withdrawn, ("reset", (2,), {}), focus=AFTER),
    Scenario("reset --requeue", both, ("reset", (1,), {"requeue": True}), focus=f"requeued|{AFTER}"),
    Scenario("withdraw", both, ("withdraw", ("late.csv",), {}), focus=f"part|{AFTER}"),
    Scenario("rebuild", another_contract, ("rebuild", (), {}), focus=f"begin|part|latest|{AFTER}"),
    Scenario("several revisions at once", revisions, config=REPLACING, focus=f"part|{AFTER}"),
    Scenario("withdraw a revision", replaced, ("withdraw", ("good.csv",), {}), REPLACING, focus=f"part|{AFTER}"),
    Scenario("clean --requeue", both, ("clean", (), {"requeue": True})),
]


@pytest.fixture(scope="module")
def killer():
    """Runs commands and kills them."""
    process = Killer()
    yield process
    process.close()


# -- the claims


def kind(point):
    """A point without the names of dropped files, and without its number."""
    what, _, place = re.sub(r" #\d+$", "", point).rpartition(" ")
    if place.startswith(("input/processing/.", "output")) or place.endswith(".reason.json") or "/" not in place:
        place = re.sub(r"\d+|[^/]*(?=\.reason\.json$)|[^/]*(?=\.csv\.csv$)", "", place)
    else:
        place = place.rpartition("/")[0]
    return what, place


def chosen(points, focus, bugs, only):
    """The points to be tried: `only` those of a bug, or those of no bug; the first of each kind, or all."""
    found = [p for p in points if (re.search(only, p) if only is not None else not any(re.search(b, p) for b in bugs))]
    if EVERY_POINT:
        return found
    first_of = {kind(point): point for point in reversed(found) if only is not None or re.search(focus, point)}
    return [point for point in found if first_of.get(kind(point)) == point]


def assert_recovers(killer, root, before, scenario, point, wanted):
    """Kill a command at a point: the invariants hold, and what is run next ends where it would have ended anyway."""
    assert killer.kill(root, scenario.command, point), "was not killed"
    assert_invariants(root, before)
    if scenario.command[0] == "clean":
        assert_looks(do(root, scenario.command, RUN), wanted["done"])
        return
    assert_readers_work(root, before)
    ws = do(root, RUN)
    if scenario.command != RUN and not kinds(ws) - kinds(Workspace(before)):
        assert_looks(ws, wanted["not begun"])
        ws = do(root, scenario.command, RUN)
    assert_looks(ws, wanted["done"])


def cases():
    """Each scenario with the points that hold, and with those of each bug, which fail."""
    for scenario in SCENARIOS:
        if "" not in scenario.bugs:
            yield pytest.param(scenario, None, id=scenario.name)
        for number, (only, reason) in enumerate(scenario.bugs.items()):
            marks = pytest.mark.xfail(reason=reason, strict=True, raises=AssertionError)
            yield pytest.param(scenario, only, marks=marks, id=f"{scenario.name}, bug {number + 1}")


@pytest.mark.parametrize(("scenario", "only"), list(cases()))
def test_killed_and_run_again_it_is_as_if_nothing_had_happened(killer, workspace, tmp_path, scenario, only):
    """At whichever point the process is killed: nothing is lost at that instant, and nothing is left afterwards."""
    prepared = workspace(scenario.config)
    scenario.prepare(prepared)
    before = prepared.layout.root
    wanted = {
        "done": picture(do(copy(before, tmp_path / "done"), scenario.command, RUN)),
        "not begun": picture(do(copy(before, tmp_path / "not begun"), RUN)),
    }
    if scenario.killed_at:
        assert killer.kill(before, scenario.command, scenario.killed_at)
    points = killer.points(copy(before, tmp_path / "points"), scenario.command)
    tried = chosen(points, scenario.focus, scenario.bugs, only)
    if not tried:
        pytest.fail("there is no such point")
    wrong = {}
    for number, point in enumerate(tried):
        root = copy(before, tmp_path / str(number))
        try:
            assert_recovers(killer, root, before, scenario, point, wanted)
        except (AssertionError, SnapshotterError) as error:
            wrong[point] = str(error)
        shutil.rmtree(root)
    assert not wrong, "\n".join(f"{point}\n    {problem}" for point, problem in wrong.items())


def test_every_step_of_the_write_order_is_a_point(killer, workspace, tmp_path):
    """The killer reaches each step, in the order of the design, and the commit between rows and view."""
    ws = workspace()
    second(ws)
    points = killer.points(ws.layout.root, RUN)
    steps = list(dict.fromkeys(re.split("[:/]", point)[0] for point in points if not point.startswith("outside")))
    assert [step for step in steps if step not in ("write_rows", "tend")] == [
        "recover", "judge", "merge", "render", "commit", "publish", "archive",
    ]  # fmt: skip
    order = [
        "write_rows: fsync output/ledger/default/part-*.parquet",
        "render: fsync output/.snapshotter-latest-2.tmp",
        "commit: os.link output/ledger/default/_delta_log/00000000000000000002.json",
        "commit: fsync output/ledger/default/_delta_log",
        "publish: os.rename output/latest.csv",
        "publish: fsync output",
        "archive: os.link input/processed/late.csv",
        "archive: fsync input/processed",
        f"archive: os.rename {SET_ASIDE}",
        f"archive: os.remove {SET_ASIDE}",
        "archive: fsync input/processing",
    ]
    places = [points.index(point) for point in order]
    assert max(places[:2]) < places[2]
    assert places[2:] == sorted(places[2:])


# -- the plan

VIEW = ViewRecord(sha256="v", rows=1, size=1, inode=1, modified=1)
FILE = FileRecord(
    name="a.csv", revision=1, sha256="a", size=1, status=Status.APPLIED, queued="a.csv", archived="processed/a.csv"
)
MOVE = Move(source="processed/b.csv", target="rejected/b.csv", name="b.csv", revision=1, sha256="b", size=1)
COMMIT = Commit(kind="run", at=datetime(2024, 1, 1, tzinfo=UTC), files=(FILE,), moves=(MOVE,), view=VIEW)
PENDING = {
    "none": (),
    "the queue": ("processing/a.csv",),
    "the archive": ("processed/b.csv",),
    "both": ("processing/a.csv", "processed/b.csv"),
}


@pytest.mark.parametrize(("latest", "draft", "pending"), list(product(Found, Found, PENDING)))
def test_the_plan_of_a_recovery(latest, draft, pending):
    """The view is left if it is right, else published if its draft is, else rendered; what is pending is moved."""
    wanted = PENDING[pending]
    found = plan([COMMIT], VIEW, latest, draft, lambda move: move.source in wanted)
    if latest is Found.SAME:
        assert found.view is ViewStep.NOTHING
    elif draft is Found.SAME:
        assert found.view is ViewStep.PUBLISH_DRAFT
    else:
        assert found.view is ViewStep.RENDER
    assert tuple(move.source for move in found.moves) == wanted
    assert found.is_empty == (latest is Found.SAME and not wanted)


@pytest.mark.parametrize(("latest", "draft"), list(product(Found, Found)))
def test_without_a_commit_there_is_nothing_to_recover(latest, draft):
    """Whatever lies about, a ledger without a commit asks for nothing."""
    assert plan([], None, latest, draft, lambda _: True).is_empty


# -- what a kill must not do later on

OLD = HEAD + "9,2024-01-01,old\n"


def test_a_requeue_that_never_was_gives_no_name_to_a_later_file(killer, workspace):
    """After a reset --requeue that was killed before its commit, other names are what they are."""
    ws = workspace(**{"0.csv": OLD})
    ws.run()
    drop(ws, "a.csv", GOOD)
    ws.run()
    assert killer.kill(ws.layout.root, ("reset", (1,), {"requeue": True}), "commit: begin")
    drop(ws, "b.csv", GOOD)
    [file] = ws.run().datasets[0].files
    assert (file.name, file.status) == ("b.csv", "applied")


def test_status_behind_a_run_of_duplicates(workspace):
    """A run that made no snapshot can be looked at: status says when it was, and that it took a file."""
    ws = workspace(**{"a.csv": GOOD})
    ws.run()
    drop(ws, "a.csv", GOOD)
    ws.run()
    assert ws.status().datasets[0].last_run.files == 1


@pytest.mark.parametrize(
    "point", ["os.rename input/processed/rejects.csv", f"os.rename {SET_ASIDE}", f"os.remove {SET_ASIDE}"]
)
def test_killed_amid_a_copy_where_no_hard_link_can_be_made(killer, workspace, point):
    """An archive on another file system: no file is applied or archived twice, and no half of a copy is left."""
    ws = workspace(**{"rejects.csv": WITH_REJECTS})
    root = ws.layout.root
    with tempfile.TemporaryDirectory(dir="/dev/shm") if Path("/dev/shm").is_dir() else nullcontext() as elsewhere:
        if elsewhere is None or Path(elsewhere).stat().st_dev == root.stat().st_dev:
            pytest.skip("there is no second file system")
        ws.layout.processed.symlink_to(elsewhere)
        assert killer.kill(root, RUN, f"archive: {point}")
        ws.run()
        assert [file.name for file in ws.files()] == ["rejects.csv"]
        assert len(ws.snapshots()) == 1
        assert os.listdir(elsewhere) == ["rejects.csv"]  # noqa: PTH208
