"""The picture of a source: what it says of tables, links and change over time, as text, JSON and SVG."""

import itertools
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

from linked import AWKWARD, linked

from snapshotter.testdata import SOURCES, Source
from snapshotter.testdata.drawing import as_svg
from snapshotter.testdata.picture import as_json, as_text, periods, survey

SVG = "{http://www.w3.org/2000/svg}"


def drawn(source):
    """The picture of a source as a tree."""
    return ET.fromstring(as_svg(survey(source)))


def test_text_says_what_there_is():
    """Each table with its rows and files, each column with its type, role, link and meaning."""
    text = as_text(survey(linked(days=3)))
    assert text.startswith("linked: three tables made by hand\n")
    assert "customers: a customer, 18 rows in 3 files\n" in text
    assert "notes-1: 18 rows in 3 files\n" in text
    for line in (
        r"  customer_id +integer +key +1 and up",
        r"  email +email\? +empty for every third",
        r"  op +string +deleted if D",
        r"  customer_id +integer +→ customers\.customer_id +who ordered",
        r"  answers +string\? +→ notes-1\.note",
        r"  updated +timestamp +time",
    ):
        assert re.search(f"(?m)^{line}$", text), line


def test_text_draws_change_over_time():
    """Each file has a bar as long as its rows, with a mark for each kind of change, and the shares in numbers."""
    lines = as_text(survey(linked(days=3))).splitlines()
    assert "  rows of each file   █ new   ▓ deleted" in lines
    (first, *_) = [line for line in lines if "new 83 %" in line]
    assert first == f"  2024-03-01 06:00  {'█' * 34}{'▓' * 6}          6  new 83 %  deleted 17 %"


def test_text_fits_the_page():
    """No line is wider than 100 columns, for each source."""
    for source in [linked(days=40), *(make() for make in SOURCES.values())]:
        assert max(map(len, as_text(survey(source)).splitlines())) <= 100


def test_many_files_are_put_together():
    """However many files there are, twelve bars at most, and no row is lost on the way."""
    for days in (1, 12, 13, 100):
        files = survey(linked(days=days)).files["orders"]
        shown = periods(files)
        assert len(shown) <= 12
        assert sum(period.rows for period in shown) == sum(sum(period.changes.values()) for period in shown) == 6 * days
    assert "rows of up to 9 files, from" in as_text(survey(linked(days=100)))


def test_source_without_files_or_words():
    """A source that has no files yet, and says nothing, is drawn, too."""
    silent = Source(name="none", tables=linked().tables, rows=0, batches=lambda: iter(()))
    assert as_text(survey(silent)).startswith("none\n\ncustomers: a customer, 0 rows in 0 files\n")
    assert len(drawn(silent).findall(f"{SVG}path")) == 3


def test_a_long_meaning_goes_on_below():
    """What does not fit behind a column goes on in the next line, at the same place."""
    (table, *_) = linked().tables
    fields = dict(table.fields) | {"name": replace(table.fields["name"], says="word " * 30)}
    source = replace(linked(), tables=(replace(table, fields=fields),), batches=lambda: iter(()))
    lines = [line for line in as_text(survey(source)).splitlines() if "word word" in line]
    assert len(lines) == 3
    assert len({line.index("word") for line in lines}) == 1


def test_json_has_all_of_it():
    """As JSON: every table, column, link and file, the files one by one."""
    found = as_json(survey(linked(days=30)))
    assert [table["table"] for table in found["tables"]] == ["customers", "orders", "notes-1"]
    customers, orders, notes = found["tables"]
    assert (customers["rows"], len(customers["files"]), customers["deleted"]) == (180, 30, ["op", "D"])
    assert customers["files"][0] == {
        "name": "customers_20240301.csv",
        "at": "2024-03-01T06:00:00",
        "rows": 6,
        "changes": {"new": 5, "deleted": 1},
    }
    assert orders["files"][0]["changes"] == {"rows": 6}
    assert [column["refers"] for column in orders["columns"]][2] == ["customers", "customer_id"]
    assert notes["columns"][1]["column"] == AWKWARD


def test_svg_draws_tables_links_and_bars():
    """A box for each table, a curve for each link that ends at its target, bars for each kind of change."""
    picture = drawn(linked(days=4))
    texts = ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]
    assert {"linked", "customers", "orders", "notes-1", "customer_id", "key · integer", "24 rows in 4 files"} <= set(
        texts
    )
    boxes = [shape for shape in picture.iter(f"{SVG}rect") if shape.get("class") == "box"]
    assert (len(boxes), len(picture.findall(f"{SVG}path")), len(picture.findall(f"{SVG}circle"))) == (3, 3, 3)
    bars = [shape for shape in picture.iter(f"{SVG}rect") if shape.get("class") == "k1"]
    assert len(bars) == 4 + 1  # deleted customers on four days, and the legend


def test_svg_keeps_within_its_frame():
    """No box overlaps another, everything is inside the picture, and each text inside of a box as far as counts."""
    picture = drawn(linked(days=400))
    _, _, width, height = map(float, picture.get("viewBox").split())
    boxes = [
        tuple(float(shape.get(name)) for name in ("x", "y", "width", "height"))
        for shape in picture.iter(f"{SVG}rect")
        if shape.get("class") != "ground"
    ]
    assert all(x >= 0 and y >= 0 and x + wide <= width and y + high <= height for x, y, wide, high in boxes)
    frames = sorted(box for box in boxes if box[2] > 100)
    assert all(left[0] + left[2] < right[0] for left, right in itertools.pairwise(frames))


def test_svg_has_room_for_every_kind_of_change():
    """The legend of a table with all kinds that there are stays inside of its box."""

    def everything():
        for batch in linked().batches():
            yield replace(batch, changes=dict.fromkeys(("new", "updated", "re-sent", "late", "deleted"), 1))

    picture = drawn(replace(linked(), batches=everything))
    boxes = [shape for shape in picture.iter(f"{SVG}rect") if shape.get("class") == "box"]
    texts = [text for text in picture.iter(f"{SVG}text") if text.text == "rows"]
    for box, text in zip(boxes, texts, strict=True):
        assert float(text.get("x")) + 5.6 * len(text.text) <= float(box.get("x")) + float(box.get("width"))


def test_svg_is_safe_and_plain():
    """Hard names are escaped, controls shown as such, fonts are generic, and the same source gives the same bytes."""
    svg = as_svg(survey(replace(linked(), says="<script>\x07&")))
    assert "&lt;script&gt;\N{REPLACEMENT CHARACTER}&amp;" in svg
    assert "&lt;c&gt;" in svg
    assert set(re.findall(r"font:[^;}]*", svg)) == {"font:13px sans-serif"}
    assert "prefers-color-scheme:dark" in svg
    assert svg == as_svg(survey(replace(linked(), says="<script>\x07&")))
