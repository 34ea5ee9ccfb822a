"""The command line of `generate_test_data.py`: one command for each source, in a module of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
from types import FrameType

import typer

from snapshotter.errors import SnapshotterError, UsageError
from snapshotter.testdata.cli.commands import DEFAULT, application, listing, named
from snapshotter.testdata.pools import PoolChanged

__all__ = ["main"]

_TERMINATED = 128 + signal.SIGTERM


def main() -> None:
    """Run the command, and turn what it raises into one line on stderr and an exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    arguments = sys.argv[1:]
    try:
        code = _run(arguments)
    except typer.TyperException as error:
        code = _report(error.exit_code, "UsageError", error.format_message(), "See --help.")
    except SnapshotterError as error:
        code = _report(error.code, error.name, error.message, error.remedy)
    except PoolChanged as error:
        code = _report(UsageError.code, "PoolChanged", str(error), "Install snapshotter again.")
    except SystemExit as end:
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        _forget_stdout()  # typer's answer to a closed pipe: whoever read our output has seen enough
        code = 0
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    source, options = (arguments[0], arguments[1:]) if arguments[:1] and arguments[0][0:1] != "-" else ("", arguments)
    if "--list" in arguments:
        listing(as_json="--json" in arguments)
        return 0
    command = named(source) if source else DEFAULT
    if command.takes_file:
        options = [source, *options]
    app = application(command, general=not source)
    name = " ".join(["generate_test_data.py", *[command.name] * bool(source and not command.takes_file)])
    return app(_with_values(options), prog_name=name, standalone_mode=False) or 0


def _with_values(options: list[str]) -> list[str]:
    """The options, with a value for each `--describe`: the file that follows it, or `-` where none does."""
    found: list[str] = []
    for option in options:
        if found and found[-1] == "--describe" and not option.startswith("-"):
            found[-1] = f"--describe={option}"
        else:
            found.append(option)
    return ["--describe=-" if option == "--describe" else option for option in found]


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """End like Ctrl-C does, so that what was begun is taken away."""
    raise SystemExit(_TERMINATED)


def _forget_stdout() -> None:
    """What is still to be written has no reader; Python would say so at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(code: int, name: str, message: str, hint: str) -> int:
    if "--json" in sys.argv:
        error = {"code": code, "name": name, "message": message, "hint": hint}
        typer.echo(json.dumps({"error": error}), err=True)
    else:
        typer.echo(f"error: {message.rstrip('.')}. {hint}", err=True)
    return code
