"""Random drops, aimed at what is hard, through the program and through the reference (Hypothesis).

HYPOTHESIS_PROFILE=long tries many more examples. A failure prints the workspace's configuration and its
drops.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from reference import COUNTS, Reference
from worlds import Drop, Runs, World, grouped, shuffled, worlds

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
NOW = datetime.now(UTC)


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
