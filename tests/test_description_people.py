"""Descriptions of people: who they are, who is there twice, what is wrong with it, and lists that users give."""

import csv
import io
import re
from collections import Counter

import pytest

from snapshotter.testdata.description import WrongDescription, load

CLUB = """
name: club
files: 2
tables:
  members:
    rows: 400
    columns:
      id: {sequence: 1}
      name: {person: name}
      email: {person: email}
      town: {person: town}
      sex: {person: gender}
      born: {person: birth_date}
      job: {faker: job}
      at: {time: created}
    changes: {new: 0.5}
    duplicates: {share: 0.2}
  cards:
    rows: 200
    people: member
    columns:
      card: {sequence: "K{:04}"}
      member: {ref: members, pick: each}
      name: {person: name}
      at: {time: created}
    changes: {new: 0.5}
    mistakes: {share: 0.5, weights: {name: {upper: 1}}}
"""


def described(tmp_path, text, **files):
    """The source of a description that is given as text, beside other files."""
    for name, content in files.items():
        (tmp_path / f"{name}.csv").write_bytes(content)
    path = tmp_path / "own.yaml"
    path.write_text(text)
    return load(path)


def made(source):
    """The rows of each table, with what is told of each."""
    found = {table.name: [] for table in source.tables}
    for batch in source.batches():
        labels = batch.labels() if batch.labels else {"who": [""] * batch.rows, "done": [""] * batch.rows}
        rows = csv.DictReader(io.StringIO(batch.csv().decode(), newline=""), strict=True)
        found[batch.table] += list(zip(rows, labels["who"], labels["done"], strict=True))
    return found


def test_a_second_table_has_the_persons_of_the_first(tmp_path):
    """`people` makes each row the person of the row that it is linked to, duplicates included."""
    found = made(described(tmp_path, CLUB))
    members = {row["id"]: (row, who, done) for row, who, done in found["members"]}
    slips = Counter()
    for row, who, done in found["cards"]:
        member, person, wrong = members[row["member"]]
        assert who == person
        if "name" not in wrong:
            assert row["name"].upper() == member["name"].upper()
        slips[done] += 1
        assert done in {"", "name:upper"} or wrong
    assert 0.35 < slips["name:upper"] / slips.total() < 0.65


def test_the_first_row_of_a_person_is_right(tmp_path):
    """A duplicate has an id of its own, and shares what has no slip in it with the first row of the person."""
    rows = made(described(tmp_path, CLUB))["members"]
    first = {}
    for row, who, done in rows:
        original = first.setdefault(who, row)
        slips = {slip.partition(":")[0] for slip in done.split()[1:]}
        assert all(row[name] == original[name] for name in {"name", "email", "town", "sex", "born"} - slips)
    assert len({row["id"] for row, _, _ in rows}) == len(rows) == 600
    assert 400 < len(first) < 540


@pytest.mark.parametrize(
    ("locale", "town", "phone"),
    [
        ("en_GB", "town", r"07\d{3} \d{6}"),
        ("en_US", "city", r"\(\d{3}\) 555-\d{4}"),
        ("pt_BR", "city", r"\(\d\d\) 9\d{4}-\d{4}"),
    ],
)
def test_people_of_each_locale(tmp_path, locale, town, phone):
    """Names, towns and telephone numbers are those of the locale; coordinates are near the town."""
    from snapshotter.testdata.pools import load as pool

    text = f"""
name: own
locale: {locale}
tables:
  t:
    rows: 300
    columns:
      id: {{sequence: 1}}
      last: {{person: last_name}}
      town: {{person: {town}}}
      phone: {{person: phone}}
      lat: {{person: latitude}}
      postcode: {{person: postcode}}
      address: {{person: address}}
      at: {{time: created}}
"""
    lists = pool(f"{locale}-1")
    latitudes = {}
    for name, latitude in zip(lists[f"place_{town}"], lists["place_lat"], strict=True):
        latitudes.setdefault(name, []).append(float(latitude))
    for row, _, _ in made(described(tmp_path, text))["t"]:
        assert row["last"] in set(lists["last"])
        assert re.fullmatch(phone, row["phone"])
        assert any(abs(float(row["lat"]) - latitude) < 0.031 for latitude in latitudes[row["town"]])
        assert row["postcode"] in row["address"]


def test_providers_without_a_pool_are_asked_of_faker(tmp_path):
    """A provider that no pool has, or with arguments, gives what Faker gives; one of another locale, too."""
    text = """
name: own
tables:
  t:
    rows: 40
    columns:
      id: {sequence: 1}
      number: {faker: pyint, arguments: {min_value: 5, max_value: 6}}
      town: {faker: city, locale: de_DE}
      each: {faker: product, distinct: true}
      kind: {faker: product_category, distinct: true}
      at: {time: created}
"""
    from snapshotter.testdata.pools import load as pool

    rows = [row for row, _, _ in made(described(tmp_path, text))["t"]]
    assert {row["number"] for row in rows} == {"5", "6"}
    common = pool("common-1")
    together = set(zip(common["product"], common["product_category"], strict=True))
    assert len({row["each"] for row in rows}) == 40
    assert {(row["each"], row["kind"]) for row in rows} <= together


