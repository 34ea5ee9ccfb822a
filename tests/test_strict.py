"""The strict path: a record with broken quotes costs the line on which it starts, and no other."""

import csv
import io
import random
import re

import pytest
from conftest import drop, latest
from fuzz_reader import fuzz
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshotter import rejects
from snapshotter.apart import Raw
from snapshotter.reader import DELIMITERS, decode, header_names, header_span, measure
from snapshotter.spool import Content

HEAD = "id,timestamp,v\n"
ROWS = '[datasets.default]\nlineage = ["source_row"]\n'


def cells_of(text: bytes, delimiter=",") -> list[list[str]]:
    """The records of a text after csv.reader(strict=True)."""
    return list(csv.reader(io.StringIO(text.decode(), newline=""), delimiter=delimiter, strict=True))


def parted(data: bytes, tmp_path, delimiter=",") -> tuple[dict[int, list[str]], dict[int, Raw]]:
    """The records of a text by number, and its broken lines by number."""
    content = Content("", data)
    measured = measure(content, "a.csv", delimiter, header_span(data), tmp_path)
    rows = [row for row in cells_of(content.data[measured.start :], delimiter) if row]
    return dict(zip(measured.numbered().tolist(), rows[1:], strict=True)), {b.row: b for b in measured.broken}


