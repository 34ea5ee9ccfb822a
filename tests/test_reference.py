"""The reference of spec §§4-5 passes the acceptance cases, and examples worked out by hand."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import pathlib
import sys
import tomllib
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from reference import Impossible, Reference

ROOT = pathlib.Path(__file__).resolve().parents[1]
ACCEPT = (ROOT / os.environ.get("SNAPSHOTTER_SHARED", "../shared") / "accept").resolve()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def load() -> tuple[ModuleType | None, list[dict[str, Any]]]:
    """accept/cases.py as a module, and the cases that it would run, those about drift among them."""
    path = ACCEPT / "cases.py"
    if not path.exists():
        return None, []
    spec = importlib.util.spec_from_file_location("accept_cases", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    dont_write, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # the folder is not ours
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = dont_write
    files = [ACCEPT / "merge_cases.json", ACCEPT / "own_cases.json"]
    cases = [case for file in files for case in json.loads(file.read_text("utf-8"))]
    return module, [c for c in cases if c["applies"] not in module.SKIP and not c.get("skip")]


accept, CASES = load()


def table(data: bytes | None) -> list[dict[str, str]]:
    """The rows of a latest.csv."""
    return list(csv.DictReader(io.StringIO((data or b"").decode("utf-8"), newline="")))


def drop(reference: Reference, *files: tuple[str, str | bytes]) -> dict[str, Any]:
    """One run over files (name, content)."""
    return reference.run({n: c.encode() if isinstance(c, str) else c for n, c in files}, NOW)


def counted(result: dict[str, Any]) -> dict[str, int]:
    """The counts that are not zero, without those of reading."""
    return {k: v for k, v in result["counts"].items() if v and k not in ("read", "accepted", "rejected")}


def latest(reference: Reference) -> str:
    """The text of latest.csv."""
    data = reference.latest()
    assert data is not None
    return data.decode("utf-8")


def test_the_acceptance_cases_are_there() -> None:
    """The folder of acceptance cases exists; without it nothing below means much."""
    if not CASES:
        message = f"no acceptance cases in {ACCEPT}; set SNAPSHOTTER_SHARED"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


all_cases = pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])


def read(case: dict[str, Any]) -> tuple[Reference, list[tuple[str, bytes]]]:
    """A reference under the configuration of a case, and the case's files."""
    assert accept is not None
    contents = accept.contents(case)
    config = tomllib.loads(accept.config(case))["datasets"]["default"]
    return Reference(config), list(zip(accept.names_of(case, contents), contents, strict=True))


@all_cases
def test_counts_and_statuses_of_case(case: dict[str, Any]) -> None:
    """The counts add up, and counts and statuses are those of the case."""
    reference, files = read(case)
    wanted: list[dict[str, int]] = case.get("counts_per_batch") or [{} for _ in files]
    wanted[-1] = wanted[-1] | case.get("counts", {})
    statuses = dict(enumerate(case.get("statuses", [])))
    statuses |= dict.fromkeys(case.get("rejected_files", []), "rejected")
    for i, file in enumerate(files):
        result = drop(reference, file)
        counts = result["counts"]
        assert counts["read"] == counts["accepted"] + counts["rejected"]
        words = ("inserted", "updated", "unchanged", "superseded", "deleted")
        assert counts["accepted"] == sum(counts[w] for w in words)
        assert counts == counts | wanted[i]
        assert [f["status"] for f in result["files"]] == [statuses.get(i, result["files"][0]["status"])]


@all_cases
def test_rows_of_case(case: dict[str, Any]) -> None:
    """Rows, their lineage and the rejects are those of the case."""
    assert accept is not None
    reference, files = read(case)
    for file in files:
        drop(reference, file)
    rows = table(reference.latest())
    expected = accept.expected_rows(case)
    if expected is not None:
        columns = list(expected[0]) if expected else []
        assert accept.project(rows, columns) == accept.project(expected, columns)
        for row, batch in zip(expected, case.get("lineage", []), strict=False):
            sources = [r["source_filename"] for r in rows if all(r[k] == row[k] for k in case["key"])]
            assert batch is None or sources == [files[batch][0]]
    assert len(rows) == case.get("expected_count", len(rows))
    if "rejected" in case:
        rejects = {(name, number) for name, _, number, _, _ in reference.rejects()}
        assert rejects == {(files[batch][0], number) for batch, number in case["rejected"]}


@all_cases
def test_orders_of_case(case: dict[str, Any]) -> None:
    """The files of a case in one run, and one by one backwards, give the same bytes."""
    at_once, files = read(case)
    if len(dict(files)) < len(files) or case.get("ordered"):
        pytest.skip("the order is part of the case")
    drop(at_once, *files)
    backwards, _ = read(case)
    for file in reversed(files):
        drop(backwards, file)
    assert at_once.latest() == backwards.latest()


