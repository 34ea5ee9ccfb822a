"""File systems of a test's own: small ones that fill up, and images whose power can be cut. Only root may mount."""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modes import refuse

SHUTDOWN = 0x8004587D  # _IOR('X', 125, u32), as XFS and ext4 have it
LOGFLUSH, NOLOGFLUSH = 1, 2  # what is in the journal's memory is written before the power goes, or not
MAKE = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"]}
SIZE = {"ext4": 64 << 20, "xfs": 320 << 20}  # bytes; XFS takes no less than 300 MiB


def call(*command: str) -> str:
    """Run a program that must succeed; what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


class Disk:
    """A file system in an image, on a loop device.

    Args:
        kind: ext4 or xfs.
        folder: for the image and the mount point.
    """

    def __init__(self, kind: str, folder: Path, size: int = 0) -> None:
        """Make the file system; nothing is mounted yet."""
        self.kind, self.root = kind, folder / "disk"
        self._image = folder / f"{kind}.img"
        with self._image.open("wb") as image:
            image.truncate(size or SIZE[kind])
        call(*MAKE[kind], str(self._image))
        self.root.mkdir()

    def mount(self) -> None:
        """Mount it; a journal is replayed. What is written waits long for the disk, unless somebody says fsync."""
        options = "loop,commit=300" if self.kind == "ext4" else "loop"
        call("mount", "-o", options, str(self._image), str(self.root))

    def cut(self, flag: int) -> None:
        """Cut the power, and unmount what is left."""
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", flag))
        finally:
            os.close(descriptor)
        self.unmount()

    def unmount(self) -> None:
        """Unmount it; the loop device goes with it."""
        call("umount", str(self.root))

    def sync(self) -> None:
        """Make everything durable that is there now."""
        call("sync", "--file-system", str(self.root))


@contextmanager
def disk(kind: str, folder: Path, size: int = 0) -> Iterator[Disk]:
    """A mounted file system, which is gone afterwards; skips the test where it cannot be had."""
    folder.mkdir(parents=True)
    made = Disk(kind, folder, size)
    try:
        made.mount()
    except OSError as error:
        refuse(f"no loop device can be mounted: {error}")
    try:
        yield made
    finally:
        if made.root.is_mount():
            made.unmount()
        shutil.rmtree(folder)


@contextmanager
def small(folder: Path, size: int) -> Iterator[Path]:
    """A mounted tmpfs of some bytes."""
    folder.mkdir(parents=True)
    try:
        call("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    except OSError as error:
        refuse(f"no tmpfs can be mounted: {error}")
    try:
        yield folder
    finally:
        call("umount", str(folder))
