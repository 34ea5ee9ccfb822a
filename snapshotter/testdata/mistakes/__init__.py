"""Mistakes as people make them, put into whole columns of text: for the duplicates of linked systems.

    mistakes = Mistakes({"first": "first_name", "mail": "email"}, locale="en_GB", nicknames=[("William", "Bill")])
    wrong = mistakes.make({"first": firsts, "mail": mails}, words)
    wrong.fields["first"], wrong.done["first"], wrong.labels()

The same texts and words give the same mistakes anywhere, row by row, whatever the chunk they come in.
"""

from __future__ import annotations

from snapshotter.testdata.mistakes.kinds import USUAL, USUAL_COUNTS, Kind, Role
from snapshotter.testdata.mistakes.making import Mistaken, Mistakes

__all__ = ["USUAL", "USUAL_COUNTS", "Kind", "Mistaken", "Mistakes", "Role"]
