r"""Regular expressions of other flavours as the `pattern` of a column, and back.

A `pattern` is RE2 and must match the whole cell. pydantic (Rust's regex) and ODCS (ECMA-262, as in JSON Schema)
look for theirs anywhere in the text. Only what all of them read alike is translated: literals, classes, groups,
repetitions, anchors and `\d`; not flags, look-arounds, `\w` (ASCII for some, Unicode for others), sets of sets.
"""

from __future__ import annotations

import functools
import re

RUST_DIGIT, ECMA_DIGIT = r"\p{Nd}", r"\d"  # what `\d` means there, in RE2's words

_ESCAPE = r"\\(?:[dtnr]|[!-/:;=?@\[-^`{-~])"
_CLASS = rf"\[\^?(?:{_ESCAPE}|(?!--)[^\[\]\\&~])+\]"
_ATOM = rf"{_ESCAPE}|{_CLASS}|\((?:\?:|(?!\?))|\)|[^\\\[\](){{}}*+?]"
_TIMES = r"(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})\??"
_TOKEN = re.compile(f"(?P<atom>{_ATOM})(?P<times>{_TIMES})?", re.DOTALL)
_PLAIN = re.compile(f"(?:(?:{_ATOM})(?:{_TIMES})?)*", re.DOTALL)


def searched(pattern: str, digit: str) -> str | None:
    r"""What a whole cell matches in which a pattern is found.

    Args:
        pattern: in the other flavour.
        digit: what `\d` means in it.

    Returns:
        RE2, or None where RE2 might read it in another way.
    """
    tokens = _tokens(pattern)
    if tokens is None:
        return None
    tokens = [re.sub(r"\\(.)", lambda m: digit if m[1] == "d" else m[0], token, flags=re.DOTALL) for token in tokens]
    if len(tokens) > 1 and tokens[0] == "^" and tokens[-1] == "$" and "|" not in _outermost(tokens):
        return "".join(_unwrapped(tokens[1:-1]))
    return f"(?s:.*)(?:{''.join(tokens)})(?s:.*)"


@functools.cache
def is_accepted(pattern: str) -> bool:
    """Whether the engine takes a pattern: RE2 has limits (of repetitions, of size) that others have not."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute("SELECT regexp_full_match('', ?)", [pattern])
        except duckdb.Error:
            return False
    return True


def anchored(pattern: str) -> str | None:
    """The pattern of a column in words of ECMA-262, so that `searched` gives it back; None if there are none."""
    return f"^(?:{pattern})$" if _tokens(pattern) is not None else None


def _tokens(pattern: str) -> list[str] | None:
    return [match[0] for match in _TOKEN.finditer(pattern)] if _PLAIN.fullmatch(pattern) else None


def _outermost(tokens: list[str]) -> list[str]:
    """The tokens that stand in no group, and the parentheses that close the outermost groups."""
    found, depth = [], 0
    for token in tokens:
        depth -= token[0] == ")"
        if depth == 0:
            found.append(token)
        depth += token[0] == "("
    return found


def _unwrapped(tokens: list[str]) -> list[str]:
    """Without a group around all of them."""
    around = len(tokens) > 1 and tokens[0] == "(?:" and tokens[-1] == ")" and len(_outermost(tokens)) == 2
    return tokens[1:-1] if around else tokens
