"""What is asked of the rows looks at few of them, and answers as if it had looked at all."""

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from conftest import drop
from hypothesis import strategies as st
from loguru import logger

sys.path.insert(0, str(Path(__file__).parent))

from test_properties import Program, given, tell
from worlds import grouped, worlds

from snapshotter import blocks, recalling, rendering
from snapshotter.errors import AmbiguousBatch, NoSuchBatch, UsageError

HEAD = "id,timestamp,v\n"


@contextmanager
def narrowly():
    """Whatever can be answered out of few rows is, however small the view."""
    with (
        mock.patch.object(blocks, "SIZE", 8),
        mock.patch.object(rendering, "SHARE", 100),
        mock.patch.object(recalling, "SHARE", 100),
    ):
        yield


@contextmanager
def wholly():
    """Every answer is out of all rows."""
    with mock.patch.object(rendering, "SHARE", -1), mock.patch.object(recalling, "_ROWS_ONLY", None):
        yield


@contextmanager
def told():
    """What the program says of how views come about."""
    said = []
    sink = logger.add(lambda message: said.append(str(message)), level="DEBUG", format="{message}")
    logger.enable("snapshotter")
    try:
        yield said
    finally:
        logger.disable("snapshotter")
        logger.remove(sink)


def shown(ws, number):
    """The bytes of a snapshot."""
    with ws.rendered(number) as (path, _):
        return path.read_bytes()


def answers(ws, keys):
    """Everything that can be asked of the rows."""
    numbers = [info.snapshot for info in ws.snapshots() if info.restorable][-3:]
    found = {("show", n): shown(ws, n) for n in numbers}
    found |= {("diff", a, b): ws.diff(a, b) for a in numbers[:2] for b in numbers[-1:]}
    for key in keys:
        try:
            found["history", *key] = ws.history(key)
        except UsageError:
            found["history", *key] = None
    return found


@given(st.data())
def test_few_rows_answer_as_all_do(data):
    """Any snapshot, any two, and the history of any key, after any runs, resets and withdrawals."""
    world = data.draw(worlds(size=4))
    runs = data.draw(grouped(world.drops))
    tell(world, runs)
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(folder), world)
        ws = program.workspace
        with narrowly():
            for run in runs:
                program.run(run)
                go_back(data, ws)
        parts = st.sampled_from(["", "1", "2", "a", "10", "x", "1.5", "2024-01-01", "true", "b"])
        keys = [tuple(data.draw(parts) for _ in world.config["key"]) for _ in range(2)]
        with narrowly():
            few = answers(ws, keys)
        with wholly():
            everything = answers(ws, keys)
    assert few == everything


def go_back(data, ws):
    """Now and then, a reset or a withdrawal; its view is what rendering it whole gives."""
    numbers = [info.snapshot for info in ws.snapshots() if info.restorable]
    what = data.draw(st.sampled_from(["", "reset", "withdraw"]))
    if not numbers or not what:
        return
    try:
        if what == "reset":
            ws.reset(data.draw(st.sampled_from(numbers)))
        else:
            ws.withdraw(data.draw(st.sampled_from([info.name for info in ws.files()])))
    except (NoSuchBatch, AmbiguousBatch):
        return
    published = ws.layout.latest("default").read_bytes()
    with wholly(), ws.rendered(ws.snapshots()[-1].snapshot) as (path, _):
        assert path.read_bytes() == published


@pytest.fixture
def grown(workspace):
    """A workspace with 3,000 keys and five small drops."""
    ws = workspace(**{"a.csv": HEAD + "".join(f"{n},2024-01-01,first\n" for n in range(3000))})
    ws.run()
    for day in range(2, 7):
        rows = (f"{n},2024-01-{day:02},{day}\n" for n in range(day, 3100, 700))
        drop(ws, f"b{day}.csv", HEAD + "".join(rows))
        ws.run()
    return ws


