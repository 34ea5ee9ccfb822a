"""Writing what was refused: the rows of an applied file, or what was wrong with a file that had too many of them."""

from __future__ import annotations

import codecs
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
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
        scratch: a folder for the engine.
        folder: where the files go once they are committed.
        drafts: where they are until then.
    """

    def __init__(self, engine: Engine, encoding: str, scratch: Path, folder: Path, drafts: Path) -> None:
        """Nothing is written yet."""
        self._marked = codecs.lookup(encoding).name != "utf-8"
        self._engine, self._scratch, self._folder, self._drafts = engine, scratch, folder, drafts
        self._names: set[str] = set()

    def write(self, proven: Proven, sha256: str) -> tuple[str, str]:
        """Write the refused rows of a file.

        Args:
            proven: the file.
            sha256: its digest.

        Returns:
            The name that the file of refused rows will have, and its digest.
        """
        judged, digest = disk.temporary(self._scratch), hashlib.sha256()
        positions = rejects.kept_positions(proven.names)
        rows = self._engine.write_rejects(proven.batch, positions, proven.delimiter, judged)
        lines = disk.pieces(judged) if rows else ()
        content = rejects.compose(proven.names, proven.delimiter, lines, proven.refused, marked=self._marked)
        name = inbox.free_name(self._folder, f"{proven.name}.csv", sha256, taken=self._names)
        self._names.add(name)
        disk.make_folder(self._drafts)
        disk.replace(rejects.draft(self._drafts, proven.batch), _digested(content, digest))
        judged.unlink(missing_ok=True)
        return name, digest.hexdigest()

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


def _digested(pieces: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    """The pieces, each of which the digest has seen."""
    for piece in pieces:
        digest.update(piece)
        yield piece
