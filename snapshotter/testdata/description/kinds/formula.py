"""A kind of column that is reckoned from other columns, in the SQL that DuckDB speaks."""

from __future__ import annotations

import atexit
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from snapshotter.testdata import source
from snapshotter.testdata.cells import escaped
from snapshotter.testdata.description.column import Column, Maker, Rows, of_texts
from snapshotter.testdata.description.kinds.base import Kind, Place
from snapshotter.testdata.description.numbers import decimal_digits, fixed
from snapshotter.testdata.description.text import WrongDescription

if TYPE_CHECKING:
    import duckdb


class Formula(Kind):
    """Reckoned from other columns."""

    name: ClassVar[str] = "formula"
    example: ClassVar[str] = '{formula: "quantity * price", type: "decimal(10,2)"}'
    formula: str = Field(min_length=1, description="an expression of DuckDB's SQL over columns of the same table")

    @field_validator("formula")
    @classmethod
    def _one_expression(cls, given: str) -> str:
        _names(given)
        return given

    def needs(self) -> set[str]:
        """The columns that it names."""
        return set(_names(self.formula))

    def field(self) -> source.Field:
        """It may be NULL, which is an empty cell."""
        return replace(super().field(), nullable=True)

    def bind(self, place: Place) -> Maker:
        """Try the expression on no rows, so that what it cannot reckon is said now."""
        import duckdb

        makers = {name: place.table.makers[name] for name in _names(self.formula)}
        digits = decimal_digits(self.type)

        def make(rows: Rows) -> Column:
            columns = {name: maker(rows) for name, maker in makers.items()}
            try:
                return self._column(columns, len(rows), digits)
            except duckdb.Error as error:
                where = f"{place.table.name}.{place.column}"
                raise WrongDescription(f"the formula of {where} cannot be reckoned: {_reason(error)}") from error

        make(_NO_ROWS)
        return make

    def _column(self, columns: Mapping[str, Column], length: int, digits: int | None) -> Column:
        if digits is None:
            texts = _reckoned(f"CAST(({self.formula}) AS VARCHAR)", columns, length)
            return of_texts(["" if text is None else text for text in texts.tolist()])
        values = _reckoned(f"CAST(round(({self.formula}) * {10**digits}) AS BIGINT)", columns, length)
        return fixed(np.ma.filled(values, 0).astype(np.int64), digits).without(np.ma.getmaskarray(values))


_NO_ROWS = Rows(
    ids=np.zeros(0, dtype=np.uint64),
    versions=np.zeros(0, dtype=np.uint64),
    at=np.zeros(0, dtype=np.int64),
    changes=np.zeros(0, dtype=np.uint8),
    states=np.zeros(0, dtype=np.uint8),
)


@functools.cache
def _engine() -> duckdb.DuckDBPyConnection:
    """An engine that can reckon, and nothing else."""
    import duckdb

    closed = {"enable_external_access": False, "autoinstall_known_extensions": False, "lock_configuration": True}
    engine = duckdb.connect(":memory:", config={**closed, "threads": 1})
    atexit.register(_engine.cache_clear)  # an engine that outlives the interpreter is reported as leaked
    return engine


@functools.lru_cache(maxsize=256)
def _names(formula: str) -> tuple[str, ...]:
    """The columns that a formula names, as DuckDB's own parser finds them.

    Raises:
        ValueError: it is not one expression.
    """
    found = _engine().cursor().execute("SELECT json_serialize_sql(?)", [f"SELECT ({formula})"]).fetchall()
    tree = json.loads(found[0][0])
    if tree["error"]:
        raise ValueError(f"the formula is not an expression of SQL: {tree['error_message']}")
    if len(tree["statements"]) != 1:
        raise ValueError("the formula is more than one expression")
    return tuple(dict.fromkeys(_columns(tree)))


def _columns(tree: Any) -> Iterator[str]:  # noqa: ANN401  (JSON)
    if isinstance(tree, list):
        for part in tree:
            yield from _columns(part)
    elif isinstance(tree, dict):
        if tree.get("class") == "SUBQUERY" or tree.get("type") in {"BASE_TABLE", "TABLE_FUNCTION"}:
            raise ValueError("a formula has no queries in it")
        if tree.get("class") == "COLUMN_REF":
            yield tree["column_names"][-1]
        for part in tree.values():
            yield from _columns(part)


def _reckoned(expression: str, columns: Mapping[str, Column], length: int) -> npt.NDArray[Any]:
    """The values of an expression; masked where there is none."""
    arrays: dict[str, npt.NDArray[Any]] = {"_": np.zeros(length, dtype=np.uint8)}
    views: list[str] = []
    for number, (name, column) in enumerate(columns.items()):
        arrays[f"v{number}"], value = _value(column, f"v{number}")
        if column.missing is not None:
            arrays[f"m{number}"] = column.missing
            value = f"CASE WHEN NOT m{number} THEN {value} END"
        views.append(f'{value} AS "{escaped(name)}"')
    cursor = _engine().cursor()
    cursor.register("cells", arrays)
    inner = f"SELECT {', '.join(views)} FROM cells" if views else "SELECT _ FROM cells"
    made: npt.NDArray[Any] = cursor.sql(f"SELECT {expression} AS made FROM ({inner})").fetchnumpy()["made"]
    return made


def _reason(error: Exception) -> str:
    """What the engine says, without its kind of error and its place in the query."""
    return str(error).splitlines()[0].partition(": ")[2] or type(error).__name__


def _value(column: Column, name: str) -> tuple[npt.NDArray[Any], str]:
    """What the engine gets for a column, and how it says what that is worth."""
    if column.numbers is None:
        return column.texts().astype(object), f"CAST({name} AS VARCHAR)"
    if column.unit == "second":
        return column.numbers.view("datetime64[s]").astype("datetime64[us]"), name
    if column.unit == "day":
        return column.numbers.astype("datetime64[D]").astype("datetime64[us]"), f"CAST({name} AS DATE)"
    if not column.decimals:
        return column.numbers, name
    unit = "0." + "0" * (column.decimals - 1) + "1"
    return column.numbers, f"{name} * CAST({unit} AS DECIMAL({column.decimals},{column.decimals}))"
