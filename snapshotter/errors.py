"""Every named error: its exit code, what it says, and what to do about it.

The class is the contract: `code` is the exit code, `template` the message with named fields, `hint` the
remedy. `snapshotter --help` and the README list what stands here. Messages never hold a cell's value.
"""

from __future__ import annotations

from typing import ClassVar


class SnapshotterError(Exception):
    """The base of all named errors.

    Args:
        fields: the values for the names in `template` and `hint`; kept as attributes in `self.fields`.
    """

    code: ClassVar[int]
    template: ClassVar[str]
    hint: ClassVar[str]

    def __init__(self, **fields: object) -> None:
        """Fill the template; a missing field is a programming error and raises KeyError."""
        self.fields = fields
        self.message = self.template.format(**fields)
        self.remedy = self.hint.format(**fields)
        super().__init__(self.message)

    @property
    def name(self) -> str:
        """The error's name, as in the README's table and in `--json`."""
        return type(self).__name__


class UsageError(SnapshotterError):
    """A command or an argument that makes no sense here."""

    code = 2
    template = "{what}"
    hint = "{remedy}"


class ConfigError(SnapshotterError):
    """`snapshotter.toml` or the environment says something that is not allowed."""

    code = 2
    template = "{file}: {key}: {problem}"
    hint = "Nothing was changed. {allowed}"


class NoWorkspace(SnapshotterError):
    """The folder is not a workspace, or cannot be read."""

    code = 2
    template = "{path} is not a workspace: {problem}"
    hint = "Name the right folder with --workspace, or make one with `snapshotter init --workspace DIR`."


class ConfirmationNeeded(SnapshotterError):
    """A destructive command was not confirmed."""

    code = 2
    template = "`{command}` was not confirmed; nothing was changed"
    hint = "Say --yes to go ahead."


class LockTimeout(SnapshotterError):
    """Another process is writing to the workspace."""

    code = 10
    template = "the workspace is in use by {holder}; waited {seconds:g} s; nothing was changed"
    hint = "Wait for it to end, or raise `lock_timeout`. Reading commands never wait."


class LedgerDamaged(SnapshotterError):
    """The ledger does not hold what it says it holds."""

    code = 11
    template = "the ledger of dataset `{dataset}` is damaged: {problem}; nothing was changed"
    hint = "Run `snapshotter check --dataset {dataset}`; restore output/ledger/{dataset} from a backup."


class LedgerForeign(SnapshotterError):
    """The ledger was written by something that this version does not understand."""

    code = 12
    template = "the ledger of dataset `{dataset}` cannot be written: {problem}; nothing was changed"
    hint = "Use the version of snapshotter that wrote it."


class ContractChanged(SnapshotterError):
    """The configuration changed in a way that the stored rows cannot follow."""

    code = 13
    template = "the contract of dataset `{dataset}` changed ({changes}); its rows were accepted under the old one"
    hint = (
        "Nothing was changed. Undo the change, or read the archive again under the new contract: "
        "`snapshotter rebuild --dataset {dataset}`, which shows what that changes before it does it."
    )


class NoSuchSnapshot(SnapshotterError):
    """A snapshot number that the dataset does not have."""

    code = 14
    template = "dataset `{dataset}` has no snapshot {snapshot}; it has {known}"
    hint = "`snapshotter snapshots` lists them."


class NotRestorable(SnapshotterError):
    """A snapshot whose rows are no longer all there."""

    code = 15
    template = "snapshot {snapshot} of dataset `{dataset}` cannot be restored: {problem}"
    hint = "`snapshotter snapshots` shows which can."


class NoSuchBatch(SnapshotterError):
    """A file that the current snapshot does not hold."""

    code = 16
    template = "no batch `{name}` counts in dataset `{dataset}`: {problem}"
    hint = "`snapshotter files` lists every batch and what became of it."


class AmbiguousBatch(SnapshotterError):
    """A name with several revisions, and none of them named."""

    code = 17
    template = "`{name}` has several revisions in dataset `{dataset}`: {revisions}"
    hint = "Name one: `snapshotter withdraw '{name}@{example}'`."


class NotWritten(SnapshotterError):
    """The system refused to write, move or make durable; nothing was acknowledged."""

    code = 18
    template = "{path} could not be written: {problem}"
    hint = (
        "What was committed before is safe, the rest still waits in the queue. Free the space or mend the "
        "rights, and run again."
    )


class ReaderDisagrees(SnapshotterError):
    """Two independent readings of a file do not agree; neither is trusted."""

    code = 19
    template = "{file} could not be read with certainty: {problem}; nothing of it was taken"
    hint = "Please report this file; take it out of the queue to go on with the others."


class OutOfMemory(SnapshotterError):
    """The work did not fit into `memory_limit`."""

    code = 20
    template = "dataset `{dataset}` did not fit into memory_limit = {limit}; nothing of it was changed"
    hint = "Raise `memory_limit` in snapshotter.toml, or drop fewer files at a time."


class ArchiveIncomplete(SnapshotterError):
    """Archived files that count are missing, or are not what they were."""

    code = 21
    template = "the archive of dataset `{dataset}` is not whole: missing or pruned, or not what they were: {files}"
    hint = (
        "Nothing was changed. What is published does not need these files, but `rebuild` and `clean --requeue` need "
        "all that count. Put them back as they were, or `withdraw` those that shall not count any more."
    )


class BehindHorizon(SnapshotterError):
    """A file that is older than what `prune` kept cannot be taken back."""

    code = 22
    template = (
        "`{name}` is older than snapshot {horizon} of dataset `{dataset}`, the oldest that was kept; rows that it hid "
        "may be pruned, so it cannot be taken back; nothing was changed"
    )
    hint = "Drop a corrected file: newer rows win, and `delete_when` can remove keys."


class AlreadyWatched(SnapshotterError):
    """Another watch is running in the workspace."""

    code = 23
    template = "the workspace is already watched by {holder}"
    hint = "Nothing was changed. One watch is enough; end that one first, or let it be."


class NotFinished(SnapshotterError):
    """What was committed counts, but publishing it or moving its files failed; the next run finishes it."""

    code = 24
    template = "dataset `{dataset}`: {what} is committed and counts, but could not be finished: {problem}"
    hint = "Nothing is lost. Free the space or mend the rights; the next `run` publishes it and moves its files."


def named_errors() -> list[type[SnapshotterError]]:
    """All named errors by exit code, for the README and `--help`."""
    return sorted(SnapshotterError.__subclasses__(), key=lambda e: (e.code, e.__name__))
