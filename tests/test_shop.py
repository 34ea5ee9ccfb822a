"""The shop that runs: a batch at each interval until it is stopped, and never half a file."""

import csv
import itertools
import json
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLES = {"customers", "products", "orders", "order_lines"}
PATIENCE = 60  # seconds; a loaded machine is slow, a broken program never comes


@contextmanager
def running(folder, *options):
    """The shop as a process that writes into a folder."""
    command = [sys.executable, str(ROOT / "generate_test_data.py"), "shop", *options, "--output", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def batches(folder):
    """The times of the batches that are there, with the files of each."""
    found = defaultdict(set)
    for path in folder.glob("*.csv"):
        table, time_ = re.fullmatch(r"([a-z_]+)_(\d{8}T\d{6})\.csv", path.name).groups()
        found[datetime.strptime(time_, "%Y%m%dT%H%M%S")].add(table)  # noqa: DTZ007
    return dict(sorted(found.items()))


def wait(condition):
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_batches_come_until_it_is_stopped(tmp_path, number):
    """A batch at each interval; a signal ends it in order: exit code 0, whole files, a line that sums up."""
    with running(tmp_path, "--every", "1s") as shop:
        wait(lambda: len(batches(tmp_path)) >= 3)
        shop.send_signal(number)
        said = shop.communicate(timeout=PATIENCE)[1]
    found = batches(tmp_path)
    assert shop.returncode == 0
    assert f"stopped after {len(found)} batches:" in said
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    times = list(found)
    assert {(b - a).total_seconds() for a, b in itertools.pairwise(times)} == {1}
    assert all(tables >= {"orders", "order_lines"} for tables in found.values())
    assert all(path.read_bytes().endswith(b"\n") for path in tmp_path.iterdir())


def test_the_clock_of_the_shop_goes_faster(tmp_path):
    """With `--speed 600` each second of ours is ten minutes of the shop's."""
    with running(tmp_path, "--every", "1s", "--speed", "600", "--start", "2024-03-01", "--json") as shop:
        wait(lambda: len(batches(tmp_path)) >= 3)
        shop.send_signal(signal.SIGTERM)
        said = json.loads(shop.communicate(timeout=PATIENCE)[0])
    times = list(batches(tmp_path))
    assert times[0] == datetime(2024, 3, 1)  # noqa: DTZ001
    assert {(b - a).total_seconds() for a, b in itertools.pairwise(times)} == {600}
    assert (said["batches"], said["files"]) == (len(times), len(list(tmp_path.iterdir())))


def test_the_rate_is_about_what_is_asked_for():
    """As soon as as many orders end as come, a batch has about the rows of its interval."""
    from snapshotter.testdata.cli.shop import command

    planned = command(every="2s", rate=400, start=datetime(2024, 1, 1))  # noqa: DTZ001
    rows = defaultdict(int)
    for batch in planned.source.batches():
        rows[batch.at] += batch.rows
        if len(rows) > 40:
            break
    later = list(rows.values())[12:-1]
    assert planned.every == 2
    assert 0.85 < sum(later) / len(later) / 800 < 1.15


def test_orders_move_on_in_what_is_published(tmp_path):
    """A `snapshotter watch` beside it takes batch after batch, and orders of `latest.csv` go their way."""
    queue = tmp_path / "input" / "processing"
    queue.mkdir(parents=True)
    (tmp_path / "output").mkdir()
    shop = [sys.executable, str(ROOT / "generate_test_data.py"), "shop", "--every", "1s", "--with-config"]
    watch = [sys.executable, str(ROOT / "driver.py"), "watch", "--settle", "0.2", "--poll", "0.5"]

    def statuses():
        path = tmp_path / "output" / "orders" / "latest.csv"
        if not path.exists():
            return set()
        with path.open(newline="") as file:
            return {row["status"] for row in csv.DictReader(file)}

    options = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*shop, "--speed", "60"], **options) as shopping:
        wait(lambda: (tmp_path / "snapshotter.toml").exists() and len(list(queue.iterdir())) >= 4)
        with subprocess.Popen(watch, **options) as watching:
            try:
                wait(lambda: statuses() >= {"placed", "paid", "shipped", "delivered"})
            finally:
                for process in (shopping, watching):
                    process.send_signal(signal.SIGTERM)
            assert (shopping.wait(PATIENCE), watching.wait(PATIENCE)) == (0, 0)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--speed", "5"), "are for a shop that runs"),
        (("--rate", "5", "--files", "3", "--every", "1s"), "are for a shop that runs"),
        (("--every", "soon"), "'soon' is not a time like 90s"),
        (("--every", "1s", "--rate", "0"), "--rate"),
        (("--every", "1s", "--dirty", "0.1"), "has no last one"),
    ],
)
def test_what_a_shop_cannot_do_is_said(tmp_path, options, problem):
    """An option that makes no sense is an error, and nothing is written."""
    with running(tmp_path, *options) as shop:
        said = shop.communicate(timeout=PATIENCE)[1]
    assert (shop.returncode, problem in said) == (2, True)
    assert not list(tmp_path.iterdir())
