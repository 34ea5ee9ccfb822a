"""What one field's mistakes are made with."""

from __future__ import annotations

from dataclasses import dataclass

from snapshotter.testdata.mistakes.keyboard import QWERTY, Keyboard
from snapshotter.testdata.mistakes.kinds import Role
from snapshotter.testdata.mistakes.locales import Locale, Telephone
from snapshotter.testdata.mistakes.rules import Rules
from snapshotter.testdata.mistakes.words import Lookup


@dataclass(frozen=True)
class Setting:
    """What the mistakes in one field are made with.

    Args:
        role: what the field holds.
        keyboard: on which it was typed.
        sounds: what is confused by ear.
        short: what is abbreviated.
        nicknames: what friends say instead of a first name.
        telephone: how telephone numbers are written.
        month_first: whether the month comes first in dates with slashes.
    """

    role: Role
    keyboard: Keyboard
    sounds: Rules
    short: Lookup
    nicknames: Lookup
    telephone: Telephone
    month_first: bool

    @classmethod
    def of(cls, role: Role, locale: Locale, nicknames: Lookup) -> Setting:
        """The setting of a field of some role; e-mail addresses are ASCII everywhere."""
        ascii_only = role is Role.EMAIL
        return cls(
            role=role,
            keyboard=QWERTY if ascii_only else locale.keyboard,
            sounds=locale.ascii_sounds if ascii_only else locale.sounds,
            short=locale.titles if role is Role.TITLE else locale.streets,
            nicknames=nicknames,
            telephone=locale.telephone,
            month_first=locale.month_first,
        )
