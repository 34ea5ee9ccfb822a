"""The ledger: readable without our code, and never taken for whole when it is not."""

import shutil

import pytest
from conftest import drop

from snapshotter.errors import SnapshotterError

HEAD = "id,timestamp,v\n"
A, B = HEAD + "1,2024-01-01,a\n", HEAD + "2,2024-01-01,b\n"


def parts(ws):
    """The names of the Parquet files that lie in the ledger's folder."""
    return sorted(path.name for path in ws.layout.ledger("default").glob("*.parquet"))


@pytest.mark.xfail(reason="bug 8: a run over a lost log removes every row")
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


@pytest.mark.xfail(reason="bug 8: a run over a lost entry removes its rows")
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


@pytest.mark.xfail(reason="bug 9: DuckDB's errors about damaged Parquet files have no name")
def test_a_live_parquet_file_with_other_bytes_is_a_named_error(workspace):
    """A Parquet file of the right size that is not one any more stops the dataset with a named error."""
    ws = workspace(**{"a.csv": A})
    ws.run()
    part = next(ws.layout.ledger("default").glob("*.parquet"))
    part.write_bytes(bytes(part.stat().st_size))
    drop(ws, "b.csv", B)
    assert ws.run().datasets[0].error.name == "LedgerDamaged"
    assert (ws.layout.queue / "b.csv").is_file()


@pytest.mark.xfail(reason="bug 9: the size of a Parquet file that is to live again is not looked at")
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
