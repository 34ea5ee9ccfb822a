"""What a check found about one dataset."""

from __future__ import annotations

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
    """

    def __init__(self, layout: Layout, settings: Settings, dataset: str) -> None:
        """Nothing is found yet."""
        self.layout, self.settings, self.dataset = layout, settings, dataset
        self.problems: list[Problem] = []
        self.notes: list[str] = []
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
