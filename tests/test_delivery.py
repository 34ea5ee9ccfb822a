"""Delivery: whole files or none, the same bytes however many make them, in each form and on each kind of bad disk."""

import gzip
import io
import itertools
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime

import duckdb
import pytest
import zstandard
from conftest import ROOT
from linked import CUSTOMERS, NOTES, ORDERS, linked

from snapshotter.errors import NotWritten, UsageError
from snapshotter.testdata import Batch, Field, Table, demo
from snapshotter.testdata.delivery import deliver
from snapshotter.testdata.demo import TABLE
from snapshotter.testdata.formats import FORMATS
from snapshotter.testdata.making import made
from snapshotter.testdata.streaming import stream

PROGRAM = [sys.executable, str(ROOT / "generate_test_data.py")]
BIG = {"rows": 150_000, "keys": 500, "files": 2, "seed": 7}  # files of several parts
NOON = datetime(2024, 1, 1, 12)  # noqa: DTZ001  (files hold local times)


def contents(folder):
    """Names and bytes of the files in a folder, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def one(text, name="a.csv", **more):
    """A batch of one column `id` and of these records."""
    columns = {"id": "str"}
    return Batch(name=name, at=NOON, rows=text.count(b"\n"), columns=columns, parts=[lambda: text], **more)


def made_elsewhere(part):
    """A part, as a process of its own makes it."""
    return part()


# The same bytes


def test_threads_do_not_change_bytes(tmp_path):
    """One thread, two and seven write the same files in every form."""
    for form in FORMATS.values():
        found = []
        for threads in (1, 2, 7):
            folder = tmp_path / f"{form.suffix}{threads}"
            folder.mkdir()
            deliver(demo(**BIG), [TABLE], folder, form=form, threads=threads)
            found.append(contents(folder))
        assert found[0] == found[1] == found[2]
        assert len(found[0]) == 2


def test_processes_make_the_same_bytes():
    """Parts can be sent to other processes, and made there in any order."""
    parts = [part for batch in demo(**BIG) for part in batch.parts]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        backwards = pool.map(made_elsewhere, parts[::-1], chunksize=2)
    assert backwards[::-1] == [part() for part in parts]


def test_forms_hold_the_same_rows(tmp_path):
    """What comes out of a packed file is the CSV, also for readers that stop after the first member or frame."""
    batches = demo(**BIG)
    for name in ("csv", "csv.gz", "csv.zst"):
        deliver(batches, [TABLE], tmp_path, form=FORMATS[name])
    for batch in batches:
        text, path = batch.csv(), tmp_path / batch.name
        assert path.read_bytes() == text
        assert gzip.decompress(path.with_suffix(".csv.gz").read_bytes()) == text
        subprocess.run(["gzip", "--test", str(path.with_suffix(".csv.gz"))], check=True)
        with zstandard.ZstdDecompressor().stream_reader(path.with_suffix(".csv.zst").read_bytes()) as frame:
            assert frame.read() == text


def test_gzip_says_neither_name_nor_time(tmp_path):
    """The header of a packed file is the same for each: no name, no time."""
    deliver([one(b"1\n"), one(b"2\n", "b.csv")], [TABLE], tmp_path, form=FORMATS["csv.gz"])
    assert {content[:10].hex() for content in contents(tmp_path).values()} == {"1f8b08000000000000ff"}


def test_parquet_has_the_types_of_the_table(tmp_path):
    """Each column has its declared type, empty cells are null, and the rows are those of the CSV in their order."""
    source = linked(days=2)
    deliver(source.batches(), source.tables, tmp_path, form=FORMATS["parquet"])
    types = {
        "order_id": "UUID",
        "line": "BIGINT",
        "customer_id": "BIGINT",
        "price": "DECIMAL(8,2)",
        "weight": "DOUBLE",
        "gift": "BOOLEAN",
        "day": "DATE",
        "at": "TIMESTAMP",
    }
    orders = duckdb.read_parquet(str(tmp_path / "orders_20240302.parquet"))
    assert dict(zip(orders.columns, map(str, orders.types), strict=True)) == types
    customers = duckdb.read_parquet(str(tmp_path / "customers_20240301.parquet")).fetchall()
    assert [row[:3] for row in customers[:2]] == [(1, "N, 0", None), (2, "N, 1", "c1@example.com")]
    assert [row[0] for row in customers] == list(range(1, 7))


def test_parquet_refuses_cells_of_another_type(tmp_path):
    """A cell that is not of its column's type is an error that names the file, not the cell, and nothing is left."""
    table = Table(name="default", match="*.csv", key=("id",), timestamp="at", fields={"id": Field(type="integer")})
    with pytest.raises(UsageError, match=r"a\.csv has cells that are not of their column's type") as error:
        deliver([one(b"1\nsecret\n")], [table], tmp_path, form=FORMATS["parquet"])
    assert "secret" not in str(error.value)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("name", FORMATS)
def test_file_without_rows(tmp_path, name):
    """A batch of no parts is a file with a header alone, and counts."""
    batch = replace(one(b""), parts=[])
    told = []
    done = deliver([batch], [TABLE], tmp_path, form=FORMATS[name], progress=told.append)
    assert (done.rows, sum(told), [*contents(tmp_path)]) == ({"default": 0}, 0, [f"a.{name}"])


# How parts are made


def test_only_some_parts_are_made_ahead():
    """However many parts a file has, only a few are made before somebody takes them."""
    count = itertools.count()
    parts = [lambda: str(next(count)).encode()] * 1000
    asked = iter([replace(one(b""), parts=parts), replace(one(b""), parts=parts)])
    files = made(asked, bytes, threads=2)
    _, chunks = next(files)
    assert next(chunks) == (b"id\n", 0)
    files.close()
    assert next(count) < 20
    assert next(asked, None) is not None


