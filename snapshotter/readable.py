"""The part of the Python API that only asks: it writes nothing, and waits for nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from snapshotter.config import FILE_NAME, Settings, load
from snapshotter.contract import Contract
from snapshotter.contract.sources import Contracts
from snapshotter.errors import UsageError
from snapshotter.inbox import Look
from snapshotter.layout import DEFAULT, Layout

if TYPE_CHECKING:
    import pandas as pd

    from snapshotter.results import (
        DiffResult,
        FileInfo,
        RejectGroup,
        RejectInfo,
        SnapshotInfo,
        StatusResult,
        VersionInfo,
    )


class ReadableWorkspace:
    """What can be asked of a workspace, a folder with `input/processing/`; nothing of it writes or waits.

    Args:
        path: the folder; without it `SNAPSHOTTER_WORKSPACE`, else the current folder.

    Raises:
        NoWorkspace: the folder is no workspace, or cannot be read.
        ConfigError: `snapshotter.toml` says something that is not allowed.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        """Read the configuration; nothing is changed."""
        self.layout = Layout.of(path or os.environ.get("SNAPSHOTTER_WORKSPACE") or ".")
        self._configure()

    def _configure(self) -> None:
        self._configured: Look | None = None  # if what follows fails, it is not up to date
        look = self.configuration()
        self.settings: Settings = load(self.layout.root)
        self.contracts = Contracts(self.settings.datasets, self.layout.root)
        self._configured = look

    def configuration(self) -> Look | None:
        """What `snapshotter.toml` looks like now, to tell whether it was changed; None if there is none."""
        try:
            return Look.of((self.layout.root / FILE_NAME).stat())
        except OSError:
            return None

    def status(self) -> StatusResult:
        """The queue, the current snapshots, the last runs, and what needs attention."""
        from snapshotter import reading

        return reading.status(self.layout, self.settings)

    def snapshots(self, *, dataset: str | None = None) -> list[SnapshotInfo]:
        """Every snapshot, oldest first."""
        from snapshotter import reading

        return reading.snapshots(self.layout, self.name(dataset))

    def files(self, status: str | None = None, *, dataset: str | None = None) -> list[FileInfo]:
        """Every delivery and what became of it, oldest first; those of one status if it is given."""
        from snapshotter import reading

        return reading.files(self.layout, self.name(dataset), status)

    def rejects(self, name: str | None = None, *, dataset: str | None = None) -> list[RejectInfo]:
        """Refused rows of batches that count, and refused files; those of one file if it is named."""
        return list(self.each_reject(name, dataset=dataset))

    def each_reject(self, name: str | None = None, *, dataset: str | None = None) -> Iterator[RejectInfo]:
        """`rejects`, one by one, for those that do not fit into memory."""
        from snapshotter import refused

        return refused.rejects(self.layout, self._known(self.name(dataset)), name)

    def reject_groups(self, name: str | None = None, *, dataset: str | None = None) -> list[RejectGroup]:
        """`rejects` by rule and column, most frequent first, each with the setting that would have let it in."""
        from snapshotter import refused

        return refused.grouped(self.layout, self._known(self.name(dataset)), name)

    def latest(self, *, dataset: str | None = None) -> pd.DataFrame:
        """The published snapshot as a DataFrame: one row a key, numbers and dates in their types, texts as they are."""
        from snapshotter import reading, tables

        name = self.name(dataset)
        contract = reading.published_contract(self.layout, name) or self.contracts[name]
        return tables.frame(self.layout.latest(name), contract)

    def show(self, snapshot: int | None = None, *, dataset: str | None = None) -> pd.DataFrame:
        """`latest` as of a snapshot; without a number, of the current one.

        Raises:
            NoSuchSnapshot, NotRestorable: there is no such state.
        """
        from snapshotter import tables

        with self.rendered(snapshot, dataset=dataset) as (path, contract):
            return tables.frame(path, contract)

    @contextmanager
    def rendered(
        self, snapshot: int | None = None, *, dataset: str | None = None, excel_safe: bool = False
    ) -> Iterator[tuple[Path, Contract]]:
        """The bytes of `latest.csv` as of a snapshot, in a file that is gone afterwards, and its contract.

        Args:
            snapshot: its number; without one, the current snapshot.
            dataset: its name; without it the only one, or `default`.
            excel_safe: put a ' before what a spreadsheet would run.
        """
        from snapshotter import recalling

        where = (self.layout, self.settings, self.name(dataset), snapshot)
        with recalling.rendered(*where, excel_safe=excel_safe) as found:
            yield found

    def diff(self, one: int, other: int, *, dataset: str | None = None) -> DiffResult:
        """Keys added, removed and changed between two snapshots, cell by cell, lineage aside."""
        from snapshotter import recalling

        return recalling.diff(self.layout, self.settings, self.name(dataset), one, other)

    def history(self, key: str | Sequence[str], *, dataset: str | None = None) -> list[VersionInfo]:
        """Every version of a key that counts, newest first.

        Args:
            key: its value, or the values of its columns in order.
            dataset: its name; without it the only one, or `default`.
        """
        parts = [key] if isinstance(key, str) else list(key)
        contract = self._known(self.name(dataset))
        if len(parts) != len(contract.key):
            names = ", ".join(column.name for column in contract.key)
            what = f"the key of dataset `{contract.dataset}` has {len(contract.key)} parts ({names}), not {len(parts)}"
            raise UsageError(what=what, remedy="Name every part, in that order; an empty one as ''.")
        from snapshotter import recalling

        return recalling.history(self.layout, self.settings, contract.dataset, parts)

    def name(self, dataset: str | None) -> str:
        """The dataset that is meant.

        Raises:
            UsageError: there is none of that name, or several and none named.
        """
        names = list(self.contracts)
        if dataset is None:
            if len(names) == 1:
                return names[0]
            if DEFAULT in names:
                return DEFAULT
            raise UsageError(what=f"there are several datasets: {', '.join(names)}", remedy="Name one with --dataset.")
        if dataset not in names:
            raise UsageError(what=f"there is no dataset `{dataset}`", remedy=f"There are: {', '.join(names)}.")
        return dataset

    def _known(self, dataset: str) -> Contract:
        """The contract of the current snapshot; before the first one, that of the configuration."""
        from snapshotter import reading

        return reading.current_contract(self.layout, dataset) or self.contracts[dataset]
