"""`init`: make a workspace; propose a configuration for sample files; render a template."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snapshotter.cli import printing
from snapshotter.cli.app import app
from snapshotter.cli.options import JsonOption, QuietOption, WorkspaceOption, exit_status
from snapshotter.errors import UsageError

if TYPE_CHECKING:
    from snapshotter.starting.answers import InitResult

_FORMS = ("toml", "odcs")


@app.command(epilog=exit_status())
def init(
    samples: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE…]", help="Sample files: propose a configuration for them.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Write the proposed configuration there (-: print it) and make no workspace.",
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORM", help="toml, or odcs: the columns as an Open Data Contract Standard file."
        ),
    ] = "toml",
    template: Annotated[
        str | None,
        typer.Option("--template", metavar="NAME", help="Make it from a template: one of the project, or a folder."),
    ] = None,
    var: Annotated[
        list[str] | None,
        typer.Option("--var", metavar="NAME=VALUE", help="A variable of the template; may stand several times."),
    ] = None,
    list_templates: Annotated[
        bool, typer.Option("--list-templates", help="List the templates and their variables.")
    ] = False,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Make a workspace: its folders, and a snapshotter.toml: commented defaults, a proposal, or from a template.

    Example: snapshotter init --workspace sales samples/sales-*.csv
    """
    _refuse_contradictions(samples, output, template, var, json=json, list_templates=list_templates)
    if form not in _FORMS or (form != "toml" and not samples):
        what = f"--format {form} {'without sample files' if form in _FORMS else 'is no format'}; nothing was made"
        raise UsageError(what=what, remedy="Formats: toml, odcs; of what is proposed for sample files.")
    if list_templates:
        return _list_templates(json=json)
    from snapshotter import starting

    folder = Path(workspace or os.environ.get("SNAPSHOTTER_WORKSPACE") or ".")
    if samples:
        result = starting.init_from_samples(folder, samples, datetime.now(UTC), output=output or "", form=form)
    elif template:
        result = starting.init_from_template(folder, template, _variables(var or []))
    else:
        result = starting.init(folder)
    if json:
        printing.as_json(result)
    elif output == "-":
        print(result.odcs or result.toml, end="")
    if not (json or quiet):
        _tell(result)
    return 0


def _refuse_contradictions(
    samples: list[Path] | None,
    output: str | None,
    template: str | None,
    var: list[str] | None,
    *,
    json: bool,
    list_templates: bool,
) -> None:
    contradictions = [
        (samples and template, "sample files and --template", "Either propose from files, or render a template."),
        (output is not None and not samples, "--output without sample files", "Name the files to propose from."),
        (output == "", "--output without a name", "Name a file, or - to print it."),
        (output == "-" and json, "--output - and --json", "--json prints the text as well, as `toml`."),
        (var and not template, "--var without --template", "Name the template that it is for."),
        (list_templates and (samples or template), "--list-templates and something to make", "Ask for one of them."),
    ]
    for is_there, what, remedy in contradictions:
        if is_there:
            raise UsageError(what=f"{what} make no sense together; nothing was made", remedy=remedy)


def _variables(given: list[str]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name in variables:
            problem = "has no =" if not equals else "is given twice"
            raise UsageError(
                what=f"--var {name}: {problem}; nothing was made", remedy="Say --var NAME=VALUE, once each."
            )
        variables[name] = value
    return variables


def _list_templates(*, json: bool) -> int:
    from snapshotter.starting.templates import templates

    found = templates()
    if json:
        printing.as_json(found)
        return 0
    rows = []
    for template in found:
        asks = [v.name if v.default is None else f"[{v.name}={v.default}]" for v in template.variables]
        rows.append((template.name, template.description, " ".join(asks)))
    printing.table(["template", "makes", "variables"], rows)
    return 0


def _tell(result: InitResult) -> None:
    proposal = result.proposal
    if proposal is not None:
        key = ", ".join(proposal.key)
        printing.say(f"proposed from {proposal.rows:,} rows: key {key}; timestamp {proposal.timestamp}")
        about = [f"{column.name}: {note}" for column in proposal.columns for note in column.notes]
        printing.say(*(f"  unsure    {note}" for note in (*proposal.notes, *about)))
    if proposal is None or result.made:
        printing.say(f"made {', '.join(result.made) or 'nothing: it was all there'}")
    if proposal is None:
        printing.say("drop files into input/processing/, then: snapshotter run")
    elif result.made:
        printing.say("read snapshotter.toml, drop files into input/processing/, then: snapshotter run")
