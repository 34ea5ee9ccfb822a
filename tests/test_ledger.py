"""The ledger: readable without our code, and never taken for whole when it is not."""

import json
import shutil
from decimal import Decimal

import duckdb
import polars as pl
import pytest
from conftest import drop, run_cli
from deltalake import DeltaTable, QueryBuilder

from snapshotter.errors import SnapshotterError

HEAD = "id,timestamp,v\n"
A, B = HEAD + "1,2024-01-01,a\n", HEAD + "2,2024-01-01,b\n"


def parts(ws):
    """The names of the Parquet files that lie in the ledger's folder."""
    return sorted(path.name for path in ws.layout.ledger("default").glob("*.parquet"))


def test_a_lost_log_is_damage_and_no_row_is_removed(workspace):
    """Without its log, a ledger that has Parquet files is damaged; a run removes none of them."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    before = parts(ws)
    shutil.rmtree(ws.layout.ledger("default") / "_delta_log")
    drop(ws, "b.csv", B)
    result = ws.run().datasets[0]
    assert parts(ws) == before
    assert result.error.name == "LedgerDamaged"


def test_a_lost_newest_entry_is_damage_and_no_row_is_removed(workspace):
    """Where the newest entry of the log is gone, its Parquet file is not swept away."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    drop(ws, "b.csv", B)
    ws.run()
    before = parts(ws)
    (ws.layout.ledger("default") / "_delta_log" / f"{2:020d}.json").unlink()
    ws.run()
    assert parts(ws) == before


def test_a_live_parquet_file_with_other_bytes_is_a_named_error(workspace):
    """A Parquet file of the right size that is not one any more stops the dataset with a named error."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    part = next(ws.layout.ledger("default").glob("*.parquet"))
    part.write_bytes(bytes(part.stat().st_size))
    drop(ws, "b.csv", B)
    assert ws.run().datasets[0].error.name == "LedgerDamaged"
    assert (ws.layout.queue / "b.csv").is_file()


def test_a_cut_parquet_file_of_an_older_snapshot_cannot_be_restored(workspace):
    """A reset to a snapshot whose rows are cut is refused by name, and `snapshots` says so beforehand."""
    ws = workspace(**{"a.csv": A, "b.csv": B})
    ws.run()
    part = next(ws.layout.ledger("default").glob("*.parquet"))
    ws.withdraw("a.csv")
    part.write_bytes(part.read_bytes()[:100])
    assert not ws.snapshots()[0].restorable
    with pytest.raises(SnapshotterError):
        ws.reset(1)


# -- other readers


def by_duckdb(table):
    """Rows as DuckDB reads them from the files of the live version."""
    files = table.file_uris()
    query = "SELECT * EXCLUDE (_instant) FROM read_parquet(?, union_by_name = true)"
    with duckdb.connect() as connection:
        found = connection.execute(query, [files])
        names = [column[0] for column in found.description]
        return pl.DataFrame(found.fetchall(), schema=names, orient="row")


def by_polars(table):
    """Rows as polars reads them from the Delta table."""
    return pl.scan_delta(table.table_uri).collect()


def by_deltalake(table):
    """Rows as deltalake's own engine reads them."""
    return pl.DataFrame(QueryBuilder().register("t", table).execute("SELECT * FROM t").read_all())


READERS = [by_duckdb, by_polars, by_deltalake]


def rows(ws, reader):
    """(file, revision, row, id, v, w) of every row that a reader sees."""
    table = reader(DeltaTable(str(ws.layout.ledger("default"))))
    columns = ["source_filename", "source_revision", "source_row", "id", "v", "w"]
    found = [table[c].to_list() if c in table.columns else [None] * table.height for c in columns]
    return sorted(zip(*found, strict=True), key=repr)


