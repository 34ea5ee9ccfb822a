"""Writing what was refused: the rows of an applied file, or what was wrong with a file that had too many of them."""

from __future__ import annotations

import codecs
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from snapshotter import disk, inbox, rejects
from snapshotter.engine.port import Engine
from snapshotter.ledger.records import Failure, FailureGroup
from snapshotter.loading import Proven
from snapshotter.logs import logger

_GROUPS = 20  # kinds of failure that a refused file names


class RejectsWriter:
    """Writes the files of refused rows of one run, as drafts.

    Args:
        engine: holds the refused rows.
        encoding: the first one in which the dataset's files are read: the file must be readable in it, too.
        folder: where the files go once they are committed.
        drafts: where they are until then.
    """

    def __init__(self, engine: Engine, encoding: str, folder: Path, drafts: Path) -> None:
        """Nothing is written yet."""
        self._marked = codecs.lookup(encoding).name != "utf-8"
        self._engine, self._folder, self._drafts = engine, folder, drafts
        self._names: set[str] = set()

    def write(self, files: Sequence[Proven]) -> list[tuple[str, str]]:
        """Write the refused rows of files that were judged at once.

        Args:
            files: in the order of their batches; they have one header.

        Returns:
            For each the name that its file of refused rows will have, and the digest of that.
        """
        first, longest = files[0], max(proven.layout.longest for proven in files)
        positions = rejects.kept_positions(first.names)
        lines = self._engine.rejected_lines([p.batch for p in files], positions, first.delimiter, longest)
        by_batch = _ByBatch(lines)
        disk.make_folder(self._drafts)
        digests = [hashlib.sha256() for _ in files]
        disk.write_drafts(
            (rejects.draft(self._drafts, proven.batch), _digested(self._content(proven, by_batch), digest))
            for proven, digest in zip(files, digests, strict=True)
        )
        return [(self._name(proven), digest.hexdigest()) for proven, digest in zip(files, digests, strict=True)]

    def _content(self, proven: Proven, lines: _ByBatch) -> Iterator[bytes]:
        judged = lines.of(proven.batch)
        return rejects.compose(proven.names, proven.delimiter, judged, proven.refused, marked=self._marked)

    def _name(self, proven: Proven) -> str:
        name = inbox.free_name(self._folder, f"{proven.name}.csv", proven.content.sha256, taken=self._names)
        self._names.add(name)
        return name

    def too_many(self, proven: Proven, rejected: int, limit: float) -> Failure:
        """Why a file is refused whole: too large a share of its rows were; by kind, most frequent first."""
        groups = [
            FailureGroup(column=c, rule=r, reason=why, rows=n) for c, r, why, n in self._engine.failures(proven.batch)
        ]
        unread = Counter((record.rule, record.reason) for record in proven.refused)
        groups += [FailureGroup(column="", rule=rule, reason=why, rows=n) for (rule, why), n in unread.items()]
        groups.sort(key=lambda group: -group.rows)
        logger.bind(file=proven.name, rows=rejected).info("too many rows refused")
        total = proven.measured.records
        said = "; ".join(f"{group.reason} ({group.rows:,})" for group in groups[:3])
        reason = f"{rejected:,} of {total:,} rows were refused, more than max_reject_ratio = {limit:g} allows: {said}"
        return Failure(rule="max_reject_ratio", reason=reason, groups=tuple(groups[:_GROUPS]))


class _ByBatch:
    """Lines of batches that follow each other, handed out batch by batch; not all batches have some."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._groups = groupby(lines, key=itemgetter(0))
        self._next = next(self._groups, None)

    def of(self, batch: int) -> Iterator[bytes]:
        """The lines of a batch, in pieces; asked for in the order of the batches."""
        if self._next is not None and self._next[0] == batch:
            for _, text in self._next[1]:
                yield text.encode()
            self._next = next(self._groups, None)


def _digested(pieces: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    """The pieces, each of which the digest has seen."""
    for piece in pieces:
        digest.update(piece)
        yield piece
