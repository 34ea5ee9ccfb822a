"""Names: of columns, as publishers spell them, and of files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from snapshotter.testdata.source import Table

LIKE = 0.85  # where snapshotter takes one name for another by default
_SURELY_LIKE, _SURELY_OTHER = 0.88, 0.75
_PIECES = {"%Y": r"\d{4}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%H": r"\d{1,2}", "%M": r"\d{1,2}", "%S": r"\d{1,2}"}
_UNKNOWN = ("Feld 17b", "xq_zzv", "Kolumn", "unbenannt")
_EXTRA = ("remark", "Checked By", "zz_internal", "Spare Code")


def plain(name: str) -> str:
    """A name without case, blanks and punctuation."""
    return re.sub(r"[\W_]", "", name.casefold())


def likeness(one: str, other: str) -> float:
    """How alike two plain names are, 0 to 1: twice the longest common subsequence by both lengths together."""
    row = [0] * (len(other) + 1)
    for a in one:
        before, row = row, [0]
        for place, b in enumerate(other):
            row.append(before[place] + 1 if a == b else max(before[place + 1], row[place]))
    return 2 * row[-1] / (len(one) + len(other)) if one or other else 1.0


def names_of(table: Table, but: str = "") -> list[str]:
    """All names, in plain spelling, that the columns of a table go under, those of one column left out."""
    named = [*table.key, table.timestamp]
    fields = [name for column, field in table.fields.items() if column != but for name in (column, *field.aliases)]
    return [plain(name) for name in (*fields, *(name for name in named if name != but))]


def alias_for(name: str, table: Table) -> str | None:
    """A name of its own for a column, as a publisher may come to use it."""
    offered = (f"{name.replace('_', ' ').title()} (as reported)", f"reported {name}", f"{name} of the record")
    taken = {*names_of(table)}
    return next((alias for alias in offered if plain(alias) not in taken), None)


def respelled(name: str, word: int) -> str | None:
    """The name with other case, blanks and punctuation; None if it has no letter."""
    ways = (name.upper(), name.replace("_", " ").title(), f" {name.replace('_', '-')}. ", f"{name.title()}:")
    others = [way for way in ways if way != name]
    return others[word % len(others)] if others and plain(name) else None


def nearly(name: str, table: Table, word: int) -> str | None:
    """The name with a letter missing, so that it is certainly like this column and like no other; None if none is."""
    for turn in range(len(name)):
        place = (word + turn) % len(name)
        slip = name[:place] + name[place + 1 :]
        like = likeness(plain(slip), plain(name)) >= _SURELY_LIKE and plain(slip) != plain(name)
        if name[place].isalpha() and like and is_like_none(slip, table, but=name):
            return slip
    return None


def is_like_none(name: str, table: Table, but: str = "") -> bool:
    """Whether a name is certainly not taken for any column but one."""
    return all(likeness(plain(name), other) < _SURELY_OTHER for other in names_of(table, but))


def unknown(table: Table, word: int) -> str | None:
    """A name that is like none of a table."""
    return _unlike(_UNKNOWN, table, word)


def undeclared(table: Table, word: int) -> str | None:
    """A name for a column that nobody declared."""
    return _unlike(_EXTRA, table, word)


def _unlike(offered: Sequence[str], table: Table, word: int) -> str | None:
    turned = [offered[(word + turn) % len(offered)] for turn in range(len(offered))]
    return next((name for name in turned if is_like_none(name, table)), None)


def batch_times(name: str, pattern: str) -> list[datetime]:
    """The times in a file's name that a strptime pattern finds."""
    expression = "".join(_PIECES.get(piece, re.escape(piece)) for piece in re.split("(%.)", pattern))
    found = []
    for match in re.finditer(expression, name):
        try:
            found.append(datetime.strptime(match[0], pattern))  # noqa: DTZ007  (in UTC, as all names are)
        except ValueError:
            continue
    return found


def second_name(name: str, table: Table, tables: Iterable[Table]) -> str | None:
    """Another name that a file of the same table may have, after its own; None if the table takes no such name."""
    stem, dot, ending = name.partition(".csv")
    for other in (f"{stem}_copy{dot}{ending}", f"{stem} (copy){dot}{ending}", f"{stem}b{dot}{ending}"):
        takers = [t.name for t in tables if fnmatchcase(other, t.match)]
        tells = not table.batch_time or batch_times(other, table.batch_time) == batch_times(name, table.batch_time)
        if takers == [table.name] and tells:
            return other
    return None
