"""`transform`: a user's own pandas function between the cells of a file and their validation."""

import csv
import io
import json
import re
import shutil
import sys
import textwrap
from types import ModuleType

import pytest
from conftest import ROOT, drop, latest, run_cli

from snapshotter.reader import Layout
from snapshotter.transforming import rows_at_once

CONFIG = '[datasets.default]\ntransform = "cleaning:tidy"\n'
HEAD = "id,timestamp,v\n"
GOOD = HEAD + "1,2024-01-01,a\n2,2024-01-01,b\n"
KEEP = "def tidy(df):\n    return df\n"


@pytest.fixture
def cleaned(workspace):
    """Makes workspaces with a module: `cleaned(source, config=CONFIG, **files)`."""

    def make(source, config=CONFIG, **files):
        ws = workspace(config, **files)
        write(ws, source)
        return ws

    return make


def write(ws, source, name="cleaning.py"):
    """Put a module into a workspace."""
    (ws.layout.root / name).write_text(textwrap.dedent(source), "utf-8")


def ran(ws, dataset=0):
    """A run's result for one dataset; the counts of every run add up, and `check` finds nothing."""
    result = ws.run().datasets[dataset]
    assert result.counts.read == result.counts.accepted + result.counts.rejected
    assert ws.check().problems == []
    return result


def cells(ws, dataset="default"):
    """The rows of latest.csv, without lineage."""
    rows = csv.DictReader(io.StringIO(latest(ws, dataset)))
    return [{name: cell for name, cell in row.items() if name != "source_filename"} for row in rows]


def refusal(ws):
    """(rule, column, row, reason) of the only refused file of a run, of which nothing was applied."""
    result = ran(ws)
    [file] = [file for file in result.files if file.status == "rejected"]
    note = json.loads((ws.layout.rejected / f"{file.name}.reason.json").read_text())
    assert (file.read, file.accepted) == (0, 0)
    return note["rule"], note["column"], note["row"], note["reason"]


def refused_rows(ws, name):
    """The file of refused rows as lists of cells, header first."""
    path = ws.layout.rejects("default") / f"{name}.csv"
    return list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))


# -------------------------------------------------------------------------------- what it can do


def test_columns_are_renamed_and_split(cleaned):
    """What comes back is what is validated and stored: its names are matched with the contract."""
    ws = cleaned(
        """
        def tidy(df):
            df = df.rename(columns={"Nr": "id", "when": "timestamp"})
            df[["first", "last"]] = df.pop("name").str.extract(r"([^ ]*) ?(.*)")
            return df
        """,
        CONFIG + '[datasets.default.columns.surname]\naliases = ["last"]\nnullable = false\n',
        **{"a.csv": "Nr,when,name\n1,2024-01-01,Ada Love Lace\n2,2024-01-01,Bob\n"},
    )
    result = ran(ws)
    assert cells(ws) == [{"id": "1", "timestamp": "2024-01-01", "first": "Ada", "surname": "Love Lace"}]
    assert (result.counts.accepted, result.counts.rejected) == (1, 1)
    assert any("'last' was taken for 'surname'" in text for text in result.files[0].warnings)


README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (["Ada Love Lace", "Bob"], [("Ada", "Love Lace"), ("Bob", "")]),
        (["Ada", "Bob"], [("Ada", ""), ("Bob", "")]),
        (["TEST", ""], [("", "")]),
    ],
)
def test_the_example_in_readme_works_row_by_row(cleaned, names, split):
    """README's function makes the same columns of every file, of one in which no name has a blank too."""
    source = re.search(r"^# cleaning\.py\n(.*?)^```", README, re.DOTALL | re.MULTILINE)[1]
    rows = "".join(f"{number},2024-01-01,{name}\n" for number, name in enumerate(names))
    config = CONFIG + "columns = { first = {}, last = {} }\n"
    ws = cleaned(source, config, **{"a.csv": f"Nr,when,name\n{rows}"})
    assert ran(ws).files[0].status == "applied"
    assert [(row["first"], row["last"]) for row in cells(ws)] == split


def test_cells_come_as_texts_and_empty_ones_as_empty_texts(cleaned):
    """The function sees each cell as it stands in the file: nothing is a number, nothing is missing."""
    ws = cleaned(
        """
        def tidy(df):
            assert list(df.columns) == ["id", "timestamp", "v", "w", "source_row"]
            assert [str(kind) for kind in df.dtypes] == ["str"] * 4 + ["int64"]
            if len(df):
                assert df.drop(columns="source_row").map(lambda cell: type(cell) is str).all(axis=None)
                assert list(df["v"]) == ["007", "", "NA", ' "é" ', "a\\nb"]
                assert list(df["source_row"]) == [1, 2, 3, 4, 5]
            return df
        """,
        **{"a.csv": 'id,timestamp,v,w\n1,2024,007,\n2,2024,,\n3,2024,NA,\n4,2024," ""é"" ",\n5,2024,"a\nb",\n'},
    )
    assert ran(ws).files[0].status == "applied"
    assert len(refused_rows(ws, "a.csv")) == 6


