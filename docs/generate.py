#!/usr/bin/env python3
"""Write the parts of README.md that the code decides: the tables of commands, of options and of exit codes.

`make docs` runs it; a test fails where README.md says something else than this would write.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from typer.main import get_command

from snapshotter.cli.commands import app
from snapshotter.errors import named_errors

README = Path(__file__).resolve().parents[1] / "README.md"


def commands_table() -> str:
    """Every command with its own arguments and options, then every option and what it means."""
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    shared = [names for (names, _), users in _options(commands).items() if len(users[1]) > len(commands) / 2]
    lines = ["| command | does |", "|---|---|"]
    for name, command in commands.items():
        own = [_usage(parameter) for parameter in command.params if _names(parameter) not in shared]
        synopsis = " ".join([name, *own])
        lines.append(f"| `{synopsis}` | {_cell(command.help.splitlines()[0])} |")
    lines += ["", "| option | means | commands |", "|---|---|---|"]
    for (names, _), (parameter, users) in _options(commands).items():
        metavar = f" {parameter.metavar}" if parameter.metavar else ""
        missing = [name for name in commands if name not in users]
        where = ", ".join(f"`{name}`" for name in users)
        if names in shared:
            where = "all but " + ", ".join(f"`{name}`" for name in missing) if missing else "all"
        lines.append(f"| `{', '.join(names)}{metavar}` | {_cell(parameter.help)} | {where} |")
    lines.append("| `--help, -h` | Show how a command is used, with an example and its exit codes. | all |")
    return "\n".join(lines)


def exit_codes_table() -> str:
    """Every exit code: the three that are no errors of their own, and the named errors."""
    lines = ["| code | name | when |", "|---|---|---|", "| 0 | | Done, also when there was nothing to do. |"]
    lines += ["| 1 | | Done, but a file or a row was rejected; `check`: something is wrong. |"]
    for error in named_errors():
        assert error.__doc__ is not None
        lines.append(f"| {error.code} | `{error.__name__}` | {_cell(error.__doc__.splitlines()[0])} |")
    return "\n".join([*lines, "| 130 | `Interrupted` | Stopped by Ctrl-C. |"])


def generated(text: str) -> str:
    """A README's text with its generated parts as the code says them now."""
    for name, part in (("commands", commands_table()), ("exit codes", exit_codes_table())):
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"README.md lacks the markers {begin} and {end}")
        text = f"{before}{begin}\n{part}\n{end}{after}"
    return text


def _options(commands: dict[str, Any]) -> dict[tuple[tuple[str, ...], str], tuple[Any, list[str]]]:
    """Every option: its names and its help, one parameter that has it, and the commands that do."""
    found: dict[tuple[tuple[str, ...], str], tuple[Any, list[str]]] = {}
    for name, command in commands.items():
        for parameter in command.params:
            if parameter.param_type_name == "option":
                found.setdefault((_names(parameter), parameter.help), (parameter, []))[1].append(name)
    return dict(sorted(found.items()))


def _names(parameter: Any) -> tuple[str, ...]:  # noqa: ANN401 - a class of typer's that has no public name
    return tuple(parameter.opts)


def _usage(parameter: Any) -> str:  # noqa: ANN401 - as above
    """A parameter as it stands in a line of usage."""
    if parameter.param_type_name == "argument":
        usage = parameter.metavar
    else:
        usage = " ".join([parameter.opts[0], *([parameter.metavar] if parameter.metavar else [])])
    return usage if parameter.required or usage.startswith("[") else f"[{usage}]"


def _cell(text: str) -> str:
    """A text as the cell of a Markdown table."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


if __name__ == "__main__":
    README.write_text(generated(README.read_text("utf-8")), "utf-8")
