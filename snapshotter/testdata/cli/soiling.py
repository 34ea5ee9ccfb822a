"""Dirt and truth at the command line: which of the files come now, and which in a later wave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from snapshotter.errors import UsageError
from snapshotter.testdata.batch import Batch
from snapshotter.testdata.cli.options import FormatName
from snapshotter.testdata.dirt import Soiled, soil, write_truth
from snapshotter.testdata.formats import FORMATS
from snapshotter.testdata.source import Source, Table


@dataclass
class Dirty:
    """A source with dirt in it, of which one wave is delivered.

    Args:
        soiled: the source; without dirt where the share is 0.
        wave: which is delivered now.
        waves: how many files each wave has; filled as `batches` goes by.
    """

    soiled: Soiled
    wave: int
    waves: Counter[int] = field(default_factory=Counter)

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables, with contracts that take what is done to their files."""
        return self.soiled.tables

    def batches(self) -> Iterator[Batch]:
        """The files of this wave.

        Raises:
            UsageError: it has none.
        """
        for file in self.soiled.files():
            self.waves[file.wave] += 1
            if file.wave == self.wave:
                yield file.batch()
        if not self.waves[self.wave]:
            raise UsageError(
                what=f"there is no wave {self.wave}: the files come in {len(self.waves)}",
                remedy="Nothing was written.",
            )

    def notes(self) -> Iterator[str]:
        """What is to be said of the wave that comes next; nothing if this is the last one."""
        count = self.waves[self.wave + 1]
        if not count:
            return
        come = "1 file comes" if count == 1 else f"{count:,} files come"
        following = self.wave + 1
        yield f"note: {come} again, or corrected, in wave {following}: run snapshotter, then add --wave {following}"


def soiled(source: Source, share: float, wave: int, seed: int) -> Dirty:
    """A source with a share of dirt.

    Raises:
        UsageError: a later wave of a clean source.
    """
    if wave > 1 and not share:
        raise UsageError(
            what=f"--wave {wave} is of dirty files", remedy="Say --dirty SHARE, too, as for the first wave."
        )
    return Dirty(soil(source, share, seed), wave)


def put_truth(dirty: Dirty, folder: Path, form: FormatName) -> None:
    """Write what is right about all waves.

    Args:
        dirty: the source.
        folder: is made, if the one above it is there.
        form: of the files that are delivered.

    Raises:
        NotWritten: the system refused.
    """
    write_truth(dirty.soiled, folder, packed=FORMATS[form].suffix.removeprefix(".csv"))
