"""How much is tried: a sample (`make test`), each place of the write order (`make test-faults`), or every call.

What a test needs of the machine is asked for here: without it a test is skipped with the reason, under CI it fails.
"""

import os
import shutil
from collections.abc import Iterable
from enum import Enum

import pytest

PATH = os.pathsep.join(
    [os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]
)  # where mkfs is, for whom it is not on the path


class Mode(Enum):
    """What SNAPSHOTTER_FAULTS says."""

    SAMPLE = ""
    EACH = "each"
    ALL = "all"


MODE = Mode(os.environ.get("SNAPSHOTTER_FAULTS", ""))


def chosen(points, sample):
    """The points to be tried: `sample` of them from all over, the first of each place, or all."""
    if MODE is Mode.ALL:
        return points
    first = {point.place: point for point in reversed(points)}
    each = [point for point in points if first[point.place] is point]
    if MODE is Mode.EACH:
        return each
    # How many files are opened before also hangs on what Python finds compiled: a sample goes by the other calls.
    each = [point for point in each if point.call != "openat"]
    return [each[number * len(each) // sample] for number in range(min(sample, len(each)))]


def need(*programs: str, root: bool = False) -> None:
    """Skip the test that asks, or fail it under CI, where the machine lacks something."""
    missing = [f"{program} is not installed" for program in programs if not shutil.which(program, path=PATH)]
    if root and os.geteuid() != 0:
        missing.append("only root may mount")
    if missing:
        refuse("; ".join(missing))


def refuse(why: str) -> None:
    """Skip, or fail under CI."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(f"{why}; `make test-faults` installs what it needs where it can")


def long_only() -> None:
    """Leave this out of the sample."""
    if MODE is Mode.SAMPLE:
        pytest.skip("`make test-faults` has this")


def tell(record_property, done: int, wrong: dict, what: str) -> None:
    """Say N of N, and fail with what is wrong."""
    record_property("faults", f"{done - len(wrong)} of {done} {what}")
    told = [f"{place}\n    {problem}" for place, problem in wrong.items()]
    assert not wrong, f"{len(wrong)} of {done} {what} went wrong\n" + "\n".join(told)


def each_nth(items: Iterable, number: int) -> list:
    """`number` of the items, from all over."""
    found = list(items)
    return [found[place * len(found) // number] for place in range(min(number, len(found)))]
