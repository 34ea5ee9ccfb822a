"""The source `crm`: ten linked tables, people who are there twice, days that go on, tracer rows, archival."""

import csv
import io
import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from snapshotter.testdata import CrmSettings, crm

ROOT = Path(__file__).resolve().parents[1]
TABLES = {
    *("online_customers", "online_transactions", "pos_customers", "pos_transactions", "loyalty_members"),
    *("email_campaigns", "clickstream", "mobile_events", "wifi_sessions", "safety_inspections"),
}
SMALL = {"customers": 400, "duplicate_rate": 15.0}


def parsed(content):
    """The rows of a file, read by Python's own reader."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


def made(folder=None, **settings):
    """The rows of each table of a day, and what is told of the customers."""
    day = crm(CrmSettings(**(SMALL | settings)), folder)
    batches = {batch.table: batch for batch in day.source.batches()}
    rows = {table: parsed(batch.csv()) for table, batch in batches.items()}
    assert {table: len(found) for table, found in rows.items()} == {t: batch.rows for t, batch in batches.items()}
    return day, rows, batches["online_customers"].labels()


def days(folder, count, **settings):
    """The rows of each table over some days, each finished before the next."""
    found = defaultdict(list)
    for _ in range(count):
        day, rows, _ = made(folder, mode="append", **settings)
        for table, some in rows.items():
            found[table] += some
        day.finish(folder)
    return found


def call(folder, *options, codes=(0,)):
    """Run the real program in a working folder."""
    command = [sys.executable, str(ROOT / "generate_test_data.py"), "crm", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in codes, done.stderr
    return done


@pytest.fixture(scope="module")
def first():
    """The first day."""
    return made()


# Ten linked tables


@pytest.mark.parametrize("count", [1, 3])
def test_every_link_leads_to_a_row(tmp_path, count):
    """All ten tables carry `customer_id`, each one of an online customer; receipts lead to customers of the tills."""
    found = days(tmp_path, count)
    customers = {row["customer_id"] for row in found["online_customers"]}
    tills = {row["pos_customer_id"]: row["customer_id"] for row in found["pos_customers"]}
    assert set(found) == TABLES
    for table, rows in found.items():
        assert rows
        assert {row["customer_id"] for row in rows} <= customers, table
    assert all(tills[row["pos_customer_id"]] == row["customer_id"] for row in found["pos_transactions"])


def test_ids_go_on_from_day_to_day(tmp_path):
    """With `append` no id is given twice, and those of the next day follow those of the last."""
    found = days(tmp_path, 3)
    for table in TABLES - {"online_customers"}:
        ids = [next(iter(row.values())) for row in found[table]]
        assert ids == sorted(set(ids)), table
        assert int(ids[-1][1:]) == len(ids)
    fresh = [row for row in found["online_customers"] if row["registered_at"] == row["updated_at"]]
    assert sorted(row["customer_id"] for row in fresh) == [f"C{number:08}" for number in range(1, 1381)]
    assert len(found["online_customers"]) == 1380 + 4 + 9  # one of a hundred changes on the next day


def test_days_are_the_same_however_they_are_reached(tmp_path):
    """The third day has the bytes that it has in another folder with another life."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        days(folder, 2)
    days(there, 1)
    crm(CrmSettings(**SMALL), there).finish(there)  # began anew
    days(there, 1)
    one, other = (made(folder, mode="append")[1] for folder in (here, there))
    assert one == other


