"""Descriptions of test data: what is made of them is linked, changes as said, and is the same bytes anywhere."""

import csv
import hashlib
import io
import itertools
import json
import re
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import pytest

from snapshotter.testdata.description import WrongDescription, load
from snapshotter.testdata.description.kinds import KINDS

BOOKSHOP = Path(__file__).parent / "data" / "bookshop.yaml"


def parsed(content):
    """The rows of a file, read by Python's own reader."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


def files(source):
    """Name and rows of each file, by table, in the order in which they come."""
    found = defaultdict(list)
    for batch in source.batches():
        rows = parsed(batch.csv())
        assert len(rows) == batch.rows
        found[batch.table].append((batch, rows))
    return found


def described(tmp_path, text, overrides=None):
    """The source of a description that is given as text."""
    path = tmp_path / "own.yaml"
    path.write_text(text)
    return load(path, overrides)


def column(tmp_path, spec, rows=2000):
    """The cells of one column of a table that has a number and a time beside it."""
    text = f"name: own\ntables:\n  t:\n    rows: {rows}\n    columns:\n      id: {{sequence: 1}}\n      c: {spec}\n"
    (batch,) = described(tmp_path, f"{text}      at: {{time: created}}\n").batches()
    return [row["c"] for row in parsed(batch.csv())]


@pytest.fixture(scope="module")
def bookshop():
    """The files of the bookshop."""
    return files(load(BOOKSHOP))


# The same bytes


def whole(part_rows=16_384):
    """A digest of all files of the bookshop."""
    made = hashlib.sha256()
    for batch in load(BOOKSHOP, part_rows=part_rows).batches():
        made.update(f"{batch.name}:{batch.rows}:".encode() + batch.csv())
    return made.hexdigest()


def made_by(pool):
    """The same digest, the parts of a file made side by side."""
    made = hashlib.sha256()
    with pool:
        for batch in load(BOOKSHOP, part_rows=300).batches():
            content = batch.header() + b"".join(pool.map(_made, batch.parts))
            made.update(f"{batch.name}:{batch.rows}:".encode() + content)
    return made.hexdigest()


def _made(part):
    return part()


def part_of(number):
    """One part of the largest file, made by a process of its own that planned everything anew."""
    batch = max(load(BOOKSHOP, part_rows=500).batches(), key=lambda batch: batch.rows)
    return batch.parts[number]()


def test_bytes_never_change():
    """The bookshop's files have the bytes that they had when this digest was recorded."""
    assert whole() == "3e1dedbcfb39cb6207edaebbe45cb0991060e7dcd7b50540fda04c441729dafa"


@pytest.mark.parametrize("part_rows", [1, 150, 1000])
def test_chunks_do_not_matter(part_rows):
    """However many rows are made at a time, the bytes are the same."""
    if part_rows == 1:  # one row at a time is slow: the smallest table will do
        alone = [b.csv() for b in load(BOOKSHOP, {"files": 1}, part_rows=1).batches() if b.table == "customers"]
        assert alone == [b.csv() for b in load(BOOKSHOP, {"files": 1}).batches() if b.table == "customers"]
    else:
        assert whole(part_rows) == whole()


@pytest.mark.parametrize("workers", [1, 2])
def test_threads_do_not_matter(workers):
    """However many threads make the parts, the bytes are the same."""
    assert made_by(ThreadPoolExecutor(workers)) == whole()


