"""latest.csv: its bytes, the order of its rows and columns, and what a hostile file can put into it."""

import csv
import hashlib
import io
import json
import re

import pytest
from conftest import drop, latest, run_cli
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from snapshotter import Workspace

BARE = "[datasets.default]\nlineage = []\n"
AT = "2024-01-01"

# Each example is a run of the program over many cells; so they are few, and not made smaller.
RUNS = settings(
    max_examples=8, deadline=None, phases=[phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]
)


def line(cells) -> str:
    """A record as latest.csv has it: a cell is quoted only if it holds a comma, a quote, CR or LF."""
    quoted = ['"' + cell.replace('"', '""') + '"' if re.search('[,"\r\n]', cell) else cell for cell in cells]
    return ",".join(quoted) + "\n"


def text(*records) -> str:
    """A regular file of these records; what would be a blank line is quoted."""
    return "".join(line(record) if any(record) or len(record) > 1 else '""\n' for record in records)


def rows(ws) -> list[list[str]]:
    """Header and rows of latest.csv."""
    return list(csv.reader(io.StringIO(latest(ws), newline=""), strict=True))


def toml(value: str) -> str:
    """Any text as a key or a value of the configuration."""
    return '"' + "".join(f"\\U{ord(character):08x}" for character in value) + '"'


def ran(ws):
    """The workspace, after a run in which nothing was refused."""
    for told in ws.run().datasets:
        assert told.error is None
        assert [
            (f.status, f.rejected, f.warnings) for f in told.files if (f.status, f.rejected) != ("applied", 0)
        ] == []
    return ws


def keys(workspace, values, column="", name="id") -> list[str]:
    """The keys in the order in which they are published, dropped in this order."""
    config = f"{BARE}[datasets.default.columns.{name}]\n{column}\n"
    ws = ran(workspace(config, **{"a.csv": text(["id", "timestamp"], *([value, AT] for value in values))}))
    return [row[0] for row in rows(ws)[1:]]


# -------------------------------------------------------------------------------- the order of rows


def python_order(key: str):
    """Empty first, then whole numbers by value, then the rest by code point."""
    if key == "":
        return (0, 0, "")
    return (1, int(key), "") if re.fullmatch("0|-?[1-9][0-9]*", key) else (2, 0, key)


WHOLE = [
    "-" + "9" * 30,
    "-1" + "0" * 29,
    "-10",
    "-9",
    "-1",
    "0",
    "1",
    "2",
    "9",
    "10",
    "11",
    "100",
    "9" * 30,
    "1" + "0" * 30,
]
REST = ["+1", "-", "-0", "-01", "00", "007", "1 ", "1.0", "10a", "1e3", "A", "B", "Z", "a", "b", "e\u0301", "é", "ä"]
REST += ["\ufb00", "\uffee", "\U00010000", "😀", "\U0010ffff", " ", " 1", "\t", "#", '"', ",", "\0", "\0a"]


@pytest.mark.parametrize("start", [WHOLE + REST, (WHOLE + REST)[::-1]], ids=["forwards", "backwards"])
def test_text_keys(workspace, start):
    """Whole numbers of any length by value, then all other texts by code point, whatever order they came in."""
    assert keys(workspace, start) == [*WHOLE, *sorted(REST)]


@RUNS
@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)
        | st.text("0123456789-", min_size=1, max_size=4)
        | st.integers().map(str),
        min_size=20,
        max_size=150,
    )
)
def test_any_text_is_a_key(workspace, values):
    """In the order that Python's own integers and texts have; the same text is the same key."""
    assert keys(workspace, values) == sorted(set(values), key=python_order)


ORDERED = {  # type: keys by value, as they are published
    "integer": ["-9223372036854775808", "-10", "-9", "0", "9", "10", "9223372036854775807"],
    "decimal(10,2)": ["-10.00", "-9.50", "0.00", "0.10", "9.00", "10.00"],
    "number": ["-1e+300", "-2.5", "1e-300", "0.5", "9.5", "10.5", "1e+22"],
    "date": ["0001-01-01", "0999-12-31", "1970-01-01", "9999-12-31"],
    "boolean": ["false", "true"],
    "uuid": [f"{digit * 8}-0000-0000-0000-000000000000" for digit in "019af"],
    "email": ["a-b@c.d", "a@b.c", "b@b.c"],
}


@pytest.mark.parametrize("kind", ORDERED)
def test_typed_keys(workspace, kind):
    """By value."""
    expected = ORDERED[kind]
    assert keys(workspace, [*expected[1::2], *expected[::2]], f'type = "{kind}"') == expected


