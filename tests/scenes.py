"""Workspaces in a state worth killing, and what is seen of one afterwards; shared by all tests of faults."""

import hashlib
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import zstandard
from conftest import drop

from snapshotter import Workspace, upkeep

HEAD = "id,timestamp,v\n"
GOOD = HEAD + "1,2024-01-01,a\n2,2024-01-01,b\n"
LATE = HEAD + "1,2023-01-01,too late\n5,2023-01-01,e\n"
WITH_REJECTS = HEAD + "3,2024-01-01,c\n4,,no time\n"
FIRST = {
    "good.csv": GOOD,
    "more/good.csv": HEAD + "2,2024-01-02,bb\n6,2024-01-02,f\n",
    "rejects.csv": WITH_REJECTS,
    "refused.csv": "no,key\n1,2\n",
    "empty.csv": HEAD,
}
SECOND = {
    "good.csv": HEAD + "1,2024-02-01,aa\n",  # a revision
    "late.csv": LATE,
    "wide.csv": "id,timestamp,v,w\n6,2024-02-01,ff,new\n7,2024-02-01,g,new\n",
    "rejects.csv": WITH_REJECTS,  # takes the place of itself
    "more/good.csv": FIRST["more/good.csv"],  # a duplicate
    "refused.csv": FIRST["refused.csv"],
}
TWO_DATASETS = '[datasets.default]\nmatch = ["*.csv"]\n[datasets.other]\nmatch = ["*.csv.gz", "more/*", "e*"]\n'
REPLACING = "[datasets.default]\nreplace_revisions = true\n"
DELETING = '[datasets.default]\ndelete_when = { column = "v", values = ["gone"] }\n'
RUN = ("run", (), {})


def first(ws):
    """A first run is about to begin."""
    for name, content in FIRST.items():
        drop(ws, name, content)


def second(ws):
    """A second run is about to begin."""
    first(ws)
    ws.run()
    for name, content in SECOND.items():
        drop(ws, name, content)


def deletes(ws):
    """A second run is about to begin, which deletes a key, and one that comes late."""
    first(ws)
    ws.run()
    drop(ws, "deletes.csv", HEAD + "1,2024-03-01,gone\n8,2024-03-01,gone\n")
    drop(ws, "late.csv", HEAD + "8,2024-01-01,dead already\n2,2024-03-01,bbb\n")


def large_view(ws):
    """A run is about to begin that changes a row of a view of many blocks, adds one, and deletes one."""
    rows = "".join(f"{n},2024-01-01,value {n * n * n}\n" for n in range(8000))
    drop(ws, "large.csv", HEAD + rows)
    ws.run()
    drop(ws, "small.csv", HEAD + "4000,2024-02-01,changed\n9000,2024-02-01,new\n17,2024-02-01,gone\n")


def many_parts(ws):
    """A run is about to begin that makes many small Parquet files one."""
    for number in range(upkeep.TOGETHER):
        drop(ws, f"{number}.csv", f"{HEAD}{number},2024-01-01,x\n")
        if number < upkeep.TOGETHER - 1:
            ws.run()


def long_log(ws):
    """A run is about to begin that moves entries of the log into the history."""
    first(ws)
    ws.run()
    for _ in range(upkeep.ENTRIES + upkeep.STAYING - 3):  # a run that takes a duplicate makes an entry, and no snapshot
        drop(ws, "good.csv", GOOD)
        ws.run()
    drop(ws, "late.csv", LATE)


def both(ws):
    """Two runs are done."""
    second(ws)
    ws.run()


def duplicates(ws):
    """A file waits that was taken already; it makes no snapshot."""
    both(ws)
    drop(ws, "more/good.csv", FIRST["more/good.csv"])


def withdrawn(ws):
    """After two runs a file was withdrawn."""
    both(ws)
    ws.withdraw("late.csv")


def requeued(ws):
    """The files of the second run are back in the queue."""
    both(ws)
    ws.reset(1, requeue=True)


def without_view(ws):
    """Somebody removed latest.csv."""
    both(ws)
    ws.layout.latest("default").unlink()


def another_contract(ws):
    """After two runs the contract refuses a row and a file that it took before."""
    both(ws)
    rules = "columns.v.max_length = 3\ncolumns.w.required = false\nmax_reject_ratio = 0.5\n"
    (ws.layout.root / "snapshotter.toml").write_text(f"[datasets.default]\n{rules}")


def revisions(ws):
    """Two revisions of one name come in one run, and only the second counts."""
    first(ws)
    ws.run()
    for content in SECOND["good.csv"], GOOD:
        drop(ws, "good.csv", content)
        ws.run()
    ws.reset(1, requeue=True)


def replaced(ws):
    """They came."""
    revisions(ws)
    ws.run()


# -- what is seen of a workspace


