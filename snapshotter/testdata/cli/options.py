"""The options that commands share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from snapshotter.errors import UsageError


class FormatName(StrEnum):
    """The names of `FORMATS`."""

    CSV = "csv"
    GZ = "csv.gz"
    ZST = "csv.zst"
    PARQUET = "parquet"


SeedOption = Annotated[
    int, typer.Option("--seed", metavar="N", help="Another seed makes other data; the same seed the same bytes.")
]
WorkspaceOption = Annotated[
    Path,
    typer.Option("--workspace", metavar="DIR", envvar="SNAPSHOTTER_WORKSPACE", help="Write into DIR/input/processing."),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", metavar="DIR", help="Write into DIR instead; `-` writes one table to stdout."),
]
FormatOption = Annotated[FormatName, typer.Option("--format", help="The form of the files.")]
TableOption = Annotated[str | None, typer.Option("--table", metavar="NAME", help="Write the files of this table only.")]
ConfigOption = Annotated[
    bool,
    typer.Option("--with-config", help="Write a snapshotter.toml with the contract of each table, too."),
]
DescribeOption = Annotated[
    str | None,
    typer.Option(
        "--describe",
        metavar="[FILE.svg]",
        help="Write no data: show tables, columns, links and change over time, or draw them into FILE.svg.",
    ),
]
DirtyOption = Annotated[
    float,
    typer.Option(
        "--dirty",
        min=0,
        max=1,
        metavar="SHARE",
        help="Put dirt into this share of the files, and of the rows of the others, as real publishers do.",
    ),
]
WaveOption = Annotated[
    int,
    typer.Option(
        "--wave",
        min=1,
        metavar="N",
        help="Write the dirty files that come again, or corrected, after snapshotter has taken those of wave N - 1.",
    ),
]
TruthOption = Annotated[
    Path | None,
    typer.Option(
        "--truth",
        metavar="DIR",
        help="Write into DIR what is right: latest.csv after all waves, and what must become of each file and row.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=256,
        metavar="N",
        help="How many threads make rows; the bytes are the same.",
        show_default="one for each processor",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace files of the same names.")]
ListOption = Annotated[bool, typer.Option("--list", help="Say which sources there are, and their tables.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Say on stdout, as JSON, what was made.")]


def no_such(kind: str, name: str, names: Iterable[str]) -> UsageError:
    """The error that there is no source or table of a name; it says which are meant, perhaps, and which there are."""
    there = list(names)
    near = difflib.get_close_matches(name.lower(), there, n=3)
    perhaps = f"Did you mean {' or '.join(near)}? " if near else ""
    return UsageError(what=f"there is no {kind} {name!r}", remedy=f"{perhaps}There is: {', '.join(there)}.")