def test_times_are_no_texts(cleaned):
    """Nor is a column of times of which none could be read: it would pass for empty cells."""
    ws = cleaned(
        """
        import pandas as pd

        def tidy(df):
            df["v"] = pd.to_datetime(df["v"], errors="coerce", format="%d/%m/%Y")
            return df
        """,
        **{"a.csv": GOOD},
    )
    (file,) = ws.run().datasets[0].files
    assert (file.status, "times in column 'v'" in file.warnings[-1]) == ("rejected", True)


@pytest.mark.parametrize("nothing", ["None", "float('nan')", "pd.NA", "''"])
def test_missing_is_empty(cleaned, nothing):
    """None, NaN and NA come back as empty cells, in a column with texts and in one without."""
    ws = cleaned(
        f"""
        import pandas as pd

        def tidy(df):
            df["v"] = df["v"].astype(object).where(df["v"] != "b", {nothing})
            df["w"] = {nothing}
            return df
        """,
        **{"a.csv": GOOD},
    )
    ran(ws)
    assert [(row["v"], row["w"]) for row in cells(ws)] == [("a", ""), ("", "")]


@pytest.mark.parametrize(
    "texts",
    [
        'df["v"].astype("category")',
        'df["v"].astype(object)',
        'df["v"].map(np.str_).astype(object)',
        'df["v"].map(lambda v: Letter(v)).astype(object)',
    ],
)
def test_texts_in_any_column_of_pandas(cleaned, texts):
    """Categories, objects and kinds of str are texts like any other."""
    source = f"""
        import enum
        import numpy as np

        class Letter(enum.StrEnum):
            FIRST = "a"
            SECOND = "b"

        def tidy(df):
            df["v"] = {texts}
            return df
        """
    ws = cleaned(source, **{"a.csv": GOOD})
    ran(ws)
    assert [row["v"] for row in cells(ws)] == ["a", "b"]


def test_what_comes_back_is_exact(cleaned):
    """A function that changes nothing changes no byte of latest.csv, whatever the cells hold."""
    odd = HEAD + '1,2024-01-01,"a ""b"", c"\n2,2024-01-01," é\t\u2028 "\n3,2024-01-01,"x\ry"\n4,2024-01-01,\x00\n'
    plain, same = cleaned(KEEP, "", **{"a.csv": odd}), cleaned(KEEP, **{"a.csv": odd})
    ran(plain)
    ran(same)
    assert latest(same) == latest(plain)


def test_order_of_rows_and_columns_is_free(cleaned):
    """Rows may come back in another order; `source_row`, not their place, says which they are."""
    ws = cleaned(
        """
        def tidy(df):
            return df.sort_values("v", ascending=False)[["source_row", "v", "timestamp", "id"]].reset_index(drop=True)
        """,
        CONFIG + 'lineage = ["source_row"]\n',
        **{"a.csv": HEAD + "1,2024-01-01,a\n1,2024-01-01,b\n2,2024-01-01,c\n"},
    )
    ran(ws)
    assert latest(ws) == "v,timestamp,id,source_row\nb,2024-01-01,1,2\nc,2024-01-01,2,3\n"


def test_row_numbers_that_became_floats_are_taken(cleaned):
    """A join makes floats of integers; as row numbers they are exact."""
    ws = cleaned(
        'def tidy(df):\n    df["source_row"] = df["source_row"].astype(float)\n    return df\n', **{"a.csv": GOOD}
    )
    assert ran(ws).counts.accepted == 2


def test_a_delimiter_is_found_through_the_function(cleaned):
    """`auto` takes the delimiter under which the function makes a header that satisfies the contract."""
    rename = 'def tidy(df):\n    return df.rename(columns={"Nr": "id", "when": "timestamp"})\n'
    for delimiter in ",;\t|":
        ws = cleaned(rename, **{"a.csv": "Nr,when,v-w\n1,2024-01-01,x\n".replace(",", delimiter)})
        ran(ws)
        assert cells(ws)[0]["id"] == "1"


