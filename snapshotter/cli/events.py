"""How a watch looks to a person: a line for each event, and one in `status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapshotter.cli.printing import run_summary, say
from snapshotter.wording import counted

if TYPE_CHECKING:
    from snapshotter.heartbeat import WatchStatus
    from snapshotter.watch.telling import WatchEvent

_NAMED = 5  # files that wait


def complaint(told: WatchEvent) -> None:
    """Print what happened, if it is an error."""
    from snapshotter.watch import telling

    if isinstance(told, telling.Failed):
        say(f"error: {told.error.message}", f"  {told.error.hint}")


def event(told: WatchEvent) -> None:
    """Print what happened."""
    from snapshotter.watch import telling

    match told:
        case telling.Failed():
            if told.dataset is None:  # else the run's summary said it
                complaint(told)
            say(f"  tried again in {told.retry_in:g} s")
        case telling.Started():
            how = "the system tells of new files" if told.events else f"looking every {told.poll:g} s"
            say(f"watching {told.workspace} as process {told.pid}: {how}; Ctrl-C ends it")
        case telling.Ran():
            run_summary(told.run, dry_run=False)
        case telling.Deferred():
            for file in told.files[:_NAMED]:
                say(f"  waits     {file.name}: {file.reason}; tried again in {file.retry_in:g} s")
            if len(told.files) > _NAMED:
                say(f"            and {len(told.files) - _NAMED} more")
        case telling.Warned():
            say(f"warning: {told.message}")
        case telling.Stopped():
            end = "; the run under way was given up, its files still wait" if told.given_up else ""
            say(f"stopped after {counted(told.runs, 'run')}{end}")


def watch_line(watch: WatchStatus) -> str:
    """What a watch is doing."""
    if watch.run is not None and watch.state == "running":
        doing = f"in a run, {watch.run.looked_at:,} of {counted(watch.run.files, 'file')} looked at"
    else:
        doing = watch.state + (f", looks again by {watch.next_look}" if watch.next_look else "")
    parts = [f"watched by process {watch.pid} since {watch.since}: {doing}", f"{counted(watch.runs, 'run')} so far"]
    if watch.settling:
        parts.append(f"{counted(watch.settling, 'file')} may still be written")
    if watch.deferred:
        parts.append(f"{counted(watch.deferred, 'file')} could not be taken yet")
    return "; ".join(parts)
