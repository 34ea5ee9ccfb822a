"""Files beneath a folder, reached without following a link: what is beneath it cannot lead out of it.

A path is resolved name by name, each beneath the descriptor of the folder before it. So a sub-folder that somebody
swaps for a link, at whatever moment, is an error and never a way to another place.
"""

from __future__ import annotations

import os

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def open_beneath(root: str, inside: str, flags: int) -> int:
    """Open what lies beneath a folder; returns its descriptor.

    Args:
        root: the folder; links on the way to it are followed.
        inside: the path from there on.
        flags: of `os.open`, besides those that follow no link and leave no descriptor to a child.

    Raises:
        OSError: it cannot be opened; ELOOP or ENOTDIR for a link.
    """
    *folders, name = inside.split("/")
    folder = os.open(root, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for part in folders:
            below = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    finally:
        os.close(folder)


def is_beneath(root: str, path: str) -> bool:
    """Whether no folder between `root` and a path below it is a link."""
    folder = os.path.dirname(path)
    while len(folder) > len(root):
        if os.path.islink(folder):
            return False
        folder = os.path.dirname(folder)
    return folder == root