def test_a_function_that_fails_without_rows(cleaned):
    """Then the delimiter is the one that gives most names; what counts is what it makes of the rows."""
    ws = cleaned(
        'def tidy(df):\n    assert len(df)\n    return df.rename(columns={"Nr": "id"})\n',
        **{"a.csv": "Nr;timestamp;v,w\n1;2024-01-01;x\n", "b.csv": "Nr;timestamp;v,w\n"},
    )
    assert [file.status for file in ran(ws).files] == ["applied", "empty"]
    assert cells(ws) == [{"id": "1", "timestamp": "2024-01-01", "v,w": "x"}]


def test_a_function_that_takes_any_header(cleaned):
    """Where more than one delimiter would do, the one that gives most names is taken."""
    ws = cleaned(
        'def tidy(df):\n    return df.reindex(columns=["id", "timestamp", "v", "source_row"])\n',
        **{"a.csv": GOOD.replace(",", ";")},
    )
    ran(ws)
    assert [row["v"] for row in cells(ws)] == ["a", "b"]


def test_a_header_without_rows_is_judged(cleaned):
    """A file of a header alone is empty if the header would do, and refused if it would not."""
    rename = 'def tidy(df):\n    return df.rename(columns={"Nr": "id"})\n'
    ws = cleaned(rename, **{"a.csv": "Nr,timestamp\n", "b.csv": "no,timestamp\n"})
    assert [file.status for file in ran(ws).files] == ["empty", "rejected"]


def test_a_large_file_comes_in_pieces(cleaned):
    """More than 100,000 rows come in several calls; every row keeps its number, over ragged and left out ones, too."""
    ws = cleaned(
        """
        def tidy(df):
            assert len(df) <= 100_000
            df["first"] = str(df["source_row"].iloc[0]) if len(df) else ""
            return df[df["v"] != "7"]
        """,
        CONFIG + 'lineage = ["source_row"]\n[datasets.default.columns.v]\ntype = "integer"\n',
    )
    lines = [f"{row},2024-01-01,{row % 10 if row != 150_000 else 'x'}" for row in range(1, 250_001)]
    lines[199] = "200,2024-01-01"
    drop(ws, "a.csv", HEAD + "\n".join(lines) + "\n")
    result = ran(ws)
    rows = cells(ws)
    assert len(rows) == 250_000 - 25_000 - 2
    assert all(row["id"] == row["source_row"] for row in rows)
    assert {row["first"] for row in rows} == {"1", "100002", "200002"}
    refused = refused_rows(ws, "a.csv")[1:]
    assert result.counts.rejected == len(refused) == 25_002
    assert [row[:2] for row in refused if row[-2] == "type"] == [["150000", "2024-01-01"]]
    assert all(row[0] == row[3] for row in refused if row[-2] == "transform")


def test_columns_that_are_named_alike_are_found(cleaned):
    """What `header_match` finds in the columns that came back is held against their cells, as in any file."""
    ws = cleaned(
        'def tidy(df):\n    return df.rename(columns={"x": "amounts"})\n',
        CONFIG + '[datasets.default.columns.amount]\ntype = "integer"\n',
        **{"a.csv": "id,timestamp,x\n1,2024-01-01,7\n", "b.csv": "id,timestamp,x\n2,2024-01-01,seven\n"},
    )
    result = ran(ws)
    assert [file.status for file in result.files] == ["applied", "rejected"]
    assert cells(ws) == [{"id": "1", "timestamp": "2024-01-01", "amount": "7"}]


def test_a_compressed_file_and_a_large_one(cleaned):
    """It is the same for what is read from memory and for what is read where it lies."""
    import gzip

    big = HEAD + "".join(f"{row},2024-01-01,{'x' * 1000}\n" for row in range(1, 20_000))
    ws = cleaned('def tidy(df):\n    df["v"] = df["v"].str[:1]\n    return df\n', **{"a.csv": big})
    drop(ws, "b.csv.gz", gzip.compress(HEAD.encode() + b"0,2024-01-01,yy\n"))
    assert ran(ws).counts.accepted == 20_000
    assert {row["v"] for row in cells(ws)} == {"x", "y"}


def test_how_many_rows_come_at_once():
    """At most 100,000 rows, a million cells and, but for 1,000 rows, some 64 MB of text."""

    def at_once(width, records, size, longest):
        return rows_at_once(width, Layout(records, 0, longest, crlf=False, header_end=0), size)

    assert at_once(8, 10**6, 10**8, 200) == 100_000
    assert at_once(2_000, 10**6, 10**10, 10**4) == 500
    assert at_once(8, 10**6, 10**10, 20_000) == 3_355
    assert at_once(8, 10**6, 10**10, 10_001) == 6_710
    assert at_once(8, 10**6, 10**8, 10**8) == 1_000
    assert at_once(8, 100, 10**10, 10**8) == 1
    assert at_once(2_000_000, 1, 10**7, 10**7) == 1