@pytest.fixture(scope="module")
def delivered(workspace):
    """A workspace whose third file brings a column, and whose second comes in two revisions."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    drop(ws, "b.csv", B)
    ws.run()
    drop(ws, "b.csv", HEAD + "2,2024-01-02,bb\n,,refused\n")
    drop(ws, "c.csv", "id,timestamp,v,w\n3,2024-01-01,c,new\n")
    ws.run()
    return ws


ROW_A, ROW_B = ("a.csv", 1, 1, "1", "a", None), ("b.csv", 1, 1, "2", "b", None)
ROW_BB, ROW_C = ("b.csv", 2, 1, "2", "bb", None), ("c.csv", 1, 1, "3", "c", "new")


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_without_our_code_sees_every_accepted_row(delivered, reader):
    """Every row of every counting batch, the refused ones not, with the column that came later."""
    assert rows(delivered, reader) == [ROW_A, ROW_B, ROW_BB, ROW_C]


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_without_our_code_sees_exactly_the_rows_that_count(workspace, reader):
    """After each run, reset and withdraw the live version holds exactly the batches of the current snapshot."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    drop(ws, "b.csv", B)
    drop(ws, "c.csv", "id,timestamp,v,w\n3,2024-01-01,c,new\n")
    ws.run()
    ws.withdraw("b.csv")
    assert rows(ws, reader) == [ROW_A, ROW_C]
    ws.reset(1)
    assert rows(ws, reader) == [ROW_A]
    ws.reset(2)
    assert rows(ws, reader) == [ROW_A, ROW_B, ROW_C]
    ws.withdraw("a.csv")
    assert rows(ws, reader) == [ROW_B, ROW_C]


@pytest.mark.parametrize("reader", READERS)
def test_a_batch_that_replaced_itself_is_there_once(workspace, reader):
    """A file with rejects that is dropped again replaces its rows."""
    ws = workspace(**{"a.csv": A + ",,x\n"})
    for _ in range(2):
        ws.run()
        drop(ws, "a.csv", A + ",,x\n")
    assert rows(ws, reader) == [ROW_A]


def test_columns_of_any_name_and_type_are_readable_for_others(workspace):
    """Typed columns have their types, and hostile names are names."""
    config = '[datasets.default.columns]\nn.type = "integer"\n"a b;\\"c".type = "decimal(10,2)"\n'
    ws = workspace(config, **{"a.csv": 'id,timestamp,n,"a b;""c"\n1,2024-01-01,7,1.5\n'})
    ws.run()
    table = DeltaTable(str(ws.layout.ledger("default")))
    for reader in READERS:
        row = reader(table).row(0, named=True)
        assert row["n"] == 7
        assert Decimal("1.50") in row.values()


# -- damage


@pytest.fixture
def damaged(workspace):
    """A workspace with two snapshots, and a file that waits."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    drop(ws, "b.csv", B)
    ws.run()
    drop(ws, "c.csv", HEAD + "3,2024-01-01,c\n")
    return ws


def entry(ws, version):
    """An entry of the ledger's log."""
    return ws.layout.ledger("default") / "_delta_log" / f"{version:020d}.json"


def tear(path):
    """Cut a file in two, as a torn write would."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def commit_by_hand(ws):
    """Let another program write to the table."""
    table = DeltaTable(str(ws.layout.ledger("default")))
    table.delete("id = '1'")


def rewrite(path, old, new):
    """Change a text in a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def part(ws):
    """The Parquet file of the newest run."""
    return ws.layout.ledger("default") / json.loads(entry(ws, 2).read_text().splitlines()[-2])["add"]["path"]


DAMAGE = {
    "a torn newest entry": (lambda ws: tear(entry(ws, 2)), "LedgerDamaged"),
    "an empty newest entry": (lambda ws: entry(ws, 2).write_bytes(b""), "LedgerDamaged"),
    "an entry of zeros": (lambda ws: entry(ws, 2).write_bytes(bytes(500)), "LedgerDamaged"),
    "an older entry torn": (lambda ws: tear(entry(ws, 1)), "LedgerDamaged"),
    "an entry between gone": (lambda ws: entry(ws, 1).unlink(), "LedgerDamaged"),
    "the newest entry gone": (lambda ws: entry(ws, 2).unlink(), "LedgerDamaged"),
    "the first entry gone": (lambda ws: entry(ws, 0).unlink(), "LedgerDamaged"),
    "the log gone": (lambda ws: shutil.rmtree(entry(ws, 0).parent), "LedgerDamaged"),
    "an entry that names no file": (
        lambda ws: entry(ws, 2).write_text(
            "\n".join(line for line in entry(ws, 2).read_text().splitlines() if '"add"' not in line[:8])
        ),
        "LedgerDamaged",
    ),
    "a record that is none": (lambda ws: rewrite(entry(ws, 2), '"kind":"run"', '"kind":"fun"'), "LedgerDamaged"),
    "a Parquet file gone": (lambda ws: part(ws).unlink(), "LedgerDamaged"),
    "a Parquet file cut": (lambda ws: tear(part(ws)), "LedgerDamaged"),
    "a Parquet file of zeros": (lambda ws: part(ws).write_bytes(bytes(part(ws).stat().st_size)), "LedgerDamaged"),
    "a commit of another program": (commit_by_hand, "LedgerForeign"),
    "a newer format": (lambda ws: rewrite(entry(ws, 2), '"format":1', '"format":2'), "LedgerForeign"),
    "a newer protocol": (
        lambda ws: rewrite(entry(ws, 0), '"minWriterVersion":2', '"minWriterVersion":7'),
        "LedgerForeign",
    ),
}


