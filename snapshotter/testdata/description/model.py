"""What a description may say: tables, their columns, how they change over files, and when files come."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from snapshotter.testdata.description.kinds import KINDS, Kind
from snapshotter.testdata.description.text import Text

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_NAME = r"^[A-Za-z0-9_-]+$"
RESERVED = frozenset({"source_filename", "source_row", "source_revision", "snapshot", "loaded_at"})
_START = datetime(2024, 1, 1, 6)  # noqa: DTZ001  (local times, as in the files)


def duration(given: object) -> object:
    """`90s`, `15m`, `2h`, `1d` or `1w` as a timedelta; what is no text stays what it is."""
    if not isinstance(given, str):
        return given
    found = re.fullmatch(r"([1-9]\d{0,5})([smhdw])", given)
    if not found:
        raise ValueError(f"{given!r} is not a time like 90s, 15m, 2h, 1d or 1w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def time(given: object) -> object:
    """`2024-01-31` or `2024-01-31T06:00:00` as a datetime in whole seconds; what is no text stays what it is."""
    if not isinstance(given, str):
        return given
    if not re.fullmatch(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?", given):
        raise ValueError(f"{given!r} is not a time like 2024-01-31 or 2024-01-31T06:00:00")
    if given < "1000":
        raise ValueError(f"{given!r} is before the year 1000")
    return datetime.fromisoformat(given)


def cadence(given: object) -> object:
    """One time between files, or the least and the most, as a pair."""
    pair = given if isinstance(given, list | tuple) else [given, given]
    if len(pair) != 2:
        raise ValueError("either one time, or the least and the most")
    least, most = (duration(one) for one in pair)
    if isinstance(least, timedelta) and isinstance(most, timedelta) and least > most:
        raise ValueError("the least time is more than the most")
    return least, most


Every = Annotated[tuple[timedelta, timedelta], BeforeValidator(cadence)]
Moment = Annotated[datetime, BeforeValidator(time)]
Share = Annotated[float, Field(ge=0, le=1)]


class Said(BaseModel):
    """Whatever a description says: what is unknown is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Per(Said):
    """A few rows for each row of another table."""

    per: str = Field(description="the other table")
    at_least: int = Field(default=1, ge=0, le=1_000_000, description="rows for each of its rows")
    at_most: int = Field(ge=1, le=1_000_000, description="rows for each of its rows")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.at_least > self.at_most:
            raise ValueError(f"at_least ({self.at_least}) is more than at_most ({self.at_most})")
        return self


class FromFile(Said):
    """The rows of a CSV file, which `cell` columns show."""

    file: str = Field(min_length=1, description="its path, from the folder of the description on")


def _which_rows(given: object) -> str:
    if not isinstance(given, dict):
        return _NUMBER
    return _OF_FILE if "file" in given else _PER_OTHER


# Names of what `rows` can be; no key has a blank in it, so that they are left out where an error names its place.
_NUMBER, _PER_OTHER, _OF_FILE = "a number", "per another", "of a file"
RowsSaid = Annotated[
    Annotated[int, Field(ge=1, le=10**10), Tag(_NUMBER)]
    | Annotated[Per, Tag(_PER_OTHER)]
    | Annotated[FromFile, Tag(_OF_FILE)],
    Discriminator(_which_rows),
]


class Changes(Said):
    """What later files of a table hold, as shares."""

    new: float = Field(default=0, ge=0, le=1_000_000, description="new rows in each later file, as a share of `rows`")
    updated: Share = Field(default=0, description="of the rows that there are and that can change")
    resent: Share = Field(default=0, description="of the rows that there are: sent again as they are")
    late: Share = Field(default=0, description="of the rows that there are: an old form of them comes late")
    deleted: Share = Field(default=0, description="of the rows that there are")
    at_most: int | None = Field(default=None, ge=0, description="no more than so many rows are updated in a file")
    columns: list[str | list[str]] = Field(
        default_factory=list, description="what changes; columns take turns, those of one list change together"
    )

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        shares = self.updated + self.resent + self.late + self.deleted
        if shares > 1:
            raise ValueError(f"updated, resent, late and deleted are {shares:g} together, which is more than all rows")
        return self


class Duplicates(Said):
    """Rows that are a person of an earlier row again, with an id of their own and with mistakes."""

    share: float = Field(ge=0, lt=1, description="of the rows")
    variance: float = Field(default=0, ge=0, lt=1, description="how far the share may lie from that")


class MistakesSaid(Said):
    """Mistakes that people make, in the columns of kind `person`."""

    share: Share = Field(default=0, description="of the rows that are no duplicates")
    weights: dict[str, dict[str, Annotated[int, Field(ge=0)]]] = Field(
        default_factory=dict, description="by column, how often each kind of mistake is made"
    )