# -------------------------------------------------------------------------------- rows that are refused


def test_rows_left_out_are_refused(cleaned):
    """A row that does not come back is a reject, with its cells; so the counts add up."""
    ws = cleaned('def tidy(df):\n    return df[df["v"] != "a"]\n', **{"a.csv": GOOD})
    result = ran(ws)
    assert (result.counts.read, result.counts.accepted, result.counts.rejected) == (2, 1, 1)
    assert refused_rows(ws, "a.csv")[1] == ["1", "2024-01-01", "a", "1", "", "transform", "the transform left it out"]
    [reject] = ws.rejects()
    assert (reject.row, reject.column, reject.rule, reject.value) == (1, None, "transform", None)


def test_all_rows_left_out(cleaned):
    """A file of which nothing comes back is applied without a row."""
    ws = cleaned("def tidy(df):\n    return df[:0]\n", **{"a.csv": GOOD})
    result = ran(ws)
    assert (result.files[0].status, result.counts.accepted, result.counts.rejected) == ("applied", 0, 2)


def test_no_record_has_the_right_number_of_cells(cleaned):
    """The function is called without rows then, and each record is a reject of its own."""
    ws = cleaned(KEEP, **{"a.csv": HEAD + "1,2024-01-01\n2\n"})
    assert ran(ws).counts.rejected == 2
    assert [reject.rule for reject in ws.rejects()] == ["cells", "cells"]


def test_a_model_judges_what_came_back(cleaned):
    """A pydantic model sees the changed rows; its refusals keep the cells of the file, over rows left out, too."""
    model = """
        from pydantic import BaseModel, field_validator

        class Sale(BaseModel):
            id: int
            timestamp: str
            amount: str

            @field_validator("amount")
            @classmethod
            def is_even(cls, amount: str) -> str:
                if int(amount) % 2:
                    raise ValueError("is odd")
                return amount

        def tidy(df):
            df["amount"] = df.pop("Amount").str.removeprefix("£")
            return df[df["id"] != "1"][::-1]
        """
    rows = "Amount,id,timestamp\n£2,1,2024-01-01\n£3,2,2024-01-01\n£4,3,2024-01-01\n"
    ws = cleaned(model, CONFIG + 'contract = "cleaning:Sale"\n', **{"a.csv": rows})
    ran(ws)
    assert [(row["id"], row["amount"]) for row in cells(ws)] == [("3", "4")]
    found = [(row[0], row[1], row[3], row[4], row[5]) for row in refused_rows(ws, "a.csv")[1:]]
    assert found == [("£2", "1", "1", "", "transform"), ("£3", "2", "2", "amount", "model")]


def test_too_many_rows_left_out(cleaned):
    """Rows left out count for `max_reject_ratio`."""
    ws = cleaned(
        'def tidy(df):\n    return df[df["v"] != "a"]\n', CONFIG + "max_reject_ratio = 0.2\n", **{"a.csv": GOOD}
    )
    rule, _, _, reason = refusal(ws)
    assert rule == "max_reject_ratio"
    assert "the transform left it out (1)" in reason


def test_refused_rows_keep_their_own_cells_and_can_be_dropped_again(cleaned):
    """Rejects hold what stood in the file, and name the column that came back; mended they go the same way."""
    ws = cleaned(
        """
        def tidy(df):
            df["amount"] = df.pop("Amount (£)").str.removeprefix("£")
            return df
        """,
        CONFIG + '[datasets.default.columns.amount]\ntype = "integer"\n',
        **{"a.csv": "id;timestamp;Amount (£);note\n1;2024-01-01;£7;\n2;2024-01-01;£x;\n3;2024-01-01\n"},
    )
    ran(ws)
    header, bad, ragged = refused_rows_of(ws)
    assert header == "id;timestamp;Amount (£);note;_reject_row;_reject_column;_reject_rule;_reject_reason"
    assert bad.startswith("2;2024-01-01;£x;;2;amount;type;")
    path = ws.layout.rejects("default") / "a.csv.csv"
    path.write_text("\n".join([header, bad.replace("£x", "£8"), ragged.replace("3;2024-01-01", "3;2024-01-01;£9;")]))
    path.rename(ws.layout.queue / path.name)
    assert ran(ws).counts.rejected == 0
    assert [row["amount"] for row in cells(ws)] == ["7", "8", "9"]


