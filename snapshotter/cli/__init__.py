"""The command line: commands, printing and exit codes. The only part that prints, and that ends the process."""

from __future__ import annotations

import atexit
import gc
import json
import sys
from collections.abc import Sequence
from typing import Any

from snapshotter.errors import NotWritten, SnapshotterError

# Objects after which Python looks for cycles. What a command loads and makes stays until its end, and nearly none of
# it is a cycle: at the default of 700, looking through it again and again takes up to a tenth of a run.
_OBJECTS = 100_000
_OWN_OPTIONS = {"--help", "-h", "--version"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process with its exit code; without a command, `run`."""
    gc.set_threshold(_OBJECTS)
    atexit.register(_leave)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in _OWN_OPTIONS):
        arguments.insert(0, "run")
    sys.exit(_run(arguments))


def _leave() -> None:
    """Spare a short command the interpreter's last collection: a tenth of its time, for memory that goes anyway.

    Not where compiled code may want it: DuckDB's looks at the end for what is left, and prints that as a leak.
    """
    extension = sys.modules.get("snapshotter.extension")
    if "duckdb" not in sys.modules and not (extension and extension.is_used()):
        gc.freeze()


def _run(arguments: list[str]) -> int:  # noqa: PLR0911 - one for each kind of end
    """The one translator from errors to exit codes."""
    import typer

    from snapshotter.cli.app import HELP_OPTIONS, HOMES, one
    from snapshotter.cli.options import set_up_logs

    as_json = "--json" in arguments
    try:
        set_up_logs()
        if arguments[0] in HOMES:
            name = f"snapshotter {arguments[0]}"
            result = one(arguments[0]).main(
                arguments[1:], prog_name=name, standalone_mode=False, help_option_names=HELP_OPTIONS
            )
        else:
            from snapshotter.cli.commands import app

            result = app(arguments, prog_name="snapshotter", standalone_mode=False)
    except SnapshotterError as error:
        _report(as_json, error.code, error.name, error.message, error.remedy)
        return error.code
    except typer.Abort:
        _report(as_json, 130, "Aborted", "stopped; nothing was changed", "")
        return 130
    except typer.TyperException as error:
        hint = "See `snapshotter --help`, or `snapshotter COMMAND --help`."
        _report(as_json, 2, "UsageError", error.format_message(), hint)
        return 2
    except OSError as error:  # from below everything that has a name for it: a file or a disk that failed
        problem = f"{error.filename or 'a file'}: {error.strerror or error}"
        _report(as_json, NotWritten.code, NotWritten.__name__, problem, NotWritten.hint)
        return NotWritten.code
    except KeyboardInterrupt:
        hint = "What was committed is safe; the rest still waits in the queue. Run again to go on."
        _report(as_json, 130, "Interrupted", "stopped", hint)
        return 130
    except SystemExit as end:  # typer's answer to a closed pipe: whoever read our output has seen enough
        return 0 if isinstance(end.__context__, BrokenPipeError) else int(end.code or 0)
    return int(result or 0)


def _report(as_json: bool, code: int, name: str, message: str, hint: str) -> None:
    if as_json:
        error: dict[str, Any] = {"code": code, "name": name, "message": message, "hint": hint}
        print(json.dumps({"error": error}, ensure_ascii=False), file=sys.stderr)
    else:
        from snapshotter.cli.printing import say

        say(f"error: {message}", *([f"  {hint}"] if hint else []))
