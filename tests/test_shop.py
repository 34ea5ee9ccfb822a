"""The shop that runs: batches come in time and whole, its clock and its rate are those that are asked for."""

import contextlib
import csv
import itertools
import json
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from watching import LONG, Watching

from snapshotter.testdata import shop
from snapshotter.testdata.cli.pacing import Pace
from snapshotter.testdata.sources.running import running_shop

PROGRAM = [sys.executable, str(Path(__file__).resolve().parents[1] / "generate_test_data.py"), "shop"]
START = datetime(2024, 1, 1)  # noqa: DTZ001
TABLES = {"customers", "products", "orders", "order_lines"}


class Shop:
    """A running `shop --json` that writes into a folder."""

    def __init__(self, folder, *options, to=None, start="2024-01-01"):
        self.folder = folder
        begin = ["--start", start] if start else []
        self.process = subprocess.Popen(
            [*PROGRAM, "--json", *(to or ["--output", str(folder)]), *begin, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait(self, batches):
        """Wait until so many batches of orders are there: the seconds at which each of them was seen."""
        seen, until = {}, time.monotonic() + LONG
        while len(seen) < batches:
            for name in sorted(set(files(self.folder, "orders_2*")) - seen.keys()):
                seen[name] = time.monotonic()
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until, "no more batches came"
            select.select([self.process.stdout], [], [], 0.02)  # ends at once if the process does
        return list(seen.values())

    def stop(self, number=signal.SIGTERM):
        """Ask it to end: the exit code, what it says on stdout, and on stderr."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=LONG)
        return self.process.returncode, json.loads(out), err


def files(folder, pattern="*.csv"):
    """The names of files that are there, in order; the queue's own hidden ones are not."""
    return sorted(path.name for path in folder.glob(pattern))


def at(name):
    """The time that a file's name tells."""
    return datetime.strptime(name.rpartition("_")[2], "%Y%m%dT%H%M%S.csv")  # noqa: DTZ007


def run(*options):
    """The program, to its end."""
    return subprocess.run([*PROGRAM, *options], capture_output=True, text=True, check=False, timeout=LONG)


def test_batches_come_in_time_and_it_ends_in_order(tmp_path):
    """The first batch at once, one a second after it; SIGTERM ends it with code 0 and leaves whole batches alone."""
    with Shop(tmp_path, "--every", "1s") as going:
        seen = going.wait(4)
        code, said, _ = going.stop()
    assert code == 0
    assert seen[3] - seen[0] == pytest.approx(3, abs=0.9)
    assert not list(tmp_path.glob(".*"))
    batches = Counter(at(name) for name in files(tmp_path))
    assert set(batches.values()) == {len(TABLES)}
    assert said["batches"] == len(batches)
    assert sorted(said["files"]) == files(tmp_path)
    assert said["rows"] == sum(path.read_bytes().count(b"\n") - 1 for path in tmp_path.iterdir())


def test_a_running_shop_is_the_shop(tmp_path):
    """Its files have the bytes of those that `--files` writes at once."""
    with Shop(tmp_path, "--every", "1s", "--speed", "900", "--seed", "5") as going:
        going.wait(2)
        going.stop(signal.SIGINT)
    planned = {batch.name: batch for batch in shop(12, every="15m", start=START, seed=5).batches()}
    for name in files(tmp_path):
        assert (tmp_path / name).read_bytes() == planned[name].csv()


def test_speed_is_how_fast_its_clock_goes(tmp_path):
    """With --speed 60 the files of each second are a minute apart, and the orders' times with them."""
    with Shop(tmp_path, "--every", "1s", "--speed", "60") as going:
        going.wait(3)
        going.stop()
    names = files(tmp_path, "orders_2*")
    assert [at(name) for name in names] == [START + timedelta(minutes=number) for number in range(len(names))]
    for before, name in itertools.pairwise(names):
        with (tmp_path / name).open(newline="") as lines:
            assert all(at(before) <= datetime.fromisoformat(row["updated"]) < at(name) for row in csv.DictReader(lines))


@pytest.mark.parametrize("rate", [300, 4000])
def test_rate_is_rows_a_second(tmp_path, rate):
    """Several batches after the first one have the rows that are asked for, within a fifth."""
    with Shop(tmp_path, "--every", "1s", "--rate", str(rate)) as going:
        going.wait(4)
        going.stop()
    rows = Counter()
    for path in tmp_path.iterdir():
        rows[at(path.name)] += path.read_bytes().count(b"\n") - 1
    later = [rows[when] for when in sorted(rows)[1:]]
    assert sum(later) / len(later) == pytest.approx(rate, rel=0.2)


@pytest.mark.parametrize("rows", [100, 10_000])
def test_the_rate_stays(rows):
    """A thousand batches later a batch still has the rows that are asked for, and orders still move on."""
    counts = Counter()
    for batch in running_shop(timedelta(minutes=2), START, rows=rows, batches=1000).batches():
        counts[batch.at] += batch.rows
    later = list(counts.values())[1:]
    assert len(later) == 999
    for first in range(0, 990, 10):
        assert sum(later[first : first + 10]) / 10 == pytest.approx(rows, rel=0.2)


def test_it_starts_now(tmp_path):
    """Without --start its first file has the time at which it started."""
    before = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    with Shop(tmp_path, "--every", "1h", start=None) as going:
        going.wait(1)
        assert before <= at(files(tmp_path)[0]) <= datetime.now(UTC).replace(tzinfo=None)
        code, said, err = going.stop()
    assert (code, said["batches"], err) == (0, 1, "")


def test_a_watch_beside_it_publishes_orders_that_move_on(workspace):
    """The queue of a watched workspace is fed; each run publishes orders that are further than before."""
    ws = workspace()
    root, queue = str(ws.layout.root), ws.layout.root / "input" / "processing"
    config = run("--files", "1", "--with-config", "--start", "2023-12-31", "--workspace", root)
    assert config.returncode == 0, config.stderr
    with Watching(ws) as watch, Shop(queue, "--every", "1s", "--speed", "600", to=["--workspace", root]) as going:
        taken, states, until = set(), [], time.monotonic() + LONG
        while len(taken) < 4:
            assert time.monotonic() < until
            event = watch.next("run")["run"]
            done = {file["name"] for part in event["datasets"] for file in part["files"]}
            if new := {name for name in done if name.startswith("orders_2")}:
                taken |= new
                states.append(published(ws.layout.root))
        assert going.stop()[0] == 0
        assert watch.stop()[0] == 0
    assert len(states) > 1
    order = ["placed", "paid", "shipped", "delivered"]
    moved = 0
    for before, after in itertools.pairwise(states):
        assert before.keys() <= after.keys()
        for key in before:
            if before[key] in order and after[key] in order:
                assert order.index(after[key]) >= order.index(before[key])
            moved += before[key] != after[key]
    assert moved > 0


def published(root):
    """How far each order is that the driver has published."""
    (path,) = [path for path in root.glob("output/**/latest.csv") if path.parent.name == "orders"]
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return {row["order_id"]: row["status"] for row in csv.DictReader(lines)}


def test_a_batch_that_cannot_be_written_ends_it(tmp_path):
    """A file of the same name and other bytes is not replaced; nothing of that batch is left."""
    (tmp_path / "orders_20240101T000001.csv").write_text("mine\n")
    with Shop(tmp_path, "--every", "1s") as going:
        _, err = going.process.communicate(timeout=LONG)
    assert going.process.returncode == 2
    assert "is there already" in json.loads(err)["error"]["message"]
    assert {at(name) for name in files(tmp_path, "customers_*")} == {START}
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--speed", "60"], "--speed is for a shop that runs"),
        (["--rate", "5", "--every", "2m", "--files", "3"], "--rate is for a shop that runs"),
        (["--every", "2"], "is not a time like 90s"),
        (["--every", "0s"], "is not a time like 90s"),
        (["--every", "2m", "--speed", "0"], "--speed"),
        (["--every", "2m", "--rate", "0"], "a batch has 20 to 5,000,000 rows, not 0"),
        (["--every", "1s", "--rate", "nan"], "a batch has 20 to"),
        (["--every", "999999w", "--speed", "1000000"], "not within the years"),
        (["--every", "2m", "--dirty", "0.1"], "--dirty does not go with a source that runs"),
        (["--every", "2m", "--output", "-"], "--output - does not go with"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, options, words):
    """One sentence and code 2, and nothing is written."""
    done = run("--output", str(tmp_path), *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_files_and_every_write_at_once(tmp_path):
    """`--files` with `--every` writes all files and ends, as without a shop that runs."""
    assert run("--files", "3", "--every", "2h", "--output", str(tmp_path)).returncode == 0
    assert [at(name).hour for name in files(tmp_path, "orders_2*")] == [6, 8, 10]


def test_a_late_batch_does_not_make_the_next_one_late():
    """Batch n is due n intervals after the first one, whatever the others took."""
    now = [100.0]
    pace = Pace(10, lambda: now[0])
    assert pace.left(0) == 0
    now[0] = 127.0
    assert pace.left(1) == -17
    assert pace.left(2) == -7
    assert pace.left(3) == 3


def test_the_plan_has_an_end(tmp_path):
    """Where the years end nobody has to stop it: it says so, with code 0."""
    options = ["--every", "1s", "--speed", "1000000", "--start", "9999-12-01", "--table", "orders"]
    done = run(*options, "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "2 batches: " in done.stderr
    assert "this is all that can be planned of one shop" in done.stderr
    assert done.stderr.count("lies in the future") == 1
    assert len(files(tmp_path, "orders_*")) == len(files(tmp_path)) == 2


def test_a_batch_that_is_late(tmp_path):
    """Where the machine stood still, what is due comes at once, each batch whole, and a note says that it is late."""
    with Shop(tmp_path, "--every", "1s") as going:
        (first,) = going.wait(1)
        going.process.send_signal(signal.SIGSTOP)
        while time.monotonic() < first + 3.3:
            select.select([going.process.stdout], [], [], 0.1)
        going.process.send_signal(signal.SIGCONT)
        seen = going.wait(4)
        code, said, err = going.stop()
    assert code == 0
    assert seen[3] - first < 4.3, [when - first for when in seen]
    assert said["late"] >= 1
    assert err.count(" s late: ") == 1
    assert set(Counter(at(name) for name in files(tmp_path)).values()) == {len(TABLES)}


def test_a_second_signal_breaks_it_off(tmp_path):
    """A batch that takes long is taken away, and the code is that of the signal."""
    with Shop(tmp_path, "--every", "1h", "--rate", "1000") as going:
        until = time.monotonic() + LONG
        while not list(tmp_path.glob(".*.tmp")):
            assert time.monotonic() < until
            assert going.process.poll() is None
            select.select([going.process.stdout], [], [], 0.01)
        for _ in range(2):
            with contextlib.suppress(ProcessLookupError):
                going.process.send_signal(signal.SIGTERM)
            select.select([going.process.stdout], [], [], 0.1)
        going.process.communicate(timeout=LONG)
    assert going.process.returncode == 143
    assert not list(tmp_path.iterdir())