def refused_rows_of(ws):
    """The lines of the only file of refused rows."""
    return (ws.layout.rejects("default") / "a.csv.csv").read_text("utf-8").splitlines()


def test_a_column_of_ours_is_not_given(cleaned):
    """A file's own `source_row` and its columns without a name do not reach the function, and are told."""
    ws = cleaned(
        """
        def tidy(df):
            assert list(df.columns) == ["id", "timestamp", "v", "source_row"]
            return df
        """,
        **{"a.csv": "id,source_row,timestamp,,v\n1,99,2024-01-01,?,a\n"},
    )
    result = ran(ws)
    assert cells(ws) == [{"id": "1", "timestamp": "2024-01-01", "v": "a"}]
    assert any("source_row" in text for text in result.files[0].warnings)
    assert any("column 4 has no name" in text for text in result.files[0].warnings)


def test_unique_looks_at_what_came_back(cleaned):
    """`unique` keeps the first record of a value, by the number of the record."""
    ws = cleaned(
        'def tidy(df):\n    df["v"] = df["v"].str.lower()\n    return df[::-1]\n',
        CONFIG + "[datasets.default.columns.v]\nunique = true\n",
        **{"a.csv": HEAD + "1,2024-01-01,a\n2,2024-01-01,A\n"},
    )
    ran(ws)
    assert [row["id"] for row in cells(ws)] == ["1"]


# -------------------------------------------------------------------------------- files that are refused


@pytest.mark.parametrize(
    ("body", "column", "row", "words"),
    [
        ("return None", None, None, "returned no DataFrame, but NoneType"),
        ('return df.drop(columns="source_row")', None, None, "returned 0 columns source_row"),
        ("return pd.concat([df, df[:1]])", "source_row", 1, "a record twice"),
        (
            'df["source_row"] += 1\n    return df',
            "source_row",
            None,
            "source_row 3, but was given records 1 to 2",
        ),
        ('df.loc[:, "source_row"] = 1\n    return df', "source_row", 1, "a record twice"),
        ('df["source_row"] = df["source_row"].astype(str)\n    return df', "source_row", None, "no whole number"),
        ('df["source_row"] = df["source_row"] / 2\n    return df', "source_row", None, "no whole number"),
        ('df["source_row"] = np.inf\n    return df', "source_row", None, "no whole number"),
        ('df["source_row"] = [None, 1][: len(df)]\n    return df', "source_row", None, "no whole number"),
        ('df["v"] = 7\n    return df', "v", 1, "an int in column 'v'"),
        ('df["v"] = [None, 7.0][: len(df)]\n    return df', "v", 2, "a float in column 'v'"),
        ('df["v"] = df["v"] == "a"\n    return df', "v", 1, "a bool in column 'v'"),
        ('df["v"] = pd.Timestamp("2024")\n    return df', "v", 1, "a Timestamp in column 'v'"),
        ('df["v"] = df["v"].map(str.encode).astype(object)\n    return df', "v", 1, "a bytes in column 'v'"),
        ('df["v"] = "\\ud800"\n    return df', "v", None, "that UTF-8 cannot hold"),
        ("df[0] = df['v']\n    return df", None, None, "a column 5 whose name is no text, but an int"),
        ('df["\\ud800"] = ""\n    return df', None, None, "a name that no file can hold"),
        ('df["v"] = {}["secret"]\n    return df', None, None, "raised KeyError at cleaning.py:5, given records 1 to 2"),
        ("raise SystemExit(0)", None, None, "raised SystemExit at cleaning.py:5"),
        ('return helper(df["v"])', None, None, "raised ValueError at cleaning.py:8"),
    ],
)
def test_what_cannot_be_taken_refuses_the_file(cleaned, body, column, row, words):
    """A function that fails or returns something else refuses its file, and the reason says what, without a cell."""
    helper = 'def helper(texts):\n    return int(texts.iloc[0] if len(texts) else "secret")\n'
    source = f"import numpy as np\nimport pandas as pd\n\ndef tidy(df):\n    {body}\n\n{helper}"
    ws = cleaned(source, **{"a.csv": HEAD + "1,2024-01-01,secret\n2,2024-01-01,secret\n"})
    found = refusal(ws)
    assert found[:3] == ("transform", column, row)
    assert words in found[3]
    assert "secret" not in found[3]


