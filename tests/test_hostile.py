"""Input that attacks: what lies in the queue leads nowhere else, runs nothing, and takes no more memory than it may."""

import csv
import hashlib
import io
import json
import os
import socket
import subprocess
from collections import deque
from pathlib import Path

import pytest
from conftest import drop, latest, peak, run_cli

from snapshotter import disk, inbox, spool
from snapshotter.apart import Apart, Numbering, Raw
from snapshotter.archive import Archive, digest
from snapshotter.errors import ConfigError
from snapshotter.ledger.records import Move
from snapshotter.reader import proof
from snapshotter.spool import Deferred

HEAD = "id,timestamp,v\n"
GOOD = HEAD + "1,2024-01-01,x\n"


def only_file(ws):
    """The record of the one file that a run took."""
    ((dataset,), _) = (ws.run().datasets, None)
    (file,) = dataset.files
    return file


# -------------------------------------------------------------------------------- what is no file


def test_what_is_no_regular_file_is_refused_and_never_opened(workspace):
    """Pipes, sockets and links go to rejected/ as such; what a link leads to is not touched."""
    ws = workspace()
    queue, outside = ws.layout.queue, ws.layout.root / "outside.csv"
    outside.write_text(GOOD)
    os.mkfifo(queue / "pipe.csv")
    (queue / "link.csv").symlink_to(outside)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(queue / "socket.csv"))
        (dataset,) = ws.run().datasets
    assert {file.name: file.status for file in dataset.files} == dict.fromkeys(
        ["link.csv", "pipe.csv", "socket.csv"], "rejected"
    )
    assert (ws.layout.rejected / "link.csv").is_symlink()
    assert outside.read_text() == GOOD
    assert not list(queue.iterdir())


def test_a_folder_with_the_name_of_a_file_is_a_folder(workspace):
    """`x.csv/a.csv` is the file `a.csv` in a folder."""
    assert only_file(workspace(**{"x.csv/a.csv": GOOD})).name == "x.csv/a.csv"


def test_a_linked_folder_is_not_entered(workspace):
    """It leads out of the queue: it is no folder of it, and stays where it is."""
    ws = workspace()
    (ws.layout.root / "elsewhere").mkdir()
    (ws.layout.root / "elsewhere" / "a.csv").write_text(GOOD)
    (ws.layout.queue / "sub").symlink_to(ws.layout.root / "elsewhere")
    result = ws.run()
    assert (result.datasets, result.unmatched) == ([], ["sub"])
    assert (ws.layout.root / "elsewhere" / "a.csv").exists()