def digest(path):
    """The sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def identity(path):
    """Which file has this name."""
    status = path.stat()
    return status.st_dev, status.st_ino


def is_note(path):
    """Whether a file in `input/` is ours."""
    return path.name.startswith(".") or path.name.endswith(".reason.json")


def data_files(root):
    """Each file that was dropped, as (device, inode): its digest, and how many names it has in `input/`."""
    found = [p for p in (root / "input").rglob("*") if p.is_file() and not is_note(p)]
    inodes = Counter(map(identity, found))
    digests = {identity(p): digest(p) for p in found}
    return {inode: (digests[inode], names) for inode, names in inodes.items()}


def log_entries(root):
    """The bytes of every entry of every ledger's log; of those in a history under the names that they had."""
    found = {}
    for path in root.glob("output/ledger/*/_history/*.zst"):
        folder = (path.parent.parent / "_delta_log").relative_to(root).as_posix()
        with path.open("rb") as file:
            text = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
        kept = [json.loads(line) for line in text.decode().splitlines()]
        found |= {f"{folder}/{entry['version']:020}.json": entry["entry"].encode() for entry in kept}
    return found | {
        p.relative_to(root).as_posix(): p.read_bytes() for p in root.glob("output/ledger/*/_delta_log/*.json")
    }


def committed_views(root, dataset):
    """The digests of the views of all committed snapshots, as the log itself has them."""
    views = set()
    for name, entry in log_entries(root).items():
        if name.split("/")[2] == dataset:
            for line in entry.decode().splitlines():
                view = json.loads(line).get("commitInfo", {}).get("snapshotter", {}).get("view")
                views |= {view["sha256"]} if view else set()
    return views


def bytes_under(folder, root):
    """Every file under a folder, with its bytes; hidden ones, too."""
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def picture(ws, *, parts=True):
    """All that a user can see of a workspace, times and random names aside.

    Without `parts`, but the number of Parquet files, which upkeep lessens when it comes to it.
    """
    root, seen = ws.layout.root, {}
    for dataset in ws.contracts:
        files = [file.model_dump(exclude={"at"}) for file in ws.files(dataset=dataset)]
        snapshots = [snapshot.model_dump(exclude={"at"}) for snapshot in ws.snapshots(dataset=dataset)]
        latest = ws.layout.latest(dataset)
        view = latest.read_bytes() if latest.exists() else None
        number = len(list(ws.layout.ledger(dataset).glob("*.parquet"))) if parts else None
        seen[dataset] = {"files": files, "snapshots": snapshots, "latest.csv": view, "Parquet files": number}
    hidden = [p.relative_to(root).as_posix() for p in root.rglob(".snapshotter-*")]
    return seen | {
        "input": bytes_under(root / "input", root),
        "rejects": bytes_under(root / "output" / "rejects", root),
        "leftovers": hidden,
    }


def differences(found, wanted, where=""):
    """Where two pictures differ, for people."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = [*wanted, *(key for key in found if key not in wanted)]
        return [d for key in keys for d in differences(found.get(key), wanted.get(key), f"{where}/{key}")]
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [
            d for n, pair in enumerate(zip(found, wanted, strict=True)) for d in differences(*pair, f"{where}[{n}]")
        ]
    return [] if found == wanted else [f"{where}: {found!r:.300}, not {wanted!r:.300}"]


def assert_looks(ws, wanted, *, parts=True):
    """A workspace looks as it should, and `check` finds nothing wrong."""
    found = differences(picture(ws, parts=parts), wanted)
    assert not found, "\n".join(found)
    assert ws.check().problems == []


# -- copies, and what holds of them


def copy(root, target):
    """A workspace as it is, elsewhere: two names of one file stay two names of one file."""
    made = {}

    def copy_or_link(source, destination):
        first = made.setdefault(identity(Path(source)), destination)
        shutil.copy2(source, destination) if first is destination else os.link(first, destination)

    shutil.copytree(root, target, symlinks=True, copy_function=copy_or_link)
    return target


def do(root, *commands):
    """Carry out commands in this process; the Workspace afterwards."""
    for method, arguments, options in commands:
        result = getattr(Workspace(root), method)(*arguments, **options)
        errors = [dataset.error for dataset in getattr(result, "datasets", []) if dataset.error]
        assert not errors
    return Workspace(root)


def kinds(ws):
    """How many snapshots of each kind there are."""
    return Counter(snapshot.kind for dataset in ws.contracts for snapshot in ws.snapshots(dataset=dataset))


def assert_views_are_committed(root):
    """Each `latest.csv` is, byte for byte, a committed snapshot."""
    ws = Workspace(root)
    for dataset in ws.contracts:
        latest = ws.layout.latest(dataset)
        assert not latest.exists() or digest(latest) in committed_views(root, dataset)


def assert_invariants(root, before, *, copies=False):
    """What holds at every instant: the view is a committed snapshot, no file is lost, no snapshot changed.

    With `copies`, a file that could not be linked may lie in two folders as two files of the same bytes.
    """
    assert_views_are_committed(root)
    files = data_files(root)
    found, wanted = (Counter(sha for sha, _ in each.values()) for each in (files, data_files(before)))
    assert found == wanted or (copies and found.keys() == wanted.keys() and not wanted - found)
    assert all(names <= 2 for _, names in files.values())


def assert_readers_work(root, before):
    """Readers need no lock and no recovery: nothing that was committed before has changed."""
    assert log_entries(before).items() <= log_entries(root).items()
    ws, old = Workspace(root), Workspace(before)
    ws.status()
    for dataset in ws.contracts:
        older = old.snapshots(dataset=dataset)
        assert ws.snapshots(dataset=dataset)[: len(older)] == older