def test_what_may_differ_from_day_to_day_changes_nothing_else(tmp_path):
    """Days with other transactions, or with tables turned off, do not change what comes after them."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, differing in (here, {}), (there, {"transactions": "daily", "without": ["clickstream"]}):
        folder.mkdir()
        days(folder, 1)
        days(folder, 1, **differing)
    one, other = (made(folder, mode="append")[1] for folder in (here, there))
    assert one == other


def test_tables_that_are_turned_off_are_missed_by_none():
    """The others keep every byte, so all links of theirs."""
    _, all_ten, _ = made()
    without = ["pos_customers", "pos_transactions", "email_campaigns", "wifi_sessions"]
    _, rest, _ = made(without=without)
    assert rest == {table: rows for table, rows in all_ten.items() if table not in without}


@pytest.mark.parametrize("which", ["full", "daily"])
def test_transactions_lie_where_they_should(which):
    """1 to N for each customer, after the registration, over five years or the last 24 hours."""
    _, rows, _ = made(transactions=which, max_transactions=3)
    registered = {row["customer_id"]: row["registered_at"] for row in rows["online_customers"]}
    end = datetime(2024, 5, 1)  # noqa: DTZ001
    since = end - (timedelta(days=5 * 365) if which == "full" else timedelta(days=1))
    counts = Counter(row["customer_id"] for row in rows["online_transactions"])
    assert counts.keys() == registered.keys()
    assert set(counts.values()) == {1, 2, 3}
    times = [(row["customer_id"], row["ordered_at"]) for row in rows["online_transactions"]]
    assert all(at >= registered[customer] for customer, at in times)
    assert all(since <= datetime.fromisoformat(at) < end for _, at in times)


def test_what_is_reckoned_is_right(first):
    """Amounts, taxes and outcomes follow from what stands beside them."""
    _, rows, _ = first
    for row in rows["online_transactions"]:
        assert f"{int(row['quantity']) * float(row['unit_price']):.2f}" == row["amount"]
    assert {(row["outcome"], row["opened_after"] != "") for row in rows["email_campaigns"]} == {
        *(("delivered", False), ("bounced", False), ("opened", True), ("clicked", True)),
    }
    assert all((int(row["score"]) >= 60) == (row["outcome"] == "passed") for row in rows["safety_inspections"])


def test_other_systems_have_their_people_from_the_first(first):
    """A member of the club is the online customer, but for the slips of the club's own."""
    _, rows, _ = first
    customers = {row["customer_id"]: row for row in rows["online_customers"]}
    same = Counter()
    for row in rows["pos_customers"]:
        customer = customers[row["customer_id"]]
        same[row["full_name"] == f"{customer['first_name']} {customer['last_name']}"] += 1
    for row in rows["loyalty_members"]:
        customer = customers[row["customer_id"]]
        same[all(row[name] == customer[name] for name in ("first_name", "last_name", "date_of_birth"))] += 1
    assert 0.02 < same[False] / same.total() < 0.25
    assert len({row["customer_id"] for row in rows["pos_customers"]}) == 240
    assert len({row["customer_id"] for row in rows["loyalty_members"]}) == 160


# Duplicates


def test_duplicates_are_persons_with_slips(first):
    """A duplicate is told whose it is and what is wrong, and differs from the first row of the person just there."""
    _, rows, labels = first
    customers = rows["online_customers"]
    originals = {
        int(who): row for who, row, done in zip(labels["who"], customers, labels["done"], strict=True) if not done
    }
    found = Counter()
    for who, row, done in zip(labels["who"].tolist(), customers, labels["done"].tolist(), strict=True):
        if not done:
            continue
        assert done.startswith("duplicate")
        original = originals[int(who)]
        wrong = {name for name in row if row[name] != original[name]}
        slips = {slip.partition(":")[0] for slip in done.split()[1:]}
        assert wrong - {"customer_id", "marketing_consent", "registered_at", "updated_at"} == slips
        found[len(slips)] += 1
    assert 40 < found.total() < 80
    assert found[1] + found[2] > 0.6 * found.total()


@pytest.mark.parametrize("rate", [0.0, 5.0, 50.0, 100.0])
def test_the_rate_of_duplicates_is_kept(rate):
    """For a hundred customers there are so many rows of somebody who is there already, within four deviations."""
    _, _, labels = made(customers=5000, duplicate_rate=rate, without=[*(TABLES - {"online_customers"})])
    twice = sum(done.startswith("duplicate") for done in labels["done"].tolist())
    assert len(labels["done"]) == 5000 + 50 * rate
    assert abs(twice - 50 * rate) <= 4 * (50 * rate) ** 0.5


def test_the_rate_varies_as_far_as_is_said():
    """With a variance the rate is drawn from those around it, by the seed, and the rows are as many as it says."""
    only = {"customers": 1000, "without": [*(TABLES - {"online_customers"})], "duplicate_variance": 10.0}
    counts = {len(made(seed=seed, **only)[1]["online_customers"]) for seed in range(12)}
    assert len(counts) > 8
    assert 1050 <= min(counts) < 1100
    assert 1200 < max(counts) <= 1250


