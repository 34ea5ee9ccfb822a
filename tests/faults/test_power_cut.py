"""The power goes, at any point of the write order: what was reported as done is there, and nothing is lost.

A file system in an image is shut down by its own ioctl, right after strace killed the command before one of its
calls; what was not durable then is gone. It is mounted again, and looked at. As a control, the same is done where
fsync does nothing (`eatmydata`): there the promise must break, or else these tests would test nothing.
"""

import os
import shutil

import pytest
from commands import Scenario
from conftest import drop
from modes import MODE, Mode, chosen, long_only, need, tell
from mounts import LOGFLUSH, NOLOGFLUSH, disk
from scenes import (
    HEAD,
    RUN,
    SECOND,
    assert_invariants,
    assert_looks,
    assert_readers_work,
    copy,
    differences,
    do,
    first,
    kinds,
    picture,
)
from tracing import Commander

from snapshotter import Workspace
from snapshotter.errors import SnapshotterError

pytestmark = pytest.mark.slow

FLAGS = {"flushed journal": LOGFLUSH, "lost journal": NOLOGFLUSH}
COMMANDS = [
    Scenario("run", None),
    Scenario("reset --requeue", None, ("reset", (1,), {"requeue": True})),
    Scenario("withdraw", None, ("withdraw", ("rejects.csv",), {})),
]
ACKNOWLEDGED = {
    "good.csv": HEAD + "1,2024-01-15,a again\n",
    "beside/new.csv": HEAD + "9,2024-01-15,i\n",
    "broken.csv": "no\n1\n",
}


@pytest.fixture
def base(workspace):
    """A workspace with a snapshot."""
    ws = workspace()
    first(ws)
    ws.run()
    return ws.layout.root


def acknowledge(commander, base, root, mounted):
    """On the disk: a durable workspace, and then a run that says it is done, of files that nobody made durable."""
    copy(base, root)
    mounted.sync()
    for name, content in ACKNOWLEDGED.items():
        drop(Workspace(root), name, content)
    ended = commander.run(root, "run")
    assert ended.code in (0, 1), ended.errors


