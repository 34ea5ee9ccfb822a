"""The ledger's log: each entry as it was written, and the note of the newest one."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from snapshotter.checking.findings import BACKUP, Findings
from snapshotter.ledger import Ledger
from snapshotter.ledger.state import State

NOTE = "_acknowledged.json"
REMEDY = BACKUP + "; what is published stays as it is"
_ENTRY = re.compile(r"(\d{20})\.json")


def check_chain(findings: Findings, ledger: Ledger) -> None:
    """Each entry holds the digest of the one before it, and the note that of the newest; older entries hold none."""
    entries = _entries(ledger)
    digests = {version: hashlib.sha256(content).hexdigest() for version, content in entries.items()}
    wanted: dict[int, Any] = {version - 1: _record(content).get("previous") for version, content in entries.items()}
    note = _note(ledger)
    if "sha256" in note:
        wanted[note.get("version", -1)] = note["sha256"]
    for version, sha256 in sorted(wanted.items()):
        if sha256 and digests.get(version, sha256) != sha256:
            path = ledger.root / "_delta_log" / f"{version:020d}.json"
            findings.found("ledger", path, "its bytes are not those that were recorded", REMEDY)


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
    if not is_canonical(content):
        remedy = "`check --repair` writes it anew if the log, latest.csv and the Parquet files agree without it"
        findings.found("ledger", path, "its bytes are not those that were written", remedy, mendable=True)


def is_canonical(content: bytes) -> bool:
    """Whether a note of one JSON object has the bytes that the object is written with."""
    try:
        note = json.loads(content)
        return isinstance(note, dict) and json.dumps(note).encode() == content
    except ValueError:
        return False


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


def _entries(ledger: Ledger) -> dict[int, bytes]:
    """The entries of the log that lie there one by one, in order."""
    folder = ledger.root / "_delta_log"
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return {int(path.name[:20]): path.read_bytes() for path in found if _ENTRY.fullmatch(path.name)}


def _record(content: bytes) -> dict[str, Any]:
    """Our record in an entry; nothing, if it cannot be read."""
    try:
        actions = [json.loads(line) for line in content.decode().split("\n") if line]
        return dict(next((a["commitInfo"].get("snapshotter", {}) for a in actions if "commitInfo" in a), {}))
    except (ValueError, TypeError, AttributeError):
        return {}


def _note(ledger: Ledger) -> dict[str, Any]:
    """The note of the newest entry; nothing, if it cannot be read."""
    try:
        note = json.loads((ledger.root / NOTE).read_bytes())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
