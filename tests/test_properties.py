"""Random drops, aimed at what is hard, through the program and through the reference (Hypothesis).

HYPOTHESIS_PROFILE=long tries many more examples. A failure prints the workspace's configuration and its
drops.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from reference import COUNTS, Reference

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
NOW = datetime.now(UTC)
# Settings that the reference has and the program refuses as "not in this version yet"; empty it when it has them.
NOT_YET: set[str] = set()


def given(*strategies: Any, share: int = 1) -> Callable[[Any], Any]:
    """Hypothesis' given, with the settings of the chosen profile."""
    profile: Callable[[Any], Any] = settings(
        max_examples=share * (1000 if LONG else 15),
        deadline=None,
        print_blob=True,
        derandomize=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    return lambda test: profile(hypothesis_given(*strategies)(test))


# -------------------------------------------------------------------------------- the drops


@dataclass(frozen=True)
class Drop:
    """One file put into the queue."""

    name: str
    data: bytes


@dataclass(frozen=True)
class World:
    """A configuration and the drops of its dataset, those of one name in sequence."""

    config: dict[str, Any]
    drops: tuple[Drop, ...]

    def toml(self) -> str:
        """The text of snapshotter.toml."""
        columns = self.config.get("columns", {})
        lines = ["[datasets.default]"]
        lines += [f"{k} = {toml(v)}" for k, v in self.config.items() if k != "columns"]
        for name, rules in columns.items():
            lines.append(f"[datasets.default.columns.{toml(name)}]")
            lines += [f"{k} = {toml(v)}" for k, v in rules.items()]
        return "\n".join(lines) + "\n"


Runs = list[list[Drop]]

# Text keys: whole numbers, long ones too, and what looks like them; case, accents, blanks, beyond the BMP.
TEXT_KEYS = [
    *("1", "2", "10", "007", "a", "é", "-3", "", "0", "-0", "+1", "1.0", "10a", "B", "b", "ﾮ", "😀"),
    *("e\u0301", "NULL", "a ", "a,b", 'q"', "l\nf", "9" * 45, "1" + "0" * 45, "-" + "9" * 20),
]
KEYS: dict[str, tuple[list[str], list[str]]] = {  # by type: good ones, bad ones
    "string": (TEXT_KEYS, [""]),
    "integer": (["1", "2", "10", "-3", "0"], ["", "x", "1.5", "0x10", "1_0", " 1"]),
    "number": (["1.5", "1.50", "-0.25", "10.75", "2.5"], ["", "x", "nan", "inf", "1e999"]),
    "decimal(10,2)": (["1.5", "1.50", "1.500", "-0.25", "10", "2"], ["", "x", "1.555", "123456789.00"]),
    "date": (["2024-01-01", "2023-12-31", "2024-02-29"], ["", "2024-02-30", "20240101", "2024-01-01 "]),
    "boolean": (["true", "false"], ["", "x"]),
    "timestamp": (
        ["2024-01-01T10:00:00Z", "2024-01-01 12:00+02:00", "2024-01-01T10:00:00.5Z", "2023-12-31T00:00:00Z"],
        ["", "x", "2024-13-01T00:00Z"],
    ),
}
# A few instants, most of them in several forms.
INSTANTS = [
    *("2024-01-01T10:00:00Z", "2024-01-01T10:00Z", "2024-01-01T12:00:00+02:00"),
    *("2024-01-01 10:00:00.000+00:00", "2024-01-01T09:59:59.999999Z", "2024-01-01T10:00:00.000001Z"),
    *("2024-01-01T10:00:00.5Z", "2024-01-01T05:30:00.500000-04:30"),
    *("2024-01-01T10:30", "2024-01-01 11:00"),  # after 10:00Z in UTC; in Berlin before it, and the same
    *("2024-01-01", "2024-01-01T00:00", "2023-12-31T23:00:00-01:00"),
]
NO_INSTANTS = [
    *("", "yesterday", "2024-02-30", "2024-01-01T24:00", "20240101", "2024-1-1", "2024-01-01 10:00 "),
    *("2024-01-01T10:00:00.1234567Z", "2024-01-01T10:00:00+2:00", "2999-01-01", "2999-01-01", "2999-01-01"),
]
BERLIN = ["2024-03-31T02:30", "2024-10-27T02:30"] * 3  # one does not exist there, one exists twice
TEXTS = [
    *("x", "y", "x", "y", "", "", "", " ", "1.10", "007", "NA", "null", "\\N", "a,b", 'say "hi"', '"', "\t"),
    *("two\nlines", "lone\rcr", "cr\rlf\r\n", "é", "😀", " padded ", "=1+1", "\ufeff", "a;b"),
]
NAMES = ["a.csv", "b.csv", "B.csv", "9.csv", "10.csv", "é.csv", "ﾮ.csv", "😀.csv", "c, d.csv", "a.csv.csv"]
DATED = ["b-20240101.csv", "a-20240102.csv", "c-20240102.csv", "20231231.csv", "x-20240101-1.csv"]
UNDATED = ["d.csv", "e-20240101-20240102.csv", "f-20240231.csv"]
ODD = (  # what may be odd about a file
    "no text",
    "no rows",
    "ragged rows",
    "blank lines",
    "no last newline",
    "byte order mark",
    "crlf",
    "all quoted",
    "semicolons",
    "upper case names",
    "a name twice",
    "a column is missing",
    "a column without a name",
    "a lineage column",
    "a reject column",
)
LINEAGES = [["source_filename"], ["source_row", "source_filename", "source_revision"], []]


def mostly(good: st.SearchStrategy[Any], bad: st.SearchStrategy[Any], once: int = 12) -> st.SearchStrategy[Any]:
    """The good ones, and once in so many a bad one."""
    return st.integers(1, once).flatmap(lambda n: bad if n == once - 1 else good)


def often(*values: Any) -> st.SearchStrategy[Any]:
    """The first value more often than all others together."""
    return mostly(st.just(values[0]), st.sampled_from(values[1:]), 3)


@st.composite
def configs(draw: Any, *, plain_lineage: bool) -> dict[str, Any]:  # noqa: C901, PLR0912 - independent choices
    """A table [datasets.default]."""
    columns: dict[str, dict[str, Any]] = {}
    config: dict[str, Any] = {"key": draw(often(["id"], ["id", "sub"])), "timestamp": "ts"}
    kind = draw(often("string", *list(KEYS)[1:]))
    if kind != "string":
        columns["id"] = {"type": kind}
    if draw(st.booleans()):
        for column in config["key"]:
            columns.setdefault(column, {})["nullable"] = True
    marks = [None, {"column": "op", "values": ["D", "X"]}, {"column": "gone", "not_empty": True}]
    if delete := draw(st.sampled_from(marks)):
        config["delete_when"] = delete
    if draw(often(False, True)):
        columns["ts"] = {"type": "timestamp"}
    if draw(often(False, True)):
        columns["amount"] = {"type": "decimal(10,2)", "required": False, "min": 0}
        columns["n"] = {"type": "integer", "required": False, "max": 10}
        columns["state"] = {"values": ["on", "off"], "required": False, "nullable": False}
    if draw(often(False, True)):
        config["batch_time"] = "%Y%m%d"
    if draw(often(False, True)):
        config["timezone"] = "Europe/Berlin"
    if "replace_revisions" not in NOT_YET and draw(mostly(st.just(False), st.just(True), 8)):
        config["replace_revisions"] = True
    if not plain_lineage:
        config["lineage"] = draw(often(*LINEAGES))
    drifts = ["ignore", "reject"] if "absent_columns" in NOT_YET else ["ignore", "reject", "null"]
    drift = draw(often(None, *drifts))
    if drift in ("ignore", "reject"):
        config["extra_columns"] = drift
        columns["v"] = {"required": False}
        if delete:
            columns.setdefault(delete["column"], {})["required"] = False
    if drift == "null":
        config["absent_columns"] = "null"
        columns["w"] = {"required": False}
        columns.pop("state", None)  # required = false with nullable = false: nobody says what a null is there
        config["column_order"] = ["w", "ts", "v", "id", "sub", "amount", "n", "x,y", "op", "gone"]
    elif draw(often(False, True)):
        config["column_order"] = ["v", "ts"]
    return {**config, "columns": columns} if columns else config


@st.composite
def cells(draw: Any, config: dict[str, Any]) -> dict[str, st.SearchStrategy[str]]:
    """What each column of a world holds: few keys, few instants, few texts, so that they meet."""
    declared = config.get("columns", {})
    good, bad = KEYS[declared.get("id", {}).get("type", "string")]
    if declared.get("id", {}).get("nullable"):
        good = ["", *good]
    careless = draw(often(False, True))  # does this world have bad cells at all?

    def few(values: list[str], bad: list[str], most: int = 3) -> st.SearchStrategy[str]:
        pool = st.sampled_from(draw(st.lists(st.sampled_from(values), min_size=1, max_size=most)))
        return mostly(pool, st.sampled_from(bad)) if careless and bad else pool

    columns = {
        "id": few(good, bad, draw(often(3, 12))),
        "ts": few(INSTANTS, [*NO_INSTANTS, *(BERLIN if config.get("timezone") else [])], 4),
        "v": few(TEXTS, []),
    }
    if "sub" in config["key"]:
        columns["sub"] = few(["", "1", "b", "10", "9"], [])
    if delete := config.get("delete_when"):
        marks = ["I", "D", "", "X", "d", "D"] if delete["column"] == "op" else ["", "", "2024-01-02", " "]
        columns[delete["column"]] = st.sampled_from(marks)
    if "amount" in declared:
        columns["amount"] = few(["1.5", "1.50", "0", "3", ""], ["-0.01", "x", "1.555"])
        columns["n"] = few(["1", "7", "10", "-7", ""], ["11", "1.0", "x"])
        columns["state"] = few(["on", "off"], ["", "On", "x"])
    if config.get("extra_columns") != "reject" or careless:
        columns["w"] = few(TEXTS, [])
        if draw(often(False, True)):
            columns["x,y"] = few(TEXTS, [])
    return columns


def line(cells: list[str], delimiter: str, *, all_quoted: bool) -> str:
    """One record, well-formed."""
    must = (delimiter, '"', "\r", "\n", ",", "\ufeff")
    quote = [all_quoted or any(c in cell for c in must) for cell in cells]
    return delimiter.join(
        '"' + cell.replace('"', '""') + '"' if q else cell for cell, q in zip(cells, quote, strict=True)
    )


@st.composite
def files(draw: Any, config: dict[str, Any], cells: dict[str, st.SearchStrategy[str]]) -> bytes:
    """The bytes of one file: mostly plain, now and then with something odd."""
    odd = draw(mostly(st.just(""), st.sampled_from(ODD), 6))
    if odd == "no text":
        no_text: bytes = draw(st.sampled_from([b"", b"\n", b"id,sub,ts\n\xff,1,2024-01-01\n", b"\xef\xbb\xbf"]))
        return no_text
    always = [*config["key"], "ts"]
    columns = draw(st.permutations([c for c in cells if c in always or draw(st.booleans())]))
    if odd == "a column is missing":
        missing = draw(st.sampled_from(always))
        columns = [c for c in columns if c != missing]
    header = [c.upper() if odd == "upper case names" and c in ("v", "w", "id") else c for c in columns]
    more = {
        "a name twice": draw(st.sampled_from(columns)).upper(),
        "a column without a name": "",
        "a lineage column": "Source_Filename",
        "a reject column": "_reject_rule",
    }
    header += [more[odd]] if odd in more else []
    delimiter = ";" if odd == "semicolons" else ","
    lines = [line(header, delimiter, all_quoted=odd == "all quoted")]
    for _ in range(0 if odd == "no rows" else draw(st.integers(1, 4))):
        row = [draw(cells[c]) for c in columns] + ["?"] * (len(header) - len(columns))
        if odd == "ragged rows":
            row = draw(st.sampled_from([row, [*row, ""], row[:-1]]))
        lines += [""] if odd == "blank lines" else []
        lines.append(line(row, delimiter, all_quoted=odd == "all quoted"))
    newline = "\r\n" if odd == "crlf" else "\n"
    text = newline.join(lines) + ("" if odd == "no last newline" else newline)
    return (("\ufeff" if odd == "byte order mark" else "") + text).encode("utf-8")


@st.composite
def worlds(draw: Any, *, plain_lineage: bool = False, size: int = 7) -> World:
    """A configuration and drops: new files, revisions, files sent again, the same bytes under other names."""
    config = draw(configs(plain_lineage=plain_lineage))
    names = st.sampled_from(draw(st.permutations(DATED if config.get("batch_time") else NAMES))[:4])
    if config.get("batch_time"):
        names = mostly(names, st.sampled_from(UNDATED), 15)
    columns = draw(cells(config))
    drops: list[Drop] = []
    for _ in range(draw(st.integers(1, size))):
        what = draw(st.sampled_from(["new", "new", "new", "again", "other name"])) if drops else "new"
        if what == "new":
            drops.append(Drop(draw(names), draw(files(config, columns))))
        elif what == "again":
            drops.append(draw(st.sampled_from(drops)))
        else:
            drops.append(Drop(draw(names), draw(st.sampled_from(drops)).data))
    return World(config, tuple(drops))


@st.composite
def grouped(draw: Any, drops: tuple[Drop, ...]) -> Runs:
    """The drops in their order, split into runs; a queue holds a name once."""
    runs: Runs = [[]]
    for drop in drops:
        if runs[-1] and (draw(st.booleans()) or any(d.name == drop.name for d in runs[-1])):
            runs.append([])
        runs[-1].append(drop)
    return runs


@st.composite
def shuffled(draw: Any, drops: tuple[Drop, ...]) -> tuple[Drop, ...]:
    """The drops in another order of arrival that keeps those of one name in sequence."""
    waiting: dict[str, list[Drop]] = {}
    for drop in drops:
        waiting.setdefault(drop.name, []).append(drop)
    return tuple(waiting[name].pop(0) for name in draw(st.permutations([d.name for d in drops])))


def toml(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def tell(world: World, runs: Runs, title: str = "") -> None:
    """Let a failure print the drops so that a person can read and repeat them."""
    lines = [title, world.toml()]
    for i, run in enumerate(runs, start=1):
        lines.append(f"-- run {i}")
        for drop in run:
            lines.append(f"  {drop.name!r}:")
            lines += [f"      {piece!r}" for piece in drop.data.splitlines(keepends=True)] or ["      (no bytes)"]
    note("\n".join(lines))


# -------------------------------------------------------------------------------- the systems


class System(Protocol):
    """What runs the drops."""

    def run(self, files: list[Drop]) -> dict[str, Any]:
        """One run with these files in the queue; answers like an entry of `datasets` in `run --json`."""

    def reset(self, number: int) -> Any:
        """Back to a snapshot."""

    def withdraw(self, name: str, revision: int | None = None) -> Any:
        """Undo a file."""

    def latest(self) -> bytes | None:
        """The bytes of latest.csv."""


class Oracle:
    """The reference."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.reference = Reference(config)
        self.reset, self.withdraw = self.reference.reset, self.reference.withdraw
        self.latest = self.reference.latest

    def run(self, files: list[Drop]) -> dict[str, Any]:
        """One run."""
        return self.reference.run({d.name: d.data for d in files}, NOW)


class Program:
    """The program, through its Python API, on a workspace of its own."""

    def __init__(self, path: pathlib.Path, world: World) -> None:
        from snapshotter import Workspace

        self.path, self.queue = path, path / "input" / "processing"
        self.queue.mkdir(parents=True)
        (path / "snapshotter.toml").write_text(world.toml(), encoding="utf-8")
        self.workspace = Workspace(path)
        self.reset, self.withdraw = self.workspace.reset, self.workspace.withdraw

    def run(self, files: list[Drop]) -> dict[str, Any]:
        """One run, whose answer must agree with the folders."""
        for drop in files:
            (self.queue / drop.name).write_bytes(drop.data)
        answer = self.workspace.run().model_dump()
        assert answer["unmatched"] == []
        (told,) = answer["datasets"]
        assert told["error"] is None, told["error"]
        left = [p.name for p in self.queue.iterdir()]
        assert not left, f"left in the queue: {left}\n{told['files']}"
        data = self.latest()
        if told["snapshot"] is None:
            return {**told, "rows": len(records(data)[1])}
        assert data is not None
        assert told["latest"]["sha256"] == hashlib.sha256(data).hexdigest()
        return {**told, "rows": told["latest"]["rows"]}

    def latest(self) -> bytes | None:
        """The bytes of latest.csv."""
        path = self.path / "output" / "latest.csv"
        return path.read_bytes() if path.exists() else None


@contextmanager
def opened(kind: str, world: World) -> Iterator[System]:
    """A fresh system of a kind."""
    if kind == "reference":
        yield Oracle(world.config)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Program(pathlib.Path(folder), world)


def bytes_of(kind: str, world: World, runs: Runs) -> bytes | None:
    """The latest.csv of a fresh system after these runs."""
    with opened(kind, world) as system:
        for run in runs:
            system.run(run)
        return system.latest()


def records(data: bytes | None) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a latest.csv."""
    rows = [r for r in csv.reader(io.StringIO((data or b"").decode("utf-8"), newline=""), strict=True) if r]
    return (rows[0], rows[1:]) if rows else ([], [])


def summary(told: dict[str, Any]) -> dict[str, Any]:
    """What two systems must say alike about a run."""
    files = {}
    for file in told["files"]:
        words = ["status", "read", "accepted", "rejected"]
        # whether a file that is no batch has a revision, or a digest, is not specified
        words += ["sha256", "revision"] if file["status"] in ("applied", "duplicate") else []
        files[file["name"]] = {w: file[w] for w in words}
    return {"snapshot": told["snapshot"], "counts": told["counts"], "rows": told["rows"], "files": files}


def same_run(oracle: Oracle, program: System, run: list[Drop], where: str) -> None:
    """One run through both, which must say the same and publish the same."""
    expected, told = summary(oracle.run(run)), summary(program.run(run))
    differ = [f"{w}: {told[w]}, expected {expected[w]}" for w in expected if told[w] != expected[w]]
    assert not differ, "\n".join([where, *differ])
    same_bytes(oracle, program, where)


def same_bytes(oracle: Oracle, program: System, where: str) -> None:
    """Both have published the same."""
    published, expected = program.latest(), oracle.latest()
    if expected is not None and not oracle.reference.live:  # what the header is then is not specified
        assert records(published)[1] == [], where
        return
    assert published == expected, f"{where}\n{published!r}, expected\n{expected!r}"


def add_up(told: dict[str, Any], before: int, world: World) -> None:
    """The sums of spec §5."""
    counts, files = told["counts"], told["files"]
    assert set(counts) == set(COUNTS)
    assert counts["read"] == counts["accepted"] + counts["rejected"]
    assert counts["accepted"] == sum(counts[w] for w in ("inserted", "updated", "unchanged", "superseded", "deleted"))
    for word in ("read", "accepted", "rejected"):
        assert counts[word] == sum(f[word] for f in files), word
    assert all(f["read"] == f["accepted"] + f["rejected"] for f in files)
    if not world.config.get("replace_revisions"):  # rows that a revision takes back have no word
        assert told["rows"] == before + counts["inserted"] - counts["deleted"]
    assert (told["snapshot"] is None) == all(f["status"] != "applied" for f in files)


# -------------------------------------------------------------------------------- the claims

both = pytest.mark.parametrize("kind", ["reference", "program"])


@given(st.data(), share=2)
def test_every_run_equals_the_reference(data: st.DataObject) -> None:
    """Counts, statuses and bytes are those of the reference after every run."""
    world = data.draw(worlds())
    runs = data.draw(grouped(world.drops))
    tell(world, runs)
    oracle = Oracle(world.config)
    with opened("program", world) as program:
        for i, run in enumerate(runs, start=1):
            same_run(oracle, program, run, f"run {i}")


@given(st.data(), share=2)
def test_runs_resets_and_withdrawals_equal_the_reference(data: st.DataObject) -> None:
    """So they are when resets and withdrawals come between the runs, and files after them."""
    world = data.draw(worlds())
    runs = data.draw(grouped(world.drops))
    tell(world, runs)
    oracle = Oracle(world.config)
    with opened("program", world) as program:
        for i, run in enumerate(runs, start=1):
            same_run(oracle, program, run, f"run {i}")
            done = go_back(data, oracle, program)
            note(f"-- after run {i}: {done}")
            same_bytes(oracle, program, f"after run {i}: {done}")
        for drop in dict.fromkeys(world.drops[-2:]):
            note(f"-- dropped again: {drop.name!r}")
            same_run(oracle, program, [drop], f"{drop.name} again")


def go_back(data: st.DataObject, oracle: Oracle, program: System) -> str:
    """Now and then, reset or withdraw something in both, and say what."""
    what = data.draw(st.sampled_from(["nothing", "reset", "withdraw"]))
    reference = oracle.reference
    if what == "reset" and reference.snapshots:
        number = data.draw(st.sampled_from(sorted(reference.snapshots)))
        oracle.reset(number)
        program.reset(number)
        return f"reset {number}"
    if what == "withdraw" and (batches := sorted(reference.counting(reference.live))):
        name, revision = data.draw(st.sampled_from(batches))
        oracle.withdraw(name, revision)
        program.withdraw(name, revision)
        return f"withdraw {name}@{revision}"
    return "nothing"


@both
@given(st.data())
def test_order_and_grouping_do_not_matter(kind: str, data: st.DataObject) -> None:
    """Any order that keeps the revisions of a name in sequence, and any grouping, gives the same bytes."""
    world = data.draw(worlds(plain_lineage=True, size=5))
    one = data.draw(grouped(world.drops))
    other = data.draw(shuffled(world.drops).flatmap(grouped))
    tell(world, one, "one way:")
    tell(world, other, "the other way:")
    assert bytes_of(kind, world, one) == bytes_of(kind, world, other)


@both
@given(st.data())
def test_counts_add_up(kind: str, data: st.DataObject) -> None:
    """In every run: read, accepted and rows."""
    world = data.draw(worlds(size=4))
    runs = data.draw(grouped(world.drops))
    tell(world, runs)
    with opened(kind, world) as system:
        rows = 0
        for run in runs:
            told = system.run(run)
            add_up(told, rows, world)
            rows = told["rows"]
            assert len(records(system.latest())[1]) == rows


@both
@given(st.data())
def test_reset_gives_the_bytes_of_then(kind: str, data: st.DataObject) -> None:
    """`reset(n)` gives the bytes of snapshot n, and is taken back by a reset to the snapshot before it."""
    world = data.draw(worlds(size=4))
    runs = data.draw(grouped(world.drops))
    tell(world, runs)
    with opened(kind, world) as system:
        told = [(system.run(run)["snapshot"], system.latest()) for run in runs]
        was = [published for snapshot, published in told if snapshot is not None]
        if not was:
            return
        number = data.draw(st.integers(1, len(was)))
        note(f"-- reset {number}")
        system.reset(number)
        assert system.latest() == was[number - 1]
        system.reset(len(was))
        assert system.latest() == was[-1]


@both
@given(st.data())
def test_withdraw_equals_the_files_that_remain(kind: str, data: st.DataObject) -> None:
    """After `withdraw` the bytes are those of a workspace that only ever got the files that still count."""
    world = data.draw(worlds(plain_lineage=True, size=4))
    runs = data.draw(grouped(world.drops))
    tell(world, runs)
    oracle = Oracle(world.config)
    with opened(kind, world) as system:
        for run in runs:
            oracle.run(run)
            system.run(run)
        batches = oracle.reference.counting(oracle.reference.live)
        if not batches:
            return
        name, revision = data.draw(st.sampled_from(sorted(batches)))
        note(f"-- withdraw {name}@{revision}")
        oracle.withdraw(name, revision)
        system.withdraw(name, revision)
        remain = sorted(oracle.reference.counting(oracle.reference.live).items())
        if not remain:
            assert records(system.latest())[1] == []
            return
        assert system.latest() == bytes_of(kind, world, [[Drop(n, batch.data)] for (n, _), batch in remain])


@both
@given(st.data())
def test_files_sent_again_change_nothing(kind: str, data: st.DataObject) -> None:
    """The newest file of each name sent again is a duplicate, or replaces its own rows: the bytes stay."""
    world = data.draw(worlds(size=4))
    runs = data.draw(grouped(world.drops))
    tell(world, runs)
    with opened(kind, world) as system:
        newest: dict[str, Drop] = {}
        for run in runs:
            statuses = {f["name"]: f["status"] for f in system.run(run)["files"]}
            newest |= {d.name: d for d in run if statuses[d.name] in ("applied", "duplicate")}
        if not newest:
            return
        data_before = system.latest()
        told = system.run(list(newest.values()))
        assert {f["status"] for f in told["files"]} <= {"applied", "duplicate"}
        assert all(f["rejected"] for f in told["files"] if f["status"] == "applied")
        changes = ("inserted", "updated", "superseded", "deleted", "ties")
        assert {w: told["counts"][w] for w in changes} == dict.fromkeys(changes, 0)
        assert system.latest() == data_before


@both
@given(st.data())
def test_latest_sent_back_changes_no_cell(kind: str, data: st.DataObject) -> None:
    """The published file, dropped as the newest file, changes nothing but lineage."""
    world = data.draw(worlds(plain_lineage=True, size=4))
    runs = data.draw(grouped(world.drops))
    tell(world, runs)
    with opened(kind, world) as system:
        for run in runs:
            system.run(run)
        before = system.latest()
        header, rows = records(before)
        if not rows:
            return
        assert before is not None
        told = system.run([Drop("😀😀-20300101.csv", before)])
        counts = told["counts"]
        assert (counts["inserted"], counts["updated"], counts["deleted"], counts["superseded"]) == (
            0,
            0,
            0,
            0,
        )
        new_header, new_rows = records(system.latest())
        assert header == new_header
        assert [r[:-1] for r in rows] == [r[:-1] for r in new_rows]
