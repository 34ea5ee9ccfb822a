"""What the benchmarks say is what they measured: drops, peers, comparison of rows, arithmetic, and what is kept."""

import csv
import sys
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks import generating, goals, works
from benchmarks.__main__ import Step, take
from benchmarks.drops import Drops, write
from benchmarks.generators import COLUMNS
from benchmarks.measuring import Failure, Sample, measure, median_ratio, percentile
from benchmarks.outcome import OURS, Outcome, read
from benchmarks.profiling import shares
from benchmarks.report import amount, report, section, table
from benchmarks.same import difference
from benchmarks.stage import HERE, Stage, base_of

TINY = Drops(3, 40, 30)
ROW = "{id},n,e,c,{amount},1,d,{timestamp}\n"
HEAD = "id,name,email,city,amount,quantity,description,timestamp\n"
EQUAL = {"missing": 0, "extra": 0, "other": 0}


@pytest.fixture
def stage(tmp_path):
    """A stage in a fresh folder that tells nobody what it does."""
    return Stage(tmp_path / "stage", limit=100, say=lambda _: None)


def outcome(name="seed", **seconds):
    """An outcome with samples of these seconds."""
    samples = {who: [Sample(value, value / 2, 10) for value in values] for who, values in seconds.items()}
    return Outcome(name, "a work", samples)


def rows(path, *cells):
    """A file of rows: (id, amount, timestamp) of each."""
    text = (ROW.format(id=id_, amount=amount_, timestamp=timestamp) for id_, amount_, timestamp in cells)
    path.write_text(HEAD + "".join(text))
    return str(path)


# -------------------------------------------------------------------------------- drops


def test_the_same_arguments_give_the_same_drops(tmp_path):
    """Two calls write the same names and bytes; another seed writes others."""
    for name, drops in (("one", TINY), ("two", TINY), ("three", Drops(3, 40, 30, seed=1))):
        write(tmp_path / name, drops)
    one, two, three = ({f.name: f.read_bytes() for f in (tmp_path / n).iterdir()} for n in ("one", "two", "three"))
    assert sorted(one) == ["batch_20220103T000000.csv", "batch_20220110T000000.csv", "batch_20220117T000000.csv"]
    assert one == two
    assert one != three


def test_drops_lie_in_the_past():
    """No work drops a timestamp that is ahead of the clock, which would be a reject."""
    every = [
        *(work.drops for work in (works.seed(), works.many(), works.load(), *map(works.grow, works.SIZES))),
        *(base_of(size) for size in works.SIZES),
    ]
    for drops in every:
        end = datetime.fromisoformat(drops.start).replace(tzinfo=UTC) + timedelta(minutes=drops.every * drops.files)
        assert end < datetime.now(UTC), drops


def test_what_grows_is_newer_than_its_state():
    """A delivery on a state begins after all of the state's rows, as the anti join takes for granted."""
    for size in works.SIZES:
        base, change = base_of(size), works.grow(size).drops
        end = datetime.fromisoformat(base.start) + timedelta(minutes=base.every * base.files)
        assert end <= datetime.fromisoformat(change.start)
        assert base.keys == change.keys


# -------------------------------------------------------------------------------- peers


@pytest.mark.slow
def test_peers_give_our_rows_from_nothing(stage):
    """Keys that come in several files have the same winner everywhere."""
    names = ("pandas_loop", "polars_once", "duckdb_once", "delta_merge")
    found = works.compare(stage, works.Work("tiny", "tiny", TINY, names, 1))
    assert found.failures == {}
    assert found.same == {name: {"keys": 29, **EQUAL} for name in names}
    assert [len(found.seconds(who)) for who in (OURS, *names)] == [1] * 5


@pytest.mark.slow
def test_peers_give_our_rows_on_a_state_and_leave_it(stage):
    """Keys of the state are updated, others are added or stay; the state is as it was, for the next contestant."""
    names = ("copy", "pandas_loop", "polars_once", "duckdb_once", "duckdb_anti_join")
    drops = Drops(1, 200, 1000, 5, "2022-06-01")
    before = {p: p.read_bytes() for p in sorted(stage.state(100).rglob("*")) if p.is_file()}
    found = works.compare(stage, works.Work("tiny", "tiny", drops, names, 2, 100))
    assert found.failures == {}
    assert set(found.same) == set(names) - {"copy"}
    assert all(same.items() >= EQUAL.items() for same in found.same.values())
    assert found.same["duckdb_once"]["keys"] > 200
    assert {path: path.read_bytes() for path in sorted(stage.state(100).rglob("*")) if path.is_file()} == before