def test_keys_that_are_timestamps(workspace):
    """By instant, whatever their offsets; two texts of one instant are one key."""
    config = f'{BARE}[datasets.default.columns.id]\ntype = "timestamp"\n'
    drops = ["2024-01-01T13:00:00+02:00", "2024-01-01T10:59:59Z", "2024-01-01T11:00:00Z", "2024-01-01T07:00:00-05:00"]
    ws = ran(workspace(config, **{"a.csv": text(["id", "timestamp"], *([value, AT] for value in drops))}))
    assert [row[0] for row in rows(ws)[1:]] == [drops[1], drops[2], drops[3]]


def test_composite_keys(workspace):
    """From left to right, empty first, each part in its own order."""
    config = f'{BARE}key = ["b", "a"]\n'
    config += '[datasets.default.columns.a]\ntype = "integer"\nnullable = true\n'
    config += "[datasets.default.columns.b]\nnullable = true\n"
    expected = [["10", ""], ["", "-1"], ["9", "-1"], ["10", "-1"], ["", "10"], ["", "x"], ["9", "x"]]
    drops = [[a, AT, b] for a, b in expected[::-1]]
    ws = ran(workspace(config, **{"a.csv": text(["a", "timestamp", "b"], *drops)}))
    assert [[row[0], row[2]] for row in rows(ws)[1:]] == expected


def test_a_key_part_that_a_file_lacks_is_empty(workspace):
    """Empty equals empty, in whichever way."""
    config = f'{BARE}key = ["id", "sub"]\n[datasets.default.columns.sub]\nrequired = false\nnullable = true\n'
    ws = workspace(config, **{"a.csv": "id,timestamp,sub\n1,2024-01-01,\n2,2024-01-01,x\n"})
    drop(ws, "b.csv", "id,timestamp\n1,2024-01-02\n")
    assert latest(ran(ws)) == "id,timestamp,sub\n1,2024-01-02,\n2,2024-01-01,x\n"


# -------------------------------------------------------------------------------- cells


def test_cells_are_quoted_only_if_they_must_be(workspace):
    """Comma, quote, CR and LF; nothing else, and an empty cell never."""
    cells = ["", " ", " a ", "a;b", "a|b", "\t", "'", "\\", "NULL", "#", "\0", "é", "\ufeff", "\u2028", "=1+1"]
    cells += [",", '"', "\r", "\n", "\r\n", 'a "b" c', '""', "a,b"]
    records = [["id", "timestamp", "v"], *([str(n), AT, cell] for n, cell in enumerate(cells))]
    ws = ran(workspace(BARE, **{"a.csv": text(*records)}))
    assert latest(ws) == text(*records)


@RUNS
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=50, max_size=150))
def test_any_text_survives(workspace, cells):
    """Byte for byte, and the file is the one that is written by the rule."""
    records = [["id", "timestamp", "v", "w"], *([str(n), AT, c, c[::-1]] for n, c in enumerate(cells))]
    ws = ran(workspace(BARE, **{"a.csv": text(*records)}))
    assert latest(ws) == text(*records)


def test_a_quoted_file_is_published_plainly(workspace):
    """CRLF, a mark and needless quotes are none of the cells' business."""
    ws = ran(workspace(BARE, **{"a.csv": '\ufeff"id";"timestamp";"v"\r\n"1";"2024-01-01";"a;b"\r\n'}))
    assert latest(ws) == "id,timestamp,v\n1,2024-01-01,a;b\n"


def test_a_view_of_one_column(workspace):
    """Where files have the timestamp alone, no row has a key: a header is left."""
    ws = workspace(f"{BARE}[datasets.default.columns.id]\nrequired = false\n", **{"a.csv": "timestamp\n2024-01-01\n"})
    ws.run()
    assert latest(ws) == "timestamp\n"


def test_a_cell_of_50_mb(workspace):
    """It is read and published whole, and so are its neighbours."""
    cell = "é" * 25_000_000
    ws = ran(workspace(BARE, **{"a.csv": text(["id", "timestamp", "v"], ["1", AT, "x"], ["2", AT, cell])}))
    assert latest(ws) == text(["id", "timestamp", "v"], ["1", AT, "x"], ["2", AT, cell])


def test_the_same_rows_give_the_same_bytes(workspace):
    """The view is deleted, and the next run writes it again."""
    ws = ran(workspace(**{"a.csv": 'id,timestamp,v\n2,2024-01-01,"a\nb"\n1,2024-01-01,\n'}))
    before = ws.layout.latest("default").read_bytes()
    ws.layout.latest("default").unlink()
    ws.run()
    assert ws.layout.latest("default").read_bytes() == before


