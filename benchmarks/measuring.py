"""One process, measured: wall seconds, seconds of CPU, peak memory.

Whoever measures stays small and imports nothing heavy, since a child's peak memory counts from that of its parent on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """What one process took.

    Args:
        seconds: wall time from its start to its end.
        cpu: seconds of user and system time, its own children included.
        memory: peak resident memory in MB, of the largest process.
    """

    seconds: float
    cpu: float
    memory: float


class Failure(Exception):
    """A process that did not do what it was started for; the text says what happened instead."""


def measure(command: Sequence[str | Path], *, limit: float, cwd: Path, env: Mapping[str, str] | None = None) -> Sample:
    """Run one process to its end.

    Args:
        command: the program and its arguments.
        limit: seconds after which it is killed, with all that it started.
        cwd: its current folder; also where engines put what does not fit into memory.
        env: its environment; None: ours.

    Raises:
        Failure: it could not be started, ended with another exit code than 0, or did not end in time.
    """
    overdue = threading.Event()
    with tempfile.TemporaryFile() as told:
        start = time.perf_counter()
        try:
            # It is waited for by wait4 below: only that tells what this one process used.
            process = subprocess.Popen(
                list(map(str, command)),
                stdout=subprocess.DEVNULL,
                stderr=told,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
        except OSError as error:
            raise Failure(f"could not be started: {error.strerror}") from error

        def end() -> None:
            overdue.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit, end)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            end()
            raise
        finally:
            timer.cancel()
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if overdue.is_set():
            raise Failure(f"did not end within {limit:.0f} s")
        if process.returncode:
            told.seek(0)
            raise Failure(ending(process.returncode, told.read().decode(errors="replace")))
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def ending(code: int, told: str) -> str:
    """How a process failed, with the last line of what it told."""
    how = f"ended with exit code {code}" if code > 0 else f"was killed by {signal.Signals(-code).name}"
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    return f"{how}: {lines[-1][:300]}" if lines else how


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """The median of the ratios ours / theirs, each of two that ran in the same turn; None if there is no such pair."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=False)) if ours and theirs else None


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the values that at least this share of them does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
