"""The commands that only ask. Each asks the workspace, prints the answer, and returns its exit code."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from snapshotter.cli import printing
from snapshotter.cli.app import app
from snapshotter.cli.options import (
    DatasetOption,
    JsonOption,
    QuietOption,
    WorkspaceOption,
    exit_status,
    open_workspace,
)
from snapshotter.errors import UsageError
from snapshotter.wording import counted

_WRONG = "  1   something is wrong; the output says what"


@app.command(epilog=exit_status())
def status(workspace: WorkspaceOption = None, json: JsonOption = False, quiet: QuietOption = False) -> int:
    """Show the queue, the current snapshots, the last runs, and what needs attention.

    Example: snapshotter status --json
    """
    result = open_workspace(workspace).status()
    if json:
        printing.as_json(result)
        return 0
    rows = [
        (d.dataset, d.snapshot, d.kind, d.at, f"{d.latest.rows:,}" if d.latest else "", len(d.queued))
        for d in result.datasets
    ]
    printing.table(
        ["dataset", "snapshot", "kind", "at", "rows", "queued"], rows, numbers=["snapshot", "rows", "queued"]
    )
    if quiet:
        return 0
    for dataset in result.datasets:
        if dataset.last_run:
            last = dataset.last_run
            done = f"{counted(last.files, 'file')}, {counted(last.counts.accepted, 'row')} accepted"
            printing.say(f"{dataset.dataset}: last run {last.at}: {done}")
        for text in dataset.attention:
            printing.say(f"{dataset.dataset}: {text}")
    if result.unmatched:
        printing.say(f"unmatched, and left in the queue: {', '.join(result.unmatched)}")
    if result.recovery:
        printing.say("not everything is as the ledger wants it; the next run mends it, before all else:")
        printing.say(*(f"  {text}" for text in result.recovery))
    if result.watch:
        from snapshotter.cli.events import watch_line

        printing.say(watch_line(result.watch))
    return 0


@app.command(epilog=exit_status())
def snapshots(
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,  # noqa: ARG001 - every command takes it; this one prints nothing but data
) -> int:
    """List the snapshots, oldest first.

    Example: snapshotter snapshots
    """
    found = open_workspace(workspace).snapshots(dataset=dataset)
    if json:
        printing.as_json(found)
        return 0
    rows = [
        (
            s.snapshot,
            s.kind,
            s.at,
            s.files,
            s.rows,
            s.counts.inserted,
            s.counts.updated,
            s.counts.deleted,
            s.counts.rejected,
            "yes" if s.restorable else "no",
        )
        for s in found
    ]
    columns = [
        "snapshot",
        "kind",
        "at",
        "files",
        "rows",
        "inserted",
        "updated",
        "deleted",
        "rejected",
        "restorable",
    ]
    printing.table(columns, rows, numbers=["snapshot", "files", "rows", "inserted", "updated", "deleted", "rejected"])
    return 0


@app.command(epilog=exit_status())
def show(
    snapshot: Annotated[
        int | None, typer.Argument(metavar="N", help="The snapshot (default: the current one).")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write it there.")] = None,
    excel_safe: Annotated[
        bool,
        typer.Option("--excel-safe", help="Put a ' before cells that a spreadsheet would take for a formula."),
    ] = False,
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Print latest.csv as of a snapshot.

    Example: snapshotter show 3 --output before.csv
    """
    with open_workspace(workspace).rendered(snapshot, dataset=dataset, excel_safe=excel_safe) as (source, _):
        if output is not None:
            try:
                _write(source, output, json=json)
            except OSError as error:
                what = f"{output} cannot be written: {error.strerror}"
                raise UsageError(what=what, remedy="Name another file.") from None
            if not (quiet or json):
                printing.say(f"written to {output}")
        elif json:
            printing.as_json_rows(source, sys.stdout)
        else:
            with source.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    return 0


def _write(source: Path, output: Path, *, json: bool) -> None:
    if json:
        with output.open("w", encoding="utf-8") as file:
            printing.as_json_rows(source, file)
    else:
        shutil.copyfile(source, output)