# -------------------------------------------------------------------------------- the order of columns


def header(ws) -> str:
    """The first line of latest.csv."""
    return latest(ws).splitlines()[0]


def one(columns: str) -> str:
    """A file with this header and one row."""
    return f"{columns}\n" + ",".join({"id": "1", "timestamp": AT}.get(name.lower(), "x") for name in columns.split(","))


ORDERS = {
    "as in the only header": ({"a.csv": "v,timestamp,id,w"}, "v,timestamp,id,w"),
    "the lowest name": ({"b.csv": "v,id,timestamp", "a.csv": "timestamp,id,v"}, "timestamp,id,v"),
    "names by code point": ({"é.csv": "v,id,timestamp", "z.csv": "timestamp,v,id"}, "timestamp,v,id"),
    "capitals before small letters": ({"a.csv": "v,id,timestamp", "B.csv": "timestamp,v,id"}, "timestamp,v,id"),
    "no natural order": ({"9.csv": "v,id,timestamp", "10.csv": "timestamp,v,id"}, "timestamp,v,id"),
    "later columns behind": ({"a.csv": "id,timestamp", "b.csv": "w,id,v,timestamp"}, "id,timestamp,w,v"),
    "by file, then by position": (
        {"a.csv": "id,timestamp", "b.csv": "w,id,timestamp", "c.csv": "u,w,id,t,timestamp"},
        "id,timestamp,w,u,t",
    ),
    "the spelling of the lowest": ({"b.csv": "ID,timestamp,CITY", "a.csv": "id,TimeStamp,City"}, "id,timestamp,City"),
}


@pytest.mark.parametrize("title", ORDERS)
@pytest.mark.parametrize("way", ["at once", "one by one", "backwards"])
def test_columns(workspace, title, way):
    """As in the header of the lowest name, then what later ones add; however they arrive."""
    files, expected = ORDERS[title]
    names = list(files) if way == "one by one" else list(files)[::-1]
    ws = workspace(BARE)
    for name in names:
        drop(ws, name, one(files[name]))
        if way != "at once":
            ran(ws)
    assert header(ran(ws)) == expected


def test_the_batch_time_comes_before_the_name(workspace):
    """The header of the earliest delivery leads."""
    files = {"a-20240201.csv": one("v,id,timestamp"), "b-20240101.csv": one("timestamp,v,id")}
    ws = ran(workspace(f'{BARE}batch_time = "%Y%m%d"\n', **files))
    assert header(ws) == "timestamp,v,id"


def test_the_first_revision_leads(workspace):
    """A later one of the same name adds its columns behind."""
    ws = ran(workspace(BARE, **{"a.csv": one("id,timestamp,v")}))
    drop(ws, "a.csv", one("w,v,timestamp,id"))
    assert header(ran(ws)) == "id,timestamp,v,w"


def test_a_file_whose_rows_were_all_refused_counts(workspace):
    """Its header is one of those that lead."""
    ws = workspace(BARE, **{"a.csv": "v,timestamp,id\n,,\n", "b.csv": one("id,timestamp,v")})
    ws.run()
    assert header(ws) == "v,timestamp,id"


def test_column_order(workspace):
    """What it names comes first, in any case of letters; what it does not name follows; unknown names are nothing."""
    config = '[datasets.default]\ncolumn_order = ["w", "TIMESTAMP", "unknown", "a,b"]\n'
    ws = ran(workspace(config, **{"a.csv": 'id,timestamp,v,w,"a,b"\n1,2024-01-01,x,y,z\n'}))
    assert latest(ws) == 'w,timestamp,"a,b",id,v,source_filename\ny,2024-01-01,z,1,x,a.csv\n'


def test_lineage(workspace):
    """All five, last, in the order in which they are asked for."""
    lineage = ["loaded_at", "source_row", "snapshot", "source_filename", "source_revision"]
    ws = ran(workspace(f"[datasets.default]\nlineage = {json.dumps(lineage)}\n", **{"b.csv": one("id,timestamp")}))
    drop(ws, "a.csv", "id,timestamp\n\n2,2024-01-01\n3,2024-01-01\n")
    ran(ws)
    drop(ws, "a.csv", "id,timestamp,v\n2,2024-01-01\n2,2024-01-02,\n")
    ws.run()
    names, *found = rows(ws)
    assert names == ["id", "timestamp", "v", *lineage]
    assert [row[:3] + row[4:] for row in found] == [
        ["1", AT, "", "1", "1", "b.csv", "1"],
        ["2", "2024-01-02", "", "2", "3", "a.csv", "2"],
        ["3", AT, "", "2", "2", "a.csv", "1"],
    ]
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[3]) for row in found)


