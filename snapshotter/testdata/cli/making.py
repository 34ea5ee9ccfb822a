"""From a planned source to files, and to what is said about them: the same for every command."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from snapshotter.errors import NotWritten, NoWorkspace, UsageError
from snapshotter.testdata.batch import Batch
from snapshotter.testdata.cli import saying, soiling
from snapshotter.testdata.cli.options import (
    ConfigOption,
    DescribeOption,
    DirtyOption,
    ForceOption,
    FormatName,
    FormatOption,
    JsonOption,
    ListOption,
    OutputOption,
    TableOption,
    ThreadsOption,
    TruthOption,
    WaveOption,
    WorkspaceOption,
    no_such,
)
from snapshotter.testdata.cli.planned import Planned, Running
from snapshotter.testdata.cli.running import run
from snapshotter.testdata.contracts import config
from snapshotter.testdata.delivery import Delivery, deliver
from snapshotter.testdata.formats import FORMATS
from snapshotter.testdata.making import keep_memory
from snapshotter.testdata.source import Source
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
    dirty: DirtyOption = 0,
    wave: WaveOption = 1,
    truth: TruthOption = None,
    describe: DescribeOption = None,
    force: ForceOption = False,
    listed: ListOption = False,  # noqa: ARG001  (answered before a source is planned)
    as_json: JsonOption = False,
) -> None:
    source = _only(planned.source, table)
    if describe is not None:
        _describe(source, describe, force=force, as_json=as_json)
        return
    if table and planned.goes_on:
        raise UsageError(what="--table makes a part of a day, and append goes on after it", remedy="Make all of it.")
    keep_memory()
    if planned.running:
        _refuse_to_run({"--output -": str(output) == STDOUT, "--dirty": dirty, "--truth": truth, "--wave": wave > 1})
        folder = _place(workspace, output, form)
        beside = {(output or workspace) / CONFIG: config(source.tables).encode()} if with_config else {}

        def write(batches: list[Batch]) -> Delivery:
            form_of = FORMATS[form]
            made = deliver(batches, source.tables, folder, form=form_of, beside=beside, force=force, threads=threads)
            beside.clear()  # it came with the first batch
            return made

        run(planned, planned.running, functools.partial(_planned, table), write, folder, as_json=as_json)
        return
    if str(output) == STDOUT:
        others = {"--with-config": with_config, "--json": as_json, "--dirty": dirty, "--truth": truth}
        _refuse_for_stdout(source, form, others)
        with saying.progress(source.rows, shown=not sys.stdout.isatty()) as progress:
            stream(source.batches(), sys.stdout.buffer, threads=threads, progress=progress)
        return
    _refuse_for_parquet(form, {"--dirty": dirty, "--truth": truth})
    soiled = _soiled(planned, source, dirty, wave, truth)
    tables, batches = (soiled.tables, soiled.batches()) if soiled else (source.tables, source.batches())
    folder = _place(workspace, output, form)
    place = (output or workspace) / CONFIG
    beside = {place: config(tables).encode()} if with_config else {}
    with saying.progress(source.rows) as progress:
        made = deliver(
            batches, tables, folder, form=FORMATS[form], beside=beside, force=force, threads=threads, progress=progress
        )
    if soiled and truth:
        soiling.put_truth(soiled, truth, form)
    with _sentences_as_errors("The files are delivered."):
        more = dict(planned.finish(table is None and wave == 1)) | ({"config": str(place)} if with_config else {})
    seconds = round(time.perf_counter() - started, 3)
    if as_json:
        waves = {"wave": wave, "waves": len(soiled.waves)} if soiled and dirty else {}
        typer.echo(saying.as_json(planned, made, folder, seconds, more | waves))
    else:
        typer.echo(saying.sentence(planned, made, folder, seconds), err=True)
        for note in [*planned.notes(), *(soiled.notes() if soiled else ())]:
            typer.echo(note, err=True)
    saying.warn_of_the_future(made)


def _soiled(planned: Planned, source: Source, dirty: float, wave: int, truth: Path | None) -> soiling.Dirty | None:
    """The source with dirt in it, or one whose truth is to be told; None if it is plain."""
    if not (dirty or truth or wave > 1):
        return None
    if wave > 1 and planned.goes_on:
        raise UsageError(what=f"--wave {wave} is of this day, and append makes the next one", remedy="Begin anew.")
    if truth:
        _existing(truth.absolute().parent)
    return soiling.soiled(source, dirty, wave, planned.facts.get("seed", 0))


@contextlib.contextmanager
def _sentences_as_errors(done: str = "Nothing was written.") -> Iterator[None]:
    """What a source refuses it says in a sentence."""
    try:
        yield
    except ValueError as error:
        raise UsageError(what=str(error), remedy=done) from error
    except OSError as error:
        raise NotWritten(path=error.filename or "", problem=error.strerror or error) from error


def _planned(table: str | None, running: Running) -> Source:
    """What is wanted of a source that runs."""
    with _sentences_as_errors():
        return _only(running.plan(), table)


def _only(source: Source, table: str | None) -> Source:
    """The source with one of its tables alone, if one is named."""
    if table is None:
        return source
    names = [found.name for found in source.tables]
    if table not in names:
        raise no_such("table", table, names)
    return source.only(table)


def _refuse_for_stdout(source: Source, form: FormatName, options: Mapping[str, object]) -> None:
    if len(source.tables) > 1:
        raise UsageError(
            what=f"stdout takes one table, and {source.name} has {len(source.tables)}",
            remedy=f"Name one with --table: {', '.join(table.name for table in source.tables)}.",
        )
    for option, asked in {f"--format {form}": form != FormatName.CSV, **options}.items():
        if asked:
            what = f"{option} does not go with --output -, which puts CSV on stdout and nothing else"
            raise UsageError(what=what, remedy="Name a folder with --output.")


def _refuse_to_run(options: Mapping[str, object]) -> None:
    for option, asked in options.items():
        if asked:
            raise UsageError(
                what=f"{option} does not go with a source that runs until it is stopped",
                remedy="Say --files N, too, to have N batches at once.",
            )


def _refuse_for_parquet(form: FormatName, options: Mapping[str, object]) -> None:
    for option, asked in options.items():
        if form == FormatName.PARQUET and asked:
            raise UsageError(what=f"{option} is about CSV files, not Parquet", remedy="Name another --format.")


def _place(workspace: Path, output: Path | None, form: FormatName) -> Path:
    return _queue(workspace, form) if output is None else _existing(output)


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