def test_weights_decide_what_goes_wrong():
    """With weights of one's own, a column has these mistakes alone."""
    weights = {"first_name": {"upper": 1}, "last_name": {"swapped": 1}}
    _, _, labels = made(customers=3000, weights=weights)
    slips = Counter(
        slip for done in labels["done"].tolist() for slip in done.split() if slip.startswith(("first", "last"))
    )
    assert slips["first_name:upper"] > 50
    assert slips["last_name:swapped"] > 50
    assert set(slips) <= {"first_name:upper", "last_name:swapped", "last_name:married"}


# Settings


def test_settings_stand_in_the_working_folder(tmp_path):
    """`testdata.toml` sets, and the command line sets otherwise."""
    (tmp_path / "out").mkdir()
    (tmp_path / "testdata.toml").write_text(
        '[crm]\ncustomers = 70\nwithout = ["clickstream"]\nseed = 3\ntimer = true\n'
    )
    said = json.loads(call(tmp_path, "--output", "out", "--seed", "4", "--json").stdout)
    assert (said["seed"], said["day"], said["tables"]["online_customers"]) == (4, 0, 70)
    assert set(said["tables"]) == set(said["timer"]) == TABLES - {"clickstream"}
    assert "timer" not in json.loads(call(tmp_path, "--output", "out", "--seed", "4", "--no-timer", "--json").stdout)


@pytest.mark.parametrize(
    ("text", "options", "problem"),
    [
        ("[crm]\ncustomer = 5\n", (), "testdata.toml, line 2: customer is no setting; did you mean customers? There"),
        ("[crm]\n\n customers=0\n", (), "testdata.toml, line 3: customers: input should be greater than or equal to 1"),
        ("[crm]\nmode = 'add'\n", (), "testdata.toml, line 2: mode: input should be 'truncate' or 'append'"),
        ("crm = {seed = 1, date = 1}\n", (), "testdata.toml: date: input should be a valid date"),
        ("# mine\n[cmr]\n", (), "testdata.toml, line 2: cmr: there is no such thing; there is [crm]"),
        ("crm = 3\n", (), "testdata.toml, line 1: crm: it is a section: [crm]"),
        ("[crm\n", (), "testdata.toml: "),
        ("", ("--date", "2011-12-31"), "date: input should be greater than or equal to 2012-01-01"),
        ("", ("--duplicate-rate", "101"), "duplicate_rate: input should be less than or equal to 100"),
        ("", ("--duplicate-rate", "-1"), "duplicate_rate: input should be greater than or equal to 0"),
        ("", ("--customers", "-5"), "customers: input should be greater than or equal to 1"),
        ("", ("--without", "click"), "without: there is no table 'click'"),
        ("", ("--without", "pos_customers"), "without: pos_transactions needs pos_customers"),
        ("[crm.weights.first_name]\nloud = 3\n", (), "testdata.toml, line 1: weights: first_name: "),
        ("[crm]\n[crm.weights.shoe]\ntypo = 3\n", (), "testdata.toml, line 2: weights: no field with a role is called"),
    ],
)
def test_what_cannot_be_set_is_said(tmp_path, text, options, problem):
    """An unknown setting, a rate outside 0 to 100, a table that another one needs: an error, and no file."""
    (tmp_path / "out").mkdir()
    (tmp_path / "testdata.toml").write_text(text)
    done = call(tmp_path, "--output", "out", *options, codes=(2,))
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "out").iterdir())


# Append


def test_another_version_is_not_gone_on_with(tmp_path):
    """Days that were made by another version, or with other settings, are not appended to; nothing is changed."""
    (tmp_path / "out").mkdir()
    call(tmp_path, "--customers", "20", "--output", "out")
    state = tmp_path / ".testdata.json"
    before = state.read_text()
    done = call(tmp_path, "--customers", "21", "--mode", "append", "--output", "out", codes=(2,))
    assert "made with another customers: 20, not 21" in done.stderr
    more = ("--customers", "20", "--max-transactions", "2")  # other counts: ids that were given would come again
    done = call(tmp_path, *more, "--mode", "append", "--output", "out", codes=(2,))
    assert "made with another max_transactions: 5, not 2" in done.stderr
    state.write_text(before.replace(json.loads(before)["made_by"], "0" * 16))
    done = call(tmp_path, "--customers", "20", "--mode", "append", "--output", "out", codes=(2,))
    assert "made by another version" in done.stderr
    for text in ("", "[]", '{"runs": "x"}', '{"days": -1}', '{"years": 1}'):
        state.write_text(text)
        done = call(tmp_path, "--customers", "20", "--output", "out", codes=(2,))
        assert "is not what this program writes" in done.stderr
    assert len(list((tmp_path / "out").iterdir())) == len(TABLES)


