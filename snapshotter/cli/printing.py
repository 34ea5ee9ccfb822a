"""How results look to a person: tables on stdout, prose on stderr. Names from files are hostile: never markup."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from snapshotter.wording import counted, warnings

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from snapshotter.results import (
        CheckResult,
        DatasetResult,
        PruneResult,
        RebuildDifference,
        RebuildResult,
        RejectGroup,
        RunResult,
    )

_WARNINGS = 5  # that the summary tells
_CORRECTED = 8  # corrections that the summary names
_NOTES = 10  # that a check tells
_CELL = 60  # characters of a cell that an example shows
_SIDES = {"files": "files", "rows in": "read", "accepted": "accepted", "rejected": "rejected", "rows out": "rows"}
_WHAT = ("added", "removed", "changed")
_WIDE = 10_000  # columns: a table in a file or a pipe is not cut


def as_json(result: BaseModel | Sequence[BaseModel]) -> None:
    """Print one JSON object, or an array."""
    from pydantic import BaseModel  # there already: the result is one

    data: Any = (
        result.model_dump(mode="json") if isinstance(result, BaseModel) else [r.model_dump(mode="json") for r in result]
    )
    print(json.dumps(data, ensure_ascii=False))


def as_json_array(results: Iterable[BaseModel]) -> None:
    """Print one JSON array, however long it is: each item as it comes."""
    separator = "["
    for result in results:
        sys.stdout.write(f"{separator}{json.dumps(result.model_dump(mode='json'), ensure_ascii=False)}")
        separator = ", "
    sys.stdout.write("[]\n" if separator == "[" else "]\n")


def say(*lines: str) -> None:
    """Print prose."""
    for text in lines:
        print(_plain(text), file=sys.stderr)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()) -> None:
    """Print a table; columns in `numbers` are flush right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        drawn.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(_plain("" if cell is None else str(cell))) for cell in row))
    Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False).print(drawn)


def _plain(text: str) -> str:
    """Text without the control characters that could move a terminal's cursor."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


@contextmanager
def progress(ask: Callable[[], int], *, shown: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar over bytes on a terminal's stderr; elsewhere nothing, and nobody is asked how many they are."""
    total = ask() if shown and sys.stderr.isatty() else 0
    if not total:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=total)
        yield lambda size: bar.advance(task, size)


