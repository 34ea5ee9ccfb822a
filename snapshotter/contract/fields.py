"""The fields of a pydantic model as columns: types, constraints and aliases in the words of a contract.

What a column has words for is checked set by set, like every contract. What it has none for (validators in
Python, `multiple_of`, a pattern that RE2 reads otherwise) is left to the model itself, row by row: `by_python`.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from snapshotter.config import ColumnConfig
from snapshotter.contract import bounds, patterns
from snapshotter.contract.columns import fold
from snapshotter.logs import logger

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

Constraint = tuple[str, Any]  # such as ("ge", 1); ("", …) for what only pydantic knows

_ALLOWED = (
    "A cell is one text: str, int, float, bool, Decimal with max_digits and decimal_places, date, datetime, UUID, "
    "EmailStr, Literal or Enum of texts or whole numbers, each also `| None`, or what pydantic reads out of one text."
)
_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean", date: "date", datetime: "timestamp"}
_STRICT: dict[str, Callable[[str], object]] = {
    "integer": int,
    "number": float,
    "boolean": lambda text: text == "true",
    "decimal": Decimal,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "uuid": UUID,
}
# Constraints that a cell cannot break, or that are looked at elsewhere.
_SILENT = {"strict", "allow_inf_nan", "coerce_numbers_to_str", "union_mode", "fail_fast"}
_SIZES = {"max_digits", "decimal_places"}  # the type says them
_CORRECTIONS = {"strip_whitespace": "strip", "to_lower": "lower", "to_upper": "upper"}  # in pydantic's order
_CASES = {"lower", "upper"}
_BOUNDS = {"ge": (False, False), "gt": (False, True), "le": (True, False), "lt": (True, True)}  # (upper, exclusive)


class FieldRefused(Exception):
    """A field that no column can stand for.

    Args:
        field: its name.
        problem: what is wrong.
        allowed: what would be right.
    """

    def __init__(self, field: str, problem: str, allowed: str = _ALLOWED) -> None:
        """Keep what is wrong."""
        super().__init__(problem)
        self.field, self.problem, self.allowed = field, problem, allowed


@dataclasses.dataclass(frozen=True)
class ModelField:
    """A field as a column, and how its model is given a cell of it.

    Args:
        name: the field's name, which is the column's.
        column: what a contract would say of it.
        key: the name under which the model looks for it.
        empty: what the model is given for an empty cell.
        skips_empty: whether it is given nothing for one, so that the field's default stands: "" is no cell then.
        value: text of a cell -> what the model is given; pydantic reads most types out of the text itself.
        by_python: whether it has a constraint that only the model can check.
    """

    name: str
    column: ColumnConfig
    key: str
    empty: str | None
    skips_empty: bool
    value: Callable[[str], object]
    by_python: bool


@dataclasses.dataclass(frozen=True)
class _Kind:
    """What the cells of a field are: the column's type, the values that are allowed, and their Python side."""

    type: str
    values: dict[str, object] | None = None
    by_python: bool = False


def fields_of(model: type[BaseModel]) -> list[ModelField]:
    """The fields of a model, in order.

    Raises:
        FieldRefused: one that no column can stand for.
    """
    return [_field(model, name, info) for name, info in model.model_fields.items()]


def _field(model: type[BaseModel], name: str, info: FieldInfo) -> ModelField:
    core, optional, metadata = _unfolded(info.annotation, info.metadata)
    constraints = list(_constraints(metadata))
    kind = _kind(name, core, metadata, constraints)
    of_config = _of_config(model, core, dict(constraints))
    rules, by_python = _rules(name, kind, core, [*constraints, *of_config], model)
    has_blank = "" in (kind.values or ())
    skips_empty = not optional and not has_blank and kind.type == "string" and info.default == ""
    names = _aliases(name, info)
    by_alias = model.model_config.get("validate_by_alias", True) is not False
    column = ColumnConfig(
        type=kind.type,
        nullable=optional or has_blank or skips_empty,
        required=info.is_required(),
        aliases=tuple(alias for alias in names if fold(alias) != fold(name)),
        values=tuple(kind.values) if kind.values is not None else None,
        **rules,
    )
    return ModelField(
        name=name,
        column=column,
        key=names[0] if names and by_alias else name,
        empty=None if optional else "",
        skips_empty=skips_empty,
        value=_value(kind, strict=_is_strict(model, constraints)),
        by_python=by_python or kind.by_python,
    )


