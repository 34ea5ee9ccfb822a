"""The log: loguru, which takes longer to load than an empty queue to process, and is loaded with the first message."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

LEVELS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "SUCCESS": 25, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}  # loguru's


class _Door:
    """What a process that was started as a command wants of the log."""

    is_open = False
    set_up: Callable[[], None] | None = None  # until it is done
    level = 0  # below which nothing is written


def at_first_use(set_up: Callable[[], None], level: str) -> None:
    """Set up the log when something is written to it; at once, if loguru is there already.

    Args:
        set_up: does so.
        level: what is below it is not written, as long as nobody else uses the log.
    """
    _Door.is_open, _Door.set_up, _Door.level = True, set_up, LEVELS[level]
    if "loguru" in sys.modules:
        ready()


def ready() -> None:
    """Set up the log now: code that is not ours may write to it, or listen."""
    set_up, _Door.set_up = _Door.set_up, None
    if set_up is not None:
        set_up()


def silence() -> None:
    """A library is silent until its caller says `logger.enable("snapshotter")`; a command speaks.

    It cannot wait for the first message: whoever says so before that one must be heard.
    """
    if not _Door.is_open:
        from loguru import logger

        logger.disable("snapshotter")


if TYPE_CHECKING:
    from loguru import logger as logger  # noqa: PLC0414 - it is exported
else:

    class _Logger:
        """Stands for loguru's, and becomes it with the first message that somebody wants."""

        def __init__(self, extra: dict[str, object]) -> None:
            self._extra = extra

        def bind(self, **extra: object) -> _Logger:
            return _Logger(self._extra | extra)

        def __getattr__(self, name: str) -> Callable[..., object]:
            if _Door.set_up is not None and LEVELS.get(name.upper(), _Door.level) < _Door.level:
                return _unwanted
            ready()
            from loguru import logger

            return getattr(logger.bind(**self._extra), name)

    def _unwanted(*_arguments: object, **_fields: object) -> None:
        """A message below the level."""

    logger = _Logger({})
