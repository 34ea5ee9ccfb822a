"""Which commands there are, and how one of them becomes an application."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from snapshotter.testdata import SOURCES
from snapshotter.testdata.cli.making import with_common_options
from snapshotter.testdata.cli.options import no_such

EPILOG = "EXIT STATUS: 0 done; 2 wrong usage, nothing was written; 18 the system refused to write; 130 interrupted."


@dataclass(frozen=True)
class Command:
    """A command: its name, and whether its first argument is a file that says what to make.

    Its module, of the same name in this package, has the text `HELP` and the function `command`.
    """

    name: str
    takes_file: bool = False


DEFAULT = Command("demo")
COMMANDS = {command.name: command for command in (DEFAULT, *map(Command, ("retail", "crm", "accounts", "shop")))}
# What a file that describes a source may end with, and the command for it.
DESCRIPTION = Command("description", takes_file=True)
SUFFIXES = dict.fromkeys((".yaml", ".yml", ".json"), DESCRIPTION)


def named(source: str) -> Command:
    """The command of a source.

    Raises:
        UsageError: there is none of this name.
    """
    found = COMMANDS.get(source) or SUFFIXES.get(Path(source).suffix.lower())
    if not found:
        raise no_such("source", source, COMMANDS)
    return found


def application(command: Command, *, general: bool) -> typer.Typer:
    """The command alone: no other source is loaded.

    Args:
        command: which.
        general: whether help is asked for and no source was named, so that it is to say which there are.
    """
    module = _module(command)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    register = app.command(
        help=_general() if general else module.HELP,
        epilog=EPILOG,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    register(with_common_options(module.command))
    return app


def _general() -> str:
    return f"""Write CSV files of test data, ordered by date, into the queue of a workspace or into any folder:
generate_test_data.py [SOURCE] [OPTIONS]. Without a SOURCE: {DEFAULT.name}, whose options these are.

The same arguments give the same bytes on any machine. A file that is there already with the same bytes is
left alone; one with other bytes is an error, unless --force is given.

\b
Sources (SOURCE --help has the options of each; --list the tables):
{chr(10).join(_summaries())}

\b
Examples:
  generate_test_data.py
  generate_test_data.py --rows 5000000 --keys 1000000 --output /tmp/big
  generate_test_data.py demo --files 3 --start 2024-01-01 --cadence-days 1 1 --json
"""


def _summaries() -> Iterator[str]:
    """One line for each source: the first of its help."""
    for name, command in COMMANDS.items():
        yield f"  {name:10}{_module(command).HELP.partition(chr(10))[0]}"


def _module(command: Command) -> Any:  # noqa: ANN401  (a module with HELP and command)
    return importlib.import_module(f"snapshotter.testdata.cli.{command.name}")


def listing(*, as_json: bool) -> None:
    """Say which sources there are, and the tables of each."""
    sources = [SOURCES[name]() for name in COMMANDS]
    if as_json:
        tables = [
            {"source": source.name, "says": source.says, "tables": [table.name for table in source.tables]}
            for source in sources
        ]
        typer.echo(json.dumps(tables))
        return
    for source in sources:
        typer.echo(f"{source.name:10}{source.says}")
        for table in source.tables:
            typer.echo(f"  {table.name:26}{table.says}".rstrip())
