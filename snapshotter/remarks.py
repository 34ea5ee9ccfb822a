"""What is strange about a file once its rows are merged: warnings, never refusals."""

from __future__ import annotations

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
    for record in draft.taken.records:
        said = [] if record.batch in gone else _lost_keys(draft, record, named.get(record.name, []), engine)
        if record.batch in effects.late:
            said.append("every row of it is older than what was there already")
        if tied := effects.tied.get(record.batch or 0):
            keys = "1 key has another row" if tied == 1 else f"{tied:,} keys have other rows"
            said.append(f"{keys} at the same instant (ties); batch time, name, revision and row number decide")
        found.append(record.model_copy(update={"warnings": (*record.warnings, *said)}) if said else record)
    return found


def _lost_keys(draft: Draft, record: FileRecord, named: list[FileRecord], engine: Engine) -> list[str]:
    """A warning for a revision that lacks keys of the one before it, or of the one that it replaces.

    Args:
        draft: the commit in the making, resolved.
        record: a file of the run.
        named: the batches of its name that counted before.
        engine: holds the merged rows.
    """
    if record.batch is None or draft.resolution is None:
        return []
    earlier = [
        r for r in named if r.revision < record.revision and (record.replaces or r.revision == record.revision - 1)
    ]
    if not earlier:
        return []
    before = max(earlier, key=lambda known: known.revision)
    resolved = draft.resolution
    lost = engine.lost_keys(resolved.frame, resolved.stored, before.batch or 0, record.batch)
    if not lost:
        return []
    fate = "no longer count from there (replace_revisions)" if record.replaces else "stay (see replace_revisions)"
    return [f"lacks {lost} keys of revision {before.revision}, which {fate}"]
