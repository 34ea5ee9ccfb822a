"""What refuses a file as a whole."""

from __future__ import annotations


class Irregular(Exception):
    """A text that cannot be decoded, or a header that cannot be read; refuses its file.

    Args:
        reason: what is wrong, for a person.
        record: the number of the record where it shows (header 0), None if it is not about one.
        rule: its name in rejects.
    """

    def __init__(self, reason: str, record: int | None = None, rule: str = "csv") -> None:
        """Keep what is wrong and where."""
        super().__init__(reason)
        self.reason, self.record, self.rule = reason, record, rule
