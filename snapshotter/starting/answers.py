"""What `init` answers: what it made, what it proposes for sample files, and the templates there are."""

from __future__ import annotations

from snapshotter.results import Result


class ProposedColumn(Result):
    """A column of the samples, and what is proposed to be said of it.

    Args:
        name: as the newest sample spells it.
        type: the contract's name of its type; `string` is proposed by saying nothing.
        nullable: false where no cell was empty; None where nothing is said.
        required: false where a sample lacks it.
        aliases: other spellings of it in the samples.
        unique: whether no value stands twice in the samples.
        notes: what a person should know before this is believed.
    """

    name: str
    type: str = "string"
    nullable: bool | None = None
    required: bool = True
    aliases: tuple[str, ...] = ()
    unique: bool = False
    notes: tuple[str, ...] = ()


class KeyCandidate(Result):
    """Columns that may be the key.

    Args:
        columns: their names.
        alone: whether they are unique without the timestamp.
        twins: how often they stand at one instant with different rows; 0 for a key without a flaw.
    """

    columns: tuple[str, ...]
    alone: bool
    twins: int = 0


class Proposal(Result):
    """What `init FILE…` found out about sample files: the settings of a dataset, and what is unsure of them."""

    files: tuple[str, ...]
    rows: int
    match: str = "*.csv*"
    key: tuple[str, ...]
    key_candidates: tuple[KeyCandidate, ...]
    timestamp: str
    timestamp_formats: tuple[str, ...] = ()
    max_future: str = "1d"
    batch_time: str = ""
    encodings: tuple[str, ...] = ("utf-8",)
    delimiter: str = "auto"
    columns: tuple[ProposedColumn, ...]
    notes: tuple[str, ...] = ()


class TemplateVariable(Result):
    """A variable that a template asks for; without a default it must be given."""

    name: str
    description: str = ""
    default: str | None = None


class TemplateInfo(Result):
    """A template that comes with the project."""

    name: str
    description: str
    variables: list[TemplateVariable]


class InitResult(Result):
    """What `init` made; with sample files, the proposal and its texts."""

    workspace: str
    made: list[str]
    proposal: Proposal | None = None
    toml: str | None = None
    odcs: str | None = None
