"""What a check found about one dataset."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from snapshotter.config import Settings
from snapshotter.layout import Layout
from snapshotter.results import Problem

What = Literal["ledger", "part", "view", "archive", "rejects", "counts", "recovery"]
BACKUP = "restore output/ledger/{dataset} from a backup"


class Findings:
    """The findings about one dataset.

    Args:
        layout: the workspace.
        settings: the workspace's.
        dataset: its name.
        before: what was found when the ledger moved meanwhile; only that is looked at again.
    """

    def __init__(self, layout: Layout, settings: Settings, dataset: str, before: Findings | None = None) -> None:
        """Nothing is found yet."""
        self._doubted = None if before is None else {problem.path for problem in before.problems}
        self.first: Findings | None = before and (before.first or before)
        self.is_computed: bool = before is not None and before.is_computed and not before.is_doubted_itself
        self.layout, self.settings, self.dataset = layout, settings, dataset
        self.problems: list[Problem] = []
        self.notes: list[str] = [] if before is None else before.notes
        self.checked = {"commits": 0, "parts": 0, "views": 0, "files": 0, "rejects": 0}

    def found(self, what: What, path: Path | str, problem: str, remedy: str, *, mendable: bool = False) -> None:
        """Note a problem.

        Args:
            what: the kind of thing that is wrong.
            path: where.
            problem: what is wrong with it.
            remedy: what to do.
            mendable: whether `check --repair` does it.
        """
        self.problems.append(
            Problem(
                dataset=self.dataset,
                what=what,
                path=self.inside(path) if isinstance(path, Path) else path,
                problem=problem,
                repairable=mendable,
                remedy=remedy.replace("{dataset}", self.dataset),
            )
        )

    def inside(self, path: Path) -> str:
        """A path as it is told: inside the workspace."""
        return path.relative_to(self.layout.root).as_posix()

    @property
    def sound(self) -> bool:
        """Whether ledger and Parquet files are right so far: what is computed from them means something."""
        return not any(problem.what in ("ledger", "part") for problem in self.problems)

    @property
    def is_doubted_itself(self) -> bool:
        """Whether something is wrong with more than single files: with what was computed from them."""
        return any(
            problem.what in ("ledger", "counts") or problem.path == self.inside(self.layout.ledger(self.dataset))
            for problem in self.problems
        )

    def looks_at(self, path: Path) -> bool:
        """Whether a file is looked at."""
        return self._doubted is None or self.inside(path) in self._doubted

    def settle(self, live: Collection[Path]) -> None:
        """A view is only mendable if what it would be rendered from is right.

        Args:
            live: the Parquet files of the current snapshot.
        """
        needed = {self.inside(path) for path in (*live, self.layout.ledger(self.dataset))}
        is_wrong = any(
            not p.repairable and (p.what == "ledger" or (p.what in ("part", "view") and p.path in needed))
            for p in self.problems
        )
        if is_wrong:
            remedy = {"repairable": False, "remedy": f"{BACKUP}, then `check --repair`".format(dataset=self.dataset)}
            self.problems = [
                p.model_copy(update=remedy) if p.repairable and p.what == "view" else p for p in self.problems
            ]

    def give_up(self) -> None:
        """The ledger moved in each attempt: only what was wrong with one and the same file in all of them is.

        A file that a writer takes away is one that the next look does not ask for.
        """
        first = {(problem.path, problem.problem) for problem in self.first.problems} if self.first else set()
        lasting = [
            p for p in self.problems if p.what in ("part", "archive", "rejects") and (p.path, p.problem) in first
        ]
        if len(lasting) < len(self.problems):
            self.notes.append(f"{self.dataset}: the ledger moved each time it was looked at; check again for the rest")
        self.problems = lasting
