"""The peers that need packages of their own do their work: `make test-bench` installs them, and skips none."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.drops import Drops
from benchmarks.generators import COLUMNS
from benchmarks.stage import HERE, Stage
from benchmarks.works import Work, compare

DROPS = Drops(3, 40, 30)


@pytest.mark.parametrize("name", ["dlt_merge", "miller", "csvkit"])
def test_a_peer_gives_our_rows(tmp_path: Path, name: str) -> None:
    """Keys that come in several files have the same winner as with us."""
    outcome = compare(Stage(tmp_path), Work("tiny", "tiny", DROPS, (name,), 1))
    assert outcome.failures == {}
    assert outcome.same[name] == {"keys": 29, "missing": 0, "extra": 0, "other": 0}


def test_mimesis_writes_what_is_asked_for(tmp_path: Path) -> None:
    """A header of twelve columns and as many rows, each with all cells filled."""
    out = tmp_path / "out.csv"
    subprocess.run([sys.executable, HERE / "generators.py", "mimesis", "5", out], check=True)
    with out.open(encoding="utf-8", newline="") as file:
        header, *made = csv.reader(file, strict=True)
    assert (tuple(header), len(made)) == (COLUMNS, 5)
    assert all(all(row) for row in made)


def test_the_same_points_give_the_same_picture(tmp_path: Path) -> None:
    """The picture is a function of its points, so that it only changes in the repository if they do."""
    points = tmp_path / "points.json"
    points.write_text(json.dumps({"snapshotter": [[10**6, 0.5], [10**7, 1.5]], "copy": [[10**6, 0.1], [10**7, 0.8]]}))
    pictures = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for picture in pictures:
        subprocess.run([sys.executable, HERE / "picture.py", picture, points], check=True)
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    assert "10 million" in pictures[0].read_text("utf-8")
