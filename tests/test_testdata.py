"""The generator: what `generate_test_data.py` promises about its files, its bytes and its errors."""

import csv
import hashlib
import io
import itertools
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshotter.testdata import demo
from snapshotter.testdata.cells import numerals
from snapshotter.testdata.cli import main
from snapshotter.testdata.draws import Draws, below, mix, permute
from snapshotter.testdata.pools import PINNED, PoolChanged, load

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = [sys.executable, str(ROOT / "generate_test_data.py")]
START = datetime(2022, 1, 3, 9, 15)  # noqa: DTZ001  (files hold local times)
COLUMNS = ["id", "name", "email", "city", "amount", "quantity", "description", "timestamp"]
SMALL = ("--rows", "60", "--files", "3")


def generate(*options, env=None, **more):
    """Run the real program, without this session's SNAPSHOTTER_ variables."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SNAPSHOTTER_")}
    return subprocess.run(
        [*PROGRAM, *options], env=clean | (env or {}), capture_output=True, text=True, check=False, **more
    )


def digest(files):
    """One sha256 of names and bytes."""
    whole = hashlib.sha256()
    for name, content in files:
        whole.update(f"{name}:{len(content)}:".encode() + content)
    return whole.hexdigest()


def contents(folder):
    """Names and bytes of the files in a folder, by name."""
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]


def parsed(content):
    """The rows of a file, read by Python's own reader."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


def batch_time(name):
    """The time that a file's name says."""
    return datetime.strptime(name, "batch_%Y%m%dT%H%M%S.csv")  # noqa: DTZ007  (files hold local times)


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    """The folder of the default job, made once by the real program."""
    folder = tmp_path_factory.mktemp("default")
    assert generate("--output", str(folder)).returncode == 0
    return folder


@pytest.fixture(scope="module")
def drops(default):
    """The rows of the default job by file name, in order."""
    return {name: parsed(content) for name, content in contents(default)}


# What is in the default files


def test_default_bytes_never_change(default):
    """The default job gives the bytes that it gave when this digest was recorded."""
    assert digest(contents(default)) == "299d0deb2c6ef6ace5d138f1b62aa1b15614ec8074efee01938ee8c3cf79bcd8"


def test_bytes_of_dense_job_never_change():
    """So does a job with another seed, files of several parts, and keys that come often."""
    batches = demo(rows=150_000, keys=500, files=2, seed=7)
    assert (
        digest((batch.name, batch.csv()) for batch in batches)
        == "9b8a39e65309e88c4f823bdbe00e7a7673170f78e2f76035d929dd63e5ae8563"
    )


def test_default_counts(drops):
    """100,000 rows over the ids 1 to 30,000 in 50 files, as many in each."""
    ids = [int(row["id"]) for rows in drops.values() for row in rows]
    assert (len(drops), len(ids), {len(rows) for rows in drops.values()}) == (50, 100_000, {2000})
    assert set(ids) == set(range(1, 30_001))


def test_header(default):
    """Every file begins with the same header and holds the eight columns."""
    assert {content.split(b"\n")[0].decode() for _, content in contents(default)} == {",".join(COLUMNS)}


def test_files_come_one_to_two_weeks_apart(drops):
    """The first file comes at the start, the next ones 7 to 14 days after the one before, all of it used."""
    times = [batch_time(name) for name in drops]
    assert times[0] == START
    assert {(b - a).days for a, b in itertools.pairwise(times)} == set(range(7, 15))


def test_rows_lie_between_batches_in_order(drops):
    """Rows are in the order of time, none before the batch before, all before their own batch."""
    opens = START - timedelta(days=14)
    for name, rows in drops.items():
        closes = batch_time(name)
        stamps = [datetime.strptime(row["timestamp"], "%Y-%m-%dT%H:%M:%S") for row in rows]  # noqa: DTZ007
        assert stamps == sorted(stamps)
        assert opens <= stamps[0]
        assert stamps[-1] < closes
        opens = closes


