"""`generate_test_data.py FILE.yaml`: a source that a file describes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snapshotter.testdata.cli.planned import Planned

HELP = """Make the tables that a file describes, in YAML or JSON.

\b
Examples:
  generate_test_data.py my.yaml --output /tmp/mine
  generate_test_data.py my.yaml --files 3 --describe
  generate_test_data.py my.yaml --workspace mine --with-config
"""


def command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The description: .yaml, .yml or .json.")],
    *,
    files: Annotated[int | None, typer.Option(min=1, metavar="N", help="Files, instead of what FILE says.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="The seed, instead of the one that FILE says.")
    ] = None,
) -> Planned:
    """Read the description."""
    from snapshotter.testdata.description import load

    wanted = {"files": files, "seed": seed}
    return Planned(load(path, {name: number for name, number in wanted.items() if number is not None}))