def test_order_of_rows_and_quoting() -> None:
    """Whole numbers first, by value, then code points; a cell is quoted only where it must be."""
    reference = Reference({"timestamp": "ts"})
    keys = ["b", "10", "-3", "007", "2", "", "é", "1" + "0" * 45, "9" * 45, "-0", "B", "ﾮ", "😀"]
    drop(reference, ("a.csv", "id,ts,v\n" + "".join(f'{k},2024-01-01,"x ,"\n' for k in keys)))
    drop(reference, ("b.csv", 'id,v,ts\n2,"a ""b\r\n",2024-01-02\n10, c ,2024-01-02\n'))
    rows = table(reference.latest())
    numbers, texts = ["-3", "2", "10", "9" * 45, "1" + "0" * 45], ["-0", "007", "B", "b", "é", "ﾮ", "😀"]
    assert [r["id"] for r in rows] == numbers + texts
    assert latest(reference).startswith('id,ts,v,source_filename\n-3,2024-01-01,"x ,",a.csv\n')
    assert '\n2,2024-01-02,"a ""b\r\n",b.csv\n10,2024-01-02, c ,b.csv\n' in latest(reference)


def test_order_of_columns() -> None:
    """Columns stand, and are spelled, as in the lowest batch that has them, whatever came first."""
    files = [
        ("c.csv", "W,id,ts\n1,1,2024-01-01\n"),
        ("b.csv", "x,ts,w,id\n1,2024-01-01,2,2\n"),
        ("a.csv", "ts,id\n2024-01-01,3\n"),
    ]
    reference = Reference({"timestamp": "ts"})
    for file in files:
        drop(reference, file)
    assert latest(reference).splitlines()[0] == "ts,id,x,w,source_filename"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2024-01-01T12:00:00+02:00", "2024-01-01 10:00"),
        ("2024-01-01", "2024-01-01T00:00:00.000Z"),
        ("2024-03-31T01:30:00.5+00:00", "2024-03-31 01:30:00.500000Z"),
    ],
)
def test_instants(text: str, same: str) -> None:
    """Two texts of one instant conflict; nothing but the instant orders them."""
    reference = Reference({"timestamp": "ts"})
    result = drop(reference, ("a.csv", f"id,ts\n1,{text}\n"), ("b.csv", f"id,ts\n1,{same}\n"))
    assert counted(result) == {"inserted": 1, "superseded": 1, "ties": 1}
    assert latest(reference) == f"id,ts,source_filename\n1,{same},b.csv\n"


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "2024-02-30", "2024-01-01T24:00", "2024-01-01T1:00", "20240101", " 2024-01-01"),
        *("2024-01-01T00:00:00.1234567", "2024-01-01t00:00", "2024-01-01T00:00+1:00", "2999-01-01"),
        *("2024-03-31T02:30", "2024-10-27T02:30"),
    ],
)
def test_timestamps_that_are_rejects(text: str) -> None:
    """What is not ISO 8601, lies too far ahead, does not exist or exists twice is a reject."""
    reference = Reference({"timestamp": "ts", "timezone": "Europe/Berlin"})
    result = drop(reference, ("a.csv", f"id,ts\n1,{text}\n2,2024-01-01\n"))
    assert (result["counts"]["accepted"], result["counts"]["rejected"]) == (1, 1)


def test_the_cause_is_the_row_that_changed_something() -> None:
    """A resent winner beside an older row that fills an absent column: the older row is the update."""
    reference = Reference({"timestamp": "ts"})
    drop(reference, ("a.csv", "id,v,ts\n1,X,2024-01-02\n"))
    result = drop(reference, ("b.csv", "id,v,ts\n1,X,2024-01-02\n"), ("c.csv", "id,v,b,ts\n1,O,7,2024-01-01\n"))
    assert counted(result) == {"updated": 1, "unchanged": 1}
    assert latest(reference) == "id,v,ts,b,source_filename\n1,X,2024-01-02,7,a.csv\n"


def test_a_grave_takes_an_inherited_cell() -> None:
    """A late tombstone below the winner ends inheritance from below it, and is the update."""
    reference = Reference({"timestamp": "ts", "delete_when": {"column": "op", "values": ["D"]}})
    drop(reference, ("a.csv", "id,op,b,ts\n1,I,7,2024-01-01\n"), ("b.csv", "id,ts\n1,2024-01-03\n"))
    assert latest(reference) == "id,op,b,ts,source_filename\n1,,7,2024-01-03,b.csv\n"
    result = drop(reference, ("c.csv", "id,op,ts\n1,D,2024-01-02\n"))
    assert counted(result) == {"updated": 1}
    assert latest(reference) == "id,op,b,ts,source_filename\n1,,,2024-01-03,b.csv\n"


def test_life_and_death_in_one_run() -> None:
    """A key that comes and goes in one run: its tombstone is of a key that was dead, its row superseded."""
    reference = Reference({"timestamp": "ts", "delete_when": {"column": "op", "values": ["D"]}})
    result = drop(reference, ("a.csv", "id,op,ts\n1,I,2024-01-01\n1,D,2024-01-02\n"))
    assert counted(result) == {"unchanged": 1, "superseded": 1}
    result = drop(reference, ("b.csv", "id,op,ts\n1,U,2024-01-03\n1,D,2024-01-01\n"))
    assert counted(result) == {"inserted": 1, "unchanged": 1, "ties": 1}
    result = drop(reference, ("c.csv", "id,op,ts\n1,D,2024-01-04\n1,D,2024-01-05\n"))
    assert counted(result) == {"deleted": 1, "superseded": 1}


