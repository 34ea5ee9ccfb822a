"""The reader: text that is proved regular is read exactly. What is not regular: test_strict.py."""

import csv
import gzip
import io
import itertools
import json

import duckdb
import numpy as np
import pytest
import zstandard
from conftest import latest, run_cli
from hypothesis import Phase, assume, example, given, note, settings
from hypothesis import strategies as st

from snapshotter import expansion, loading, spool
from snapshotter.engine.duckdb import DuckDBEngine
from snapshotter.reader import DELIMITERS, Irregular, Layout, Prover, header_names, header_span
from snapshotter.reader.proof import NotRegular

HEAD = "id,timestamp,v\n"
GOOD = HEAD + "1,2024-01-01,a\n"

# -------------------------------------------------------------------------------- how others read and write


def python_rows(data: bytes, delimiter: str = ",") -> list[list[str]]:
    """The records as Python's own strict reader has them, blank lines left out."""
    text = io.StringIO(data.decode().removeprefix("\ufeff"), newline="")
    return [row for row in csv.reader(text, delimiter=delimiter, strict=True) if row]


def python_reads(data: bytes) -> tuple[list[list[str]], str]:
    """The same under the first delimiter under which the header has what a dataset needs, and that one."""
    for delimiter in DELIMITERS:
        try:
            rows = python_rows(data, delimiter)
        except csv.Error:
            continue
        if rows and {"id", "timestamp"} <= {name.casefold() for name in rows[0]}:
            return rows, delimiter
    raise csv.Error


def line(cells, delimiter=",", *, quote_all=False) -> str:
    """One record, regular."""
    special = (delimiter, '"', "\r", "\n")
    quote = [quote_all or any(c in cell for c in special) for cell in cells]
    return delimiter.join(
        '"' + cell.replace('"', '""') + '"' if q else cell for cell, q in zip(cells, quote, strict=True)
    )


def prove(data: bytes, sizes=(), delimiter: str = ",") -> Layout:
    """Prove bytes at once, or in chunks of these sizes, over and over."""
    prover, sizes, begin = Prover(delimiter, detailed=True), itertools.cycle(sizes or (len(data) or 1,)), 0
    while begin < len(data):
        size = next(sizes)
        prover.feed(data[begin : begin + size])
        begin += size
    return prover.finish()


def outcome(data: bytes, sizes=()):
    """All that a proof says: the layout, or that there is none."""
    try:
        layout = prove(data, sizes)
    except NotRegular:
        return "not regular"
    return {name: np.asarray(value).tolist() for name, value in vars(layout).items()}


def rows_of(ws) -> dict[str, dict[int, list[str]]]:
    """By file and record, every row that a first run read, out of the ledger and the files of refused rows."""
    found: dict[str, dict[int, dict[str, str]]] = {}
    parts = [str(path) for path in ws.layout.ledger("default").rglob("*.parquet")]
    if parts:
        query = "SELECT * EXCLUDE (_instant) FROM read_parquet(?, union_by_name = true)"
        table = duckdb.execute(query, [parts])
        names = [column[0].casefold() for column in table.description]
        for values in table.fetchall():
            row = dict(zip(names, values, strict=True))
            found.setdefault(row["source_filename"], {})[row["source_row"]] = row
    for path in ws.layout.rejects("default").glob("*.csv"):
        name = path.name.removesuffix(".csv")
        rejected = found.setdefault(name, {})
        text = path.read_bytes()
        for row in python_rows(text, next(d for d in DELIMITERS if f"{d}_reject_row{d}".encode() in text))[1:]:
            assert int(row[-4]) not in rejected, "a row was accepted and refused"
            rejected[int(row[-4])] = row[:-4]
    return found


def same_rows(found, data: bytes) -> None:
    """What was found in a file is what Python's reader finds, under the right numbers."""
    (header, *expected), _ = python_reads(data)
    named = [place for place, name in enumerate(header) if name]
    for number, row in enumerate(expected, start=1):
        got = found[number]
        if isinstance(got, dict):  # accepted; cells without a name are not kept
            assert [got[header[place].casefold()] for place in named] == [row[place] for place in named]
        else:
            assert got == row
    assert set(found) == set(range(1, len(expected) + 1))


