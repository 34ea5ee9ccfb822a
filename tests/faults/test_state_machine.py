"""Whatever a user does, in whatever order, and whenever it is killed: it ends where a plain-Python model ends.

A machine (Hypothesis) draws a configuration and then steps: drops of every kind, runs, commands that go back, kills
at random points, files that somebody deletes. The model is `reference.py`. After each step all that can be seen is
compared. HYPOTHESIS_PROFILE=faults takes 10,000 steps. A failure prints the steps that lead to it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from killing import Killer
from reference import COUNTS, Archived, Batch, Reference
from worlds import DATED, NAMES, UNDATED, World, cells, configs, files, mostly

from snapshotter import Workspace
from snapshotter.errors import (
    AmbiguousBatch,
    ArchiveIncomplete,
    NoSuchBatch,
    NoSuchSnapshot,
    NotRestorable,
    SnapshotterError,
)

FAULTS = os.environ.get("HYPOTHESIS_PROFILE") == "faults"
STEPS, HISTORY = (10_000, 50) if FAULTS else (200, 25)
BEHIND_HORIZON = 22
START = datetime(2026, 1, 1, tzinfo=UTC)
# What is on a disk and what is not is tested elsewhere; here thousands of small workspaces come and go.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
POINTS = 60  # about as many as a run has; a command that is to die later lives
NOTHING = 0  # in place of the number of a snapshot: there is no latest.csv

pick = st.integers(0, 999)  # which of several, as drawn before it is known how many there are


@dataclass
class Placed:
    """A file that was taken: what it is called, and the folder of `input/` where it lies; "" if it was pruned.

    Of several copies of one batch's file, only the newest is its file.
    """

    file: Archived
    folder: str
    is_outdated: bool = False


def digest(data: bytes) -> str:
    """The sha256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def rows_of(data: bytes) -> list[list[str]]:
    """The rows of a latest.csv."""
    return [row for row in csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True) if row][1:]


def is_ours(path: Path) -> bool:
    """Whether a file in `input/` was not dropped, but written by the program."""
    return path.name.startswith(".") or path.name.endswith(".reason.json")