def test_a_peer_that_fails_is_reported_and_the_others_go_on(stage):
    """`copy` without a state fails: it is out, with the reason; who comes behind it is measured."""
    found = works.compare(stage, works.Work("tiny", "tiny", TINY, ("copy", "duckdb_once"), 2))
    assert found.failures == {"copy": "ended with exit code 1: AssertionError: it copies a state"}
    assert len(found.seconds("duckdb_once")) == 2
    assert found.seconds("copy") == []
    assert "`copy` ended with exit code 1" in section(found)


# -------------------------------------------------------------------------------- comparing rows


def test_other_spellings_of_a_value_are_the_same_row(tmp_path):
    """`5.1` is `5.10`, and an instant is written in three ways."""
    ours = rows(tmp_path / "ours.csv", (1, "5.10", "2024-01-01T10:00:00"), (2, "3.00", "2024-01-02T00:00:00"))
    theirs = rows(tmp_path / "t.csv", (2, "3", "2024-01-02 00:00:00+00"), (1, "5.1", "2024-01-01T10:00:00.000000"))
    assert difference(ours, theirs) == {"keys": 2, **EQUAL}


def test_what_differs_is_counted(tmp_path):
    """A key that is missing, one too many, and one with another winner."""
    ours = rows(tmp_path / "ours.csv", (1, "1", "2024-01-01"), (2, "1", "2024-01-01"), (3, "1", "2024-01-01"))
    theirs = rows(tmp_path / "t.csv", (2, "2", "2024-01-01"), (3, "1", "2024-01-01"), (4, "1", "2024-01-01"))
    assert difference(ours, theirs) == {"keys": 3, "missing": 1, "extra": 1, "other": 1}


def test_a_key_that_stands_twice_is_not_the_same(tmp_path):
    """A result with two rows of one key differs, though no key is missing."""
    ours = rows(tmp_path / "ours.csv", (1, "1", "2024-01-01"))
    theirs = rows(tmp_path / "t.csv", (1, "1", "2024-01-01"), (1, "2", "2024-01-01"))
    assert difference(ours, theirs)["other"] == 1


# -------------------------------------------------------------------------------- measuring


def test_a_process_is_measured(tmp_path):
    """Wall time, CPU and memory are those of the process."""
    sample = measure(
        [sys.executable, "-c", "x = bytearray(200_000_000); x[::4096] = b'1' * len(x[::4096])"], limit=60, cwd=tmp_path
    )
    assert sample.memory > 190  # whoever asks is counted, too, where it is larger
    assert 0 < sample.cpu < 60
    assert sample.seconds > 0


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("raise ValueError('no')", "ended with exit code 1: ValueError: no"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL"),
    ],
)
def test_a_process_that_fails_says_how(tmp_path, program, why):
    """The failure tells exit code or signal, and the last line of what was told."""
    with pytest.raises(Failure) as failure:
        measure([sys.executable, "-c", program], limit=60, cwd=tmp_path)
    assert str(failure.value) == why


def test_a_program_that_is_not_there_is_a_failure(tmp_path):
    """A tool that is not installed ends nothing."""
    with pytest.raises(Failure, match="could not be started"):
        measure([tmp_path / "none"], limit=60, cwd=tmp_path)


def test_a_process_that_does_not_end_is_given_up(tmp_path):
    """It is killed at the limit, and what it waits for, too."""
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import signal; signal.pause()'])"
    with pytest.raises(Failure, match="did not end within 1 s"):
        measure([sys.executable, "-c", program], limit=1, cwd=tmp_path)


def test_ratios_are_taken_turn_by_turn():
    """The median of the ratios, not the ratio of the medians: a slow minute of the machine is in both."""
    assert median_ratio([1, 20, 3], [2, 40, 1]) == 0.5
    assert median_ratio([], [1]) is None


def test_percentile_is_one_of_the_values():
    """The nearest rank: of 40 values, the 38th in order is p95; of one value, it."""
    assert percentile(list(range(40, 0, -1)), 0.95) == 38
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([1.0, 2.0], 0.5) == 1.0


# -------------------------------------------------------------------------------- goals and report


def test_the_faster_peer_is_the_measure():
    """Of two peers the one with the smaller median counts; one that failed does not."""
    found = outcome(snapshotter=[1, 1], duckdb_once=[2, 2], polars_once=[0.5, 0.5])
    assert goals.against("seed", "duckdb_once", "polars_once")({"seed": found}) == 2
    found.failures["polars_once"] = "ended with exit code 1"
    assert goals.against("seed", "duckdb_once", "polars_once")({"seed": found}) == 0.5
    assert goals.against("seed", "pandas_loop")({"seed": found}) is None


def test_time_per_byte_is_that_of_the_large_state_against_the_small_one():
    """Ten times the bytes in five times the time is half."""
    small, large = outcome(snapshotter=[1.0]), outcome(snapshotter=[5.0])
    small.facts, large.facts = {"latest_bytes": 100}, {"latest_bytes": 1000}
    assert goals.per_byte({goals.SMALL: small, goals.LARGE: large}) == 0.5
    assert goals.per_byte({goals.SMALL: small}) is None


