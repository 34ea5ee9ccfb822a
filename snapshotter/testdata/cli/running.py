"""Writes the batches of a source that runs, each when it is due, until somebody ends it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import typer

from snapshotter.testdata.batch import Batch
from snapshotter.testdata.cli import saying
from snapshotter.testdata.cli.pacing import Pace, Stop, stopping
from snapshotter.testdata.cli.planned import Planned, Running
from snapshotter.testdata.delivery import Delivery
from snapshotter.testdata.source import Source

Write = Callable[[list[Batch]], Delivery]
Plan = Callable[[Running], Source]


@dataclass
class Run:
    """What has been written so far.

    Args:
        made: all files.
        batches: how many there were.
        late: how many of them began after they were due.
        ended: whether the plan came to its end, and nobody stopped it.
    """

    made: Delivery = field(default_factory=Delivery)
    batches: int = 0
    late: int = 0
    ended: bool = False


def run(planned: Planned, running: Running, plan: Plan, write: Write, folder: Path, *, as_json: bool) -> None:
    """Write batches until SIGINT or SIGTERM, and sum them up.

    A batch that is being written then is finished; a second signal breaks it off, and nothing is left of it.

    Args:
        planned: what the command has planned.
        running: how it runs.
        plan: plans what is wanted of it.
        write: puts a batch into the folder, all of it or nothing.
        folder: the folder, for what is said.
        as_json: whether a program reads what is said.
    """
    pace = Pace(running.interval.total_seconds())
    with stopping() as stop:
        source = plan(running)
        if not as_json:
            typer.echo(f"a batch every {pace.interval:,.0f} s into {folder}, until Ctrl-C or SIGTERM", err=True)
        done = _batches(source.batches(), running, pace, stop, write)
        seconds = round(pace.passed(), 3)
    if as_json:
        more = {"batches": done.batches, "late": done.late}
        typer.echo(saying.as_json(planned, done.made, folder, seconds, more))
    else:
        typer.echo(saying.summed_up(done.made, folder, done.batches, seconds), err=True)
    if done.ended:
        typer.echo("note: this is all that can be planned of one shop; --start, --seed make another one", err=True)


def _batches(batches: Iterable[Batch], running: Running, pace: Pace, stop: Stop, write: Write) -> Run:
    done, opened, behind, ahead = Run(), None, False, False
    for at, group in itertools.groupby(batches, key=lambda batch: batch.at):
        opened = opened or at
        batch = list(group)  # planned before it is due
        left = pace.left((at - opened) // (running.interval * running.speed))
        if stop.wait(left):
            return done
        if left < 0 and not behind:
            typer.echo(
                f"note: the batch of {at} comes {-left:.1f} s late: the one before it took longer than --every",
                err=True,
            )
        behind = left < 0
        done.late += behind
        done.made.include(write(batch))
        done.batches += 1
        ahead = ahead or saying.warn_of_the_future(done.made)
    done.ended = True
    return done
