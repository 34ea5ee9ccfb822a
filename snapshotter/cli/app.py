"""The application that the commands belong to."""

from __future__ import annotations

from typing import Annotated

import typer

from snapshotter.cli.options import exit_status

REJECTED = "  1   done, but a file or a row was rejected"

app = typer.Typer(
    name="snapshotter",
    help="Drop CSV files into a folder; get one latest.csv that is always right, that says where each row came from, "
    "and that can go back. Without a command: run.",
    epilog=exit_status(REJECTED),
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _top(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from snapshotter import __version__

        typer.echo(__version__)
        raise typer.Exit