def _unfolded(annotation: Any, metadata: Sequence[object]) -> tuple[Any, bool, list[object]]:  # noqa: ANN401 - any type
    """An annotation without `Annotated`, `| None` and names for types: (the type, whether None is one, metadata)."""
    found, optional = list(metadata), False
    while True:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            annotation, found = arguments[0], [*arguments[1:], *found]
        elif origin in (Union, UnionType) and type(None) in arguments:
            others = tuple(argument for argument in arguments if argument is not type(None))
            annotation, optional = functools.reduce(operator.or_, others), True
        elif origin is Literal and None in arguments:
            annotation, optional = Literal[tuple(value for value in arguments if value is not None)], True
        elif hasattr(annotation, "__value__"):
            annotation = annotation.__value__
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        else:
            return annotation, optional, found


def _constraints(metadata: Sequence[object]) -> Iterator[Constraint]:
    """What the objects inside `Annotated` demand, one by one."""
    from annotated_types import BaseMetadata, GroupedMetadata
    from pydantic import AllowInfNan
    from pydantic.fields import FieldInfo

    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _constraints(item.metadata)
        elif isinstance(item, GroupedMetadata):
            yield from _constraints(list(item))
        elif isinstance(item, BaseMetadata | AllowInfNan):
            slots = getattr(item, "__dataclass_fields__", None)
            named = {name: getattr(item, name) for name in slots} if slots is not None else vars(item)
            yield from ((key, value) for key, value in named.items() if value is not None)
        elif item is not None and not isinstance(item, str):
            yield "", item


def _of_config(model: type[BaseModel], core: object, taken: Collection[str]) -> list[Constraint]:
    """What the model's configuration demands of every text, but for what the field itself says."""
    if core is not str:
        return []
    config = model.model_config
    names = ("strip_whitespace", "to_lower", "to_upper", "min_length", "max_length")
    found = [(name, config.get(f"str_{name}")) for name in names]
    return [(name, value) for name, value in found if value and name not in taken]  # a field's own word goes first


def _kind(name: str, core: Any, metadata: Sequence[object], constraints: Sequence[Constraint]) -> _Kind:  # noqa: ANN401
    if isinstance(core, type) and issubclass(core, Enum):
        return _choice(name, {_text(name, member.value): member for member in core}, [m.value for m in core])
    if get_origin(core) is Literal:
        values = [value.value if isinstance(value, Enum) else value for value in get_args(core)]
        return _choice(name, {_text(name, v): a for v, a in zip(values, get_args(core), strict=True)}, values)
    if core is Decimal:
        given = dict(constraints)
        if "max_digits" not in given or "decimal_places" not in given:
            allowed = "Say how many: Field(max_digits=10, decimal_places=2), or condecimal(...)."
            raise FieldRefused(name, "is a Decimal without max_digits and decimal_places", allowed)
        return _Kind(f"decimal({given['max_digits']},{given['decimal_places']})")
    if known := _known(core):
        return known
    if not _is_scalar(core) and not _rereads(metadata):
        raise FieldRefused(name, f"is {_words(core)}, which no cell can hold")
    return _Kind("string", by_python=True)


def _known(core: Any) -> _Kind | None:  # noqa: ANN401 - any type
    """The types that have a type of column of their own."""
    from pydantic import AwareDatetime, EmailStr, FutureDate, FutureDatetime, NaiveDatetime, PastDate, PastDatetime

    if core in (AwareDatetime, NaiveDatetime, PastDatetime, FutureDatetime):
        return _Kind("timestamp", by_python=True)
    if core in (PastDate, FutureDate):
        return _Kind("date", by_python=True)
    types: dict[Any, str] = {**_SIMPLE, UUID: "uuid", EmailStr: "email", Any: "string"}
    return _Kind(types[core]) if core in types else None


def _choice(name: str, members: dict[str, object], values: Sequence[object]) -> _Kind:
    """A choice of values: whole numbers, booleans, or else texts."""
    if not values:
        raise FieldRefused(name, "has no allowed value")
    if all(isinstance(value, bool) for value in values):
        return _Kind("boolean", members)
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    return _Kind("integer" if whole else "string", members)


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int):
        raise FieldRefused(name, f"allows {_words(type(value))}, which is neither a text nor a whole number")
    return str(value)


