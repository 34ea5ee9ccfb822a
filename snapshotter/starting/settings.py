"""A proposal as settings of a dataset, and as a commented `snapshotter.toml`."""

from __future__ import annotations

from typing import Any

from snapshotter.config import DatasetConfig
from snapshotter.contract.columns import fold
from snapshotter.contract.likeness import plain
from snapshotter.starting import toml
from snapshotter.starting.answers import Proposal, ProposedColumn

_COMMENTS_AT = 46  # where comments behind settings begin


def settings_of(proposal: Proposal) -> dict[str, Any]:
    """What stands under `[datasets.NAME]`, defaults left out; `DatasetConfig.model_validate` takes it."""
    found: dict[str, Any] = {}
    if proposal.match != "*.csv*":
        found["match"] = proposal.match
    found |= {"key": list(proposal.key), "timestamp": proposal.timestamp}
    if proposal.timestamp_formats:
        found["timestamp_formats"] = list(proposal.timestamp_formats)
    defaults = {"max_future": "1d", "batch_time": "", "delimiter": "auto"}
    found |= {name: said for name, default in defaults.items() if (said := getattr(proposal, name)) != default}
    if proposal.encodings != ("utf-8",):
        found["encodings"] = list(proposal.encodings)
    declared = {column.name: _column(column, proposal) for column in proposal.columns}
    return found | {"columns": {name: said for name, said in declared.items() if said is not None}}


def _column(column: ProposedColumn, proposal: Proposal) -> dict[str, Any] | None:
    """The settings of a column; None if it need not be declared."""
    said: dict[str, Any] = {}
    if column.type != "string":
        said["type"] = column.type
    if column.nullable is not None:
        said["nullable"] = column.nullable
    if not column.required and fold(column.name) != fold(proposal.timestamp):
        said["required"] = False
    if column.aliases:
        said["aliases"] = list(column.aliases)
    # Where columns come and go, or are spelled alike, an undeclared one could be taken for another by its name.
    is_clear = all(other.required for other in proposal.columns) and not _has_double(column, proposal)
    return said if said or not is_clear else None


def _has_double(column: ProposedColumn, proposal: Proposal) -> bool:
    return sum(plain(other.name) == plain(column.name) for other in proposal.columns) > 1


def text_of(proposal: Proposal, contract: str = "") -> str:
    """The proposal as a commented `snapshotter.toml`; nothing out of a file can break out of a string or comment.

    Args:
        proposal: what was found out.
        contract: the file that holds the columns, if they are not to stand here.
    """
    settings = settings_of(proposal)
    columns = settings.pop("columns")
    settings |= {"contract": contract} if contract else {}
    rows = f"{proposal.rows:,} row{'' if proposal.rows == 1 else 's'}"
    shown = ", ".join(proposal.files[:3]) + (f" and {len(proposal.files) - 3} more" if len(proposal.files) > 3 else "")
    lines = [
        toml.comment(f"Proposed by `snapshotter init` from {rows} of {shown}."),
        "# It accepts these rows; whether it says what you mean, only you know. Read it before the first run: key,",
        "# timestamp and types cannot be changed later without reading all files again (`snapshotter rebuild`).",
    ]
    if proposal.notes:
        lines += ["#", "# Unsure:", *(toml.comment(f"- {note}") for note in proposal.notes)]
    lines += ["", "[datasets.default]"]
    lines += [_setting(name, value, _about(name, proposal)) for name, value in settings.items()]
    if contract:
        return "\n".join([*lines, ""])
    lines += [
        "",
        f"{'[datasets.default.columns]':<{_COMMENTS_AT}}# those behind a # are text, and need not be declared",
    ]
    return "\n".join([*lines, *(_declared(column, columns) for column in proposal.columns), ""])


def odcs_of(proposal: Proposal) -> str:
    """The proposal's columns, key and timestamp as a data contract (ODCS, YAML); plain text columns, too."""
    from snapshotter.contract.odcs import write

    settings = settings_of(proposal)
    settings["columns"] = {column.name: settings["columns"].get(column.name, {}) for column in proposal.columns}
    return write("default", DatasetConfig.model_validate(settings))


def _setting(name: str, value: object, comment: str) -> str:
    text = f"{toml.key(name)} = {toml.value(value)}"
    return f"{f'{text}  ':<{_COMMENTS_AT}}{toml.comment(comment)}" if comment else text


def _declared(column: ProposedColumn, columns: dict[str, dict[str, Any]]) -> str:
    is_declared = column.name in columns
    line = _setting(column.name, columns.get(column.name, {}), "; ".join(column.notes))
    return line if is_declared else f"# {line}"


def _about(name: str, proposal: Proposal) -> str:
    """What a setting is for."""
    first = proposal.key_candidates[0]
    unique = "not unique" if first.twins else "unique" if first.alone else "unique together with the timestamp"
    return {
        "match": "the files of the queue that belong to it",
        "key": f"{unique} in the samples",
        "timestamp": "says which version of a row is newer; it is published as it came",
        "timestamp_formats": "tried before ISO 8601",
        "max_future": "a timestamp in the future is accepted, and freezes its key until then",
        "batch_time": "the time in the file name; decides between rows of one key and instant",
        "encodings": "the second one is a guess",
        "delimiter": "`auto` would take another one",
        "contract": "the columns: their types, and which may be empty",
    }[name]
