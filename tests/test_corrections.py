"""`correct` and `null_values`: what is mended, what is left alone, and that each change is counted."""

import pytest
from conftest import drop, latest, run_cli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapshotter import Workspace
from snapshotter.errors import ContractChanged, SnapshotterError


def column(kind="string", **rules):
    """The configuration of the column `v`."""
    lines = "".join(f"{name} = {value!r}\n" for name, value in rules.items())
    return f"[datasets.default.columns.v]\ntype = '{kind}'\n{lines}"


def quoted(cell):
    """A cell of a CSV file."""
    return '"' + cell.replace('"', '""') + '"'


CASES = {
    # correction: (type, [(cell, what is published, None for a reject)])
    "strip": ("string", [(" a b ", "a b"), ("\u00a0a\t", "a"), ("\ufeffa\u3000", "a"), ("  ", ""), ("a", "a")]),
    "lower": ("string", [("ÀB", "àb")]),
    "upper": ("string", [("àb", "ÀB")]),
    "title": ("string", [("jOHN o'neil-smith", "John O'Neil-Smith"), ("élan 3rd", "Élan 3Rd")]),
    "collapse_spaces": ("string", [("a  b\t\u00a0c", "a b c"), (" a ", " a ")]),
    "zero_pad(3)": ("string", [("7", "007"), ("0007", "0007"), ("x7", "x7"), ("-7", "-7"), ("", ""), ("٣", "٣")]),
    "decimal_comma": (
        "decimal(12,3)",
        [("1,5", "1.500"), ("-,5", "-0.500"), ("1.5", "1.500"), ("1.234", None), ("1.234,5", None), ("1,5,6", None)],
    ),
    "thousands": (
        "decimal(12,3)",
        [
            *(("1,234", "1234.000"), ("1,234,567.5", "1234567.500"), ("1 234", "1234.000"), ("1'234.5", "1234.500")),
            *(("1\u202f234", "1234.000"), ("1,23", None), ("1,234 567", None), ("12,3456", None), ("5", "5.000")),
        ],
    ),
    "thousands,decimal_comma": (
        "decimal(12,3)",
        [("1.234", "1234.000"), ("1.234,5", "1234.500"), ("1 234,5", "1234.500"), ("1,5", "1.500"), ("1,234.5", None)],
    ),
    "decimal_comma,thousands": ("decimal(12,3)", [("1.234", "1234.000"), ("1.234,5", "1234.500"), ("1,5", "1.500")]),
    "strip,decimal_comma": ("decimal(12,3)", [(" 1,5\u00a0", "1.500"), (" 1.234", None)]),
}


@pytest.mark.parametrize("correct", CASES)
def test_a_correction_mends_what_it_is_for(workspace, correct):
    """Cells of its shape are mended; what could be read in two ways, or is of another shape, is not."""
    kind, cells = CASES[correct]
    content = "".join(f"{n},2024-01-01,{quoted(cell)}\n" for n, (cell, _) in enumerate(cells))
    ws = workspace(column(kind, correct=correct.split(",")), **{"a.csv": "id,timestamp,v\n" + content})
    ws.run()
    got = dict(zip(ws.latest()["id"], (line.split(",")[2] for line in latest(ws).splitlines()[1:]), strict=True))
    assert [got.get(str(n), got.get(n)) for n in range(len(cells))] == [wanted for _, wanted in cells]


def test_null_values_are_empty(workspace):
    """As they came, and as they are after correction; a cell that may not be empty is then refused."""
    ws = workspace(
        column("integer", null_values=["NA", "-"], correct=["strip"]),
        **{"a.csv": "id,timestamp,v\n1,2024-01-01,NA\n2,2024-01-01, - \n3,2024-01-01,na\n4,2024-01-01,5\n"},
    )
    ws.run()
    assert latest(ws).splitlines()[1:] == ["1,2024-01-01,,a.csv", "2,2024-01-01,,a.csv", "4,2024-01-01,5,a.csv"]
    assert [(r.row, r.rule) for r in ws.rejects()] == [(3, "type")]
    other = workspace(
        column(null_values=["NA"], nullable=False).replace("False", "false"),
        **{"a.csv": "id,timestamp,v\n1,2024-01-01,NA\n"},
    )
    other.run()
    assert [(r.row, r.rule) for r in other.rejects()] == [(1, "nullable")]


def test_keys_are_compared_after_correction(workspace):
    """A region code that lost its zero is the same region."""
    config = "[datasets.default.columns.id]\ncorrect = ['strip', 'zero_pad(2)']\npattern = '[0-9]{2}'\n"
    ws = workspace(config, **{"a.csv": "id,timestamp,v\n07,2024-01-01,a\n7,2024-01-02,b\n 7,2024-01-03,c\n"})
    ws.run()
    assert latest(ws) == "id,timestamp,v,source_filename\n07,2024-01-03,c,a.csv\n"
    assert ws.history("07")[0].source_row == 3


