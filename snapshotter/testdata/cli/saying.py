"""What is said about what was made: one line for a person, one object for a program, and a bar while it is made."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from snapshotter.testdata.cli.planned import Planned
from snapshotter.testdata.delivery import Delivery
from snapshotter.testdata.picture import MARKS, counted

_COLOURS = ("blue", "cyan", "yellow", "red", "green", "magenta", "white")


def sentence(planned: Planned, made: Delivery, folder: Path, seconds: float) -> str:
    """What was made, in one line."""
    over = planned.over or (f"of {len(made.rows)} tables" if len(made.rows) > 1 else "")
    rows = " ".join([counted(sum(made.rows.values()), "row"), *[over] * bool(over)])
    files = f"{counted(len(made.names), 'file')} ({made.size / 1e6:,.1f} MB)"
    return f"{rows} in {files} in {folder}, made in {seconds:.2f} s"


def summed_up(made: Delivery, folder: Path, batches: int, seconds: float) -> str:
    """What a source has written that ran, in one line."""
    what = (
        f"{counted(sum(made.rows.values()), 'row')} in {counted(len(made.names), 'file')} ({made.size / 1e6:,.1f} MB)"
    )
    several = "1 batch" if batches == 1 else f"{batches:,} batches"
    return f"{several}: {what} in {folder}, stopped after {seconds:.2f} s"


def as_json(planned: Planned, made: Delivery, folder: Path, seconds: float, more: Mapping[str, Any]) -> str:
    """What was made, as one object, and what more there is to say of it."""
    summary: dict[str, Any] = {"source": planned.source.name, **planned.facts}
    summary |= {"rows": sum(made.rows.values()), "files": made.names, "bytes": made.size}
    summary |= {"seconds": seconds, "folder": str(folder)}
    if len(planned.source.tables) > 1:
        summary["tables"] = made.rows
    return json.dumps(summary | dict(more))


def warn_of_the_future(made: Delivery) -> bool:
    """Point out files whose rows would be rejects: whether there was one."""
    ahead = made.latest is not None and made.latest.at > datetime.now(UTC).replace(tzinfo=None)
    if ahead:
        typer.echo(f"note: {made.names[-1]} lies in the future; see `max_future`", err=True)
    return ahead


def put_json(found: object) -> None:
    """Write an object to stdout."""
    typer.echo(json.dumps(found, ensure_ascii=False))


def put_picture(picture: str) -> None:
    """Write a picture to stdout, in colours where that is a terminal."""
    if not sys.stdout.isatty():
        typer.echo(picture, nl=False)
        return
    from rich.console import Console
    from rich.text import Text

    text = Text(picture, no_wrap=True, overflow="ignore")
    for mark, colour in zip(MARKS, _COLOURS, strict=True):
        text.highlight_words([mark], colour)
    text.highlight_regex(r"(?m)^\S[^:\n]*", "bold")
    text.highlight_regex(r"→ \S+", "magenta")
    Console().print(text, end="", soft_wrap=True)


@contextmanager
def progress(rows: int, *, shown: bool = True) -> Iterator[Callable[[int], object]]:
    """A bar on stderr where that is a terminal; what is yielded is told how many rows were made.

    Args:
        rows: how many there will be; 0 where nobody knows.
        shown: whether there may be a bar.
    """
    if not (shown and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Making test data", total=rows or None)
        yield lambda done: bar.advance(task, done)
