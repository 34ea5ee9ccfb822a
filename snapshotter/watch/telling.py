"""What a watch tells: one event each, a line of JSON with `--json`. Never a cell's value."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from snapshotter.results import ErrorInfo, RunResult


class WatchEvent(BaseModel):
    """Something that happened: what, and when."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    event: str
    at: str


class Started(WatchEvent):
    """The watch looks at the queue; from now on nothing that is dropped is missed."""

    event: Literal["started"] = "started"
    workspace: str
    pid: int
    settle: float
    poll: float
    events: bool


class Ran(WatchEvent):
    """A run that found something to do is done; `run` is what `run --json` prints."""

    event: Literal["run"] = "run"
    run: RunResult


class Waiting(BaseModel):
    """A file that a run could not take yet."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: str
    reason: str
    retry_in: float


class Deferred(WatchEvent):
    """Files that a run could not take yet; each is tried again in `retry_in` seconds."""

    event: Literal["waiting"] = "waiting"
    files: list[Waiting]


class Failed(WatchEvent):
    """A run, or one dataset of it, failed; it is tried again in `retry_in` seconds."""

    event: Literal["error"] = "error"
    dataset: str | None
    error: ErrorInfo
    retry_in: float


class Warned(WatchEvent):
    """Something that does not stop the watch, but that a person should know."""

    event: Literal["warning"] = "warning"
    message: str


class Stopped(WatchEvent):
    """The watch ended because it was asked to; `given_up` is true if a run was stopped before all was committed."""

    event: Literal["stopped"] = "stopped"
    runs: int
    given_up: bool
