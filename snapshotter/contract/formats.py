"""Which `strptime` formats could have written some texts; where day and month are unclear, both readings are named."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import product

_DATES = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d"]
_DATES += ["%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y"]
_CLOCKS = (
    "",
    " %H:%M:%S",
    " %H:%M",
    "T%H:%M:%S",
    "T%H:%M",
    " %H:%M:%S.%f",
    "T%H:%M:%S.%f",
    " %I:%M:%S %p",
    " %I:%M %p",
)
_ZONES = ("", "%z", " %z")
FORMATS = tuple("".join(parts) for parts in product(_DATES, _CLOCKS, _ZONES) if parts[1] or not parts[2])


def fitting(texts: Iterable[str]) -> list[str]:
    """The formats under which every text is a time; the likeliest first, none if there is no text.

    Args:
        texts: cells without blanks around them.
    """
    known = dict.fromkeys(texts)
    return [layout for layout in FORMATS if known and all(_fits(text, layout) for text in known)]


def _fits(text: str, layout: str) -> bool:
    try:
        datetime.strptime(text, layout)  # noqa: DTZ007 - only its shape is asked
    except ValueError:
        return False
    # strptime takes the blank of a format for any number of blanks, which the engine does not.
    return text == text.strip() and "  " not in text