def test_many_files_are_held_to_their_goal_when_all_of_them_were_read():
    """A tenth of the files says nothing about the goal; all of them say the time of each, in ms."""
    found = outcome("many", snapshotter=[4.0], duckdb_once=[5.0])
    found.facts = {"files": 1000}
    assert goals.per_file({"many": found}) is goals.of_many("duckdb_once")({"many": found}) is None
    found.facts = {"files": 10_000}
    assert goals.per_file({"many": found}) == 0.4
    assert goals.of_many("duckdb_once")({"many": found}) == 0.8


def test_test_data_is_held_to_its_goal_when_all_of_it_was_made():
    """A tenth of the rows is no measure of the time that all of them take."""
    found = outcome("generate", **{generating.DEMO: [3.0, 5.0, 4.0]})
    found.facts = {"scale": 10}
    assert goals.at_full_size(generating.DEMO)({"generate": found}) is None
    found.facts = {"scale": 1}
    assert goals.at_full_size(generating.DEMO)({"generate": found}) == 4.0


@pytest.mark.parametrize("name", ["faker", "faker_unweighted"])
def test_generators_beside_ours_write_what_is_asked_for(tmp_path, name):
    """A header of twelve columns and as many rows, each with all cells filled."""
    out = tmp_path / "out.csv"
    measure([sys.executable, HERE / "generators.py", name, "5", out], limit=60, cwd=tmp_path)
    with out.open(encoding="utf-8", newline="") as file:
        header, *made = csv.reader(file, strict=True)
    assert (tuple(header), len(made), [row[0] for row in made]) == (COLUMNS, 5, list("12345"))
    assert all(all(row) for row in made)


def test_the_report_has_every_goal_met_or_not():
    """A goal that is met, one that is not, and those that nobody measured; nothing is left out."""
    found = outcome(snapshotter=[1.0], duckdb_once=[2.0], polars_once=[3.0], pandas_loop=[5.0])
    text = report({"seed": found}, {"memory": "1 GB"}, {"python": "3"}, None)
    lines = [line for line in text.partition("## Goals")[2].partition("## seed")[0].splitlines() if "|" in line][2:]
    assert len(lines) == len(goals.GOALS)
    assert "| 0.50 " in lines[0]
    assert lines[0].split("|")[5].strip() == "met"
    assert lines[1].split("|")[5].strip() == "not met"
    assert all("not measured" in line for line in lines[2:])


def test_what_was_measured_is_kept_for_the_same_code_alone(tmp_path):
    """An outcome is read as it was written; with another stamp there is none."""
    found = outcome(snapshotter=[1.0, 2.0])
    found.failures, found.same, found.facts = {"csvkit": "no"}, {"x": {"keys": 1}}, {"files": 2}
    found.write(tmp_path / "results" / "seed.json", "this")
    assert read(tmp_path / "results" / "seed.json", "this") == found
    assert read(tmp_path / "results" / "seed.json", "that") is None
    assert read(tmp_path / "none.json", "this") is None


def test_a_call_goes_on_where_the_one_before_it_ended(stage, tmp_path):
    """What was measured with the same code is not measured again, unless it is asked for."""
    calls = []

    def measured(_):
        calls.append(1)
        return outcome(snapshotter=[1.0])

    step, kept = Step("seed", measured), tmp_path / "seed.json"
    assert take(stage, step, kept, "this", fresh=False) == take(stage, step, kept, "this", fresh=False)
    assert len(calls) == 1
    take(stage, step, kept, "this", fresh=True)
    take(stage, step, kept, "that", fresh=False)
    assert len(calls) == 3


def test_tables_and_amounts():
    """Columns are as wide as their widest cell; short times have three digits behind the point."""
    assert table(("a", "b"), [("one", "2")]) == "| a   | b |\n|-----|---|\n| one | 2 |\n"
    assert [amount(0.0123, "s"), amount(1234.5, "s"), amount(0.5)] == ["0.012 s", "1,234.50 s", "0.50"]


def test_imports_are_summed_by_library():
    """Modules of one library are one row; what takes little is summed up."""
    told = "import time: self [us] | cumulative | imported package\n"
    told += "import time:      3000 |       9000 |   numpy\nimport time:      1000 |       1000 |     numpy.core\n"
    told += "import time:       100 |        100 | abc\n"
    assert [line.split() for line in shares(told).splitlines()[2:]] == [
        ["|", "numpy", "|", "2", "|", "4.0", "|"],
        ["|", "1", "others", "|", "1", "|", "0.1", "|"],
        ["|", "all", "|", "3", "|", "4.1", "|"],
    ]
