"""The contracts of tables as a `snapshotter.toml`, with which a workspace takes their files as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from snapshotter.testdata.source import Field, Table

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def config(tables: Iterable[Table], lineage: Sequence[str] | None = None) -> str:
    """Write the configuration of a workspace that takes the files of tables.

    Args:
        tables: each becomes a dataset of its name, in this order.
        lineage: the lineage columns of each dataset; what snapshotter has by default where it is None.

    Returns:
        TOML in UTF-8; the same text for the same tables.
    """
    return "\n".join("\n".join(_dataset(table, lineage)) + "\n" for table in tables)


def _dataset(table: Table, lineage: Sequence[str] | None) -> Iterator[str]:
    if table.says:
        yield f"# {_one_line(table.says)}"
    name = f"datasets.{_key(table.name)}"
    yield f"[{name}]"
    yield f"match = {_string(_any_packing(table.match))}"
    yield f"key = {_strings(table.key)}"
    yield f"timestamp = {_string(table.timestamp)}"
    if table.batch_time:
        yield f"batch_time = {_string(table.batch_time)}"
    if tuple(table.encodings) != ("utf-8",):
        yield f"encodings = {_strings(table.encodings)}"
    if table.deleted:
        column, value = table.deleted
        yield f"delete_when = {{ column = {_string(column)}, values = {_strings([value])} }}"
    if lineage is not None:
        yield f"lineage = {_strings(lineage)}"
    for column, its in table.fields.items():
        yield ""
        yield from _column(f"{name}.columns.{_key(column)}", its, never_empty=column in {*table.key, table.timestamp})


def _column(name: str, its: Field, *, never_empty: bool) -> Iterator[str]:
    notes = [its.says] if its.says else []
    notes += [f"refers to {its.refers[0]}.{its.refers[1]}"] if its.refers else []
    if notes:
        yield f"# {_one_line('; '.join(notes))}"
    yield f"[{name}]"
    yield f"type = {_string(its.type)}"
    if its.nullable == never_empty:  # elsewhere it is what it is without being said
        yield f"nullable = {'true' if its.nullable else 'false'}"
    if not its.required:
        yield "required = false"
    if its.aliases:
        yield f"aliases = {_strings(its.aliases)}"
    if its.values:
        yield f"values = {_strings(its.values)}"


def _any_packing(match: str) -> str:
    """The glob for files that may also be packed."""
    return f"{match}*" if match.endswith(".csv") else match


def _strings(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_string, texts))}]"


def _string(text: str) -> str:
    """A basic string: what JSON escapes TOML escapes alike, and the one control character that JSON leaves."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _string(name)


def _one_line(text: str) -> str:
    """A text as a comment, which ends where the line ends."""
    return "".join(character if character.isprintable() else " " for character in text)
