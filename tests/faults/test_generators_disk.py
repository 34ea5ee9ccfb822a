"""Test data on disks that are full or may not be written: all files, or none."""

import pytest
from mounts import call, small

from snapshotter.errors import NotWritten
from snapshotter.testdata import demo
from snapshotter.testdata.delivery import deliver
from snapshotter.testdata.demo import TABLE
from snapshotter.testdata.formats import FORMATS


@pytest.mark.parametrize("name", FORMATS)
def test_full_disk_leaves_nothing(tmp_path, name):
    """On a disk that fills up there is a named error in the system's words, and nothing is left of any file."""
    with small(tmp_path / "disk", 400 << 10) as folder:
        with pytest.raises(NotWritten, match=r"could not be written: No space left on device$"):
            deliver(demo(rows=60_000, files=6), [TABLE], folder, form=FORMATS[name])
        assert list(folder.iterdir()) == []


def test_disk_that_may_not_be_written(tmp_path):
    """On a disk for reading there is a named error, though nothing can be cleared away there, either."""
    with small(tmp_path / "disk", 400 << 10) as folder:
        call("mount", "-o", "remount,ro", str(folder))
        for form in FORMATS.values():
            with pytest.raises(NotWritten, match="Read-only file system"):
                deliver(demo(rows=3, files=1), [TABLE], folder, form=form)
