"""Files that survive a power cut: the only place that writes, renames, makes durable and removes.

Each function is one effect of the write order in docs/design.md. A name appears only after its content is on
the disk; nothing is ever moved over an existing file. An fsync that fails is fatal and is not tried again on
the same file: the system may have dropped the data and say fine the second time.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from snapshotter.config import threads
from snapshotter.errors import NotWritten

TEMPORARY = ".snapshotter-"
_AT_ONCE = 16  # files made durable side by side: the journal then takes many at a time, which is ten times as fast


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Turn what the system refuses into the named error; a target that exists already stays FileExistsError."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        told = os.strerror(error.errno) if error.errno else f"{error}".partition("\n")[0]  # a library's has no number
        raise NotWritten(path=path, problem=told) from error


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    _sync(path, os.O_RDONLY)


def secure(files: Sequence[str], root: Path) -> None:
    """Make files of somebody else durable as they are, and their names in the folders up to `root`.

    What is no regular file (any more), or is gone, is left.
    """
    if threads() == 1 or len(files) == 1:
        _secure_all(files)
    else:
        from concurrent.futures import ThreadPoolExecutor

        left = iter(files)  # each thread takes the next one: a task for each file would cost more than its fsync
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for work in [pool.submit(_secure_all, left) for _ in range(_AT_ONCE)]:
                work.result()
    folders = map(Path, dict.fromkeys(map(os.path.dirname, files)))
    above = (above for path in folders for above in (path, *path.parents) if above == root or root in above.parents)
    for folder in dict.fromkeys(above):
        if folder.is_dir():
            sync_folder(folder)


def _secure_all(files: Iterable[str]) -> None:
    for path in files:
        _secure(path)


def _secure(path: str) -> None:
    with writing(path), suppress(FileNotFoundError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    with writing(path):
        descriptor = os.open(path, flags | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder and its parents, durably."""
    if path.is_dir():
        return
    if os.path.lexists(path):
        raise NotWritten(path=path, problem="it is there, but is not a folder")
    make_folder(path.parent)
    with writing(path):
        path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def temporary(folder: Path, what: str = "") -> Path:
    """A fresh name in `folder` that the queue does not see and that a recovery sweeps away; it may say of what."""
    return folder / f"{TEMPORARY}{what}{uuid.uuid4().hex}.tmp"


def create(path: Path, content: bytes, scratch: Path) -> None:
    """Make a file that did not exist: durable before its name exists.

    Args:
        path: the file; its folder exists.
        content: all of it.
        scratch: a folder on the same file system for the temporary name.

    Raises:
        FileExistsError: the name is taken.
        NotWritten: the system refused.
    """
    draft = _draft(content, scratch)
    with writing(path):
        try:
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file, or write it anew, of bytes or of pieces: a reader sees the old content or the new, whole."""
    publish(_draft(content, path.parent), path)


def write_drafts(drafts: Iterable[tuple[Path, Iterable[bytes]]]) -> None:
    """Write files that count for nothing yet, or write them anew, durably; each folder's names once, not once a file.

    Args:
        drafts: the path and the content, in pieces, of each.
    """
    written = []
    for path, content in drafts:
        with writing(path), open(path, "wb", opener=without_links) as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        written.append(os.fspath(path))
    sync_folders(written)


def publish(draft: Path, path: Path) -> None:
    """Give a durable draft its name, in place of what had it."""
    publish_all([(draft, path)])


def publish_all(drafts: Iterable[tuple[Path, Path]]) -> None:
    """Give durable drafts their names, in place of what had them; each folder is made durable once."""
    published = []
    for draft, path in drafts:
        with writing(path):
            draft.replace(path)
        published.append(os.fspath(path))
    sync_folders(published)


def publish_beside(draft: Path, path: Path) -> None:
    """The same; what had the name goes while others work: the system takes a second for some gigabytes."""
    try:
        old = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # there is none, or nothing that takes long to go
        publish(draft, path)
        return
    try:
        publish(draft, path)
    finally:
        if threads() == 1:
            os.close(old)
        else:
            threading.Thread(target=os.close, args=(old,)).start()


def rename(draft: Path, path: Path) -> None:
    """Give a draft its name, of something derived: neither need survive a power cut."""
    with writing(path):
        draft.replace(path)


def remove_derived(path: Path) -> None:
    """Remove a file that nobody needs; nor need that survive a power cut."""
    with writing(path):
        path.unlink(missing_ok=True)


def pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file, some at a time."""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            yield piece


def _draft(content: bytes | Iterable[bytes], folder: Path) -> Path:
    draft = temporary(folder)
    with writing(draft):
        try:
            with draft.open("xb") as file:
                file.writelines([content] if isinstance(content, bytes) else content)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:  # a full disk, say: half a draft helps nobody, and not every folder is swept
            draft.unlink(missing_ok=True)
            raise
    return draft