# Tracer


def trace(folder, name="mine.csv", **cells):
    """Put a tracer row into a working folder, with the columns of a customer in another order."""
    columns = list(made()[1]["online_customers"][0])
    row = {"customer_id": "TRACER-1", "first_name": "Trace, the", "registered_at": "2024-04-30T12:00:00"}
    row = dict.fromkeys(sorted(columns), "") | row | {"updated_at": "2024-04-30T12:00:00"} | cells
    (folder / "tracer").mkdir(exist_ok=True)
    with (folder / "tracer" / name).open("w", newline="") as file:
        csv.writer(file).writerows([row.keys(), row.values()])


def tracers(folder):
    """The tracer rows of all delivered files."""
    files = sorted((folder / "out").glob("online_customers_*.csv"))
    rows = [row for path in files for row in parsed(path.read_bytes())]
    return [(row["customer_id"], row["first_name"]) for row in rows if row["customer_id"].startswith("TRACER")]


def test_a_tracer_is_eaten_once(tmp_path):
    """Hand-made rows come into one run's customers, and then are put away; the same file again is another tracer."""
    (tmp_path / "out").mkdir()
    options = ("--customers", "20", "--output", "out", "--mode", "append")
    trace(tmp_path)
    call(tmp_path, *options)
    assert tracers(tmp_path) == [("TRACER-1", "Trace, the")]
    assert [path.name for path in (tmp_path / "tracer").glob("*.csv")] == []
    call(tmp_path, *options)
    assert len(tracers(tmp_path)) == 1
    trace(tmp_path)
    call(tmp_path, *options)
    assert len(tracers(tmp_path)) == 2


@pytest.mark.parametrize("moved", [False, True])
def test_a_run_that_was_stopped_eats_no_row_twice(tmp_path, moved):
    """Stopped after the delivery, before or after its rows were put away, the run is made again with the same bytes."""
    (tmp_path / "out").mkdir()
    options = ("--customers", "20", "--output", "out", "--mode", "append")
    trace(tmp_path)
    call(tmp_path, *options)
    (tmp_path / ".testdata.json").unlink()  # as it was before the run was noted
    if not moved:
        (tmp_path / "tracer" / "eaten" / "0" / "mine.csv").rename(tmp_path / "tracer" / "mine.csv")
    call(tmp_path, *options)
    call(tmp_path, *options)
    assert tracers(tmp_path) == [("TRACER-1", "Trace, the")]


def test_a_tracer_that_comes_while_a_run_is_under_way_waits(tmp_path):
    """A run puts away what it has read alone: another file, or another version of one, is for the next run."""
    trace(tmp_path)
    trace(tmp_path, "two.csv", customer_id="TRACER-2")
    day, rows, _ = made(tmp_path, mode="append")
    trace(tmp_path, customer_id="TRACER-11", first_name="Trace, again")
    trace(tmp_path, "three.csv", customer_id="TRACER-3")
    day.finish(tmp_path)
    _, later, _ = made(tmp_path, mode="append")
    first, second = (
        [row["customer_id"] for row in some["online_customers"] if row["customer_id"].startswith("TRACER")]
        for some in (rows, later)
    )
    assert (first, second) == (["TRACER-1", "TRACER-2"], ["TRACER-11", "TRACER-3"])


def test_a_tracer_of_a_name_that_a_stopped_run_has_is_refused(tmp_path):
    """It is said before anything is written, and the file stays."""
    (tmp_path / "out").mkdir()
    trace(tmp_path)
    call(tmp_path, "--customers", "20", "--output", "out", "--mode", "append")
    (tmp_path / ".testdata.json").unlink()  # as it was before the run was noted
    trace(tmp_path, customer_id="TRACER-2")
    done = call(tmp_path, "--customers", "20", "--output", "out", "--mode", "append", codes=(2,))
    assert "of a run that was stopped: rename tracer/mine.csv. Nothing was written." in done.stderr
    assert (tmp_path / "tracer" / "mine.csv").exists()


def test_a_part_of_a_day_is_no_day(tmp_path):
    """`--table` makes one table: no tracer row is eaten, and no day is noted."""
    (tmp_path / "out").mkdir()
    trace(tmp_path)
    call(tmp_path, "--customers", "20", "--output", "out", "--table", "clickstream")
    assert (tmp_path / "tracer" / "mine.csv").exists()
    assert not (tmp_path / ".testdata.json").exists()