def _words(core: object) -> str:
    return getattr(core, "__name__", None) or str(core)


def _is_scalar(core: Any) -> bool:  # noqa: ANN401 - any type
    """Whether pydantic reads this type out of something that is not a list or an object, by its JSON schema."""
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    try:
        schema = TypeAdapter(core).json_schema()
    except (PydanticUserError, NameError):  # the latter of a name that is nowhere
        return False
    branches = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return not any(branch.get("type") in ("array", "object") or "$ref" in branch for branch in branches)


def _rereads(metadata: Sequence[object]) -> bool:
    """Whether a validator inside `Annotated` turns the text into what the type wants."""
    from pydantic import BeforeValidator, PlainValidator, WrapValidator

    return any(isinstance(item, BeforeValidator | PlainValidator | WrapValidator) for item in metadata)


def _rules(
    name: str, kind: _Kind, core: object, constraints: Sequence[Constraint], model: type[BaseModel]
) -> tuple[dict[str, Any], bool]:
    """Constraints as the settings of a column, and whether one of them is left to the model."""
    rules: dict[str, Any] = {}
    by_python = False
    steps = {step for key, step in _CORRECTIONS.items() if any(key == k and value for k, value in constraints)}
    if "lower" in steps:
        steps.discard("upper")  # as in pydantic
    if core is str and steps & _CASES and any(key == "pattern" for key, _ in constraints):
        # pydantic asks for the pattern first (and for lengths, but the case of a letter changes none here)
        logger.bind(column=name).warning("the model has a pattern and changes the case: the cells keep theirs")
        steps -= _CASES
        by_python = True
        constraints = [(key, value) for key, value in constraints if key != "pattern"]
    if steps and core is str:
        rules["correct"] = tuple(step for step in _CORRECTIONS.values() if step in steps)
    for key, value in constraints:
        if key in _SILENT or (core is str and key in _CORRECTIONS) or (core is Decimal and key in _SIZES):
            continue
        try:
            found = _rule(kind, core, key, value, model)
        except ValueError as error:
            raise FieldRefused(name, str(error), "A value that the type can hold.") from None
        if found is None or found.keys() & rules.keys():  # a second bound of one kind
            by_python = True
        else:
            rules |= {setting: text for setting, text in found.items() if text is not None}
    return rules, by_python


def _rule(kind: _Kind, core: object, key: str, value: Any, model: type[BaseModel]) -> dict[str, Any] | None:  # noqa: ANN401
    """One constraint as a setting; None if a column has no word for it."""
    if key in _BOUNDS and kind.type not in ("string", "boolean", "uuid", "email") and kind.values is None:
        upper, exclusive = _BOUNDS[key]
        return {"max" if upper else "min": bounds.limit(kind.type, value, upper=upper, exclusive=exclusive)}
    if core is str and key in ("min_length", "max_length"):
        return {key: value}
    if core is str and key == "pattern" and isinstance(value, str):
        by_rust = model.model_config.get("regex_engine", "rust-regex") == "rust-regex"
        pattern = patterns.searched(value, patterns.RUST_DIGIT) if by_rust else None
        return {"pattern": pattern} if pattern is not None and patterns.is_accepted(pattern) else None
    return None


def _is_strict(model: type[BaseModel], constraints: Sequence[Constraint]) -> bool:
    given = [bool(value) for key, value in constraints if key == "strict"]
    return given[-1] if given else bool(model.model_config.get("strict"))


def _value(kind: _Kind, *, strict: bool) -> Callable[[str], object]:
    if kind.values is not None:
        members = kind.values
        return lambda text: members.get(text, text)
    if strict and kind.type != "string":
        return _STRICT.get(kind.type.partition("(")[0], str)
    return str


def _aliases(name: str, info: FieldInfo) -> list[str]:
    """The other names of a field, the one that the model itself goes by first."""
    from pydantic import AliasChoices, AliasPath

    given = info.validation_alias if info.validation_alias is not None else info.alias
    found = []
    for alias in given.choices if isinstance(given, AliasChoices) else [given]:
        if isinstance(alias, AliasPath):
            if len(alias.path) > 1 or not isinstance(alias.path[0], str):
                raise FieldRefused(name, "has an alias that looks inside a cell", "An alias is the name of a column.")
            found.append(alias.path[0])
        elif alias is not None:
            found.append(alias)
    return found
