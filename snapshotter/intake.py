"""From files in the queue to judged rows: which batch a file is, whether it can be read, what became of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from snapshotter import inbox, reader, spool
from snapshotter.binding import Binding
from snapshotter.contract import Contract
from snapshotter.contract.header import Header, HeaderRefused
from snapshotter.engine.base import Cell, Spans, Verdict
from snapshotter.engine.port import Engine
from snapshotter.frame import Field
from snapshotter.heading import Headings
from snapshotter.identity import Identities, Identity
from snapshotter.inbox import Drop
from snapshotter.incoming import Incoming, Known, prove_small
from snapshotter.ledger.records import Failure, FileRecord, Status
from snapshotter.ledger.state import State
from snapshotter.loading import Proven, Scattered, load
from snapshotter.logs import logger
from snapshotter.looking_back import LookBack
from snapshotter.reader import Irregular
from snapshotter.rejecting import RejectsWriter
from snapshotter.returned import TransformRefused
from snapshotter.spool import Deferred, Unreadable
from snapshotter.taken import Taken
from snapshotter.transforming import Transform, rows_at_once

GROUP = 64 * 2**20  # bytes of small files that are held and read at once
_NAME = 100  # bytes that a name in a header takes


class Intake:
    """Takes the files of one dataset.

    Args:
        contract, state: the dataset's.
        binding: its columns; grows.
        engine: where the rows go.
        identities: which batch each file is.
        transform: the user's function between reading and judging, if there is one.
        acceptance: a digest of all that decides what is accepted.
        first_batch: the number of the first new batch.
        scratch: a folder for drafts.
        rejects_folder: where the files of refused rows go once they are committed.
        drafts_folder: where they are until then.
        progress: called with the number of bytes of each file that was looked at.
    """

    def __init__(  # noqa: PLR0913 - all that decides comes in from outside, by name
        self,
        *,
        contract: Contract,
        state: State,
        binding: Binding,
        engine: Engine,
        identities: Identities,
        transform: Transform | None,
        acceptance: str,
        first_batch: int,
        scratch: Path,
        rejects_folder: Path,
        drafts_folder: Path,
        progress: Callable[[int], None],
    ) -> None:
        """Nothing is taken yet."""
        self._contract, self._state, self._binding, self._engine = contract, state, binding, engine
        self._identities, self._scratch, self._progress = identities, scratch, progress
        self._transform, self._acceptance = transform, acceptance
        self._next_batch = first_batch
        self._notes: list[dict[str, Any]] = []  # of each file, what its record will say
        self._replaced: dict[int, int] = {}
        self._claimed: dict[tuple[str, int], int] = {}
        self._rejects = RejectsWriter(engine, contract.config.encodings[0], rejects_folder, drafts_folder)
        self._headings = Headings(contract, transform)
        self._unproved: list[Incoming] = []
        self._unproved_bytes = 0
        self._waiting: dict[tuple[object, ...], list[Proven]] = {}
        self._waiting_bytes = 0

    def take(self, drops: Sequence[Drop]) -> Taken:
        """Take all files; the engine holds the accepted rows afterwards, and the refused rows are written."""
        for place, drop in enumerate(drops):
            name, revision = self._identities.expected(place, drop)
            self._notes.append(
                {
                    "name": name,
                    "revision": revision,
                    "sha256": "",
                    "size": drop.size,
                    "status": Status.REJECTED,
                    "queued": drop.name,
                    "raw": drop.raw,
                    "archived": "",
                    "acceptance": self._acceptance,
                }
            )
            if self._take(place, drop):
                self._progress(drop.size)
        self._prove_all()
        self._flush()
        look_back = LookBack(self._state, self._binding)
        found = [look_back.on(FileRecord(**notes)) for notes in self._notes]
        deferred = [record for record in found if record.status is Status.DEFERRED]
        records = [record for record in found if record.status is not Status.DEFERRED]
        applied = {record.batch for record in records}
        replaced = [old for new, old in self._replaced.items() if new in applied]
        return Taken(records, deferred, replaced)

    def _note(self, place: int, **changes: object) -> None:
        """Write down what became of a file so far."""
        self._notes[place].update(changes)

    def _refuse(self, place: int, failure: Failure) -> None:
        self._note(place, status=Status.REJECTED, failure=failure)
        logger.bind(file=self._notes[place]["name"], rule=failure.rule, row=failure.row).info("file refused")

    def _defer(self, place: int, error: Deferred) -> None:
        """Leave a file in the queue, as if it had not been there."""
        self._note(
            place, status=Status.DEFERRED, batch=None, shape=None, read=0, warnings=(error.reason,) * bool(error.reason)
        )
        logger.bind(file=self._notes[place]["name"], reason=error.reason or "being written").info("file deferred")

    def _take(self, place: int, drop: Drop) -> bool:
        """One file: refused, deferred, a duplicate, empty, or on its way into the engine; False if it waits for that.

        Small files wait, to be proved together.
        """
        if drop.problem:
            self._refuse(place, Failure(rule="file", reason=drop.problem))
            return True
        try:
            content = inbox.read(drop, self._scratch)
        except Deferred as error:
            self._defer(place, error)
            return True
        except Unreadable as error:
            self._note(place, sha256=error.sha256)
            self._refuse(place, Failure(rule=error.rule, reason=error.reason))
            return True
        _, modified, inode, _ = content.identity
        self._note(place, sha256=content.sha256, inode=inode, modified=modified)
        file = Incoming(place, drop, content)
        if not self._do(file, self._identify):
            return True
        if file.is_small:
            self._unproved.append(file)
            self._unproved_bytes += content.length
            if self._unproved_bytes > reader.AT_ONCE:
                self._prove_all()
            return False
        self._prove_all()  # batches and columns are numbered in the order of the queue
        self._do(file, self._prove)
        return True

    def _prove_all(self) -> None:
        """Prove the small files that wait for it: together those that can be, the others one by one."""
        files, self._unproved, self._unproved_bytes = self._unproved, [], 0
        prove_small(files)
        for file in files:
            self._do(file, self._prove)
            self._progress(file.drop.size)

    def _do(self, file: Incoming, step: Callable[[Incoming], bool]) -> bool:
        """Do a step of a file's way; returns whether its content is still needed, else it is let go."""
        is_needed = False
        try:
            is_needed = self._judge(file.place, lambda: step(file))
        finally:
            if not is_needed:
                file.content.close()
        return is_needed

    def _judge(self, place: int, step: Callable[[], bool]) -> bool:
        """Do a step of a file that could be read, and write down what is wrong with it, if that shows."""
        try:
            return step()
        except Deferred as error:
            self._defer(place, error)
        except OSError as error:
            if self._notes[place]["status"] is Status.APPLIED:  # its rows are in the engine already
                raise
            self._defer(place, inbox.deferred(error))
        except Unreadable as error:
            self._refuse(place, Failure(rule=error.rule, reason=error.reason))
        except Irregular as error:
            self._refuse(place, Failure(rule=error.rule, reason=error.reason, row=error.record))
        except TransformRefused as error:
            failure = Failure(rule="transform", reason=error.reason, column=error.column, row=error.row)
            self._refuse(place, failure)
        except HeaderRefused as error:
            self._refuse(
                place, Failure(rule="header", reason=error.reason, column=error.column, candidates=error.candidates)
            )
        return False

    def _identify(self, file: Incoming) -> bool:
        """Say which batch a file is, and match its header; returns whether it is to be proved."""
        place, content, config = file.place, file.content, self._contract.config
        identity = self._identities.identify(place, file.drop, content.sha256)
        self._note(place, name=identity.name, revision=identity.revision, batch_time=identity.batch_time)
        batch = (identity.name, identity.revision)
        is_second = self._claimed.setdefault(batch, place) != place  # the same file twice in one queue
        if is_second or identity.is_duplicate:
            self._note(place, status=Status.DUPLICATE)
            return False
        reader.decode(content, config.encodings, config.delimiter, self._scratch)
        head, is_whole = content.head()
        span = reader.header_span(head, is_whole=is_whole)
        raw = head[slice(*span)]
        file.known = Known(identity, span, raw, self._headings.of(raw))
        return True

    def _prove(self, file: Incoming) -> bool:
        """Prove the bytes regular, and give the file its columns; returns whether there are records to be read."""
        place, content, identity, heading = file.place, file.content, file.known.identity, file.known.heading
        measured = reader.measure(
            content, file.drop.name, heading.delimiter, file.known.span, self._scratch, file.proved
        )
        if not measured.records:
            if self._transform is not None:
                self._transform.try_header(heading.names)
            warnings = (*heading.header.warnings, "the file holds no records")
            self._note(place, status=Status.EMPTY, warnings=warnings)
            return False
        proven = Proven(
            place,
            identity.name,
            self._next_batch,
            content,
            heading.names,
            heading.header,
            [],
            heading.delimiter,
            measured,
            identity.picked_up,
        )
        if self._transform is not None:
            self._change(self._transform, proven, identity)
            return False
        if heading.header.guesses:
            load([replace(proven)], self._engine, self._scratch)
            proven.header = self._headings.of(file.known.raw, self._misfits(heading.header)).header
        self._admit(proven, identity)
        self._wait(proven)
        return True

    def _change(self, transform: Transform, proven: Proven, identity: Identity) -> None:
        """Read a file alone, since only what the user's function makes of its rows tells what its columns are."""
        spans = load([proven], self._engine, self._scratch)
        if not proven.content.is_unchanged():
            self._note(proven.place, status=Status.DEFERRED)
            return
        rows = rows_at_once(len(proven.names), proven.layout, proven.content.length)
        proven.header = transform.apply(self._engine, proven.names, spans, rows, self._misfits)
        self._admit(proven, identity)
        self._accept([proven], spans)

    def _misfits(self, header: Header) -> frozenset[int]:
        """The columns that were matched by likeness, and whose cells are not of the type that the contract wants."""
        taken = [cell for cell in header.cells if cell.position is not None]
        cells = [Cell(cell.position, cell.column, Field(place)) for place, cell in enumerate(taken)]
        guesses = [cell.position for cell in header.guesses if cell.position is not None]
        return frozenset(self._engine.misfits(self._contract, cells, guesses))

    def _admit(self, proven: Proven, identity: Identity) -> None:
        """Give a proved file its batch and its columns."""
        proven.cells, shape = self._binding.bind(proven.header)
        self._next_batch += 1
        self._note(
            proven.place,
            status=Status.APPLIED,
            batch=proven.batch,
            shape=shape,
            read=proven.measured.records,
            warnings=proven.header.warnings,
            replaces=identity.replaces,
        )
        if identity.existing:
            self._replaced[proven.batch] = identity.existing.id

    def _wait(self, proven: Proven) -> None:
        """Let a small file wait for others with its header; read a large one at once."""
        if proven.content.data is None:
            self._load([proven])
            return
        self._waiting.setdefault(proven.group, []).append(proven)
        self._waiting_bytes += len(proven.content.data) + _NAME * len(proven.names)
        if self._waiting_bytes > GROUP:
            self._flush()

    def _flush(self) -> None:
        for files in self._waiting.values():
            self._load(files)
        self._waiting.clear()
        self._waiting_bytes = 0

    def _load(self, files: list[Proven]) -> None:
        """Read and judge files of one header, and complete their records."""
        if not files:
            return
        try:
            spans = self._loaded(files)
            self._accept(files, spans)
        except Deferred as error:  # a large file, which is alone, was written to meanwhile; or the disk failed
            for proven in files:
                self._defer(proven.place, error)
        except Scattered as error:
            self._note(error.proven.place, batch=None, shape=None, read=0)
            self._refuse(error.proven.place, Failure(rule=error.rule, reason=error.reason, row=error.record))
            self._load([proven for proven in files if proven is not error.proven])
        for proven in files:
            proven.close()

    def _loaded(self, files: list[Proven]) -> Spans:
        try:
            spans = load(files, self._engine, self._scratch)
        except OSError as error:
            raise inbox.deferred(error) from None
        if not files[0].content.is_unchanged():
            raise Deferred
        return spans

    def _accept(self, files: Sequence[Proven], spans: Spans) -> None:
        """Judge the rows that the engine holds."""
        judge = self._contract.model.judge() if self._contract.model else None
        verdicts = self._engine.accept(self._contract, files[0].cells, spans, files[0].picked_up, judge)
        refusing = []
        for proven in files:
            if judge and proven.batch in judge.broken:
                self._break(proven, *judge.broken[proven.batch])
            elif self._complete(proven, verdicts.get(proven.batch, Verdict())):
                refusing.append(proven)
        for proven, (name, sha256) in zip(refusing, self._rejects.write(refusing) if refusing else (), strict=True):
            self._note(proven.place, rejects=name, rejects_sha256=sha256)
        self._stage(files)

    def _stage(self, files: Sequence[Proven]) -> None:
        """Move the rows of large texts out of the memory, where others are yet to come and all are to be merged."""
        notes = [self._notes[proven.place] for proven in files]
        batches = [(n["batch"], n["name"], n["revision"]) for n in notes if n["status"] is Status.APPLIED]
        if batches and sum(proven.content.length for proven in files) > spool.LARGE:
            columns = [(cell.field, self._binding.columns[cell.field.index]) for cell in files[0].cells]
            self._engine.stage(batches, columns, self._scratch / f"part-{batches[0][0]}.parquet")

    def _break(self, proven: Proven, row: int, reason: str) -> None:
        """Refuse a file whose rows could not be judged, since the user's own model failed."""
        mend = "nothing of the file was taken; mend the model, and drop the file again"
        self._forget(proven, Failure(rule="model", reason=f"{reason}; {mend}", row=row))

    def _forget(self, proven: Proven, failure: Failure) -> None:
        """Refuse a file whose rows were judged."""
        self._engine.forget(proven.batch)
        self._note(proven.place, batch=None, shape=None, read=0)
        self._refuse(proven.place, failure)

    def _complete(self, proven: Proven, verdict: Verdict) -> bool:
        """Put the verdict into the file's record; returns whether it has refused rows to be written."""
        total, limit = proven.measured.records, self._contract.config.max_reject_ratio
        rejected = total - verdict.accepted
        if Fraction(rejected, total) > Fraction(str(limit)):  # 29 of 100 are not more than 0.29
            self._forget(proven, self._rejects.too_many(proven, rejected, limit))
            return False
        self._note(
            proven.place,
            accepted=verdict.accepted,
            rejected=rejected,
            corrected=verdict.corrected,
            empty=tuple(sorted(verdict.empty)) if verdict.accepted else (),
        )
        if rejected:
            logger.bind(file=proven.name, rows=rejected).info("rows refused")
        return bool(rejected)