def test_processes_do_not_matter():
    """Two processes that know nothing of each other make the parts of one file."""
    batch = max(load(BOOKSHOP).batches(), key=lambda batch: batch.rows)
    count = -(-batch.rows // 500)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        content = batch.header() + b"".join(pool.map(part_of, range(count)))
    assert count > 5
    assert content == batch.csv()


def test_batches_can_be_asked_for_again():
    """A source gives the same files each time it is asked."""
    source = load(BOOKSHOP, {"files": 2})
    assert [b.csv() for b in source.batches()] == [b.csv() for b in source.batches()]


def test_a_new_column_leaves_the_others_as_they_are(tmp_path):
    """Cells are named by their column, so what is added beside them does not change them."""
    text = BOOKSHOP.read_text()
    more = text.replace("      code: {pattern", "      more: {range: [1, 6]}\n      code: {pattern")
    one, other = files(described(tmp_path, text)), files(described(tmp_path, more))
    assert "more" in other["customers"][0][1][0]
    for (_, rows), (_, wider) in zip(one["customers"], other["customers"], strict=True):
        assert rows == [{name: cell for name, cell in row.items() if name != "more"} for row in wider]


def test_a_seed_changes_the_data():
    """Another seed gives other cells and other times."""
    one, other = (files(load(BOOKSHOP, {"seed": seed, "files": 2}))["customers"][1] for seed in (1, 2))
    assert one[0].name != other[0].name
    for name in ("points", "code", "phone"):
        assert len({row[name] for row in one[1]} & {row[name] for row in other[1]}) < len(one[1]) / 4


# Links


def test_links_lead_to_rows_that_have_come(bookshop):
    """An order's customer came with an earlier file or the same one, and so did a line's order."""
    for table, link, other in (("orders", "customer_id", "customers"), ("lines", "order_id", "orders")):
        known = set()
        for (_, rows), (_, parents) in zip(bookshop[table], bookshop[other], strict=True):
            known |= {row[link] for row in parents}
            assert {row[link] for row in rows} <= known


def test_a_link_never_changes(bookshop):
    """Every version of an order has the same customer, whoever came meanwhile."""
    customers = defaultdict(set)
    for _, rows in bookshop["orders"]:
        for row in rows:
            customers[row["order_id"]].add(row["customer_id"])
    assert {len(found) for found in customers.values()} == {1}


def test_early_rows_are_picked_more_often(bookshop):
    """Few customers have many orders."""
    orders = Counter(row["customer_id"] for _, rows in bookshop["orders"] for row in rows)
    early, late = (sum(orders[f"C{n:06}"] for n in numbers) for numbers in (range(1, 101), range(901, 1001)))
    assert early > 5 * late > 0


def test_what_a_linked_row_says_is_said_again(bookshop):
    """`of` shows the linked row's own cell."""
    points = {row["customer_id"]: row["points"] for _, rows in bookshop["customers"] for row in rows}
    assert all(row["points"] == points[row["customer_id"]] for _, rows in bookshop["orders"] for row in rows)


def test_rows_per_parent(bookshop):
    """Each order has one to four lines, numbered from 1, made when it was placed."""
    placed = {row["order_id"]: row["placed_at"] for _, rows in bookshop["orders"] for row in rows}
    lines = defaultdict(list)
    for _, rows in bookshop["lines"]:
        for row in rows:
            lines[row["order_id"]].append(int(row["line"]))
            assert row["at"] == placed[row["order_id"]]
    assert lines.keys() == placed.keys()
    assert {len(found) for found in lines.values()} == {1, 2, 3, 4}
    assert all(found == list(range(1, len(found) + 1)) for found in lines.values())


def test_each_row_is_picked_once(tmp_path):
    """`pick: each` takes different rows, spread over those of the same file."""
    text = """
name: own
files: 3
tables:
  all:
    rows: 100
    columns: {id: {sequence: 1}, at: {time: created}}
    changes: {new: 0.5}
  some:
    rows: 60
    columns: {id: {ref: all, pick: each}, at: {time: created}}
    changes: {new: 0.5}
"""
    found = files(described(tmp_path, text))
    for (_, some), (_, whole_) in zip(found["some"], found["all"], strict=True):
        ids = [row["id"] for row in some]
        assert len(set(ids)) == len(ids)
        assert set(ids) <= {row["id"] for row in whole_}
    assert [len(rows) for _, rows in found["some"]] == [60, 30, 30]


# Change over time


def test_files_hold_the_shares_that_are_said(bookshop):
    """New, updated, resent, late and deleted rows are as many as the shares say, of the rows that live."""
    seen, gone = {}, set()
    for number, (_, rows) in enumerate(bookshop["customers"]):
        new = [row for row in rows if row["customer_id"] not in seen]
        deleted = {row["customer_id"] for row in rows if row["op"] == "D"}
        alive = len(seen) - len(gone)
        assert len(new) == (100 if number else 1000)
        if number:
            assert len(deleted) == int(alive * 0.01)
            again = [row for row in rows if row["customer_id"] in seen and row["op"] != "D"]
            newer = [row for row in again if row["updated"] > seen[row["customer_id"]]["updated"]]
            same = [row for row in again if row == seen[row["customer_id"]]]
            older = [row for row in again if row["updated"] < seen[row["customer_id"]]["updated"]]
            assert len(newer) == int(alive * 0.2)
            assert len(same) + len(older) == int(alive * 0.03) + int(alive * 0.02)
            assert len(same) >= int(alive * 0.03)
            assert all(row["updated"] >= row["joined"] for row in older)
        assert not {row["customer_id"] for row in rows} & gone
        gone |= deleted
        for row in rows:
            if row["customer_id"] not in seen or row["updated"] > seen[row["customer_id"]]["updated"]:
                seen[row["customer_id"]] = row


def test_times_lie_between_files(bookshop):
    """What is new lies between the file before and its own; the first file reaches back to `since`."""
    for table, time in (("customers", "updated"), ("orders", "updated_at")):
        opens = None
        for batch, rows in bookshop[table]:
            newest = max(row[time] for row in rows)
            assert newest < batch.at.isoformat()
            if opens:
                assert newest > opens
            opens = batch.at.isoformat()
    assert min(row["joined"] for _, rows in bookshop["customers"] for row in rows) < "2020-01-03"
    gaps = [(b.at - a.at).total_seconds() / 86_400 for (a, _), (b, _) in itertools.pairwise(bookshop["orders"])]
    assert all(1 <= gap <= 3 for gap in gaps)


def test_no_two_versions_have_one_time(bookshop):
    """Two rows of one key and one time say the same."""
    for table, key, time in (("customers", "customer_id", "updated"), ("orders", "order_id", "updated_at")):
        said = {}
        for _, rows in bookshop[table]:
            for row in rows:
                content = {name: cell for name, cell in row.items() if name != "op"}
                assert said.setdefault((row[key], row[time]), content) == content


def test_columns_take_turns(bookshop):
    """A change changes one of the columns that may change, and nothing else but the time."""
    before, changed = {}, Counter()
    for _, rows in bookshop["customers"]:
        for row in rows:
            old = before.get(row["customer_id"])
            if old and row["updated"] > old["updated"] and row["op"] != "D":
                names = {name for name in row if row[name] != old[name]} - {"updated"}
                assert names <= {"phone", "segment"}
                assert len(names) <= 1  # none where the new segment is the old one
                changed.update(names)
            if not old or row["updated"] > old["updated"]:
                before[row["customer_id"]] = row
    assert changed["phone"] > 300
    assert changed["segment"] > 100


def test_states_follow_each_other(bookshop):
    """An order goes from state to state as the description allows, about as often as the weights say."""
    follows = {
        "placed": {"paid", "cancelled"},
        "paid": {"shipped"},
        "shipped": {"delivered", "returned"},
    }
    state, steps = {}, Counter()
    for _, rows in bookshop["orders"]:
        for row in rows:
            before = state.get(row["order_id"])
            assert (row["state"] == "placed") if before is None else row["state"] in follows[before]
            steps[before, row["state"]] += 1
            state[row["order_id"]] = row["state"]
    paid, cancelled = steps["placed", "paid"], steps["placed", "cancelled"]
    assert 0.08 < cancelled / (paid + cancelled) < 0.12
    assert 0.08 < steps["shipped", "returned"] / (steps["shipped", "returned"] + steps["shipped", "delivered"]) < 0.12


def test_whole_files_hold_everybody(tmp_path):
    """With `whole`, each file has all rows that live, as they are by then."""
    text = BOOKSHOP.read_text().replace("    since: 2020-01-01\n", "    since: 2020-01-01\n    whole: true\n", 1)
    text = text.replace("late: 0.02, resent: 0.03, deleted: 0.01, ", "")
    found = files(described(tmp_path, text))["customers"]
    assert [len(rows) for _, rows in found] == [1000, 1100, 1200, 1300, 1400]
    for (_, before), (_, after) in itertools.pairwise(found):
        old = {row["customer_id"]: row for row in before}
        changed = [row for row in after if row["customer_id"] in old and row != old[row["customer_id"]]]
        assert len(changed) == int(len(before) * 0.2)


# Kinds of columns


def test_weights_are_kept(tmp_path):
    """Each text comes as often as its weight says, within four standard deviations."""
    found = Counter(column(tmp_path, "{choice: {a: 1, b: 9, 'c, d': 90}}", rows=20_000))
    for text, share in (("a", 0.01), ("b", 0.09), ("c, d", 0.9)):
        assert abs(found[text] - 20_000 * share) < 4 * (20_000 * share * (1 - share)) ** 0.5


@pytest.mark.parametrize(
    ("spec", "low", "high"),
    [("[1, 6]", 1, 6), ("[-3, 3]", -3, 3), ("[0, 0]", 0, 0), ("[10000, 10003]", 10000, 10003)],
)
def test_ranges_have_both_ends(tmp_path, spec, low, high):
    """Whole numbers from one end to the other, each about as often."""
    found = Counter(map(int, column(tmp_path, f"{{range: {spec}}}", rows=4000)))
    assert sorted(found) == list(range(low, high + 1))
    assert min(found.values()) > 4000 / len(found) * 0.8


def test_decimals_have_their_digits(tmp_path):
    """Every cell has as many digits behind the point as are said, with zeros."""
    found = column(tmp_path, "{range: [-1.5, 12.25], decimals: 3}")
    assert all(re.fullmatch(r"-?\d{1,2}\.\d{3}", cell) for cell in found)
    assert -1.5 <= min(map(float, found)) < -1.4
    assert 12.1 < max(map(float, found)) <= 12.25


@pytest.mark.parametrize(("leaning", "low", "high"), [("none", 45, 55), ("low", 15, 32), ("middle", 45, 55)])
def test_ranges_lean(tmp_path, leaning, low, high):
    """Low numbers, or those in the middle, are more frequent where that is asked for."""
    found = sorted(map(int, column(tmp_path, f"{{range: [0, 100], leaning: {leaning}}}")))
    assert low < found[1000] < high
    spread = found[1500] - found[500]
    assert (spread < 30) == (leaning == "middle")


def test_dates_and_times_are_real(tmp_path):
    """Dates and times between two ends, leap days too."""
    found = column(tmp_path, "{range: [2023-12-30, 2024-03-01]}")
    assert (min(found), max(found)) == ("2023-12-30", "2024-03-01")
    assert "2024-02-29" in found
    times = column(tmp_path, "{range: ['1969-12-31T23:59:58', '1970-01-01T00:00:02']}")
    assert set(times) == {
        *("1969-12-31T23:59:58", "1969-12-31T23:59:59"),
        *("1970-01-01T00:00:00", "1970-01-01T00:00:01", "1970-01-01T00:00:02"),
    }


def test_patterns_are_filled(tmp_path):
    """Digits, capitals and hex digits stand where their signs stood."""
    found = column(tmp_path, "{pattern: 'A#-??^^.'}")
    assert all(re.fullmatch(r"A\d-[A-Z]{2}[0-9a-f]{2}\.", cell) for cell in found)
    assert {cell[1] for cell in found} == set("0123456789")


def test_sequences_count(tmp_path):
    """A number goes on from row to row, alone or within a text, with commas and quotes as they are."""
    assert column(tmp_path, "{sequence: 41}", rows=3) == ["41", "42", "43"]
    assert column(tmp_path, "{sequence: 'N{:05}'}", rows=3) == ["N00001", "N00002", "N00003"]
    assert column(tmp_path, """{sequence: 'a "{}", b'}""", rows=11)[9:] == ['a "10", b', 'a "11", b']


def test_empty_cells_are_as_many_as_said(tmp_path):
    """A share of cells is empty."""
    found = column(tmp_path, "{choice: ['x, y'], empty: 0.25}", rows=10_000)
    assert set(found) == {"", "x, y"}
    assert abs(found.count("") - 2500) < 4 * (10_000 * 0.25 * 0.75) ** 0.5


def test_formulas_reckon(bookshop):
    """A formula's cells are what its columns say, to the last digit, and it knows dates and empty cells."""
    for _, rows in bookshop["orders"]:
        for row in rows:
            assert round(int(row["quantity"]) * float(row["price"]), 2) == float(row["total"])
            assert row["age"] == ("old, very" if "" < row["born"] < "1980-01-01" else "new")
            assert row["label"] == f"{row['order_id']}-{row['age']}"


def test_norway_is_a_country(bookshop):
    """`NO` is no truth value, `010` no octal number, and `1.50` keeps its zero: YAML 1.2, and texts as they came."""
    assert {row["rate"] for _, rows in bookshop["lines"] for row in rows} == {"NO", "010", "1.50"}


def test_rows_of_a_file(tmp_path):
    """A table can be a file that the user gives, and others link to it and reckon with it."""
    (tmp_path / "mine.csv").write_text('sku,name,price\nA,"Tea, green",2.50\nB,"a ""b""",10\n')
    text = """
name: own
tables:
  products:
    rows: {file: mine.csv}
    columns:
      sku: {cell: sku}
      name: {cell: name}
      price: {cell: price, type: "decimal(6,2)"}
      at: {time: created}
  sales:
    rows: 50
    columns:
      id: {sequence: 1}
      sku: {ref: products}
      name: {of: sku, column: name}
      price: {of: sku, column: price}
      twice: {formula: "price * 2", type: "decimal(7,2)"}
      at: {time: created}
"""
    found = files(described(tmp_path, text))
    ((_, products),) = found["products"]
    assert [(row["sku"], row["name"], row["price"]) for row in products] == [
        ("A", "Tea, green", "2.50"),
        ("B", 'a "b"', "10.00"),
    ]
    sales = {(row["sku"], row["name"], row["price"], row["twice"]) for _, rows in found["sales"] for row in rows}
    assert sales == {("A", "Tea, green", "2.50", "5.00"), ("B", 'a "b"', "10.00", "20.00")}


# The contract


def test_the_contract_follows_from_the_kinds():
    """Key, timestamp, deletes, types, values, links and the pattern of names are known without a row."""
    customers, orders, lines = load(BOOKSHOP).tables
    assert (customers.name, customers.key, customers.timestamp) == ("customers", ("customer_id",), "updated")
    assert customers.deleted == ("op", "D")
    assert lines.key == ("order_id", "line")
    types = {name: field.type for name, field in orders.fields.items()}
    assert (types["order_id"], types["price"], types["born"]) == ("integer", "decimal(4,2)", "date")
    assert (orders.fields["points"].type, lines.fields["order_id"].type) == ("integer", "integer")
    assert orders.fields["born"].nullable
    assert orders.fields["customer_id"].refers == ("customers", "customer_id")
    assert set(orders.fields["state"].values) == {"placed", "paid", "shipped", "cancelled", "delivered", "returned"}
    for table in (customers, orders, lines):
        for batch, _ in files(load(BOOKSHOP, {"files": 2}))[table.name]:
            assert Path(batch.name).match(table.match)
            assert datetime.strptime(batch.name, f"{table.batch_time}.csv") == batch.at  # noqa: DTZ007


def test_frames_have_types():
    """From Python, a source gives a DataFrame for each table, with numbers and times in it."""
    frames = load(BOOKSHOP, {"files": 2}).frames()
    orders = frames["orders"]
    assert (str(orders["quantity"].dtype), str(orders["placed_at"].dtype)) == ("int64", "datetime64[s]")
    assert orders["born"].isna().mean() == pytest.approx(0.1, abs=0.03)
    assert (orders["quantity"] * orders["price"]).round(2).equals(orders["total"])


# What is wrong is said with its line


# What is replaced by what; the line of the error, if it is not that of the change; its key, and what it says.
WRONG = [
    ("rows: 1000", "rows: 0", None, "tables.customers.rows", "greater than or equal to 1"),
    ("rows: 1000", "rows: -5", None, "tables.customers.rows", "greater than or equal to 1"),
    ("rows: 1000", "rows: many", None, "tables.customers.rows", ""),
    ("files: 5", "files: 0", None, "files", "greater than or equal to 1"),
    ("every: [1d, 3d]", "every: [3d, 1d]", None, "every", "least time is more"),
    ("every: [1d, 3d]", "every: soon", None, "every", "15m"),
    ("since: 2020-01-01", "since: 2030-01-01", None, "tables.customers.since", "not before the first file"),
    ("since: 2020-01-01", "since: 2020-13-01", None, "tables.customers.since", "month"),
    ("{range: [0, 5000], leaning: low}", "{range: [9, 1]}", None, "tables.customers.columns.points", "no value"),
    ("{range: [0, 5000], leaning: low}", "{rnage: [1, 9]}", None, "tables.customers.columns.points", "'range'"),
    ("{range: [0, 5000], leaning: low}", "{range: [1, 2], digits: 2}", None, "points.digits", "not known"),
    ("{range: [0, 5000], leaning: low}", "5", None, "tables.customers.columns.points", "a mapping"),
    ("{range: [0, 5000], leaning: low}", "{value: a, choice: [b]}", None, "points", "of one kind"),
    ("{sequence: 1}", "{sequence: '{} {}'}", None, "tables.orders.columns.order_id.sequence", "one {}"),
    ("{ref: customers, pick: early}", "{ref: clients}", None, "orders.columns.customer_id", "no table 'clients'"),
    ("{ref: customers, pick: early}", "{ref: customers, column: x}", None, "customer_id", "no column 'x'"),
    ("{ref: customers, pick: early}", "{ref: customers, column: phone}", None, "customer_id", "changes"),
    ("{of: customer_id, column: points}", "{of: total, column: points}", None, "points", "not a `ref`"),
    ("{of: customer_id, column: points}", "{of: nobody, column: points}", None, "points", "no column 'nobody'"),
    ("quantity * price", "quantity * (price", None, "tables.orders.columns.total", "not an expression"),
    ("quantity * price", "quantity * prize", None, "tables.orders.columns.total", "no column 'prize'"),
    ("quantity * price", "(select 1)", None, "tables.orders.columns.total", "no queries"),
    ("quantity * price", "1); drop table x; select (2", None, "tables.orders.columns.total", "expression"),
    ("quantity * price", "quantity * total", None, "tables.orders.columns.total", "circle of columns"),
    ("quantity * price", "no_such_function(price)", None, "tables.orders.columns.total", "cannot be reckoned"),
    ("updated: 0.5}", "updated: 1.5}", None, "tables.orders.changes.updated", "less than or equal to 1"),
    ("updated: 0.2,", "updated: 0.99,", None, "tables.customers.changes", "more than all rows"),
    ("[phone, segment]", "[phone, fax]", None, "tables.customers.changes.columns", "no column 'fax'"),
    ("[phone, segment]", "[customer_id]", None, "tables.customers.changes.columns", "cannot be one"),
    ("key: [order_id, line]", "key: [order]", None, "tables.lines.key", "no column 'order'"),
    ("at_least: 1, at_most: 4", "at_least: 5, at_most: 4", None, "tables.lines.rows", "more than at_most"),
    ("per: orders", "per: nothing", None, "tables.lines.rows.per", "no table 'nothing'"),
    ("      at: {time: created}\n", "", 39, "tables.lines.columns", "kind `time`"),
    ("    says: A customer\n", "    file: x.csv\n", None, "tables.customers.file", "1 names"),
    ("    says: A customer\n", "    file: ../x%Y.csv\n", None, "tables.customers.file", "not the name"),
    (
        "op: {change: {deleted: D}}",
        "op: {change: {deleted: U, updated: U}}",
        None,
        "customers.columns.op",
        "another text",
    ),
    ("      op: {change: {deleted: D}}\n", "", 18, "tables.customers.changes.deleted", "kind `change`"),
    ("tables:\n", "tables:\n  customers: {}\n", 7, "'customers' is there twice", ""),
    ("files: 5", "files: 5\nfiles: 6", 3, "'files' is there twice", ""),
    ("files: 5", "files: 5\n\tx: y", 3, "", ""),
    ("points: {range", "Segment: {range", None, "columns.Segment", "in case alone"),
    ("points: {range", "snapshot: {range", None, "columns.snapshot", "of its own"),
    ("points: {range", "' ': {range", None, "tables.customers.columns", "cannot be the name"),
    ("  lines:\n", "  ledger:\n", None, "tables.ledger", "folder of snapshotter's own"),
    ("start: 2024-01-01", "start: 0999-01-01", None, "start", "before the year 1000"),
    ("{gold: 5,", '{"go\\0ld": 5,', None, "customers.columns.segment", "NUL"),
    ("name: bookshop", "name: 'no/such'", None, "name", "pattern"),
    ("name: bookshop\n", "", 1, "name: this is missing", ""),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "problem"), WRONG, ids=[f"{new[:40]!r}" for _, new, *_ in WRONG])
