"""`init`: what it proposes is accepted, it says what it is unsure of, and nothing breaks out of what it writes."""

import csv
import gzip
import io
import json
import resource
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import zstandard
from conftest import ROOT, drop, latest, run_cli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapshotter import Workspace, config
from snapshotter.config import LINEAGE, DatasetConfig
from snapshotter.contract.columns import fold
from snapshotter.errors import ConfigError, UsageError
from snapshotter.reader import Irregular
from snapshotter.starting import init_from_samples, init_from_template, template, toml
from snapshotter.starting.naming import batch_times, match_pattern, time_tier, words
from snapshotter.starting.proposing import propose
from snapshotter.starting.samples import ROWS, _last_end
from snapshotter.starting.settings import settings_of, text_of
from snapshotter.starting.templates import render, templates

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    """Writes sample files outside of a workspace: `folder(**files)` returns their paths."""

    def make(**files):
        place = tmp_path / "samples"
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            (place / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return [place / name for name in files]

    return make


@pytest.fixture
def proposed(folder, tmp_path):
    """The proposal for sample files: `proposed(**files)`."""
    return lambda **files: propose(folder(**files), tmp_path / "queue", tmp_path, NOW)


def accepted(root, samples):
    """Make a workspace from samples, drop them, run; returns the result of the dataset, of which nothing is refused."""
    made = init_from_samples(root, samples, NOW)
    ws = Workspace(root, clock=lambda: NOW)
    for path in samples:
        drop(ws, path.name, path.read_bytes())
    result = ws.run()
    assert result.unmatched == []
    (dataset,) = result.datasets
    assert dataset.error is None
    assert [(file.name, file.warnings) for file in dataset.files if file.status != "applied"] == []
    assert dataset.counts.rejected == 0, ws.rejects()
    assert dataset.counts.read == made.proposal.rows
    return ws, made.proposal


def table(header, *rows):
    """CSV text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return text.getvalue()


def column(proposal, name):
    """The proposed column of that name."""
    return next(c for c in proposal.columns if c.name == name)


def dated(cells, header="id,updated_at,x"):
    """A file with a key, a timestamp and these cells."""
    lines = [f"{number},2024-01-{number % 28 + 1:02},{cell}" for number, cell in enumerate(cells)]
    return "\n".join([header, *lines, ""])


# -------------------------------------------------------------------------------- what is proposed is accepted


def test_reports_of_italian_regions_are_accepted(shared, tmp_path):
    """Files of ten headers over five years: each row of them is accepted, and a code with a zero in front stays."""
    samples = sorted((shared / "data/regioni/daily").glob("*.csv"))[::150]
    ws, proposal = accepted(tmp_path, samples)
    assert (proposal.key, proposal.timestamp, proposal.batch_time) == (("codice_regione",), "data", "%Y%m%d")
    assert proposal.match == "dpc-covid19-ita-regioni-*.csv*"
    assert column(proposal, "codice_regione").type == "string"
    assert column(proposal, "deceduti").type == "integer"
    assert column(proposal, "codice_nuts_1").required is False
    assert "\n" in latest(ws)


def test_reports_with_three_headers_and_four_formats_are_accepted(shared, tmp_path):
    """Columns that are spelled otherwise in later files are one column; all formats of the timestamp are found."""
    _, proposal = accepted(tmp_path, sorted((shared / "data/jhu/daily").glob("*.csv"))[::4])
    assert proposal.timestamp == "Last_Update"
    assert column(proposal, "Country_Region").aliases == ("Country/Region",)
    assert set(proposal.timestamp_formats) == {"%m/%d/%y %H:%M", "%m/%d/%Y %H:%M"}
    assert proposal.batch_time == "%m-%d-%Y"


def test_generated_files_are_accepted(tmp_path):
    """The test data: a key with versions, money, e-mail addresses, a time in the file name."""
    (tmp_path / "demo").mkdir()
    command = [sys.executable, ROOT / "generate_test_data.py", "--rows", "2000", "--keys", "500", "--files", "4"]
    subprocess.run([*command, "--output", tmp_path / "demo"], check=True, capture_output=True)
    _, proposal = accepted(tmp_path / "ws", sorted((tmp_path / "demo").glob("*.csv")))
    assert (proposal.key, proposal.timestamp, proposal.batch_time) == (("id",), "timestamp", "%Y%m%dT%H%M%S")
    types = {c.name: c.type for c in proposal.columns}
    assert (types["id"], types["amount"], types["email"]) == ("integer", "decimal(12,2)", "email")


SEMICOLONS = "Nummer;Geändert am;Straße;Betrag\n1;31.01.2024 10:00;Köln;1,50\n2;01.02.2024 11:30;Wien;2,00\n"


def test_a_file_with_semicolons_is_accepted(folder, tmp_path):
    """Semicolons, CRLF and German dates; `auto` finds the delimiter, so the proposal does not name it."""
    _, proposal = accepted(tmp_path / "ws", folder(**{"konten.csv": SEMICOLONS.replace("\n", "\r\n")}))
    assert proposal.timestamp_formats == ("%d.%m.%Y %H:%M",)
    assert (proposal.delimiter, proposal.key) == ("auto", ("Nummer",))


@pytest.mark.parametrize(
    ("encoding", "extra", "expected"),
    [("cp1252", "", ["utf-8", "cp1252"]), ("latin-1", "\x81", ["utf-8", "latin-1"])],
)
def test_an_encoding_that_is_not_utf_8_is_guessed_and_said(proposed, encoding, extra, expected):
    """cp1252, or Latin-1 where cp1252 has no such byte: behind UTF-8, and as a guess."""
    proposal = proposed(**{"konten.csv": SEMICOLONS.replace("Köln", f"Köln{extra}").encode(encoding)})
    assert settings_of(proposal)["encodings"] == expected
    assert any("is a guess" in note for note in proposal.notes)
    assert "Straße" in [c.name for c in proposal.columns]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-32"])
def test_a_file_in_another_encoding_is_accepted(folder, tmp_path, encoding):
    """The proposed encodings are such that a run reads the file."""
    ws, _ = accepted(tmp_path / "ws", folder(**{"konten.csv": SEMICOLONS.encode(encoding)}))
    assert "Köln" in latest(ws)


def test_a_mark_of_utf_16_is_read(proposed):
    """UTF-16 is read by its mark, which a run understands by itself."""
    proposal = proposed(**{"konten.csv": SEMICOLONS.encode("utf-16")})
    assert column(proposal, "Straße")
    assert "encodings" not in settings_of(proposal)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst"])
def test_compressed_samples_are_read(folder, tmp_path, name):
    """.csv.gz and .csv.zst are samples like others."""
    pack = gzip.compress if name.endswith("gz") else zstandard.compress
    _, proposal = accepted(tmp_path / "ws", folder(**{name: pack(dated("abc").encode())}))
    assert proposal.rows == 3


def test_samples_may_lie_in_the_queue(workspace):
    """A file in the queue goes by its path there, stays there, and the next run takes it."""
    ws = workspace(**{"shop/sales_1.csv": dated("abc")})
    made = init_from_samples(ws.layout.root, [ws.layout.queue / "shop/sales_1.csv"], NOW)
    assert made.proposal.match == "shop/sales_*.csv*"
    assert made.made[-1] == "snapshotter.toml"
    assert Workspace(ws.layout.root).run().datasets[0].counts.accepted == 3


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
CELLS = st.one_of(
    st.sampled_from(["", "", "007", "7", "-3", "1.50", "2.5", "1e3", "NA", "yes", "no", "true", "2024-02-30", "+1"]),
    st.sampled_from(["2024-01-02", "2024-01-02T03:04", "31/01/2024", "01/02/2024", "20240131", "a@b.example"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
)


@st.composite
def samples_of_any_kind(draw):
    """One to three files with a key-like column, a timestamp, and columns that come and go."""
    names = draw(st.lists(NAMES, max_size=4, unique_by=fold))
    taken = ["k", "when", *LINEAGE]
    names = [n for n in names if fold(n) not in taken and not fold(n).startswith("_reject_")]
    files = {}
    for number in range(draw(st.integers(1, 3))):
        own = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
        header = draw(st.permutations(["k", "when", *own]))
        rows = []
        for _ in range(draw(st.integers(1, 6))):
            cells = {name: draw(CELLS) for name in own}
            cells["k"] = draw(st.sampled_from(["1", "2", "3", "007", "x y"]))
            cells["when"] = f"2024-0{draw(st.integers(1, 9))}-11 10:00"
            rows.append([cells[name] for name in header])
        files[f"f{number}.csv"] = table(header, *rows)
    return files


@given(samples_of_any_kind())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_proposal_loads_and_accepts_its_samples(files):
    """Whatever the columns are called and the cells hold: the proposal loads, and a run refuses no row."""
    with tempfile.TemporaryDirectory() as place:
        samples = [Path(place, name) for name in files]
        for path in samples:
            path.write_bytes(files[path.name].encode())
        accepted(Path(place, "ws"), samples)


def test_the_text_says_what_the_proposal_says(proposed):
    """The commented file and the plain data are the same configuration."""
    proposal = proposed(
        **{"a_20240101.csv": dated(["1.50", "2.25", ""]), "a_20240102.csv": dated(["3.75"], "id,updated_at,y")}
    )
    written = tomllib.loads(text_of(proposal))["datasets"]["default"]
    assert DatasetConfig.model_validate(written) == DatasetConfig.model_validate(settings_of(proposal))


# -------------------------------------------------------------------------------- types


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2", "30"], "integer"),
        (["007", "8", "9"], "string"),
        (["+1", "2", "3"], "string"),
        (["1.50", "2.25", "-10.00"], "decimal(12,2)"),
        (["1.5", "2.25", "3"], "number"),
        (["0.5", "00.7"], "string"),
        (["12345678901234567890", "2"], "string"),
        (["true", "FALSE", ""], "boolean"),
        (["Y", "n"], "boolean"),
        (["y", "y"], "string"),
        (["1", "0"], "integer"),
        (["2024-01-02", "2024-12-31"], "date"),
        (["2024-01-02T10:00", "2024-12-31"], "timestamp"),
        (["31/01/2024", "01/02/2024"], "string"),
        (["a@b.example", "c@d.example"], "email"),
        (["7D444840-9DC0-11D1-B245-5FFDCE74FAD2"], "uuid"),
        (["", ""], "string"),
        (["NA", "1"], "string"),
    ],
)
def test_type(proposed, cells, expected):
    """A type is proposed if each cell is of it, and text stays what publishing would take something away from."""
    assert column(proposed(**{"a.csv": dated(cells)}), "x").type == expected


def test_leading_zeros_survive(folder, tmp_path):
    """What comes as 007 is published as 007."""
    ws, _ = accepted(tmp_path / "ws", folder(**{"a.csv": dated(["007", "010"])}))
    assert ",007," in latest(ws)


def test_a_code_of_digits_stays_text(proposed):
    """Whole numbers in a column that is called like a code are text, and the proposal says so."""
    zip_code = column(proposed(**{"a.csv": dated(["90210", "10001"], "id,updated_at,zip_code")}), "zip_code")
    assert zip_code.type == "string"
    assert "leading zero" in zip_code.notes[0]


def test_one_cell_of_another_type_is_told_with_its_place(proposed):
    """All but one cell are numbers: left as text, and the row is named, counted as a run counts; not the cell."""
    cells = [str(number) for number in range(30)]
    cells[20] = "secret"
    text = dated(cells).replace("\n5,", "\n\n5,", 1)  # a blank line does not count
    note = column(proposed(**{"a.csv": text}), "x").notes[0]
    assert note.startswith("one is not a whole number")
    assert "row 21 of a.csv" in note
    assert "secret" not in note


def test_rows_are_numbered_as_in_the_file_when_some_are_ragged(proposed):
    """A record with too many cells is told, and those behind it keep their numbers."""
    cells = [str(number) for number in range(30)]
    cells[2], cells[20] = "2,2,2", "x"
    proposal = proposed(**{"a.csv": dated(cells)})
    assert any("1 record broken, or with too few or too many cells" in note for note in proposal.notes)
    assert "row 21 of a.csv" in column(proposal, "x").notes[0]


def test_empty_cells_make_a_column_nullable(proposed):
    """`nullable = false` is proposed where many rows have no empty cell, and never where one has."""
    full = proposed(**{"a.csv": dated(["x"] * 150)})
    assert column(full, "x").nullable is False
    assert column(proposed(**{"a.csv": dated(["x"] * 149 + [""])}), "x").nullable is None
    assert column(proposed(**{"a.csv": dated(["x"] * 9)}), "x").nullable is None


# -------------------------------------------------------------------------------- timestamps


def times(*cells):
    """A file with these timestamps."""
    return table(["id", "when"], *([number, cell] for number, cell in enumerate(cells)))


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["2024-01-31", "2024-01-31T10:00:00Z"], ()),
        (["31/01/2024 10:00", "01/02/2024 11:00"], ("%d/%m/%Y %H:%M",)),
        (["01/31/24", "02/01/24"], ("%m/%d/%y",)),
        (["Jan 31, 2024", "Feb 1, 2024"], ("%b %d, %Y",)),
        (["31-Jan-2024 10:00:00"], ("%d-%b-%Y %H:%M:%S",)),
        (["20240131101500", "20240201111500"], ("%Y%m%d%H%M%S",)),
        (["Wed, 31 Jan 2024 10:00:00 +0100"], ("%a, %d %b %Y %H:%M:%S %z",)),
        (["1/31/2024 1:05 PM", "2/1/2024 11:00 AM"], ("%m/%d/%Y %I:%M %p",)),
    ],
)
def test_format_of_the_timestamp(folder, tmp_path, cells, formats):
    """The formats that the cells need are found, and a run reads them."""
    _, proposal = accepted(tmp_path / "ws", folder(**{"a.csv": times(*cells)}))
    assert proposal.timestamp_formats == formats


def test_an_open_order_of_day_and_month_is_told_with_both_readings(proposed):
    """All days are at most 12: the first reading is proposed, and both are named."""
    proposal = proposed(**{"a.csv": times("01/02/2024", "03/04/2024")})
    assert proposal.timestamp_formats == ("%d/%m/%Y",)
    (note,) = [note for note in proposal.notes if "exchanged" in note]
    assert "%d/%m/%Y" in note
    assert "%m/%d/%Y" in note


def test_a_reading_in_the_future_is_not_the_first(proposed):
    """06/01/2026 is the first of June on that day, not the sixth of January; 12/05/2026 has not come yet."""
    proposal = proposed(**{"a.csv": times("05/12/2026", "05/11/2026")})
    assert proposal.timestamp_formats == ("%m/%d/%Y",)


def test_timestamps_in_the_future_are_let_in_and_told(folder, tmp_path):
    """If the only timestamp lies in the future, max_future is off, so that the rows are accepted."""
    _, proposal = accepted(tmp_path / "ws", folder(**{"a.csv": times("2030-01-01", "2031-01-01")}))
    assert proposal.max_future == "off"
    assert any("future" in note for note in proposal.notes)


def test_the_time_of_a_change_goes_before_other_times(proposed):
    """Of several columns that hold times, the name decides; the others are named."""
    proposal = proposed(
        **{"a.csv": "id,date_of_birth,last_modified\n1,1990-01-01,2024-01-01\n2,1991-01-01,2024-01-02\n"}
    )
    assert proposal.timestamp == "last_modified"
    assert any("also `date_of_birth`" in note for note in proposal.notes)


def test_a_timestamp_that_is_empty_at_times_is_told(proposed):
    """Rows that a run would refuse are counted."""
    proposal = proposed(**{"a.csv": times("2024-01-01", "2024-01-02", "")})
    assert any("1 cell of 3 no timestamp" in note for note in proposal.notes)


# -------------------------------------------------------------------------------- keys


def versions(*rows):
    """A file of rows (customer, order, city, when)."""
    return table(["city", "customer_id", "order_id", "when"], *rows)


def test_a_key_is_found_by_name_and_uniqueness(proposed):
    """What is called an identifier and is unique alone comes before what is unique with the timestamp only."""
    rows = [("Rome", 1, 10, "2024-01-01"), ("Rome", 1, 11, "2024-01-02"), ("Bari", 2, 12, "2024-01-02")]
    proposal = proposed(**{"a.csv": versions(*rows)})
    assert proposal.key == ("order_id",)
    assert [(c.columns, c.alone) for c in proposal.key_candidates[:2]] == [
        (("order_id",), True),
        (("customer_id",), False),
    ]
    assert any("2 candidates for the key" in note for note in proposal.notes)


def test_two_columns_are_a_key_where_none_is(folder, tmp_path):
    """Shop and receipt together: in the order of the header."""
    rows = [(shop, receipt, "2024-01-01", 5) for shop in "ab" for receipt in (1, 2, 3)]
    _, proposal = accepted(tmp_path / "ws", folder(**{"a.csv": table(["shop", "receipt_no", "when", "n"], *rows)}))
    assert (proposal.key, proposal.key_candidates[0].alone) == (("shop", "receipt_no"), True)


def test_a_number_within_something_is_told(folder, tmp_path):
    """Receipts of two shops have the same numbers, and timestamps that hardly repeat: the shop belongs to the key."""
    rows = [(shop, n, f"2024-01-01T1{n}:0{shop}", 5) for shop in (1, 2) for n in (1, 2, 3)]
    rows.append((1, 1, "2024-01-02", 6))
    text = [[f"S{shop}", *rest] for shop, *rest in rows]
    _, proposal = accepted(tmp_path / "ws", folder(**{"a.csv": table(["shop", "receipt_no", "when", "n"], *text)}))
    assert [c.columns for c in proposal.key_candidates[:2]] == [("shop", "receipt_no"), ("receipt_no",)]


CITIES = ["Rome", "Bari", "Pisa"]


def receipts(*, corrected=0):
    """Six shops that number receipts alike: (shop, number, when, customer, amount); no number has a time twice."""
    rows = [
        (f"S{s}", n, n * 2 + s * 51, f"C{n * 7 * s % 499}", n * 31 * s % 997) for s in range(1, 7) for n in range(400)
    ]
    rows += [(shop, n, when + 2000, customer, 1) for shop, n, when, customer, _ in rows[:corrected]]
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return [(s, n, f"{start + timedelta(minutes=when):%Y-%m-%dT%H:%M}", c, f"{a}.50") for s, n, when, c, a in rows]


@pytest.mark.parametrize("shop", ["store", "store_id", "Filiale", "place"])
@pytest.mark.parametrize("corrected", [0, 100])
def test_receipts_of_several_shops_are_not_taken_for_versions(folder, tmp_path, shop, corrected):
    """A number that is unique only with the timestamp is doubted if the shop makes it unique: no receipt is lost."""
    head = [shop, "receipt_no", "sold_at", "customer", "amount"]
    ws, proposal = accepted(tmp_path / "ws", folder(**{"a.csv": table(head, *receipts(corrected=corrected))}))
    assert proposal.key == (shop, "receipt_no")
    assert ("receipt_no",) in [c.columns for c in proposal.key_candidates[1:]]
    assert latest(ws).count("\n") == 1 + 6 * 400


@pytest.mark.parametrize(
    ("head", "cells"),
    [
        ("order_no,when,name,status", lambda n, v: (f"name {n}", ["new", "paid", "sent"][v])),
        ("order_no,when,status", lambda _, v: (["new", "paid", "sent"][v],)),
        ("order_id,when,name,courier_id", lambda n, v: (f"name {n}", (n * 7 + v) % 50)),
        ("customer_no,when,name,city,phone", lambda n, v: (f"name {n}", CITIES[(n + v) % 3], n * v)),
        ("ticket_no,when,comment", lambda n, v: (f"comment {n} {v}",)),
        ("id,when,city,amount", lambda n, v: (CITIES[(n + v) % 3], f"{n * v}.50")),
    ],
)
def test_versions_are_not_taken_for_different_things(proposed, head, cells):
    """What changes from version to version makes an identifier unique by accident, and does not join the key."""
    rows = [(n, f"2024-01-{v * 9 + n % 9 + 1:02}", *cells(n, v)) for n in range(200) for v in range(3)]
    assert proposed(**{"a.csv": table(head.split(","), *rows)}).key == (head.partition(",")[0],)


def test_a_rival_of_the_key_is_told(proposed):
    """Numbers with a name of their own and a shop that changes: the number alone is proposed, the pair is named."""
    rows = [
        (n, f"2024-01-{v * 9 + n % 9 + 1:02}", f"name {n}", f"S{(n + v) % 20}") for n in range(200) for v in range(3)
    ]
    proposal = proposed(**{"a.csv": table(["customer_no", "when", "name", "shop"], *rows)})
    assert [c.columns for c in proposal.key_candidates] == [("customer_no",), ("customer_no", "shop")]
    assert any("also `customer_no` + `shop`" in note for note in proposal.notes)


def test_rows_that_stand_twice_word_for_word_do_no_harm(proposed):
    """Equal rows are no twins."""
    proposal = proposed(**{"a.csv": "id,when,x\n1,2024-01-01,a\n1,2024-01-01,a\n2,2024-01-01,b\n"})
    assert proposal.key == ("id",)


def test_that_nothing_is_unique_is_told(folder, tmp_path):
    """The nearest is proposed, with the number of its twins."""
    files = folder(**{"b.csv": "id,when,x\n1,2024-01-01,\n1,2024-01-01,7.5\n2,2024-01-01,2.5\n"})
    _, proposal = accepted(tmp_path / "ws", files)
    assert (proposal.key, proposal.key_candidates[0].twins) == (("id",), 1)
    assert any("no key was found" in note for note in proposal.notes)


def test_few_rows_mean_little(proposed):
    """Three rows: the proposal says how little that is."""
    assert "only 3 rows: uniqueness and types mean little" in proposed(**{"a.csv": dated("abc")}).notes


# -------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("names", "match", "patterns"),
    [
        (["sales-20240101.csv", "sales-20240108.csv.gz"], "sales-*.csv*", ["%Y%m%d"]),
        (["batch_20220103T091500.csv"], "batch_*.csv*", ["%Y%m%dT%H%M%S"]),
        (["01-22-2020.csv", "01-23-2020.csv"], "*.csv*", ["%m-%d-%Y"]),
        (["x_01-02-2020.csv", "x_03-04-2020.csv"], "*.csv*", ["%d-%m-%Y", "%m-%d-%Y"]),
        (["shop_2024-01.csv", "shop_2024-02.csv"], "shop_*.csv*", ["%Y-%m"]),
        (["january.csv", "june.csv"], "*.csv*", []),
        (["orders.csv", "orders-2.csv"], "orders*.csv*", []),
        (["a[1]*.csv"], "*.csv*", []),
        (["ab[1]?x.csv"], "ab[[]1][?]x*.csv*", []),
        (["export 12345678.csv"], "export *.csv*", []),
        (["in/sales1.csv", "in/sales2.csv"], "in/sales*.csv*", []),
    ],
)
def test_what_file_names_tell(names, match, patterns):
    """The common beginning of the names, and the one date that all hold."""
    assert (match_pattern(names), batch_times(names)) == (match, patterns)


def test_words_of_a_name():
    """Names are taken apart at signs and at capitals."""
    assert words("customerID") == ["customer", "id"]
    assert words("Last Update/UTC_Time") == ["last", "update", "utc", "time"]
    assert time_tier("updatedAt") == 0


# -------------------------------------------------------------------------------- hostile input


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_out_of_toml(text):
    """As a string, as a key and in a list; and no comment ends before its line does."""
    line = f"{toml.key(text)} = {toml.value([text, True, 3, {text: text}])} {toml.comment(text)}"
    assert tomllib.loads(line) == {text: [text, True, 3, {text: text}]}
    assert toml.comment(text).isprintable()


@pytest.mark.parametrize("item", [1.5, None, b"x"])
def test_what_has_no_form_in_toml_is_an_error(item):
    """Nothing is written that was not thought of."""
    with pytest.raises(TypeError):
        toml.value(item)


def test_half_a_character_is_an_error():
    """TOML has no way to write a lone surrogate."""
    with pytest.raises(ValueError, match="surrogate"):
        toml.string("\ud800")


def test_nothing_out_of_a_file_breaks_out(folder, tmp_path):
    """Names of files and columns with quotes, line ends and TOML in them stay names."""
    evil = '"]\n[datasets.evil]\nkey = ["x'
    hostile = table(["id", "when", evil, "# x", "a\u202eb"], *([n, "2024-01-01", f"{n}.50", n, n] for n in range(30)))
    (path,) = folder(**{'x"\u2028]#.csv': hostile})
    made = init_from_samples(tmp_path / "ws", [path], NOW)
    (dataset,) = Workspace(tmp_path / "ws").settings.datasets.values()
    assert dataset.columns[evil].type == "decimal(12,2)"
    assert "\u202e" not in made.toml
    assert "\u2028" not in made.toml


def test_columns_that_are_spelled_alike_stay_apart(folder, tmp_path):
    """`a b` and `a_b` in one header are two columns, and both are declared, so that neither is taken for the other."""
    files = folder(**{"a.csv": "id,when,a b,a_b\n1,2024-01-01,1,x\n2,2024-01-01,2,y\n"})
    ws, _ = accepted(tmp_path / "ws", files)
    assert latest(ws).startswith("id,when,a b,a_b,")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "id,name\n1,x\n", "no column holds timestamps"),
        ("a.csv", "when,x\n2024-01-01,\n", "none can be the key"),
        ("a.csv", "id,when\n", "no records"),
        ("a.csv", "", "no bytes"),
        ("a.csv", "id\n1\n", "one cell"),
        ("a.csv", 'id,when\n1,"2024-01-01\n', "no records"),
        ("a.csv", 'id,"when\n1,2024-01-01\n', "never closed"),
        ("a.csv", "id,when,ID\n1,2024-01-01,2\n", "twice"),
        ("a.csv", b"\xff\xfex", "begins like utf-16"),
        ("a.csv.gz", b"no gzip", "gzip"),
        ("a.txt", "id,when\n1,2024-01-01\n", "does not end in .csv"),
    ],
)
def test_a_sample_that_is_no_good_is_an_error(folder, tmp_path, name, content, said):
    """It says what is wrong, exits with 2, and makes nothing."""
    with pytest.raises(UsageError, match=said) as error:
        init_from_samples(tmp_path / "ws", folder(**{name: content}), NOW)
    assert "Nothing was made" in error.value.remedy
    assert not (tmp_path / "ws").exists()


def test_what_is_no_file_is_an_error(tmp_path):
    """A folder, and what is not there."""
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(UsageError, match="cannot be a sample"):
            init_from_samples(tmp_path / "ws", [path], NOW)


def test_a_file_that_is_being_written_is_an_error(folder, tmp_path):
    """Half a file is no sample."""
    (path,) = folder(**{"a.csv": dated("abc")})
    with path.open("a"), pytest.raises(UsageError, match="being written"):
        init_from_samples(tmp_path / "ws", [path], NOW)


def test_of_a_large_file_the_head_is_read(folder, tmp_path):
    """Rows beyond the bound are not looked at, and the proposal says so."""
    lines = [f"{n},2024-01-01\n" for n in range(ROWS + 1)]
    proposal = propose(folder(**{"a.csv": "".join(["id,when\n", *lines])}), tmp_path, tmp_path, NOW)
    assert proposal.rows == ROWS
    assert any("only the first 200,000 rows" in note for note in proposal.notes)


def test_a_text_is_cut_where_a_record_ends():
    """Not at a line end within quotes, and not at all where no record ends."""
    assert _last_end(b'a,b\n1,"x\ny') == 4
    assert _last_end(b"a,b\n1,2\n3") == 8
    with pytest.raises(Irregular, match="no record ends"):
        _last_end(b'"a\nb')


def test_the_delimiter_is_named_where_auto_would_take_another(folder, tmp_path):
    """A header that has the key and the timestamp under two delimiters: the proposal says which it is."""
    _, proposal = accepted(tmp_path / "ws", folder(**{"a.csv": "id;,;when\n1;x;2024-01-01\n"}))
    assert (proposal.delimiter, [c.name for c in proposal.columns]) == (";", ["id", ",", "when"])


# -------------------------------------------------------------------------------- the command


def test_a_proposal_is_written_and_told(folder, tmp_path):
    """`init FILE` makes the workspace and says on stderr what it is unsure of; the sample stays where it is."""
    (path,) = folder(**{"a.csv": dated("abc")})
    done = run_cli("init", path, workspace=tmp_path / "ws")
    assert (done.returncode, done.stdout) == (0, "")
    assert "only 3 rows" in done.stderr
    assert "key id" in done.stderr
    assert "only 3 rows" in (tmp_path / "ws/snapshotter.toml").read_text()
    assert path.exists()
    assert list((tmp_path / "ws/input/processing").iterdir()) == []


def test_an_existing_configuration_is_not_touched(folder, workspace):
    """Exit code 2 that names it and the way out; nothing is changed."""
    ws = workspace("memory_limit = '1GB'\n")
    done = run_cli("init", *folder(**{"a.csv": dated("abc")}), workspace=ws)
    assert done.returncode == 2
    assert str(ws.layout.root / "snapshotter.toml") in done.stderr
    assert "--output" in done.stderr
    assert (ws.layout.root / "snapshotter.toml").read_text() == "memory_limit = '1GB'\n"
    assert not ws.layout.output.exists()


def test_a_proposal_can_be_printed_or_written_elsewhere(folder, tmp_path):
    """`--output -` prints it and `--output FILE` writes it; neither makes a workspace, nor overwrites."""
    (path,) = folder(**{"a.csv": dated("abc")})
    printed = run_cli("init", path, "--output", "-", cwd=tmp_path)
    assert tomllib.loads(printed.stdout)["datasets"]["default"]["key"] == ["id"]
    assert run_cli("init", path, "--output", "new.toml", cwd=tmp_path).returncode == 0
    assert (tmp_path / "new.toml").read_text() == printed.stdout
    assert run_cli("init", path, "--output", "new.toml", cwd=tmp_path).returncode == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.toml", "samples"]


def test_a_proposal_as_json(folder, tmp_path):
    """`--json` gives what was found out as an object, with the text."""
    done = run_cli("init", *folder(**{"a.csv": dated("abc")}), "--json", workspace=tmp_path / "ws")
    answer = json.loads(done.stdout)
    assert answer["proposal"]["key"] == ["id"]
    assert answer["proposal"]["columns"][0] == {
        "name": "id",
        "type": "integer",
        "nullable": None,
        "required": True,
        "aliases": [],
        "unique": True,
        "notes": [],
    }
    assert answer["toml"] == (tmp_path / "ws/snapshotter.toml").read_text()
    assert done.stderr == ""


def test_a_proposal_as_a_data_contract(folder, tmp_path):
    """`--format odcs`: the columns stand in an ODCS file that snapshotter.toml names, and a run follows it."""
    (path,) = folder(**{"a.csv": dated(["1.50", "2.25", "7.00"], 'id,updated_at,"x: ""y"" # z"')})
    done = run_cli("init", path, "--format", "odcs", workspace=tmp_path / "ws")
    assert done.returncode == 0, done.stderr
    ws = Workspace(tmp_path / "ws")
    drop(ws, "a.csv", path.read_bytes())
    assert ws.run().datasets[0].counts.accepted == 3
    contract = ws.contracts["default"]
    assert (contract.config.contract, [c.name for c in contract.key]) == ("contract.odcs.yaml", ["id"])
    assert contract.column('x: "y" # z').type.name == "decimal(12,2)"
    printed = run_cli("init", path, "--format", "odcs", "--output", "-", cwd=tmp_path)
    assert printed.stdout == (tmp_path / "ws/contract.odcs.yaml").read_text()
    assert run_cli("init", path, "--format", "odcs", workspace=tmp_path / "ws").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "odcs"],
        ["a.csv", "--format", "yaml"],
        ["--output", "x.toml"],
        ["a.csv", "--template", "minimal"],
        ["a.csv", "--output", ""],
        ["a.csv", "--output", "-", "--json"],
        ["--var", "a=b"],
        ["--template", "minimal", "--var", "key"],
        ["--template", "minimal", "--var", "key=a", "--var", "key=b"],
        ["--template", "minimal", "--list-templates"],
    ],
)
def test_options_that_contradict_each_other_make_nothing(tmp_path, arguments):
    """Exit code 2, and a remedy."""
    done = run_cli("init", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "nothing was made" in done.stderr
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------- templates


def make_template(place, **files):
    """A template in a folder."""
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(place)


def test_the_minimal_template_means_the_defaults(tmp_path):
    """Without variables it is the default configuration, and it runs."""
    init_from_template(tmp_path / "ws", "minimal", {})
    ws = Workspace(tmp_path / "ws")
    assert ws.settings == config.Settings()
    drop(ws, "a.csv", "id,timestamp\n1,2024-01-01\n")
    assert ws.run().datasets[0].counts.accepted == 1


def test_the_retail_template_takes_sales_and_customers(tmp_path):
    """Two datasets, types, and deletes by status and by date."""
    made = init_from_template(tmp_path, "retail", {"client": "acme"})
    assert {"README.md", "snapshotter.toml"} < set(made.made)
    assert "acme" in (tmp_path / "README.md").read_text()
    ws = Workspace(tmp_path)
    head = "store_id,receipt_no,line_no,sold_at,sku,customer_id,quantity,unit_price,amount,currency,payment,status"
    head += ",updated_at"
    sale = "S1,00{n},1,2024-01-01T10:00,A7,C1,2,1.50,3.00,EUR,card,{status},2024-01-0{day}T10:00"
    rows = [sale.format(n=1, status="sale", day=1), sale.format(n=2, status="sale", day=1)]
    drop(ws, "sales-1.csv", "\n".join([head, *rows, sale.format(n=2, status="void", day=2), ""]))
    people = (
        "customer_id,name,email,updated_at,deleted_at\nC1,Ada,a@b.example,2024-01-01,\nC2,Bob,,2024-01-01,2024-01-01\n"
    )
    drop(ws, "customers.csv", people)
    result = {dataset.dataset: dataset for dataset in ws.run().datasets}
    assert {name: (d.counts.rejected, d.latest.rows) for name, d in result.items()} == {
        "sales": (0, 1),
        "customers": (0, 1),
    }
    assert "S1,001,1," in latest(ws, "sales")


def test_each_template_of_the_project_says_what_it_asks_for():
    """`--list-templates` names them, what they make, and their variables."""
    assert [t.name for t in templates()] == ["minimal", "retail"]
    assert all(t.description and all(v.description for v in t.variables) for t in templates())
    done = run_cli("init", "--list-templates")
    assert "retail" in done.stdout
    assert "client" in done.stdout
    assert json.loads(run_cli("init", "--list-templates", "--json").stdout)[1]["variables"][0]["name"] == "client"


@pytest.mark.parametrize(
    ("name", "variables", "said"),
    [
        ("retail", {}, r"needs --var client"),
        ("retail", {"client": "a", "colour": "b"}, "has no variable colour"),
        ("retail", {"client": "a\nb"}, "must match"),
        ("retail", {"client": "a", "currency": "euro"}, "must match"),
        ("nothing", {}, "there are: minimal, retail"),
        ("./nothing", {}, "no folder"),
        ("minimal", {"key": "\udcff"}, "UTF-8"),
    ],
)
def test_what_a_template_needs_is_told(tmp_path, name, variables, said):
    """A missing, unknown or wrong variable and an unknown template are errors that name what there is."""
    with pytest.raises(UsageError, match=said) as error:
        init_from_template(tmp_path / "ws", name, variables)
    assert "Nothing was made" in error.value.remedy
    assert not (tmp_path / "ws").exists()


def test_a_configuration_that_does_not_load_makes_nothing(tmp_path):
    """The error says where; no file and no folder is left."""
    with pytest.raises(ConfigError, match=r"snapshotter\.toml: datasets\.default\.timezone"):
        init_from_template(tmp_path / "ws", "minimal", {"timezone": "Mars/Olympus"})
    assert not (tmp_path / "ws").exists()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="".join(map(chr, range(32)))), min_size=1))
def test_no_variable_breaks_out_of_its_string(text):
    """Whatever a column is called, the rendered configuration has it as its key, and nothing else."""
    raw = tomllib.loads(render("minimal", {"key": text})["snapshotter.toml"].decode())
    assert raw == {"datasets": {"default": {"key": [text], "timestamp": "timestamp", "timezone": "UTC"}}}


CONFIG = "[datasets.default]\nkey = [{{ key | toml }}]\n"


def test_a_folder_is_a_template(tmp_path):
    """Files that end in .j2 are rendered without it, others are copied as they are, hidden ones are left out."""
    files = {
        "snapshotter.toml.j2": CONFIG,
        "docs/logo.png": b"\x89\xff{{",
        ".git/config": "x",
        "notes.md.j2": "{{ key }}\n",
    }
    name = make_template(tmp_path / "mine", **files)
    made = init_from_template(tmp_path / "ws", name, {"key": "sku"})
    assert [path for path in made.made if not path.endswith("/")] == ["docs/logo.png", "notes.md", "snapshotter.toml"]
    assert (tmp_path / "ws/docs/logo.png").read_bytes() == b"\x89\xff{{"
    assert (tmp_path / "ws/notes.md").read_text() == "sku\n"
    assert Workspace(tmp_path / "ws").contracts["default"].key[0].name == "sku"


def test_a_folder_hides_no_template_of_the_project(tmp_path):
    """A bare name is one of the project's, whatever lies in the current folder; a folder is named as a path."""
    make_template(tmp_path / "retail", **{"snapshotter.toml": "", "mine.md": "x"})
    make_template(tmp_path / "shop", **{"snapshotter.toml": "", "mine.md": "x"})
    retail = run_cli("init", "--template", "retail", "--var", "client=acme", "--workspace", "a", cwd=tmp_path)
    assert retail.returncode == 0, retail.stderr
    assert not (tmp_path / "a/mine.md").exists()
    bare = run_cli("init", "--template", "shop", "--workspace", "b", cwd=tmp_path)
    assert bare.returncode == 2
    assert "with a / in it" in bare.stderr
    (tmp_path / "retail/docs").mkdir()
    own_names = [("./retail", "."), ("retail/", "."), (".", "retail"), ("..", "retail/docs")]
    for number, (name, place) in enumerate(own_names):
        own = run_cli("init", "--template", name, "--workspace", tmp_path / f"w{number}", cwd=tmp_path / place)
        assert own.returncode == 0, own.stderr
        assert (tmp_path / f"w{number}/mine.md").exists()


@pytest.mark.parametrize("part", ["input/processing/a.csv", "output/ledger/default/x", "input/processed/a.csv"])
def test_a_workspace_is_no_template(tmp_path, part):
    """The data of one client is not copied into the workspace of another one."""
    name = make_template(tmp_path / "acme", **{"snapshotter.toml": "", part: "id,timestamp\n1,2024-01-01\n"})
    with pytest.raises(UsageError, match=r"a workspace: there is (input|output)/ in it") as error:
        init_from_template(tmp_path / "ws", name, {})
    assert "Nothing was made" in error.value.remedy
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"snapshotter.toml.j2": CONFIG}, "'key' is undefined"),
        ({"snapshotter.toml.j2": "{{ ''.__class__.__mro__ }}"}, "unsafe"),
        ({"snapshotter.toml.j2": "{% for %}"}, "line 1"),
        ({"snapshotter.toml.j2": "{{ 1 / 0 }}"}, "ZeroDivisionError"),
        ({"snapshotter.toml.j2": "{% include '/etc/passwd' %}"}, "TypeError"),
        ({"snapshotter.toml.j2": b"\xff"}, "UnicodeDecodeError"),
        ({"snapshotter.toml": b"\xff"}, "not UTF-8"),
        ({"a.txt": "x"}, "has no snapshotter.toml"),
        ({"snapshotter.toml": "", "snapshotter.toml.j2": ""}, "twice"),
        ({"snapshotter.toml": "", "docs.j2": "", "docs/a.md": ""}, "docs a file, and a folder as well"),
        ({"snapshotter.toml": "", "output.j2": ""}, "a file output, which is a folder"),
        ({"snapshotter.toml": "", "template.toml": "colour = 1"}, "template.toml: colour"),
        ({"snapshotter.toml": "", "template.toml": "["}, "template.toml"),
        ({"snapshotter.toml": "", "template.toml": "[variables.x]\npattern = '('"}, "no regular expression"),
        ({"snapshotter.toml": "", **{f"f{n}": "" for n in range(501)}}, "more than 500 files"),
    ],
)
def test_a_template_that_is_no_good_makes_nothing(tmp_path, files, said):
    """It says which file and why; the sandbox lets nothing out."""
    with pytest.raises(UsageError, match=said):
        init_from_template(tmp_path / "ws", make_template(tmp_path / "mine", **files), {})
    assert not (tmp_path / "ws").exists()


