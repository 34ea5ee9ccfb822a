"""How pools are made with Faker, by a maintainer; nothing here runs when data is made, but `fresh`.

`fresh` draws from the Faker that is installed, for providers that a user's description names and no pool has.
"""

from __future__ import annotations

from snapshotter.testdata.freezing.drawing import fresh

__all__ = ["fresh"]
