"""A user's own pandas function between the cells of a file and their validation.

The function gets some rows of a file at a time and returns rows; which record each of them is stands in `source_row`.
It is believed in nothing: what comes back must be texts, in the same columns each time, of records that were given.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from snapshotter.config import FILE_NAME
from snapshotter.contract import Contract
from snapshotter.contract.columns import fold
from snapshotter.contract.header import Header, HeaderRefused, refuse_twins, resolve
from snapshotter.engine.base import Rows, Spans
from snapshotter.engine.port import Engine
from snapshotter.errors import ConfigError
from snapshotter.extension import Extension, load
from snapshotter.reader import Layout, Positions
from snapshotter.returned import (
    ROW,
    TransformRefused,
    aligned,
    columns_of,
    numbers_of,
    places_of,
    records,
    texts_of,
)

if TYPE_CHECKING:
    import pandas as pd

_ROWS, _CELLS, _BYTES = 100_000, 1_000_000, 64 * 2**20  # what is given to a function at once, at most
_LEAST = 1_000  # rows; one long record must not make single calls of the others


def load_transform(workspace: Path, contract: Contract) -> Transform | None:
    """The function that a dataset's configuration names, if it names one.

    Args:
        workspace: its folder.
        contract: the dataset's contract.

    Raises:
        ConfigError: there is no such function, or its module cannot be imported.
    """
    reference = contract.config.transform
    if not reference:
        return None
    try:
        extension = load(workspace, reference)
        if not callable(extension.object):
            raise ValueError("is not a function")  # noqa: TRY004 - one of the ways in which the setting is no good
    except ValueError as error:
        allowed = "It must be a function of a module in the workspace, or of an installed one."
        key = f"datasets.{contract.dataset}.transform"
        raise ConfigError(file=workspace / FILE_NAME, key=key, problem=str(error), allowed=allowed) from error
    return Transform(extension, contract)


def rows_at_once(width: int, layout: Layout, size: int) -> int:
    """How many records of a file are given to a function at once, so that memory stays bounded.

    Args:
        width: the number of cells of a record.
        layout: of the file.
        size: of its text, in bytes.
    """
    usual = max(1, size // max(1, layout.records))
    longest = max(_LEAST, _BYTES // max(1, layout.longest))
    return max(1, min(_ROWS, _CELLS // max(1, width), _BYTES // usual, longest))


class Transform:
    """The function of one dataset.

    Args:
        extension: its object gets and returns a DataFrame.
        contract: the dataset's contract.
    """

    def __init__(self, extension: Extension, contract: Contract) -> None:
        """Know no header yet."""
        self.digest = extension.digest
        self._extension, self._contract = extension, contract
        self._resolved: dict[tuple[tuple[str, ...], tuple[str, ...], frozenset[int]], Header] = {}

    def untold(self, names: Sequence[str]) -> Header:
        """The header of a file as long as nothing is known but its own names.

        Raises:
            HeaderRefused: a name stands twice.
        """
        refuse_twins(names)
        kept = set(_given(names))
        ours = [name for place, name in enumerate(names) if name and place not in kept]
        warnings = [f"column {place} has no name and is ignored" for place, name in enumerate(names, 1) if not name]
        if ours:
            warnings.append(f"not given to the transform, which needs these names itself: {', '.join(map(repr, ours))}")
        return Header(len(names), (), tuple(warnings))

    def try_header(self, names: Sequence[str]) -> bool:
        """Call the function without any row, to see which columns it makes of a header.

        Returns:
            Whether it did not fail; some functions cannot do without rows.

        Raises:
            HeaderRefused: no row can be read under what it makes.
        """
        self.untold(names)
        nothing = Rows(np.empty(0, np.int64), [np.empty(0, object) for _ in _given(names)])
        try:
            columns, _ = self._change(names, nothing, np.empty(0, np.int64))
        except TransformRefused:
            return False
        self._header(names, columns)
        return True

    def fits(self, names: Sequence[str]) -> bool:
        """Whether a header satisfies the contract after the transform, as far as that can be told without rows."""
        try:
            return self.try_header(names)
        except HeaderRefused:
            return False

    def apply(
        self,
        engine: Engine,
        names: Sequence[str],
        spans: Spans,
        rows: int,
        misfits: Callable[[Header], frozenset[int]],
    ) -> Header:
        """Change the rows of the file that the engine read last.

        Args:
            engine: holds the rows; afterwards it holds the changed ones.
            names: the file's header.
            spans: which records the rows are.
            rows: how many the function gets at once.
            misfits: finds columns that were matched by likeness, and whose cells are not of their column's type.

        Returns:
            What the changed cells mean, under the width that the file's own records have.

        Raises:
            TransformRefused: the function failed, or what it returned cannot be taken.
            HeaderRefused: no row can be read under the columns that it made.
        """
        first: list[str] | None = None

        def change(given: Rows) -> Rows:
            nonlocal first
            numbers = _numbers(given.places, spans)
            columns, changed = self._change(names, given, numbers)
            if first is None:
                self._header(names, columns)  # refuses it before more work is done
                first = columns
            return Rows(changed.places, aligned(changed.texts, columns, first, numbers))

        engine.transform(_given(names), rows, change)
        assert first is not None
        header = self._header(names, first)
        if header.guesses and (wrong := misfits(header)):
            header = self._header(names, first, wrong)
        return header

    def _header(self, names: Sequence[str], columns: Sequence[str], never: frozenset[int] = frozenset()) -> Header:
        """What the function's columns mean; the same object for all files that have them."""
        known = (tuple(names), tuple(columns), never)
        if known not in self._resolved:
            try:
                header = resolve(columns, self._contract, never)
            except HeaderRefused as error:
                raise HeaderRefused(f"after the transform, {error.reason}", error.column, error.candidates) from None
            warnings = (*self.untold(names).warnings, *header.warnings)
            self._resolved[known] = replace(header, width=len(names), warnings=warnings)
        return self._resolved[known]

    def _change(self, names: Sequence[str], given: Rows, numbers: Positions) -> tuple[list[str], Rows]:
        """Call the function; returns the columns that came back, and the rows by number."""
        import pandas as pd

        texts = zip(_given(names), given.texts, strict=True)
        cells: dict[str, Any] = {names[position]: pd.array(array, dtype="str") for position, array in texts}
        result = self._called(pd.DataFrame(cells | {ROW: numbers.copy()}, copy=False), numbers)
        if not isinstance(result, pd.DataFrame):
            raise TransformRefused(f"the transform returned no DataFrame, but {type(result).__name__}")
        columns = columns_of(list(result.columns))
        returned = numbers_of(result.iloc[:, columns.index(ROW)])
        order = np.argsort(returned, kind="stable")
        places = given.places[places_of(returned[order], numbers)]
        arrays = [
            texts_of(result.iloc[:, place], name, returned)[order] for place, name in enumerate(columns) if name != ROW
        ]
        return [name for name in columns if name != ROW], Rows(places, arrays)

    def _called(self, frame: pd.DataFrame, numbers: Positions) -> object:
        function = cast("Callable[[pd.DataFrame], object]", self._extension.object)
        try:
            with self._extension.running():
                return function(frame)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a function raises is about this file
            words = f"raised {type(error).__name__} {_where(error)}, given {records(numbers)}"
            raise TransformRefused(f"the transform {words}") from None


def _given(names: Sequence[str]) -> list[int]:
    """The positions of the cells that a function gets: not those without a name, nor of our own names."""
    return [
        position
        for position, name in enumerate(names)
        if name and fold(name) != ROW and not fold(name).startswith("_reject_")
    ]


def _numbers(places: Positions, spans: Spans) -> Positions:
    """The numbers of the records that some rows of a text are."""
    which = np.searchsorted(spans.firsts, places, side="right") - 1
    return places - spans.firsts[which] + spans.records[which] if len(places) else places


def _where(error: BaseException) -> str:
    """The line of the user's own file at which an exception left it; its message may hold cells, and is not told."""
    ours = error.__traceback__
    lines = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(ours.tb_next if ours else None)]
    if not lines:
        return "as it was called (it must take one argument)"
    file, line = next(place for place in reversed(lines) if place[0] == lines[0][0])
    return f"at {Path(file).name}:{line}"
