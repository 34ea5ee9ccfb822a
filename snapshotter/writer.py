"""The one writer of a workspace: datasets open for writing, with what a process that died left finished first."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from snapshotter.config import Settings
from snapshotter.contract import Contract
from snapshotter.dataset import Dataset
from snapshotter.errors import NotWritten, SnapshotterError
from snapshotter.layout import Layout
from snapshotter.ledger import Ledger
from snapshotter.lock import writer_lock


class Writer:
    """Opens datasets under the lock.

    Args:
        layout: the workspace.
        settings: the workspace's.
        contracts: as configured now.
        ledgers: of earlier times, by name: what they have read need not be read again; new ones are added.
    """

    def __init__(
        self, layout: Layout, settings: Settings, contracts: Mapping[str, Contract], ledgers: dict[str, Ledger]
    ) -> None:
        """Nothing is opened yet."""
        self._layout, self._settings, self._contracts, self._ledgers = layout, settings, contracts, ledgers

    @contextmanager
    def open(
        self,
        names: Sequence[str],
        *,
        recover: bool,
        render: bool = True,
        given_up: Callable[[], bool] | None = None,
    ) -> Iterator[tuple[list[Dataset], dict[str, SnapshotterError]]]:
        """Open datasets, until the context ends.

        Args:
            names: of the datasets.
            recover: finish first what was left undone; a dry run does not, and leaves nothing.
            render: whether that makes `latest.csv` right, too, which asks for all rows.
            given_up: asked while another process is writing; True ends the waiting.

        Yields:
            The datasets, and the errors of those that cannot be opened.

        Raises:
            LockTimeout: another process is writing.
        """
        with ExitStack() as stack:
            stack.enter_context(writer_lock(self._layout, self._settings.lock_timeout, given_up))
            if recover:
                self._layout.sweep_scratch()
                scratch = stack.enter_context(self._layout.scratch())
            else:  # not even an empty output/ is left
                scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="snapshotter-")))
            datasets: list[Dataset] = []
            broken: dict[str, SnapshotterError] = {}
            for name in names:
                try:
                    dataset = self._dataset(name, scratch, mend=recover)
                    stack.callback(dataset.close)
                    if recover:
                        dataset.recover(render=render)
                    datasets.append(dataset)
                except SnapshotterError as error:
                    broken[name] = error
                except OSError as error:
                    broken[name] = NotWritten(path=error.filename or name, problem=error.strerror or error)
            if recover and not broken and len(datasets) == len(self._contracts):  # drafts of others may be needed yet
                self._layout.sweep_drafts()
            yield datasets, broken

    def _dataset(self, name: str, scratch: Path, *, mend: bool) -> Dataset:
        ledger = self._ledgers.setdefault(name, Ledger(self._layout.ledger(name), name))
        return Dataset(self._layout, ledger, self._contracts, self._settings, scratch, mend=mend)
