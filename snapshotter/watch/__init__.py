"""Runs whenever files have settled.

The truth is a look at the queue: at the start, every so often, after each run, and when the system tells that
something happened. What the system tells only wakes the loop, so it may fail without harm. Each look says which files
have settled (`settling`); those that have, and do not wait after a failure (`retrying`), are one run.
"""

from snapshotter.watch.loop import Watch
from snapshotter.watch.waking import Stop

__all__ = ["Stop", "Watch"]
