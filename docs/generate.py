#!/usr/bin/env python3
"""Write the parts of the documentation that the code decides.

In README.md the tables of commands, of options and of exit codes; in docs/testdata.md what a description may say.
`make docs` runs it; a test fails where a page says something else than this would write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from typer.main import get_command

from snapshotter.cli.commands import app
from snapshotter.errors import named_errors
from snapshotter.testdata.description.kinds import KINDS, Kind
from snapshotter.testdata.description.model import Changes, Description, Duplicates, MistakesSaid, Per, TableSaid

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
TEST_DATA = ROOT / "docs" / "testdata.md"
_MODELS = {
    "the description": Description,
    "a table": TableSaid,
    "`rows` of a table": Per,
    "`changes` of a table": Changes,
    "`duplicates` of a table": Duplicates,
    "`mistakes` of a table": MistakesSaid,
}


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


def kinds_table() -> str:
    """Every kind of column that a description can name: an example, what it makes, and its options."""
    lines = ["| example | makes | given | options |", "|---|---|---|---|"]
    common = {name: field.description for name, field in Kind.model_fields.items()}
    for name, kind in KINDS.items():
        assert kind.__doc__ is not None
        options = {option: field.description for option, field in kind.model_fields.items() if option not in common}
        given = options.pop(name) or ""
        does = kind.__doc__.splitlines()[0].rstrip(".")
        lines.append(f"| `{kind.example}` | {_cell(does)} | {_cell(given)} | {_listed(options)} |")
    return "\n".join([*lines, f"| each of them | | | {_listed(common)} |"])


def _listed(options: Mapping[str, str | None]) -> str:
    return _cell("; ".join(f"`{name}`: {says}" for name, says in options.items()))


def keys_table() -> str:
    """Every key of a description, of a table in it, and of what changes."""
    lines = ["| where | key | means |", "|---|---|---|"]
    for where, model in _MODELS.items():
        for name, field in model.model_fields.items():
            default = field.default if isinstance(field.default, str | int | float) else ""
            usual = f" (`{str(default).lower() if default is False else default}`)" if default != "" else ""
            lines.append(f"| {where} | `{name}` | {_cell(field.description or '')}{usual} |")
    return "\n".join(lines)


def generated(text: str) -> str:
    """README's text with its generated parts as the code says them now."""
    return _with_parts(text, {"commands": commands_table, "exit codes": exit_codes_table})


def generated_test_data(text: str) -> str:
    """The same of the page on test data."""
    return _with_parts(text, {"keys": keys_table, "kinds": kinds_table})


def _with_parts(text: str, parts: Mapping[str, Callable[[], str]]) -> str:
    for name, make in parts.items():
        part = make()
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"the page lacks the markers {begin} and {end}")
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
    TEST_DATA.write_text(generated_test_data(TEST_DATA.read_text("utf-8")), "utf-8")
