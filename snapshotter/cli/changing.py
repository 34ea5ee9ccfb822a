"""The commands that change something. Each asks the workspace, prints the answer, and returns its exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from snapshotter.cli import printing
from snapshotter.cli.app import REJECTED, app
from snapshotter.cli.options import (
    DatasetOption,
    JsonOption,
    QuietOption,
    WorkspaceOption,
    YesOption,
    confirm,
    exit_status,
    open_workspace,
)
from snapshotter.wording import counted

if TYPE_CHECKING:
    from snapshotter.results import PruneResult, RebuildDifference


@app.command(epilog=exit_status(REJECTED))
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge and count, but change nothing.")] = False,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Process everything in the queue, and publish latest.csv (the default command).

    Example: snapshotter run --workspace sales
    """
    from snapshotter import inbox

    space = open_workspace(workspace)
    shown = not (json or quiet)
    with printing.progress(lambda: inbox.size(space.layout.queue), shown=shown) as advance:
        result = space.run(dry_run=dry_run, progress=advance)
    if json:
        printing.as_json(result)
    if shown:
        printing.run_summary(result, dry_run=dry_run)
    errors = [dataset.error for dataset in result.datasets if dataset.error]
    if errors:
        if quiet and not json:
            for dataset in result.datasets:
                if dataset.error:
                    printing.say(f"error: {dataset.dataset}: {dataset.error.message}", f"  {dataset.error.hint}")
        return errors[0].code
    rejected = any(f.status == "rejected" or f.rejected for dataset in result.datasets for f in dataset.files)
    return int(rejected)


@app.command(epilog=exit_status())
def reset(
    snapshot: Annotated[int, typer.Argument(metavar="N", help="The snapshot to go back to.")],
    requeue: Annotated[
        bool, typer.Option("--requeue", help="Move the files that came after it back to the queue.")
    ] = False,
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Go back to the state of a snapshot, as a new snapshot; nothing is erased.

    Example: snapshotter reset 3 --yes
    """
    space = open_workspace(workspace)
    confirm("reset", f"Publish the state of snapshot {snapshot} as a new snapshot?", yes=yes)
    result = space.reset(snapshot, requeue=requeue, dataset=dataset)
    if json:
        printing.as_json(result)
    elif not quiet:
        printing.change_summary(result, f"back to the state of snapshot {snapshot}")
    return 0


@app.command(epilog=exit_status())
def withdraw(
    name: Annotated[str, typer.Argument(metavar="NAME[@REVISION]", help="The file.")],
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Take one file back: the state as if it had never come, as a new snapshot.

    Example: snapshotter withdraw sales_0412.csv --yes
    """
    space = open_workspace(workspace)
    confirm("withdraw", f"Take back {name}, and publish the state without it?", yes=yes)
    result = space.withdraw(name, dataset=dataset)
    if json:
        printing.as_json(result)
    elif not quiet:
        printing.change_summary(result, f"without {name}")
    return 0


@app.command(epilog=exit_status(REJECTED))
def rebuild(
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Read the archive again under the present contract, as a new snapshot; shows what changes first.

    Example: snapshotter rebuild --yes
    """
    space = open_workspace(workspace)

    def agreed(difference: RebuildDifference) -> bool:
        if not (json or quiet) or (not yes and sys.stdin.isatty()):
            printing.rebuild_difference(space.name(dataset), difference)
        confirm("rebuild", "Publish that as a new snapshot?", yes=yes)
        return True

    result = space.rebuild(agreed, dataset=dataset)
    if json:
        printing.as_json(result)
    elif not quiet:
        printing.rebuild_summary(result)
    return int(any(file.status == "rejected" or file.rejected for file in result.files))


@app.command(epilog=exit_status())
def prune(
    keep_last: Annotated[
        int | None, typer.Option("--keep-last", metavar="N", help="Keep the N newest snapshots.")
    ] = None,
    keep_days: Annotated[
        float | None, typer.Option("--keep-days", metavar="D", help="Keep the snapshots of the last D days.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be forgotten.")] = False,
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Forget old snapshots, archived files and refused rows; latest.csv never differs because of it.

    Example: snapshotter prune --keep-last 10 --keep-days 90
    """
    space = open_workspace(workspace)

    def agreed(proposed: PruneResult) -> bool:
        if not yes:
            printing.prune_summary(proposed, dry_run=True)
        confirm("prune", "Forget that for ever?", yes=yes)
        return True

    result = space.prune(keep_last, keep_days, dry_run=dry_run, dataset=dataset, confirm=agreed)
    if json:
        printing.as_json(result)
    elif not quiet:
        printing.prune_summary(result, dry_run=dry_run)
    return 0


@app.command(epilog=exit_status())
def clean(
    requeue: Annotated[bool, typer.Option("--requeue", help="Move the processed files back to the queue.")] = False,
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Start from scratch: empty output/, with every snapshot in it.

    Example: snapshotter clean --requeue --yes
    """
    space = open_workspace(workspace)
    confirm("clean", "Empty output/, with every snapshot in it? This cannot be taken back.", yes=yes)
    result = space.clean(requeue=requeue)
    if json:
        printing.as_json(result)
    elif not quiet:
        back = counted(len(result.requeued), "file")
        printing.say(f"removed {', '.join(result.removed) or 'nothing'}; {back} back in the queue")
    return 0
