"""Headers and files that drift: what is still understood, what is refused, and what a person is told."""

import shutil

import pytest
from conftest import drop, latest, run_cli

from snapshotter import Workspace

HEAD = "id,timestamp,amount\n"
AMOUNT = "[datasets.default.columns.amount]\ntype = 'integer'\n"


def only(result):
    """The one file of a run."""
    (dataset,) = result.datasets
    (file,) = dataset.files
    return file


# -- what an Italian publisher really did

BAD = {
    # name: (more of the configuration, status, accepted, rejected, words in a warning)
    "0011": ("", "applied", 21, 0, ["column 17 has no name and is ignored"]),
    "0013": ("", "applied", 0, 21, []),
    "0014": ("", "applied", 13, 8, []),
    "0175": ("", "rejected", 0, 0, ["lacks 'lat' (nearest: 'latitudine'", "'long' (nearest: 'longitudine'"]),
    "0175 with aliases": ("aliases", "applied", 21, 0, ["'latitudine' was taken for 'lat'", "'longitudine' was taken"]),
    "0213": ("", "applied", 20, 1, []),
    "0280": ("", "applied", 21, 0, []),
    "1060": ("", "applied", 21, 0, []),
}


@pytest.fixture(scope="module")
def good(shared, workspace):
    """A workspace in which the good files were applied, with `lat` and `long` declared."""
    config = (shared / "data" / "regioni" / "snapshotter.toml").read_text("utf-8")
    config = "\n".join(line for line in config.splitlines() if not line.startswith("batch_time"))
    ws = workspace(f"{config}\n[datasets.default.columns.lat]\n[datasets.default.columns.long]\n")
    for path in (shared / "data" / "regioni" / "daily").glob("*.csv"):
        shutil.copy(path, ws.layout.queue)
    counts = ws.run().datasets[0].counts
    assert (counts.accepted, counts.rejected) == (37401, 0)
    return ws


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_behind_the_good_ones(case, good, shared, tmp_path):
    """Each has the outcome that a careful person would want, and no cell of it lands in a wrong column."""
    more, status, accepted, rejected, told = BAD[case]
    shutil.copytree(good.layout.root, tmp_path, dirs_exist_ok=True)
    if more == "aliases":
        config = (tmp_path / "snapshotter.toml").read_text("utf-8")
        config = config.replace("columns.lat]", 'columns.lat]\naliases = ["latitudine"]')
        config = config.replace("columns.long]", 'columns.long]\naliases = ["longitudine"]')
        (tmp_path / "snapshotter.toml").write_text(config, "utf-8")
    ws = Workspace(tmp_path)
    (source,) = (shared / "data" / "regioni" / "bad").glob(f"{case[:4]}_*.csv")
    shutil.copy(source, ws.layout.queue)
    file = only(ws.run())
    assert (file.status, file.accepted, file.rejected) == (status, accepted, rejected)
    for words in told:
        assert any(words in warning for warning in file.warnings), file.warnings
    assert len([w for w in file.warnings if "was taken for" in w]) == (2 if "aliases" in case else 0)


def test_a_nameless_last_column_shifts_nothing(good, shared, tmp_path):
    """The cells of 0011 stand under their own names."""
    (source,) = (shared / "data" / "regioni" / "bad").glob("0011_*.csv")
    header, first, *_ = source.read_text("utf-8").splitlines()
    shutil.copytree(good.layout.root, tmp_path, dirs_exist_ok=True)
    ws = Workspace(tmp_path)
    shutil.copy(source, ws.layout.queue)
    ws.run()
    cells = dict(zip(header.split(","), first.split(","), strict=True))
    cells.pop("")
    (version,) = (v for v in ws.history(cells["codice_regione"]) if v.source_filename == source.name)
    assert version.values == cells


