"""The contracts that the log of a ledger has."""

from __future__ import annotations

from snapshotter.config import DatasetConfig
from snapshotter.contract import Contract, compile_contract
from snapshotter.ledger.records import Commit


def stored_contract(dataset: str, commit: Commit) -> Contract:
    """The contract that a snapshot was made under."""
    return compile_contract(dataset, DatasetConfig.model_validate(commit.contract))