WRONG = [
    ("{person: name}", "{person: nme}", "nothing of a person is called 'nme'; did you mean 'name'?"),
    ("{person: name}", "{place: postcode, x: 1}", "columns.name.x: this is not known"),
    ("{faker: job}", "{faker: jobb}", "Faker has no provider 'jobb' in en_GB; did you mean job?"),
    ("{faker: job}", "{faker: job, locale: xx_YY}", "Faker has no locale 'xx_YY'"),
    ("{faker: job}", "{faker: colour, distinct: true}", "too few for 600 rows"),
    ("people: member", "people: card", "'card' is not a column of kind `ref`"),
    ("rows: 200", "rows: 500", "there is not one for each"),
    ("{share: 0.5, weights", "{share: 1.5, weights", "mistakes.share: input should be less than or equal to 1"),
    ("{name: {upper: 1}}", "{name: {loud: 1}}", "loud"),
    ("{name: {upper: 1}}", "{nobody: {upper: 1}}", "nobody"),
    ("duplicates: {share: 0.2}", "duplicates: {share: 1}", "duplicates.share: input should be less than 1"),
    ("files: 2", "files: 2\nlocale: de_DE", "there are people and places of en_GB, en_US, pt_BR, not of 'de_DE'"),
    ("files: 2", "files: 2\npostcodes: 2000000", "postcodes of en_GB, not 2,000,000"),
    ("    people: member\n", "    people: member\n    duplicates: {share: 0.1}\n", "says who is there twice"),
    ("{time: created}", "{time: now}", "'created' or 'changed'"),
    ("{person: email}", "{cell: email}", "are not those of a file"),
    ("{person: email}", "{position: members}", "a circle of links"),
    ('{sequence: "K{:04}"}', "{sequence: -1}", "from 0 to 2**53"),
    ("{faker: job}", "{choice: {}}", "nothing to choose from"),
    ("{faker: job}", "{states: {}}", "there is no state"),
    ("{faker: job}", "{states: {a: {b: 0}}}", "the weights after 'a' are all 0"),
    ("{faker: job}", "{range: [1, 99999999999]}", "more than 2**32 values"),
    ("{faker: job}", "{range: [1, 2020-01-01]}", "two ends of one kind"),
    ("{faker: job}", "{template: '{}'}", "names of columns in braces"),
]


@pytest.mark.parametrize(("old", "new", "problem"), WRONG, ids=[new[:40].strip() for _, new, _ in WRONG])
def test_what_is_wrong_with_people_is_said(tmp_path, old, new, problem):
    """Unknown parts, providers, locales and mistakes are errors that name what there is, with the line."""
    assert old in CLUB
    with pytest.raises(WrongDescription, match=r"own\.yaml, line \d+") as error:
        described(tmp_path, CLUB.replace(old, new, 1))
    assert problem in str(error.value)


LISTED = """
name: own
tables:
  t:
    rows: {file: list.csv}
    columns: {id: {cell: id}, price: {cell: price, type: "decimal(5,2)"}, at: {time: created}}
"""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "needs a header in which each name is once"),
        (b"id,id\n1,2\n", "needs a header in which each name is once"),
        (b"id,price\n", "has no row"),
        (b"id,price\n1\n", "row 1: it has 1 cells, the header 2"),
        (b"id,price\n1,\xff\n", "is not UTF-8: byte 11"),
        (b'id,price\n1,"2\n', "is not CSV: "),
        (b"id,price\n1,2.505\n", "a cell in 'price' that is not of type decimal(5,2)"),
        (b"id,price\n1,cheap\n", "a cell in 'price' that is not of type decimal(5,2)"),
        (b"id,cost\n1,2\n", "the file has no column 'price'; it has id, cost"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path, content, problem):
    """A file of rows that is no CSV, or has other columns or cells than are said, is an error with its name."""
    with pytest.raises(WrongDescription, match=re.escape(problem)):
        described(tmp_path, LISTED, list=content)


def test_a_list_that_is_not_there_is_refused(tmp_path):
    """So is one that is not there, or that new rows are wanted of."""
    with pytest.raises(WrongDescription, match=r"list\.csv cannot be read"):
        described(tmp_path, LISTED)
    with pytest.raises(WrongDescription, match=r"no more rows than list\.csv has"):
        described(tmp_path, LISTED + "    changes: {new: 1}\n", list=b"id,price\n1,2\n")


def test_dates_of_thousands_of_years(tmp_path):
    """Dates from one end of the calendar to the other are made as they are asked for, not all that lie between."""
    text = """
name: own
tables:
  t:
    rows: 500
    columns: {id: {sequence: 1}, day: {range: [0001-01-01, 9999-12-31]}, at: {time: created}}
"""
    days = [row["day"] for row, _, _ in made(described(tmp_path, text))["t"]]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in days)
    assert min(days) < "0300"
    assert max(days) > "9700"


def test_what_is_reckoned_with_empty_cells_is_empty(tmp_path):
    """A formula over an empty cell is empty, and more of its own cells may be."""
    text = """
name: own
tables:
  t:
    rows: 400
    columns:
      id: {sequence: 1}
      a: {range: [1, 9], empty: 0.5}
      b: {formula: "a * 2", type: integer, empty: 0.5}
      c: {formula: "coalesce(b, -1)", type: integer}
      at: {time: created}
"""
    rows = [row for row, _, _ in made(described(tmp_path, text))["t"]]
    assert all(row["b"] in ({"", str(2 * int(row["a"]))} if row["a"] else {""}) for row in rows)
    assert all(row["c"] == (row["b"] or "-1") for row in rows)
    assert 60 < sum(row["b"] != "" for row in rows) < 140