def test_everything_is_in_the_past(drops):
    """No row is later than 2025, so none is a reject for being in the future."""
    assert max(row["timestamp"] for rows in drops.values() for row in rows) < "2026"


def test_person_is_the_same_everywhere(drops):
    """A key keeps name, e-mail and city in every file, and no two keys have one e-mail."""
    people = {(row["id"], row["name"], row["email"], row["city"]) for rows in drops.values() for row in rows}
    assert len(people) == len({email for _, _, email, _ in people}) == 30_000


def test_names_and_mails_agree(drops):
    """The e-mail is made of the person's name, where that is ASCII, and the id."""
    rows = next(iter(drops.values()))
    plain = [row for row in rows if re.fullmatch("[A-Z][a-z]+ [A-Z][a-z]+", row["name"])]
    assert len(plain) > 1500
    for row in plain:
        assert row["email"].split("@")[0] == row["name"].lower().replace(" ", ".") + row["id"]


def test_ids_come_again_with_new_descriptions(drops):
    """Most keys come in several files, some twice in one, and each time with another description."""
    files, texts = defaultdict(list), defaultdict(list)
    for name, rows in drops.items():
        for row in rows:
            files[row["id"]].append(name)
            texts[row["id"]].append(row["description"])
    assert sum(len(set(names)) > 1 for names in files.values()) > 20_000
    assert sum(len(set(names)) < len(names) for names in files.values()) > 1_000
    assert all(len(set(seen)) == len(seen) for seen in texts.values())


def test_cells_are_as_typed(drops):
    """Amounts have two decimals and quantities are small whole numbers, both of many values."""
    rows = [row for rows in drops.values() for row in rows]
    assert all(re.fullmatch(r"(0|[1-9]\d{0,3})\.\d\d", row["amount"]) for row in rows)
    assert {int(row["quantity"]) for row in rows} == {1, 2, 3, 4, 5, 6, 8, 10, 12, 20, 50}
    assert len({row["amount"] for row in rows}) > 10_000


def test_quoting_is_exercised_and_minimal(default, drops):
    """Commas, doubled quotes and letters beyond ASCII occur, and only cells that need quotes have them."""
    rows = [row for rows in drops.values() for row in rows]
    texts = [row["description"] for row in rows]
    assert sum("," in text for text in texts) > 10_000
    assert sum('"' in text for text in texts) > 1_000
    assert sum(not (row["name"] + row["city"]).isascii() for row in rows) > 1_000
    name, content = contents(default)[10]
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row.values() for row in drops[name])
    assert written.getvalue().encode() == content


# What holds for any arguments


@given(
    data=st.data(),
    rows=st.integers(1, 400),
    start=st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
    least=st.integers(1, 20),
    most=st.integers(0, 20),
    seed=st.integers(0, 2**64 - 1),
)
@settings(max_examples=60, deadline=None)
def test_any_job_keeps_its_promises(data, rows, start, least, most, seed):
    """Rows, keys, files, cadence and start are met, each key comes, and its rows differ in time and text."""
    keys, files = data.draw(st.integers(1, rows)), data.draw(st.integers(1, rows))
    start = start.replace(microsecond=0)
    cadence = (least, least + most)
    batches = demo(rows, keys, files, start=start, cadence_days=cadence, seed=seed)
    assert (len(batches), batches[0].at) == (files, start)
    assert all(least <= (b.at - a.at).days <= least + most for a, b in itertools.pairwise(batches))
    made = [row for batch in batches for row in parsed(batch.csv())]
    assert [batch.rows for batch in batches] == [len(parsed(batch.csv())) for batch in batches]
    assert {int(row["id"]) for row in made} == set(range(1, keys + 1))
    assert len({(row["id"], row["timestamp"]) for row in made}) == len(made) == rows
    assert len({(row["id"], row["description"]) for row in made}) == rows