def test_reset_and_revisions() -> None:
    """A rolled back revision comes again under its number, an older one as a new revision."""
    reference = Reference({"timestamp": "ts", "lineage": ["source_revision"]})
    x, y = "id,v,ts\n1,X,2024-01-01\n", "id,v,ts\n1,Y,2024-01-01\n"
    drop(reference, ("b.csv", "id,v,ts\n2,B,2024-01-01\n"))
    drop(reference, ("a.csv", x))
    drop(reference, ("a.csv", y))
    three = reference.latest()
    assert reference.reset(1) == 4
    assert reference.latest() == reference.latest_at(1)
    result = drop(reference, ("a.csv", y))
    assert (result["files"][0]["revision"], result["files"][0]["status"]) == (2, "applied")
    assert result["snapshot"] == 5
    assert counted(result) == {"inserted": 1}
    assert reference.latest() == three
    assert drop(reference, ("a.csv", x))["files"][0]["revision"] == 3
    assert reference.reset(3) == 7
    assert reference.latest() == three


def test_withdraw() -> None:
    """Withdrawing gives the state of the files that remain; what came is applied when dropped again."""
    reference = Reference({"timestamp": "ts"})
    x, y = "id,v,ts\n1,X,2024-01-01\n", "id,v,ts\n1,Y,2024-01-01\n2,Z,2024-01-01\n"
    drop(reference, ("a.csv", x))
    drop(reference, ("a.csv", y))
    with pytest.raises(Impossible):
        reference.withdraw("a.csv")
    assert reference.withdraw("a.csv", 2) == 3
    assert latest(reference) == "id,v,ts,source_filename\n1,X,2024-01-01,a.csv\n"
    assert reference.latest() == reference.rebuilt().latest()
    again = drop(reference, ("a.csv", y))["files"][0]
    assert (again["revision"], again["status"], again["accepted"]) == (2, "applied", 2)
    assert reference.latest() == reference.latest_at(2)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("", "rejected"),
        ("\n", "rejected"),
        ("id,v,ts\n", "empty"),
        ("id,v,ts", "empty"),
        ("id,v\n", "rejected"),
        ("id,v,ID,ts\n1,2,3,4\n", "rejected"),
        ("id,,ts,\n1,2,2024-01-01,\n", "applied"),
        ("\ufeffid;ts\n1;2024-01-01\n", "applied"),
    ],
)
def test_files(content: str, status: str) -> None:
    """What becomes of empty, header-only, incomplete and ambiguous files."""
    reference = Reference({"timestamp": "ts"})
    result = drop(reference, ("a.csv", content))
    assert [f["status"] for f in result["files"]] == [status]
    assert (result["snapshot"] == 1) == (reference.latest() is not None) == (status == "applied")


@pytest.mark.parametrize(
    ("kind", "good", "published", "bad"),
    [
        ("integer", "+12", "12", "1.5"),
        ("number", "1.50", "1.5", "1e999"),
        ("decimal(4,2)", "1.500", "1.50", "1.555"),
        ("decimal(4,2)", "-99.9", "-99.90", "100"),
        ("boolean", "True", "true", "1"),
        ("date", "2024-02-29", "2024-02-29", "2023-02-29"),
        ("timestamp", "2024-01-01 10:00+02:00", "2024-01-01T10:00:00+02:00", "2024-01-01T25:00"),
    ],
)
def test_types(kind: str, good: str, published: str, bad: str) -> None:
    """A typed cell is published canonically; what the type cannot hold is a reject."""
    reference = Reference({"timestamp": "ts", "columns": {"v": {"type": kind}}})
    result = drop(reference, ("a.csv", f"id,v,ts\n1,{good},2024-01-01\n2,{bad},2024-01-01\n3,,2024-01-01\n"))
    assert result["counts"]["rejected"] == 1
    assert [(r["id"], r["v"]) for r in table(reference.latest())] == [("1", published), ("3", "")]


def test_batch_time() -> None:
    """The time in a name outranks the name; a name without one, or with two, refuses the file."""
    reference = Reference({"timestamp": "ts", "batch_time": "%Y%m%d"})
    names = ["z-20240101.csv", "a-20240102.csv", "b.csv", "20240101-20240102.csv", "20241301.csv"]
    result = drop(reference, *[(n, f"id,v,ts\n1,{n},2024-01-01\n") for n in names])
    assert [f["name"] for f in result["files"] if f["status"] == "applied"] == [
        "a-20240102.csv",
        "z-20240101.csv",
    ]
    assert table(reference.latest())[0]["v"] == "a-20240102.csv"
