"""The options that every command has, and what they set up."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snapshotter import logs
from snapshotter.errors import ConfirmationNeeded, UsageError, named_errors

if TYPE_CHECKING:
    from snapshotter.workspace import Workspace

_FORMAT = "{time:YYYY-MM-DDTHH:mm:ss.SSSZ} {level} {message} {extra}"

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="The workspace (default: SNAPSHOTTER_WORKSPACE, else the current folder).",
    ),
]
DatasetOption = Annotated[
    str | None,
    typer.Option("--dataset", metavar="NAME", help="The dataset (default: the only one, or `default`)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object or array on stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Print nothing but data and errors.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def open_workspace(path: Path | None) -> Workspace:
    """The workspace that a command is about; what works on it is loaded only now, and never for a help text."""
    from snapshotter.workspace import Workspace

    return Workspace(path)


def exit_status(*more: str) -> str:
    """The EXIT STATUS section of a command's help; the backspace in front keeps its lines as they are."""
    lines = ["  0   done, also when there was nothing to do", *more, "  2   wrong usage or configuration"]
    lines += [f"  {error.code}  {error.__name__}" for error in named_errors() if error.code >= 10]
    lines += ["  130 interrupted (Ctrl-C); what was committed is safe"]
    return "\n".join(["\b", "EXIT STATUS", *lines])


def set_up_logs() -> None:
    """Send logs to stderr, from the level of SNAPSHOTTER_LOG_LEVEL on; without it there are only warnings.

    Raises:
        UsageError: there is no such level.
    """
    level = os.environ.get("SNAPSHOTTER_LOG_LEVEL", "WARNING").upper()
    if level not in logs.LEVELS:
        raise UsageError(what=f"SNAPSHOTTER_LOG_LEVEL={level} is no level", remedy=f"Levels: {', '.join(logs.LEVELS)}.")

    def set_up() -> None:
        from loguru import logger

        logger.remove()
        logger.add(sys.stderr, level=level, format=_FORMAT)
        logger.enable("snapshotter")

    logs.at_first_use(set_up, level)


def log_to_file(path: Path, *, alone: bool) -> None:
    """Send logs to a file that is replaced when it is large; five old ones are kept.

    Args:
        path: the file.
        alone: whether they no longer go to stderr.
    """
    from loguru import logger

    logs.ready()
    if alone:
        logger.remove()
    level = os.environ.get("SNAPSHOTTER_LOG_LEVEL", "INFO").upper()
    # Never the values of variables (diagnose): they may be cells.
    logger.add(path, level=level, format=_FORMAT, rotation="10 MB", retention=5, diagnose=False, backtrace=False)


def confirm(command: str, question: str, *, yes: bool) -> None:
    """Ask before something is taken back.

    Raises:
        ConfirmationNeeded: the answer was no, or there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty() or not typer.confirm(question, err=True):
        raise ConfirmationNeeded(command=command)