# -------------------------------------------------------------------------------- random files

PIECES = [b"a", b",", b'"', b"\n", b"\r\n", b"\r", b'""', b'",', b',"', b'"\n', b'\n"', b"\xe2\x82\xac"]
FAULTY = [*PIECES, b"\xff", b"\xe2", b"\x82", b"\x00", b" ", b";", b"\xef\xbb\xbf"]
CELLS = [
    *("", "1", "x", "a,b", 'say "hi"', '"', '""', "two\nlines", "cr\rhere", "cr\r\nlf", "\n", "\r", "é", "😀"),
    *(" padded ", "NULL", "null", "\\", "\\N", "'", "#", "a;b", "\t", "|", "\ufeff", "\x00", "1\x00", "--"),
]
csvish = st.lists(st.sampled_from(FAULTY), min_size=1, max_size=14).map(b"".join)


@st.composite
def regular(draw) -> bytes:
    """A regular file of a dataset, here and there with a blank line or with a cell too many."""
    delimiter, newline = draw(st.sampled_from(",,,;\t|")), draw(st.sampled_from(["\n", "\n", "\r\n"]))
    header = draw(st.permutations(["id", "timestamp", *["x", "y"][: draw(st.integers(0, 2))]]))
    pools = {"id": ["1", "2", "a"], "timestamp": ["2024-01-01", "2024-01-02T00:00Z", "no"]}
    records = [header]
    for _ in range(draw(st.integers(0, 5))):
        records.append([draw(st.sampled_from(pools.get(name, CELLS))) for name in header])
        records[-1] += [""] * (draw(st.integers(0, 9)) == 0)
    lines = [line(record, delimiter, quote_all=draw(st.integers(0, 5)) == 0) for record in records]
    for place in draw(st.lists(st.integers(0, len(lines)), max_size=2)):
        lines.insert(place, "")
    text = newline.join(lines) + draw(st.sampled_from([newline, newline, newline * 2, ""]))
    return (draw(st.sampled_from(["", "", "", "\ufeff"])) + text).encode()


@st.composite
def mutated(draw) -> bytes:
    """A regular file in which up to three places were touched."""
    data = draw(regular())
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.sampled_from([b"", *FAULTY])) + data[place + draw(st.integers(0, 2)) :]
    return data or b"a"


# Each example is a run of the program, so they are few, and not made smaller: the files are told one by one.
RUNS = settings(
    max_examples=12, deadline=None, phases=[phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]
)


# -------------------------------------------------------------------------------- the proof


@settings(max_examples=300, deadline=None)
@given(csvish | mutated())
@example(b'a,"b\n\nc"\r\n\r\n"",x')
def test_what_is_proved_is_what_python_reads(data):
    """Number, places and cells of the records that are proved are those of csv.reader(strict=True)."""
    try:
        data.decode()
        start, end = header_span(data)
        names, layout = header_names(data[start:end], ","), prove(data[start:])
    except (UnicodeDecodeError, Irregular, NotRegular):
        return
    header, *rows = python_rows(data)
    assert layout.records == len(rows)
    assert layout.cells.tolist() == [len(row) for row in rows]
    spans = zip(layout.starts, layout.ends, strict=True)
    assert [python_rows(b"\n" + data[start:][a:b]) for a, b in spans] == [[row] for row in rows]
    assert start + layout.header_end == end
    assert names == header


@settings(max_examples=300, deadline=None)
@given(csvish | mutated(), st.lists(st.integers(1, 9), min_size=1, max_size=4))
@example(b'a\n\n\n"b"x', [1])
@example(b'\n""\n', [1])
@example(b'a\n"1"', [3])  # the quotes open where a chunk ends
def test_chunks_do_not_matter(data, sizes):
    """Chunks of any size give the layout that the whole gives, or none if it gives none."""
    assert outcome(data, sizes) == outcome(data)


