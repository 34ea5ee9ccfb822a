"""What the commands answer, as pydantic models; `model_dump(mode="json")` of each is its `--json`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from snapshotter.heartbeat import WatchStatus
from snapshotter.ledger.records import Counts


class Result(BaseModel):
    """What every answer is: frozen, and the same in Python and as JSON."""

    model_config = ConfigDict(frozen=True, defer_build=True)  # built when one is made


class ErrorInfo(Result):
    """A named error."""

    code: int
    name: str
    message: str
    hint: str


class Correction(Result):
    """How many accepted cells of a column a correction changed."""

    column: str
    correction: str
    cells: int


class FileResult(Result):
    """What a run made of a file; `corrected` is not part of `run --json`, but of `files --json`."""

    name: str
    sha256: str | None
    revision: int
    status: str
    read: int
    accepted: int
    rejected: int
    warnings: list[str]
    corrected: list[Correction] = Field(default=[], exclude=True)


class LatestInfo(Result):
    """The published view: its path inside the workspace, its rows and its digest."""

    path: str
    rows: int
    sha256: str


class DatasetResult(Result):
    """What a run, a reset, a withdraw or a rebuild did to a dataset; `snapshot` is None where nothing was committed."""

    dataset: str
    snapshot: int | None
    error: ErrorInfo | None = None
    counts: Counts = Counts()
    latest: LatestInfo | None = None
    files: list[FileResult] = []


class RebuildSide(Result):
    """What counts before or after a rebuild: files, their records, and the rows of latest.csv."""

    files: int
    read: int
    accepted: int
    rejected: int
    rows: int


class RebuildDifference(Result):
    """What a rebuild changes.

    `contract` says what changed so that the rows had to be read again; keys are compared by their published cells,
    and are None where the key itself is another.
    """

    contract: list[str]
    before: RebuildSide
    after: RebuildSide
    keys_added: int | None
    keys_removed: int | None
    keys_changed: int | None
    columns_added: list[str]
    columns_removed: list[str]


class RebuildResult(DatasetResult):
    """What a rebuild did; `difference` is None where there was no snapshot yet."""

    difference: RebuildDifference | None = None


class RunResult(Result):
    """What a run did; `seconds` is its wall time.

    `republished` (not part of `--json`): datasets without a file in the queue that got a snapshot, by its number,
    since the configuration of their view changed.
    """

    datasets: list[DatasetResult]
    unmatched: list[str] = []
    seconds: float
    republished: dict[str, int] = Field(default={}, exclude=True)


class SnapshotInfo(Result):
    """A line of `snapshots`."""

    snapshot: int
    kind: str
    at: str
    files: int
    counts: Counts
    rows: int
    sha256: str
    restorable: bool


class FileInfo(Result):
    """A line of `files`: a delivery and what became of it."""

    name: str
    revision: int
    status: str
    sha256: str | None
    size: int
    at: str
    snapshot: int | None
    read: int
    accepted: int
    rejected: int
    archived: str
    warnings: list[str]
    corrected: list[Correction]


class RejectInfo(Result):
    """A refused row, or a refused file (`row` None where it is about the whole).

    `candidates` (not part of `--json`): names in its header that may be the column that is missing.
    """

    file: str
    row: int | None
    column: str | None
    rule: str
    value: str | None
    reason: str
    candidates: tuple[str, ...] = Field(default=(), exclude=True)


class PruneResult(Result):
    """What a prune forgot, or would forget: snapshots that could be restored, numbers of files, and bytes.

    `horizon` is the oldest snapshot that is left; null where there is none at all.
    """

    dataset: str
    horizon: int | None
    snapshots: list[int] = []
    files: int = 0
    rejects: int = 0
    bytes: int = 0


class RejectGroup(Result):
    """What was refused for one rule and one column.

    Args:
        failures, files: how often, and in how many files.
        reason: the most frequent one.
        hint: what would have let them in.
        examples: the first three.
    """

    rule: str
    column: str | None
    failures: int
    files: int
    reason: str
    hint: str
    examples: list[RejectInfo]


class CellChange(Result):
    """A cell that differs between two snapshots."""

    key: list[str]
    column: str
    old: str
    new: str


class DiffResult(Result):
    """What two snapshots differ in."""

    added: list[list[str]]
    removed: list[list[str]]
    changed: list[CellChange]
    columns_added: list[str]
    columns_removed: list[str]


class VersionInfo(Result):
    """A version of a key."""

    values: dict[str, str]
    timestamp: str
    source_filename: str
    source_revision: int
    source_row: int
    snapshot: int
    current: bool
    deleted: bool


class LastRun(Result):
    """The newest commit that came from a run."""

    at: str
    snapshot: int | None
    files: int
    counts: Counts = Counts()


class DatasetStatus(Result):
    """The state of a dataset."""

    dataset: str
    snapshot: int | None
    kind: str | None
    at: str | None
    latest: LatestInfo | None
    queued: list[str]
    last_run: LastRun | None
    attention: list[str]


class StatusResult(Result):
    """The state of a workspace.

    `recovery` says what the next run has to finish before it begins; `watch` is None where none is running.
    """

    workspace: str
    queue: int
    unmatched: list[str]
    datasets: list[DatasetStatus]
    recovery: list[str] = Field(default_factory=list)
    watch: WatchStatus | None = None


class Problem(Result):
    """Something that `check` found wrong.

    Args:
        dataset: of which dataset.
        what: the kind of thing.
        path: where, inside the workspace.
        problem: what is wrong.
        repairable: whether `check --repair` mends it.
        remedy: what to do.
    """

    dataset: str
    what: Literal["ledger", "part", "view", "archive", "rejects", "counts", "recovery"]
    path: str
    problem: str
    repairable: bool = False
    remedy: str = ""


class CheckResult(Result):
    """What `check` looked at and found wrong.

    Args:
        checked: how many things of each kind.
        problems: what is wrong; after a repair, what is left.
        notes: what is no fault, but should be known.
        repaired: what a repair mended.
    """

    checked: dict[str, int]
    problems: list[Problem] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    repaired: list[str] = Field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


class CleanResult(Result):
    """What `clean` removed and moved back."""

    removed: list[str]
    requeued: list[str]