def test_links_in_a_template_are_refused(tmp_path):
    """A link to a file or a folder is not followed."""
    for target in ("/etc/hostname", "/etc"):
        mine = tmp_path / f"mine{target.replace('/', '-')}"
        name = make_template(mine, **{"snapshotter.toml": ""})
        (mine / "link").symlink_to(target)
        with pytest.raises(UsageError, match="a link"):
            init_from_template(tmp_path / "ws", name, {})


def test_nothing_is_written_outside_of_the_workspace(tmp_path):
    """A link in the workspace leads no file of a template elsewhere."""
    name = make_template(tmp_path / "mine", **{"snapshotter.toml": "", "docs/a.md": "x"})
    (tmp_path / "ws").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "ws/docs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="outside"):
        init_from_template(tmp_path / "ws", name, {})
    assert [path.name for path in (tmp_path / "ws").iterdir()] == ["docs"]


def test_a_template_overwrites_nothing(tmp_path):
    """One file that is there, and nothing is written; a link counts as a file."""
    (tmp_path / "README.md").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"README\.md exists already"):
        init_from_template(tmp_path, "minimal", {})
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


@pytest.mark.parametrize(
    ("there", "content", "said"),
    [
        ("docs", "a file", "docs is there and is no folder"),
        ("input", "a file", "input is there and is no folder"),
        ("output", "a file", "output is there and is no folder"),
        ("docs/a.md/x", "a file in a folder of that name", "a.md exists already"),
        ("docs/a.md", "a file", "a.md exists already"),
        ("docs", None, "docs is there and is no folder"),
    ],
)
def test_what_has_the_place_of_a_file_or_folder_is_found_before_anything_is_made(tmp_path, there, content, said):
    """A file where a folder is needed, a folder where a file is, a link to itself: exit code 2, and nothing is made."""
    name = make_template(tmp_path / "mine", **{"docs/a.md": "x", "snapshotter.toml": ""})
    ws = tmp_path / "ws"
    (ws / there).parent.mkdir(parents=True)
    if content is None:
        (ws / there).symlink_to(there)
    else:
        (ws / there).write_text(content)
    before = sorted(ws.rglob("*"))
    done = run_cli("init", "--template", name, workspace=ws)
    assert done.returncode == 2
    assert said in done.stderr
    assert "--workspace" in done.stderr
    assert sorted(ws.rglob("*")) == before


def test_plain_init_makes_nothing_where_a_folder_cannot_be(tmp_path):
    """A file called output: exit code 2, and no other folder is made."""
    (tmp_path / "output").write_text("a file")
    done = run_cli("init", workspace=tmp_path)
    assert done.returncode == 2
    assert "output is there and is no folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["output"]


def test_half_a_template_is_taken_back(tmp_path):
    """If the system refuses one file, those before it are removed."""
    name = make_template(tmp_path / "mine", **{"a.md": "x", "b.md": "x" * 200_000, "snapshotter.toml": ""})
    command = [sys.executable, ROOT / "driver.py", "init", "--template", name, "--workspace", tmp_path / "ws"]
    limited = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (100_000, 100_000))
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited, check=False)
    assert done.returncode == 18, done.stderr
    assert [path for path in (tmp_path / "ws").rglob("*") if path.is_file()] == []


def test_plain_init_is_as_it_was(tmp_path):
    """Without files and template: folders, and the commented defaults."""
    done = run_cli("init", workspace=tmp_path / "ws")
    assert done.returncode == 0
    assert (tmp_path / "ws/snapshotter.toml").read_text() == template()
