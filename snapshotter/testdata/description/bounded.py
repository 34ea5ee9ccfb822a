"""Small files that a user writes by hand, read whole, up to a bound."""

from __future__ import annotations

from pathlib import Path


def read_text(path: Path, most: int) -> str:
    """The text of a file in UTF-8, without a byte order mark.

    Args:
        path: of the file.
        most: the bytes that it may have.

    Raises:
        ValueError: it cannot be read, is larger, or is not UTF-8; the sentence begins with the path.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise ValueError(f"{path} is larger than {most >> 20} MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: byte {error.start}") from error