def test_no_tie_where_seconds_are_shared():
    """With more rows than seconds in a day and hardly more keys than needed there is still no tie."""
    (batch,) = demo(rows=400_000, keys=5, files=1, cadence_days=(1, 1))
    lines = batch.csv().split(b"\n")[1:-1]
    assert len({(line.split(b",", 1)[0], line[-19:]) for line in lines}) == len(lines) == 400_000


def test_ties_that_cannot_be_avoided_are_refused():
    """With four keys, 400,000 rows in a day would have ties: that is an error."""
    with pytest.raises(ValueError, match="two versions of a key would have the same time"):
        demo(rows=400_000, keys=4, files=1, cadence_days=(1, 1))


def test_seed_changes_the_data():
    """Another seed gives other people, orders and dates."""
    (one, *_), (other, *_) = demo(rows=100, files=2, seed=1), demo(rows=100, files=2, seed=2)
    for column in set(COLUMNS) - {"id", "quantity"}:
        same = [a[column] == b[column] for a, b in zip(parsed(one.csv()), parsed(other.csv()), strict=True)]
        assert sum(same) < 10


def test_files_can_be_made_in_any_order():
    """A file's bytes do not depend on what was made before it."""
    forwards = [batch.csv() for batch in demo(rows=500, files=5)]
    backwards = [batch.csv() for batch in reversed(demo(rows=500, files=5))]
    assert forwards == backwards[::-1]


def test_frame_holds_what_the_file_holds():
    """The DataFrame of a batch has the cells of its file, in types that can be reckoned with."""
    batch = demo(rows=200, files=2)[1]
    frame, rows = batch.frame(), parsed(batch.csv())
    assert [str(dtype) for dtype in frame.dtypes] == list(batch.columns.values())
    assert frame["description"].tolist() == [row["description"] for row in rows]
    assert frame["amount"].map("{:.2f}".format).tolist() == [row["amount"] for row in rows]
    assert frame["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%S").tolist() == [row["timestamp"] for row in rows]


# Randomness that is the same everywhere


def philox(counter, key):
    """One block of Philox4x64-10, written down from the paper (SC 2011, section 4)."""
    c, k, mask = list(counter), list(key), (1 << 64) - 1
    for _ in range(10):
        high0, low0 = divmod(c[0] * 0xD2E7470EE14C6C93, 1 << 64)
        high1, low1 = divmod(c[2] * 0xCA5A826395121157, 1 << 64)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B97F4A7C15) & mask, (k[1] + 0xBB67AE8584CAA73B) & mask]
    return c


def test_draws_are_published_philox():
    """A stream is Philox4x64-10 with the key (seed, table and chunk) and the counter 1, 2, ..."""
    assert philox([0] * 4, [0] * 2)[0] == 0x16554D9ECA36314C  # the authors' known answer
    words = Draws(seed=2**64 - 3, table=5, chunk=9).words(8).tolist()
    key = [2**64 - 3, 5 << 48 | 9]
    assert words == philox([1, 0, 0, 0], key) + philox([2, 0, 0, 0], key)


@pytest.mark.parametrize("name", [(-1, 0, 0), (2**64, 0, 0), (0, 2**16, 0), (0, 0, 2**48), (0, 0, -1)])
def test_streams_out_of_range_are_refused(name):
    """Numbers that would run into another stream's name are refused."""
    with pytest.raises(ValueError, match="no stream has the name"):
        Draws(*name)


def test_mix_is_published_splitmix():
    """With key 0, the numbers 1, 2, 3 give the first outputs of SplitMix64 with the state 0."""
    words = mix(np.array([1, 2, 3], dtype=np.uint64), 0).tolist()
    assert words == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@given(size=st.integers(1, 3000), key=st.integers(0, 2**64 - 1))
@settings(max_examples=60, deadline=None)
def test_permute_is_a_shuffle(size, key):
    """Every place is taken once."""
    places = permute(np.arange(size, dtype=np.uint64), size, key)
    assert sorted(places.tolist()) == list(range(size))


