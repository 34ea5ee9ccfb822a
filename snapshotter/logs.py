"""The log: loguru, which takes longer to load than a run of an empty queue, and is loaded with the first message."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING


class _Door:
    """What a process that was started as a command wants of the log."""

    is_open = False
    waiting: Callable[[], None] | None = None


def at_first_use(set_up: Callable[[], None]) -> None:
    """Set up the log when something is written to it; at once, if loguru is there already."""
    _Door.is_open, _Door.waiting = True, set_up
    if "loguru" in sys.modules:
        ready()


def ready() -> None:
    """Set up the log now: code that is not ours may write to it, or listen."""
    waiting, _Door.waiting = _Door.waiting, None
    if waiting is not None:
        waiting()


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
        """Stands for loguru's until it is used."""

        def __getattr__(self, name: str) -> object:
            ready()
            from loguru import logger

            return getattr(logger, name)

    logger = _Logger()