@given(
    st.lists(st.lists(st.text(), min_size=2, max_size=2), min_size=1),
    st.sampled_from(DELIMITERS),
    st.booleans(),
    st.booleans(),
)
def test_what_is_written_regularly_is_proved(records, delimiter, quote_all, crlf):
    """No regular file is refused: any text, any delimiter, either line end, quoted or not."""
    newline = "\r\n" if crlf else "\n"
    data = "".join(line(record, delimiter, quote_all=quote_all) + newline for record in records).encode()
    layout = prove(data, delimiter=delimiter)
    assert (layout.records, layout.blank_lines) == (len(records) - 1, 0)
    assert layout.longest == max(
        len((line(record, delimiter, quote_all=quote_all) + newline).encode()) for record in records
    )


FAULTS = {
    "a quote in a cell that is not quoted": '1,x"y',
    "text behind a closing quote": '1,"x"y',
    "a blank behind a closing quote": '1,"x" ',
    "a blank before an opening quote": '1, "x"',
    "a CR of its own": "1,x\ry",
    "a CR of its own behind quotes": '1,"x"\ry',
    "the other line end": "1,x\r",
    "a quote that is never closed": '1,"x',
}


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_never_proved(fault, chunk):
    """Wherever the chunks end."""
    with pytest.raises(NotRegular):
        prove("\n".join(["k,v", '0,"a\nb"', "0,y", FAULTS[fault], "0,z", ""]).encode(), [chunk])


# -------------------------------------------------------------------------------- the header


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (b"a,b\n1,2\n", b"a,b\n"),
        (b"a,b", b"a,b"),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", b"a,b\r\n"),
        (b"\n\r\n\na,b\n", b"a,b\n"),
        (b"\r\ra,b\r1,2\r", b"a,b\r"),
        (b"a,b\r", b"a,b\r"),
        (b'"a\rb",c\n1,2\n', b'"a\rb",c\n'),
        (b'"a\nb",c\n1,2\n', b'"a\nb",c\n'),
        (b'"a""\n""b",c\n1,2\n', b'"a""\n""b",c\n'),
    ],
)
def test_where_the_header_stands(data, header):
    """Behind a mark and blank lines, up to the line end that is not within quotes."""
    start, end = header_span(data)
    assert data[start:end] == header


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf", b"\n\n", b"\r\n", b"\xef\xbb\xbf\n"])
def test_no_header(data):
    """Nothing but a mark or blank lines is no header."""
    with pytest.raises(Irregular, match="no header") as refused:
        header_span(data)
    assert (refused.value.record, refused.value.rule) == (0, "header")


@pytest.mark.parametrize("data", [b'a,"b\n1,2\n', b'a,"b', b'"'])
def test_a_header_whose_quotes_stay_open(data):
    """It is refused as record 0."""
    with pytest.raises(Irregular, match="never closed") as refused:
        header_span(data)
    assert refused.value.record == 0


@pytest.mark.parametrize(
    ("raw", "rule"),
    [(b'"a"b,c\n', "csv"), (b'a"b,c\n', "csv"), (b"a\rb,c", "csv"), (b"a,b\x00\n", "encoding"), (b'a,"b', "csv")],
)
def test_header_names_are_refused(raw, rule):
    """What breaks the quoting rules, or is no text."""
    with pytest.raises(Irregular) as refused:
        header_names(raw, ",")
    assert (refused.value.record, refused.value.rule) == (0, rule)


def test_header_names():
    """Quotes, delimiters and line ends may be in names."""
    assert header_names(b'a,"b;c","d""e","f\ng"," h "\r\n', ",") == ["a", "b;c", 'd"e', "f\ng", " h "]
    assert header_names(b'"a";"b,c"\n', ";") == ["a", "b,c"]


# -------------------------------------------------------------------------------- the whole way