def test_no_lineage(workspace):
    """There may be none."""
    assert latest(ran(workspace(BARE, **{"a.csv": one("id,timestamp")}))) == f"id,timestamp\n1,{AT}\n"


@pytest.mark.parametrize("name", ["a, b.csv", 'say "hi".csv', "-n.csv", "$(x);'.csv", "é 😀.csv", "sub/a,b.csv"])
def test_lineage_holds_any_file_name(workspace, name):
    """Quoted like any other cell."""
    ws = ran(workspace(**{name: one("id,timestamp")}))
    assert latest(ws) == text(["id", "timestamp", "source_filename"], ["1", AT, name])


# -------------------------------------------------------------------------------- hostile names of columns

HOSTILE = [
    *(
        '"',
        "'",
        '"; DROP TABLE accepted_0; --',
        "'; DROP TABLE raw; --",
        "a;b",
        "a,b",
        "a.b",
        "--",
        "/*",
        "*",
        "?",
        "$v0",
    ),
    *(
        "$v1",
        "%s",
        "{x}",
        "\\",
        "\\n",
        "a\nb",
        "a\r\nb",
        "a\rb",
        "\t",
        " ",
        " lead",
        "trail ",
        "=1+1",
        "SELECT",
        "x" * 5000,
    ),
    *("#", "# a", "é", "e\u0301", "😀", "ß", "\ufeff", "a=b", "a(b)", "a b", "null", "true", "1", "0.5", "-1"),
    *(
        "rowid",
        "rowid_1",
        "filename",
        "file_index",
        "file_row_number",
        "raw",
        "spans",
        "batches",
        "published",
        "source",
    ),
    *("_batch", "_instant", "_deleted", "_rank", "_carried", "_new", "_gone", "_has_2", "_source_2", "_lineage"),
    *("_offset_timestamp", "_offset_c0", "_n", "_row", "_columns", "_rules", "_reasons", "_grave", "_content"),
    *(
        "c0",
        "c1",
        "c2",
        "o0",
        "v0",
        "t0",
        "p",
        "b",
        "r",
        "s",
        "place",
        "is_new",
        "is_gone",
        "name",
        "revision",
        "batch",
    ),
    *("_change_type", "_commit_version", "__index_level_0__", "_delta_log", "x", "xx"),
]


def test_hostile_names(workspace):
    """Each is a column like any other: through merges, going back, history, comparisons and the ledger's check."""
    names = ["id", "timestamp", *HOSTILE]
    records = [[str(key), AT, *(f"{key}.{n}" for n in range(len(HOSTILE)))] for key in (1, 2)]
    ws = ran(workspace(BARE, **{"a.csv": text(names, records[0])}))
    drop(ws, "b.csv", text(names[::-1], records[1][::-1]))
    assert latest(ran(ws)) == text(names, *records)
    drop(ws, "c.csv", text(["id", "timestamp", "x"], ["2", "2024-01-02", "new"]))
    changed = [*records[1][:1], "2024-01-02", *records[1][2:]]
    changed[names.index("x")] = "new"
    assert latest(ran(ws)) == text(names, records[0], changed)
    assert {(c.column, c.new) for c in ws.diff(2, 3).changed} == {("timestamp", "2024-01-02"), ("x", "new")}
    assert [set(version.values) == set(names) for version in ws.history("2")] == [False, True]
    assert ws.check().problems == []
    ws.reset(2)
    assert latest(ws) == text(names, *records)


@RUNS
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8),
        unique_by=str.casefold,
        min_size=10,
        max_size=40,
    )
)
def test_any_text_names_a_column(workspace, names):
    """Any text that is not empty and has no NUL, declared or not."""
    names = ["id", "timestamp", *(n for n in names if n.casefold() not in ("id", "timestamp"))]
    declared = "".join(f"[datasets.default.columns.{toml(name)}]\n" for name in names[2::3])
    records = [names, ["1", AT, *(f"{n}" for n in range(2, len(names)))]]
    ws = ran(workspace(BARE + declared, **{"a.csv": text(*records)}))
    assert latest(ws) == text(*records)
    assert ws.check().problems == []