@contextmanager
def measured(what: str, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar over (bytes done, bytes in all) on a terminal's stderr; elsewhere nothing."""
    if not shown or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn(what), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def check_result(result: CheckResult, *, quiet: bool) -> None:
    """What is wrong, on stdout; what to do about it, what was mended and what was looked at, on stderr."""
    if result.problems:
        table(
            ["dataset", "what", "path", "problem", "--repair"],
            [(p.dataset, p.what, p.path, p.problem, "yes" if p.repairable else "no") for p in result.problems],
        )
    if quiet:
        return
    for text in result.repaired:
        say(f"repaired  {text}")
    for text in result.notes[:_NOTES]:
        say(f"note      {text}")
    if len(result.notes) > _NOTES:
        say(f"          and {len(result.notes) - _NOTES} more: `--json` has them all")
    about: dict[str, list[str]] = {}
    for problem in result.problems:
        about.setdefault(problem.remedy, []).append(problem.path)
    for remedy, paths in about.items():
        say(f"to do     {_some(list(dict.fromkeys(paths)))}: {remedy}")
    looked_at = ", ".join(counted(count, what.removesuffix("s")) for what, count in result.checked.items())
    say(f"checked {looked_at}: {'all is well' if result.ok else counted(len(result.problems), 'problem')}")


def reject_group(group: RejectGroup) -> None:
    """What was refused for one rule and one column: how often, three examples, what to do."""
    about = f"{group.column}: {group.rule}" if group.column else group.rule
    print(_plain(f"{about}: {counted(group.failures, 'failure')} in {counted(group.files, 'file')}: {group.reason}"))
    for example in group.examples:
        row = f", row {example.row}" if example.row is not None else ""
        value = f": {_cut(example.value)!r}" if example.value is not None else ""
        reason = f": {example.reason}" if example.value is None and example.reason != group.reason else ""
        print(_plain(f"    {example.file}{row}{value}{reason}"))
    if group.hint:
        print(_plain(f"    to let such in: {group.hint}"))


def _cut(text: str) -> str:
    return text if len(text) <= _CELL else f"{text[:_CELL]}…"


def run_summary(result: RunResult, *, dry_run: bool) -> None:
    """The end of a run: what a person must know in five seconds."""
    if not result.datasets and not result.republished:
        say("nothing to do: the queue is empty")
    for name, snapshot in result.republished.items():
        say(f"{name}: snapshot {snapshot}: lineage or column_order changed, and latest.csv with it")
    for dataset in result.datasets:
        _dataset_summary(dataset, result.seconds, dry_run=dry_run)
    if result.unmatched:
        say(f"unmatched, and left in the queue: {_some(result.unmatched)}")


def _dataset_summary(result: DatasetResult, seconds: float, *, dry_run: bool) -> None:
    if result.error:
        what = "not published" if result.snapshot is None else "not finished"
        say(f"{result.dataset}: {what}: {result.error.message}", f"  {result.error.hint}")
        return
    if dry_run:
        head = "dry run, nothing was changed"
    else:
        head = f"snapshot {result.snapshot}" if result.snapshot else "no new snapshot"
    rows = f", {counted(result.latest.rows, 'row')} in {result.latest.path}" if result.latest and not dry_run else ""
    say(f"{result.dataset}: {head}{rows} ({seconds:.2f} s)")
    by_status: dict[str, int] = {}
    for file in result.files:
        by_status[file.status] = by_status.get(file.status, 0) + 1
    say("  files     " + (", ".join(f"{count} {status}" for status, count in by_status.items()) or "none"))
    c = result.counts
    say(f"  rows in   {c.read:,}: {c.accepted:,} accepted, {c.rejected:,} rejected")
    tie = f", {counted(c.ties, 'key')} with a tie" if c.ties else ""
    say(
        f"  rows out  {c.inserted:,} inserted, {c.updated:,} updated, {c.deleted:,} deleted, "
        f"{c.unchanged:,} unchanged, {c.superseded:,} superseded{tie}"
    )
    corrected: Counter[str] = Counter()
    for file in result.files:
        corrected.update({f"{fix.column} ({fix.correction})": fix.cells for fix in file.corrected})
    if corrected:
        told = ", ".join(f"{cells:,} of {what}" for what, cells in corrected.most_common(_CORRECTED))
        more = f" and {len(corrected) - _CORRECTED} more" if len(corrected) > _CORRECTED else ""
        say(f"  corrected {told}{more}")
    _advice(result, dry_run=dry_run)


def _advice(result: DatasetResult, *, dry_run: bool) -> None:
    """What went wrong, and what to do about it."""
    refused = [file for file in result.files if file.status == "rejected"]
    for file in refused[:5]:
        say(f"  refused   {file.name}: {file.warnings[-1] if file.warnings else ''}")
    if len(refused) > 5:
        say(f"            and {len(refused) - 5} more")
    if refused and not dry_run:
        say("            they are in input/rejected/; mend them and drop them again")
    if result.counts.rejected:
        where = "" if dry_run else f": in output/rejects/{result.dataset}/; `snapshotter rejects` says why"
        say(f"  refused   {counted(result.counts.rejected, 'row')}{where}")
    deferred = [file.name for file in result.files if file.status == "deferred" and not file.warnings]
    if deferred:
        say(f"  deferred  {_some(deferred)}: still being written, the next run takes them")
    warned = [(file.name, text) for file in result.files if file.status != "rejected" for text in file.warnings]
    told = warnings(warned)
    for text in told[:_WARNINGS]:
        say(f"  warning   {text}")
    if len(told) > _WARNINGS:
        say(f"            and {len(told) - _WARNINGS} more: `snapshotter files` has them all")


def change_summary(result: DatasetResult, what: str) -> None:
    """The end of a reset or a withdraw."""
    rows = f": {counted(result.latest.rows, 'row')} in {result.latest.path}" if result.latest else ""
    say(f"{result.dataset}: {what}, as snapshot {result.snapshot}{rows}")
    if result.snapshot:
        say(f"  to take this back: snapshotter reset {result.snapshot - 1} --dataset {result.dataset}")


def prune_summary(result: PruneResult, *, dry_run: bool) -> None:
    """What a prune forgot, or would forget."""
    if not (result.snapshots or result.files or result.rejects):
        say(f"{result.dataset}: nothing to forget" + (f" before snapshot {result.horizon}" if result.horizon else ""))
        return
    what = [
        counted(len(result.snapshots), "snapshot"),
        counted(result.files, "file") + " in input/processed/",
        counted(result.rejects, "file") + " of refused rows",
    ]
    verb = "would forget" if dry_run else "forgot"
    say(f"{result.dataset}: {verb} {', '.join(what)} ({result.bytes / 1e6:,.1f} MB)")
    say(f"  from snapshot {result.horizon} on all stays as it is; what is older can no longer be restored or withdrawn")


def rebuild_difference(dataset: str, difference: RebuildDifference) -> None:
    """What a rebuild would change, for a person who has to say yes or no."""
    before, after = difference.before, difference.after
    say(f"{dataset}: what the archive gives under the present contract")
    for change in difference.contract:
        say(f"  contract  {change}")
    for label, number in _SIDES.items():
        say(f"  {label:<8}  {_from_to(getattr(before, number), getattr(after, number))}")
    if difference.keys_added is None:
        say("  keys      another key: they cannot be compared")
    else:
        said = zip((difference.keys_added, difference.keys_removed, difference.keys_changed), _WHAT, strict=True)
        say("  keys      " + ", ".join(f"{number:,} {what}" for number, what in said))
    for names, what in ((difference.columns_added, "more"), (difference.columns_removed, "gone")):
        if names:
            say(f"  columns   {what}: {_some(names)}")


def _from_to(before: int, after: int) -> str:
    return f"{before:,} → {after:,}" if before != after else f"{before:,}, as before"


def rebuild_summary(result: RebuildResult) -> None:
    """The end of a rebuild."""
    if result.snapshot is None:
        say(f"{result.dataset}: nothing to rebuild: it has no snapshot yet")
        return
    change_summary(result, "rebuilt")
    refused = [file for file in result.files if file.status != "applied"]
    for file in refused[:5]:
        say(f"  refused   {file.name}: {file.warnings[-1] if file.warnings else ''}")
    if len(refused) > 5:
        say(f"            and {len(refused) - 5} more: `snapshotter rejects` has them all")
    if refused:
        say("            they lie where they lay; mend the contract and rebuild again, or drop them again")
    if result.counts.rejected:
        where = f"in output/rejects/{result.dataset}/; `snapshotter rejects` says why"
        say(f"  refused   {counted(result.counts.rejected, 'row')}: {where}")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def as_json_rows(path: Path, target: IO[str]) -> None:
    """Print a published CSV as a JSON array of objects, row by row, without holding it."""
    from snapshotter.unlimited import csv

    with path.open(encoding="utf-8", newline="") as file:
        print("[", end="", file=target)
        for number, row in enumerate(csv.DictReader(file)):
            print(",\n" if number else "", json.dumps(row, ensure_ascii=False), sep="", end="", file=target)
        print("]", file=target)