def test_permute_shuffles():
    """Keys give different shuffles, and neighbours do not stay together."""
    numbers = np.arange(30_000, dtype=np.uint64)
    one, other = (permute(numbers, 30_000, key).astype(np.int64) for key in (1, 2))
    assert np.count_nonzero(one == other) < 30
    for shuffle in (one, other):
        assert len(np.unique(np.diff(shuffle))) > 15_000


@given(bound=st.integers(1, 2**32), words=st.lists(st.integers(0, 2**64 - 1), min_size=1))
def test_below_stays_below(bound, words):
    """Whatever the words, the numbers lie from 0 to the bound, and the ends can be reached."""
    ends = [0, 2**64 - 1]
    numbers = below(np.array(ends + words, dtype=np.uint64), bound).tolist()
    assert numbers[:2] == [0, bound - 1]
    assert all(0 <= number < bound for number in numbers)


@given(most=st.integers(1, 10**15), data=st.data())
def test_numerals_are_decimal(most, data):
    """Numerals are what Python writes, padded with NUL somewhere."""
    numbers = [most, 1, *data.draw(st.lists(st.integers(1, most)))]
    cells = numerals(np.array(numbers, dtype=np.uint64), most)
    assert [cell.replace(b"\0", b"").decode() for cell in cells.tolist()] == [str(n) for n in numbers]


# Pools


def test_pools_are_as_pinned():
    """Every pinned pool is there, unchanged."""
    assert all(load(name) for name in PINNED)


def test_changed_pool_is_refused(tmp_path):
    """One byte more, and the pool is refused by name: its data would differ from everybody else's."""
    (tmp_path / "demo-1.json").write_text('{"first": ["Eve"]}')
    with pytest.raises(PoolChanged, match=r"demo-1\.json has the sha256"):
        load("demo-1", tmp_path)


def test_missing_pool_is_named(tmp_path):
    """So is one that is not there."""
    with pytest.raises(PoolChanged, match=r"demo-1\.json cannot be read"):
        load("demo-1", tmp_path)


def test_freeze_makes_a_pool_and_never_changes_one(tmp_path):
    """The maintainer's command writes a pool like the present one and prints its pin, but only once."""
    command = [sys.executable, "-m", "snapshotter.testdata.freeze", "next-1", str(tmp_path)]
    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    content = (tmp_path / "next-1.json").read_bytes()
    assert first.stdout == f'    "next-1": "{hashlib.sha256(content).hexdigest()}",\n'
    made, present = json.loads(content), load("demo-1")
    assert {kind: len(texts) for kind, texts in made.items()} == dict.fromkeys(present, 2048)
    assert all(re.fullmatch("[a-z.-]+", text) for text in made["first_mail"] + made["last_mail"])
    assert len(set(made["phrase"])) == len(set(made["company"])) == 2048
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "FileExistsError" in again.stderr
    assert (tmp_path / "next-1.json").read_bytes() == content


# The command