def test_an_error_has_line_and_key(tmp_path, old, new, line, key, problem):
    """Whatever is wrong in a description is said with its line and its key, before a row is made."""
    text = BOOKSHOP.read_text()
    line = line or text[: text.index(old)].count("\n") + 1
    with pytest.raises(WrongDescription) as error:
        described(tmp_path, text.replace(old, new, 1) if "at: {time" not in old else "".join(text.rsplit(old, 1)))
    said = str(error.value)
    assert re.match(rf"own\.yaml, line {line}\b", said)
    assert key in said
    assert problem in said


def test_a_link_to_nothing_is_refused(tmp_path):
    """A link to a table of which no row has come by then would dangle: that is said."""
    text = """
name: own
tables:
  a: {rows: 1, columns: {id: {sequence: 1}, at: {time: created}}}
  b: {rows: {per: a, at_least: 0, at_most: 1}, columns: {id: {sequence: 1}, at: {time: created}}}
  c: {rows: 3, columns: {id: {sequence: 1}, b: {ref: b}, at: {time: created}}}
"""
    sources = 0
    for seed in range(12):
        try:
            found = files(described(tmp_path, text, {"seed": seed}))
        except WrongDescription as error:
            assert "file 1 has rows of c, but none of b has come by then" in str(error)  # noqa: PT017  (some may do)
        else:
            sources += 1
            assert {row["b"] for _, rows in found["c"] for row in rows} == {"1"}
    assert 0 < sources < 12


