"""The application that the commands belong to."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated

import typer

from snapshotter.cli.options import exit_status

if TYPE_CHECKING:
    from typer.core import TyperCommand

HELP_OPTIONS = ["--help", "-h"]

# In the order in which `--help` lists them, and the module of each: for one command no other's is loaded.
HOMES = dict.fromkeys(("run", "reset", "withdraw", "rebuild", "prune", "clean"), "changing")
HOMES |= {"init": "starting", "watch": "watching"}
HOMES |= dict.fromkeys(("status", "snapshots", "show", "diff", "history", "files", "rejects", "check"), "asking")

REJECTED = "  1   done, but a file or a row was rejected"

app = typer.Typer(
    name="snapshotter",
    help="Drop CSV files into a folder; get one latest.csv that is always right, that says where each row came from, "
    "and that can go back. Without a command: run.",
    epilog=exit_status(REJECTED),
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=False,
    context_settings={"help_option_names": HELP_OPTIONS},
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _top(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from snapshotter import __version__

        typer.echo(__version__)
        raise typer.Exit


def one(name: str) -> TyperCommand:
    """A command alone: the application asks for all of them, and takes four times as long."""
    from typer.main import get_command_from_info

    importlib.import_module(f"snapshotter.cli.{HOMES[name]}")
    info = next(info for info in app.registered_commands if info.callback and info.callback.__name__ == name)
    return get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None)  # type: ignore[return-value]
