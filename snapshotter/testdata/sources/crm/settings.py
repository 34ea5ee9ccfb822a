"""What can be set of `crm`, in `testdata.toml` and on the command line."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from snapshotter.testdata.description.bounded import read_text
from snapshotter.testdata.mistakes import Mistakes, Role

FILE = "testdata.toml"
SECTION = "crm"
ROLES = {  # what the columns of online_customers hold in which there can be mistakes
    "title": Role.TITLE,
    "first_name": Role.FIRST_NAME,
    "last_name": Role.LAST_NAME,
    "email": Role.EMAIL,
    "phone": Role.PHONE,
    "date_of_birth": Role.DATE,
    "street": Role.STREET,
    "town": Role.TOWN,
    "postcode": Role.POSTCODE,
}
_MOST = 1 << 20  # bytes of the file
_FIRST = dt.date(2012, 1, 1)  # from then on nobody registers before they are born


class CrmSettings(BaseModel):
    """The settings; the same ones give the same bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    customers: int = Field(default=1000, ge=1, le=10**8, description="Customers of the web shop, a day.")
    duplicate_rate: float = Field(
        default=0, ge=0, le=100, description="For 100 of them, how many more rows are of somebody who is there already."
    )
    duplicate_variance: float = Field(default=0, ge=0, le=100, description="How far the rate may lie from that.")
    mode: Literal["truncate", "append"] = Field(
        default="truncate", description="truncate: the first day. append: the day after the last one; ids go on."
    )
    transactions: Literal["full", "daily"] = Field(
        default="full", description="full: five years back. daily: the last 24 hours."
    )
    max_transactions: int = Field(default=5, ge=1, le=10_000, description="A customer has 1 to so many.")
    without: list[str] = Field(default_factory=list, description="Tables that are turned off.")
    weights: dict[str, dict[str, int]] = Field(
        default_factory=dict, description="By column of online_customers, how often each kind of mistake is made."
    )
    archival: int = Field(
        default=0, ge=0, le=1000, description="How often one percent of the people of an earlier day come again."
    )
    timer: bool = Field(default=False, description="Say how long the making of each table took.")
    date: dt.date = Field(default=dt.date(2024, 5, 1), ge=_FIRST, description=f"The first day, from {_FIRST} on.")
    seed: int = Field(default=0, ge=0, lt=1 << 64, description="Another seed is other people.")

    @field_validator("weights")
    @classmethod
    def _are_weights(cls, weights: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
        Mistakes(ROLES, weights=weights)  # says what is wrong with them
        return weights


def read_settings(folder: Path, overrides: dict[str, Any]) -> CrmSettings:
    """The settings of a working folder, some of them said otherwise.

    Args:
        folder: may hold `testdata.toml`, with the section `[crm]`.
        overrides: by name; None is not said.

    Raises:
        ValueError: the file is no TOML, or a setting is unknown or out of its range; the sentence has the file, the
            line and the key.
    """
    path = folder / FILE
    text = read_text(path, _MOST) if path.exists() else ""
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from error
    given = whole.pop(SECTION, {})
    if whole:
        raise ValueError(f"{_place(path, text, next(iter(whole)))}: there is no such thing; there is [{SECTION}]")
    if not isinstance(given, dict):
        raise ValueError(f"{_place(path, text, SECTION)}: it is a section: [{SECTION}]")  # noqa: TRY004  (a user's slip)
    said = {name: value for name, value in overrides.items() if value is not None}
    try:
        return CrmSettings.model_validate({**given, **said})
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        key = str(problem["loc"][0])
        raise ValueError(f"{key if key in said else _place(path, text, key)}{_sentence(problem)}") from error


def _place(path: Path, text: str, key: str) -> str:
    """Where a key stands in the file, as far as that can be seen without a parser that tells lines."""
    stands = re.compile(rf"""\s*(\[+\s*)?({SECTION}\s*\.\s*)?["']?{re.escape(key)}["']?\s*[]=.]""")
    lines = (number for number, line in enumerate(text.splitlines(), 1) if stands.match(line))
    line = next(lines, None)
    return f"{path}, line {line}: {key}" if line else f"{path}: {key}"


def _sentence(problem: Any) -> str:  # noqa: ANN401  (a TypedDict of another package)
    """What is wrong, and what is allowed."""
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(problem["loc"][0], CrmSettings.model_fields, 1)
        meant = f"; did you mean {near[0]}?" if near else "."
        return f" is no setting{meant} There are: {', '.join(CrmSettings.model_fields)}"
    message = problem["msg"].removeprefix("Value error, ").removeprefix("weights: ")
    return f": {message[:1].lower()}{message[1:]}"