def test_hostile_names_as_key_timestamp_and_mark(workspace):
    """What the configuration names may have any name, too."""
    key, time, mark, typed = 'k"; --', "t'\n", "$v0", "c0"
    config = f"""[datasets.default]
        key = [{toml(key)}]
        timestamp = {toml(time)}
        delete_when = {{ column = {toml(mark)}, values = ["D"] }}
        [datasets.default.columns.{toml(key)}]
        type = "integer"
        [datasets.default.columns.{toml(typed)}]
        type = "timestamp"
        unique = true
        """
    head = [key, time, mark, typed]
    ws = workspace(config, **{"a.csv": text(head, ["10", AT, "", AT], ["9", AT, "", "x"], ["8", AT, "", ""])})
    ws.run()
    assert [(r.row, r.column, r.value) for r in ws.rejects()] == [(2, typed, "x")]
    drop(ws, "b.csv", text(head, ["8", "2024-01-02", "D", ""]))
    ran(ws)
    assert latest(ws) == text([*head, "source_filename"], ["10", AT, "", "2024-01-01T00:00:00", "a.csv"])


def test_refused_rows_of_hostile_columns_can_be_dropped_again(workspace):
    """The file of refused rows keeps names and cells, and `rejects` tells them."""
    names = ["id", "timestamp", *HOSTILE]
    ws = workspace(**{"a.csv": text(names, ["1", "soon", *HOSTILE])})
    ws.run()
    (told,) = ws.rejects()
    assert (told.row, told.column, told.rule, told.value) == (1, "timestamp", "timestamp", "soon")
    (path,) = ws.layout.rejects("default").iterdir()
    drop(ws, "mended.csv", path.read_bytes().replace(b",soon,", b",2024-01-01,"))
    ws.run()
    assert rows(ws)[1:] == [["1", AT, *HOSTILE, "mended.csv"]]


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_a_line_separator_in_a_name_does_not_damage_the_ledger(workspace, separator):
    """The ledger can be read after it, and the next file is applied."""
    ws = workspace(BARE, **{"a.csv": f"id,timestamp,a{separator}b\n1,{AT},x\n"})
    ws.run()
    drop(ws, "b.csv", f"id,timestamp,a{separator}b\n2,{AT},y\n")
    assert len(rows(ran(ws))) == 3


def test_rejects_under_a_name_with_a_line_end(workspace):
    """`rejects` reads what was written, whatever the delimiter is."""
    ws = workspace(**{"a.csv": 'id;timestamp;"v\nw"\n1;soon;x\n'})
    ws.run()
    assert [(r.row, r.column, r.value) for r in ws.rejects()] == [(1, "timestamp", "soon")]


def wide(count: int, *records) -> str:
    """A file with so many columns beside the key and the timestamp."""
    numbers = range(count)
    head = ["id", "timestamp", *(f"column {n}" for n in numbers)]
    return text(head, *([key, at, *(f"{key}.{n}" for n in numbers)] for key, at in records))


@pytest.mark.parametrize("count", [300, pytest.param(5000, marks=pytest.mark.slow)])
def test_many_columns(workspace, count):
    """Five thousand are read and published like five."""
    data = wide(count, ["1", AT], ["2", AT])
    assert latest(ran(workspace(BARE, **{"a.csv": data}))) == data


def test_many_columns_that_a_later_file_lacks(workspace):
    """The key's cells stay; this takes seconds, not minutes."""
    ws = ran(workspace(BARE, **{"a.csv": wide(60, ["1", AT], ["2", AT])}))
    drop(ws, "b.csv", "id,timestamp\n1,2024-01-02\n")
    assert latest(ran(ws)) == wide(60, ["1", AT], ["2", AT]).replace(f"1,{AT}", "1,2024-01-02")


# -------------------------------------------------------------------------------- through the program


def test_the_program_shows_the_same_bytes(workspace):
    """`show` writes latest.csv to stdout, cell ends, CR and all."""
    ws: Workspace = ran(workspace(**{"a.csv": text(["id", "timestamp", *HOSTILE], ["1", AT, *HOSTILE])}))
    shown = run_cli("show", workspace=ws, text=False)
    assert (shown.returncode, shown.stdout) == (0, ws.layout.latest("default").read_bytes())


def test_a_view_that_the_engine_writes_in_many_pieces_is_what_the_ledger_says(workspace):
    """Its digest and its index are of the bytes that are there in the end."""
    rows = "".join(f"{n * 7919 % 400_009},2024-01-01,value {n}\n" for n in range(400_000))
    ws = ran(workspace(BARE, **{"a.csv": "id,timestamp,v\n" + rows}))
    (recorded,) = (snapshot.sha256 for snapshot in ws.snapshots())
    assert hashlib.sha256(ws.layout.latest("default").read_bytes()).hexdigest() == recorded
    assert ws.check().ok