def test_other_files_go_on(cleaned):
    """One file's exception is no other file's: they are applied, and the refused one is dropped again later."""
    ws = cleaned(
        'def tidy(df):\n    assert "bad" not in set(df["v"])\n    return df\n',
        **{"a.csv": GOOD, "b.csv": HEAD + "9,2024-01-01,bad\n", "c.csv": HEAD + "3,2024-01-01,c\n"},
    )
    assert [file.status for file in ran(ws).files] == ["applied", "rejected", "applied"]
    write(ws, KEEP)
    (ws.layout.rejected / "b.csv").rename(ws.layout.queue / "b.csv")
    assert ran(ws).files[0].status == "applied"
    assert [row["id"] for row in cells(ws)] == ["1", "2", "3", "9"]


def test_a_failure_in_a_later_piece_leaves_nothing(cleaned):
    """A file is refused whole, also if its first 100,000 rows went through; the file after it is not touched."""
    ws = cleaned('def tidy(df):\n    assert "bad" not in set(df["v"])\n    return df\n')
    drop(ws, "a.csv", HEAD + "".join(f"{row},2024-01-01,x\n" for row in range(100_001)) + "0,2024-01-01,bad\n")
    drop(ws, "b.csv", GOOD)
    result = ran(ws)
    assert [file.status for file in result.files] == ["rejected", "applied"]
    assert (result.counts.read, len(cells(ws))) == (2, 2)


def test_columns_that_differ_between_pieces(cleaned):
    """The columns of a file are the same in each call, or it is refused; their order is free."""
    ws = cleaned(
        """
        def tidy(df):
            if len(df) and df["source_row"].iloc[0] > 1:
                df = df[df.columns[::-1]]
                df = df.assign(**{df["v"].iloc[0]: "v"})
            return df
        """
    )
    drop(ws, "a.csv", HEAD + "".join(f"{row},2024-01-01,v\n" for row in range(100_001)))
    drop(ws, "b.csv", HEAD + "".join(f"{row},2024-01-01,new\n" for row in range(100_001)))
    files = ran(ws).files
    assert [file.status for file in files] == ["applied", "rejected"]
    assert "other columns for records 100001 to 100001 than for those before: 'new'" in files[1].warnings[-1]


def test_a_header_that_lacks_the_key_afterwards(cleaned):
    """Required columns are looked for in what came back; the reason says so."""
    ws = cleaned('def tidy(df):\n    return df.rename(columns={"id": "Nr"})\n', **{"a.csv": GOOD})
    rule, column, _, reason = refusal(ws)
    assert (rule, column) == ("header", "id")
    assert "after the transform, the header lacks 'id'" in reason


@pytest.mark.parametrize(
    ("header", "source"),
    [("id,timestamp,v,V", KEEP), ("id,timestamp,v,w", 'def tidy(df):\n    return df.rename(columns={"w": "V"})\n')],
)
def test_a_name_that_stands_twice_refuses_the_file(cleaned, header, source):
    """In the file's own header as in the one that comes back."""
    ws = cleaned(source, **{"a.csv": f"{header}\n1,2024-01-01,a,b\n"})
    rule, column, _, _ = refusal(ws)
    assert (rule, column) == ("header", "v")


def test_a_function_cannot_reach_the_rows_through_what_it_was_given(cleaned):
    """Changing the given frame in place, row numbers too, changes nothing but what comes back."""
    ws = cleaned(
        """
        def tidy(df):
            back = df.copy()
            df.loc[:, "source_row"] = 5
            df.loc[:, "v"] = "changed"
            return back
        """,
        **{"a.csv": GOOD},
    )
    ran(ws)
    assert [row["v"] for row in cells(ws)] == ["a", "b"]


# -------------------------------------------------------------------------------- the module


@pytest.mark.parametrize(
    ("source", "reference", "words"),
    [
        (KEEP, "nowhere:tidy", "cannot be imported: ModuleNotFoundError"),
        (KEEP, "cleaning:other", "has no other"),
        ("tidy = 7\n", "cleaning:tidy", "is not a function"),
        ("import nowhere\n", "cleaning:tidy", "cannot be imported: ModuleNotFoundError"),
        ("def tidy(:\n", "cleaning:tidy", "cannot be imported: SyntaxError"),
        ("raise SystemExit(0)\n", "cleaning:tidy", "cannot be imported: SystemExit"),
    ],
)
def test_a_module_that_is_no_good(cleaned, source, reference, words):
    """It is an error of the configuration that names the key; the file waits, and nothing is changed."""
    ws = cleaned(source, CONFIG.replace("cleaning:tidy", reference), **{"a.csv": GOOD})
    done = run_cli("run", workspace=ws)
    assert done.returncode == 2
    assert "datasets.default.transform" in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in ws.layout.queue.iterdir()] == ["a.csv"]
    assert not ws.layout.latest("default").exists()


