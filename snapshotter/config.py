"""`snapshotter.toml` and the environment, as frozen models.

What a value may be is decided here; whether the values of one dataset fit together is decided in
`snapshotter.contract`, which compiles them.
"""

from __future__ import annotations

import codecs
import os
import re
import tomllib
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from snapshotter.errors import ConfigError

FILE_NAME = "snapshotter.toml"
LINEAGE = ("source_filename", "source_row", "source_revision", "snapshot", "loaded_at")
DATASET_NAME = re.compile(r"[A-Za-z0-9_-]+")
RESERVED_DATASETS = frozenset({"ledger", "rejects"})

_LONGEST = 100 * 365 * 86400  # seconds
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BYTES |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


def _seconds(value: object) -> float:
    """`"90s"`, `"15m"`, `"2h"`, `"1d"` as seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])", value) if isinstance(value, str) else None
    if not match:
        raise ValueError('must be a duration such as "60s", "15m", "2h" or "1d"')
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > _LONGEST:
        raise ValueError("must be less than 100 years")
    return seconds


def _seconds_or_off(value: object) -> float | None:
    """A duration; `"off"` (None once stored) means no limit."""
    return None if value in ("off", None) else value if isinstance(value, float) else _seconds(value)


def _size(value: object) -> int:
    """`"2GB"`, `"500MiB"` as bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", value) if isinstance(value, str) else None
    if not match or match[2].upper() not in _BYTES:
        raise ValueError('must be a size such as "2GB" or "500MB"')
    size = int(Decimal(match[1]) * _BYTES[match[2].upper()])
    if size < 100 * 10**6:
        raise ValueError('must be at least "100MB"')
    return size


def _names(value: object) -> object:
    """One string, or a list of them."""
    return (value,) if isinstance(value, str) else value


def _encoding(value: str) -> str:
    """The name of an encoding that Python can decode text from."""
    try:
        "".encode(value)  # the one way to tell a text encoding from a transformation of bytes, such as base64
        codecs.getincrementaldecoder(value)
    except (LookupError, ValueError):
        raise ValueError(f'{value!r} is not a text encoding; some that are: "utf-8", "cp1252", "utf-16-le"') from None
    return value