def link_all(pairs: Sequence[tuple[str, str]]) -> None:
    """Give files, or links and devices as such, a second name that is free, durably: the first half of a move.

    All new names are durable before the first old one goes, so that each file is at every moment under at least
    one; and a folder is made durable once, not once a file. A file that has other names already is copied: whoever
    has one could still write to it.

    Args:
        pairs: (source, target) of each.

    Raises:
        FileExistsError: a target is taken by another file.
        NotWritten: the system refused.
    """
    targets = [Path(folder) for folder in dict.fromkeys(os.path.dirname(target) for _, target in pairs)]
    for folder in targets:
        make_folder(folder)
    for source, target in pairs:
        _link(source, target)
    for folder in targets:
        sync_folder(folder)


def remove_all(paths: Sequence[str]) -> None:
    """Remove names, durably: the second half of a move."""
    for path in paths:
        with writing(path), suppress(FileNotFoundError):
            os.unlink(path)
    sync_folders(paths)


def sync_folders(paths: Iterable[str]) -> None:
    """Make the names in the folders of some paths durable, once for each folder."""
    for folder in dict.fromkeys(map(os.path.dirname, paths)):
        sync_folder(Path(folder))


def set_aside(path: str) -> str | None:
    """Take a name that others write to out of their reach, before it is looked at for the last time and removed.

    Returns:
        The new name, always the same one for a path, and not one that anything sweeps; None if there is none to take.
    """
    away = aside(path)
    with writing(path):
        try:
            os.rename(path, away)
        except FileNotFoundError:
            return None
    return away


def aside(path: str) -> str:
    """The name that `set_aside` gives a path."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/{TEMPORARY}aside-{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}"


def put_back(away: Path, path: Path) -> bool:
    """Give what was set aside a name again, durably; returns False, and does nothing, if that is taken meanwhile."""
    with writing(path):
        try:
            os.link(away, path, follow_symlinks=False)
        except FileExistsError:
            if not _same(away, path):
                return False
        except OSError:  # of a folder, or where no link can be made
            if os.path.lexists(path):
                return False
            return away.rename(path) == path
    sync_folder(path.parent)
    remove(away)
    return True


def _link(source: str, target: str) -> None:
    """Give a file a second name; copy it where that is impossible."""
    with writing(target):
        try:
            status = os.lstat(source)
            if stat.S_ISREG(status.st_mode) and status.st_nlink > 1 and not os.path.lexists(target):
                _copy(Path(source), Path(target))
                return
            os.link(source, target, follow_symlinks=False)
        except FileExistsError:
            if not _same(Path(source), Path(target)):
                raise
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK):
                raise
            _copy(Path(source), Path(target))


def adopt(draft: Path, path: Path) -> None:
    """Give a draft a second name, beside the one under which somebody may still read it; a copy where none can be."""
    with writing(path):
        _link(str(draft), str(path))


def _same(one: Path, other: Path) -> bool:
    a, b = one.lstat(), other.lstat()
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


def _copy(source: Path, target: Path) -> None:
    """Copy where no hard link can be made: to another file system, or on one that has none."""
    if not stat.S_ISREG(source.lstat().st_mode):
        raise OSError(errno.EXDEV, "only a regular file can be copied")
    draft = temporary(target.parent)
    try:
        with open(source, "rb", opener=without_links) as reading, draft.open("xb") as copy:
            shutil.copyfileobj(reading, copy, 1 << 20)
            copy.flush()
            shutil.copystat(source, draft)
            os.fsync(copy.fileno())
        if os.path.lexists(target):
            raise FileExistsError(target)
        draft.rename(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def without_links(path: str, flags: int) -> int:
    """An opener for `open` that follows no link, and waits for nobody."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def remove(path: Path) -> None:
    """Remove a name, durably; one that is gone already is fine."""
    with writing(path), suppress(FileNotFoundError):
        path.unlink()
    sync_folder(path.parent)


def retire(path: Path) -> bool:
    """Take a folder's name away at once, and then its content; returns whether it was there.

    A process that is killed leaves either all of it or nothing that anybody could take for it.
    """
    if not path.is_dir() or path.is_symlink():
        return False
    grave = temporary(path.parent)
    with writing(path):
        path.rename(grave)
    sync_folder(path.parent)
    remove_tree(grave)
    return True


def remove_tree(path: Path | str) -> None:
    """Remove a file, a link or a whole folder; one that is gone already is fine."""
    with writing(path), suppress(FileNotFoundError):
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path)
        else:
            os.unlink(path)
