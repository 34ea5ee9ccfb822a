"""Putting hostile names and values into TOML (1.0): strings, keys and comments that nothing can break out of."""

from __future__ import annotations

import re

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def string(text: str) -> str:
    """A text as a basic string; what cannot be seen (controls, marks of direction, odd blanks) is escaped.

    Raises:
        ValueError: a lone surrogate, which TOML has no way to write.
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError("the text holds half of a character (a lone surrogate)")
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def key(name: str) -> str:
    """A name as a key: bare where that is possible, else quoted."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else string(name)


def value(item: object) -> str:
    """A text, a switch, a whole number, a list or a table as it stands behind `=`.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int):
        return str(item)
    if isinstance(item, str):
        return string(item)
    if isinstance(item, dict):
        pairs = [f"{key(name)} = {value(part)}" for name, part in item.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(item, list | tuple):
        return f"[{', '.join(map(value, item))}]"
    raise TypeError(f"{type(item).__name__} has no form in TOML here")


def comment(text: str) -> str:
    """A text as one line of a comment; the reader sees what it holds, and it ends where the line ends."""
    return "# " + shown(text)


def shown(text: str) -> str:
    """A text of one line, for a person: what cannot be seen is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