def _literal(value: object) -> object:
    """A bound or an allowed value as the text that a cell would hold; decimals never pass through floats."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value) if isinstance(value, int) else value


Encodings = Annotated[
    tuple[Annotated[str, AfterValidator(_encoding)], ...], BeforeValidator(_names), Field(min_length=1)
]
Literal_ = Annotated[str, BeforeValidator(_literal)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, defer_build=True)


class ColumnConfig(_Frozen):
    """One declared column, `[datasets.NAME.columns.COLUMN]`."""

    type: str = "string"
    nullable: bool | None = None
    required: bool = True
    aliases: Names = ()
    min: Literal_ | None = None
    max: Literal_ | None = None
    min_length: Annotated[int, Field(ge=0)] | None = None
    max_length: Annotated[int, Field(ge=0)] | None = None
    values: Annotated[tuple[Literal_, ...], Field(min_length=1)] | None = None
    unique: bool = False
    pattern: str | None = None
    null_values: Names = ()
    correct: Names = ()


class DeleteRule(_Frozen):
    """`delete_when`: the mark by which a row deletes its key."""

    column: Annotated[str, Field(min_length=1)]
    values: tuple[Literal_, ...] | None = None
    not_empty: bool = False

    @model_validator(mode="after")
    def _one_form(self) -> DeleteRule:
        if (self.values is None) != self.not_empty or self.values == ():
            raise ValueError("needs a column and either `values = [...]` or `not_empty = true`")
        return self


def _rule(value: object) -> object:
    """An empty table is no rule."""
    return None if value == {} else value


class DatasetConfig(_Frozen):
    """One dataset, `[datasets.NAME]`; the defaults are those of a workspace without a file."""

    match: Annotated[Names, Field(min_length=1)] = ("*.csv*",)
    key: Annotated[Names, Field(min_length=1)] = ("id",)
    timestamp: str = "timestamp"
    timestamp_formats: Names = ()
    timezone: str = "UTC"
    max_future: Annotated[float | None, BeforeValidator(_seconds_or_off)] = 86400.0
    batch_time: str = ""
    encodings: Encodings = ("utf-8",)
    delimiter: Literal["auto", ",", ";", "\t", "|"] = "auto"
    extra_columns: Literal["keep", "ignore", "reject"] = "keep"
    absent_columns: Literal["keep", "null", "reject"] = "keep"
    header_match: Annotated[float, Field(gt=0, le=1)] = 0.85
    max_reject_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    replace_revisions: bool = False
    delete_when: Annotated[DeleteRule | None, BeforeValidator(_rule)] = None
    column_order: Names = ()
    lineage: tuple[Literal["source_filename", "source_row", "source_revision", "snapshot", "loaded_at"], ...] = (
        "source_filename",
    )
    transform: str = ""
    contract: str = ""
    columns: dict[str, ColumnConfig] = {}


class Settings(_Frozen):
    """A whole configuration: sizes in bytes, durations in seconds."""

    memory_limit: Annotated[int, BeforeValidator(_size)] = 2 * 10**9
    lock_timeout: Annotated[float, BeforeValidator(_seconds)] = 60.0
    datasets: Annotated[dict[str, DatasetConfig], Field(min_length=1)] = {"default": DatasetConfig()}


def load(workspace: Path, environ: dict[str, str] | os._Environ[str] = os.environ) -> Settings:
    """Read the workspace's configuration.

    Args:
        workspace: the workspace's folder; without a `snapshotter.toml` in it the defaults hold.
        environ: `SNAPSHOTTER_MEMORY_LIMIT` and `SNAPSHOTTER_LOCK_TIMEOUT` in it override the file.

    Raises:
        ConfigError: a key or value that is not allowed; names the file, the key and what is allowed.
    """
    path = workspace / FILE_NAME
    raw = _table(path, _text(path))
    for key in ("memory_limit", "lock_timeout"):
        if value := environ.get(f"SNAPSHOTTER_{key.upper()}"):
            raw[key] = value
    return _settings(path, raw)


def threads(environ: dict[str, str] | os._Environ[str] = os.environ) -> int | None:
    """How many threads one command may work with; None, without `SNAPSHOTTER_THREADS`, for one for each core.

    With one, nothing of ours happens side by side: what a command asks of the system repeats, call by call.

    Raises:
        ConfigError: it is not a whole number from 1 on.
    """
    value = environ.get("SNAPSHOTTER_THREADS", "")
    if not value:
        return None
    if not re.fullmatch(r"0*[1-9][0-9]{0,3}", value):
        problem, allowed = "is not a whole number from 1 to 9999", "Without it there is one thread for each core."
        raise ConfigError(file="the environment", key="SNAPSHOTTER_THREADS", problem=problem, allowed=allowed)
    return int(value)


def parse(text: str, path: Path) -> Settings:
    """Read a configuration that is not written yet.

    Args:
        text: all of it.
        path: where it is going to stand; for messages.

    Raises:
        ConfigError: as `load`.
    """
    return _settings(path, _table(path, text))


def _settings(path: Path, raw: dict[str, Any]) -> Settings:
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise _config_error(path, error) from None
    for name, dataset in settings.datasets.items():
        _check_dataset(path, name, dataset)
    return settings


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise _no_toml(path, error) from None
    except OSError as error:
        raise ConfigError(
            file=path, key="the file", problem=f"cannot be read: {error.strerror}", allowed="Mend its rights."
        ) from None


def _table(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(path, error) from None


def _no_toml(path: Path, error: ValueError) -> ConfigError:
    return ConfigError(file=path, key="the file", problem=f"is not valid TOML: {error}", allowed="Mend it.")


def _check_dataset(path: Path, name: str, dataset: DatasetConfig) -> None:
    where = f"datasets.{name}"
    if not DATASET_NAME.fullmatch(name) or name in RESERVED_DATASETS:
        allowed = "A dataset's name is made of letters, digits, _ and -, and is neither `ledger` nor `rejects`."
        raise ConfigError(file=path, key=where, problem="is not a name for a dataset", allowed=allowed)
    for key in ("key", "column_order", "lineage"):
        names = [item.casefold() for item in getattr(dataset, key)]
        if len(set(names)) < len(names):
            raise ConfigError(
                file=path, key=f"{where}.{key}", problem="names a column twice", allowed="Name each once."
            )


def _config_error(path: Path, error: ValidationError) -> ConfigError:
    """The first problem that pydantic found, in the words of the file."""
    first = error.errors(include_url=False)[0]
    places = [str(part) for part in first["loc"] if not str(part).startswith("function-")]
    allowed = "Every key and what it may be is in the README, under Configuration."
    if first["type"] == "extra_forbidden":
        problem, allowed = "is not a key that exists here", f"Known keys: {_known_keys(places)}."
    else:
        problem = first["msg"].removeprefix("Value error, ")
    return ConfigError(file=path, key=".".join(places) or "the file", problem=problem, allowed=allowed)


def _known_keys(places: list[str]) -> str:
    models: tuple[type[BaseModel], ...] = (Settings, DatasetConfig, ColumnConfig)
    if "delete_when" in places:
        return ", ".join(DeleteRule.model_fields)
    depth = {1: 0, 3: 1, 5: 2}.get(len(places), 1)
    return ", ".join(models[depth].model_fields)