def listing(ws):
    """The bytes of every file of a workspace, but for the writer's lock."""
    found = (path for path in ws.layout.root.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in found if not path.name.startswith(".snapshotter")}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_ledger_stops_the_run_and_nothing_is_changed(damaged, damage):
    """A named error, the file still waits, and every byte is as it was; `check` finds it, too."""
    harm, name = DAMAGE[damage]
    harm(damaged)
    before = listing(damaged)
    [result] = damaged.run().datasets
    assert result.error.name == name
    assert result.error.code == {"LedgerDamaged": 11, "LedgerForeign": 12}[name]
    assert listing(damaged) == before
    assert not damaged.check().ok
    assert damaged.status().datasets[0].queued == ["c.csv"]


@pytest.mark.parametrize("change", [lambda ws: ws.reset(1), lambda ws: ws.withdraw("a.csv"), lambda ws: ws.show()])
@pytest.mark.parametrize("damage", ["a torn newest entry", "the newest entry gone", "a commit of another program"])
def test_a_damaged_ledger_stops_everything_else(damaged, damage, change):
    """Neither a reset nor a withdraw nor a reader goes on from a ledger that is not whole."""
    harm, name = DAMAGE[damage]
    harm(damaged)
    before = listing(damaged)
    with pytest.raises(SnapshotterError) as caught:
        change(damaged)
    assert caught.value.name == name
    assert listing(damaged) == before


def test_a_damaged_ledger_exits_with_11(damaged):
    """Through the real program: exit code 11, the remedy on stderr, no traceback; `check` exits with 1."""
    tear(entry(damaged, 2))
    done = run_cli("run", workspace=damaged)
    assert (done.returncode, done.stdout) == (11, "")
    assert "nothing was changed" in done.stderr
    assert "backup" in done.stderr
    assert "Traceback" not in done.stderr
    assert run_cli("check", workspace=damaged).returncode == 1


def test_the_damage_of_one_dataset_does_not_stop_another(workspace):
    """The healthy dataset is published, and the damaged one is named."""
    config = '[datasets.one]\nmatch = "a*.csv"\n[datasets.two]\nmatch = "b*.csv"\n'
    ws = workspace(config, **{"a.csv": A, "b.csv": B})
    ws.run()
    tear(ws.layout.ledger("one") / "_delta_log" / f"{1:020d}.json")
    drop(ws, "a2.csv", A)
    drop(ws, "b2.csv", HEAD + "3,2024-01-01,c\n")
    found = {dataset.dataset: dataset for dataset in ws.run().datasets}
    assert found["one"].error.name == "LedgerDamaged"
    assert found["two"].snapshot == 2
    assert (ws.layout.queue / "a2.csv").is_file()


def test_what_a_killed_run_left_is_swept_away(damaged):
    """A Parquet file that no commit names, and temporary files, go with the next run."""
    folder = damaged.layout.ledger("default")
    (folder / "part-orphan.parquet").write_bytes(b"half")
    (folder / ".snapshotter-x.tmp").write_bytes(b"half")
    before = parts(damaged)
    damaged.run()
    assert "part-orphan.parquet" in before
    assert "part-orphan.parquet" not in parts(damaged)
    assert not (folder / ".snapshotter-x.tmp").exists()


# -- check


@pytest.fixture
def rich(workspace):
    """A workspace with refused rows, a refused file, a revision, a withdrawn and a rolled back file."""
    ws = workspace(**{"a.csv": A + ",,x\n", "refused.csv": "x\n"})
    ws.run()
    drop(ws, "a.csv", HEAD + "1,2024-01-02,aa\n")
    drop(ws, "b.csv", B)
    ws.run()
    ws.withdraw("b.csv")
    drop(ws, "c.csv", HEAD + "3,2024-01-01,c\n")
    ws.run()
    ws.reset(3)
    return ws