def test_a_formula_that_fails_on_a_row_is_said(tmp_path):
    """What cannot be reckoned of a row ends the making with the table and the column."""
    text = """
name: own
tables:
  t:
    rows: 9
    columns: {id: {sequence: 1}, x: {formula: "(id::varchar || 'x')::int", type: integer}, at: {time: created}}
"""
    (batch,) = described(tmp_path, text).batches()
    with pytest.raises(WrongDescription, match=r"the formula of t\.x cannot be reckoned"):
        batch.csv()


def test_names_of_columns_are_quoted(tmp_path):
    """A name with a comma and quotes stands in the header as CSV has it."""
    text = """
name: own
tables:
  t: {rows: 1, columns: {id: {sequence: 1}, 'a, "b"': {value: x}, at: {time: created}}}
"""
    ((_, rows),) = files(described(tmp_path, text))["t"]
    assert rows[0]['a, "b"'] == "x"


def test_a_circle_of_tables_is_named(tmp_path):
    """Tables that refer to each other in a circle are named in its order."""
    text = """
name: own
tables:
  a: {rows: 1, columns: {id: {sequence: 1}, b: {ref: b}, at: {time: created}}}
  b: {rows: 1, columns: {id: {sequence: 1}, a: {ref: a}, at: {time: created}}}
"""
    with pytest.raises(WrongDescription, match=r"line [45]: tables\.[ab]: a circle of links: (a → b → a|b → a → b)"):
        described(tmp_path, text)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "a description is a mapping"),
        (b"- a\n", "a description is a mapping"),
        (b"\xff\xfe", "is not UTF-8: byte 0"),
        (b"a: {b: [\n", "line 2, column 1"),
        (b"? [a]\n: 1\n", "a key is a plain text"),
        (b"a: !!python/object:os.system x\n", "could not determine a constructor"),
        (b"#" * (2 << 20), "larger than 1 MiB"),
    ],
)
def test_what_is_no_description_is_said(tmp_path, content, problem):
    """A file that is no description is an error that says what it is instead."""
    path = tmp_path / "own.yaml"
    path.write_bytes(content)
    with pytest.raises(WrongDescription, match=re.escape(problem)):
        load(path)