ROWS = '[datasets.default]\nlineage = ["source_row"]\n'
READ = {  # bytes behind the header, and the cells v by number of record
    "line ends in quotes": (b'1,2024-01-01,"a\nb\r\nc\rd"\n2,2024-01-01,e\n', {1: "a\nb\r\nc\rd", 2: "e"}),
    "doubled quotes": (b'1,2024-01-01,"say ""hi"""\n2,2024-01-01,""""\n', {1: 'say "hi"', 2: '"'}),
    "quotes around nothing": (b'1,2024-01-01,""\n"2","2024-01-01","x"\n', {1: "", 2: "x"}),
    "delimiters in quotes": (b'1,2024-01-01,"a,b;c"\n', {1: "a,b;c"}),
    "blanks": (b"1,2024-01-01, a \n2,2024-01-01,\t\n", {1: " a ", 2: "\t"}),
    "blank lines inside": (b"\n1,2024-01-01,a\n\n\n2,2024-01-01,b\n", {1: "a", 2: "b"}),
    "blank lines at the end": (b"1,2024-01-01,a\n\n\n", {1: "a"}),
    "no last line end": (b"1,2024-01-01,a\n2,2024-01-01,b", {1: "a", 2: "b"}),
    "no last line end after quotes": (b'1,2024-01-01,"a"', {1: "a"}),
    "no last line end after nothing": (b"1,2024-01-01,", {1: ""}),
    "NUL": (b'1,2024-01-01,a\x00b\n2,2024-01-01,"\x00"\n', {1: "a\0b", 2: "\0"}),
    "a mark inside": (b"1,2024-01-01,\xef\xbb\xbf\n", {1: "\ufeff"}),
    "what others take for nothing": (b"1,2024-01-01,NULL\n2,2024-01-01,\\N\n", {1: "NULL", 2: "\\N"}),
    "what others take for a comment": (b"1,2024-01-01,#\n2,2024-01-01,--\n", {1: "#", 2: "--"}),
    "a cell longer than the engine's usual line": (b"1,2024-01-01," + b"x" * 3_000_000, {1: "x" * 3_000_000}),
}


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n\n"], ids=["plain", "mark", "blank lines"])
@pytest.mark.parametrize("title", READ)
def test_regular_files_are_read_to_the_letter(workspace, title, before):
    """Each cell as it was written, under the number of its record."""
    body, cells = READ[title]
    ws = workspace(ROWS, **{"a.csv": before + HEAD.encode() + body})
    assert ws.run().datasets[0].counts.accepted == len(cells)
    assert {int(row[-1]): row[2] for row in python_rows(latest(ws).encode())[1:]} == cells


@pytest.mark.parametrize("title", [title for title, (body, _) in READ.items() if b'"' not in body])
def test_crlf_is_read_as_lf(workspace, title):
    """The line end is no part of a cell."""
    body, _ = READ[title]
    one, other = (HEAD.encode() + body for _ in "12")
    spaces = [workspace(ROWS, **{"a.csv": data}) for data in (one, other.replace(b"\n", b"\r\n"))]
    for ws in spaces:
        ws.run()
    assert latest(spaces[0]) == latest(spaces[1])


REFUSED = {  # bytes, the number of the record and the rule
    "no bytes": (b"", None, "empty file"),
    "a mark": (b"\xef\xbb\xbf", 0, "header"),
    "blank lines": (b"\n\n", 0, "header"),
    "no text": (bytes(range(1, 256)), 1, "encoding"),
    "NUL in the header": (b"id,timestamp,v\0\n1,2024-01-01,a\n", 0, "encoding"),
    "not UTF-8": (HEAD.encode() + b"1,2024-01-01,a\n2,2024-01-01,\xe9\n", 2, "encoding"),
    "half a character at the end": (HEAD.encode() + b"1,2024-01-01,\xe2\x82", 1, "encoding"),
    "a surrogate": (HEAD.encode() + b"1,2024-01-01,\xed\xa0\x80\n", 1, "encoding"),
    "quotes that stay open in the header": (b'id,timestamp,"v\n1,2024-01-01,a\n', 0, "csv"),
    "text behind quotes in the header": (b'id,timestamp,"v"w\n1,2024-01-01,a\n', 0, "csv"),
    "a stray quote in the header": (b'id,timestamp,v"w"\n1,2024-01-01,a\n', 0, "csv"),
}


