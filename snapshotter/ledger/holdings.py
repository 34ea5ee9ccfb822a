"""Which Parquet files hold the rows of which batches: a snapshot is found again by its batches, not by its files.

So small files can be put together, and their rows are still those of every snapshot that they belonged to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from snapshotter.ledger.folding import Fold
from snapshotter.ledger.records import Commit, PartRecord
from snapshotter.ledger.state import State


@dataclass(frozen=True)
class Holdings:
    """The Parquet files that are there.

    Args:
        parts: by name, those that the log knows and that lie there in their size.
    """

    parts: Mapping[str, PartRecord]

    @property
    def batches(self) -> set[int]:
        """The batches whose rows are there."""
        return {batch for part in self.parts.values() for batch in part.batches}

    def cover(self, state: State) -> tuple[State, set[int]]:
        """A state with files for all batches that count, wherever their rows are now.

        Args:
            state: as of any snapshot; its own files may have been put together with others since.

        Returns:
            The state, and the batches whose rows are in no file.
        """
        if all(self.parts.get(path) == part for path, part in state.parts.items()):
            return state, set()
        wanted = {batch.id for batch in state.live if batch.record.accepted}
        found = self.assign(wanted, first=state.parts)
        hidden = {path: (set(self.parts[path].batches) & wanted) - taken for path, taken in found.items()}
        covered = replace(
            state,
            parts={path: self.parts[path] for path in found},
            hidden={path: frozenset(batches) for path, batches in hidden.items() if batches},
        )
        return covered, wanted.difference(*found.values())

    def assign(self, wanted: Collection[int], first: Iterable[str] = ()) -> dict[str, set[int]]:
        """Choose files for batches, each batch one; a file that has more of them is chosen before others.

        Args:
            wanted: the batches; those in no file are left out.
            first: names of files that are chosen before all others.

        Returns:
            The batches that are to be read from each chosen file.
        """
        preferred, left, found = set(first), set(wanted), dict[str, set[int]]()
        have = {path: left.intersection(part.batches) for path, part in self.parts.items()}
        for path in sorted(have, key=lambda name: (name not in preferred, -len(have[name]), name)):
            if taken := have[path] & left:
                found[path] = taken
                left -= taken
        return found


def restorable(commits: Iterable[tuple[int, Commit]], available: Collection[int], horizon: int) -> set[int]:
    """The snapshots whose rows are all there.

    Args:
        commits: all of the ledger.
        available: the batches whose rows are there.
        horizon: the oldest snapshot that was not pruned.
    """
    found, folding = set[int](), Fold()
    gone: dict[str, set[int]] = {}  # batches whose rows are not there, by name
    missed: dict[str, set[int]] = {}  # those of them that count
    touched: set[str] = set()
    for version, commit in commits:
        folding.add(version, commit)
        if commit.snapshot is None:
            continue
        for record in commit.files:
            if record.batch is not None and record.accepted and record.batch not in available:
                gone.setdefault(record.name, set()).add(record.batch)
        numbers = (*commit.dropped, *commit.added, *(r.batch for r in commit.files if r.batch is not None))
        touched |= gone.keys() & {folding.name(number) for number in numbers}
        if commit.snapshot < horizon:
            continue
        for name in touched:
            missed[name] = gone[name] & folding.counting(name)
        touched.clear()
        if not any(missed.values()):
            found.add(commit.snapshot)
    return found