def test_folders_in_each_other_without_end_are_not_entered(workspace):
    """Neither the stack nor the descriptors run out; the rest of the queue is read."""
    ws = workspace(**{"a.csv": GOOD})
    here = os.open(ws.layout.queue, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    result = ws.run()
    assert [file.name for file in result.datasets[0].files] == ["a.csv"]
    assert result.unmatched == ["d/" * 33]
    subprocess.run(["rm", "-rf", ws.layout.queue / "d"], check=True)


def test_a_path_that_is_too_long_for_the_archive_blocks_nothing(workspace):
    """It can be opened in the queue, but would have no place to go: it is told, and the others are taken."""
    ws = workspace(**{"a.csv": GOOD})
    room = 4095 - len(os.fsencode(ws.layout.queue)) - len("//a.csv")
    folder = "/".join(["d" * 200] * (room // 201))
    drop(ws, f"{folder}/a.csv", GOOD)
    result = ws.run()
    assert [file.name for file in result.datasets[0].files] == ["a.csv"]
    assert result.unmatched == [f"{folder}/a.csv/"]


def test_an_entry_that_cannot_be_looked_at_blocks_nothing(workspace):
    """In a folder that may be listed and not searched: its files are told, and the others are taken."""
    ws = workspace(**{"a.csv": GOOD, "sub/b.csv": GOOD})
    (ws.layout.queue / "sub").chmod(0o744)
    for folder in (ws.layout.queue, *ws.layout.queue.parents):
        if not folder.stat().st_mode & 1:
            folder.chmod(0o755)
    user = os.geteuid()
    if user:
        (ws.layout.queue / "sub").chmod(0o400)
    else:
        os.seteuid(65534)
    try:
        seen = inbox.scan(ws.layout.queue)
    finally:
        os.seteuid(user)
        (ws.layout.queue / "sub").chmod(0o755)
    assert [(told.name, told.problem) for told in seen] == [
        ("a.csv", ""),
        ("sub/b.csv/", "it cannot be looked at"),
    ]


def test_a_long_folder_whose_name_is_taken_blocks_nothing(workspace):
    """An archived file has the name of a folder: the folder's gets a mark, and is cut to what a name may have."""
    ws = workspace()
    folder = f"{'f' * 250}.csv"
    ws.layout.processed.mkdir()
    (ws.layout.processed / folder).write_text("")
    drop(ws, f"{folder}/a.csv", GOOD)
    assert only_file(ws).status == "applied"
    (archived,) = ws.layout.processed.rglob("a.csv")
    assert len(archived.parent.name) == 255


def test_a_change_whose_time_was_put_back_is_noticed(workspace, monkeypatch):
    """Between two passes over a large file: nobody can put back the time of the inode."""
    monkeypatch.setattr(spool, "LARGE", 10)
    ws = workspace(**{"a.csv": GOOD})
    (seen,) = inbox.scan(ws.layout.queue)
    content = inbox.read(seen, ws.layout.root)
    status = seen.path.stat()
    with seen.path.open("r+b") as file:
        file.write(b"ID")
    os.utime(seen.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not content.is_unchanged()
    content.close()


# -------------------------------------------------------------------------------- what files are called again


def note_of(name: str, queued: str) -> str:
    """A note that a file of the queue is to be called something else."""
    sha256 = hashlib.sha256(GOOD.encode()).hexdigest()
    entry = {"sha256": sha256, "queued": queued, "dataset": "default", "name": name, "revision": 1, "batch_time": None}
    return json.dumps([entry])


def test_whoever_drops_files_cannot_say_where_they_go(workspace):
    """A note in the queue about what files were called is nobody's: no file is named by it, and none leaves."""
    ws = workspace(**{"a.csv": GOOD})
    drop(ws, ".requeued.json", note_of("../../../out.csv", "a.csv"))
    drop(ws, ".snapshotter.requeued.json", note_of("../../../out.csv", "a.csv"))
    assert only_file(ws).name == "a.csv"
    assert not list(ws.layout.root.parent.rglob("out.csv"))


@pytest.mark.parametrize("name", ["../a.csv", "/a.csv", "b//a.csv", "", ".", "a\n.csv", "\ud800.csv"])
def test_a_note_that_leads_elsewhere_is_an_error(workspace, name):
    """What files are called again is a path inside the archive, or the note is not followed."""
    ws = workspace(**{"a.csv": GOOD})
    for note in (note_of(name, "a.csv"), note_of("a.csv", name)):
        ws.layout.requeued.write_text(note)
        with pytest.raises(ConfigError, match="cannot be read"):
            ws.run()
    assert (ws.layout.queue / "a.csv").exists()


def test_a_pipe_in_place_of_the_note_blocks_nobody(workspace):
    """It is an error, at once."""
    ws = workspace(**{"a.csv": GOOD})
    os.mkfifo(ws.layout.requeued)
    with pytest.raises(ConfigError, match="cannot be read"):
        ws.run()


# -------------------------------------------------------------------------------- what changes under our hands


def test_a_folder_swapped_for_a_link_is_not_read_through(workspace):
    """Between the look and the reading: what the link leads to is not opened."""
    ws = workspace(**{"sub/a.csv": GOOD})
    (seen,) = inbox.scan(ws.layout.queue)
    elsewhere = ws.layout.root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.csv").write_text(GOOD)
    (ws.layout.queue / "sub").rename(ws.layout.root / "gone")
    (ws.layout.queue / "sub").symlink_to(elsewhere)
    with pytest.raises(Deferred, match="cannot be read now"):
        inbox.read(seen, ws.layout.root)


def move_of(ws, name: str) -> Move:
    """The move of a file of the queue into the archive, as a commit records it."""
    path = ws.layout.queue / name
    status = path.stat()
    return Move(
        source=f"processing/{name}",
        target=f"processed/{name}",
        sha256=digest(path),
        size=status.st_size,
        inode=status.st_ino,
        modified=status.st_mtime_ns,
        name=name,
        revision=1,
    )


def test_a_folder_swapped_for_a_link_is_not_moved_out_of(workspace):
    """Between the reading and the archive: the file that the link leads to stays, though its bytes are the same."""
    ws = workspace(**{"sub/a.csv": GOOD})
    meant, elsewhere = move_of(ws, "sub/a.csv"), ws.layout.root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.csv").write_text(GOOD)
    (ws.layout.queue / "sub").rename(ws.layout.root / "gone")
    (ws.layout.queue / "sub").symlink_to(elsewhere)
    assert Archive(ws.layout, "default").carry_out([meant]) == []
    assert (elsewhere / "a.csv").read_text() == GOOD
    assert not (ws.layout.processed / "sub" / "a.csv").exists()


def test_a_file_replaced_before_it_is_archived_stays(workspace):
    """The new one waits for the next run."""
    ws = workspace(**{"a.csv": GOOD})
    meant = move_of(ws, "a.csv")
    drop(ws, "new.tmp", GOOD + "2,2024-01-01,y\n").rename(ws.layout.queue / "a.csv")
    assert Archive(ws.layout, "default").carry_out([meant]) == []
    assert "2,2024" in (ws.layout.queue / "a.csv").read_text()


def test_a_file_replaced_while_it_is_archived_stays(workspace):
    """It has its new name, and before the old one goes, another file takes that: both are kept."""
    ws = workspace(**{"a.csv": GOOD})
    meant = move_of(ws, "a.csv")
    ws.layout.processed.mkdir()
    os.link(ws.layout.queue / "a.csv", ws.layout.processed / "a.csv")
    drop(ws, "new.tmp", GOOD + "2,2024-01-01,y\n").rename(ws.layout.queue / "a.csv")
    Archive(ws.layout, "default").carry_out([meant])
    assert "2,2024" in (ws.layout.queue / "a.csv").read_text()
    assert (ws.layout.processed / "a.csv").read_text() == GOOD


def set_aside(ws, name: str):
    """Move a file as a run does, up to where its name in the queue was taken away; returns its new name."""
    ws.layout.processed.mkdir()
    os.link(ws.layout.queue / name, ws.layout.processed / name)
    return Path(disk.set_aside(str(ws.layout.queue / name)))


def test_a_file_replaced_at_the_last_moment_goes_back(workspace):
    """Another file has the name when it is taken away: it gets it back, or another one if that is taken again."""
    ws = workspace(**{"a.csv": GOOD})
    meant, other = move_of(ws, "a.csv"), GOOD + "2,2024-01-01,y\n"
    away = set_aside(ws, "a.csv")
    drop(ws, "new.tmp", other).rename(away)
    Archive(ws.layout, "default").put_back([meant])
    assert (ws.layout.queue / "a.csv").read_text() == other
    assert not away.exists()
    (ws.layout.queue / "a.csv").rename(away)
    drop(ws, "a.csv", GOOD + "3,2024-01-01,z\n")
    Archive(ws.layout, "default").put_back([meant])
    assert (ws.layout.queue / f"a.{meant.sha256[:8]}.csv").read_text() == other
    assert "3,2024" in (ws.layout.queue / "a.csv").read_text()
    assert (ws.layout.processed / "a.csv").read_text() == GOOD


def test_what_is_appended_at_the_last_moment_is_the_next_revision(workspace):
    """The archive keeps what was read, and the whole file waits."""
    ws = workspace(**{"a.csv": GOOD})
    meant = move_of(ws, "a.csv")
    away = set_aside(ws, "a.csv")
    with away.open("a") as file:
        file.write("2,2024-01-01,y\n")
    Archive(ws.layout, "default").put_back([meant])
    assert (ws.layout.processed / "a.csv").read_text() == GOOD
    assert (ws.layout.queue / "a.csv").read_text() == GOOD + "2,2024-01-01,y\n"
    assert not away.exists()


def test_what_was_set_aside_by_a_killed_run_goes(workspace):
    """It is the archived file, as it was read: one name of it is enough."""
    ws = workspace(**{"a.csv": GOOD})
    meant = move_of(ws, "a.csv")
    away = set_aside(ws, "a.csv")
    Archive(ws.layout, "default").put_back([meant])
    assert not away.exists()
    assert not list(ws.layout.queue.glob("*.csv"))
    assert (ws.layout.processed / "a.csv").read_text() == GOOD


@pytest.mark.parametrize("content", ["", GOOD])
def test_a_pipe_in_place_of_a_file_does_not_block_the_archive(workspace, content):
    """It stays where it is: it is the next run's."""
    ws = workspace(**{"a.csv": content})
    meant = move_of(ws, "a.csv").model_copy(update={"inode": 0})
    (ws.layout.queue / "a.csv").unlink()
    os.mkfifo(ws.layout.queue / "a.csv")
    assert Archive(ws.layout, "default").carry_out([meant]) == []
    assert digest(ws.layout.queue / "a.csv") == ""


def test_who_has_another_name_of_a_file_cannot_write_into_the_archive(workspace):
    """A file with a second hard link is archived as a copy: what its owner appends later is not in it."""
    ws = workspace()
    owner = ws.layout.root / "owner.csv"
    owner.write_text(GOOD)
    os.link(owner, ws.layout.queue / "a.csv")
    assert only_file(ws).status == "applied"
    with owner.open("a") as file:
        file.write("2,2024-01-01,y\n")
    assert (ws.layout.processed / "a.csv").read_text() == GOOD
    assert ws.check().ok


def test_a_file_that_is_being_written_through_another_name_is_deferred(workspace):
    """Who writes to it is found by the file, not by its name."""
    ws = workspace()
    owner = ws.layout.root / "owner.csv"
    owner.write_text(GOOD)
    os.link(owner, ws.layout.queue / "a.csv")
    with owner.open("a"):
        assert only_file(ws).status == "deferred"
    assert only_file(ws).status == "applied"


# -------------------------------------------------------------------------------- folders that are not what they were


def test_the_archive_may_be_on_another_disk(workspace, tmp_path):
    """`processed/` and `rejected/` may be links to folders elsewhere."""
    ws = workspace(**{"a.csv": GOOD, "b.csv": ""})
    for name in ("processed", "rejected"):
        (tmp_path / name).mkdir()
        (ws.layout.input / name).symlink_to(tmp_path / name)
    ws.run()
    assert (tmp_path / "processed" / "a.csv").read_text() == GOOD
    assert (tmp_path / "rejected" / "b.csv").exists()


def test_an_archive_that_is_a_file_is_a_named_error(workspace):
    """It says so; mended, the next run completes."""
    ws = workspace(**{"a.csv": GOOD})
    ws.layout.processed.write_text("")
    done = run_cli("run", workspace=ws)
    assert (done.returncode, "Traceback" in done.stderr) == (24, False)
    assert "is not a folder" in done.stderr
    ws.layout.processed.unlink()
    assert run_cli("run", workspace=ws).returncode == 0
    assert (ws.layout.processed / "a.csv").read_text() == GOOD
    assert ws.check().ok


# -------------------------------------------------------------------------------- bounds


def test_a_million_columns_are_refused(workspace):
    """By name, before anything is planned for them."""
    file = only_file(workspace(**{"a.csv": "id,timestamp" + ",c" * 10**6 + "\n"}))
    assert (file.status, file.rejected) == ("rejected", 0)


@pytest.mark.parametrize(
    "line",
    ["1,2024-01-01," + "x" * 70 * 2**20, '1,2024-01-01,"' + "x\n" * 35 * 2**20 + '"\n'],
    ids=["a line without an end", "a cell of many lines"],
)
def test_an_endless_record_refuses_its_file(workspace, line):
    """With the record's number; nothing of it is held in memory."""
    ws = workspace(**{"a.csv": GOOD + line})
    assert only_file(ws).status == "rejected"
    (told,) = ws.rejects()
    assert (told.rule, told.row) == ("size", 2)
    assert "more than 64 MiB" in told.reason


def test_a_record_is_too_long_wherever_the_pieces_end(monkeypatch):
    """The bound is of the record, not of what is looked at at once."""
    monkeypatch.setattr(proof, "LONGEST", 10)
    for size in (1, 3, 100):
        prover, text = proof.Prover(","), b"a,b\n1,2\n\n1234567,890\n"
        pieces = [text[begin : begin + size] for begin in range(0, len(text), size)]
        with pytest.raises(proof.Irregular) as told:
            deque(map(prover.feed, pieces), maxlen=0)
        assert told.value.record == 2


REFUSED = {
    "broken lines": f'{{n}},2024-01-01,x"{"y" * 1500}',
    "too few cells": f"{{n}},{'y' * 1500}",
    "refused rows": "\n".join([f"{{n}},yesterday,{'y' * 300}"] * 5),
    "good and broken in turns": f'{{n}},2024-01-01,z\n{{n}},2024-01-01,x"{"y" * 1500}',
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_is_not_held_in_memory(workspace, kind):
    """A hundred megabytes of refused records pass under a limit of 400 MB."""
    ws = workspace('memory_limit = "400MB"\n')
    with (ws.layout.queue / "a.csv").open("w") as file:
        file.write(GOOD)
        file.writelines(f"{REFUSED[kind].format(n=n)}\n" for n in range(60_000))
    code, used = peak(ws, "run")
    assert code == 1
    assert used < 480, f"{used} MB"
    code, used = peak(ws, "rejects", "--json")
    assert code == 0
    assert used < 200, f"{used} MB"


def test_refused_rows_come_as_one_array_in_their_order(workspace):
    """Rows, broken lines and ragged ones, whatever they stand in; an empty one, too."""
    ws = workspace(**{"a.csv": HEAD + '1,soon,x\n2,2024-01-01\n3,2024-01-01,x"\n4,late,x\n5\n'})
    assert json.loads(run_cli("rejects", "--json", workspace=ws).stdout) == []
    ws.run()
    told = json.loads(run_cli("rejects", "--json", workspace=ws).stdout)
    assert [(r["row"], r["rule"]) for r in told] == [
        (1, "timestamp"),
        (2, "cells"),
        (3, "csv"),
        (4, "timestamp"),
        (5, "cells"),
    ]


def test_what_is_left_keeps_its_number(tmp_path):
    """The numbers of the records that are left follow from those that are not, run by run."""
    one, other = Apart(tmp_path), Apart(tmp_path)
    for row in (1, 2, 5):
        one.add(Raw(row, "csv", "why", b""))
    for row in (3, 8):
        other.add(Raw(row, "cells", "why", b""))
    numbering = Numbering([one, other])
    places, numbers = numbering.spans(5)
    assert (places.tolist(), numbers.tolist()) == ([0, 1, 3], [4, 6, 9])


def test_too_many_runs_of_broken_lines_refuse_the_file(workspace, monkeypatch):
    """Each run takes memory for its place; a file of them is no CSV."""
    monkeypatch.setattr("snapshotter.apart._RUNS", 3)
    rows = "1,2024-01-01,x\n{}\n" * 4
    ws = workspace(**{"a.csv": HEAD + rows.format(*["2"] * 4), "b.csv": GOOD, "c.csv": HEAD + rows.format(*['x"'] * 4)})
    (dataset,) = ws.run().datasets
    assert [file.status for file in dataset.files] == ["rejected", "applied", "rejected"]
    assert {r.rule for r in ws.rejects()} == {"cells", "csv"}


# -------------------------------------------------------------------------------- formulas

SAFE = {
    "=1+1": "'=1+1",
    "+44 20": "'+44 20",
    "-x": "'-x",
    "-5": "-5",
    "-5.5e-3": "-5.5e-3",
    "@SUM(A1)": "'@SUM(A1)",
    "\tx": "'\tx",
    "\rx": "'\rx",
    "\n=x": "'\n'=x",
    " =x": "' =x",
    "＝x": "'＝x",
    "a;=x": "a;'=x",
    "a\n+x": "a\n'+x",
    'say "=x"': 'say "=x"',
    "a-b=c": "a-b=c",
    "2024-01-01": "2024-01-01",
}


def test_formulas_are_kept_and_shown_defused(workspace):
    """Cells and names; in latest.csv they are as they came."""
    ws = workspace()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "timestamp", "=v"], *([str(n), "2024-01-01", cell] for n, cell in enumerate(SAFE))])
    drop(ws, "a.csv", text.getvalue())
    ws.run()
    rows = list(csv.reader(io.StringIO(latest(ws), newline="")))
    assert [row[2] for row in rows] == ["=v", *SAFE]
    shown = run_cli("show", "--excel-safe", workspace=ws, text=False).stdout.decode()
    rows = list(csv.reader(io.StringIO(shown, newline="")))
    assert [row[2] for row in rows] == ["'=v", *SAFE.values()]