def test_snapshots_are_spliced_out_of_the_published_view(grown):
    """None of those that differ little from it is rendered whole, and each has the bytes that were published."""
    with told() as said:
        found = [shown(grown, n) for n in (2, 3, 4, 5, 6)]
    assert sum("is spliced" in text for text in said) == 4  # the newest one is there as it is
    assert not any("whole" in text for text in said)
    with wholly():
        assert found == [shown(grown, n) for n in (2, 3, 4, 5, 6)]


def test_going_back_splices(grown):
    """A reset to a neighbour and the withdrawal of the newest file render nothing whole, and `check` finds no fault."""
    with told() as said:
        grown.reset(5)
        grown.withdraw("b5.csv")
    assert sum("is spliced" in text for text in said) == 2
    assert not any("whole" in text for text in said)
    assert grown.check().problems == []


def test_the_current_snapshot_is_the_published_file(grown):
    """Its bytes are handed out; a file that somebody changed is not, whatever it claims to be."""
    latest = grown.layout.latest("default")
    published = latest.read_bytes()
    assert shown(grown, None) == published == shown(grown, 6)
    latest.write_bytes(published.replace(b"first", b"other"))
    assert shown(grown, None) == published
    assert shown(grown, 5) == whole(grown, 5)


def whole(ws, number):
    """The bytes of a snapshot, rendered whole."""
    with wholly():
        return shown(ws, number)


@pytest.mark.parametrize("damage", ["no view", "no index", "torn index", "a link"])
def test_a_snapshot_needs_no_published_view(grown, damage):
    """Without a view or an index that can be used, it is rendered whole."""
    latest = grown.layout.latest("default")
    (index,) = grown.layout.ledger("default").glob("_view-*.index")
    expected = whole(grown, 4), whole(grown, 6)
    if damage == "no view":
        latest.unlink()
    elif damage == "a link":
        latest.rename(latest.with_name("elsewhere.csv"))
        latest.symlink_to("elsewhere.csv")
    elif damage == "no index":
        index.unlink()
    else:
        index.write_bytes(index.read_bytes()[:-1])
    assert (shown(grown, 4), shown(grown, 6)) == expected


def test_a_reader_leaves_nothing(grown):
    """No file of the workspace is new, gone or changed after questions."""

    def files():
        return {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in grown.layout.root.rglob("*") if p.is_file()}

    before = files()
    answers(grown, [("2",)])
    assert files() == before


def test_history_of_keys_with_empty_parts(workspace):
    """An empty part of a typed key is a key like any other; what is no value of the type is none."""
    config = '[datasets.default]\nkey = ["a", "b"]\n[datasets.default.columns.a]\ntype = "integer"\nnullable = true\n'
    config += "[datasets.default.columns.b]\nnullable = true\n"
    text = "a,b,timestamp\n,x,2024-01-01\n1,,2024-01-01\n1,x,2024-01-02\n,x,2024-01-03\n"
    ws = workspace(config, **{"a.csv": text})
    ws.run()
    found = {key: [v.source_row for v in ws.history(key)] for key in (("", "x"), ("1", ""), ("01", "x"), ("y", "x"))}
    assert found == {("", "x"): [4, 1], ("1", ""): [2], ("01", "x"): found["01", "x"], ("y", "x"): []}
    with wholly():
        assert [v.source_row for v in ws.history(("01", "x"))] == found["01", "x"]


def test_a_difference_to_nothing(workspace):
    """Where nothing counts in a snapshot, every key is added or removed; between two such, none."""
    ws = workspace(**{"a.csv": HEAD + "1,2024-01-01,a\n"})
    ws.run()
    ws.withdraw("a.csv")
    found = ws.diff(1, 2), ws.diff(2, 1), ws.diff(2, 2)
    assert [(d.added, d.removed, d.changed) for d in found] == [([], [["1"]], []), ([["1"]], [], []), ([], [], [])]
