"""What was refused and is still to be mended: rows of files that count, and files; one by one, or by what is wrong."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from snapshotter import rejects as rejects_file
from snapshotter.contract import Contract
from snapshotter.hints import hint
from snapshotter.layout import Layout
from snapshotter.ledger.records import Failure, FileRecord, Status
from snapshotter.ledger.state import State
from snapshotter.rejects import Reject
from snapshotter.results import RejectGroup, RejectInfo
from snapshotter.steady import steadily
from snapshotter.unlimited import csv

_Read = Callable[[Path, Mapping[str, Sequence[str]]], Iterator[Reject]]

_EXAMPLES = 3
_TRIED = 10_000  # failures of a kind that a hint is tried on


def rejects(layout: Layout, contract: Contract, name: str | None) -> Iterator[RejectInfo]:
    """Refused rows of batches that count, and files that are refused and were not accepted since; one by one."""
    return chain.from_iterable(_by_file(layout, contract, name, rejects_file.read_sorted))


def grouped(layout: Layout, contract: Contract, name: str | None) -> list[RejectGroup]:
    """The same by rule and column, most frequent first; each with what would have let it in.

    One after the other: of millions of refused rows, only so many are held as hints are tried on.
    """
    groups: dict[tuple[str, str | None], _Group] = {}
    for found in _by_file(layout, contract, name, rejects_file.read):
        for reject in found:
            groups.setdefault((reject.rule, reject.column), _Group()).add(reject)
    return [
        RejectGroup(
            rule=rule,
            column=column,
            failures=group.failures,
            files=len(group.files),
            reason=group.reasons.most_common(1)[0][0],
            hint=hint(group.some, contract, all_of_them=len(group.some) == group.failures),
            examples=group.some[:_EXAMPLES],
        )
        for (rule, column), group in sorted(groups.items(), key=lambda item: -item[1].failures)
    ]


@dataclass
class _Group:
    """Failures of one rule and one column while they are counted."""

    failures: int = 0
    files: set[str] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)
    some: list[RejectInfo] = field(default_factory=list)

    def add(self, reject: RejectInfo) -> None:
        self.failures += 1
        self.files.add(reject.file)
        self.reasons[reject.reason] += 1
        if len(self.some) < _TRIED:
            self.some.append(reject)


def _by_file(layout: Layout, contract: Contract, name: str | None, read: _Read) -> Iterator[Iterator[RejectInfo]]:
    """What was refused of each file, or of those of one name; its rows in the order in which `read` gives them."""
    dataset = contract.dataset
    aliases = {folded: column.rules.aliases for folded, column in contract.columns.items()}
    state = steadily(layout, dataset, lambda _, state: state)
    refused = {(record.archived, record.batch) for record in refused_files(layout, state)}
    owner = {record.rejects: record for _, record in state.files}  # a pruned file's name may be another's now
    for _, record in state.files:
        if name is not None and record.name != name:
            continue
        batch = state.batches.get(record.batch) if record.batch is not None else None
        if record.failure is not None and (record.archived, record.batch) in refused:
            yield iter([_whole(record.name, record.failure)])
        elif (
            record.rejects and batch is not None and batch.status is Status.APPLIED and owner[record.rejects] is record
        ):
            folder = layout.rejects(dataset)
            places = (folder / record.rejects, rejects_file.draft(folder, batch.id), folder / record.rejects)
            path = next((path for path in places if path.is_file()), None)  # a draft, until it has its name
            if path:  # else: mended, and back in the queue
                yield _rows(path, record.name, lambda path: read(path, aliases))


def _whole(name: str, failure: Failure) -> RejectInfo:
    return RejectInfo(
        file=name,
        row=failure.row,
        column=failure.column,
        rule=failure.rule,
        value=None,
        reason=failure.reason,
        candidates=failure.candidates,
    )


def refused_files(layout: Layout, state: State) -> list[FileRecord]:
    """The files that were refused, still lie there, and did not come in again under their name."""
    waiting: dict[str, list[FileRecord]] = {}
    for _, record in state.files:
        if record.batch is None and record.status is Status.REJECTED:
            waiting.setdefault(record.name, []).append(record)
        elif record.status is Status.APPLIED and record.picked_up is None:  # it came, and was not just read again
            waiting.pop(record.name, None)
    refused = [record for records in waiting.values() for record in records]
    refused += [batch.record for batch in state.held if batch.status is Status.REJECTED]  # by a rebuild
    return [record for record in refused if os.path.lexists(layout.input / record.archived)]


def _rows(path: Path, name: str, read: Callable[[Path], Iterator[Reject]]) -> Iterator[RejectInfo]:
    try:
        for r in read(path):
            yield RejectInfo(file=name, row=r.row, column=r.column or None, rule=r.rule, value=r.value, reason=r.reason)
    except FileNotFoundError:  # taken away at this moment
        return
    except (ValueError, csv.Error, RuntimeError):
        reason = f"{path.name} was changed and cannot be read any more; drop the original file again to have it anew"
        yield RejectInfo(file=name, row=None, column=None, rule="rejects", value=None, reason=reason)
