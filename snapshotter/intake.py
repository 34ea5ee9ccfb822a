"""From files in the queue to judged rows: which batch a file is, whether it can be read, what became of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from snapshotter import inbox, reader
from snapshotter.binding import Binding, listed
from snapshotter.contract import Contract
from snapshotter.contract.header import Header, HeaderRefused
from snapshotter.engine.base import Cell, Spans, Verdict
from snapshotter.engine.port import Engine
from snapshotter.frame import Field
from snapshotter.heading import Headings
from snapshotter.identity import Identities, Identity
from snapshotter.inbox import Drop
from snapshotter.ledger.records import Failure, FileRecord, Status
from snapshotter.ledger.state import State
from snapshotter.loading import Proven, Scattered, load
from snapshotter.logs import logger
from snapshotter.oddities import Oddities
from snapshotter.reader import Irregular
from snapshotter.rejecting import RejectsWriter
from snapshotter.returned import TransformRefused
from snapshotter.spool import LARGE, Content, Deferred, Unreadable
from snapshotter.taken import Taken
from snapshotter.transforming import Transform, rows_at_once

GROUP = 64 * 2**20  # bytes of small files that are held and read at once
_NAME = 100  # bytes that a name in a header takes
_ROWS = 2  # accepted rows from which on an empty column is worth a warning


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
        """Look at what the state knows of names and bytes, once."""
        self._contract, self._binding, self._engine = contract, binding, engine
        self._identities, self._scratch, self._progress = identities, scratch, progress
        self._transform, self._acceptance = transform, acceptance
        self._owner = {batch.record.sha256: batch.record.name for batch in state.live}
        self._next_batch = first_batch
        self._records: list[FileRecord] = []
        self._replaced: dict[int, int] = {}
        self._claimed: dict[tuple[str, int], int] = {}
        self._rejects = RejectsWriter(engine, contract.config.encodings[0], scratch, rejects_folder, drafts_folder)
        self._oddities = Oddities(state)
        self._headings = Headings(contract, transform)
        self._waiting: dict[tuple[object, ...], list[Proven]] = {}
        self._waiting_bytes = 0

    def take(self, drops: Sequence[Drop]) -> Taken:
        """Take all files; the engine holds the accepted rows afterwards, and the refused rows are written."""
        for place, drop in enumerate(drops):
            name, revision = self._identities.expected(place, drop)
            self._records.append(
                FileRecord(
                    name=name,
                    revision=revision,
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
        self._look_back()
        deferred = [record for record in self._records if record.status is Status.DEFERRED]
        records = [record for record in self._records if record.status is not Status.DEFERRED]
        applied = {record.batch for record in records}
        replaced = [old for new, old in self._replaced.items() if new in applied]
        return Taken(records, deferred, replaced)

    def _note(self, place: int, **changes: object) -> None:
        """Write down what became of a file so far."""
        self._records[place] = self._records[place].model_copy(update=changes)

    def _refuse(self, place: int, failure: Failure) -> None:
        self._note(place, status=Status.REJECTED, failure=failure)
        logger.bind(file=self._records[place].name, rule=failure.rule, row=failure.row).info("file refused")

    def _defer(self, place: int, error: Deferred) -> None:
        """Leave a file in the queue, as if it had not been there."""
        self._note(
            place, status=Status.DEFERRED, batch=None, shape=None, read=0, warnings=(error.reason,) * bool(error.reason)
        )
        logger.bind(file=self._records[place].name, reason=error.reason or "being written").info("file deferred")

    def _take(self, place: int, drop: Drop) -> None:
        """One file: refused, deferred, a duplicate, empty, or proved and on its way into the engine."""
        if drop.problem:
            self._refuse(place, Failure(rule="file", reason=drop.problem))
            return
        try:
            content = inbox.read(drop, self._scratch)
        except Deferred as error:
            self._defer(place, error)
            return
        except Unreadable as error:
            self._note(place, sha256=error.sha256)
            self._refuse(place, Failure(rule=error.rule, reason=error.reason))
            return
        try:
            _, modified, inode, _ = content.identity
            self._note(place, sha256=content.sha256, inode=inode, modified=modified)
            if not self._judge(place, drop, content):
                content.close()
        except BaseException:
            content.close()
            raise

    def _judge(self, place: int, drop: Drop, content: Content) -> bool:
        """Decide about a file that could be read; returns whether its content is still needed."""
        try:
            identity = self._identities.identify(place, drop, content.sha256)
            self._note(place, name=identity.name, revision=identity.revision, batch_time=identity.batch_time)
            batch = (identity.name, identity.revision)
            is_second = self._claimed.setdefault(batch, place) != place  # the same file twice in one queue
            if is_second or identity.is_duplicate:
                self._note(place, status=Status.DUPLICATE)
                return False
            return self._prove(place, drop, content, identity)
        except Deferred as error:
            self._defer(place, error)
        except OSError as error:
            if self._records[place].status is Status.APPLIED:  # its rows are in the engine already
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

    def _prove(self, place: int, drop: Drop, content: Content, identity: Identity) -> bool:
        """Prove the bytes regular and match the header; returns whether there are records to be read."""
        config = self._contract.config
        reader.decode(content, config.encodings, config.delimiter, self._scratch)
        head, is_whole = content.head()
        start, end = reader.header_span(head, is_whole=is_whole)
        heading = self._headings.of(head[start:end])
        measured = reader.measure(content, drop.name, heading.delimiter, (start, end), self._scratch)
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
            proven.header = self._headings.of(head[start:end], self._misfits(heading.header)).header
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
        for proven in files:
            if judge and proven.batch in judge.broken:
                self._break(proven, *judge.broken[proven.batch])
            else:
                self._complete(proven, verdicts.get(proven.batch, Verdict()))
        self._stage(files)

    def _stage(self, files: Sequence[Proven]) -> None:
        """Move the rows of large texts out of the memory, where others are yet to come and all are to be merged."""
        applied = [self._records[proven.place] for proven in files]
        applied = [record for record in applied if record.status is Status.APPLIED]
        if applied and sum(proven.content.length for proven in files) > LARGE:
            batches = [(record.batch or 0, record.name, record.revision) for record in applied]
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

    def _complete(self, proven: Proven, verdict: Verdict) -> None:
        """Put the verdict into the file's record, and write its refused rows."""
        total, limit = proven.measured.records, self._contract.config.max_reject_ratio
        rejected = total - verdict.accepted
        if Fraction(rejected, total) > Fraction(str(limit)):  # 29 of 100 are not more than 0.29
            self._forget(proven, self._rejects.too_many(proven, rejected, limit))
            return
        self._note(
            proven.place,
            accepted=verdict.accepted,
            rejected=rejected,
            corrected=verdict.corrected,
            empty=tuple(sorted(verdict.empty)) if verdict.accepted else (),
        )
        if rejected:
            logger.bind(file=proven.name, rows=rejected).info("rows refused")
            name, sha256 = self._rejects.write(proven, self._records[proven.place].sha256)
            self._note(proven.place, rejects=name, rejects_sha256=sha256)

    def _look_back(self) -> None:
        """Say what is strange about the files, in the order of the queue, whatever groups they were read in.

        Only here, since a file that was refused in the end is nothing that others are compared with.
        """
        for place, record in enumerate(self._records):
            if record.status not in (Status.APPLIED, Status.EMPTY):
                continue
            said = self._oddities.about_size(record.read)
            if record.status is Status.APPLIED and record.shape is not None:
                self._oddities.remember_size(record.read)
                said = [*self._binding.about(record.shape), *self._twin(record), *said]
                if record.accepted >= _ROWS:
                    said += self._emptied(record, record.shape)
            if said:
                self._note(place, warnings=(*record.warnings, *said))

    def _twin(self, record: FileRecord) -> list[str]:
        """A warning if another name came with the same bytes."""
        other = self._owner.setdefault(record.sha256, record.name)
        return [f"holds the same bytes as {other!r}"] if other != record.name else []

    def _emptied(self, record: FileRecord, shape: int) -> list[str]:
        names = [self._binding.columns[index].name for index in self._oddities.emptied(record.empty)]
        self._oddities.remember_columns([index for index, _ in self._binding.shapes[shape]], record.empty)
        return [f"suddenly empty in every row: {listed(names)}"] if names else []
