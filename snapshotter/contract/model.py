"""A pydantic model as a contract: its columns, and its Python, which judges the rows that passed all else."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from snapshotter.config import ColumnConfig
from snapshotter.contract.columns import fold
from snapshotter.contract.fields import ModelField, fields_of

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# What runs for a whole row, if a model has its own.
_HOOKS = (
    "__new__",
    "__init__",
    "model_post_init",
    "model_validate",
    "__get_pydantic_core_schema__",
    "__get_validators__",
)


class ModelBroke(Exception):
    """A validator failed in another way than by refusing; the reason names no cell's value."""

    def __init__(self, reason: str) -> None:
        """Keep what is wrong."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Complaint:
    """What a model has against a row: the column (empty if it is the row as a whole), and the reason."""

    column: str
    reason: str


@dataclass(frozen=True)
class Refusal:
    """A row that a model refuses, and why."""

    batch: int
    record: int
    complaints: tuple[Complaint, ...]


class RowModel:
    """A model that judges rows.

    Args:
        model: the user's class.
        running: goes around what runs its code.

    Raises:
        FieldRefused: a field that no column can stand for.
    """

    def __init__(
        self, model: type[BaseModel], running: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        """Look at the fields, once."""
        self._model, self.running = model, running
        self._fields: list[ModelField] = fields_of(model)
        self._by_column = {name: field for field in self._fields for name in (field.name, fold(field.name))}
        self._by_place = {name: field.name for field in self._fields for name in (field.name, field.key)}

    def judge(self) -> Judge:
        """Who puts the rows of a text to it."""
        return Judge(self)

    @property
    def columns(self) -> dict[str, ColumnConfig]:
        """What a contract would say of the fields."""
        return {field.name: field.column for field in self._fields}

    @property
    def forbids_others(self) -> bool:
        """Whether the model takes no column that it does not name."""
        return self._model.model_config.get("extra") == "forbid"

    @property
    def needs_python(self) -> bool:
        """Whether something of the model can only be judged by running it."""
        decorators = self._model.__pydantic_decorators__
        return (
            any(field.by_python for field in self._fields)
            or any(_implementation(self._model, hook) is not _implementation(BaseModel, hook) for hook in _HOOKS)
            or bool(decorators.field_validators or decorators.model_validators)
            or bool(decorators.validators or decorators.root_validators)
        )

    def knows(self, column: str) -> bool:
        """Whether a column is a field."""
        return fold(column) in self._by_column

    def complaints(self, cells: Mapping[str, str]) -> list[Complaint]:
        """Judge one row.

        Args:
            cells: the published text of each column that the row's file has; empty for an empty cell.

        Returns:
            What is wrong with it; empty if nothing is.

        Raises:
            ModelBroke: a validator failed in another way than by refusing.
        """
        known = self._by_column
        fields = ((known.get(name) or known[fold(name)], text) for name, text in cells.items())
        given = ((field, text) for field, text in fields if text or not field.skips_empty)
        values = {field.key: field.value(text) if text else field.empty for field, text in given}
        try:
            self._model.model_validate(values)
        except ValidationError as error:
            return [self._complaint(found) for found in error.errors(include_url=False, include_input=False)]
        except (Exception, SystemExit, GeneratorExit) as error:  # sys.exit() in a validator ends no run
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(last.filename).name}, line {last.lineno}"
            raise ModelBroke(f"{self._model.__name__} failed with {type(error).__name__} ({where})") from error
        return []

    def _complaint(self, error: ErrorDetails) -> Complaint:
        column = self._by_place.get(str(error["loc"][0]), "") if error["loc"] else ""
        message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        words = " ".join(message.split()) or f"is refused by {self._model.__name__}"
        return Complaint(column, f"{column}: {words}" if column else words)


def _implementation(model: type[BaseModel], name: str) -> object:
    """The function of that name, wherever it was inherited from: a mixin need not be a model."""
    found = getattr(model, name, None)
    return getattr(found, "__func__", found)


class Judge:
    """Puts rows to a model, batch by batch.

    A validator that breaks (any exception but ValueError and AssertionError) says nothing of its row: the rest of
    the batch is not judged, and its file is to be refused.

    Args:
        model: the model.
    """

    def __init__(self, model: RowModel) -> None:
        """Start without a broken batch."""
        self.model = model
        self.broken: dict[int, tuple[int, str]] = {}  # batch -> the record, and the reason

    def refusals(self, names: Sequence[str], rows: Iterable[tuple[int, int, Sequence[str]]]) -> list[Refusal]:
        """Judge some rows.

        Args:
            names: the columns of their cells.
            rows: (batch, record, cells) of each.
        """
        with self.model.running():
            return self._refusals(names, rows)

    def _refusals(self, names: Sequence[str], rows: Iterable[tuple[int, int, Sequence[str]]]) -> list[Refusal]:
        found = []
        for batch, record, cells in rows:
            if batch in self.broken:
                continue
            try:
                complaints = self.model.complaints(dict(zip(names, cells, strict=True)))
            except ModelBroke as error:
                self.broken[batch] = (record, error.reason)
                continue
            if complaints:
                found.append(Refusal(batch, record, tuple(complaints)))
        return found