def test_a_reference_that_is_none(workspace):
    """Its form is looked at when the workspace is opened."""
    ws = workspace()
    (ws.layout.root / "snapshotter.toml").write_text(CONFIG.replace("cleaning:tidy", "cleaning.tidy"))
    done = run_cli("status", workspace=ws)
    assert done.returncode == 2
    assert "datasets.default.transform" in done.stderr
    assert '"module:function"' in done.stderr


def test_the_module_is_imported_only_where_files_wait(cleaned):
    """An empty queue, and commands that read, do not ask for it."""
    ws = cleaned(KEEP, **{"a.csv": GOOD})
    ran(ws)
    write(ws, "raise RuntimeError\n")
    for command in ("run", "status", "snapshots", "check", "show"):
        assert run_cli(command, workspace=ws).returncode == 0


def test_what_the_module_prints_is_no_data(cleaned):
    """Its prints go to stderr, so that --json stays JSON; the workspace gets no compiled code."""
    ws = cleaned("print('importing')\n\ndef tidy(df):\n    print('working')\n    return df\n", **{"a.csv": GOOD})
    done = run_cli("run", "--json", workspace=ws)
    assert json.loads(done.stdout)["datasets"][0]["counts"]["accepted"] == 2
    assert "importing" in done.stderr
    assert "working" in done.stderr
    assert not (ws.layout.root / "__pycache__").exists()


def test_a_dry_run_goes_the_same_way(cleaned):
    """It counts what a run would, and changes nothing."""
    ws = cleaned('def tidy(df):\n    return df[df["v"] != "a"]\n', **{"a.csv": GOOD})
    counts = ws.run(dry_run=True).datasets[0].counts
    assert not ws.layout.output.exists()
    assert ran(ws).counts == counts


def test_a_changed_module_judges_again(cleaned):
    """A duplicate is one under the same code: after a change of the module, of equal length and at once, it is none."""
    ws = cleaned('def tidy(df):\n    df["v"] = "1"\n    return df\n', **{"a.csv": GOOD})
    ran(ws)
    drop(ws, "a.csv", GOOD)
    assert ran(ws).files[0].status == "duplicate"
    write(ws, 'def tidy(df):\n    df["v"] = "2"\n    return df\n')
    drop(ws, "a.csv", GOOD)
    assert ran(ws).files[0].status == "applied"
    assert {row["v"] for row in cells(ws)} == {"2"}
    assert ws.files()[-1].revision == 1


def test_a_rebuild_reads_the_archive_through_the_function(cleaned):
    """What was accepted under an older module is judged under the present one, file by file."""
    ws = cleaned('def tidy(df):\n    return df.assign(v="1")\n', **{"a.csv": GOOD, "b.csv": HEAD + "3,2024-01-01,c\n"})
    ran(ws)
    write(ws, 'def tidy(df):\n    return df[df["id"] != "1"].assign(v="2")\n')
    counts = ws.rebuild().counts
    assert (counts.read, counts.accepted, counts.rejected) == (3, 2, 1)
    assert [(row["id"], row["v"]) for row in cells(ws)] == [("2", "2"), ("3", "2")]
    assert ws.check().problems == []


def test_two_workspaces_with_modules_of_one_name(cleaned):
    """Each has its own function, in one process, turn by turn."""
    one = cleaned('def tidy(df):\n    df["v"] = "one"\n    return df\n', **{"a.csv": GOOD})
    two = cleaned('def tidy(df):\n    df["v"] = "two"\n    return df\n', **{"a.csv": GOOD})
    for ws in (one, two, one):
        drop(ws, "b.csv", HEAD + "3,2024-01-01,b\n")
        ws.run()
    assert {row["v"] for row in cells(one)} == {"one"}
    assert {row["v"] for row in cells(two)} == {"two"}


HELPED = "from helpers import VALUE\n\ndef tidy(df):\n    return df.assign(v=VALUE)\n"
LAZY = "def tidy(df):\n    from kit.helpers import VALUE\n    return df.assign(v=VALUE)\n"


