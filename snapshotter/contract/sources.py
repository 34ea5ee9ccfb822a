"""Where the contracts of a workspace come from: `snapshotter.toml`, or what it names, a pydantic model or an ODCS file.

What is named is read once and becomes the columns of the configuration, so that the contract that a snapshot
stores stands alone: nothing that reads a snapshot needs the model or the file again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from snapshotter.config import FILE_NAME, DatasetConfig
from snapshotter.contract import Contract, Problem, compile_contract
from snapshotter.errors import ConfigError
from snapshotter.extension import load

_FORMS = 'It is "module:Model", a pydantic model, or "file.odcs.yaml", both in the workspace.'
_NO_EMAIL = 'EmailStr needs another package: pip install "pydantic[email]", in the environment of snapshotter.'
_SUFFIXES = (".yaml", ".yml")


class Contracts(Mapping[str, Contract]):
    """The contracts of a workspace by dataset.

    Those that the configuration holds are compiled at once, so that a mistake shows at once; those that it names
    when they are first asked for, so that what does without them (`status`, `reset`, `show` …) does not read them.

    Args:
        datasets: the configurations by name.
        root: the workspace's folder.

    Raises:
        ConfigError: a configuration contradicts itself; also when a contract is asked for.
    """

    def __init__(self, datasets: Mapping[str, DatasetConfig], root: Path) -> None:
        """Compile what needs nothing but the configuration."""
        self._datasets, self._root = datasets, root
        self._compiled: dict[str, Contract] = {}
        for name, config in datasets.items():
            if not config.contract:
                self[name]

    def __getitem__(self, name: str) -> Contract:
        """The contract of a dataset."""
        if name not in self._compiled:
            self._compiled[name] = read_contract(name, self._datasets[name], self._root)
        return self._compiled[name]

    def __iter__(self) -> Iterator[str]:
        """The names of the datasets, in the order of the configuration."""
        return iter(self._datasets)

    def __len__(self) -> int:
        """The number of datasets."""
        return len(self._datasets)


def read_contract(dataset: str, config: DatasetConfig, root: Path) -> Contract:
    """Compile the contract of a dataset, with the columns of what its `contract` names.

    Args:
        dataset: its name.
        config: as in `snapshotter.toml`.
        root: the workspace's folder.

    Raises:
        ConfigError: what is named is not there, or is no contract; or its settings contradict each other.
    """
    file = root / FILE_NAME

    def problem(key: str, what: str, allowed: str) -> ConfigError:
        return ConfigError(file=file, key=f"datasets.{dataset}.{key}", problem=what, allowed=allowed)

    if not config.contract:
        return compile_contract(dataset, config, file)
    if config.columns:
        what = "stands beside `contract`, which brings the columns"
        raise problem("columns", what, "Take one of the two out.")
    is_file = config.contract.endswith(_SUFFIXES)
    module = config.contract.partition(":")[0].replace(".", "/") + ".py"
    if not (root / (config.contract if is_file else module)).resolve().is_relative_to(root.resolve()):
        raise problem("contract", f"{config.contract!r} leads out of the workspace", "Put the file into the workspace.")
    if is_file:
        found = _of_odcs(dataset, config, root, problem)
        return compile_contract(dataset, found, file)
    return _of_model(dataset, config, root, problem)


def _of_model(dataset: str, config: DatasetConfig, root: Path, problem: Problem) -> Contract:
    from pydantic import BaseModel

    from snapshotter.contract.fields import FieldRefused
    from snapshotter.contract.model import RowModel

    try:
        extension = load(root, config.contract)
    except ValueError as error:
        missing = isinstance(error.__cause__, ImportError) and "email-validator" in str(error)
        allowed = _NO_EMAIL if missing else _FORMS
        raise problem("contract", f"{config.contract!r} {' '.join(str(error).split())}", allowed) from None
    found = extension.object
    if not (isinstance(found, type) and issubclass(found, BaseModel) and found.model_fields):
        raise problem("contract", f"{config.contract!r} is no pydantic model with fields", _FORMS)
    try:
        with extension.running():
            model = RowModel(found, extension.running)
            if model.needs_python:
                found.model_rebuild()  # what was put off is found out now
    except FieldRefused as error:
        raise problem(f"contract: {found.__name__}.{error.field}", error.problem, error.allowed) from None
    except (RuntimeError, NameError, ImportError, TypeError) as error:  # pydantic's own errors are among these
        words = " ".join(str(error).split())
        allowed = _NO_EMAIL if "email-validator" in words else "Mend the model."
        raise problem("contract", f"{config.contract!r} is not ready for use: {words}", allowed) from None
    changes: dict[str, Any] = {"columns": model.columns}
    if model.forbids_others and "extra_columns" not in config.model_fields_set:
        changes["extra_columns"] = "reject"
    contract = compile_contract(dataset, config.model_copy(update=changes), root / FILE_NAME)
    return dataclasses.replace(
        contract,
        model=model if model.needs_python else None,
        code=extension.digest,
    )


def _of_odcs(dataset: str, config: DatasetConfig, root: Path, problem: Problem) -> DatasetConfig:
    from snapshotter.contract.odcs import OdcsRefused, read

    path = root / config.contract
    try:
        found = read(path, dataset)
    except OdcsRefused as error:
        raise problem(f"contract: {config.contract}: {error.place}", error.problem, error.allowed) from None
    changes: dict[str, Any] = {"columns": found.columns}
    if found.key and "key" not in config.model_fields_set:
        changes["key"] = found.key
    if found.timestamp and "timestamp" not in config.model_fields_set:
        changes["timestamp"] = found.timestamp
    return config.model_copy(update=changes)