@pytest.mark.parametrize("quick", [False, True])
def test_check_is_quiet_on_a_healthy_workspace(rich, quick):
    """After runs with refused rows, a revision, a withdraw and a reset there is nothing to find."""
    result = rich.check(quick=quick)
    assert result.problems == []
    assert result.checked["views"] >= 1


def test_check_is_quiet_after_each_way_back(rich):
    """After a requeue, the run of what was requeued, and a withdraw there is nothing to find."""
    rich.reset(1, requeue=True)
    assert rich.check().problems == []
    rich.run()
    assert rich.check().problems == []
    rich.withdraw("a.csv@1")
    assert rich.check().problems == []


@pytest.mark.parametrize("again", ["requeue", "dropped", "withdrawn"])
def test_check_is_quiet_after_a_file_that_came_again_is_withdrawn(workspace, again):
    """A file that was taken back, applied again and withdrawn is in one place, and check looks for it there."""
    ws = workspace(**{"0.csv": B})
    ws.run()
    drop(ws, "a.csv", A)
    ws.run()
    ws.withdraw("a.csv") if again == "withdrawn" else ws.reset(1, requeue=again == "requeue")
    drop(ws, "a.csv", A)
    ws.run()
    ws.withdraw("a.csv")
    assert ws.check().problems == []


def test_check_is_quiet_before_the_first_run(workspace):
    """A new workspace has nothing wrong."""
    assert workspace(**{"a.csv": A}).check().ok


VICTIMS = {
    "view": lambda ws: ws.layout.latest("default"),
    "part": lambda ws: next(ws.layout.ledger("default").glob("*.parquet")),
    "archive": lambda ws: ws.layout.processed / "a.csv",
    "rejects": lambda ws: next(ws.layout.rejects("default").glob("*.csv")),
    "ledger": lambda ws: entry(ws, 1),
}


@pytest.mark.parametrize("what", VICTIMS)
def test_check_finds_a_changed_byte(rich, what):
    """One byte of the view, a Parquet file, an archived file, a file of rejects or the log: found, and named."""
    path = VICTIMS[what](rich)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if what != "ledger" else 0] ^= 1
    path.write_bytes(content)
    before = listing(rich)
    problems = rich.check().problems
    assert what in {problem.what for problem in problems}
    if what != "ledger":
        assert path.relative_to(rich.layout.root).as_posix() in {problem.path for problem in problems}
    assert listing(rich) == before


@pytest.mark.parametrize("what", ["view", "part", "archive"])
def test_check_finds_a_missing_file(rich, what):
    """A view, a Parquet file or an archived file that is gone is found."""
    VICTIMS[what](rich).unlink()
    assert not rich.check().ok


def test_check_finds_a_damaged_withdrawn_and_a_rolled_back_file(rich):
    """Files that do not count now may count again, and are checked like the others."""
    for path in (rich.layout.rejected / "b.csv", rich.layout.processed / "c.csv"):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + b"#")
        assert [problem.what for problem in rich.check().problems] == ["archive"]
        path.write_bytes(content)


def test_a_refused_file_may_be_taken_away_to_be_mended(rich):
    """So may the rejects; check says nothing of it."""
    (rich.layout.rejected / "refused.csv").unlink()
    next(rich.layout.rejects("default").glob("*.csv")).unlink()
    assert rich.check().problems == []


def test_a_withdrawn_file_may_be_taken_away_to_be_dropped_again(rich):
    """A withdrawn file that waits in the queue again is not missing."""
    (rich.layout.rejected / "b.csv").rename(rich.layout.queue / "b.csv")
    assert rich.check().problems == []


@pytest.mark.parametrize(
    "edit", [lambda old: old + b"one,cell\n", lambda old: old[:0], lambda old: old + b"\xe9,,,,,,\n"]
)
def test_rejects_that_are_being_mended_in_place_do_not_break_the_list(rich, edit):
    """A file of rejects that somebody edits where it lies is shown, or named, but never a traceback."""
    path = next(rich.layout.rejects("default").glob("*.csv"))
    path.write_bytes(edit(path.read_bytes()))
    done = run_cli("rejects", workspace=rich)
    assert "Traceback" not in done.stderr