def verdicts(told: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """What became of files, to be compared; the revision of what is no batch is not specified."""
    words = ("name", "status", "read", "accepted", "rejected", "sha256", "revision")
    return sorted(
        tuple(str(f[word]) for word in (words if f["status"] in ("applied", "duplicate") else words[:-2])) for f in told
    )


def chosen(options: list[Any], number: int) -> Any:
    """One of several."""
    return options[number % len(options)]


class Machine(RuleBasedStateMachine):
    """A workspace and its model, step by step."""

    killer: ClassVar[Killer]
    steps: ClassVar[int] = 0
    done: ClassVar[Counter[str]] = Counter()

    # ------------------------------------------------------------------------------------ beginning and end

    @initialize(data=st.data(), config=configs(plain_lineage=False))
    def begin(self, data: st.DataObject, config: dict[str, Any]) -> None:
        """An empty workspace."""
        self.root = Path(tempfile.mkdtemp(prefix="snapshotter-machine-", dir=MEMORY)).resolve()
        for folder in ("processing", "processed", "rejected"):
            (self.root / "input" / folder).mkdir(parents=True)
        toml = World(config, ()).toml()
        note(toml)
        (self.root / "snapshotter.toml").write_text(toml, encoding="utf-8")
        names = data.draw(st.permutations(DATED if config.get("batch_time") else [*NAMES, "sub/a.csv"]))[:4]
        self.names = [*names, UNDATED[0]]
        self.content = files(config, data.draw(cells(config)))
        self.clean_slate(Reference(config))
        self.now = START
        self.queue: dict[str, bytes] = {}  # the files that wait, by name
        self.dropped: list[tuple[str, bytes]] = []  # every file there ever was
        self.placed: list[Placed] = []
        self.open()

    def clean_slate(self, reference: Reference) -> None:
        """Nothing was ever published."""
        self.reference = reference
        self.home: dict[Archived, Placed] = {}  # where the file of each batch is; a copy that comes later counts
        self.views: dict[int, bytes] = {}  # what was published
        self.at: dict[int, datetime] = {}
        self.looks_like = {NOTHING}  # the snapshots that latest.csv may be
        self.is_finished = True  # no process was killed since the last one that ended
        self.is_pruned = False  # files of batches behind the horizon may be gone

    def open(self) -> None:
        """A fresh Workspace; otherwise one lives long, while others write behind its back."""
        self.ws = Workspace(self.root, clock=lambda: self.now)

    def teardown(self) -> None:
        """The last look is the strictest, if there was no failure before it."""
        if not hasattr(self, "root"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.do("run")
                assert self.ws.check().problems == []
        finally:
            shutil.rmtree(self.root)
            Path(f"{self.root}.points").unlink(missing_ok=True)

    # ------------------------------------------------------------------------------------ drops

    def put(self, name: str, data: bytes) -> None:
        """A file appears under its name at once."""
        path = self.root / "input" / "processing" / name
        moved_back = {queued for queued, _ in self.reference.requeued}
        if name in moved_back or (not self.is_finished and path.exists()):
            return  # whoever overwrites it destroys the only copy of a file that was taken already
        self.count("drop")
        note(f"# drop {name!r} {data!r}")
        path.parent.mkdir(exist_ok=True)
        (self.root / "writing").write_bytes(data)
        (self.root / "writing").replace(path)
        self.queue[name] = data
        self.dropped.append((name, data))

    @rule(data=st.data(), name=mostly(st.integers(0, 3), st.just(4), 15))
    def drop(self, data: st.DataObject, name: int) -> None:
        """New keys, updates, late rows, ties, deletes, absent columns, bad rows, no rows, no text."""
        self.put(self.names[name], data.draw(self.content))

    @precondition(lambda self: self.dropped)
    @rule(which=pick)
    def drop_again(self, which: int) -> None:
        """The same bytes under the same name."""
        self.put(*chosen(self.dropped, which))

    @precondition(lambda self: self.dropped)
    @rule(which=pick, name=st.integers(0, 3))
    def drop_under_another_name(self, which: int, name: int) -> None:
        """The same bytes under any name."""
        self.put(self.names[name], chosen(self.dropped, which)[1])

    # ------------------------------------------------------------------------------------ commands

    @rule(which=pick)
    def run(self, which: int) -> None:
        """A run."""
        self.count("run")
        self.do("run", which=which)

    @rule(data=st.data(), name=st.integers(0, 3), which=pick)
    def drop_and_run(self, data: st.DataObject, name: int, which: int) -> None:
        """A run that has something to do."""
        self.put(self.names[name], data.draw(self.content))
        self.count("run")
        self.do("run", which=which)

    @precondition(lambda self: self.reference.requeued)
    @rule(which=pick)
    def rename_and_run(self, which: int) -> None:
        """Somebody gives a file that was moved back to the queue another name there."""
        self.count("rename")
        if self.is_finished:
            old = chosen(self.reference.requeued, which)[0]
            new = f"renamed-{len(self.dropped)}.csv"
            queue = self.root / "input" / "processing"
            note(f"# rename {old!r} {new!r}")
            (queue / old).rename(queue / new)
            self.queue[new] = self.queue.pop(old)
        self.do("run", which=which)

    @precondition(lambda self: self.reference.snapshots)
    @rule(which=pick, requeue=st.booleans())
    def reset(self, which: int, requeue: bool) -> None:
        """Back to any snapshot that can be restored."""
        self.count("reset --requeue" if requeue else "reset")
        self.do("reset", self.some_snapshot(which), requeue=requeue, which=which)

    @precondition(lambda self: self.withdrawable())
    @rule(which=pick)
    def withdraw(self, which: int) -> None:
        """Any batch that counts and can be withdrawn."""
        self.count("withdraw")
        self.do("withdraw", *chosen(self.withdrawable(), which), which=which)

    @precondition(lambda self: self.reference.snapshots)
    @rule(
        keep=st.sampled_from([{"keep_last": 1}, {"keep_last": 3}, {"keep_days": 1}, {"keep_last": 2, "keep_days": 2}])
    )
    def prune(self, keep: dict[str, int]) -> None:
        """Older snapshots are forgotten."""
        self.count("prune")
        self.do("prune", **keep)

    @precondition(lambda self: len(self.reference.snapshots) > 6)
    @rule()
    def clean(self) -> None:
        """From scratch: what was processed waits again, and is called what it was."""
        self.count("clean --requeue")
        self.do("run")  # what waits is taken, and the folders are what they seem
        known = [p for p in self.placed if p.folder == "processed" and not p.is_outdated]
        try:
            self.ws.clean(requeue=True)
        except ArchiveIncomplete:  # rows of pruned files would go with the ledger; nothing was changed
            assert self.reference.horizon > 1
            return
        self.placed = [p for p in self.placed if p not in known]
        notes = self.notes()
        assert Counter(file for _, file in notes) == Counter(p.file for p in known)
        self.clean_slate(self.reference)
        self.reference.clean(notes)
        self.queue = {queued: self.bytes_of(file) for queued, file in notes}

    @rule(
        data=st.data(),
        which=pick,
        point=st.integers(1, POINTS),
        command=st.sampled_from(["run", "run", "run", "reset", "reset --requeue", "withdraw", "prune"]),
    )
    def kill(self, data: st.DataObject, which: int, point: int, command: str) -> None:
        """A command is killed, before or after its commit; what comes next finishes it, whatever that is."""
        name, _, requeue = command.partition(" ")
        arguments: tuple[Any, ...] = ()
        options: dict[str, Any] = {}
        if name == "reset" and self.reference.snapshots:
            arguments, options = (self.some_snapshot(which),), {"requeue": bool(requeue)}
        elif name == "withdraw" and self.withdrawable():
            arguments = chosen(self.withdrawable(), which)
        elif name == "prune" and self.reference.snapshots:
            options = {"keep_last": 1 + which % 4}
        else:
            name = "run"
        if name == "run" and self.is_finished and not self.queue:  # it would have next to nothing to do
            self.put(self.names[which % 4], data.draw(self.content))
        self.do_until(point, name, *arguments, **options)

    @rule(
        which=pick,
        what=st.sampled_from(
            ["reopen", "ask_for_what_is_not_there", "delete_latest", "delete_a_draft", "leave_rubbish"]
        ),
    )
    def meddle(self, which: int, what: str) -> None:
        """Something odd; one rule, so that it stays rare."""
        if self.reference.snapshots:
            self.count(what)
            note(f"# {what} {which}")
            getattr(self, what)(which)

    def reopen(self, which: int) -> None:
        """Another process looks."""
        del which
        self.open()

    def ask_for_what_is_not_there(self, which: int) -> None:
        """It is refused by a named error, and nothing is changed."""
        known = self.reference.snapshots
        asked: list[tuple[int, str, tuple[Any, ...]]] = [
            (NoSuchSnapshot.code, "reset", (len(known) + 1,)),
            (NoSuchBatch.code, "withdraw", ("nobody.csv",)),
        ]
        if self.reference.horizon > 1:
            asked.append((NotRestorable.code, "reset", (1 + which % (self.reference.horizon - 1),)))
            asked.append((NotRestorable.code, "show", (1 + which % (self.reference.horizon - 1),)))
        counting = self.counting()
        names = Counter(name for name, _ in counting)
        asked += [(AmbiguousBatch.code, "withdraw", (name,)) for name, times in names.items() if times > 1]
        behind = [key for key in counting if key not in self.withdrawable()]
        asked += [(BEHIND_HORIZON, "withdraw", key) for key in behind]
        code, command, arguments = chosen(asked, which)
        with pytest.raises(SnapshotterError) as raised:
            getattr(self.ws, command)(*arguments)
        assert raised.value.code == code, f"{command} {arguments}: {raised.value}"
        if command != "show":  # a writer finishes what was begun, even if it can do nothing itself
            self.finish(which)

    # ------------------------------------------------------------------------------------ what somebody deletes

    def delete_latest(self, which: int) -> None:
        """The view is derived; the next run writes it again."""
        del which
        (self.root / "output" / "latest.csv").unlink(missing_ok=True)
        self.looks_like = {NOTHING}

    def delete_a_draft(self, which: int) -> None:
        """What a killed process left is never needed."""
        drafts = sorted(self.root.glob("output/**/.snapshotter-*"))
        if drafts:
            draft = chosen(drafts, which)
            shutil.rmtree(draft) if draft.is_dir() else draft.unlink()

    def leave_rubbish(self, which: int) -> None:
        """What looks like a draft, or like a file of rows that no commit names, is nothing."""
        places = [f".snapshotter-latest-{len(self.views) + which % 3}.tmp", "ledger/default/part-rubbish.parquet"]
        (self.root / "output" / chosen(places, which)).write_bytes(b"id,ts\nrubbish")

    # ------------------------------------------------------------------------------------ carrying out

    def do(self, command: str, *arguments: Any, which: int = 0, **options: Any) -> None:
        """A command in this process, and in the model."""
        note(f"# {command} {arguments} {options}")
        before = self.reference.rows()
        told = getattr(self.ws, command)(*arguments, **options)
        expected = self.follow(command, *arguments, **options)
        if command == "run":
            assert told.unmatched == []
            assert all(result.error is None for result in told.datasets), told
            result = told.datasets[0] if told.datasets else None
            assert (result is None) == (not expected["files"])
            if result:
                self.compare(result.model_dump(), expected, before)
        elif command in ("reset", "withdraw"):
            assert told.snapshot == len(self.reference.snapshots)
        self.finish(which)

    def compare(self, told: dict[str, Any], expected: dict[str, Any], before: int) -> None:
        """What a run says is what the model says, and its counts add up."""
        assert verdicts(told["files"]) == verdicts(expected["files"])
        assert told["snapshot"] == expected["snapshot"]
        found, wanted = dict(told["counts"]), dict(expected["counts"])
        if self.reference.horizon > 1:  # what equals, or contradicts, a row that was pruned cannot be told any more
            for counts in (found, wanted):
                counts["lost"] = counts.pop("unchanged") + counts.pop("superseded")
                counts.pop("ties")
        assert found == wanted, f"counts: {found}, not {wanted}"
        counts = told["counts"]
        assert counts["read"] == counts["accepted"] + counts["rejected"]
        assert counts["accepted"] == sum(counts[word] for word in COUNTS[3:8])
        if not self.reference.config["replace_revisions"]:  # rows that a revision takes back have no word
            assert expected["rows"] == before + counts["inserted"] - counts["deleted"]

    def do_until(self, point: int, command: str, *arguments: Any, **options: Any) -> None:
        """A command in a process that is killed at a point; the model follows if it was committed before."""
        current = len(self.reference.snapshots)
        seen = len(self.ws.files()), self.restorable()
        killed = self.killer.kill(self.root, (command, arguments, options), point, self.now)
        last = self.killer.reached(self.root)[-1]
        note(f"# {command} {arguments} {options}, {'killed before' if killed else 'not killed, but ended with'} {last}")
        done = (len(self.ws.files()), self.restorable()) != seen
        when = ("behind its commit" if done else "before it") if killed else "too late"
        self.count(f"{command} killed {when}")
        assert done or killed or (command == "run" and not self.queue) or command == "prune"
        if done:
            expected = self.follow(command, *arguments, **options)
            newest = self.ws.snapshots()
            assert len(newest) == len(self.reference.snapshots)
            if command == "run":
                taken = [file.model_dump() for file in self.ws.files()[seen[0] :]]
                at_once = {"replaced": "applied"}  # by a newer revision that came with it
                taken = [{**file, "status": at_once.get(file["status"], file["status"])} for file in taken]
                assert verdicts(taken) == verdicts(expected["files"])
                assert expected["snapshot"] is None or newest[-1].counts.model_dump() == expected["counts"]
        if not killed:
            self.finish(point)
            return
        self.is_finished = False
        self.looks_like |= {current, len(self.reference.snapshots)}

    def follow(self, command: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        """A command in the model."""
        answer = getattr(self, f"follow_{command}")(*arguments, **options) or {}
        for number in self.reference.snapshots:
            self.at.setdefault(number, self.now)
        self.now += timedelta(hours=5, seconds=7)
        return answer

    def follow_run(self) -> dict[str, Any]:
        """What waits is taken."""
        answer = self.reference.run(self.queue, self.now)
        for told in answer["files"]:
            file = Archived(told["name"], told["revision"], told["sha256"])
            self.placed.append(Placed(file, "rejected" if told["status"] == "rejected" else "processed"))
            if told["status"] == "applied":
                if file in self.home:
                    self.home[file].is_outdated = True
                self.home[file] = self.placed[-1]
        self.queue = {}
        return answer

    def follow_reset(self, number: int, *, requeue: bool = False) -> None:
        """Files go back to the queue, and out of it."""
        reference = self.reference
        waiting = {file: queued for queued, file in reference.requeued}
        gone = [file for file, placed in self.home.items() if placed.folder == ""]
        reference.reset(number, requeue=requeue, queue=self.queue, gone=gone)
        for batch in reference.live.values():
            placed = self.home[batch.file]
            if batch.file in waiting and placed.folder == "processing":
                del self.queue[waiting[batch.file]]
            if placed.folder:
                placed.folder = "processed"
        for queued, file in reference.requeued:
            if file not in waiting:
                self.home[file].folder = "processing"
                self.queue[queued] = self.bytes_of(file)

    def follow_withdraw(self, name: str, revision: int) -> None:
        """A file goes to the refused ones."""
        batch = self.reference.live[name, revision]
        self.reference.withdraw(name, revision)
        if self.home[batch.file].folder:
            self.home[batch.file].folder = "rejected"

    def follow_prune(self, keep_last: int = 0, keep_days: int = 0) -> None:
        """The horizon moves."""
        numbers = sorted(self.reference.snapshots)
        young = [n for n in numbers if keep_days and self.at[n] >= self.now - timedelta(days=keep_days)]
        last = numbers[-keep_last:] if keep_last else numbers[-1:]
        self.reference.prune(min(last + young))
        self.is_pruned = True

    def finish(self, which: int) -> None:
        """A writer has ended: nothing lies about, and whatever was published can be shown again."""
        self.is_finished = True
        self.looks_like = {len(self.reference.snapshots)}
        self.same_view()
        if self.reference.snapshots:
            self.views.setdefault(len(self.reference.snapshots), self.latest() or b"")
            number = self.some_snapshot(which // 2)
            if which % 2 and number in self.views:  # half of the time, which it costs
                with self.ws.rendered(number) as (path, _):
                    assert path.read_bytes() == self.views[number], f"show {number}"

    # ------------------------------------------------------------------------------------ what holds

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        """At every moment."""
        if hasattr(self, "root"):
            Machine.steps += 1
            self.same_view()
            self.same_batches()
            self.same_files()

    def same_files(self) -> None:
        """Every file is in one folder, its bytes untouched; only while a killed process was moving it, it is in two."""
        if self.is_finished:
            self.same_folders()
        else:
            found = [p for p in (self.root / "input").rglob("*") if p.is_file() and not is_ours(p)]
            inodes = {p.stat().st_ino: p for p in found}
            assert all(p.stat().st_nlink <= 2 for p in found)
            there = Counter(digest(p.read_bytes()) for p in inodes.values())
            wanted = Counter(map(digest, self.queue.values()))
            wanted += Counter(p.file.sha256 for p in self.placed if p.folder in ("processed", "rejected"))
            assert there == wanted or (self.is_pruned and there <= wanted)

    def same_batches(self) -> None:
        """What is applied is what the model says, each batch once; so is what can be restored."""
        applied = sorted((file.name, file.revision) for file in self.ws.files("applied"))
        assert applied == self.counting()
        assert self.restorable() == self.reference.restorable()

    def same_view(self) -> None:
        """latest.csv is a committed snapshot, and the newest if nothing was killed."""
        latest = self.latest()
        assert any(self.is_view(number, latest) for number in self.looks_like), (self.looks_like, latest)

    def is_view(self, number: int, data: bytes | None) -> bool:
        """Whether some bytes are the view of a snapshot."""
        if number == NOTHING or data is None:
            return number == NOTHING and data is None
        if number in self.views:
            return data == self.views[number]
        if not self.reference.counting(self.reference.snapshots[number]):  # what the header is then is not specified
            return rows_of(data) == []
        return data == self.reference.latest_at(number)

    def same_folders(self) -> None:
        """Each folder holds the files that the model has there, each refused one with its reason."""
        assert self.folder("processing") == {name: digest(data) for name, data in self.queue.items()}
        assert Counter(self.notes()) == Counter(self.reference.requeued)
        for folder in ("processed", "rejected"):
            found = self.folder(folder)
            there = Counter(found.values())
            wanted = Counter(p.file.sha256 for p in self.placed if p.folder == folder)
            if self.is_pruned:
                self.let_go(folder, wanted - there)
                wanted = Counter(p.file.sha256 for p in self.placed if p.folder == folder)
            assert there == wanted, folder
            reasons = [f"{name}.reason.json" for name in found] if folder == "rejected" else []
            assert all((self.root / "input" / folder / name).exists() for name in reasons)
        self.is_pruned = False

    def let_go(self, folder: str, missing: Counter[str]) -> None:
        """Files that a prune removed: any but those of batches that came since the horizon."""
        kept = {b.file for s in self.reference.snapshots.values() for b in s.values() if not self.is_behind(b)}
        for placed in self.placed:
            if placed.folder == folder and missing[placed.file.sha256] > 0:
                assert not (self.home.get(placed.file) is placed and placed.file in kept)
                missing[placed.file.sha256] -= 1
                placed.folder = ""

    # ------------------------------------------------------------------------------------ looking

    def folder(self, name: str) -> dict[str, str]:
        """The digests of the files in a folder of `input/`, by name."""
        root = self.root / "input" / name
        found = [p for p in root.rglob("*") if p.is_file() and not is_ours(p)]
        return {p.relative_to(root).as_posix(): digest(p.read_bytes()) for p in found}

    def notes(self) -> list[tuple[str, Archived]]:
        """What the files that were moved back to the queue are called, by the note of it."""
        note = self.root / ".snapshotter.requeued.json"
        entries = json.loads(note.read_text("utf-8")) if note.exists() else []
        return [(e["queued"], Archived(e["name"], e["revision"], e["sha256"])) for e in entries]

    def bytes_of(self, file: Archived) -> bytes:
        """The bytes of a file that was dropped once."""
        return next(data for _, data in self.dropped if digest(data) == file.sha256)

    def latest(self) -> bytes | None:
        """The bytes of latest.csv."""
        path = self.root / "output" / "latest.csv"
        return path.read_bytes() if path.exists() else None

    def restorable(self) -> list[int]:
        """What the program says can be restored."""
        return [snapshot.snapshot for snapshot in self.ws.snapshots() if snapshot.restorable]

    def counting(self) -> list[tuple[str, int]]:
        """The batches that count."""
        return sorted(self.reference.counting(self.reference.live))

    def withdrawable(self) -> list[tuple[str, int]]:
        """Those that can be withdrawn."""
        return [key for key in self.counting() if not self.is_behind(self.reference.live[key])]

    def is_behind(self, batch: Batch) -> bool:
        """Whether a batch lies behind the horizon."""
        return batch.snapshot < self.reference.horizon

    def some_snapshot(self, which: int) -> int:
        """A snapshot that can be restored."""
        return int(chosen(self.reference.restorable(), which))

    def count(self, what: str) -> None:
        """Something more was done."""
        self.done[what] += 1


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    """Runs commands and kills them."""
    killer = Killer()
    yield killer
    killer.close()


@pytest.mark.slow
def test_whatever_is_done_it_is_what_the_model_says(killer: Killer, capsys: pytest.CaptureFixture[str]) -> None:
    """View, counts, folders and older snapshots are those of the model after each of many random steps."""
    Machine.killer = killer
    start = time.perf_counter()
    how = settings(
        max_examples=STEPS // HISTORY,
        stateful_step_count=HISTORY,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    while Machine.steps < STEPS:  # some histories end early
        run_state_machine_as_test(Machine, settings=how)
    with capsys.disabled():
        sys.stdout.write(f"\n{Machine.steps:,} steps in {time.perf_counter() - start:.0f} s: {dict(Machine.done)}\n")