@pytest.mark.parametrize("title", REFUSED)
def test_irregular_files_are_refused_whole(workspace, title):
    """With the number of the record at fault; nothing of them is published."""
    data, row, rule = REFUSED[title]
    ws = workspace(**{"a.csv": data})
    (told,) = ws.run().datasets
    assert (told.snapshot, [file.status for file in told.files]) == (None, ["rejected"])
    assert [(r.row, r.rule) for r in ws.rejects()] == [(row, rule)]
    assert (ws.layout.rejected / "a.csv").read_bytes() == data


def test_an_irregular_file_does_not_keep_others_back(workspace):
    """The others of the same run, and of the same header, are applied."""
    ws = workspace(**{"a.csv": HEAD.encode() + b"1,2024-01-01,\xff\n", "b.csv": GOOD})
    ws.run()
    assert "1,2024-01-01,a,b.csv" in latest(ws)


def test_ragged_records_are_refused_one_by_one(workspace):
    """Too few or too many cells refuse the record under its number; the others keep theirs."""
    body = '1,2024-01-01,a\n\n2,2024-01-01\n3,2024-01-01,"c\nd"\n4,2024-01-01,e,f\n5\n6,2024-01-01,g\n'
    ws = workspace(ROWS, **{"a.csv": HEAD + body})
    counts = ws.run().datasets[0].counts
    assert (counts.read, counts.accepted, counts.rejected) == (6, 3, 3)
    assert latest(ws) == f'{HEAD[:-1]},source_row\n1,2024-01-01,a,1\n3,2024-01-01,"c\nd",3\n6,2024-01-01,g,6\n'
    assert [(r.row, r.rule) for r in ws.rejects()] == [(2, "cells"), (4, "cells"), (5, "cells")]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_ragged_records_keep_their_text(workspace, newline):
    """The file of refused rows has them as they came, with how many cells there were and should have been."""
    lines = [HEAD[:-1], '1,2024-01-01,"a,b", "x",', "2", '"3"', ""]
    ws = workspace(**{"a.csv": newline.join(lines).replace(' "x"', "x")})
    ws.run()
    (path,) = ws.layout.rejects("default").iterdir()
    assert path.read_bytes().decode() == (
        "id,timestamp,v,_reject_row,_reject_column,_reject_rule,_reject_reason\n"
        '1,2024-01-01,"a,b",x,,1,,cells,"the record has 5 cells, the header 3"\n'
        '2,2,,cells,"the record has 1 cells, the header 3"\n'
        '"3",3,,cells,"the record has 1 cells, the header 3"\n'
    )


def test_a_file_of_ragged_records_alone(workspace):
    """It is applied, with every record refused."""
    ws = workspace(**{"a.csv": HEAD + "1\n2\n"})
    (told,) = ws.run().datasets
    assert (told.snapshot, told.files[0].status, told.counts.rejected) == (1, "applied", 2)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_one_column(workspace, newline):
    """A blank line is no record, a quoted empty cell is one."""
    config = "[datasets.default.columns.id]\nrequired = false\n"
    ws = workspace(config, **{"a.csv": newline.join(["timestamp", "", "x", '""', "", "2024-01-01", "y"])})
    assert ws.run().datasets[0].counts.read == 4
    assert rows_of(ws)["a.csv"] == {1: ["x"], 2: [""], 3: ["2024-01-01"], 4: ["y"]}


def test_one_column_with_many_blank_lines(workspace):
    """None of them becomes a record, wherever the engine's buffers end."""
    config = "[datasets.default.columns.id]\nrequired = false\n"
    ws = workspace(config, **{"a.csv": b"timestamp\r\n" + b"2024-01-01\r\n\r\n" * 30_000})
    assert ws.run().datasets[0].counts.read == 30_000


def test_a_header_with_a_line_end_in_a_name(workspace):
    """It is one name; the records are counted from behind it."""
    ws = workspace(ROWS, **{"a.csv": 'id,timestamp,"v\nw"\n1,2024-01-01,a\n'})
    ws.run()
    assert latest(ws) == 'id,timestamp,"v\nw",source_row\n1,2024-01-01,a,1\n'