def queue_more(root):
    """More files come; they are durable as they wait."""
    paths = [drop(Workspace(root), name, content) for name, content in SECOND.items()]
    for path in [*paths, *dict.fromkeys(path.parent for path in paths)]:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def assert_survives(cut, before, root, scenario, wanted):
    """The power is cut: the workspace as it was before the command, or as the command would leave it."""
    cut()
    assert_invariants(root, before)
    assert_readers_work(root, before)
    ws = do(root, RUN)
    if scenario.command != RUN and not kinds(ws) - kinds(Workspace(before)):
        assert_looks(ws, wanted["not begun"])
        ws = do(root, scenario.command, RUN)
    assert_looks(ws, wanted["done"])


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_power_cut(kind, flag, base, tmp_path, record_property):
    """At each point of some commands: what was reported before is there, and the rest can be done again."""
    need("strace", f"mkfs.{kind}", root=True)
    if MODE is Mode.SAMPLE and (kind, flag) != ("ext4", "lost journal"):
        long_only()
    done, wrong = 0, {}
    commander = Commander(tmp_path / "commander")
    with disk(kind, tmp_path / "image") as mounted:
        for scenario in COMMANDS[:1] if MODE is Mode.SAMPLE else COMMANDS:
            durable = tmp_path / scenario.name
            acknowledge(commander, base, durable, mounted)
            if scenario.command == RUN:
                queue_more(durable)
            wanted = {
                "done": picture(do(copy(durable, tmp_path / f"{scenario.name} done"), scenario.command, RUN)),
                "not begun": picture(do(copy(durable, tmp_path / f"{scenario.name} not begun"), RUN)),
            }
            traced = mounted.root / "traced"  # no copy: of one, more is looked at, since its files are others
            acknowledge(commander, base, traced, mounted)
            if scenario.command == RUN:
                queue_more(traced)
            points = commander.points(traced, *scenario.line)
            shutil.rmtree(traced)
            for point in chosen(points, 6):
                done += 1
                acknowledge(commander, base, mounted.root / "workspace", mounted)
                if scenario.command == RUN:
                    queue_more(mounted.root / "workspace")
                before = copy(mounted.root / "workspace", tmp_path / "acknowledged")

                def cut(scenario=scenario, point=point):
                    """Kill the command, and cut the power at once."""
                    root = mounted.root / "workspace"
                    ended = commander.run(root, *scenario.line, inject=point.kill(root))
                    mounted.cut(FLAGS[flag])
                    mounted.mount()
                    assert ended.was_killed, f"exit code {ended.code}, not killed"
                    assert point.is_last_of(ended.trace, root), "died at another place"

                try:
                    assert_survives(cut, before, mounted.root / "workspace", scenario, wanted)
                except (AssertionError, SnapshotterError, OSError) as error:
                    wrong[f"{scenario.name}: {point}"] = f"{type(error).__name__}: {error}"
                if not mounted.root.is_mount():
                    mounted.mount()
                shutil.rmtree(before)
                shutil.rmtree(mounted.root / "workspace")
    commander.close()
    assert MODE is Mode.SAMPLE or done >= 100, f"only {done} points were tried"
    tell(record_property, done, wrong, f"power cuts of {kind}, {flag}")


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_power_cut_behind_a_recovery(kind, base, tmp_path, record_property):
    """Killed at each point, then run again: what that run says is done survives a power cut."""
    need("strace", f"mkfs.{kind}", root=True)
    long_only()
    done, wrong = 0, {}
    commander = Commander(tmp_path / "commander")
    with disk(kind, tmp_path / "image") as mounted:
        root = mounted.root / "workspace"
        acknowledge(commander, base, tmp_path / "durable", mounted)
        queue_more(tmp_path / "durable")
        wanted = picture(do(copy(tmp_path / "durable", tmp_path / "done"), RUN))
        acknowledge(commander, base, root, mounted)
        queue_more(root)
        points = commander.points(root, "run")
        shutil.rmtree(root)
        for point in chosen(points, 0):
            done += 1
            acknowledge(commander, base, root, mounted)
            queue_more(root)
            try:
                assert commander.run(root, "run", inject=point.kill(root)).was_killed, "was not killed"
                assert commander.run(root, "run").code in (0, 1), "was not finished"
                mounted.cut(NOLOGFLUSH)
                mounted.mount()
                found = picture(Workspace(root)) | {"leftovers": []}  # a temporary file may come back
                assert not differences(found, wanted), differences(found, wanted)
                problems = Workspace(root).check().problems
                assert not [problem for problem in problems if problem.what != "recovery"], problems  # as above
            except (AssertionError, SnapshotterError, OSError) as error:
                wrong[point] = f"{type(error).__name__}: {error}"
            if not mounted.root.is_mount():
                mounted.mount()
            shutil.rmtree(root)
    commander.close()
    tell(record_property, done, wrong, f"power cuts of {kind} behind a recovery")


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_without_fsync_the_promise_breaks(kind, base, tmp_path, record_property):
    """Control: where fsync does nothing, a power cut loses what was reported; so the tests above can fail."""
    need("eatmydata", f"mkfs.{kind}", root=True)
    if MODE is Mode.SAMPLE and kind != "ext4":
        long_only()
    broken, tries = 0, 3 if MODE is Mode.SAMPLE else 10
    commander = Commander(tmp_path / "commander", prefix=("eatmydata",))
    with disk(kind, tmp_path / "image") as mounted:
        root = mounted.root / "workspace"
        for _ in range(tries):
            acknowledge(commander, base, root, mounted)
            wanted = picture(Workspace(root))
            mounted.cut(NOLOGFLUSH)
            mounted.mount()
            try:
                assert_looks(Workspace(root), wanted)
            except (AssertionError, SnapshotterError, OSError):
                broken += 1
            shutil.rmtree(root)
    commander.close()
    record_property("faults", f"{broken} of {tries} power cuts of {kind} without fsync lost something, as they must")
    assert broken
