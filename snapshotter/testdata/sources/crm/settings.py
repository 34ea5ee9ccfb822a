"""What can be set of `crm`, in `testdata.toml` and on the command line."""

from __future__ import annotations

import datetime as dt
import difflib
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FILE = "testdata.toml"
SECTION = "crm"


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
    date: dt.date = Field(default=dt.date(2024, 5, 1), description="The first day.")
    seed: int = Field(default=0, ge=0, lt=1 << 64, description="Another seed is other people.")


def read_settings(folder: Path, overrides: dict[str, Any]) -> CrmSettings:
    """The settings of a working folder, some of them said otherwise.

    Args:
        folder: may hold `testdata.toml`, with the section `[crm]`.
        overrides: by name; None is not said.

    Raises:
        ValueError: the file is no TOML, or a setting is unknown or out of its range; the sentence has the file and
            the key.
    """
    path = folder / FILE
    given: dict[str, Any] = {}
    try:
        with path.open("rb") as file:
            whole = tomllib.load(file)
    except FileNotFoundError:
        whole = {}
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    unknown = [name for name in whole if name != SECTION]
    if unknown:
        raise ValueError(f"{path}: there is no section [{unknown[0]}]; there is [{SECTION}]")
    given = whole.get(SECTION, {})
    said = {name: value for name, value in overrides.items() if value is not None}
    try:
        return CrmSettings.model_validate({**given, **said})
    except ValidationError as error:
        raise ValueError(_sentence(error, path, said)) from error


def _sentence(error: ValidationError, path: Path, said: dict[str, Any]) -> str:
    """The first problem, where it was said, and what is allowed."""
    problem = error.errors(include_url=False, include_context=False)[0]
    key = str(problem["loc"][0]) if problem["loc"] else SECTION
    where = "" if key in said else f"{path}: "
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, CrmSettings.model_fields, 1)
        meant = f"; did you mean {near[0]}?" if near else "."
        return f"{where}{key} is no setting{meant} There are: {', '.join(CrmSettings.model_fields)}"
    message = problem["msg"]
    return f"{where}{key}: {message[:1].lower()}{message[1:]}"