def test_a_header_alone_is_an_empty_file(workspace):
    """With or without a line end or blank lines behind it; no snapshot is made."""
    ws = workspace(**{"a.csv": HEAD, "b.csv": HEAD[:-1], "c.csv": HEAD + "\n\n"})
    (told,) = ws.run().datasets
    assert (told.snapshot, {file.status for file in told.files}) == (None, {"empty"})


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("quote_all", [False, True])
def test_the_delimiter_is_the_one_of_the_header(workspace, delimiter, quote_all):
    """`auto` takes that under which the header has key and timestamp, quoted or not."""
    records = [["id", "timestamp", "v,w;x\ty|z"], ["1", "2024-01-01", "a,b;c\td|e"]]
    text = "".join(line(record, delimiter, quote_all=quote_all) + "\n" for record in records)
    ws = workspace(ROWS, **{"a.csv": text})
    ws.run()
    assert python_rows(latest(ws).encode()) == [[*records[0], "source_row"], [*records[1], "1"]]


def test_a_declared_delimiter_is_not_guessed(workspace):
    """A header that has key and timestamp under another one is refused."""
    ws = workspace('[datasets.default]\ndelimiter = ";"\n', **{"a.csv": GOOD})
    assert ws.run().datasets[0].files[0].status == "rejected"


@RUNS
@given(st.lists(mutated() | regular(), min_size=1, max_size=12))
def test_what_is_taken_whole_is_what_python_reads(workspace, files):
    """Every row of every file without a broken line is csv.reader's, under its number."""
    drops = {f"{place}.csv": data for place, data in enumerate(files)}
    note("\n".join(f"{name}: {data!r}" for name, data in drops.items()))
    ws = workspace("[datasets.default]\nheader_match = 1\n", **drops)
    (told,) = ws.run().datasets
    assert told.error is None
    broken, refused = (
        {r.file for r in ws.rejects() if r.rule == "csv" and bool(r.row) is row} for row in (True, False)
    )
    found = rows_of(ws)
    for file in told.files:
        if any("blanks and punctuation" in warning for warning in file.warnings):
            continue  # Python's reader knows nothing of names that are nearly right
        if file.status == "applied" and file.name not in broken:
            same_rows(found[file.name], drops[file.name])
        elif file.status == "empty":
            assert len(python_reads(drops[file.name])[0]) == 1
    assert {file.status for file in told.files} <= {"applied", "empty", "rejected"}
    assert all(file.status == "rejected" for file in told.files if file.name in refused)


# -------------------------------------------------------------------------------- large files


def result(ws):
    """All that a run says and writes of its files."""
    view, folder = ws.layout.latest("default"), ws.layout.rejects("default")
    return (
        [file.model_dump() for file in ws.run().datasets[0].files],
        view.read_bytes() if view.exists() else None,
        [reject.model_dump() for reject in ws.rejects()],
        sorted(path.read_bytes() for path in folder.iterdir()) if folder.exists() else [],
    )


