"""The values that a data contract lists, as the texts that its writer meant.

YAML 1.1 takes `NO` for false, `010` for 8 and `12:30` for 750. Where codes are listed, what was written is kept
beside what YAML made of it, and the type of the property decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

_STRING = "tag:yaml.org,2002:str"
_MARK = "!written:"
_NUMERIC = ("integer", "number", "decimal")
QUOTE = "Put it in quotes, as the cells have it."


@dataclass(frozen=True)
class Written:
    """A value without quotes: as it stands in the file, and what YAML makes of it."""

    text: str
    value: object


def load(text: bytes, loader_type: Any) -> object:  # noqa: ANN401 - a class of PyYAML, which has no types
    """What a YAML file holds; listed values that YAML takes for something else than a text become `Written`.

    Args:
        text: of the file.
        loader_type: a safe loader.
    """

    class Loader(loader_type):  # type: ignore[misc]
        pass

    Loader.add_multi_constructor(_MARK, _written)
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        for scalar in _listed(node):
            if not scalar.style and scalar.tag != _STRING:
                scalar.tag = _MARK + scalar.tag
        return loader.construct_document(node) if node is not None else None
    finally:
        loader.dispose()


def texts(kind: str, values: Sequence[object]) -> tuple[str, ...]:
    """Listed values as the texts of cells of a type.

    Raises:
        ValueError: a value is none that the type has; says what it is.
    """
    return tuple(_text(kind, value) for value in values)


def text_of(value: object) -> str:
    """A value of YAML as the text that a cell would hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


def _text(kind: str, given: object) -> str:
    text, value = (given.text, given.value) if isinstance(given, Written) else (str(given), given)
    if value is None or isinstance(value, list | dict):
        raise ValueError(f"lists {text or 'nothing'} without quotes" if value is None else "lists more than texts")
    if not isinstance(given, Written):
        return text_of(value)
    if kind == "boolean":
        return text_of(value)
    if not kind.startswith(_NUMERIC):
        return text
    try:
        same = not isinstance(value, bool) and Decimal(text) == Decimal(text_of(value))
    except InvalidOperation:
        same = False
    if not same:
        raise ValueError(f"lists {text} without quotes, which YAML reads as {value}")
    return text_of(value)


def _written(loader: Any, tag: str, node: Any) -> Written:  # noqa: ANN401 - see `load`
    from yaml import ScalarNode

    try:
        value = loader.construct_object(ScalarNode(tag, node.value))
    except ValueError:  # such as the 31st of February
        value = node.value
    return Written(node.value, value)


def _listed(node: Any) -> Iterator[Any]:  # noqa: ANN401 - see `load`
    """The scalars of `enum: [{value: …}]` and `validValues: […]`, anywhere below a node."""
    from yaml import MappingNode, ScalarNode, SequenceNode

    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _listed(item)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield from _listed(value)
            items = value.value if isinstance(value, SequenceNode) else []
            if key.value == "enum":
                pairs = [pair for item in items if isinstance(item, MappingNode) for pair in item.value]
                yield from (v for k, v in pairs if k.value == "value" and isinstance(v, ScalarNode))
            elif key.value == "validValues":
                yield from (item for item in items if isinstance(item, ScalarNode))
