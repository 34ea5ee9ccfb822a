"""Whatever becomes of one system call, nothing is lost: killed before it, or refused by the system.

`strace` counts the calls of a command that change a workspace, then has the command die (SIGKILL) before one of
them, or has one fail. By default a few points of some commands are tried; SNAPSHOTTER_FAULTS=each takes the first
call of each place in the write order, SNAPSHOTTER_FAULTS=all every call.
"""

import re
import shutil
import subprocess
from itertools import cycle
from pathlib import Path

import pytest
from commands import SCENARIOS, prepare
from modes import MODE, Mode, chosen, need, tell
from scenes import (
    RUN,
    assert_invariants,
    assert_looks,
    assert_readers_work,
    assert_views_are_committed,
    bytes_under,
    committed_views,
    copy,
    digest,
    do,
    kinds,
    picture,
)
from tracing import Commander

from snapshotter import Workspace
from snapshotter.errors import SnapshotterError

pytestmark = pytest.mark.slow

SAMPLED = {
    "first run": 3,
    "second run": 5,
    "run that splices": 6,
    "recovery amid the moves": 2,
    "reset --requeue": 2,
    "withdraw": 2,
    "prune": 2,
}
ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EACCES", "EMFILE", "EXDEV")
NOT_BY = {  # what a call cannot meet with is left to SNAPSHOTTER_FAULTS=all
    "write": {"EACCES", "EMFILE", "EXDEV"},
    "pwrite64": {"EACCES", "EMFILE", "EXDEV"},
    "ftruncate": {"EACCES", "EMFILE", "EXDEV"},
    "fsync": {"EACCES", "EMFILE", "EXDEV"},
    "unlink": {"ENOSPC", "EMFILE", "EXDEV"},
    "unlinkat": {"ENOSPC", "EMFILE", "EXDEV"},
    "rmdir": {"ENOSPC", "EMFILE", "EXDEV"},
    "mkdir": {"EMFILE", "EXDEV"},
    "openat": {"EXDEV"},
    "rename": {"EMFILE"},
    "link": {"EMFILE"},
    "linkat": {"EMFILE"},
}
DONE = (0, 1)
NAMED = range(10, 100)


@pytest.fixture(scope="module")
def commander(tmp_path_factory):
    """Runs command lines under strace."""
    need("strace")
    process = Commander(tmp_path_factory.mktemp("commander"))
    yield process
    process.close()


def pictures(prepared, tmp_path):
    """What a workspace looks like when the command and a run are done, and when only the run is."""
    parts = not prepared.scenario.tidies
    return {
        "done": picture(do(copy(prepared.before, tmp_path / "done"), prepared.scenario.command, RUN), parts=parts),
        "not begun": picture(do(copy(prepared.before, tmp_path / "not begun"), RUN), parts=parts),
    }


def assert_nothing_is_lost(root, prepared, *, copies=False):
    """What holds at that instant."""
    assert_views_are_committed(root)
    if not prepared.scenario.forgets:
        assert_invariants(root, prepared.before, copies=copies)
        assert_readers_work(root, prepared.before)
    elif prepared.scenario.command[0] == "prune":
        assert_prune_keeps(root, prepared.before)


def assert_prune_keeps(root, before):
    """What is refused and what waits stays, and each snapshot that is kept can be rendered from the ledger."""
    for folder in ("rejected", "processing"):
        assert bytes_under(root / "input" / folder, root) == bytes_under(before / "input" / folder, before)
    problems = Workspace(root).check(every=True).problems
    assert not [problem for problem in problems if problem.what in ("ledger", "part", "view")]


def assert_ends_well(root, prepared, wanted):
    """One more run, and where the command never began, the command: all is as if nothing had happened."""
    command, parts = prepared.scenario.command, not prepared.scenario.tidies
    if prepared.scenario.forgets:
        assert_looks(do(root, RUN, command, RUN), wanted["done"], parts=parts)
        return
    ws = do(root, RUN)
    if command != RUN and not kinds(ws) - kinds(Workspace(prepared.before)):
        assert_looks(ws, wanted["not begun"], parts=parts)
        ws = do(root, command, RUN)
    assert_looks(ws, wanted["done"], parts=parts)


def scenarios():
    """All of them, or those of the sample."""
    return [pytest.param(s, id=s.name) for s in SCENARIOS if MODE is not Mode.SAMPLE or s.name in SAMPLED]


def try_all(points, attempt, tmp_path, before):
    """Attempt each on a copy of a workspace; what went wrong, by point."""
    wrong = {}
    for number, point in enumerate(points):
        root = copy(before, tmp_path / str(number))
        try:
            attempt(root, point)
        except (AssertionError, SnapshotterError, OSError, subprocess.SubprocessError) as error:
            wrong[point] = f"{type(error).__name__}: {error}"
        shutil.rmtree(root)
    return wrong


