"""A batch: one file that is to be delivered, made when it is asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

Part = Callable[[], bytes]
"""Makes some records of a file as CSV in UTF-8; can be called in any order, by any thread or process."""

Labels = Callable[[], Mapping[str, "npt.NDArray[np.object_ | np.str_]"]]
"""Tells of each record of a file what its cells do not: `who` it is about, what the source had `done` to it."""


@dataclass(frozen=True)
class Batch:
    """One CSV file.

    Args:
        name: the file's name.
        at: the time of the batch; no row is later.
        rows: the number of records, the header not counted.
        columns: the names of the columns in order, and the pandas type of each.
        parts: the records, some at a time, in order.
        table: the table that the file is of; also the name of its dataset.
        changes: how many rows are of which kind (new, updated, re-sent, late, deleted …), where that is known; in
            the order in which they are to be told.
        labels: tells who each record is about, and what was done to it (empty: nothing); an array as long as the file
            under `who`, under `done`, or under both. None where the key says who it is and nothing was done.
    """

    name: str
    at: datetime
    rows: int
    columns: Mapping[str, str]
    parts: Sequence[Part] = field(repr=False)
    table: str = "default"
    changes: Mapping[str, int] = field(default_factory=dict)
    labels: Labels | None = field(default=None, repr=False)

    def header(self) -> bytes:
        """The first line of the file."""
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(self.columns)
        return line.getvalue().encode()

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file, the header first, a few megabytes at a time."""
        yield self.header()
        for part in self.parts:
            yield part()

    def csv(self) -> bytes:
        """The bytes of the file, all at once."""
        return b"".join(self.chunks())

    def frame(self) -> pd.DataFrame:
        """The rows as a DataFrame, one column for each of `columns` and of its type."""
        import pandas as pd

        text = pd.read_csv(io.BytesIO(self.csv()), dtype=str, keep_default_na=False)
        return pd.DataFrame({name: _typed(text[name], kind) for name, kind in self.columns.items()})


def _typed(cells: pd.Series[str], kind: str) -> pd.Series[Any]:
    """Cells as values of a pandas type; an empty one is a missing value, but in a column of text."""
    import pandas as pd

    if kind == "str":
        return cells
    given, wanted = cells.where(cells != ""), cast("Any", kind)  # the stubs know types by literal names alone
    if kind.startswith("datetime"):
        return pd.to_datetime(given, format="ISO8601").astype(wanted)
    if kind in {"bool", "boolean"}:
        return given.map({"true": True, "false": False}).astype(wanted)
    return pd.to_numeric(given).astype(wanted)
