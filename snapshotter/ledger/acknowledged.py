"""The number of the newest entry of the log that was acknowledged: an entry that is lost cannot tell of itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from snapshotter import disk
from snapshotter.errors import LedgerDamaged

NAME = "_acknowledged.json"


class Note(BaseModel):
    """What the file says.

    Args:
        version: of the newest entry; -1 before the first.
        digest: the sha256 of that entry.
        finished: whether all files are where it wants them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: int = -1
    digest: str = ""
    finished: bool = False


@dataclass(frozen=True)
class Acknowledged:
    """The file of one table.

    Args:
        root: the table's folder.
        dataset: its name, for messages.
    """

    root: Path
    dataset: str

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.root / NAME

    def read(self) -> Note:
        """What it says; without the file, that nothing was acknowledged.

        Raises:
            LedgerDamaged: it cannot be read, or is not as it was written.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return Note()
        except OSError as error:
            raise LedgerDamaged(dataset=self.dataset, problem=f"{NAME} cannot be read: {error.strerror}") from None
        if not is_as_written(content):
            raise LedgerDamaged(dataset=self.dataset, problem=f"{NAME} is not as it was written")
        return Note.model_validate_json(content)

    def write(self, version: int, digest: str, *, finished: bool) -> None:
        """Write it, durably."""
        note = Note(version=version, digest=digest, finished=finished)
        disk.replace(self.path, note.model_dump_json().encode())


def is_as_written(content: bytes) -> bool:
    """Whether the file has the bytes that its note is written with; notes of older versions had no digest."""
    try:
        note = Note.model_validate_json(content)
    except ValidationError:
        return False
    if not note.digest:
        return json.dumps(note.model_dump(exclude={"digest"})).encode() == content
    return note.model_dump_json().encode() == content
