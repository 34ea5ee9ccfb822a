"""Making a workspace: with the commented defaults, with what sample files propose, or from a template."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path

from snapshotter import disk
from snapshotter.config import FILE_NAME, parse
from snapshotter.contract import compile_contract
from snapshotter.contract.sources import read_contract
from snapshotter.errors import UsageError
from snapshotter.layout import Layout
from snapshotter.starting.answers import InitResult

CONTRACT = "contract.odcs.yaml"


def init(folder: Path) -> InitResult:
    """Make the folders of a workspace and a commented configuration; what is there already stays as it is.

    Args:
        folder: the workspace; made if it is not there.

    Raises:
        NotWritten: the system refused.
    """
    layout = Layout(folder.resolve())
    files = {} if (layout.root / FILE_NAME).exists() else {FILE_NAME: template().encode()}
    return InitResult(workspace=str(layout.root), made=_make(layout, files))


def template() -> str:
    """The commented configuration; every line of it that is a setting says the default."""
    return resources.files("snapshotter").joinpath("snapshotter.toml").read_text("utf-8")


def init_from_samples(
    folder: Path, samples: Sequence[Path], now: datetime, *, output: str = "", form: str = "toml"
) -> InitResult:
    """Make a workspace whose configuration is what sample files propose; the files stay where they are.

    Args:
        folder: the workspace; made if it is not there.
        samples: `.csv`, `.csv.gz` or `.csv.zst`.
        now: the present time.
        output: write the proposal there, and make no workspace; `-` writes nothing at all.
        form: `toml`, or `odcs`: the columns in a data contract that the configuration names.

    Returns:
        What was made, the proposal, and its text.

    Raises:
        UsageError: there is a configuration already; or the samples do not allow a proposal. Nothing was made.
        NotWritten: the system refused.
    """
    from snapshotter.starting.proposing import propose
    from snapshotter.starting.settings import odcs_of, text_of

    layout = Layout(folder.resolve())
    in_odcs = form == "odcs"
    targets = [layout.root / name for name in (FILE_NAME, *([CONTRACT] if in_odcs else []))]
    targets = [] if output == "-" else [Path(output)] if output else targets
    if taken := [path for path in targets if os.path.lexists(path)]:
        _refuse(taken)
    with tempfile.TemporaryDirectory(prefix=disk.TEMPORARY) as scratch:
        proposal = propose(samples, layout.queue, Path(scratch), now)
    text, odcs = text_of(proposal, CONTRACT if in_odcs else ""), odcs_of(proposal) if in_odcs else None
    files = {FILE_NAME: text.encode()} | ({CONTRACT: odcs.encode()} if odcs else {})
    _verify(files, layout.root)
    made = _write({path: (odcs or text).encode() for path in targets}) if output else _make(layout, files)
    return InitResult(workspace=str(layout.root), made=made, proposal=proposal, toml=text, odcs=odcs)


def init_from_template(folder: Path, name: str, variables: Mapping[str, str]) -> InitResult:
    """Make a workspace from a template; everything is rendered before anything is written.

    Args:
        folder: the workspace; made if it is not there.
        name: of a template of the project, or a folder of a user's own.
        variables: what the template asks for.

    Raises:
        UsageError: there is no such template, a variable is missing or not allowed, the template is no good, or a
            file that it makes is there already. Nothing was made.
        ConfigError: the rendered configuration does not load; says where. Nothing was made.
        NotWritten: the system refused.
    """
    from snapshotter.starting.templates import render

    layout = Layout(folder.resolve())
    files = render(name, variables)
    _verify(files, layout.root)
    return InitResult(workspace=str(layout.root), made=_make(layout, files))


def _refuse_collisions(layout: Layout, files: Iterable[str]) -> None:
    """Refuse, before anything is made, if what is there has the place of a file or folder, or leads elsewhere."""
    paths = [layout.root / path for path in files]
    wanted = {parent for path in paths for parent in path.parents} | {*_folders(layout)}
    wanted |= {layout.root, layout.input}
    below = sorted(path for path in wanted if path.is_relative_to(layout.root))
    is_dir = os.path.isdir  # unlike Path.is_dir it never raises: what cannot be looked at is told when it is written
    if blocked := [path for path in below if os.path.lexists(path) and not is_dir(path)]:
        raise UsageError(
            what=f"{blocked[0]} is there and is no folder, but one is needed in its place; nothing was changed",
            remedy="Move it away, or name another folder with --workspace.",
        )
    for path in paths:
        if not path.parent.resolve().is_relative_to(layout.root):
            raise UsageError(
                what=f"{path.relative_to(layout.root)} would lie outside of {layout.root}, through a link",
                remedy="Nothing was made. Take the link away, or name another folder with --workspace.",
            )
    if taken := [path for path in paths if os.path.lexists(path)]:
        _refuse(taken)


def _folders(layout: Layout) -> tuple[Path, ...]:
    """The folders of a workspace that are made."""
    return (layout.queue, layout.processed, layout.rejected, layout.output)


def _refuse(taken: Sequence[Path]) -> None:
    more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
    raise UsageError(
        what=f"{taken[0]}{more} exists already, and is not overwritten; nothing was changed",
        remedy="For a proposal from sample files: --output FILE writes it elsewhere, --output - prints it. "
        "Else move what is there away, or name another folder with --workspace.",
    )


def _verify(files: Mapping[str, bytes], root: Path) -> None:
    """Show that a configuration loads where it is going to stand, with a contract that comes with it.

    A model, and a contract that does not come with it, are read when a run begins.
    """
    for name, dataset in parse(files[FILE_NAME].decode(), root / FILE_NAME).datasets.items():
        if dataset.contract in files:
            with tempfile.TemporaryDirectory(prefix=disk.TEMPORARY) as scratch:
                place = Path(scratch, dataset.contract)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(files[dataset.contract])
                read_contract(name, dataset, Path(scratch))
        else:
            compile_contract(name, dataset, root / FILE_NAME)


def _make(layout: Layout, files: Mapping[str, bytes]) -> list[str]:
    """Make the folders of a workspace, and files in it; returns what was not there."""
    _refuse_collisions(layout, files)
    made = []
    for path in _folders(layout):
        if not path.is_dir():
            disk.make_folder(path)
            made.append(f"{path.relative_to(layout.root).as_posix()}/")
    _write({layout.root / name: content for name, content in files.items()})
    return [*made, *files]


def _write(files: Mapping[Path, bytes]) -> list[str]:
    """Write files that are not there, all of them or, if the system refuses one, none."""
    written: list[Path] = []
    try:
        for path, content in files.items():
            disk.make_folder(path.parent)
            disk.create(path, content, path.parent)
            written.append(path)
    except BaseException as error:
        for path in written:
            disk.remove(path)
        if isinstance(error, FileExistsError):
            _refuse([Path(str(error.filename2 or error.filename))])
        raise
    return [str(path) for path in files]
