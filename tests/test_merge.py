"""Absent cells and counts where there are many headers; the rules themselves are compared in test_properties.py."""

import random
from datetime import UTC, datetime

import pytest
from conftest import drop, latest
from reference import COUNTS, Reference

from snapshotter import Workspace

NOW = datetime.now(UTC)


def different_headers(seed, *, files, columns):
    """CSV files by name, each with a random half of the columns, and deletes among their rows."""
    draw = random.Random(seed)
    made = {}
    for number in range(files):
        names = ["id", "timestamp", *(f"x{i}" for i in range(columns) if draw.random() < 0.5)]
        names += ["op"] if draw.random() < 0.5 else []
        lines = [",".join(names)]
        for _ in range(5):
            cells = {name: draw.choice(["", "a", "b"]) for name in names}
            cells |= {"id": str(draw.randrange(6)), "timestamp": f"2024-01-{draw.randint(1, 28):02d}"}
            cells |= {"op": draw.choice(["", "", "", "D"])} if "op" in names else {}
            lines.append(",".join(cells[name] for name in names))
        made[f"{number}.csv"] = "\n".join([*lines, ""]).encode()
    return made


@pytest.mark.parametrize(
    ("files", "columns", "runs"), [(4, 3, 3), (12, 90, 3), pytest.param(45, 240, 1, marks=pytest.mark.slow)]
)
def test_a_column_may_come_with_any_set_of_headers(workspace, files, columns, runs):
    """Each cell comes from the newest row whose file has its column, however many headers there are."""
    ws = workspace('[datasets.default]\ndelete_when = { column = "op", values = ["D"] }')
    reference = Reference({"delete_when": {"column": "op", "values": ["D"]}})
    queue = different_headers(files, files=files, columns=columns)
    for start in range(runs):
        run = sorted(queue)[start::runs]
        for name in run:
            drop(ws, name, queue[name])
        (told,) = ws.run().datasets
        expected = reference.run({name: queue[name] for name in run}, NOW)
        assert told.counts.model_dump(include=set(COUNTS)) == expected["counts"]
        assert latest(ws) == reference.latest().decode()


@pytest.mark.slow
@pytest.mark.parametrize("first", ["narrow.csv", "wide.csv"])
def test_a_thousand_columns_may_come_or_go(workspace, first):
    """A newer file that lacks a thousand columns leaves their cells; one that adds them gives them."""
    names = [f"x{i}" for i in range(2000)]
    header = ",".join(["id", "timestamp", *names])
    ws = workspace()
    files = {
        "wide.csv": header + "\n1,2024-01-01," + ",".join(f"w{name}" for name in names) + "\n",
        "narrow.csv": ",".join(["id", "timestamp", *names[::2]]) + "\n1,2024-01-02," + ",".join(names[::2]) + "\n",
    }
    for name in sorted(files, key=lambda name: name != first):
        drop(ws, name, files[name])
        (told,) = ws.run().datasets
        assert (told.error, told.counts.accepted) == (None, 1)
    published = dict(zip(*(line.split(",") for line in latest(ws).splitlines()), strict=True))
    assert {name: published[name] for name in names} == {
        name: name if place % 2 == 0 else f"w{name}" for place, name in enumerate(names)
    }


def test_a_change_counts_for_the_new_row_that_caused_it(workspace):
    """Where the winner is gone, an old row gives one cell and a new row another: the new row made the update."""
    rules = "[datasets.default.columns.n]\nrequired = false\ntype = 'integer'\n"
    ws = workspace(rules + "max = 5")
    drop(ws, "b.csv", "id,timestamp,v\n1,2024-01-05,old\n")
    drop(ws, "a.csv", "id,timestamp,v,n\n1,2024-01-09,gone,1\n1,2024-01-02,older,7\n")
    ws.run()
    assert latest(ws) == "id,timestamp,v,n,source_filename\n1,2024-01-09,gone,1,a.csv\n"
    (ws.layout.root / "snapshotter.toml").write_text(rules + "min = 6")
    drop(ws, "a.csv", "id,timestamp,v,n\n1,2024-01-09,gone,1\n1,2024-01-02,older,7\n")
    (told,) = Workspace(ws.layout.root).run().datasets
    assert latest(ws) == "id,timestamp,v,n,source_filename\n1,2024-01-05,old,7,b.csv\n"
    assert (told.counts.accepted, told.counts.updated, told.counts.superseded) == (1, 1, 0)