def read_as_large(ws, chunk=2**16):
    """The result of a run to which every file is a large one, read in chunks of this size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "LARGE", 0)
        patch.setattr(spool, "CHUNK", chunk)
        return result(ws)


def header_length(data: bytes) -> int:
    """The bytes that must be seen to see the header."""
    try:
        return header_span(data)[1]
    except Irregular:
        return len(data)


@RUNS
@given(st.lists(mutated() | regular(), min_size=1, max_size=6), st.sampled_from([64, 77, 300]))
def test_a_large_file_is_read_as_a_small_one(workspace, files, chunk):
    """What is read from where it lies, in pieces, gives the same as what is read from memory."""
    drops = {f"{n}.csv": data for n, data in enumerate(files) if header_length(data) <= chunk}
    assume(drops)
    note("\n".join(f"{name}: {data!r}" for name, data in drops.items()))
    assert read_as_large(workspace(ROWS, **drops), chunk) == result(workspace(ROWS, **drops))


@pytest.mark.parametrize(
    "before", ["", "\ufeff", "\n"], ids=["from its own descriptor", "behind a mark", "behind a blank line"]
)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_file_of_many_chunks(workspace, before, suffix):
    """A million bytes in chunks of 64 KiB, with cells, characters and ragged records across their edges."""
    rows = "".join(f'{n},2024-01-01,"{"é" * (n % 7)}\n{n}"\n' for n in range(40_000))
    data = (before + HEAD + rows + "40000\n40001,2024-01-01,x").encode()
    drops = {f"a{suffix}": gzip.compress(data, 1) if suffix.endswith(".gz") else data}
    large, small = workspace(ROWS, **drops), workspace(ROWS, **drops)
    assert read_as_large(large) == result(small)
    assert small.rejects()[0].row == 40_001


def test_a_header_longer_than_a_chunk_is_not_cut(workspace):
    """It is read whole, or the file is refused; no name is cut."""
    drops = {"a.csv": "id,timestamp,a_long_name\n1,2024-01-01,a\n"}
    large, small = workspace(ROWS, **drops), workspace(ROWS, **drops)
    files, view, *_ = read_as_large(large, 20)
    assert files[0]["status"] == "rejected" or view == result(small)[1]


def test_a_reader_that_miscounts_is_not_believed(workspace, monkeypatch):
    """If the engine finds another number of records than were proved, nothing of them is published."""
    count = DuckDBEngine.read
    monkeypatch.setattr(DuckDBEngine, "read", lambda engine, text: count(engine, text) - 1)
    ws = workspace(**{"a.csv": GOOD})
    (told,) = ws.run().datasets
    assert (told.snapshot, told.error.name) == (None, "ReaderDisagrees")
    assert (ws.layout.queue / "a.csv").exists()


# -------------------------------------------------------------------------------- compressed files

PACK = {"gz": gzip.compress, "zst": zstandard.compress}
packed = pytest.mark.parametrize("suffix", PACK)


def status_of(ws):
    """What a run makes of its only file, and the rule that refuses it."""
    (file,) = ws.run().datasets[0].files
    return file.status, [r.rule for r in ws.rejects()]


@packed
def test_a_compressed_file_is_read_as_the_plain_one(workspace, suffix):
    """Its digest is that of the file as it lies there."""
    ws = workspace("[datasets.default]\nlineage = []\n", **{f"a.csv.{suffix}": PACK[suffix](GOOD.encode())})
    ws.run()
    assert latest(ws) == GOOD


@packed
def test_frames_one_behind_the_other_are_one_file(workspace, suffix):
    """As `cat a.gz b.gz` makes them; empty ones among them change nothing."""
    parts = [GOOD[:20].encode(), b"", GOOD[20:].encode()]
    data = b"".join(map(PACK[suffix], parts))
    ws = workspace("[datasets.default]\nlineage = []\n", **{f"a.csv.{suffix}": data})
    ws.run()
    assert latest(ws) == GOOD


@packed
def test_a_cut_file_is_refused(workspace, suffix):
    """Wherever it is cut, be it by one byte."""
    data = PACK[suffix]((HEAD + "".join(f"{n},2024-01-01,{n * n}\n" for n in range(500))).encode())
    ws = workspace(**{f"{n}.csv.{suffix}": data[:-n] for n in (1, 4, 8, 9, 100, len(data) - 3)})
    assert {file.status for file in ws.run().datasets[0].files} == {"rejected"}
    assert {r.rule for r in ws.rejects()} == {"compression"}


@packed
@pytest.mark.parametrize("data", [b"", b"id,timestamp\n1,2024-01-01\n"], ids=["nothing", "plain text"])
def test_what_is_not_compressed_is_refused(workspace, suffix, data):
    """The suffix alone makes no compressed file."""
    status, rules = status_of(workspace(**{f"a.csv.{suffix}": data}))
    assert (status, rules) == ("rejected", ["compression" if data else "empty file"])


@packed
def test_bytes_behind_the_end_are_refused(workspace, suffix):
    """What follows the last frame is not thrown away in silence."""
    data = PACK[suffix](GOOD.encode()) + b"2,2024-01-01,b\n"
    assert status_of(workspace(**{f"a.csv.{suffix}": data})) == ("rejected", ["compression"])


@packed
def test_a_compressed_nothing_is_an_empty_file(workspace, suffix):
    """It is refused as a file of no bytes is."""
    assert status_of(workspace(**{f"a.csv.{suffix}": PACK[suffix](b"")})) == ("rejected", ["empty file"])


@packed
def test_a_bomb_is_refused(workspace, suffix, monkeypatch):
    """What expands to more than a thousand times its size is not expanded to the end."""
    monkeypatch.setattr(expansion, "_SMALL", 10**6)
    data = PACK[suffix](GOOD.encode() + b"\n" * 30_000_000)
    assert status_of(workspace(**{f"a.csv.{suffix}": data})) == ("rejected", ["size"])


@packed
def test_a_small_file_may_expand_a_lot(workspace, suffix):
    """Ten megabytes of the same are no bomb."""
    data = PACK[suffix](HEAD.encode() + b"1,2024-01-01," + b"a" * 10_000_000)
    assert status_of(workspace(**{f"a.csv.{suffix}": data})) == ("applied", [])


def test_a_flipped_bit_in_a_gzip_file_is_refused(workspace):
    """By its checksum."""
    data = bytearray(gzip.compress(GOOD.encode()))
    data[-8] ^= 1
    assert status_of(workspace(**{"a.csv.gz": bytes(data)})) == ("rejected", ["compression"])


# -------------------------------------------------------------------------------- published files

SPECTRUM = (
    *("comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines", "newlines_crlf"),
    *("quotes_and_newlines", "simple", "simple_crlf", "utf8"),
)


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum(workspace, shared, name):
    """The cells are those that the collection's JSON says."""
    expected = json.loads((shared / "data/csv-spectrum/json" / f"{name}.json").read_text("utf-8"))
    key, *_, timestamp = expected[0]
    config = f'[datasets.default]\nkey = ["{key}"]\ntimestamp = "{timestamp}"\n'
    ws = workspace(config, **{"a.csv": (shared / f"data/csv-spectrum/{name}.csv").read_bytes()})
    ws.run()
    found = rows_of(ws)["a.csv"]
    assert [list(found[number]) for number in sorted(found)] == [list(row.values()) for row in expected]


