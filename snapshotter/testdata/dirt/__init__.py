"""Dirt, as real publishers make it, and beside it the truth: what must become of each file and each row.

    soiled = soil(source, share=0.05, seed=0)
    for file in soiled.files():  # by wave: what cannot be in one folder at one time comes in a later one
        write(file.name, file.chunks())
    write_truth(soiled, Path("truth"))

About `share` of the files are dirty as a whole (`FileKind`), and in the others about `share` of the rows (`RowKind`).
Whatever is done, it is certain what must become of it: where it would not be, something else is done.
"""

from __future__ import annotations

from snapshotter.testdata.dirt.kinds import FileKind, RowKind
from snapshotter.testdata.dirt.sheet import Delivered
from snapshotter.testdata.dirt.soiling import Soiled, soil
from snapshotter.testdata.dirt.truth import write_truth

__all__ = ["Delivered", "FileKind", "RowKind", "Soiled", "soil", "write_truth"]
