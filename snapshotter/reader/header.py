"""The header: where it stands, and the names in it."""

from __future__ import annotations

import codecs
import io
import re

from snapshotter.reader.grammar import fault, grammar
from snapshotter.reader.irregular import Irregular
from snapshotter.unlimited import csv

_INSIDE = re.compile(rb'(?:[^"\r\n]++|"[^"]*+")*+')  # up to a line end outside quotes, under any delimiter

COLUMNS = 6_000  # of a header: the engine holds 2,048 rows of each at once, and plans in the square of them


def header_span(head: bytes, *, is_whole: bool = True) -> tuple[int, int]:
    """Where the header stands: (its first byte, the byte behind its line end), behind a mark and blank lines.

    Args:
        head: the first bytes of a text in UTF-8.
        is_whole: whether they are all.

    Raises:
        Irregular: there is no header, its quotes do not close, or it is longer than `head`.
    """
    start = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    while head[start : start + 1] in (b"\n", b"\r"):
        start += 1
    if start == len(head):
        raise Irregular("the file holds no header", 0, "header")
    match = _INSIDE.match(head, start)
    assert match is not None
    end = match.end()
    if not is_whole and end >= len(head) - 1:
        raise Irregular(f"the header does not end within the first {len(head) - 1} bytes", 0, "header")
    if head[end : end + 1] == b'"':
        raise Irregular("a quote in the header is never closed", 0)
    return start, end + (2 if head[end : end + 2] == b"\r\n" else 1 if end < len(head) else 0)


def header_names(raw: bytes, delimiter: str) -> list[str]:
    """The cells of a header.

    Args:
        raw: its bytes in UTF-8, with or without a line end.
        delimiter: one character.

    Raises:
        Irregular: it breaks the quoting rules, holds a NUL character, or names too many columns.
    """
    rules, line = grammar(delimiter), raw.removesuffix(b"\n").removesuffix(b"\r")
    if b"\0" in line:
        reason = "the header holds a NUL character: it is no text, or in an encoding that `encodings` does not declare"
        raise Irregular(reason, 0, "encoding")
    if not rules.record.fullmatch(line):
        raise Irregular(f"the header is not CSV: {fault(rules, line, 0)}", 0)
    names = next(csv.reader(io.StringIO(line.decode(), newline=""), delimiter=delimiter, strict=True), [])
    if len(names) > COLUMNS:
        raise Irregular(f"the header has {len(names):,} columns, more than the {COLUMNS:,} that are read", 0, "header")
    return names