def test_progress_adds_up():
    """What is told while a file is written is all of its rows, bit by bit."""
    told = []
    stream(demo(**BIG), io.BytesIO(), progress=told.append)
    assert sum(told) == BIG["rows"]
    assert len([rows for rows in told if rows]) > 4


def test_failure_of_a_part_ends_the_delivery(tmp_path):
    """An error of a part comes out as it is, the threads end, and nothing is left."""

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        deliver([one(b"1\n"), replace(one(b""), name="b.csv", parts=[fail])], [TABLE], tmp_path)
    assert contents(tmp_path) == {}
    for thread in [thread for thread in threading.enumerate() if thread.name.startswith("part")]:
        thread.join(timeout=60)  # it has said that it ends
        assert not thread.is_alive()


# All or none


def test_one_name_twice_is_refused(tmp_path):
    """Two files of one name cannot be in one folder: an error, not the last one."""
    with pytest.raises(UsageError, match=r"two files of one delivery have the name a\.csv; nothing was written"):
        deliver([one(b"1\n"), one(b"2\n")], [TABLE], tmp_path)
    assert contents(tmp_path) == {}


def test_files_beside_come_first_and_together(tmp_path):
    """A file beside (the configuration) that is there with other bytes stops everything before a row is made."""
    beside = tmp_path / "config"
    beside.write_text("other")

    def never():
        raise AssertionError

    batches = [replace(one(b""), parts=[never])]
    with pytest.raises(UsageError, match="config is there already and is another file"):
        deliver(batches, [TABLE], tmp_path, beside={beside: b"mine"}, threads=1)
    assert contents(tmp_path) == {"config": b"other"}
    deliver([one(b"1\n")], [TABLE], tmp_path, beside={beside: b"mine"}, force=True)
    assert contents(tmp_path) == {"a.csv": b"id\n1\n", "config": b"mine"}


def test_delivery_outside_the_main_thread(tmp_path):
    """Signals are the main thread's; a delivery of another thread works as well."""
    thread = threading.Thread(target=deliver, args=([one(b"1\n")], [TABLE], tmp_path))
    thread.start()
    thread.join()
    assert contents(tmp_path) == {"a.csv": b"id\n1\n"}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt_leaves_nothing(tmp_path, name, sent, code):
    """Ctrl-C and SIGTERM in the middle of a job end it at once, without a word, and nothing is left."""
    command = [*PROGRAM, "--rows", "20000000", "--format", name, "--output", str(tmp_path)]
    job = subprocess.Popen(command, stderr=subprocess.PIPE)
    while job.poll() is None and not any(tmp_path.iterdir()):
        pass
    job.send_signal(sent)
    _, said = job.communicate(timeout=60)
    assert (job.returncode, said, contents(tmp_path)) == (code, b"", {})


def test_interrupt_while_names_are_given(tmp_path):
    """A Ctrl-C that comes when the first file has its name waits until the last one has."""
    names = [f"{i}.csv" for i in range(20)]

    class Interrupting(type(tmp_path)):
        """A path whose file gets its name just when somebody presses Ctrl-C."""

        def replace(self, target):
            signal.raise_signal(signal.SIGINT)
            return super().replace(target)

    with pytest.raises(KeyboardInterrupt):
        deliver([one(b"1\n", name) for name in names], [TABLE], Interrupting(tmp_path))
    assert sorted(contents(tmp_path)) == sorted(names)


# To a stream


def test_stream_has_one_header():
    """All files of a table are one CSV on a stream, in order."""
    out = io.BytesIO()
    batches = demo(rows=50, files=5)
    done = stream(batches, out, threads=2)
    assert out.getvalue() == batches[0].header() + b"".join(batch.csv().split(b"\n", 1)[1] for batch in batches)
    assert (done.rows, done.size) == ({"default": 50}, sum(len(batch.csv()) for batch in batches))


def test_stream_refuses_other_columns():
    """A file with other columns than the first one ends the stream with an error, after whole rows."""
    out = io.BytesIO()
    other = replace(one(b"2\n"), name="b.csv", columns={"key": "str"})
    with pytest.raises(UsageError, match=r"b\.csv has other columns than the files before it"):
        stream([one(b"1\n"), other], out)
    assert out.getvalue() == b"id\n1\n"


def test_full_stream_is_a_named_error():
    """A stream that takes no more (/dev/full) is NotWritten, not a traceback."""
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(NotWritten, match="stdout could not be written"):  # noqa: PTH123
        stream([one(b"1\n")], full)


def test_limit_on_file_size(tmp_path):
    """A limit on the size of files (here for Parquet) is a named error that leaves nothing, too."""
    run = subprocess.run(
        [*PROGRAM, "--rows", "20000", "--files", "2", "--format", "parquet", "--output", str(tmp_path)],
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},  # its data are larger
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert (run.returncode, contents(tmp_path)) == (18, {})
    assert "could not be written: File too large" in run.stderr
    assert run.stderr.count("\n") == 1


def test_tables_of_the_helper_are_all_delivered(tmp_path):
    """Files of several tables go into one folder and are counted by table."""
    source = linked(days=2)
    done = deliver(source.batches(), source.tables, tmp_path)
    assert done.rows == {CUSTOMERS.name: 12, ORDERS.name: 12, NOTES.name: 12}
    assert done.names == [
        f"{name}_{day}.csv" for day in ("20240301", "20240302") for name in ("customers", "orders", "notes")
    ]
    assert done.size == sum(os.path.getsize(tmp_path / name) for name in done.names)  # noqa: PTH202
