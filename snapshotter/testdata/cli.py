"""The command line of `generate_test_data.py`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from snapshotter.errors import NoWorkspace, SnapshotterError, UsageError
from snapshotter.testdata import SOURCES
from snapshotter.testdata.delivery import Delivery, deliver
from snapshotter.testdata.plan import CADENCE_DAYS, START, usual_files, usual_keys
from snapshotter.testdata.pools import PoolChanged

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


HELP = """Write CSV files of test data, ordered by date, into the queue of a workspace or into any folder.

The same arguments give the same bytes on any machine. A file that is there already with the same bytes is
left alone; one with other bytes is an error, unless --force is given.

\b
Examples:
  generate_test_data.py
  generate_test_data.py --rows 5000000 --keys 1000000 --output /tmp/big
  generate_test_data.py demo --files 3 --start 2024-01-01 --cadence-days 1 1 --json
"""


@app.command(
    help=HELP,
    epilog="EXIT STATUS: 0 done; 2 wrong usage, nothing was written; 18 the system refused to write.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
def generate(  # noqa: PLR0913  (an option is an argument)
    source: Annotated[str, typer.Argument(help=f"What to make: {', '.join(SOURCES)}.")] = "demo",
    *,
    rows: Annotated[int, typer.Option(min=1, metavar="N", help="Rows in all files together.")] = 100_000,
    keys: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Different ids; each comes at least once.",
            show_default="3 for 10 rows",
        ),
    ] = None,
    files: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Files, of as many rows each.",
            show_default="50, or one for each row",
        ),
    ] = None,
    start: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            metavar="TIME",
            help="The time of the first file: YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS.",
            show_default=START.isoformat(),
        ),
    ] = START,
    cadence_days: Annotated[
        tuple[int, int],
        typer.Option(
            metavar="MIN MAX",
            help="Days from one file to the next, at least and at most.",
            show_default="7 14",
        ),
    ] = CADENCE_DAYS,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Another seed makes other data; the same seed the same bytes.")
    ] = 0,
    workspace: Annotated[
        Path,
        typer.Option(metavar="DIR", envvar="SNAPSHOTTER_WORKSPACE", help="Write into DIR/input/processing."),
    ] = Path(),
    output: Annotated[Path | None, typer.Option(metavar="DIR", help="Write into DIR instead.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files of the same names.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say on stdout, as JSON, what was made.")] = False,
) -> None:
    """Write files of test data, ordered by date, into the queue of a workspace or into any folder."""
    if source not in SOURCES:
        raise UsageError(what=f"there is no source {source!r}", remedy=f"There is: {', '.join(SOURCES)}.")
    started = time.perf_counter()
    keys = usual_keys(rows) if keys is None else keys
    files = usual_files(rows) if files is None else files
    try:
        batches = SOURCES[source](rows=rows, keys=keys, files=files, start=start, cadence_days=cadence_days, seed=seed)
    except ValueError as error:
        raise UsageError(what=str(error), remedy="Nothing was written.") from error
    folder = _queue(workspace) if output is None else _existing(output)
    with _progress(rows) as progress:
        made = deliver(batches, folder, force=force, progress=progress)
    seconds = round(time.perf_counter() - started, 3)
    if as_json:
        summary = {"source": source, "seed": seed, "rows": made.rows, "keys": keys, "files": made.names}
        typer.echo(json.dumps(summary | {"bytes": made.size, "seconds": seconds, "folder": str(folder)}))
    else:
        typer.echo(_sentence(made, keys, folder, seconds), err=True)
    if batches[-1].at > datetime.now(UTC).replace(tzinfo=None):
        typer.echo(f"note: {made.names[-1]} lies in the future; see `max_future`", err=True)


def main() -> None:
    """Run the command, and turn what it raises into one line on stderr and an exit code."""
    try:
        code = app(standalone_mode=False) or 0
    except typer.TyperException as error:
        code = _report(error.exit_code, "UsageError", error.format_message(), "See --help.")
    except SnapshotterError as error:
        code = _report(error.code, error.name, error.message, error.remedy)
    except PoolChanged as error:
        code = _report(UsageError.code, "PoolChanged", str(error), "Install snapshotter again.")
    sys.exit(code)


def _report(code: int, name: str, message: str, hint: str) -> int:
    if "--json" in sys.argv:
        error = {"code": code, "name": name, "message": message, "hint": hint}
        typer.echo(json.dumps({"error": error}), err=True)
    else:
        typer.echo(f"error: {message.rstrip('.')}. {hint}", err=True)
    return code


def _queue(workspace: Path) -> Path:
    folder = workspace / "input" / "processing"
    if not _is_folder(folder):
        raise NoWorkspace(path=workspace, problem="it has no input/processing/, or it cannot be read")
    return folder


def _existing(output: Path) -> Path:
    if not _is_folder(output):
        raise UsageError(what=f"there is no folder {output}", remedy="Make it first, or name another one.")
    return output


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a folder above it may not be entered, or the name is too long
        return False


def _sentence(made: Delivery, keys: int, folder: Path, seconds: float) -> str:
    files = "1 file" if len(made.names) == 1 else f"{len(made.names):,} files"
    size = f"{made.size / 1e6:,.1f} MB"
    return f"{made.rows:,} rows over {keys:,} keys in {files} ({size}) in {folder}, made in {seconds:.2f} s"


@contextmanager
def _progress(rows: int) -> Iterator[Callable[[int], object]]:
    """A bar on stderr where that is a terminal; what is yielded is told how many rows were made."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Making test data", total=rows)
        yield lambda done: bar.advance(task, done)