class TableSaid(Said):
    """A table."""

    says: str = Field(default="", description="what a row is, for a person")
    rows: RowsSaid = Field(
        description="how many are in the first file; or so many for each row of another table (`{per: orders, "
        "at_most: 4}`); or those of a CSV file that is given (`{file: products.csv}`)"
    )
    columns: dict[str, Any] = Field(min_length=1, description="by name, in the order of the file")
    key: list[str] = Field(default_factory=list, description="the columns that name a row; else the first one")
    timestamp: str | None = Field(default=None, description="the column that orders versions; else the `time` column")
    file: str = Field(default="", description="the name of its files, a pattern of strftime; else TABLE_TIME.csv")
    changes: Changes = Field(default=Changes(), description="what later files hold; nothing, if it is not said")
    whole: bool = Field(default=False, description="each file holds all rows that there are, not only what changed")
    since: Moment | None = Field(default=None, description="the rows of the first file were made from then on")
    people: str | None = Field(default=None, description="the `ref` to the rows whose persons these are")
    duplicates: Duplicates | None = Field(default=None, description="persons of earlier rows again")
    mistakes: MistakesSaid = Field(default=MistakesSaid(), description="that people make")
    locale: str | None = Field(default=None, description="another one than that of the description")


def column_name(given: str) -> str:
    """A name that can stand in a header and is not one of those that snapshotter adds."""
    if not given.strip() or not given.isprintable():
        raise ValueError(f"{given!r} cannot be the name of a column")
    if given.lower() in RESERVED or given.lower().startswith("_reject_"):
        raise ValueError(f"{given!r} is a name that snapshotter gives columns of its own")
    return given


def table_name(given: str) -> str:
    """A name that a dataset can have."""
    if given in {"ledger", "rejects"}:
        raise ValueError(f"{given!r} is the name of a folder of snapshotter's own")
    return given


class Description(Said):
    """All of it."""

    name: str = Field(pattern=_NAME, description="of the source")
    says: str = Field(default="", description="what it is, for a person")
    locale: str = Field(default="en_GB", description="of people and Faker's providers")
    seed: int = Field(default=0, ge=0, lt=1 << 64, description="another one is other data")
    start: Moment = Field(default=_START, description="the time of the first file (`2024-01-01T06:00:00`)")
    every: Every = Field(
        default=(timedelta(days=1), timedelta(days=1)),
        description="the time from one file to the next: `90s`, `15m`, `2h`, `1d`, `1w`, or the least and the most: "
        "`[7d, 14d]` (`1d`)",
    )
    files: int = Field(default=1, ge=1, le=1_000_000, description="how often files come")
    postcodes: int = Field(default=50_000, ge=20, le=2_000_000, description="how many different ones there are")
    tables: dict[Annotated[str, Field(pattern=_NAME), AfterValidator(table_name)], TableSaid] = Field(
        min_length=1, description="by name"
    )


def understood(text: Text, overrides: Mapping[str, Any]) -> tuple[Description, dict[str, dict[str, Kind]]]:
    """A description, and the columns of each of its tables.

    Args:
        text: as it was read.
        overrides: what is said otherwise, by path: `{"files": 3, "tables.orders.rows": 10}`.

    Raises:
        WrongDescription: something in it cannot be; the first of them, by line and key.
    """
    text = text.but(overrides)
    try:
        said = Description.model_validate(text.values)
    except ValidationError as error:
        raise text.wrong(*_first(error)) from error
    columns: dict[str, dict[str, Kind]] = {}
    for table, spec in said.tables.items():
        _check_names(text, table, list(spec.columns))
        columns[table] = {
            name: _kind(text, ("tables", table, "columns", name), given) for name, given in spec.columns.items()
        }
    return said, columns


def _check_names(text: Text, table: str, names: list[str]) -> None:
    """Refuse names of columns that no header can have, or that differ in case alone."""
    seen: set[str] = set()
    for name in names:
        try:
            column_name(name)
        except ValueError as error:
            raise text.wrong(("tables", table, "columns", name), str(error)) from error
        if name.lower() in seen:
            raise text.wrong(("tables", table, "columns", name), "another column differs from it in case alone")
        seen.add(name.lower())


def _kind(text: Text, path: tuple[str, ...], given: object) -> Kind:
    if not isinstance(given, dict):
        raise text.wrong(path, f"a column is a mapping such as {{range: [1, 6]}}, not {given!r}")
    named = [key for key in given if key in KINDS]
    if len(named) != 1:
        raise text.wrong(path, _which(list(given), named))
    try:
        return KINDS[named[0]].model_validate(given)
    except ValidationError as error:
        inner, problem = _first(error)
        raise text.wrong((*path, *inner), problem) from error


def _which(keys: list[str], named: list[str]) -> str:
    if named:
        return f"a column is of one kind, not of {' and '.join(named)}"
    near = [kind for key in keys for kind in difflib.get_close_matches(str(key), KINDS, 1)]
    meant = f"; did you mean {near[0]!r}?" if near else "."
    return f"this names no kind of column{meant} There are: {', '.join(KINDS)}"


def _first(error: ValidationError) -> tuple[tuple[str | int, ...], str]:
    """Where the first problem is, and what it is."""
    problem = error.errors(include_url=False, include_context=False)[0]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "this is not known here"
    elif problem["type"] == "missing":
        message = "this is missing"
    place = tuple(step for step in problem["loc"] if step not in {_NUMBER, _PER_OTHER, _OF_FILE})
    return place, message[:1].lower() + message[1:]
