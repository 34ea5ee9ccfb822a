"""From sample files to a proposal: key, timestamp, types, and what is unsure of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from snapshotter.config import DatasetConfig
from snapshotter.contract import Contract, compile_contract
from snapshotter.contract.header import missing
from snapshotter.errors import UsageError
from snapshotter.reader import DELIMITERS, Irregular, header_names
from snapshotter.starting.answers import KeyCandidate, Proposal, ProposedColumn
from snapshotter.starting.keys import find_keys, part_of
from snapshotter.starting.kinds import Kind, kind_of
from snapshotter.starting.naming import batch_times, match_pattern
from snapshotter.starting.samples import BYTES, GUESSES, ROWS, Sample, read_sample
from snapshotter.starting.settings import settings_of
from snapshotter.starting.table import Column, SampleTable
from snapshotter.starting.times import TimeColumn, time_columns
from snapshotter.starting.toml import shown

_FEW_ROWS = 20  # fewer say little about what is unique
_MANY_ROWS = 100  # so many without an empty cell, and `nullable = false` is proposed


def propose(files: Sequence[Path], queue: Path, scratch: Path, now: datetime) -> Proposal:
    """Read sample files and propose the settings of a dataset that accepts their rows.

    Args:
        files: `.csv`, `.csv.gz` or `.csv.zst`, at least one.
        queue: the workspace's queue; a file in it goes by its path there.
        scratch: a folder for what does not fit into memory.
        now: the present time; what is later than `max_future` orders no rows.

    Raises:
        UsageError: a file cannot be read, or nothing in them could be timestamp or key; says what is missing.
    """
    samples = []
    with SampleTable(scratch) as table:
        for path in files:
            sample = read_sample(path, queue, scratch)
            table.add(sample)
            samples.append(replace(sample, body=b"", numbers=[]))  # the table has them
        table.unite([sample.names for sample in samples])
        if not table.rows:
            raise _nothing("the samples hold no records, only headers", "Name a file with rows.")
        times = time_columns(table, now)
        time = _timestamp(table, times)
        kinds = {column: kind_of(table, column, time.formats) for column in table.columns}
        parts = [part_of(column, kind) for column, kind in kinds.items() if column != time.column]
        keys = find_keys(table, parts, time.column, time.formats)
        if not keys:
            raise _nothing(
                f"beside the timestamp {_quoted(time.column.name)} no column is filled in every row, so none can be "
                "the key",
                "Name files in which something says which rows belong together.",
            )
        proposal = _proposal(samples, table, times, kinds, keys, now)
    return _with_delimiter(proposal, samples)


def _nothing(what: str, remedy: str) -> UsageError:
    return UsageError(what=what, remedy=f"Nothing was made. {remedy}")


def _timestamp(table: SampleTable, times: Sequence[TimeColumn]) -> TimeColumn:
    if times:
        return times[0]
    names = ", ".join(_quoted(column.name) for column in table.columns[:12])
    raise _nothing(
        f"no column holds timestamps, and without one nothing says which version of a row is newer; columns: {names}",
        "If one does, in a form that is not known, run plain `snapshotter init` and declare `timestamp_formats`.",
    )


def _proposal(
    samples: Sequence[Sample],
    table: SampleTable,
    times: Sequence[TimeColumn],
    kinds: dict[Column, Kind],
    keys: Sequence[KeyCandidate],
    now: datetime,
) -> Proposal:
    time, names = times[0], [sample.name for sample in samples]
    patterns = batch_times(names)
    encodings = _encodings(samples)
    is_later = time.latest > now + timedelta(days=1)
    notes = [
        *_about_samples(samples, table),
        *_about_key(keys),
        *_about_time(times, table, is_later=is_later),
        *_about_names(patterns),
    ]
    looks = {other.column: other for other in times[1:]}
    columns = [_column(column, kind, table, time, looks.get(column), keys[0]) for column, kind in kinds.items()]
    return Proposal(
        files=tuple(names),
        rows=table.rows,
        match=match_pattern(names),
        key=keys[0].columns,
        key_candidates=tuple(keys),
        timestamp=time.column.name,
        timestamp_formats=time.formats,
        max_future="off" if is_later else "1d",
        batch_time=patterns[0] if len(patterns) == 1 else "",
        encodings=encodings,
        columns=tuple(columns),
        notes=tuple(notes),
    )


def _column(
    column: Column, kind: Kind, table: SampleTable, time: TimeColumn, look: TimeColumn | None, key: KeyCandidate
) -> ProposedColumn:
    notes, type_ = kind.notes, kind.type
    nullable = False if not kind.empty and table.rows >= _MANY_ROWS else None
    if column == time.column:
        type_, notes, nullable = "string", (), None  # as text it is published as it came
    elif column.name in key.columns:
        nullable = True if kind.empty else None
    elif type_ == "string" and look and look.formats and not notes:
        notes = (f"it holds times or dates as {_listed(look.formats)}: left as text",)
    return ProposedColumn(
        name=column.name,
        type=type_,
        nullable=nullable,
        required=column.everywhere,
        aliases=column.aliases,
        unique=kind.unique,
        notes=notes,
    )


def _encodings(samples: Sequence[Sample]) -> tuple[str, ...]:
    """UTF-8 first: what is valid as such is hardly ever anything else; byte order marks are understood anyway."""
    guessed = [encoding for encoding in GUESSES if any(sample.encoding == encoding for sample in samples)]
    return ("utf-8", *guessed[-1:])


def _about_samples(samples: Sequence[Sample], table: SampleTable) -> list[str]:
    notes = []
    if table.rows < _FEW_ROWS:
        notes.append(f"only {_counted(table.rows, 'row')}: uniqueness and types mean little")
    if cut := [sample.name for sample in samples if sample.cut]:
        notes.append(f"only the first {ROWS:,} rows or {BYTES // 10**6} MB of a file were read: {_some(cut)}")
    if guessed := [sample.name for sample in samples if sample.encoding in GUESSES]:
        which = _encodings(samples)[-1]
        notes.append(f"not UTF-8: {_some(guessed)}; {which} is a guess, so look at names with accents after a run")
    if marked := [sample.name for sample in samples if sample.encoding not in ("utf-8", *GUESSES)]:
        notes.append(f"UTF-16 or UTF-32 by the mark at the beginning: {_some(marked)}")
    for sample in samples:
        if sample.ragged:
            rows = _counted(sample.ragged, "record")
            notes.append(f"{sample.name}: {rows} broken, or with too few or too many cells; a run would refuse them")
    if renamed := [column for column in table.columns if column.aliases]:
        pairs = ", ".join(f"{_quoted(c.name)} ({', '.join(map(_quoted, c.aliases))})" for c in renamed)
        notes.append(f"taken for the same column by its name: {pairs}")
    return notes


def _about_key(keys: Sequence[KeyCandidate]) -> list[str]:
    first, *others = keys
    name = _columns(first)
    if first.twins:
        times = _counted(first.twins, "time")
        says = f"but {times} it stands at one instant with different rows, of which a run keeps the last one"
        return [f"no key was found: {name} comes nearest, {says}"]
    notes = []
    if not first.alone and first.columns:
        notes.append(f"{name} is unique only together with the timestamp: its rows are taken for versions of a key")
    if others:
        listed = ", ".join(f"{_columns(key)}{'' if key.alone else ' (with the timestamp)'}" for key in others)
        notes.append(f"{_counted(len(keys), 'candidate')} for the key: {name} is proposed; also {listed}")
    return notes


def _about_time(times: Sequence[TimeColumn], table: SampleTable, *, is_later: bool) -> list[str]:
    time, *others = times
    name, notes = _quoted(time.column.name), []
    if time.swapped:
        notes.append(
            f"{name}: day and month can be exchanged in every row; {_listed(time.formats)} is proposed, the other "
            f"reading is {_listed(time.swapped)}"
        )
    if time.unread:
        notes.append(f"{name}: {_counted(time.unread, 'cell')} of {table.rows:,} no timestamp; a run would refuse them")
    if is_later:
        notes.append(f'{name}: some lie in the future, so max_future = "off" is proposed; is it the right column?')
    if whole := [other for other in others if not other.unread]:
        listed = ", ".join(_quoted(other.column.name) for other in whole[:4])
        notes.append(f"{_counted(len(whole) + 1, 'candidate')} for the timestamp: {name} is proposed; also {listed}")
    return notes


def _about_names(patterns: Sequence[str]) -> list[str]:
    if len(patterns) == 2:
        return [f"file names hold a date as {patterns[0]} or {patterns[1]}, they fit both: batch_time is left empty"]
    if patterns:
        return [f"file names hold a date as {patterns[0]}; a file without one would be refused (batch_time)"]
    return []


def _with_delimiter(proposal: Proposal, samples: Sequence[Sample]) -> Proposal:
    """Name the delimiter where `auto` would take another one."""
    contract = compile_contract("default", DatasetConfig.model_validate(settings_of(proposal)))
    if all(_auto(sample, contract) == sample.delimiter for sample in samples):
        return proposal
    delimiters = {sample.delimiter for sample in samples}
    if len(delimiters) > 1:
        raise _nothing("the samples have different delimiters, and `auto` mistakes one of them", "Name fewer files.")
    return proposal.model_copy(update={"delimiter": delimiters.pop()})


def _auto(sample: Sample, contract: Contract) -> str | None:
    """The delimiter that a run finds by itself."""
    for delimiter in DELIMITERS:
        try:
            if not missing(header_names(sample.raw, delimiter), contract):
                return delimiter
        except Irregular:
            continue
    return None


def _quoted(name: str) -> str:
    return f"`{shown(name[:60])}`"


def _columns(key: KeyCandidate) -> str:
    return " + ".join(map(_quoted, key.columns))


def _listed(formats: Sequence[str]) -> str:
    return ", ".join(f'"{layout}"' for layout in formats)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