@pytest.mark.parametrize("scenario", scenarios())
def test_killed_before_any_call_that_changes_something(scenario, commander, workspace, tmp_path, record_property):
    """Killed before a call: nothing is lost at that instant, readers read, and after one more run nothing is left."""
    prepared = prepare(scenario, workspace, commander, tmp_path)
    wanted = pictures(prepared, tmp_path)
    tried = chosen(prepared.points, SAMPLED.get(scenario.name, 0))

    def attempt(root, point):
        ended = commander.run(root, *scenario.line, inject=point.kill(root))
        assert ended.was_killed, f"exit code {ended.code}, not killed"
        assert point.is_last_of(ended.trace, root), f"died at another place: {ended.trace[-300:]}"
        assert_nothing_is_lost(root, prepared)
        ws = Workspace(root)
        ws.status()
        if ws.snapshots(dataset="default"):
            ws.show(dataset="default")
        assert_ends_well(root, prepared, wanted)

    wrong = try_all(tried, attempt, tmp_path, prepared.before)
    tell(record_property, len(tried), wrong, f"kills of {scenario.name!r} ({len(prepared.points)} calls)")


@pytest.mark.parametrize("scenario", scenarios())
def test_any_call_that_changes_something_fails(scenario, commander, workspace, tmp_path, record_property):
    """A call fails: a named error, or the work is whole all the same; and a later run completes with the same bytes."""
    prepared = prepare(scenario, workspace, commander, tmp_path)
    wanted = pictures(prepared, tmp_path)
    tried = faults(prepared.points, SAMPLED.get(scenario.name, 0))

    def attempt(root, fault):
        point, error = fault
        ended = commander.run(root, *scenario.line, inject=point.fail(root, error))
        assert "INJECTED" in ended.trace, "nothing failed"
        assert "Traceback" not in ended.errors, ended.errors[-1000:]
        assert ended.code in (*DONE, *NAMED), f"exit code {ended.code}: {ended.errors}{ended.output}"
        assert_nothing_is_lost(root, prepared, copies=True)
        if ended.code in NAMED:
            assert ended.error.get("code") == ended.code, f"exit code {ended.code}: {ended.errors}{ended.output}"
        assert_said_what_is(root, prepared, ended)
        assert_ends_well(root, prepared, wanted)

    wrong = try_all(tried, attempt, tmp_path, prepared.before)
    told = {f"{point}: {error}": problem for (point, error), problem in wrong.items()}
    tell(record_property, len(tried), told, f"failures of {scenario.name!r} ({len(prepared.points)} calls)")


@pytest.mark.parametrize("scenario", [s for s in scenarios() if s.values[0].command == RUN and not s.values[0].tidies])
def test_nothing_is_acknowledged_that_may_not_be_durable(scenario, commander, workspace, tmp_path, record_property):
    """An fsync fails: a named error, or nothing was committed; and the same file is not made durable once more.

    The system may have dropped the data, and says of a second fsync that all is well.
    """
    prepared = prepare(scenario, workspace, commander, tmp_path)
    before = kinds(Workspace(prepared.before))
    tried = chosen([point for point in prepared.points if point.call == "fsync"], 8)

    def attempt(root, point):
        ended = commander.run(root, *scenario.line, inject=point.fail(root, "EIO"))
        failed, _, rest = ended.trace.partition("(INJECTED)")
        assert rest, "nothing failed"
        path = failed.rpartition("fsync(")[2].partition("<")[2].partition(">")[0]
        assert path.startswith(f"{root}"), path
        assert ended.code in NAMED or kinds(Workspace(root)) == before, f"exit code {ended.code}: {ended.output}"
        assert Path(path).is_dir() or not re.search(rf"fsync\(\d+<{re.escape(path)}>", rest), "was tried again"

    wrong = try_all(tried, attempt, tmp_path, prepared.before)
    tell(record_property, len(tried), wrong, f"failures of fsync of {scenario.name!r}")


def faults(points, sample):
    """Which error at which point."""
    tried = chosen(points, sample)
    if MODE is Mode.ALL:
        return [(point, error) for point in tried for error in ERRORS]
    if MODE is Mode.SAMPLE:
        return list(zip(tried, cycle(ERRORS), strict=False))
    return [(point, error) for point in tried for error in ERRORS if error not in NOT_BY.get(point.call, ())]


def assert_said_what_is(root, prepared, ended):
    """What was acknowledged is there, whole, for a fresh process; and what is not said to be committed is not."""
    before, now = kinds(Workspace(prepared.before)), kinds(Workspace(root))
    if prepared.scenario.command[0] == "clean":
        return  # it takes the snapshots away
    name = ended.error.get("name")
    if now - before:
        assert ended.code in DONE or name == "NotFinished", f"a snapshot was made, and the error is {ended.error}"
    if ended.code in DONE:
        assert_looks_done(root)


def assert_looks_done(root):
    """Nothing is left to recover, and the view is the current snapshot's."""
    ws = Workspace(root)
    for dataset in ws.contracts:
        snapshots = ws.snapshots(dataset=dataset)
        latest = ws.layout.latest(dataset)
        if snapshots:
            assert digest(latest) == snapshots[-1].sha256
            assert digest(latest) in committed_views(root, dataset)
    assert ws.check().problems == []