def test_the_collection_is_whole(shared):
    """No file of csv-spectrum is left out."""
    assert {path.stem for path in (shared / "data" / "csv-spectrum").glob("*.csv")} == set(SPECTRUM)


def test_the_program_tells_the_record(workspace):
    """`run` ends with 1, and `rejects --json` has file, record, rule and reason."""
    ws = workspace(**{"a.csv": HEAD.encode() + b"1,2024-01-01,a\n2,2024-01-01,\xe9\n"})
    assert run_cli("run", workspace=ws).returncode == 1
    (told,) = json.loads(run_cli("rejects", "--json", workspace=ws).stdout)
    assert (told["file"], told["row"], told["column"], told["rule"]) == ("a.csv", 2, None, "encoding")


@pytest.mark.parametrize("more", ['9,2024-01-01,"x', "9,2024-01-01,xy\n"])
def test_a_large_file_that_grows_while_it_is_read_waits(workspace, monkeypatch, more):
    """It was proved, and is changed before its ragged records are looked for: the next run takes it, whole."""
    monkeypatch.setattr(spool, "LARGE", 20)
    ws = workspace(
        **{"a.csv": "id,timestamp,v\n1,2024-01-01,a\n2,2024-01-01\n", "b.csv": "id,timestamp\n3,2024-01-01\n"}
    )
    attempt = loading._attempt

    def attempt_beside_a_writer(engine, text):
        found = attempt(engine, text)
        path = ws.layout.queue / "a.csv"
        if path.exists() and not path.read_text().endswith(more):
            with path.open("a") as file:
                file.write(more)
        return found

    monkeypatch.setattr(loading, "_attempt", attempt_beside_a_writer)
    files = {file.name: file.status for file in ws.run().datasets[0].files}
    assert files == {"a.csv": "deferred", "b.csv": "applied"}
    monkeypatch.undo()
    assert [file.status for file in ws.run().datasets[0].files] == ["applied"]