@pytest.mark.parametrize(("source", "helper"), [(HELPED, "helpers.py"), (LAZY, "kit/helpers.py")])
def test_what_a_module_imports_is_that_of_its_workspace(cleaned, source, helper):
    """Two workspaces have helpers of one name, in one process, imported at once or when the function is called."""
    made = []
    for value in ("one", "two"):
        ws = cleaned(source, **{"a.csv": GOOD})
        (ws.layout.root / helper).parent.mkdir(exist_ok=True)
        write(ws, f"VALUE = '{value}'\n", helper)
        made.append(ws)
    known = set(sys.modules)
    for ws in (*made, made[0]):
        drop(ws, "b.csv", HEAD + "3,2024-01-01,b\n")
        ran(ws)
    assert [{row["v"] for row in cells(ws)} for ws in made] == [{"one"}, {"two"}]
    assert not {"helpers", "kit", "kit.helpers"} & (set(sys.modules) - known)
    assert not list(made[0].layout.root.rglob("__pycache__"))


def test_a_module_of_the_process_keeps_its_name(cleaned, monkeypatch):
    """A module that the process itself has under a helper's name is neither taken for it nor lost."""
    monkeypatch.setitem(sys.modules, "helpers", other := ModuleType("helpers"))
    ws = cleaned(HELPED, **{"a.csv": GOOD})
    write(ws, "VALUE = 'mine'\n", "helpers.py")
    ran(ws)
    assert {row["v"] for row in cells(ws)} == {"mine"}
    assert sys.modules["helpers"] is other


def test_a_changed_helper_judges_again(cleaned):
    """What the module imports from the workspace belongs to it: a change of it is noticed, in one process too."""
    ws = cleaned(HELPED, **{"a.csv": GOOD})
    write(ws, "VALUE = '1'\n", "helpers.py")
    ran(ws)
    drop(ws, "a.csv", GOOD)
    assert ran(ws).files[0].status == "duplicate"
    write(ws, "VALUE = '2'\n", "helpers.py")
    drop(ws, "a.csv", GOOD)
    assert ran(ws).files[0].status == "applied"
    assert {row["v"] for row in cells(ws)} == {"2"}


def test_two_datasets_with_functions_of_their_own(cleaned):
    """Each dataset has its function, or none; a module that is missing stops only the dataset that names it."""
    config = "".join(
        f'[datasets.{name}]\nmatch = "{name}*"\ntransform = "{reference}"\n'
        for name, reference in (("a", "cleaning:upper"), ("b", "nowhere:tidy"), ("c", ""))
    )
    upper = 'def upper(df):\n    df["v"] = df["v"].str.upper()\n    return df\n'
    ws = cleaned(upper, config, **{"a.csv": GOOD, "b.csv": GOOD, "c.csv": GOOD})
    a, b, c = ws.run().datasets
    assert (a.error, b.error.name, c.error) == (None, "ConfigError", None)
    assert [row["v"] for row in cells(ws, "a")] == ["A", "B"]
    assert [row["v"] for row in cells(ws, "c")] == ["a", "b"]
    assert (ws.layout.queue / "b.csv").exists()


def test_going_back_needs_no_module(cleaned):
    """Reset and withdraw work on rows as they were accepted."""
    ws = cleaned('def tidy(df):\n    df["v"] = df["v"] + "!"\n    return df\n', **{"a.csv": GOOD})
    ran(ws)
    drop(ws, "b.csv", HEAD + "3,2024-01-01,c\n")
    ran(ws)
    (ws.layout.root / "cleaning.py").unlink()
    ws.withdraw("b.csv")
    assert [row["v"] for row in cells(ws)] == ["a!", "b!"]
    ws.reset(2)
    assert [row["v"] for row in cells(ws)] == ["a!", "b!", "c!"]


# -------------------------------------------------------------------------------- real data


def test_dates_of_a_real_file_are_repaired(cleaned, shared):
    """A delivery of regional figures with dates such as 6/3/2020, and codes without their 0, is applied whole."""
    folder = shared / "data" / "regioni"
    config = (folder / "snapshotter.toml").read_text()
    section = next(line for line in config.splitlines() if line.startswith("[datasets."))
    ws = cleaned(
        """
        import pandas as pd

        def tidy(df):
            if df["data"].str.fullmatch(r"\\d+/\\d+/\\d+ \\d+:\\d+").any():
                df["codice_regione"] = df["codice_regione"].str.zfill(2)
                df["data"] = pd.to_datetime(df["data"], format="%d/%m/%Y %H:%M").dt.strftime("%Y-%m-%dT%H:%M:%S")
            return df
        """,
        config.replace(section, f'{section}\ntransform = "cleaning:tidy"', 1),
    )
    bad = next((folder / "bad").glob("0013_*"))
    shutil.copy(bad, ws.layout.queue)
    result = ran(ws)
    assert (result.files[0].status, result.counts.rejected) == ("applied", 0)
    assert result.counts.read == len(bad.read_text("utf-8-sig").splitlines()) - 1
