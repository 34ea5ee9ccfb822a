"""The source `crm`: one customer in ten linked tables, day by day, with people who are there twice.

The tables are `sources/crm.yaml`. What is here is what a description cannot say: settings in a file, days that go
on where the last run ended, rows made by hand, and people of an earlier day who come again.
"""

from __future__ import annotations

from snapshotter.testdata.sources.crm.making import Day, crm
from snapshotter.testdata.sources.crm.settings import CrmSettings, read_settings
from snapshotter.testdata.sources.crm.state import State

__all__ = ["CrmSettings", "Day", "State", "crm", "read_settings"]