BROKEN = {  # a line, and words of its reason
    "a stray quote": ('2,x"y', "a quote stands inside cell 2"),
    "two stray quotes": ('2,"x" "y"', "text follows the closing quote of cell 2"),
    "text behind a closing quote": ('2,"x"y', "text follows the closing quote of cell 2"),
    "a blank behind a closing quote": ('"2" ,x', "text follows the closing quote of cell 1"),
    "a blank before an opening quote": ('2, "x"', "a quote stands inside cell 2"),
    "a quote that is never closed": ('2,"x', "the quote that opens cell 2 is never closed"),
    "a CR of its own": ("2,x\ry", "a CR stands in cell 2"),
    "a CR of its own at the end": ("2,x\r", "a CR stands in cell 2"),
    "a CR behind a closing quote": ('2,"x"\ry', "text follows the closing quote of cell 2"),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("title", BROKEN)
def test_a_broken_line_costs_itself_alone(tmp_path, title, newline):
    """It is named, with its bytes and what is wrong; the lines around it are read."""
    line, words = BROKEN[title]
    data = newline.join(["a,b", "1,x", "", line, "3,z", "4,u", ""]).encode()
    if (title, newline) == ("a CR of its own at the end", "\n"):
        data = data.replace(b"\r\n", b"\r\r\n")
    rows, broken = parted(data, tmp_path)
    assert rows == {1: ["1", "x"], 3: ["3", "z"], 4: ["4", "u"]}
    assert [(b.row, b.raw) for b in broken.values()] == [(2, line.encode())]
    assert words in broken[2].reason


def test_a_quoted_cell_that_breaks_at_its_end_costs_its_first_line(tmp_path):
    """The reason says how far the cell went; each further line is judged for itself."""
    rows, broken = parted(b'a,b\n1,"x\ny\nz"!\n2,w\n', tmp_path)
    assert rows == {2: ["y"], 4: ["2", "w"]}
    assert {number: line.raw for number, line in broken.items()} == {1: b'1,"x', 3: b'z"!'}
    assert broken[1].reason == "text follows the closing quote of cell 2"


def test_a_fault_further_on_is_named_by_its_distance(tmp_path):
    """Where a later cell of a record of several lines is broken."""
    _, broken = parted(b'a,b\n"x\ny\nz",q"q\n', tmp_path)
    assert broken[1].reason == "a quote stands inside cell 2, which is not quoted as a whole (2 lines further on)"


LINE_ENDS = {
    "LF": (b"a,b\n1,x\n2,y\n", 0),
    "CRLF": (b"a,b\r\n1,x\r\n2,y\r\n", 0),
    "CR": (b"a,b\r1,x\r2,y\r", 0),
    "LF, then CRLF": (b"a,b\n1,x\n2,y\r\n", 0),
    "CRLF, then LF": (b"a,b\r\n1,x\n2,y\n", 0),
    "CRLF, the last cut short": (b"a,b\r\n1,x\r\n2,y\r", 0),
    "none at the end": (b"a,b\n1,x\n2,y", 0),
    "none at the end of a CR file": (b"a,b\r1,x\r2,y", 0),
    "blank lines": (b"\n\r\na,b\n\n\r\n1,x\n\n\n2,y\r\n\n", 0),
    "blank lines in a CR file": (b"\r\ra,b\r\r\r1,x\r\r2,y\r\r", 0),
    "an LF in a CR file": (b"a,b\r1,x\r2,y\r3,\n\r", 3),
    "CRLF in a CR file": (b"a,b\r1,x\r2,y\r\n3,z\r", 3),
    "quoted line ends in a CR file": (b'a,b\r1,"x"\r"2",y\r', 0),
}


@pytest.mark.parametrize("title", LINE_ENDS)
def test_line_ends(tmp_path, title):
    """The header's decides: LF and CRLF end a line, also in one file; or CR does, and nothing else."""
    data, broken_row = LINE_ENDS[title]
    rows, broken = parted(data, tmp_path)
    assert rows == {1: ["1", "x"], 2: ["2", "y"]}
    assert list(broken) == [broken_row] * bool(broken_row)


def test_line_ends_within_quotes_are_kept(tmp_path):
    """Whatever ends the lines of the file."""
    for newline in ("\n", "\r\n", "\r"):
        cells = ["1", "a\nb\r\nc\rd"]
        data = newline.join(["a,b", '1,"a\nb\r\nc\rd"', 'x"y,', ""]).encode()
        rows, broken = parted(data, tmp_path)
        assert (rows, list(broken)) == ({1: cells}, [2])


HOSTILE = {
    "open quotes and doubled ones": b'a,"b\n' + b'"""\nx,""\n' * 2_000_000,
    "a cell that runs to the end": b'a,"b\n' + b'x,""\n' * 4_000_000,
    "each line opens a quote": b'a,"b\n' * 1_000_000,
    "each line opens one and closes another": b'"\n,' * 6_000_000,
    "doubled quotes alone": b'""' * 10_000_000,
    "records that fail at their end": (b'"x\n' + b'","\n' * 5000 + b'"y\n') * 200,
    "delimiters alone": b"," * 20_000_000,
    "quoted cells alone": b'"",' * 3_000_000 + b'"',
    "CR alone": b"x\r" * 10_000_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("title", HOSTILE)
def test_no_bytes_hang_it(tmp_path, title):
    """It comes to an end: a way through these that goes back for each line would take days, not seconds."""
    data = HOSTILE[title]
    measured = parted_raw(b"h\n" + data, tmp_path)
    lines = len(re.split(rb"[\r\n]+", data.strip(b"\r\n")))
    assert 1 <= measured.records <= lines


def parted_raw(data, tmp_path):
    """Part a text, without reading its cells."""
    return measure(Content("", data), "a.csv", ",", header_span(data), tmp_path)


# -------------------------------------------------------------------------------- the whole way


def test_an_open_quote_costs_one_row(workspace):
    """The row is in the rejects with its number, rule and reason; the others are published."""
    lines = [f"{n},2024-01-01,x" for n in range(1, 10)]
    lines[4] = '5,2024-01-01,"x'
    ws = workspace(ROWS, **{"a.csv": HEAD + "\n".join(lines) + "\n"})
    counts = ws.run().datasets[0].counts
    assert (counts.read, counts.accepted, counts.rejected) == (9, 8, 1)
    assert [line.split(",")[-1] for line in latest(ws).splitlines()[1:]] == list("12346789")
    (told,) = ws.rejects()
    assert (told.row, told.rule, told.column, told.value) == (5, "csv", None, None)
    assert told.reason == "the quote that opens cell 3 is never closed"


def test_a_broken_line_can_be_mended(workspace):
    """It stands in the rejects as one quoted cell; with its cells put in its place it is applied."""
    ws = workspace(**{"a.csv": HEAD + '1,2024-01-01,5" disk\n2,2024-01-01,y\n'})
    ws.run()
    path = ws.layout.rejects("default") / "a.csv.csv"
    text = path.read_text()
    reason = '"a quote stands inside cell 3, which is not quoted as a whole"'
    assert text.splitlines()[1] == f'"1,2024-01-01,5"" disk",1,,csv,{reason}'
    path.unlink()
    drop(ws, "a.csv.csv", text.replace('"1,2024-01-01,5"" disk"', '1,2024-01-01,"5"" disk"'))
    assert ws.run().datasets[0].files[0].accepted == 1
    assert latest(ws).splitlines()[1] == '1,2024-01-01,"5"" disk",a.csv.csv'


REFUSED = HEAD + '1,2024-01-01,"x"y\n2,2024-01-01\n3,2024-01-01,z,"u\nv"\n4,yesterday,w\n'


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_rejects_that_nobody_mends_do_not_grow(workspace, newline):
    """Dropped again and again, each row is refused for the same rule, and the file keeps its size."""
    ws = workspace(**{"a.csv": REFUSED.replace("\n", newline)})
    ws.run()
    name, seen = "a.csv", []
    for _ in range(4):
        seen.append(sorted(r.rule for r in ws.rejects(name)))
        source = ws.layout.rejects("default") / f"{name}.csv"
        size = source.stat().st_size
        name = f"{name}.csv"
        source.rename(ws.layout.queue / name)
        (file,) = ws.run().datasets[0].files
        assert (file.accepted, file.rejected) == (0, 4)
    assert seen == [["cells", "cells", "csv", "timestamp"]] * 4
    assert size <= len(REFUSED) + 400


def test_a_broken_line_under_one_column_is_no_row(workspace):
    """Its quoted line would fill the one cell that there is; it is refused again all the same."""
    config = "[datasets.default.columns.id]\nrequired = false\n"
    ws = workspace(config, **{"a.csv": 'timestamp\n"x"y\n'})
    ws.run()
    (ws.layout.rejects("default") / "a.csv.csv").rename(ws.layout.queue / "b.csv")
    (file,) = ws.run().datasets[0].files
    assert (file.accepted, file.rejected) == (0, 1)
    assert [r.rule for r in ws.rejects("b.csv")] == ["csv"]


def test_nul_characters_survive_the_strict_path(workspace):
    """In accepted rows, in ragged ones and in broken lines."""
    body = '1,2024-01-01,a\0b\n2,2024-01-01,"\0"x\n3,2024-01-01,\0,\0\n4,\0,c\n'
    ws = workspace(ROWS, **{"a.csv": HEAD + body})
    ws.run()
    assert latest(ws) == "id,timestamp,v,source_row\n1,2024-01-01,a\0b,1\n"
    text = (ws.layout.rejects("default") / "a.csv.csv").read_bytes()
    assert [row[:-4] for row in cells_of(text)[1:]] == [
        ["4", "\0", "c"],
        ['2,2024-01-01,"\0"x'],
        ["3", "2024-01-01", "\0", "\0"],
    ]


def test_rejects_without_a_row_are_read(tmp_path):
    """What compose writes, read gives back."""
    raws = [Raw(3, "csv", "why", b'1,"x'), Raw(5, "cells", "why so", b"1,2")]
    path = tmp_path / "a.csv"
    path.write_bytes(b"".join(rejects.compose(["a", "b", "c"], ";", [], raws)))
    assert [(r.row, r.rule, r.value, r.reason) for r in rejects.read(path, {})] == [
        (3, "csv", None, "why"),
        (5, "cells", None, "why so"),
    ]


def test_a_mark_in_a_name_is_part_of_it(workspace):
    """Also in the file of refused rows, where it would stand first."""
    config = '[datasets.default]\nkey = ["\ufeffid"]\n'
    ws = workspace(config, **{"a.csv": '\n\ufeffid,timestamp\n1,2024-01-01"\n'})
    ws.run()
    path = ws.layout.rejects("default") / "a.csv.csv"
    assert [(r.row, r.rule) for r in ws.rejects()] == [(1, "csv")]
    mended = path.read_text().replace('"1,2024-01-01"""', "1,2024-01-01")
    path.unlink()
    drop(ws, "a.csv.csv", mended)
    assert ws.run().datasets[0].files[0].accepted == 1


def test_several_files_of_one_header_keep_their_numbers(workspace):
    """Regular ones and broken ones are read together, and each row has its own file and number."""
    bad = HEAD + '1,2024-01-01,a\n2,2024-01-01,"b"c\n3,2024-01-01,d\n'
    other = bad.replace("1,", "7,", 1).replace("3,", "9,", 1)
    config = '[datasets.default]\nlineage = ["source_filename", "source_row"]\n'
    files = {"a.csv": bad, "b.csv": HEAD + "4,2024-01-01,e\n", "c.csv": other}
    ws = workspace(config, **files)
    ws.run()
    found = {tuple(line.split(",")[i] for i in (0, 3, 4)) for line in latest(ws).splitlines()[1:]}
    assert found == {
        ("1", "a.csv", "1"),
        ("3", "a.csv", "3"),
        ("4", "b.csv", "1"),
        ("7", "c.csv", "1"),
        ("9", "c.csv", "3"),
    }


# -------------------------------------------------------------------------------- what random tables say

cell = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ['"', '""', "a\nb", "\r", "\r\n", "a,b;c\t|"]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(cell, min_size=3, max_size=3), max_size=6),
    st.sampled_from(DELIMITERS),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"]),
    st.randoms(use_true_random=False),
)
def test_what_was_written_is_read(tmp_path_factory, table, delimiter, newline, encoding, rng):
    """Any table, in any encoding that can hold it, with any line end, quoted here and there: the same cells."""
    rows = [["a", "b", "c"], *table]
    lines = [delimiter.join(written(cell, delimiter, rng) for cell in row) for row in rows]
    text = "".join(line + newline * (1 + (rng.random() < 0.1)) for line in lines)
    content, folder = Content("", text.encode(encoding)), tmp_path_factory.getbasetemp()
    decode(content, [encoding.removesuffix("-sig")], delimiter, folder)
    span = header_span(content.data)
    assert header_names(content.data[slice(*span)], delimiter) == rows[0]
    measured = measure(content, "a.csv", delimiter, span, folder)
    assert (measured.records, list(measured.broken)) == (len(table), [])
    read = [row for row in cells_of(content.data[measured.start :], delimiter) if row]
    assert read == rows


def written(value: str, delimiter: str, rng: random.Random) -> str:
    """A cell, quoted if it must be, or now and then for no reason."""
    if rng.random() < 0.2 or any(character in value for character in (delimiter, '"', "\r", "\n")):
        return '"' + value.replace('"', '""') + '"'
    return value


@pytest.mark.parametrize("seed", [1, 2])
def test_random_bytes_and_mutated_files(seed):
    """A sample of what `make fuzz` does for ten minutes: no crash, no hang, no wrong row."""
    assert sum(fuzz(seed, cases=250).values()) == 250
