"""The command that watches."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from snapshotter.cli.app import app
from snapshotter.cli.options import JsonOption, QuietOption, WorkspaceOption, exit_status, log_to_file, open_workspace
from snapshotter.errors import NotWritten

if TYPE_CHECKING:
    from snapshotter.watch.telling import WatchEvent


@app.command(epilog=exit_status())
def watch(
    settle: Annotated[
        float, typer.Option("--settle", metavar="S", help="Seconds for which a file must not change to be taken.")
    ] = 1.0,
    poll: Annotated[
        float, typer.Option("--poll", metavar="S", help="Seconds between two looks at the queue, at most.")
    ] = 10.0,
    no_events: Annotated[
        bool, typer.Option("--no-events", help="Only look; do not ask the system to tell of new files.")
    ] = False,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Run whenever files have settled, until Ctrl-C or SIGTERM; with --json one object a line for each event.

    The run under way is finished first; asked a second time, it stops before its commit. Logs go to logs/watch.log.

    Example: snapshotter watch --workspace sales --json
    """
    from snapshotter.cli import events
    from snapshotter.cli.lines import Lines
    from snapshotter.watch import Stop

    space, stop = open_workspace(workspace), Stop()
    lines = Lines(stop)

    def tell(event: WatchEvent) -> None:
        try:
            if json:
                lines.write(event)
            elif quiet:
                events.complaint(event)
            else:
                events.event(event)
        except OSError as error:
            raise NotWritten(path="stderr", problem=error.strerror or error) from error

    # Without a level that was asked for, stderr is for the events, which say the same.
    log_to_file(space.layout.logs / "watch.log", alone="SNAPSHOTTER_LOG_LEVEL" not in os.environ)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.ask())
    space.watch(settle=settle, poll=poll, events=not no_events, tell=tell, stop=stop)
    return 0
