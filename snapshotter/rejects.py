"""The file of refused rows: the original cells and four columns that say what is wrong.

It can be mended and dropped again as it is. A record with too few or too many cells stays as it was, in front
of the four cells, and a line with broken quotes stands there as one quoted cell; both are refused again until
somebody has mended them.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from snapshotter import disk
from snapshotter.contract.columns import fold
from snapshotter.unlimited import csv

if TYPE_CHECKING:
    from snapshotter.apart import Raw

COLUMNS = ("_reject_row", "_reject_column", "_reject_rule", "_reject_reason")
_UNREAD = ("cells", "csv")  # the rules of what could not be read as a row


@dataclass(frozen=True)
class Reject:
    """One failure of one row."""

    row: int
    column: str
    rule: str
    value: str | None
    reason: str


def draft(folder: Path, batch: int) -> Path:
    """Where the refused rows of a batch are until it is committed."""
    return folder / f"{disk.TEMPORARY}{batch}.tmp"


def kept_positions(names: Sequence[str]) -> list[int]:
    """The cells of a header that belong to the row itself, and not to an earlier refusal of it."""
    return [position for position, name in enumerate(names) if fold(name) not in COLUMNS]


def compose(
    names: Sequence[str], delimiter: str, judged: Iterable[bytes], raws: Iterable[Raw], *, marked: bool = False
) -> Iterator[bytes]:
    """The content of a file of refused rows, piece by piece.

    Args:
        names: the file's header.
        delimiter: the file's delimiter.
        judged: the lines of the refused rows, with the four cells, in any pieces.
        raws: what could not be read as a row.
        marked: begin with a byte order mark, since another encoding would be tried on the file before UTF-8.
    """
    kept = [names[position] for position in kept_positions(names)]
    is_rejects_file = [fold(name) for name in names[-len(COLUMNS) :]] == list(COLUMNS)
    header = line([*kept, *COLUMNS], delimiter)
    mark = "\ufeff" * (marked or header.startswith("\ufeff"))  # or one that is part of a name would be taken for it
    yield (mark + header).encode()
    yield from judged
    for record in raws:
        if record.rule == "csv":
            cells = [record.raw.decode()]
            cells += [""] * (len(kept) == 1)  # or it would have as many cells as the header, and pass for a row
            front, rule, reason = line(cells, delimiter)[:-1], record.rule, record.reason
        else:
            front, rule, reason = _front(record, delimiter, is_rejects_file=is_rejects_file)
        yield f"{front}{delimiter}{line([str(record.row), '', rule, reason], delimiter)}".encode()


def _front(record: Raw, delimiter: str, *, is_rejects_file: bool) -> tuple[str, str, str]:
    """A record as it goes in front of the four cells, and its rule and reason.

    In a file of refused rows that was dropped again it has four such cells already. They are replaced, or it would
    grow each time; and a line with broken quotes is still called so.
    """
    text = record.raw.decode()
    if is_rejects_file:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True), [])
        row, _, rule, reason = cells[-len(COLUMNS) :] if len(cells) > len(COLUMNS) else [""] * len(COLUMNS)
        if row.isdecimal() and rule in _UNREAD:
            again = reason if rule == "csv" else record.reason
            return line(cells[: -len(COLUMNS)], delimiter)[:-1], rule, again
    return text, record.rule, record.reason


def line(cells: Sequence[str], delimiter: str) -> str:
    """One CSV line; a cell is quoted only if it must be."""
    special = f'[{re.escape(delimiter)}"\r\n]'
    quoted = ('"' + cell.replace('"', '""') + '"' if re.search(special, cell) else cell for cell in cells)
    return delimiter.join(quoted) + "\n"


def read_sorted(path: Path, aliases: Mapping[str, Sequence[str]]) -> Iterator[Reject]:
    """The same as `read`, by row; the three parts of the file are sorted, so that nothing has to be held for it."""
    runs = (_of(read(path, aliases), part) for part in ("", *_UNREAD))
    return heapq.merge(*runs, key=lambda reject: reject.row)


def _of(found: Iterable[Reject], part: str) -> Iterator[Reject]:
    """Those of one part of the file: what could not be read as a row has a rule of its own."""
    return (reject for reject in found if (reject.rule if reject.rule in _UNREAD else "") == part)


def read(path: Path, aliases: Mapping[str, Sequence[str]]) -> Iterator[Reject]:
    """The failures in a file of refused rows, one for each rule that a row broke, as they stand there.

    Args:
        path: the file.
        aliases: other names in its header, by folded name of the column that they mean.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(line for line in file if line.endswith(f"{COLUMNS[-1]}\n"))  # a name may hold line ends
        file.seek(0)
        delimiter = next((d for d in ";\t|" if header.endswith(f"{d.join(COLUMNS)}\n")), ",")
        records = csv.reader(file, delimiter=delimiter)
        names = next(records)[: -len(COLUMNS)]
        places = {" ".join(name.splitlines()): place for place, name in enumerate(names)}
        folded = {fold(name): place for name, place in places.items()}
        for column, others in aliases.items():
            known = next((folded[fold(name)] for name in others if fold(name) in folded), None)
            if known is not None:
                folded.setdefault(column, known)
        for record in records:
            row, columns, rules, reasons = record[-len(COLUMNS) :]
            for column, rule, reason in zip(columns.split("\n"), rules.split("\n"), reasons.split("\n"), strict=True):
                place = places.get(column, folded.get(fold(column)))
                value = record[place] if column and place is not None and rule not in _UNREAD else None
                yield Reject(int(row), column, rule, value, reason)
