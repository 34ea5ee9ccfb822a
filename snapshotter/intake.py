"""From files in the queue to judged rows: which batch a file is, whether it can be read, what became of its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from loguru import logger

from snapshotter import disk, inbox, reader, rejects
from snapshotter.binding import Binding
from snapshotter.contract import Contract
from snapshotter.contract.header import Header, HeaderRefused, missing, resolve
from snapshotter.engine.base import Engine
from snapshotter.inbox import Drop
from snapshotter.ledger.records import Failure, FileRecord, Status
from snapshotter.ledger.state import Batch, State
from snapshotter.loading import Proven, load
from snapshotter.reader import Irregular
from snapshotter.requeue import Requeued
from snapshotter.spool import Content, Deferred, Unreadable

GROUP = 64 * 2**20  # bytes of small files that are held and read at once


@dataclass(frozen=True)
class Identity:
    """Which batch a file is, and which counting batch of the same name and revision it takes the place of."""

    name: str
    revision: int
    batch_time: datetime | None
    existing: Batch | None = None


@dataclass(frozen=True)
class Taken:
    """What was taken out of a dataset's queue.

    Args:
        records: a record of each file, in the order of the queue.
        deferred: records of the files that are being written.
        replaced: batches that re-dropped files take the place of.
        consumed: notes of requeued files that were taken.
    """

    records: list[FileRecord] = field(default_factory=list)
    deferred: list[FileRecord] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    consumed: list[Requeued] = field(default_factory=list)


class Intake:
    """Takes the files of one dataset.

    Args:
        contract, state: the dataset's.
        binding: its columns; grows.
        engine: where the rows go.
        requeued: what was moved back to the queue.
        scratch: a folder for drafts.
        rejects_folder: where the files of refused rows go once they are committed.
        drafts_folder: where they are until then.
        now: the time of the run.
        progress: called with the number of bytes of each file that was looked at.
    """

    def __init__(  # noqa: PLR0913 - all that decides comes in from outside, by name
        self,
        *,
        contract: Contract,
        state: State,
        binding: Binding,
        engine: Engine,
        requeued: Sequence[Requeued],
        scratch: Path,
        rejects_folder: Path,
        drafts_folder: Path,
        now: datetime,
        progress: Callable[[int], None],
    ) -> None:
        """Look at what the state knows of names and bytes, once."""
        self._contract, self._binding, self._engine = contract, binding, engine
        self._requeued, self._scratch, self._rejects_folder = requeued, scratch, rejects_folder
        self._drafts_folder, self._now, self._progress = drafts_folder, now, progress
        self._acceptance = contract.acceptance()
        self._newest = state.newest_by_name()
        live = state.live
        self._live = {(batch.record.name, batch.record.revision): batch for batch in live}
        self._owner = {batch.record.sha256: batch.record.name for batch in live}
        self._next_batch = state.next_batch
        self._records: list[FileRecord] = []
        self._replaced: dict[int, int] = {}
        self._consumed: list[Requeued] = []
        self._claimed: dict[tuple[str, int], int] = {}
        self._queue: set[str] = set()
        self._rejects_names: set[str] = set()
        self._headers: dict[bytes, tuple[str, list[str], Header]] = {}
        self._waiting: dict[tuple[object, ...], list[Proven]] = {}
        self._waiting_bytes = 0

    def take(self, drops: Sequence[Drop]) -> Taken:
        """Take all files; the engine holds the accepted rows afterwards, and the refused rows are written."""
        self._queue = {drop.name for drop in drops}
        for place, drop in enumerate(drops):
            self._records.append(
                FileRecord(
                    name=drop.name,
                    revision=self._next_revision(drop.name),
                    sha256="",
                    size=drop.size,
                    status=Status.REJECTED,
                    queued=drop.name,
                    raw=drop.raw,
                    archived="",
                    acceptance=self._acceptance,
                )
            )
            self._take(place, drop)
            self._progress(drop.size)
        self._flush()
        deferred = [record for record in self._records if record.status is Status.DEFERRED]
        records = [record for record in self._records if record.status is not Status.DEFERRED]
        applied = {record.batch for record in records}
        replaced = [old for new, old in self._replaced.items() if new in applied]
        return Taken(records, deferred, replaced, self._consumed)

    def _note(self, place: int, **changes: object) -> None:
        """Write down what became of a file so far."""
        self._records[place] = self._records[place].model_copy(update=changes)

    def _refuse(self, place: int, rule: str, reason: str, column: str | None = None, row: int | None = None) -> None:
        self._note(place, status=Status.REJECTED, failure=Failure(rule=rule, reason=reason, column=column, row=row))
        logger.bind(file=self._records[place].name, rule=rule, row=row).info("file refused")

    def _take(self, place: int, drop: Drop) -> None:
        """One file: refused, deferred, a duplicate, empty, or proved and on its way into the engine."""
        if drop.problem:
            self._refuse(place, "file", drop.problem)
            return
        try:
            content = inbox.read(drop, self._scratch)
        except Deferred:
            self._note(place, status=Status.DEFERRED)
            return
        except Unreadable as error:
            self._note(place, sha256=error.sha256)
            self._refuse(place, error.rule, error.reason)
            return
        try:
            _, modified, inode = content.identity
            self._note(place, sha256=content.sha256, inode=inode, modified=modified)
            if not self._judge(place, drop, content):
                content.close()
        except BaseException:
            content.close()
            raise

    def _judge(self, place: int, drop: Drop, content: Content) -> bool:
        """Decide about a file that could be read; returns whether its content is still needed."""
        try:
            identity = self._identify(drop, content.sha256)
            self._note(place, name=identity.name, revision=identity.revision, batch_time=identity.batch_time)
            batch = (identity.name, identity.revision)
            is_second = self._claimed.setdefault(batch, place) != place  # the same file twice in one queue
            if is_second or self._is_duplicate(identity.existing, content.sha256):
                self._note(place, status=Status.DUPLICATE)
                return False
            return self._prove(place, drop, content, identity)
        except Deferred:
            self._note(place, status=Status.DEFERRED)
        except Unreadable as error:
            self._refuse(place, error.rule, error.reason)
        except Irregular as error:
            self._refuse(place, error.rule, error.reason, row=error.record)
        except HeaderRefused as error:
            self._refuse(place, "header", error.reason, column=error.column)
        return False

    def _identify(self, drop: Drop, sha256: str) -> Identity:
        """Which batch these bytes are: the one that they were before a requeue, else by name and content."""
        notes = [note for note in self._requeued if note.sha256 == sha256 and note not in self._consumed]
        note = next((n for n in notes if n.queued == drop.name or n.queued not in self._queue), None)
        if note:
            self._consumed.append(note)
            return Identity(note.name, note.revision, note.batch_time, self._live.get((note.name, note.revision)))
        time = inbox.batch_time(drop.name, self._contract.config.batch_time)
        newest = self._newest.get(drop.name)
        same = newest is not None and newest.record.sha256 == sha256
        revision = newest.record.revision if newest and same else self._next_revision(drop.name)
        return Identity(drop.name, revision, time, self._live.get((drop.name, revision)))

    def _next_revision(self, name: str) -> int:
        newest = self._newest.get(name)
        waiting = [note.revision for note in self._requeued if note.name == name]
        return max([newest.record.revision if newest else 0, *waiting]) + 1

    def _is_duplicate(self, existing: Batch | None, sha256: str) -> bool:
        """Whether these bytes count already, accepted whole under the same contract."""
        if existing is None:
            return False
        known = existing.record
        return known.sha256 == sha256 and known.rejected == 0 and known.acceptance == self._acceptance

    def _prove(self, place: int, drop: Drop, content: Content, identity: Identity) -> bool:
        """Prove the bytes regular and match the header; returns whether there are records to be read."""
        config = self._contract.config
        reader.decode(content, config.encodings, config.delimiter, self._scratch)
        head, is_whole = content.head()
        start, end = reader.header_span(head, is_whole=is_whole)
        delimiter, names, header = self._header(head[start:end])
        measured = reader.measure(content, drop.name, delimiter, (start, end), self._scratch)
        if not measured.records:
            self._note(place, status=Status.EMPTY, warnings=(*header.warnings, "the file holds no records"))
            return False
        cells, shape, about_columns = self._binding.bind(header)
        warnings = (*header.warnings, *about_columns, *self._twin(content.sha256, identity.name))
        batch, self._next_batch = self._next_batch, self._next_batch + 1
        self._note(place, status=Status.APPLIED, batch=batch, shape=shape, read=measured.records, warnings=warnings)
        if identity.existing:
            self._replaced[batch] = identity.existing.id
        self._wait(Proven(place, identity.name, batch, content, names, header, cells, delimiter, measured))
        return True

    def _header(self, raw: bytes) -> tuple[str, list[str], Header]:
        """The delimiter, the names and the meaning of a header; looked into once for all files that have it."""
        if raw not in self._headers:
            delimiter, names = self._delimiter(raw)
            self._headers[raw] = delimiter, names, resolve(names, self._contract)
        return self._headers[raw]

    def _twin(self, sha256: str, name: str) -> list[str]:
        """A warning if another name came with the same bytes."""
        other = self._owner.setdefault(sha256, name)
        return [f"holds the same bytes as {other!r}"] if other != name else []

    def _delimiter(self, raw: bytes) -> tuple[str, list[str]]:
        """The delimiter under which the header satisfies the contract, and the header's names under it.

        It can do so under several, such as where one required column stands alone; then it is the first of them.
        """
        configured = self._contract.config.delimiter
        if configured != "auto":
            return configured, reader.header_names(raw, configured)
        found: list[tuple[str, list[str]]] = []
        for delimiter in reader.DELIMITERS:
            try:
                names = reader.header_names(raw, delimiter)
            except Irregular:  # under another delimiter it may be regular
                continue
            if not missing(names, self._contract):
                return delimiter, names
            found.append((delimiter, names))
        if not found:
            reader.header_names(raw, reader.DELIMITERS[0])  # raises, and says what is wrong with it
        return max(found, key=lambda candidate: len(candidate[1]))  # whose names help most in the message

    def _wait(self, proven: Proven) -> None:
        """Let a small file wait for others with its header; read a large one at once."""
        if proven.content.data is None:
            self._load([proven])
            return
        self._waiting.setdefault(proven.group, []).append(proven)
        self._waiting_bytes += len(proven.content.data)
        if self._waiting_bytes > GROUP:
            self._flush()

    def _flush(self) -> None:
        for files in self._waiting.values():
            self._load(files)
        self._waiting.clear()
        self._waiting_bytes = 0

    def _load(self, files: list[Proven]) -> None:
        """Read and judge files of one header, and complete their records."""
        spans = load(files, self._engine, self._scratch)
        first = files[0]
        if not first.content.is_unchanged():
            self._note(first.place, status=Status.DEFERRED, batch=None)
        else:
            accepted = self._engine.accept(self._contract, first.cells, spans, self._now)
            for proven in files:
                self._complete(proven, accepted.get(proven.batch, 0))
        for proven in files:
            proven.content.close()

    def _complete(self, proven: Proven, accepted: int) -> None:
        """Put the verdict into the file's record, and write its refused rows."""
        rejected = proven.measured.records - accepted
        self._note(proven.place, accepted=accepted, rejected=rejected)
        if not rejected:
            return
        logger.bind(file=proven.name, rows=rejected).info("rows refused")
        draft, judged = disk.temporary(self._scratch), b""
        positions = rejects.kept_positions(proven.names)
        if self._engine.write_rejects(proven.batch, positions, proven.delimiter, draft):
            judged = draft.read_bytes()
        content = rejects.compose(proven.names, proven.delimiter, judged, proven.refused)
        sha256 = self._records[proven.place].sha256
        name = inbox.free_name(self._rejects_folder, f"{proven.name}.csv", sha256, taken=self._rejects_names)
        self._rejects_names.add(name)
        disk.make_folder(self._drafts_folder)
        disk.replace(rejects.draft(self._drafts_folder, proven.batch), content)
        self._note(proven.place, rejects=name, rejects_sha256=hashlib.sha256(content).hexdigest())
