"""The configuration that comes with test data: what it says, and that the program takes the data with it."""

import json
import subprocess
import sys
import tomllib
from dataclasses import replace

from conftest import DRIVER, ROOT, run_cli
from hypothesis import given, settings
from hypothesis import strategies as st
from linked import AWKWARD, CUSTOMERS, linked

from snapshotter import config as snapshotter_config
from snapshotter.testdata import SOURCES, Field, Table
from snapshotter.testdata.contracts import config
from snapshotter.testdata.delivery import deliver

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def loaded(text, folder):
    """The datasets that snapshotter's own loader finds in a text."""
    (folder / "snapshotter.toml").write_text(text, encoding="utf-8")
    return snapshotter_config.load(folder).datasets


@given(names=st.lists(TEXTS, min_size=3, max_size=3, unique=True), aliases=st.lists(TEXTS), says=TEXTS)
@settings(max_examples=300, deadline=None)
def test_any_text_survives(names, aliases, says):
    """Whatever names, aliases and values hold, what TOML reads is what the table says."""
    key, time, other = names
    fields = {key: Field(says=says), time: Field(), other: Field(aliases=tuple(aliases), values=tuple(aliases))}
    table = Table(name="t-1", match=says, key=(key,), timestamp=time, fields=fields, deleted=(other, says), says=says)
    found = tomllib.loads(config([table]))["datasets"]["t-1"]
    assert (found["key"], found["timestamp"], list(found["columns"])) == ([key], time, names)
    assert found["match"] in {says, f"{says}*"}
    assert found["delete_when"] == {"column": other, "values": [says]}
    assert found["columns"][other].get("aliases", []) == found["columns"][other].get("values", []) == aliases


def test_own_loader_reads_every_setting(tmp_path):
    """Match, key, time, encodings, deletion, types and what may be missing arrive in snapshotter's configuration."""
    found = loaded(config(linked().tables, lineage=["source_filename", "source_row"]), tmp_path)
    assert list(found) == ["customers", "orders", "notes-1"]
    customers, orders, notes = found.values()
    assert (customers.match, orders.match) == (("customers_*.csv*",), ("orders_*.csv*",))
    assert (customers.key, orders.key) == (("customer_id",), ("order_id", "line"))
    assert (customers.timestamp, customers.batch_time) == ("updated", "customers_%Y%m%d")
    assert (customers.encodings, orders.encodings) == (("utf-8", "cp1252"), ("utf-8",))
    assert (customers.delete_when.column, customers.delete_when.values) == ("op", ("D",))
    assert notes.lineage == ("source_filename", "source_row")
    assert {name: its.type for name, its in orders.columns.items()} == {
        "order_id": "uuid",
        "line": "integer",
        "customer_id": "integer",
        "price": "decimal(8,2)",
        "weight": "number",
        "gift": "boolean",
        "day": "date",
        "at": "timestamp",
    }
    assert customers.columns["name"].aliases == ("Full name", "who")
    assert [its.nullable for its in customers.columns.values()] == [None, False, None, False, None]
    assert (notes.columns[AWKWARD].required, notes.columns["note"].required) == (False, True)
    assert orders.columns["line"].values == ("1", "2", "3")


def test_a_key_may_be_empty_if_its_table_says_so(tmp_path):
    """A key column is never empty unless that is said; then it is in the file."""
    fields = CUSTOMERS.fields | {"customer_id": Field(nullable=True)}
    found = loaded(config([replace(CUSTOMERS, fields=fields)]), tmp_path)
    assert found["customers"].columns["customer_id"].nullable is True


def test_every_source_has_a_contract(tmp_path):
    """What comes with each source is a valid configuration, with a dataset for each of its tables."""
    for source in (make() for make in SOURCES.values()):
        assert list(loaded(config(source.tables), tmp_path)) == [table.name for table in source.tables]


def test_three_tables_are_taken_in_one_run(workspace):
    """The files of several tables, with their configuration, go through one run without a reject."""
    ws = workspace()
    source = linked(days=3)
    text = {ws.layout.root / "snapshotter.toml": config(source.tables).encode()}
    deliver(source.batches(), source.tables, ws.layout.queue, beside=text)
    done = run_cli("run", "--json", workspace=ws)
    counts = {part["dataset"]: part["counts"] for part in json.loads(done.stdout)["datasets"]}
    assert (done.returncode, set(counts)) == (0, {"customers", "orders", "notes-1"})
    assert all((count["accepted"], count["rejected"]) == (18, 0) for count in counts.values())
    published = ws.layout.root / "output" / "customers" / "latest.csv"
    assert len(published.read_text().splitlines()) == 1 + 18 - 3  # three were deleted


def test_demo_with_config_runs_as_it_is(tmp_path):
    """`demo --with-config`, then `driver.py`: every row is accepted, in packed files, too."""
    (tmp_path / "input" / "processing").mkdir(parents=True)
    options = ["--rows", "600", "--files", "3", "--with-config", "--format", "csv.gz", "--workspace", str(tmp_path)]
    subprocess.run([sys.executable, str(ROOT / "generate_test_data.py"), "demo", *options], check=True)
    run = subprocess.run(
        [sys.executable, str(DRIVER), "--json", "--workspace", str(tmp_path)], capture_output=True, check=True
    )
    (dataset,) = json.loads(run.stdout)["datasets"]
    assert (dataset["dataset"], dataset["counts"]["accepted"], dataset["counts"]["rejected"]) == ("default", 600, 0)
    assert loaded((tmp_path / "snapshotter.toml").read_text(), tmp_path)["default"].columns["amount"].type
