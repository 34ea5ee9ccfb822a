"""What was made so far, in `.testdata.json` of the working folder, so that a later run can go on from there.

It is written last of all: a run that was stopped before is made again by the next one, with the same bytes.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snapshotter.testdata.pools import PINNED
from snapshotter.testdata.sources import FOLDER
from snapshotter.testdata.sources.crm.settings import CrmSettings

FILE = ".testdata.json"
# Settings that may differ from one day to the next: no id of a later day depends on them. The most transactions of
# a customer do not belong here, for a day's ids go on from how many there were before.
_FREE = {"mode", "archival", "without", "transactions", "timer"}


@functools.cache
def version() -> str:
    """What the data depend on beside the settings: the description and the pools."""
    whole = hashlib.sha256((FOLDER / "crm.yaml").read_bytes())
    whole.update(json.dumps(PINNED, sort_keys=True).encode())
    return whole.hexdigest()[:16]


class State(BaseModel):
    """What was made so far.

    Args:
        runs: how many runs were finished, of any mode.
        days: how many days there are since the last run that began anew.
        made_by: the version of description and pools.
        settings: those that every day must have in common.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    runs: int = Field(default=0, ge=0)
    days: int = Field(default=0, ge=0)
    made_by: str = ""
    settings: dict[str, Any] | None = None

    @classmethod
    def read(cls, folder: Path) -> State:
        """The state of a working folder; that of a new one if there is none.

        Raises:
            ValueError: the file cannot be read, or is not one of ours.
        """
        path = folder / FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise ValueError(
                f"{path} is not what this program writes: move it away, and begin with truncate"
            ) from error

    def day(self, settings: CrmSettings) -> int:
        """The number of the day that is to be made, from 0.

        Raises:
            ValueError: the days so far were made by another version, or with other settings.
        """
        if settings.mode == "truncate" or not self.days:
            return 0
        if self.made_by != version():
            raise ValueError(
                "the days so far were made by another version of this program, whose people are others: "
                "begin anew with --mode truncate"
            )
        common, before = _common(settings), self.settings or {}
        other = sorted(name for name in common if common[name] != before.get(name))
        if other:
            raise ValueError(
                f"the days so far were made with another {other[0]}: {before.get(other[0])!r}, not "
                f"{common[other[0]]!r}; say the same, or begin anew with --mode truncate"
            )
        return self.days

    def after(self, settings: CrmSettings, day: int) -> State:
        """The state when a day is made."""
        return State(runs=self.runs + 1, days=day + 1, made_by=version(), settings=_common(settings))

    def write(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        hidden = folder / f"{FILE}.tmp"
        hidden.write_text(self.model_dump_json(), "utf-8")
        hidden.replace(folder / FILE)


def _common(settings: CrmSettings) -> dict[str, Any]:
    return settings.model_dump(mode="json", exclude=_FREE)
