"""A disk that is really full, and a limit on the size of a file: never half a latest.csv, and nothing is lost.

The room is widened step by step, so that a run fails at ever later points, until it fits.
"""

import shutil
from contextlib import ExitStack

import pytest
from conftest import drop
from modes import MODE, Mode, each_nth, long_only, need, tell
from mounts import disk, small
from scenes import HEAD, RUN, assert_invariants, copy, differences, do, picture
from tracing import Commander

from snapshotter import Workspace

pytestmark = pytest.mark.slow

PAGE = 4096  # bytes
ROWS = 3000
NAMED = (18, 24)


@pytest.fixture
def commander(tmp_path):
    """Runs command lines."""
    process = Commander(tmp_path / "commander")
    yield process
    process.close()


@pytest.fixture
def prepared(workspace):
    """A workspace with a snapshot, in which some larger files wait."""
    ws = workspace()
    rows = "".join(f"{n},2024-01-01,value {n * n}\n" for n in range(ROWS))
    drop(ws, "old.csv", HEAD + rows)
    ws.run()
    drop(ws, "new.csv", HEAD + rows.replace("2024", "2025"))
    drop(ws, "rejects.csv", HEAD + "".join(f"{n},,\n" for n in range(ROWS)))
    drop(ws, "refused.csv", "no,key\n1,2\n")
    return ws.layout.root


def fill(folder, left):
    """Fill a file system up to some bytes, with a file that is returned."""
    path = folder / "ballast"
    free = shutil.disk_usage(folder).free
    with path.open("wb") as file:
        for _ in range(max(free - left, 0) // PAGE):
            file.write(b"x" * PAGE)
    return path


def gist(seen):
    """A picture without what tells of runs: a file that could not be read is deferred, and the others come in."""
    told = ("name", "revision", "status", "sha256", "read", "accepted", "rejected", "archived")
    files = sorted([file[key] for key in told] for file in seen["default"]["files"])
    return {"files": files, "latest.csv": seen["default"]["latest.csv"]} | {
        what: seen[what] for what in ("input", "rejects", "leftovers")
    }


def assert_came_in(ws, wanted):
    """All came in, in whatever number of runs."""
    found = differences(gist(picture(ws)), wanted)
    assert not found, "\n".join(found)
    assert ws.check().problems == []


def assert_failed_well(ended, root, before):
    """A named error, and nothing is lost at that instant."""
    assert "Traceback" not in ended.errors, ended.errors[-1000:]
    assert ended.code in (0, 1, *NAMED), f"exit code {ended.code}: {ended.errors}{ended.output}"
    assert ended.code not in NAMED or ended.error["code"] == ended.code
    assert_invariants(root, before)


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_full_disk(kind, commander, prepared, tmp_path, record_property):
    """On a disk with room for ever more of a run, it fails by name until it fits; with room, a later run completes."""
    need(*(["mkfs.ext4"] if kind == "ext4" else []), root=True)
    if kind == "ext4":
        long_only()
    wanted, wrong, failed = gist(picture(do(copy(prepared, tmp_path / "done"), RUN))), {}, 0
    rooms = range(0, 400 * PAGE, PAGE)
    if MODE is not Mode.ALL:
        rooms = each_nth(rooms, 10 if MODE is Mode.SAMPLE else 80)
    size = 16 << 20
    with ExitStack() as stack:
        folder = tmp_path / "small"
        place = (
            stack.enter_context(small(folder, size))
            if kind == "tmpfs"
            else stack.enter_context(disk("ext4", folder, size)).root
        )
        for room in rooms:
            root = copy(prepared, place / "workspace")
            ballast = fill(place, room)
            ended = commander.run(root, "run")
            failed += ended.code in NAMED
            try:
                assert_failed_well(ended, root, prepared)
                ballast.unlink()
                assert_came_in(do(root, RUN), wanted)
            except AssertionError as error:
                wrong[f"{room} bytes left"] = error
            ballast.unlink(missing_ok=True)
            shutil.rmtree(root)
    assert failed > 1, "the disk was never full"
    tell(record_property, len(rooms), wrong, f"sizes of a full {kind} ({failed} runs failed)")


def test_no_file_may_grow(commander, prepared, tmp_path, record_property):
    """Where no file may be larger than some bytes, a run fails by name; without the limit, a later one completes."""
    wanted, wrong, failed = gist(picture(do(copy(prepared, tmp_path / "done"), RUN))), {}, 0
    largest = max(path.stat().st_size for path in (tmp_path / "done").rglob("*") if path.is_file())
    limits = sorted({0, 1, 100, 500, 1000, 4096, *range(0, largest + PAGE, PAGE)})
    if MODE is not Mode.ALL:
        limits = each_nth(limits, 8 if MODE is Mode.SAMPLE else 60)
    for limit in limits:
        root = copy(prepared, tmp_path / "workspace")
        ended = commander.run(root, "run", file_size=limit)
        failed += ended.code in NAMED
        try:
            assert_failed_well(ended, root, prepared)
            assert_came_in(do(root, RUN), wanted)
        except AssertionError as error:
            wrong[f"at most {limit} bytes"] = error
        shutil.rmtree(root)
    assert failed > 1, "no file was too large"
    assert Workspace(prepared).snapshots()
    tell(record_property, len(limits), wrong, f"limits on the size of a file ({failed} runs failed)")
