"""The built-in sources: people agree with themselves, links hold, days and hours are the same on every run."""

import csv
import io
import itertools
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from snapshotter.testdata import SOURCES, accounts, generate_accounts, retail, shop
from snapshotter.testdata.description.kinds.cpf import check_digits
from snapshotter.testdata.pools import load

ROOT = Path(__file__).resolve().parents[1]
SMALL = {"customers": 3000, "transactions": 500, "postcodes": 2000}


def parsed(content):
    """The rows of a file, read by Python's own reader."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


def files(source):
    """The rows of each file by its name, by table."""
    found = defaultdict(dict)
    for batch in source.batches():
        found[batch.table][batch.name] = parsed(batch.csv())
    return found


def places(locale):
    """The towns of a locale's pool, as rows."""
    lists = {name.removeprefix("place_"): texts for name, texts in load(f"{locale}-1").items() if "place_" in name}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


@pytest.fixture(scope="module")
def month():
    """A small retailer's first five days."""
    return files(retail(**SMALL, first=date(2024, 1, 1), last=date(2024, 1, 5)))


# retail


def test_retail_comes_day_by_day(month):
    """All customers and the day's transactions every day; products and postcodes on the first one."""
    assert list(month["customers"]) == [f"customers_2024010{day}.csv" for day in range(1, 6)]
    assert [len(rows) for rows in month["customers"].values()] == [3000, 3003, 3006, 3009, 3012]
    assert [len(rows) for rows in month["transactions"].values()] == [500] * 5
    assert (len(month["products"]), len(month["postcodes"])) == (1, 1)


def test_customers_are_the_same_on_every_run(month):
    """A day that is asked for alone has the bytes that it has among others."""
    alone = files(retail(**SMALL, first=date(2024, 1, 4)))
    name = "customers_20240104.csv"
    assert list(alone["customers"]) == [name]
    assert alone["customers"][name] == month["customers"][name]
    assert alone["transactions"]["transactions_20240104.csv"] == month["transactions"]["transactions_20240104.csv"]
    assert (alone["products"], alone["postcodes"]) == (month["products"], month["postcodes"])


def test_each_transaction_is_of_a_known_customer_and_product(month):
    """Customers of that day's snapshot, products of the list at their price, and the total is right."""
    ((_, products),) = month["products"].items()
    prices = {row["product_id"]: row["price"] for row in products}
    for (_, customers), (name, rows) in zip(month["customers"].items(), month["transactions"].items(), strict=True):
        known = {row["customer_id"] for row in customers}
        day = datetime.strptime(name, "transactions_%Y%m%d.csv")  # noqa: DTZ007
        for row in rows:
            assert row["customer_id"] in known
            assert row["price"] == prices[row["product_id"]]
            assert f"{int(row['quantity']) * float(row['price']):.2f}" == row["total"]
            assert timedelta(0) < day + timedelta(hours=6) - datetime.fromisoformat(row["bought"]) <= timedelta(days=1)


def test_customers_agree_with_themselves(month):
    """E-mail and names, title and first name, postcode and town belong to one person."""
    pool = load("en_GB-1")
    women, men = set(pool["female"]), set(pool["male"])
    rows = month["customers"]["customers_20240101.csv"]
    for number, row in enumerate(rows, 1):
        local, domain = row["email"].split("@")
        names = (row["first_name"] + "." + row["last_name"]).lower().replace("'", "").replace(" ", ".")
        assert local == f"{names}{number}"
        assert domain in {"example.com", "example.org", "example.net"}
        assert row["first_name"] in (women if row["title"] in {"Mrs", "Ms", "Miss"} else women | men)
        assert row["first_name"] in (men if row["title"] == "Mr" else women | men)
        assert re.fullmatch(r"07[4-9]\d\d \d{6}", row["phone"])
        assert re.fullmatch(r"\d{1,3} \S.*", row["address"])
        assert row["registered"] <= row["updated"]
    assert len({row["email"] for row in rows}) == len(rows)


def test_addresses_are_in_the_directory_of_postcodes(month):
    """Each customer's postcode is one of the directory that is in use, and of the town's own area."""
    ((_, directory),) = month["postcodes"].items()
    by_postcode = {row["postcode"]: row for row in directory}
    assert len(by_postcode) == len(directory) == 2000
    towns = defaultdict(set)
    for place in places("en_GB"):
        towns[place["town"]].add((place["area"], place["authority"], place["region"]))
    for row in month["customers"]["customers_20240101.csv"]:
        entry = by_postcode[row["postcode"]]
        area = re.match("[A-Z]+", row["postcode"])[0]
        assert entry["in_use"] == "Y"
        assert (area, entry["district"], entry["region"]) in towns[row["town"]]


