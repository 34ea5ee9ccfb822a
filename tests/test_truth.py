"""The promise of `--truth`: whatever a source makes, clean or dirty, the driver publishes what was foretold."""

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    "demo": ("demo", "--rows", "3000", "--files", "30"),
    "retail": ("retail", "--customers", "150", "--transactions", "60", "--postcodes", "200", "--to", "2024-01-08"),
    "crm": ("crm", "--customers", "60", "--duplicate-rate", "15"),
    "accounts": ("accounts", "--n-accounts", "300"),
    "shop": ("shop", "--files", "10"),
    "own": (str(ROOT / "tests" / "data" / "bookshop.yaml"), "--files", "3"),
}


def call(program, workspace, *arguments, codes):
    """Run one of the programs in a workspace; what it says as JSON."""
    command = [sys.executable, str(ROOT / program), *arguments, "--workspace", str(workspace), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=workspace)
    assert done.returncode in codes, done.stderr
    return json.loads(done.stdout)


def views(folder):
    """The published tables of a workspace, by dataset."""
    found = {path.parent.name: path.read_bytes() for path in folder.glob("output/*/latest.csv")}
    default = folder / "output" / "latest.csv"
    return found | ({"default": default.read_bytes()} if default.exists() else {})


def truth(folder, wave, waves):
    """What the tables must be after a wave."""
    right = folder / "truth" / (f"wave-{wave}" if waves > 1 else "latest")
    return {path.stem: path.read_bytes() for path in right.iterdir()}


def table(path):
    """The rows of one of the tables of truth."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("share", ["0", "0.05", "0.4"])
@pytest.mark.parametrize("source", SOURCES)
def test_the_driver_publishes_the_truth(tmp_path, source, share):
    """Wave by wave, each `latest.csv` is the foretold one, byte for byte, and so are the counts of files and rows."""
    (tmp_path / "input" / "processing").mkdir(parents=True)
    (tmp_path / "output").mkdir()
    options = (*SOURCES[source], "--with-config", "--dirty", share, "--truth", str(tmp_path / "truth"))
    said, wave, waves = Counter(), 0, 1
    while wave < waves:
        wave += 1
        made = call("generate_test_data.py", tmp_path, *options, "--wave", str(wave), codes={0})
        waves = made.get("waves", 1)
        for dataset in call("driver.py", tmp_path, codes={0, 1})["datasets"]:
            said.update(file["status"] for file in dataset["files"])
            said.update({count: dataset["counts"][count] for count in ("read", "accepted", "rejected")})
        assert views(tmp_path) == truth(tmp_path, wave, waves)
    foretold = table(tmp_path / "truth" / "files.csv")
    right = Counter(file["status"] for file in foretold)
    for count in ("read", "accepted"):
        right[count] = sum(int(file[count]) for file in foretold)
    right["rejected"] += sum(int(file["rejected"]) for file in foretold)
    assert +said == +right
    if share == "0":
        assert right["accepted"] == right["read"]
        assert set(right) <= {"applied", "read", "accepted", "rejected"}


def test_each_row_is_told(tmp_path):
    """For each row of each file the truth has the person, what was done to it, and what must become of it."""
    (tmp_path / "input" / "processing").mkdir(parents=True)
    options = (*SOURCES["shop"], "--dirty", "0.2", "--truth", str(tmp_path / "truth"))
    call("generate_test_data.py", tmp_path, *options, codes={0})
    files = {(row["wave"], row["file"], row["revision"]): row for row in table(tmp_path / "truth" / "files.csv")}
    rows = Counter()
    for row in table(tmp_path / "truth" / "rows.csv"):
        rows[row["wave"], row["file"], row["revision"]] += 1
        assert (row["outcome"] == "rejected") <= bool(row["rule"])
        assert (row["outcome"] == "accepted") == (not row["rule"] and row["outcome"] != "duplicate")
    for name, file in files.items():
        if file["status"] == "applied":
            assert rows[name] == int(file["read"])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--dirty", "-0.1"), "--dirty"),
        (("--dirty", "1.5"), "--dirty"),
        (("--wave", "2"), "--wave 2 is of dirty files"),
        (("--dirty", "0.4", "--wave", "9"), "there is no wave 9"),
        (("--dirty", "0.4", "--output", "-", "--table", "orders"), "--dirty does not go with --output -"),
        (("--truth", "none/truth"), "there is no folder"),
        (("--wave", "2", "--dirty", "0.1", "--output", "none"), "there is no folder none"),
        (("--format", "parquet", "--output", ".", "--dirty", "0.1"), "not Parquet"),
    ],
)
def test_dirt_that_cannot_be_is_refused(tmp_path, options, problem):
    """A share outside 0 to 1, a wave that is not there, a form that has no dirt: an error, and no file."""
    (tmp_path / "input" / "processing").mkdir(parents=True)
    command = [sys.executable, str(ROOT / "generate_test_data.py"), *SOURCES["shop"], *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, problem in done.stderr) == (2, True)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
