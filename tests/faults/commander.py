"""Carries out command lines of snapshotter, each in a fork that stops before it begins, so that strace can attach.

The libraries are loaded once; a fork is as fresh as a new process, but there at once. Requests come as lines of
JSON on stdin: {"arguments": [of the command line], "output": a named pipe, for stdout and, with `.err` behind it,
stderr, "file_size": the greatest size of a file in bytes, or null}. The first answer is the id of the process, which is
stopped and waits for SIGCONT; the second its exit code, negative for a signal.
"""

import ctypes
import gc
import json
import os
import resource
import signal
import sys
import traceback

import duckdb
import filelock
import typer

from snapshotter import checking, cli, going_back, pruning, reading, rebuilding, remarks, upkeep, workspace
from snapshotter.cli import commands
from snapshotter.engine import duckdb as engine

PR_SET_PTRACER = 0x59616D61  # of <linux/prctl.h>
# But not deltalake: a fork would lose its threads.
LOADED = (duckdb, filelock, typer, workspace, commands, engine)
LOADED += (checking, going_back, pruning, reading, rebuilding, remarks, upkeep)


def carry_out(request: dict) -> int:
    """One command line, in this process; its exit code."""
    for number, path in ((1, request["output"]), (2, request["output"] + ".err")):
        descriptor = os.open(path, os.O_WRONLY)
        os.dup2(descriptor, number)
        os.close(descriptor)
    if request["file_size"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_size"], request["file_size"]))
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)  # strace is no parent of ours
    os.kill(os.getpid(), signal.SIGSTOP)
    try:
        cli.main(request["arguments"])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def answer(number: int) -> None:
    """Say a number to whoever asked."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main() -> None:
    """Answer each request."""
    assert len(os.listdir("/proc/self/task")) == 1, "a fork would lose the other threads"  # noqa: PTH208
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            code = 255
            try:
                code = carry_out(json.loads(line))
                sys.stdout.flush()
            except BaseException:  # noqa: BLE001 - a fork must never go on with its parent's work
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        os.waitpid(child, os.WUNTRACED)
        answer(child)
        answer(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    os._exit(0)  # what leaks in a library is not told at the end of each test


if __name__ == "__main__":
    main()
