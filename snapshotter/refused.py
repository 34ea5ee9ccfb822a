"""What was refused and is still to be mended: rows of files that count, and files; one by one, or by what is wrong."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from snapshotter import rejects as rejects_file
from snapshotter.contract import Contract
from snapshotter.hints import hint
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.ledger.records import FileRecord, Status
from snapshotter.ledger.state import State
from snapshotter.results import RejectGroup, RejectInfo

_EXAMPLES = 3


def rejects(layout: Layout, contract: Contract, name: str | None) -> list[RejectInfo]:
    """Refused rows of batches that count, and files that are refused and were not accepted since."""
    dataset = contract.dataset
    aliases = {folded: column.rules.aliases for folded, column in contract.columns.items()}
    state = Ledger(layout.ledger(dataset), dataset).open()
    refused = {(record.archived, record.batch) for record in refused_files(layout, state)}
    found: list[RejectInfo] = []
    for _, record in state.files:
        if name is not None and record.name != name:
            continue
        batch = state.batches.get(record.batch) if record.batch is not None else None
        if record.failure is not None and (record.archived, record.batch) in refused:
            failure = record.failure
            found.append(
                RejectInfo(
                    file=record.name,
                    row=failure.row,
                    column=failure.column,
                    rule=failure.rule,
                    value=None,
                    reason=failure.reason,
                    candidates=failure.candidates,
                )
            )
        elif record.rejects and batch is not None and batch.status is Status.APPLIED:
            found += _rows(layout.rejects(dataset) / record.rejects, record.name, aliases)
    return found


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


def _rows(path: Path, name: str, aliases: Mapping[str, Sequence[str]]) -> list[RejectInfo]:
    if not path.is_file():  # mended and moved back to the queue
        return []
    try:
        found = sorted(rejects_file.read(path, aliases), key=lambda reject: reject.row)
    except (ValueError, csv.Error, RuntimeError):
        reason = f"{path.name} was changed and cannot be read any more; drop the original file again to have it anew"
        return [RejectInfo(file=name, row=None, column=None, rule="rejects", value=None, reason=reason)]
    return [
        RejectInfo(file=name, row=r.row, column=r.column or None, rule=r.rule, value=r.value, reason=r.reason)
        for r in found
    ]


def grouped(found: Iterable[RejectInfo], contract: Contract) -> list[RejectGroup]:
    """What was refused, by rule and column, most frequent first; each with what would have let it in."""
    groups: dict[tuple[str, str | None], list[RejectInfo]] = {}
    for reject in found:
        groups.setdefault((reject.rule, reject.column), []).append(reject)
    return [
        RejectGroup(
            rule=rule,
            column=column,
            failures=len(members),
            files=len({member.file for member in members}),
            reason=Counter(member.reason for member in members).most_common(1)[0][0],
            hint=hint(members, contract),
            examples=members[:_EXAMPLES],
        )
        for (rule, column), members in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]
