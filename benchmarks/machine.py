"""The machine and the versions that figures were measured with."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.stage import ROOT

PACKAGES = (
    "snapshotter",
    "duckdb",
    "deltalake",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "dlt",
    "csvkit",
    "Faker",
    "mimesis",
)


def machine(folder: Path) -> dict[str, str]:
    """Cores, memory, kernel, and the file system of a folder."""
    return {
        "processor": f"{len(os.sched_getaffinity(0))} cores, {_field('/proc/cpuinfo', 'model name')}",
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GB",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": file_system(folder),
    }


def versions() -> dict[str, str]:
    """The versions of all that takes part, the commit of this project included."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    found["snapshotter"] += f" ({_told('git', '-C', str(ROOT), 'describe', '--always', '--dirty')})"
    found["miller"] = _told("mlr", "--version").removeprefix("mlr ")
    return found


def file_system(folder: Path) -> str:
    """The type of the file system that a folder lies on."""
    path, best, kind = str(folder.resolve()), "", "unknown"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, described = line.split(" - ")
        point = mount.split()[4]
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, described.split()[0]
    return kind


def _field(path: str, name: str) -> str:
    """The value of the first line of a file of the kernel's that begins with a name."""
    lines = (line.partition(":") for line in Path(path).read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "unknown")


def _told(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not installed"
