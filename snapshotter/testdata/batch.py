"""A batch: one file that is to be delivered, made when it is asked for."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Batch:
    """One CSV file.

    Args:
        name: the file's name.
        at: the time of the batch; no row is later.
        rows: the number of records, the header not counted.
        columns: the names of the columns in order, and the pandas type of each.
        parts: makes the records from the start, some at a time, as CSV in UTF-8.
    """

    name: str
    at: datetime
    rows: int
    columns: Mapping[str, str]
    parts: Callable[[], Iterator[bytes]] = field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file, the header first, a few megabytes at a time."""
        yield (",".join(self.columns) + "\n").encode()
        yield from self.parts()

    def csv(self) -> bytes:
        """The bytes of the file, all at once."""
        return b"".join(self.chunks())

    def frame(self) -> pd.DataFrame:
        """The rows as a DataFrame, one column for each of `columns` and of its type."""
        import pandas as pd

        text = pd.read_csv(io.BytesIO(self.csv()), dtype=str, keep_default_na=False)
        return text.astype(dict(self.columns))