def test_a_missing_description_is_said(tmp_path):
    """So is one that is not there."""
    with pytest.raises(WrongDescription, match="cannot be read: No such file"):
        load(tmp_path / "none.yaml")


def test_json_is_as_good(tmp_path):
    """The same description in JSON gives the same bytes, also with tabs in front of its lines."""
    import yaml

    values = yaml.load(BOOKSHOP.read_text(), yaml.BaseLoader)

    def typed(value):
        """Numbers as numbers, as the YAML has them."""
        if isinstance(value, dict):
            return {name: typed(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [typed(inner) for inner in value]
        if re.fullmatch(r"(0|[1-9]\d*)(\.\d+)?", value) and value not in {"1", "2"}:
            return json.loads(value)
        return int(value) if value in {"1", "2"} else value

    path = tmp_path / "own.json"
    path.write_text(json.dumps(typed(values), indent="\t"))
    assert [b.csv() for b in load(path).batches()] == [b.csv() for b in load(BOOKSHOP).batches()]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_an_example_that_is_right(name):
    """The example of a kind, which stands in the documentation, is one of that kind."""
    import yaml

    kind = KINDS[name]
    given = yaml.safe_load(kind.example.replace("[2020-01-01, 2024-12-31]", "['2020-01-01', '2024-12-31']"))
    assert next(iter(given)) == name
    assert kind.model_validate(given).name == name