@app.command(epilog=exit_status())
def diff(
    one: Annotated[int, typer.Argument(metavar="N", help="A snapshot.")],
    other: Annotated[int, typer.Argument(metavar="M", help="Another one.")],
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Show the keys that were added, removed and changed from one snapshot to another, cell by cell.

    Example: snapshotter diff 3 4
    """
    result = open_workspace(workspace).diff(one, other, dataset=dataset)
    if json:
        printing.as_json(result)
        return 0
    rows: list[tuple[str, ...]] = [("added", "/".join(key), "", "", "") for key in result.added]
    rows += [("removed", "/".join(key), "", "", "") for key in result.removed]
    rows += [("changed", "/".join(c.key), c.column, c.old, c.new) for c in result.changed]
    printing.table(["what", "key", "column", "old", "new"], rows)
    if not quiet:
        keys = len({tuple(change.key) for change in result.changed})
        printing.say(f"keys: {len(result.added)} added, {len(result.removed)} removed, {keys} changed")
        for label, names in (("new columns", result.columns_added), ("columns gone", result.columns_removed)):
            if names:
                printing.say(f"{label}: {', '.join(names)}")
    return 0


@app.command(epilog=exit_status())
def history(
    key: Annotated[list[str], typer.Argument(metavar="KEY…", help="The key; of several columns, each part in order.")],
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Show every version of one key, newest first, with the file and row that it came from.

    Example: snapshotter history 4711
    """
    found = open_workspace(workspace).history(key, dataset=dataset)
    if json:
        printing.as_json(found)
        return 0
    names = list(dict.fromkeys(name for version in found for name in version.values))
    rows = [
        (
            "deleted" if v.deleted else "current" if v.current else "",
            v.source_filename,
            v.source_revision,
            v.source_row,
            v.snapshot,
            *(v.values.get(name) for name in names),
        )
        for v in found
    ]
    printing.table(["", "file", "revision", "row", "snapshot", *names], rows, numbers=["revision", "row", "snapshot"])
    if not found and not quiet:
        printing.say("no file that counts holds this key")
    return 0


@app.command(epilog=exit_status())
def files(
    status: Annotated[str | None, typer.Option("--status", metavar="S", help="Only those of this status.")] = None,
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,  # noqa: ARG001 - every command takes it; this one prints nothing but data
) -> int:
    """List every file that was ever taken, and what became of it.

    Example: snapshotter files --status rejected
    """
    from snapshotter.ledger.records import Status

    if status is not None and status not in list(Status):
        raise UsageError(what=f"{status!r} is no status", remedy=f"There are: {', '.join(Status)}.")
    found = open_workspace(workspace).files(status, dataset=dataset)
    if json:
        printing.as_json(found)
        return 0
    rows = [
        (
            f.at,
            f.name,
            f.revision,
            f.status,
            f.snapshot,
            f.read,
            f.accepted,
            f.rejected,
            "; ".join(f.warnings),
        )
        for f in found
    ]
    columns = ["at", "file", "revision", "status", "snapshot", "read", "accepted", "rejected", "warnings"]
    printing.table(columns, rows, numbers=["revision", "snapshot", "read", "accepted", "rejected"])
    return 0


@app.command(epilog=exit_status())
def rejects(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only those of this file.")] = None,
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Show what was refused, by rule and column, with examples and what would have let it in.

    Example: snapshotter rejects sales_0412.csv
    """
    space = open_workspace(workspace)
    if json:
        printing.as_json_array(space.each_reject(name, dataset=dataset))
        return 0
    groups = space.reject_groups(name, dataset=dataset)
    for group in groups:
        printing.reject_group(group)
    if not quiet:
        failures = sum(group.failures for group in groups)
        printing.say(counted(failures, "failure") if groups else "nothing is refused")
    return 0


@app.command(epilog=exit_status(_WRONG))
def check(
    quick: Annotated[bool, typer.Option("--quick", help="The current snapshot alone.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Prove each snapshot that can be restored, not only three of them.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be derived again, and say what cannot.")
    ] = False,
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Verify ledger, views, archive, rejects and counts against each other; without --repair it changes nothing.

    Example: snapshotter check --repair
    """
    space = open_workspace(workspace)
    with printing.measured("checking", shown=not (json or quiet)) as progress:
        result = space.check(quick=quick, every=every, repair=repair, dataset=dataset, progress=progress)
    if json:
        printing.as_json(result)
    else:
        printing.check_result(result, quiet=quiet)
    return 0 if result.ok else 1
