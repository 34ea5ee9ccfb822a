"""A user's own Python, named in the configuration as `module:name` and found in the workspace or among packages."""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

_REFERENCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")


class _Loader(importlib.machinery.SourceFileLoader):
    """Reads the source and nothing else.

    Compiled code beside it is known by size and second: a change within the second would go unnoticed. And the
    workspace stays as it is.
    """

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Say that compiled code cannot be trusted."""
        raise OSError(f"{path} is always compiled anew")


def is_reference(text: str) -> bool:
    """Whether a text has the form `module:name`."""
    return _REFERENCE.fullmatch(text) is not None


def load_object(workspace: Path, reference: str) -> object:
    """What a reference such as `cleaning:tidy` names.

    Args:
        workspace: its folder; a module in it goes before an installed one, and two workspaces may each have one
            of the same name.
        reference: `module:name`.

    Raises:
        ValueError: there is no such thing, or its module cannot be imported; the message says why.
    """
    match = _REFERENCE.fullmatch(reference)
    if not match:
        raise ValueError('is not of the form "module:name"')
    try:
        module = _import(workspace, match[1])
    except (Exception, SystemExit) as error:  # a script may end itself when it is imported
        raise ValueError(f"cannot be imported: {type(error).__name__}: {error}") from error
    try:
        found: object = getattr(module, match[2])
    except AttributeError:
        raise ValueError(f"module {match[1]} has no {match[2]}") from None
    return found


def source_digest(workspace: Path, reference: str) -> str:
    """A digest of the module's own file, so that a change of it is noticed; empty if it is not in the workspace."""
    path = _file(workspace, reference.partition(":")[0])
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path else ""


def _file(workspace: Path, name: str) -> Path | None:
    path = workspace.joinpath(*name.split(".")).with_suffix(".py")
    return path if path.is_file() and path.resolve().is_relative_to(workspace.resolve()) else None


def _import(workspace: Path, name: str) -> ModuleType:
    path = _file(workspace, name)
    with _first_on_path(workspace):
        if path is None:
            return importlib.import_module(name)
        # Under a name of its own: another workspace's module of this name, or an older text of it, is another one.
        mark = hashlib.sha256(str(path.resolve()).encode() + path.read_bytes()).hexdigest()[:12]
        unique = f"{name.replace('.', '_')}_{mark}"
        if unique in sys.modules:
            return sys.modules[unique]
        spec = importlib.util.spec_from_file_location(unique, path, loader=_Loader(unique, str(path)))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[unique] = module  # models look their annotations up there
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[unique]
            raise
        return module


@contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    """While a module is imported, what it imports itself may lie beside it."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
