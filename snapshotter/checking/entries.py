"""The ledger's log: the note of the newest entry, what is derived of the log, and what others read of it.

Each entry holds the digest of the one before it, and the note that of the newest, so that a log which can be opened
is as it was written.
"""

from __future__ import annotations

from collections.abc import Iterator

from snapshotter.checking.digests import Expected
from snapshotter.checking.findings import BACKUP, Findings
from snapshotter.ledger import Ledger, acknowledged, checkpoint
from snapshotter.ledger.acknowledged import is_as_written
from snapshotter.ledger.state import State

NOTE = acknowledged.NAME
REMEDY = BACKUP + "; what is published stays as it is"
_MENDED = "`check --repair` writes it anew from the log"


def check_note(findings: Findings, ledger: Ledger) -> None:
    """The note of the newest entry is as it was written, to the byte."""
    path = ledger.root / NOTE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        findings.found("ledger", path, f"cannot be read: {error.strerror}", "mend the rights of the file")
        return
    if not is_as_written(content):
        remedy = "`check --repair` writes it anew if the log, latest.csv and the Parquet files agree without it"
        findings.found("ledger", path, "its bytes are not those that were written", remedy, mendable=True)


def check_against_delta(findings: Findings, ledger: Ledger, state: State) -> None:
    """deltalake, which knows nothing of our fold, finds the same version, files, rows and sizes."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        table = DeltaTable(str(ledger.root))
        actions = table.get_add_actions(flatten=True)
    except (DeltaError, ValueError):  # which of the two it is depends on what is wrong
        findings.found("ledger", ledger.root, "deltalake cannot read its log", REMEDY)
        return
    columns = (actions[name].to_pylist() for name in ("path", "num_records", "size_bytes"))
    found = {path: (rows, size) for path, rows, size in zip(*columns, strict=True)}
    wanted = {part.path: (part.rows, part.size) for part in state.parts.values()}
    if table.version() != state.version or found != wanted:
        findings.found("ledger", ledger.root, "deltalake reads another version, or other files, from its log", REMEDY)


def expected_derived(findings: Findings, ledger: Ledger) -> Iterator[Expected]:
    """Checkpoint, pointer and history of the log, with the digests that were recorded when they were written.

    Once an entry has left the log, they are there, and their digests, too.
    """
    try:
        derived = checkpoint.digests(ledger.root)
    except (OSError, ValueError):
        path = ledger.root / checkpoint.DIGESTS
        findings.found("ledger", path, "its bytes are not those that were written", _MENDED, mendable=True)
        return
    if not derived and ledger.has_shed():
        path = ledger.root / checkpoint.DIGESTS
        findings.found("ledger", path, "is missing", _MENDED, mendable=True)
    for name, sha256 in derived.items():
        yield Expected(findings, "ledger", ledger.root / name, sha256, _MENDED, mendable=True)
