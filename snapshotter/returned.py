"""What a user's function returned, held against what it was given: rows of texts, or a refusal that says what they are.

Nothing here repairs a value. An integer or a float is another cell than the text that it was made of (7.0 for 7), so
that only texts pass; None and NaN are pandas' words for an empty cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

ROW = "source_row"  # the column that says which record a row is

Positions = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]

_EXACT = 2**53  # up to here floats are exact


class TransformRefused(Exception):
    """The function failed, or what it returned cannot be taken; refuses its file.

    Args:
        reason: what is wrong, for a person; never a cell's value.
        column: the column at fault, if one is.
        row: the number of the record at fault, if one is.
    """

    def __init__(self, reason: str, column: str | None = None, row: int | None = None) -> None:
        """Keep what is wrong and where."""
        super().__init__(reason)
        self.reason, self.column, self.row = reason, column, row


def columns_of(labels: Sequence[object]) -> list[str]:
    """The labels of a DataFrame's columns as the names that they must be.

    Raises:
        TransformRefused: one is no text, or `source_row` is not there exactly once.
    """
    for place, label in enumerate(labels, 1):
        if not isinstance(label, str):
            raise TransformRefused(f"the transform returned a column {place} whose name is no text, but {kind(label)}")
        if "\0" in label or not _is_unicode(label):
            raise TransformRefused(f"the transform returned a column {place} with a name that no file can hold")
    names = [str(label) for label in labels]
    if names.count(ROW) != 1:
        raise TransformRefused(f"the transform returned {names.count(ROW)} columns {ROW}; leave that one as it came")
    return names


def numbers_of(column: pd.Series[Any]) -> Positions:
    """The numbers in `source_row`; pandas makes floats of integers where tables are joined, which harms nothing.

    Raises:
        TransformRefused: one is no whole number.
    """
    values = column.to_numpy()
    is_whole = values.dtype.kind in "iu" or not len(values)
    if values.dtype.kind == "f":
        is_whole = bool(np.all(np.abs(values) < _EXACT) and np.all(values == np.floor(values)))
    elif values.dtype.kind == "O":
        is_whole = all(type(value) is int and abs(value) < _EXACT for value in values)
    if not is_whole:
        raise TransformRefused(f"the transform returned a {ROW} that is no whole number; leave it as it came", ROW)
    return np.asarray(values, dtype=np.int64)


def places_of(returned: Positions, given: Positions) -> Positions:
    """Where the numbers that came back stand among those that were given.

    Args:
        returned: in ascending order.
        given: in ascending order, each once.

    Raises:
        TransformRefused: one was not given, or came back twice.
    """
    places = np.minimum(np.searchsorted(given, returned), max(len(given) - 1, 0))
    unknown = returned[given[places] != returned] if len(given) else returned
    if len(unknown):
        raise TransformRefused(f"the transform returned {ROW} {unknown[0]}, but was given {records(given)}", ROW)
    twice = returned[1:][returned[1:] == returned[:-1]]
    if len(twice):
        raise TransformRefused("the transform returned a record twice", ROW, int(twice[0]))
    return places


def texts_of(column: pd.Series[Any], name: str, numbers: Positions) -> Texts:
    """The cells of a column as texts; None and NaN are empty.

    Args:
        column: as it came back.
        name: of the column.
        numbers: the records that its rows are.

    Raises:
        TransformRefused: a cell is no text, or none that UTF-8 can hold.
    """
    import pandas as pd

    if column.dtype.kind in "mM" and len(column) and column.isna().all():  # it would pass for empty cells
        raise TransformRefused(f"the transform returned times in column {name!r}, where cells are text", name)
    values = column.to_numpy(dtype=object)
    empty = pd.isna(values)
    if empty.any():
        values = np.where(empty, "", values)
    kinds = set(map(type, values))
    if not kinds <= {str}:
        odd = next((place for place, value in enumerate(values) if not isinstance(value, str)), None)
        if odd is not None:
            reason = f"the transform returned {kind(values[odd])} in column {name!r}, where cells are text"
            raise TransformRefused(f"{reason}: 7.0 would be another cell than 7", name, int(numbers[odd]))
        values = np.array([str.__str__(value) for value in values], dtype=object)
    if not _is_unicode("".join(values)):
        raise TransformRefused(f"the transform returned a text in column {name!r} that UTF-8 cannot hold", name)
    return values


def aligned(texts: Sequence[Texts], columns: Sequence[str], wanted: Sequence[str], numbers: Positions) -> list[Texts]:
    """Columns in the order in which they came first.

    Args:
        texts: the cells of each column.
        columns: their names.
        wanted: the names that came first.
        numbers: the records that were given.

    Raises:
        TransformRefused: these are other columns.
    """
    if sorted(columns) != sorted(wanted):
        odd = sorted(set(columns) ^ set(wanted))
        words = f"other columns for {records(numbers)} than for those before: {', '.join(map(repr, odd[:5]))}"
        raise TransformRefused(f"the transform returned {words}", odd[0] if odd else None)
    return [texts[columns.index(name)] for name in wanted]


def kind(value: object) -> str:
    """What a value is, with an article."""
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"


def records(numbers: Positions) -> str:
    """Records, by their first and last number."""
    return f"records {numbers[0]} to {numbers[-1]}" if len(numbers) else "no record"


def _is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8; half a surrogate pair cannot."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False
