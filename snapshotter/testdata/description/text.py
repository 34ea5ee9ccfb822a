"""A description's text as plain values, and the line of each: YAML, or JSON, which is YAML but for its tabs.

YAML 1.1 takes `NO` for false, `010` for eight and `2024-01-01` for a date; here only `true` and `false` are
truths, numbers are decimal, and a date is text (the core schema of YAML 1.2, section 10.3.2).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snapshotter.testdata.description.bounded import read_text

if TYPE_CHECKING:
    import yaml

LONGEST = 1 << 20  # bytes; a description is written by hand


class WrongDescription(ValueError):
    """A description says what cannot be; the sentence has its name, the line and the key."""


@dataclass(frozen=True)
class Text:
    """A description as it was read.

    Args:
        name: of the file.
        values: what it says.
        root: the same as nodes that know their lines.
        folder: where it lies; files that it names are sought from there on.
    """

    name: str
    values: dict[str, Any]
    root: yaml.Node
    folder: Path

    def but(self, overrides: Mapping[str, Any]) -> Text:
        """The same with some things said otherwise.

        Args:
            overrides: values by path: keys with points between them. None takes away what was said.
        """
        values = copy.deepcopy(self.values)
        for path, value in overrides.items():
            *way, last = path.split(".")
            inner = values
            for step in way:
                inner = inner.setdefault(step, {})
            if value is None:
                inner.pop(last, None)
            else:
                inner[last] = value
        return replace(self, values=values)

    def wrong(self, path: Sequence[str | int], problem: str) -> WrongDescription:
        """An error at a place.

        Args:
            path: keys and numbers of list items, from the root on; what is not there is left out.
            problem: what is wrong.
        """
        return WrongDescription(f"{self.name}, line {_line(self.root, path)}: {_spelled(path)}{problem}")


def read(path: Path) -> Text:
    """Read a description.

    Raises:
        WrongDescription: it cannot be read, or is no YAML (or JSON), or not a mapping, or has a key twice.
    """
    try:
        text = read_text(path, LONGEST)
    except ValueError as error:
        raise WrongDescription(str(error)) from error
    return parse(path.name, text, path.parent)


def parse(name: str, text: str, folder: Path) -> Text:
    """Parse a description.

    Args:
        name: what errors call it.
        text: YAML or JSON.
        folder: where it lies.

    Raises:
        WrongDescription: as `read`.
    """
    import yaml

    if text.lstrip().startswith("{"):
        text = text.replace("\t", " ")  # JSON may indent with tabs; a string in it holds none
    loader = _loader()(text)
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise WrongDescription(f"{name}, line 1: a description is a mapping with `tables` in it")
        _each_key_once(name, root)
        values = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise WrongDescription(f"{name}{where}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise WrongDescription(f"{name}: {' '.join(str(error).split())}") from error
    finally:
        loader.dispose()
    return Text(name=name, values=values, root=root, folder=folder)


def _loader() -> Any:  # noqa: ANN401  (a class made of one that is imported here)
    import yaml

    class Core(yaml.SafeLoader):  # type: ignore[misc]  # its stubs are another package
        """Scalars as YAML 1.2 has them."""

        yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    tag = "tag:yaml.org,2002:"
    Core.add_implicit_resolver(f"{tag}bool", re.compile("(true|false|True|False|TRUE|FALSE)$"), list("tfTF"))
    Core.add_implicit_resolver(f"{tag}null", re.compile("(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
    Core.add_implicit_resolver(f"{tag}int", re.compile(r"[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
    number = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$")
    Core.add_implicit_resolver(f"{tag}float", number, list("-+0123456789"))
    return Core


def _each_key_once(name: str, node: yaml.Node) -> None:
    """Refuse a mapping that names a key twice: the first would be lost."""
    import yaml

    waiting, seen = [node], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise WrongDescription(f"{name}, line {key.start_mark.line + 1}: a key is a plain text")
            if key.value in keys:
                raise WrongDescription(f"{name}, line {key.start_mark.line + 1}: {key.value!r} is there twice")
            keys.add(key.value)
            waiting.append(value)


def _line(node: yaml.Node, path: Sequence[str | int]) -> int:
    """The line of what a path leads to, as far as it leads."""
    import yaml

    line = node.start_mark.line
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = [(node.value[step], node.value[step])]
        else:
            found = []
        if not found:
            break
        ((key, node),) = found[:1]
        line = key.start_mark.line
    return int(line) + 1


def _spelled(path: Sequence[str | int]) -> str:
    return ".".join(str(step) for step in path) + ": " if path else ""
