"""The broken files of DuckDB's own tests: which lines are refused, and where our rules differ on purpose."""

import ast
import csv
import json

import pytest
from conftest import latest

TYPES = {"INTEGER": "integer", "VARCHAR": "string", "DATE": "date"}
# A line longer than their max_line_size is theirs to refuse; here a line may have any length.
THEIRS_ALONE = "LINE SIZE OVER MAXIMUM"

BLANKS = "a blank before a number or a date is not trimmed"
MORE = {  # lines that are refused here beside theirs, or for another reason, and why
    "error__mismatch__bad2.csv": (
        {1, 2, 3},
        "a delimiter at the end makes one cell more, here without a name above it",
    ),
    "rejects__multiple_errors__multiple_cast_implicit.csv": ({2, 3}, BLANKS),
    "rejects__multiple_errors__multiple_casts_mixed.csv": ({2, 3}, BLANKS),
    "rejects__multiple_errors__cast_and_maxline.csv": ({2, 3}, BLANKS),
    "rejects__multiple_errors__more_col_and_max_line.csv": ({2, 3}, BLANKS),
    "rejects__multiple_errors__unquoted_less.csv": ({2, 4}, BLANKS),
    "rejects__multiple_errors__unquoted_more.csv": ({2, 4}, BLANKS),
    "rejects__multiple_errors__invalid_utf_less.csv": ({2}, BLANKS),
    "rejects__multiple_errors__invalid_utf_more.csv": ({2}, BLANKS),
    "rejects__multiple_errors__multiple_errors.csv": ({2, 3}, BLANKS),
}
NOT_UTF8 = {  # refused whole here, since an encoding belongs to a file: the record that is named
    "rejects__frankstein__nightmare.csv": 37,
    "rejects__multiple_errors__invalid_utf_less.csv": 2,
    "rejects__multiple_errors__invalid_utf_more.csv": 2,
}
OURS = {"UNQUOTED VALUE": "csv", "TOO MANY COLUMNS": "cells", "MISSING COLUMNS": "cells", "CAST": "type"}
FIRST = ("UNQUOTED VALUE", "TOO MANY COLUMNS", "MISSING COLUMNS", "CAST")  # what is told of a line with several faults


def cases(shared) -> dict[str, dict]:
    """The cases that declare their columns, by file; the others are about what DuckDB guesses."""
    found = json.loads((shared / "data/duckdb-rejects/cases.json").read_text("utf-8"))
    return {case["csv"]: case for case in found if case["columns"]}


def config(case, data: bytes) -> str:
    """The contract that a case's columns are, with a key and a timestamp; a date in a format is a timestamp here."""
    layout = case["options"].get("dateformat", "''").strip("'")
    lines = ["[datasets.default]", 'lineage = ["source_row"]', f"timestamp_formats = {[layout] * bool(layout)}"]
    columns = ast.literal_eval(case["columns"])
    header = data.decode("utf-8", "ignore").splitlines()[0].split(",") if has_header(case, data) else list(columns)
    for (name, kind), alias in zip(columns.items(), header, strict=True):
        type_ = "timestamp" if kind == "DATE" and layout else TYPES[kind]
        lines += [f"[datasets.default.columns.{name}]", f'type = "{type_}"', f"aliases = {[alias] * (alias != name)}"]
    return "\n".join(lines)


def with_key(case, data: bytes) -> bytes:
    """A case's file with an id and a timestamp in front of each line, and a header where it has none."""
    lines = data.splitlines(keepends=True)
    if not has_header(case, data):
        lines.insert(0, ",".join(ast.literal_eval(case["columns"])).encode() + b"\n")
    keyed = [b"%d,2024-01-01," % place + line if line.strip() else line for place, line in enumerate(lines)]
    return b"".join([b"id,timestamp," + lines[0], *keyed[1:]])


def has_header(case, data: bytes) -> bool:
    """Whether the file's first line are names, told or plain to see."""
    return case["options"].get("header") == "1" or data.startswith((b"a,b", b"COL1,COL2"))


def ours(ws) -> dict[int, str]:
    """The rule by record that was refused; that of its text before that of its cells."""
    return {r.row: r.rule for r in ws.rejects()}


NAMES = [
    *("error__flush_cast", "error__mismatch__bad2", "error__mismatch__big_bad2", "error__mismatch__small1"),
    *("rejects__frankstein__nightmare", "rejects__incorrect_columns__many_columns"),
    *("rejects__incorrect_columns__small_mix", "rejects__maximum_line__max_10", "rejects__maximum_line__over_vector"),
    *("rejects__multiple_errors__cast_and_maxline", "rejects__multiple_errors__invalid_utf_less"),
    *("rejects__multiple_errors__invalid_utf_more", "rejects__multiple_errors__more_col_and_max_line"),
    *("rejects__multiple_errors__multiple_cast_implicit", "rejects__multiple_errors__multiple_casts_mixed"),
    *("rejects__multiple_errors__multiple_errors", "rejects__multiple_errors__unquoted_less"),
    *("rejects__multiple_errors__unquoted_more", "small_bad"),
]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_lines_are_refused(workspace, shared, name):
    """Those that DuckDB's tests expect, for the like reason, and those that MORE names; all others are accepted."""
    case = cases(shared)[f"{name}.csv"]
    raw = (shared / "data/duckdb-rejects/files" / case["csv"]).read_bytes()
    data = with_key(case, raw.replace(b"\xff", b"").decode("utf-8", "ignore").encode())  # see NOT_UTF8
    ws = workspace(config(case, raw), **{"a.csv": data})
    counts = ws.run().datasets[0].counts
    after = 1 if has_header(case, raw) else 0  # lines before record 1
    rows = [
        row if len(row) == 9 else ["0", *row] for row in case["rejects"]["rows"]
    ]  # some leave the file's number out
    faults = {(int(row[1]) - after, row[6]) for row in rows if row[6] not in (THEIRS_ALONE, "INVALID ENCODING")}
    wanted = {line: OURS[min((f for n, f in faults if n == line), key=FIRST.index)] for line, _ in faults}
    extra, _ = MORE.get(case["csv"], (set(), ""))
    found = ours(ws)
    extra = {line - after for line in extra}
    assert set(found) == set(wanted) | extra
    assert [found[row] for row in wanted if row not in extra] == [wanted[row] for row in wanted if row not in extra]
    records = [line for line in data.decode().splitlines()[1:] if line]
    assert (counts.read, counts.rejected) == (len(records), len(found))
    if "dateformat" not in case["options"]:
        published = {row[0]: row[:-1] for row in csv.reader(latest(ws).splitlines()[1:])}
        accepted = [row for n, row in enumerate(map(as_cells, records), 1) if n not in found]
        assert published == {row[0]: row for row in accepted}


def as_cells(line: str) -> list[str]:
    """The cells of one line."""
    return next(csv.reader([line]))


@pytest.mark.parametrize("name", NOT_UTF8)
def test_what_is_not_utf8_refuses_the_file(workspace, shared, name):
    """With the number of the record; DuckDB refuses the line alone."""
    case = cases(shared)[name]
    raw = (shared / "data/duckdb-rejects/files" / name).read_bytes()
    ws = workspace(config(case, raw), **{"a.csv": with_key(case, raw)})
    ws.run()
    assert ours(ws) == {NOT_UTF8[name]: "encoding"}


def test_no_case_is_left_out(shared):
    """Every case that declares columns is here."""
    assert {f"{name}.csv" for name in NAMES} == set(cases(shared))
