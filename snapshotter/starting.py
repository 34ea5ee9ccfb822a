"""Making a workspace."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from snapshotter import disk
from snapshotter.config import FILE_NAME
from snapshotter.layout import Layout
from snapshotter.results import InitResult


def init(folder: Path) -> InitResult:
    """Make the folders of a workspace and a commented configuration; what is there already stays as it is.

    Args:
        folder: the workspace; made if it is not there.

    Raises:
        NotWritten: the system refused.
    """
    root = folder.resolve()
    layout = Layout(root)
    made = []
    for path in (layout.queue, layout.processed, layout.rejected, layout.output):
        if not path.is_dir():
            disk.make_folder(path)
            made.append(f"{path.relative_to(root).as_posix()}/")
    if not (root / FILE_NAME).exists():
        disk.replace(root / FILE_NAME, template().encode())
        made.append(FILE_NAME)
    return InitResult(workspace=str(root), made=made)


def template() -> str:
    """The commented configuration; every line of it that is a setting says the default."""
    return resources.files("snapshotter").joinpath("snapshotter.toml").read_text("utf-8")
