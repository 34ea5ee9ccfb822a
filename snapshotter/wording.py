"""How numbers of things and warnings of many files are put into words."""

from __future__ import annotations

from collections.abc import Iterable


def warnings(found: Iterable[tuple[str, str]]) -> list[str]:
    """Warnings, (file, text), each text once with the first file that it is about and the number of the others."""
    files: dict[str, list[str]] = {}
    for name, text in found:
        files.setdefault(text, []).append(name)
    others = {
        text: f" and {counted(len(names) - 1, 'other file')}" if names[1:] else "" for text, names in files.items()
    }
    return [f"{names[0]}{others[text]}: {text}" for text, names in files.items()]


def counted(number: int, thing: str) -> str:
    """A number of things: `1 row`, `2 rows`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