def test_json_says_what_was_made(tmp_path):
    """`--json` gives one object on stdout, and nothing on stderr."""
    run = generate(*SMALL, "--keys", "20", "--seed", "4", "--output", str(tmp_path), "--json")
    said = json.loads(run.stdout)
    files = contents(tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert said.pop("seconds") > 0
    assert said == {
        "source": "demo",
        "seed": 4,
        "rows": 60,
        "keys": 20,
        "files": [name for name, _ in files],
        "bytes": sum(len(content) for _, content in files),
        "folder": str(tmp_path),
    }


def test_people_get_one_line(tmp_path):
    """Without `--json` stdout is empty and stderr says in one line what was made and where."""
    run = generate("--rows", "6000", "--files", "1", "--output", str(tmp_path))
    assert run.stdout == ""
    assert re.fullmatch(
        rf"6,000 rows over 1,800 keys in 1 file \(0\.\d MB\) in {tmp_path}, made in \d\.\d\d s\n", run.stderr
    )


def test_files_go_into_the_queue(tmp_path):
    """`--workspace`, the environment and the current folder name the workspace, in this order."""
    for name in ("option", "environment", "current"):
        (tmp_path / name / "input" / "processing").mkdir(parents=True)
    env = {"SNAPSHOTTER_WORKSPACE": str(tmp_path / "environment")}
    generate(*SMALL, "--workspace", str(tmp_path / "option"), env=env, cwd=tmp_path / "current")
    generate(*SMALL, env=env, cwd=tmp_path / "current")
    generate(*SMALL, cwd=tmp_path / "current")
    queues = [contents(tmp_path / name / "input" / "processing") for name in ("option", "environment", "current")]
    assert len(queues[0]) == 3
    assert queues[0] == queues[1] == queues[2]


def test_options_shape_the_files(tmp_path):
    """Start, cadence and number of files decide the names."""
    options = ("--start", "2024-02-28", "--cadence-days", "1", "1", "--files", "3", "--rows", "10")
    assert generate("demo", *options, "--output", str(tmp_path)).returncode == 0
    assert [name for name, _ in contents(tmp_path)] == [
        "batch_20240228T000000.csv",
        "batch_20240229T000000.csv",
        "batch_20240301T000000.csv",
    ]


def test_same_job_twice_changes_nothing(tmp_path):
    """Files that are there with the same bytes are not even touched."""
    generate(*SMALL, "--output", str(tmp_path))
    before = [(path.name, path.stat().st_mtime_ns, path.stat().st_ino) for path in sorted(tmp_path.iterdir())]
    assert generate(*SMALL, "--output", str(tmp_path)).returncode == 0
    assert before == [(path.name, path.stat().st_mtime_ns, path.stat().st_ino) for path in sorted(tmp_path.iterdir())]


def test_other_file_of_the_name_is_not_replaced(tmp_path):
    """A file with other bytes under one of the names stops the job, and nothing at all is written."""
    generate(*SMALL, "--output", str(tmp_path))
    last = max(tmp_path.iterdir())
    last.write_text("id,timestamp\n")
    min(tmp_path.iterdir()).unlink()
    before = contents(tmp_path)
    run = generate(*SMALL, "--output", str(tmp_path))
    assert (run.returncode, contents(tmp_path)) == (2, before)
    assert f"{last} is there already and is another file" in run.stderr
    assert "--force" in run.stderr


def test_force_replaces(tmp_path):
    """With `--force` it is replaced."""
    generate(*SMALL, "--output", str(tmp_path))
    good = contents(tmp_path)
    (tmp_path / good[1][0]).write_text("id,timestamp\n")
    assert generate(*SMALL, "--output", str(tmp_path), "--force").returncode == 0
    assert contents(tmp_path) == good


def test_folder_of_the_name_is_never_replaced(tmp_path):
    """Not even `--force` replaces a folder."""
    (tmp_path / "batch_20220103T091500.csv").mkdir()
    run = generate(*SMALL, "--output", str(tmp_path), "--force")
    assert run.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["batch_20220103T091500.csv"]


def test_failed_write_leaves_nothing(tmp_path):
    """Where the system refuses to write (here a limit on file size) there is a named error and no file."""
    run = generate(
        *("--rows", "20000", "--files", "2", "--output", str(tmp_path)),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert (run.returncode, list(tmp_path.iterdir())) == (18, [])
    assert "could not be written: File too large" in run.stderr


def test_interrupt_leaves_nothing(tmp_path):
    """Ctrl-C in the middle of the job ends it with 130 and takes away what was written."""
    job = subprocess.Popen([*PROGRAM, "--rows", "50000000", "--output", str(tmp_path)], stderr=subprocess.PIPE)
    while job.poll() is None and not any(tmp_path.iterdir()):
        pass
    job.send_signal(signal.SIGINT)
    _, said = job.communicate()
    assert (job.returncode, said, list(tmp_path.iterdir())) == (130, b"", [])


def test_future_files_are_pointed_out(tmp_path):
    """Files from the future are made, with a note, since their rows would be rejects."""
    run = generate(*SMALL, "--start", "2999-01-01", "--output", str(tmp_path))
    assert run.returncode == 0
    assert "lies in the future" in run.stderr


def test_terminal_shows_progress(tmp_path):
    """On a terminal there is a bar."""
    ours, theirs = pty.openpty()
    subprocess.run([*PROGRAM, *SMALL, "--output", str(tmp_path)], stderr=theirs, check=True)
    os.close(theirs)
    assert b"Making test data" in os.read(ours, 65_536)
    os.close(ours)


def test_only_what_is_needed_is_imported(tmp_path):
    """A job loads none of the heavy libraries: it starts fast, and Faker's version cannot matter."""
    script = (
        "import runpy, sys\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print(sorted({'duckdb', 'faker', 'numpy', 'pandas', 'pyarrow', 'rich'} & set(sys.modules)))"
    )
    setup = f"import sys; sys.argv = {[PROGRAM[1], *SMALL, '--output', str(tmp_path)]}\n"
    run = subprocess.run([sys.executable, "-c", setup + script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "['numpy']\n"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["nothing"], "there is no source 'nothing'. There is: demo"),
        (["--files", "0"], "'--files'"),
        (["--rows", "0"], "'--rows'"),
        (["--keys", "0"], "'--keys'"),
        (["--rows", "many"], "'--rows'"),
        (["--rows", "5", "--files", "6"], "rows (5) must be at least files (6)"),
        (["--rows", "60", "--keys", "61"], "keys (61) cannot be more than rows (60)"),
        (["--start", "yesterday"], "'--start'"),
        (["--start", "9999-12-01"], "leave the years 1 to 9999"),
        (["--cadence-days", "14", "7"], "the least (14) is more than the most (7)"),
        (["--cadence-days", "0", "7"], "must be at least 1 day"),
        (["--cadence-days", "1", "99999999999"], "more than 100 years"),
        (["--seed", "-1"], "seed must be from 0 to 2**64 - 1"),
        (["--workspace", "."], "has no input/processing/"),
        (["--output", "missing"], "there is no folder missing"),
        (["--output", "x" * 300], "there is no folder xxx"),
        (["--colour"], "--colour"),
    ],
)
def test_wrong_usage_is_one_line(tmp_path, monkeypatch, capsys, options, says):
    """What makes no sense ends with exit code 2 and one line that says why, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SNAPSHOTTER_WORKSPACE", raising=False)
    monkeypatch.setattr(sys, "argv", ["generate_test_data.py", *options])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    assert (end.value.code, said.out, list(tmp_path.iterdir())) == (2, "", [])
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert says in said.err


def test_json_errors(tmp_path):
    """With `--json` an error is an object on stderr, and stdout is empty."""
    run = generate("--json", cwd=tmp_path)
    error = json.loads(run.stderr)["error"]
    assert (run.returncode, run.stdout) == (2, "")
    assert (error["code"], error["name"]) == (2, "NoWorkspace")
    assert "snapshotter init" in error["hint"]


def test_damaged_installation_is_one_line(tmp_path):
    """A pool that was tampered with ends in one line, not in a traceback and not in other data."""
    script = (
        "import sys\n"
        "from snapshotter.testdata import cli, pools\n"
        "pools.PINNED['demo-1'] = 'another'\n"
        f"sys.argv = ['generate_test_data.py', '--output', {str(tmp_path)!r}]\n"
        "cli.main()"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, list(tmp_path.iterdir()), run.stderr.count("\n")) == (2, [], 1)
    assert "has the sha256" in run.stderr


def test_help_names_every_option():
    """`--help` tells what can be said, and the exit codes."""
    said = generate("--help").stdout
    for word in (
        "--rows",
        "--keys",
        "--files",
        "--start",
        "--cadence-days MIN MAX",
        "--seed",
        "--workspace DIR",
    ):
        assert word in said
    for word in ("--output DIR", "--force", "--json", "EXIT STATUS", "demo"):
        assert word in said