def test_a_tracer_that_does_not_fit_is_refused(tmp_path):
    """A column too many, or too few, is named; the file stays where it is."""
    (tmp_path / "out").mkdir()
    trace(tmp_path, nickname="x")
    assert "the column 'nickname', which is unknown" in call(tmp_path, "--output", "out", codes=(2,)).stderr
    (tmp_path / "tracer" / "mine.csv").write_text("customer_id\n1\n")
    assert "has no column 'title'" in call(tmp_path, "--output", "out", codes=(2,)).stderr
    assert (tmp_path / "tracer" / "mine.csv").exists()
    assert not list((tmp_path / "out").iterdir())


def test_looking_does_not_eat(tmp_path):
    """`--describe` and `--output -` leave tracer rows and days as they are."""
    trace(tmp_path)
    call(tmp_path, "--customers", "20", "--describe")
    assert "TRACER-1" in call(tmp_path, "--customers", "20", "--output", "-", "--table", "online_customers").stdout
    assert (tmp_path / "tracer" / "mine.csv").exists()
    assert not (tmp_path / ".testdata.json").exists()


# Archival


def test_people_of_an_earlier_day_come_again(tmp_path):
    """One of a hundred people of an earlier file, N times, with ids of their own and slips; the others stay."""
    _, plain, _ = made(tmp_path)
    days(tmp_path, 1)
    day, rows, labels = made(tmp_path, mode="append", archival=3)
    came = [
        (row, who, done)
        for row, who, done in zip(rows["online_customers"], labels["who"], labels["done"], strict=True)
        if done.startswith("archival")
    ]
    before = {row["customer_id"]: row for row in plain["online_customers"]}
    assert day.number == 1
    assert len(came) == 3 * 5
    assert len({row["customer_id"] for row, _, _ in came}) == 15
    assert not {row["customer_id"] for row, _, _ in came} & (before.keys() | {f"C{n:08}" for n in range(1, 2000)})
    slipped = 0
    for row, who, done in came:
        slips = {slip.partition(":")[0] for slip in done.split()[1:]}
        differ = {name for name in row if row[name] != before[who][name]} - {"customer_id"}
        assert differ <= slips | {"county"}
        slipped += bool(slips)
    assert slipped > 6
    _, without, _ = made(tmp_path, mode="append")
    assert rows["online_customers"][:-15] == without["online_customers"]


def test_archival_without_an_earlier_day_is_noted(tmp_path):
    """On the first day there is nobody who could come again: a note, and no failure."""
    (tmp_path / "out").mkdir()
    done = call(tmp_path, "--customers", "20", "--archival", "2", "--output", "out")
    assert "note: there is no file of an earlier day yet" in done.stderr


# The driver


def test_the_driver_takes_all_ten_tables(tmp_path):
    """`crm --with-config`, then `driver.py`, two days: every row of every table is accepted, in one run each."""
    (tmp_path / "input" / "processing").mkdir(parents=True)
    (tmp_path / "output").mkdir()
    options = ("--customers", "150", "--duplicate-rate", "20", "--archival", "1", "--mode", "append", "--with-config")
    for _ in range(2):
        told = json.loads(call(tmp_path, *options, "--workspace", ".", "--json").stdout)
        run = [sys.executable, str(ROOT / "driver.py"), "--json"]
        done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
        datasets = {said["dataset"]: said["counts"] for said in json.loads(done.stdout)["datasets"]}
        assert datasets.keys() == TABLES
        assert {table: counts["accepted"] for table, counts in datasets.items()} == told["tables"]
        assert sum(counts["rejected"] + counts["ties"] for counts in datasets.values()) == 0


@pytest.mark.parametrize("first", [date(2012, 1, 1), date(2025, 3, 1)])
def test_dates_are_those_that_are_said(first):
    """Files have the day's name, and what is in them lies in the five years before it, or less."""
    day, rows, _ = made(date=first)
    names = {f"{table}_{first:%Y%m%d}T000000.csv" for table in TABLES}
    assert {batch.name for batch in day.source.batches()} == names
    since = (first - timedelta(days=5 * 365)).isoformat()
    for table, some in rows.items():
        times = [cell for row in some for name, cell in row.items() if name.endswith("_at")]
        assert since <= min(times) <= max(times) < first.isoformat(), table
    assert all(row["date_of_birth"] < row["registered_at"] for row in rows["online_customers"])
