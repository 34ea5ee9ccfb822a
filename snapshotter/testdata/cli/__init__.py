"""The command line of `generate_test_data.py`: one command for each source, in a module of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from snapshotter.errors import SnapshotterError, UsageError
from snapshotter.testdata.cli.commands import COMMANDS, DEFAULT, application, listing, named
from snapshotter.testdata.description import WrongDescription
from snapshotter.testdata.pools import PoolChanged

__all__ = ["main"]

_HELP = {"--help", "-h"}


def main() -> None:
    """Run the command, and turn what it raises into one line on stderr and an exit code."""
    with _ending_in_order():
        code = _translated(sys.argv[1:])
    sys.exit(code)


def _translated(arguments: list[str]) -> int:
    """The one translator from errors to exit codes."""
    try:
        return _run(arguments)
    except typer.TyperException as error:
        order = "" if COMMANDS.keys().isdisjoint(arguments[1:]) else "A source stands before its options. "
        return _report(error.exit_code, "UsageError", error.format_message(), f"{order}See --help.")
    except SnapshotterError as error:
        return _report(error.code, error.name, error.message, error.remedy)
    except (PoolChanged, WrongDescription) as error:  # the latter where it showed only when rows were made
        changed = isinstance(error, PoolChanged)
        name, hint = (
            ("PoolChanged", "Install snapshotter again.") if changed else ("UsageError", "Nothing was written.")
        )
        return _report(UsageError.code, name, str(error), hint)
    except BrokenPipeError:  # whoever reads our output has seen enough
        return _forget_stdout()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # typer's answer to it
            return _forget_stdout()
        raise


def _run(arguments: list[str]) -> int:
    if "--list" in arguments:
        listing(as_json="--json" in arguments)
        return 0
    program = "generate_test_data.py"
    if not arguments or arguments[0].startswith("-"):
        app = application(DEFAULT, general=not _HELP.isdisjoint(arguments))
    else:
        command = named(arguments[0])
        app = application(command, general=False)
        if not command.takes_file:
            program, arguments = f"{program} {command.name}", arguments[1:]
    return app(_with_values(arguments), prog_name=program, standalone_mode=False) or 0


def _with_values(options: list[str]) -> list[str]:
    """The options, with a value for each `--describe`: the file that follows it, or `-` where none does."""
    found: list[str] = []
    for option in options:
        if found and found[-1] == "--describe" and not option.startswith("-"):
            found[-1] = f"--describe={option}"
        else:
            found.append(option)
    return ["--describe=-" if option == "--describe" else option for option in found]


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let the signals that end a program do it like Ctrl-C does, so that what was begun is taken away."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    ending = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in ending:  # not under nohup, which has one of them ignored
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ending:
            signal.signal(number, signal.SIG_DFL)


def _forget_stdout() -> int:
    """What is still to be written has no reader; Python would say so at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _report(code: int, name: str, message: str, hint: str) -> int:
    if "--json" in sys.argv:
        error = {"code": code, "name": name, "message": message, "hint": hint}
        typer.echo(json.dumps({"error": error}), err=True)
    else:
        typer.echo(f"error: {message.rstrip('.')}. {hint}", err=True)
    return code
