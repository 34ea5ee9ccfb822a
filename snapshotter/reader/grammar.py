"""What a record is, as regular expressions over bytes, and what is wrong where one breaks the rules.

After RFC 4180: a cell holds no quote, delimiter, CR or LF, or it is quoted as a whole and its quotes are doubled. A
line ends in LF or CRLF, both in one file if need be; or in CR, if the header's does. A CR at the very end of a file
is a line end that was cut short.

Nothing here ever goes back over what it has matched: all quantifiers are possessive, so that one attempt at a record
is linear in the bytes it looks at.
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from functools import lru_cache

DELIMITERS = (",", ";", "\t", "|")

Text = bytes | mmap.mmap


@dataclass(frozen=True)
class Grammar:
    """The expressions for one kind of file.

    Args:
        delimiters: the characters that end a cell.
        is_cr: whether lines end in CR.
        cell: matches a cell wherever one begins, in any case: an empty one where the quotes are broken.
        record: matches a record, line end aside.
        line: matches what comes next: blank lines (no group), a record (group 1), or a line up to its end (group 2).
    """

    delimiters: bytes
    is_cr: bool
    cell: re.Pattern[bytes]
    record: re.Pattern[bytes]
    line: re.Pattern[bytes]


@lru_cache(maxsize=32)
def grammar(delimiters: str, *, is_cr: bool = False) -> Grammar:
    """The grammar under one delimiter, or under several at once."""
    split = b"[%s]" % re.escape(delimiters.encode())
    cell = rb'(?:"[^"]*+(?:""[^"]*+)*+"|[^"\r\n%s]*+)' % re.escape(delimiters.encode())
    record = cell + rb"(?:%s%s)*+" % (split, cell)
    blank, end, line = (
        (rb"\r++", rb"(?:\r|\Z)", rb"([^\r]*+)(?:\r|\Z)")
        if is_cr
        else (rb"(?:\n|\r\n)++|\r\Z", rb"(?:\r?\n|\r?\Z)", rb"([^\n]*+)(?:\n|\Z)")
    )
    next_line = rb"(?!\Z)(?:%s|(%s)%s|%s)" % (blank, record, end, line)
    return Grammar(delimiters.encode(), is_cr, re.compile(cell), re.compile(record), re.compile(next_line))


def fault(rules: Grammar, text: Text, start: int) -> str:
    """What is wrong with the record that begins at a byte, for a person."""
    place, number = start, 1
    while True:
        match = rules.cell.match(text, place)
        assert match is not None
        behind = text[match.end() : match.end() + 1]
        if not behind or behind not in rules.delimiters:
            break
        place, number = match.end() + 1, number + 1
    is_quoted, is_open = text[place : place + 1] == b'"', match.end() == place
    if is_quoted and is_open:
        problem = f"the quote that opens cell {number} is never closed"
    elif is_quoted:
        problem = f"text follows the closing quote of cell {number}"
    elif behind == b'"':
        problem = f"a quote stands inside cell {number}, which is not quoted as a whole"
    else:
        name, end = ("an LF", "CR") if behind == b"\n" else ("a CR", "LF")
        problem = f"{name} stands in cell {number}, which is not quoted; lines end in {end} here"
    lines = text[start:place].count(b"\r" if rules.is_cr else b"\n")
    return problem + (f" ({lines} line{'s' if lines > 1 else ''} further on)" if lines else "")
