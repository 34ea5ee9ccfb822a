"""What is strange about a file once its rows are merged: warnings, never refusals."""

from __future__ import annotations

from dataclasses import replace

from snapshotter.draft import Draft
from snapshotter.engine.base import Effects
from snapshotter.engine.port import Engine
from snapshotter.ledger.records import Counts, FileRecord


def remember(draft: Draft, effects: Effects, engine: Engine) -> None:
    """Put into a draft what a merge showed: the counts, and remarks on the files; instead of what one before it did."""
    draft.taken.records[:] = draft.judged
    read, accepted = sum(r.read for r in draft.new), sum(r.accepted for r in draft.new)
    draft.counts = Counts(read=read, accepted=accepted, rejected=read - accepted, **effects.counts())
    draft.taken.records[:] = with_remarks(draft, effects, engine)


def with_remarks(draft: Draft, effects: Effects, engine: Engine) -> list[FileRecord]:
    """The records of a run with what the merge showed of them.

    Args:
        draft: the commit in the making, resolved.
        effects: what its new rows did.
        engine: holds the merged rows.
    """
    found, gone = [], draft.gone
    named: dict[str, list[FileRecord]] = {record.name: [] for record in draft.taken.records}
    for batch in draft.base.live:
        if batch.record.name in named:
            named[batch.record.name].append(batch.record)
    before = {
        record.batch: earlier
        for record in draft.taken.records
        if record.batch and record.batch not in gone and (earlier := _revision_before(record, named[record.name]))
    }
    lost = _lost_keys(draft, {batch: earlier.batch or 0 for batch, earlier in before.items()}, engine)
    for record in draft.taken.records:
        said = []
        if record.batch in lost:
            fate = (
                "no longer count from there (replace_revisions)" if record.replaces else "stay (see replace_revisions)"
            )
            said.append(f"lacks {lost[record.batch]} keys of revision {before[record.batch].revision}, which {fate}")
        if record.batch in effects.late:
            said.append("every row of it is older than what was there already")
        if tied := effects.tied.get(record.batch or 0):
            keys = "1 key has another row" if tied == 1 else f"{tied:,} keys have other rows"
            said.append(f"{keys} at the same instant (ties); batch time, name, revision and row number decide")
        found.append(record.model_copy(update={"warnings": (*record.warnings, *said)}) if said else record)
    return found


def _revision_before(record: FileRecord, named: list[FileRecord]) -> FileRecord | None:
    """The revision before that of a file, or the one that it replaces.

    Args:
        record: the file.
        named: the batches of its name that counted before.
    """
    earlier = [
        r for r in named if r.revision < record.revision and (record.replaces or r.revision == record.revision - 1)
    ]
    return max(earlier, key=lambda known: known.revision, default=None)


def _lost_keys(draft: Draft, revisions: dict[int, int], engine: Engine) -> dict[int, int]:
    """How many keys new batches lack of those before them: in one query, and of no file that has none of those.

    Args:
        draft: the commit in the making, resolved.
        revisions: the batch before each new one.
        engine: holds the merged rows.
    """
    if draft.resolution is None or not revisions:
        return {}
    earlier, stored, frame = set(revisions.values()), draft.resolution.stored, draft.resolution.frame
    names = {part.path for part in draft.base.parts.values() if not earlier.isdisjoint(part.batches)}
    paths = tuple(path for path in stored.paths if path.name in names)
    columns = tuple(pair for pair in stored.columns if pair[0] in frame.key)  # others, those files may not have
    return engine.lost_keys(frame, replace(stored, paths=paths, columns=columns), revisions)