def test_day_and_month_are_never_guessed(good, shared, tmp_path):
    """0013 has `6/3/2020`: no row is read as June; the hint names both readings."""
    shutil.copytree(good.layout.root, tmp_path, dirs_exist_ok=True)
    ws = Workspace(tmp_path)
    (source,) = (shared / "data" / "regioni" / "bad").glob("0013_*.csv")
    shutil.copy(source, ws.layout.queue)
    before = ws.latest().set_index("codice_regione")["data"]
    ws.run()
    assert ws.latest().set_index("codice_regione")["data"].equals(before)
    (group,) = (group for group in ws.reject_groups() if group.rule == "timestamp")
    assert (group.failures, len(group.examples)) == (21, 3)
    assert '"%d/%m/%Y %H:%M"' in group.hint
    assert '"%m/%d/%Y %H:%M"' in group.hint


# -- names

NAMES = {
    # header name: (what becomes of the file, words of its warning)
    "amount": ("applied", ""),
    "AMOUNT": ("applied", "the same but for case"),
    " Amount-": ("applied", "blanks and punctuation"),
    "Betrag": ("applied", "an alias of it"),
    "BETRAG": ("applied", "the same but for case"),
    "amounts": ("applied", "alike by 0.92"),
    "amuont": ("rejected", "(nearest: 'amuont')"),
    "price": ("rejected", "the header lacks 'amount'; it has"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_matched_in_the_order_of_certainty(workspace, name):
    """Its very name, an alias, the same without case, blanks and punctuation, and at last one that is alike."""
    status, words = NAMES[name]
    ws = workspace(AMOUNT + 'aliases = ["Betrag"]\n', **{"a.csv": f"id,timestamp,{name}\n1,2024-01-01,5\n"})
    file = only(ws.run())
    assert file.status == status
    assert words in "".join(file.warnings)
    assert bool(file.warnings) == bool(words)
    if status == "applied":
        assert latest(ws) == "id,timestamp,amount,source_filename\n1,2024-01-01,5,a.csv\n"
        assert ws.files()[0].warnings == file.warnings
        assert all(any(words in text for text in ws.status().datasets[0].attention) for words in file.warnings)


def test_a_text_column_may_be_only_alike(workspace):
    """A name is taken for that of a text column, too, in a file of several rows: there is no type to misfit."""
    ws = workspace(
        "[datasets.default.columns.description]\n",
        **{"a.csv": "id,timestamp,descripton\n1,2024-01-01,x\n2,2024-01-01,y\n"},
    )
    file = only(ws.run())
    assert (file.status, file.accepted) == ("applied", 2)
    assert latest(ws) == "id,timestamp,description,source_filename\n1,2024-01-01,x,a.csv\n2,2024-01-01,y,a.csv\n"


def test_guessing_can_be_turned_off(workspace):
    """With header_match = 1 a name that is only alike is another column."""
    ws = workspace(
        "[datasets.default]\nheader_match = 1\n" + AMOUNT, **{"a.csv": "id,timestamp,amounts\n1,2024-01-01,5\n"}
    )
    assert only(ws.run()).status == "rejected"


AMBIGUOUS = {
    "two names for one column": ("id,timestamp,amount_1,xamount,amountx\n1,2024-01-01,1,2,3\n", AMOUNT),
    "one name for two columns": (
        "id,timestamp,amounts\n1,2024-01-01,2\n",
        AMOUNT + "[datasets.default.columns.amountz]\nrequired = false\n",
    ),
    "a name that is more like a column that is there": (
        "id,timestamp,price_usx,price_usd\n1,2024-01-01,2,3\n",
        "[datasets.default.columns.price_usd]\n[datasets.default.columns.price_usdx]\n",
    ),
    "another number in the name": (
        "id,timestamp,amount_2024\n1,2024-01-01,2\n",
        "[datasets.default.columns.amount_2023]\n",
    ),
    "cells of another type": ("id,timestamp,amounts\n1,2024-01-01,five\n", AMOUNT),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_a_guess_that_could_be_wrong_is_not_made(workspace, case):
    """Not where two names or two columns are alike, numbers differ, or the cells are not of the type."""
    content, config = AMBIGUOUS[case]
    file = only(workspace(config, **{"a.csv": content}).run())
    assert file.status == "rejected"
    assert "lacks" in file.warnings[-1]


def test_a_guess_is_made_of_each_file_for_itself(workspace):
    """Of two files with one header, the one whose cells are of the type is taken, in any company."""
    good, bad = "id,timestamp,amounts\n1,2024-01-01,5\n", "id,timestamp,amounts\n2,2024-01-01,x\n"
    ws = workspace(AMOUNT, **{"good.csv": good, "bad.csv": bad})
    assert {file.name: file.status for file in ws.run().datasets[0].files} == {
        "bad.csv": "rejected",
        "good.csv": "applied",
    }


@pytest.mark.parametrize("header", ["amount,Betrag", "BETRAG,Amount", "a-mount,Amount ()", "AMOUNT,amount"])
def test_two_names_of_one_column_refuse_the_file(workspace, header):
    """Whichever way they mean it; nobody knows which of the two to take."""
    ws = workspace(AMOUNT + 'aliases = ["Betrag"]\n', **{"a.csv": f"id,timestamp,{header}\n1,2024-01-01,5,6\n"})
    assert only(ws.run()).status == "rejected"


def test_a_name_of_its_own_beside_the_column(workspace):
    """`_id` is not `id` where `id` is there: it is another column."""
    ws = workspace(**{"a.csv": "_id,id,timestamp\nx,1,2024-01-01\n"})
    assert only(ws.run()).warnings == []
    assert latest(ws) == "_id,id,timestamp,source_filename\nx,1,2024-01-01,a.csv\n"


def test_the_delimiter_is_that_under_which_the_header_is_understood(workspace):
    """Also where a name is only alike: no counting of characters."""
    ws = workspace(AMOUNT, **{"a.csv": "id;timestamp;amounts;a,b,c,d,e,f\n1;2024-01-01;5;x\n"})
    assert only(ws.run()).status == "applied"
    assert latest(ws).startswith('id,timestamp,amount,"a,b,c,d,e,f",')


# -- columns that come and go

OPTIONAL = "[datasets.default.columns.amount]\nrequired = false\n"


def test_absent_columns_keep_what_is_known(workspace):
    """By default a file without the column says nothing about it."""
    ws = workspace(OPTIONAL, **{"a.csv": HEAD + "1,2024-01-01,5\n"})
    ws.run()
    drop(ws, "b.csv", "id,timestamp\n1,2024-01-02\n")
    ws.run()
    assert latest(ws).splitlines()[1] == "1,2024-01-02,5,b.csv"


def test_absent_columns_can_count_as_empty(workspace):
    """With "null", a file without the column empties it."""
    ws = workspace('[datasets.default]\nabsent_columns = "null"\n' + OPTIONAL, **{"a.csv": HEAD + "1,2024-01-01,5\n"})
    ws.run()
    drop(ws, "b.csv", "id,timestamp\n1,2024-01-02\n")
    ws.run()
    assert latest(ws).splitlines()[1] == "1,2024-01-02,,b.csv"


def test_absent_columns_can_refuse_the_file(workspace):
    """With "reject", every declared column must be there."""
    ws = workspace(
        '[datasets.default]\nabsent_columns = "reject"\n' + OPTIONAL, **{"a.csv": "id,timestamp\n1,2024-01-01\n"}
    )
    file = only(ws.run())
    assert (file.status, "absent_columns" in file.warnings[-1]) == ("rejected", True)


# -- too many bad rows


def test_a_file_with_too_many_bad_rows_is_refused_whole(workspace):
    """None of its rows counts, and the reason says what was wrong with how many."""
    rows = "".join(f"{n},2024-01-01,{'x' if n % 3 else n}\n" for n in range(9))
    ws = workspace("[datasets.default]\nmax_reject_ratio = 0.5\n" + AMOUNT, **{"a.csv": HEAD + rows + "9,2024-01-01\n"})
    result = ws.run()
    file = only(result)
    assert (file.status, file.read, result.datasets[0].counts.read) == ("rejected", 0, 0)
    assert "7 of 10 rows were refused, more than max_reject_ratio = 0.5 allows" in file.warnings[-1]
    assert "amount is not a whole number of at most 64 bits (6)" in file.warnings[-1]
    assert not ws.layout.latest("default").exists()
    assert not ws.layout.rejects("default").exists()
    reason = (ws.layout.rejected / "a.csv.reason.json").read_text("utf-8")
    assert '"rule": "max_reject_ratio"' in reason
    assert '"rows": 6' in reason


def test_a_file_with_few_enough_bad_rows_comes_in(workspace):
    """The limit itself is allowed; the file beside it does not matter."""
    half = HEAD + "1,2024-01-01,1\n2,2024-01-01,x\n"
    more = HEAD + "3,2024-01-01,1\n4,2024-01-01,x\n5,2024-01-01,x\n"
    ws = workspace("[datasets.default]\nmax_reject_ratio = 0.5\n" + AMOUNT, **{"half.csv": half, "more.csv": more})
    assert {f.name: (f.status, f.accepted) for f in ws.run().datasets[0].files} == {
        "half.csv": ("applied", 1),
        "more.csv": ("rejected", 0),
    }
    assert latest(ws).splitlines()[1:] == ["1,2024-01-01,1,half.csv"]


# -- legal, but strange


def rows(count, day=1):
    """A file of so many records of a day."""
    return HEAD + "".join(f"{n},2024-01-{day:02},5\n" for n in range(count))


def test_a_file_that_is_much_smaller_than_usual_is_told(workspace):
    """Compared with the files before it; the first ones have nothing to be compared with."""
    ws = workspace(**{"a.csv": rows(100), "b.csv": rows(90, 2), "c.csv": rows(80, 3)})
    assert not any(file.warnings for file in ws.run().datasets[0].files)
    drop(ws, "d.csv", rows(3, 4))
    assert only(ws.run()).warnings == ["has 3 records, where the files before it have 90 (median of 3)"]


def test_a_file_without_records_is_told(workspace):
    """It is no error, and what is usual is named."""
    ws = workspace(**{"a.csv": rows(100), "b.csv": rows(90, 2)})
    ws.run()
    drop(ws, "c.csv", HEAD)
    file = only(ws.run())
    assert file.status == "empty"
    assert file.warnings == [
        "the file holds no records",
        "has 0 records, where the files before it have 90 (median of 2)",
    ]


def test_a_column_that_is_suddenly_empty_is_told(workspace):
    """It had values in every file before; one that often was empty is not worth a word."""
    head = "id,timestamp,amount,note\n"
    ws = workspace(**{"a.csv": head + "1,2024-01-01,5,\n2,2024-01-01,6,\n"})
    ws.run()
    drop(ws, "b.csv", head + "1,2024-01-02,,\n2,2024-01-02,,\n")
    assert only(ws.run()).warnings == ["suddenly empty in every row: 'amount'"]


def test_warnings_are_seen_by_a_person(workspace):
    """In the summary of the run, in `files` and in `status`."""
    ws = workspace(AMOUNT, **{"a.csv": "id,timestamp,amounts\n1,2024-01-01,5\n"})
    told = "column 'amounts' was taken for 'amount': alike by 0.92"
    assert told in run_cli("run", workspace=ws).stderr
    assert told in run_cli("files", workspace=ws).stdout
    assert told in run_cli("status", workspace=ws).stderr


def test_a_file_that_comes_too_late_is_told(workspace):
    """Every row of it loses to newer ones that were there; of files that come together nothing is said."""
    ws = workspace(**{"a.csv": HEAD + "1,2024-01-02,5\n2,2024-01-02,5\n", "0.csv": HEAD + "1,2024-01-01,4\n"})
    assert not any(file.warnings for file in ws.run().datasets[0].files)
    drop(ws, "b.csv", HEAD + "1,2023-12-01,3\n2,2023-01-01,3\n")
    drop(ws, "c.csv", HEAD + "1,2023-11-01,2\n3,2023-01-01,3\n")
    late, other = ws.run().datasets[0].files
    assert late.warnings == ["every row of it is older than what was there already"]
    assert not any("older" in warning for warning in other.warnings)


def test_ties_are_told_of_the_file_that_brings_them(workspace):
    """With the number of its keys."""
    ws = workspace(**{"a.csv": HEAD + "1,2024-01-02,5\n2,2024-01-02,5\n3,2024-01-02,5\n"})
    ws.run()
    drop(ws, "b.csv", HEAD + "1,2024-01-02,6\n2,2024-01-02,7\n3,2024-01-02,5\n")
    drop(ws, "c.csv", HEAD + "4,2024-01-02,6\n")
    result = ws.run().datasets[0]
    assert result.counts.ties == 2
    assert [file.warnings for file in result.files] == [
        ["2 keys have other rows at the same instant (ties); batch time, name, revision and row number decide"],
        [],
    ]


@pytest.mark.parametrize("policy", ["reject", "null"])
def test_no_policy_blanks_an_undeclared_column(workspace, policy):
    """They speak of declared columns; what a file does not say of others stays known."""
    config = f'[datasets.default]\nabsent_columns = "{policy}"\n'
    ws = workspace(config, **{"a.csv": "id,timestamp,extra\n1,2024-01-01,kept\n"})
    ws.run()
    drop(ws, "b.csv", "id,timestamp\n1,2024-01-02\n")
    ws.run()
    assert latest(ws).splitlines()[1] == "1,2024-01-02,kept,b.csv"


def test_a_policy_holds_from_the_next_file_on(workspace):
    """What older files said nothing of is not blanked when `null` is asked for later."""
    ws = workspace("[datasets.default]\n" + OPTIONAL, **{"a.csv": HEAD + "1,2024-01-01,5\n"})
    ws.run()
    drop(ws, "b.csv", "id,timestamp\n1,2024-01-02\n")
    ws.run()
    (ws.layout.root / "snapshotter.toml").write_text('[datasets.default]\nabsent_columns = "null"\n' + OPTIONAL)
    ws = Workspace(ws.layout.root)
    drop(ws, "c.csv", "id,timestamp\n2,2024-01-02\n")
    counts = ws.run().datasets[0].counts
    assert (counts.inserted, counts.updated) == (1, 0)
    assert latest(ws).splitlines()[1:] == ["1,2024-01-02,5,b.csv", "2,2024-01-02,,c.csv"]


@pytest.mark.parametrize(("declared", "came"), [("price €", "price $"), ("rate", "rate %"), ("दिन", "दान")])
def test_symbols_and_marks_are_no_punctuation(workspace, declared, came):
    """Names that differ in them mean different things."""
    config = f'[datasets.default]\nheader_match = 1\n[datasets.default.columns."{declared}"]\n'
    assert only(workspace(config, **{"a.csv": f"id,timestamp,{came}\n1,2024-01-01,5\n"}).run()).status == "rejected"


def test_the_limit_is_exact(workspace):
    """29 of 100 are not more than 0.29, though 0.29 * 100 is less than 29 in binary."""
    cells = "".join(f"{n},2024-01-01,{'x' if n < 29 else n}\n" for n in range(100))
    ws = workspace("[datasets.default]\nmax_reject_ratio = 0.29\n" + AMOUNT, **{"a.csv": HEAD + cells})
    assert only(ws.run()).accepted == 71


def test_a_file_that_is_refused_is_nothing_to_compare_with(workspace):
    """Its columns, its size and its bytes make no warning for another one."""
    config = "[datasets.default]\nmax_reject_ratio = 0.1\n" + AMOUNT
    bad = "id,timestamp,amount,City,weird\n" + "".join(f"{n},2024-01-01,x,a,b\n" for n in range(100))
    good = "id,timestamp,amount,city\n1,2024-01-01,1,a\n"
    ws = workspace(config, **{"a.csv": bad, "b.csv": good, "c.csv": bad + "0,2024-01-01,x,a,b\n"})
    assert {f.name: (f.status, len(f.warnings)) for f in ws.run().datasets[0].files} == {
        "a.csv": ("rejected", 1),
        "b.csv": ("applied", 0),
        "c.csv": ("rejected", 1),
    }
    drop(ws, "d.csv", "id,timestamp,amount,city,weird\n2,2024-01-01,1,a,b\n")
    assert only(ws.run()).warnings == ["new columns: 'weird'"]