def test_the_directory_agrees_with_the_map(month):
    """A postcode has its area's form, lies near its town and in its region; one of 20 has ended."""
    ((_, directory),) = month["postcodes"].items()
    near = defaultdict(list)
    for place in places("en_GB"):
        near[place["area"], place["authority"]].append((float(place["lat"]), float(place["lon"]), place))
    for row in directory:
        found = re.fullmatch(r"([A-Z]{1,2})(\d{1,2}) \d[ABD-HJLNP-UW-Z]{2}", row["postcode"])
        fits = [
            place
            for lat, lon, place in near[found[1], row["district"]]
            if int(place["district_low"]) <= int(found[2]) <= int(place["district_high"])
            and abs(lat - float(row["latitude"])) <= 0.0301
            and abs(lon - float(row["longitude"])) <= 0.0301
        ]
        assert [(place["county"], place["region"], place["country"]) for place in fits] == [
            (row["county"], row["region"], row["country"])
        ]
    assert Counter(row["in_use"] for row in directory) == {"Y": 1900, "N": 100}


def test_changes_of_a_customer_stay(month):
    """What a customer has changed is so in all later snapshots, until it changes again; moves are whole."""
    days = list(month["customers"].values())
    changed = Counter()
    for before, after in itertools.pairwise(days):
        for old, new in zip(before, after, strict=False):
            names = {name for name in old if old[name] != new[name]}
            assert names <= {"updated", "phone", "job", "address", "town", "postcode"}
            assert ("updated" in names) == bool(names)
            assert ("postcode" in names) == ("address" in names)
            changed.update(names)
    assert changed["updated"] == 4 * int(3000 * 0.004)
    assert min(changed["phone"], changed["job"], changed["postcode"]) > 5


def test_products_can_be_given(tmp_path):
    """With a list of products, transactions are of these, at their prices."""
    (tmp_path / "mine.csv").write_text("product_id,product,category,price\nA1,Tea,Food,2.5\nA2,Jam,Food,3.25\n")
    found = files(retail(**SMALL, products=tmp_path / "mine.csv"))
    ((_, rows),) = found["transactions"].items()
    assert {(row["product_id"], row["price"]) for row in rows} == {("A1", "2.50"), ("A2", "3.25")}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"first": date(2023, 12, 31)}, "no days since 2024-01-01"),
        ({"first": date(2024, 1, 2), "last": date(2024, 1, 1)}, "no days since 2024-01-01"),
        ({"customers": 0}, "tables.customers.rows: input should be greater than or equal to 1"),
        ({"transactions": -1}, "tables.transactions.rows: input should be greater than or equal to 1"),
        ({"postcodes": 10**9}, "postcodes: input should be less than or equal to"),
        ({"products": Path("none.csv")}, "none.csv cannot be read"),
    ],
)
def test_what_retail_cannot_be(arguments, problem):
    """An argument that makes no sense is an error that says so."""
    with pytest.raises(ValueError, match=re.escape(problem)):
        retail(**arguments)


# accounts


def by_hand(nine):
    """The check digits of a CPF, as the Receita Federal explains them, digit by digit."""
    digits = [int(digit) for digit in nine]
    for _ in range(2):
        total = sum(digit * weight for digit, weight in zip(digits, range(len(digits) + 1, 1, -1), strict=True))
        digits.append(0 if total % 11 < 2 else 11 - total % 11)
    return "".join(map(str, digits[-2:]))


@pytest.mark.parametrize(("nine", "check"), [("529982247", "25"), ("111444777", "35"), ("000000001", "91")])
def test_check_digits_are_the_known_ones(nine, check):
    """Numbers whose check digits are known from elsewhere."""
    import numpy as np

    assert by_hand(nine) == check
    assert check_digits(np.array([int(nine)], dtype=np.uint64)).tolist() == [int(check)]


def test_every_cpf_is_valid_and_unique():
    """Check digits are right, no number comes twice, and none has one digit only."""
    frame = generate_accounts(30_000)
    plain = frame["cpf"].str.replace(r"[.-]", "", regex=True)
    assert frame["cpf"].str.fullmatch(r"\d{3}\.\d{3}\.\d{3}-\d\d").all()
    assert plain.is_unique
    assert all(by_hand(number[:9]) == number[9:] for number in plain)
    assert not any(len(set(number[:9])) == 1 for number in plain)