def test_timestamps_and_marks_of_deletion_are_corrected(workspace):
    """Every use of a cell is after its correction."""
    config = (
        "[datasets.default]\ndelete_when = { column = 'op', values = ['D'] }\n"
        "[datasets.default.columns.timestamp]\ncorrect = ['strip']\n"
        "[datasets.default.columns.op]\ncorrect = ['strip', 'upper']\n"
    )
    ws = workspace(config, **{"a.csv": "id,timestamp,op\n1, 2024-01-01 ,\n2,2024-01-01,\n1,2024-01-02, d\n"})
    ws.run()
    assert latest(ws).splitlines()[1:] == ["2,2024-01-01,,a.csv"]


def test_each_correction_is_counted(workspace):
    """By column, in accepted rows; the summary and `files` show it."""
    config = column("decimal(9,2)", correct=["strip", "decimal_comma"], null_values=["NA"])
    content = "id,timestamp,v\n1,2024-01-01, 1,5\n2,2024-01-01,2.5\n3,2024-01-01,NA\n4,2024-01-01,x \n"
    ws = workspace(config, **{"a.csv": content.replace(" 1,5", '" 1,5"')})
    done = run_cli("run", workspace=ws)
    assert "corrected 1 of v (decimal_comma), 1 of v (null_values), 1 of v (strip)" in done.stderr
    (file,) = ws.files()
    assert {(fix.column, fix.correction): fix.cells for fix in file.corrected} == {
        ("v", "strip"): 1,
        ("v", "decimal_comma"): 1,
        ("v", "null_values"): 1,
    }


def test_rejects_keep_the_original_cells(workspace):
    """What is refused stands in output/rejects as it came, and comes in once the configuration is mended."""
    ws = workspace(column("decimal(9,2)", correct=["strip"]), **{"a.csv": 'id,timestamp,v\n1,2024-01-01," 1,5"\n'})
    ws.run()
    path = ws.layout.rejects("default") / "a.csv.csv"
    assert path.read_text("utf-8").splitlines()[1].startswith('1,2024-01-01," 1,5",1,v,type,')


def test_other_corrections_are_another_contract(workspace):
    """Rows that were stored corrected cannot follow: the run stops and names the change."""
    ws = workspace(column(correct=["strip"]), **{"a.csv": "id,timestamp,v\n1,2024-01-01,x\n"})
    ws.run()
    (ws.layout.root / "snapshotter.toml").write_text(column(correct=["strip", "upper"]), "utf-8")
    drop(ws, "b.csv", "id,timestamp,v\n1,2024-01-02,y\n")
    (dataset,) = Workspace(ws.layout.root).run().datasets
    assert dataset.error.name == ContractChanged.__name__
    assert "correct of v" in dataset.error.message


@pytest.mark.parametrize("wrong", ["trim", "zero_pad", "zero_pad(x)", "Strip"])
def test_an_unknown_correction_names_what_there_is(workspace, wrong):
    """The error lists all of them."""
    with pytest.raises(SnapshotterError, match="collapse_spaces"):
        workspace(column(correct=[wrong]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12), min_size=1, max_size=30))
def test_strip_and_title_are_those_of_python(workspace, cells):
    """For every text: white space as Unicode has it (and the byte order mark), words as str.title has them."""
    config = column(correct=["strip"]) + column(correct=["collapse_spaces", "strip"]).replace("columns.v", "columns.w")
    content = "".join(f"{n},2024-01-01,{quoted(cell)},{quoted(cell)}\n" for n, cell in enumerate(cells))
    ws = workspace(config, **{"a.csv": "id,timestamp,v,w\n" + content})
    ws.run()
    spaces = "\ufeff"
    for n, cell in enumerate(cells):
        (version,) = ws.history(str(n))
        stripped = cell
        while stripped != (stripped := stripped.strip().strip(spaces)):
            pass
        assert version.values["v"].strip("\x1c\x1d\x1e\x1f") == stripped.strip("\x1c\x1d\x1e\x1f")
        assert "  " not in version.values["w"]


@pytest.mark.parametrize(
    ("kind", "correct", "mark"), [("boolean", [], "D"), ("string", ["upper"], "d"), ("string", ["zero_pad(2)"], "1")]
)
def test_a_mark_that_no_cell_can_be_is_an_error(workspace, kind, correct, mark):
    """Rows that should be deleted would stay without a word."""
    config = f"[datasets.default]\ndelete_when = {{ column = 'v', values = ['{mark}'] }}\n"
    ws = workspace(config + column(kind, correct=correct), **{"a.csv": f"id,timestamp,v\n1,2024-01-01,{mark}\n"})
    (dataset,) = ws.run().datasets
    assert dataset.error.code == 2
    assert "delete_when" in dataset.error.message


def test_rows_that_are_refused_take_no_value_from_others(workspace):
    """`unique` keeps the first row that is good otherwise; cells that are no value are not equal to each other."""
    config = column("integer") + "unique = true\n[datasets.default.columns.w]\ntype = 'integer'\n"
    rows = ["1,2024-01-01,7,x", "2,2024-01-01,7,1", "3,2024-01-01,7,1", "4,2024-01-01,u,1", "5,2024-01-01,w,1"]
    ws = workspace(config, **{"a.csv": "id,timestamp,v,w\n" + "\n".join(rows) + "\n"})
    ws.run()
    assert [(r.row, r.rule) for r in ws.rejects()] == [(1, "type"), (3, "unique"), (4, "type"), (5, "type")]
