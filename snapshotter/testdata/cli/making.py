"""From a planned source to files, and to what is said about them: the same for every command."""

from __future__ import annotations

import contextlib
import inspect
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

from snapshotter.errors import NoWorkspace, UsageError
from snapshotter.testdata.batch import Batch
from snapshotter.testdata.cli import saying
from snapshotter.testdata.cli.options import (
    ConfigOption,
    DescribeOption,
    ForceOption,
    FormatName,
    FormatOption,
    JsonOption,
    ListOption,
    OutputOption,
    TableOption,
    ThreadsOption,
    WorkspaceOption,
    no_such,
)
from snapshotter.testdata.cli.planned import Planned
from snapshotter.testdata.contracts import config
from snapshotter.testdata.delivery import deliver
from snapshotter.testdata.formats import FORMATS
from snapshotter.testdata.making import keep_memory
from snapshotter.testdata.source import Source, Table
from snapshotter.testdata.streaming import stream

CONFIG = "snapshotter.toml"
STDOUT = "-"


def with_common_options(command: Callable[..., Planned]) -> Callable[..., None]:
    """A command that plans a source, as one that makes it and has the options for that, too."""
    own, common = (inspect.signature(function, eval_str=True).parameters for function in (command, _make))
    shared = [parameter for parameter in common.values() if parameter.kind is parameter.KEYWORD_ONLY]
    parameters = [*own.values(), *shared]

    def both(**values: Any) -> None:  # noqa: ANN401  (typer checks them by the signature below)
        started = time.perf_counter()
        with _sentences_as_errors():
            planned = command(**{name: values.pop(name) for name in own})
        _make(planned, started, **values)

    both.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    both.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return both


def _make(
    planned: Planned,
    started: float,
    *,
    workspace: WorkspaceOption = Path(),
    output: OutputOption = None,
    form: FormatOption = FormatName.CSV,
    table: TableOption = None,
    threads: ThreadsOption = None,
    with_config: ConfigOption = False,
    describe: DescribeOption = None,
    force: ForceOption = False,
    listed: ListOption = False,  # noqa: ARG001  (answered before a source is planned)
    as_json: JsonOption = False,
) -> None:
    source = planned.source
    if describe is not None:
        _describe(source, describe, force=force, as_json=as_json)
        return
    keep_memory()
    tables = _chosen(source, table)
    batches = _of(tables, source)
    rows = source.rows if table is None else 0
    if str(output) == STDOUT:
        _refuse_for_stdout(source, tables, form, with_config=with_config, as_json=as_json)
        with saying.progress(rows, shown=not sys.stdout.isatty()) as progress:
            stream(batches, sys.stdout.buffer, threads=threads, progress=progress)
        return
    folder = _queue(workspace, form) if output is None else _existing(output)
    place = (output or workspace) / CONFIG
    beside = {place: config(tables).encode()} if with_config else {}
    with saying.progress(rows) as progress:
        made = deliver(
            batches, tables, folder, form=FORMATS[form], beside=beside, force=force, threads=threads, progress=progress
        )
    seconds = round(time.perf_counter() - started, 3)
    if as_json:
        typer.echo(saying.as_json(planned, made, folder, seconds, place if with_config else None))
    else:
        typer.echo(saying.sentence(planned, made, folder, seconds), err=True)
    saying.warn_of_the_future(made)


@contextlib.contextmanager
def _sentences_as_errors() -> Iterator[None]:
    """What a source refuses it says in a sentence."""
    try:
        yield
    except ValueError as error:
        raise UsageError(what=str(error), remedy="Nothing was written.") from error


def _chosen(source: Source, table: str | None) -> tuple[Table, ...]:
    names = {found.name: found for found in source.tables}
    if table is None:
        return source.tables
    if table not in names:
        raise no_such("table", table, names)
    return (names[table],)


def _of(tables: Iterable[Table], source: Source) -> Iterator[Batch]:
    wanted = {table.name for table in tables}
    return (batch for batch in source.batches() if batch.table in wanted)


def _refuse_for_stdout(
    source: Source, tables: tuple[Table, ...], form: FormatName, *, with_config: bool, as_json: bool
) -> None:
    if len(tables) > 1:
        raise UsageError(
            what=f"stdout takes one table, and {source.name} has {len(tables)}",
            remedy=f"Name one with --table: {', '.join(table.name for table in tables)}.",
        )
    options = {f"--format {form}": form != FormatName.CSV, "--with-config": with_config, "--json": as_json}
    for option, asked in options.items():
        if asked:
            what = f"{option} does not go with --output -, which puts CSV on stdout and nothing else"
            raise UsageError(what=what, remedy="Name a folder with --output.")


def _queue(workspace: Path, form: FormatName) -> Path:
    if form == FormatName.PARQUET:
        raise UsageError(
            what="a queue takes CSV files, packed or not, and no Parquet",
            remedy="Name another folder with --output, or another --format.",
        )
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


def _describe(source: Source, where: str, *, force: bool, as_json: bool) -> None:
    """Show the source, or draw it into a file."""
    from snapshotter.testdata import picture

    if where != STDOUT and not where.endswith(".svg"):
        raise UsageError(
            what=f"--describe draws SVG, and {where} does not end in .svg",
            remedy="Name it FILE.svg. A source stands before its options.",
        )
    surveyed = picture.survey(source)
    if where != STDOUT:
        from snapshotter.testdata.drawing import as_svg

        path = Path(where)
        deliver([], (), _existing(path.parent), beside={path: as_svg(surveyed).encode()}, force=force)
    elif as_json:
        saying.put_json(picture.as_json(surveyed))
    else:
        saying.put_picture(picture.as_text(surveyed))
