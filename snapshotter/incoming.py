"""A file between its reading and its proof: which batch it is, what its header means, and what was proved of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from snapshotter import reader
from snapshotter.heading import Heading
from snapshotter.identity import Identity
from snapshotter.inbox import Drop
from snapshotter.reader import Layout
from snapshotter.spool import Content


@dataclass(frozen=True)
class Known:
    """What is known of a file once its header is: which batch it is, where its header stands, and what it means."""

    identity: Identity
    span: tuple[int, int]
    raw: bytes
    heading: Heading


@dataclass
class Incoming:
    """A file that was read and is on its way.

    Args:
        place: its place in the queue.
        drop, content: the file.
        known: what is known of it once it is identified.
        proved: what was proved of it together with others.
    """

    place: int
    drop: Drop
    content: Content
    known: Known = field(init=False)
    proved: Layout | None = None

    @property
    def text(self) -> bytes:
        """The bytes of a small one, from its header on."""
        assert self.content.data is not None
        return self.content.data[self.known.span[0] :]

    @property
    def is_small(self) -> bool:
        """Whether it is proved together with others."""
        return self.content.data is not None and len(self.content.data) <= reader.SMALL


def prove_small(files: Sequence[Incoming]) -> None:
    """Prove small files that are identified, all at once; those that cannot be are left to be proved alone."""
    for delimiter in dict.fromkeys(file.known.heading.delimiter for file in files):
        alike = [file for file in files if file.known.heading.delimiter == delimiter]
        for file, layout in zip(alike, reader.prove_together([f.text for f in alike], delimiter), strict=True):
            file.proved = layout