def test_accounts_are_a_frame():
    """`generate_accounts(10)` gives ten rows with the columns of a registration, e-mails of the names, in types."""
    frame = generate_accounts(10)
    assert list(frame.columns) == [
        *("nome", "email", "telefone", "cpf", "data_nascimento", "endereco", "emprego", "registro"),
    ]
    assert len(frame) == 10
    assert str(frame["data_nascimento"].dtype) == "datetime64[s]"
    assert frame["email"].is_unique
    assert generate_accounts(10).equals(frame)
    assert not generate_accounts(10, seed=1)["cpf"].isin(frame["cpf"]).any()


def test_brazilian_addresses_agree():
    """The CEP lies in the range of the town, and the telephone has its area code."""
    towns = {(place["city"], place["state"]): place for place in places("pt_BR")}
    for row in generate_accounts(2000).itertuples():
        found = re.fullmatch(r".+, (.+), ([A-Z]{2}), (\d{5})-(\d{3})", row.endereco)
        place = towns[found[1], found[2]]
        assert int(place["cep_low"]) <= int(found[3] + found[4]) <= int(place["cep_high"])
        assert re.fullmatch(rf"\({place['ddd']}\) 9\d{{4}}-\d{{4}}", row.telefone)


def test_each_hour_has_other_people():
    """The accounts of an hour registered in it, and nobody is there twice over many hours."""
    seen = set()
    for hour in range(5, 9):
        end = datetime(2024, 3, 1, hour)  # noqa: DTZ001
        (batch,) = accounts(40, hour=end + timedelta(minutes=17)).batches()
        rows = parsed(batch.csv())
        assert batch.name == f"accounts_20240301T0{hour}0000.csv"
        assert all(end - timedelta(hours=1) <= datetime.fromisoformat(row["registro"]) < end for row in rows)
        seen |= {(row["cpf"], row["email"]) for row in rows}
    assert len(seen) == 160


def test_no_accounts_before_the_first_ones():
    """An hour before 2024 is an error."""
    with pytest.raises(ValueError, match="before 2024-01-01"):
        accounts(hour=datetime(2023, 12, 31))  # noqa: DTZ001


# shop


def test_orders_move_on():
    """Later files update orders of earlier ones, along their life, and each line belongs to an order."""
    found = files(shop(20))
    states, moved = defaultdict(list), Counter()
    for rows in found["orders"].values():
        for row in rows:
            states[row["order_id"]].append(row["status"])
            moved[row["status"]] += 1
    assert {tuple(path)[:1] for path in states.values()} == {("placed",)}
    ways = {
        *(("placed", "paid", "shipped", "delivered", "kept"), ("placed", "paid", "shipped", "delivered", "returned")),
        ("placed", "cancelled"),
    }
    assert all(any(tuple(path) == way[: len(path)] for way in ways) for path in states.values())
    assert moved["kept"] > moved["returned"] > 0
    lines = {row["order_id"] for rows in found["order_lines"].values() for row in rows}
    assert lines == set(states)
    customers = {row["customer_id"] for rows in found["customers"].values() for row in rows}
    assert {row["customer_id"] for rows in found["orders"].values() for row in rows} <= customers


# All of them


@pytest.mark.parametrize(
    "arguments",
    [("retail", "--customers", "500", "--transactions", "200", "--to", "2024-01-03"), ("accounts",), ("shop",)],
    ids=lambda arguments: arguments[0],
)
def test_the_driver_takes_every_table(tmp_path, arguments):
    """`SOURCE --with-config`, then `driver.py`: every row of every table is accepted, in one run."""
    (tmp_path / "input" / "processing").mkdir(parents=True)
    (tmp_path / "output").mkdir()
    make = [sys.executable, str(ROOT / "generate_test_data.py"), *arguments, "--with-config", "--json"]
    made = subprocess.run([*make, "--workspace", str(tmp_path)], capture_output=True, text=True, check=True)
    run = [sys.executable, str(ROOT / "driver.py"), "--workspace", str(tmp_path), "--json"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    datasets = json.loads(done.stdout)["datasets"]
    counts = [said["counts"] for said in datasets]
    assert {said["dataset"] for said in datasets} == {table.name for table in SOURCES[arguments[0]]().tables}
    assert sum(count["read"] for count in counts) == json.loads(made.stdout)["rows"]
    assert all(count["rejected"] == 0 and count["ties"] == 0 for count in counts)
