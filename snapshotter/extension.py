"""A user's own Python, named in the configuration as `module:name` and found in the workspace or among packages."""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from snapshotter import logs

_REFERENCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")
_US = __name__.partition(".")[0]


class _Loader(importlib.machinery.SourceFileLoader):
    """Reads the source and nothing else.

    Compiled code beside it is known by size and second: a change within the second would go unnoticed. And the
    workspace stays as it is.
    """

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Say that compiled code cannot be trusted."""
        raise OSError(f"{path} is always compiled anew")


class _Beside:
    """What a user's module imports from its workspace, under the names by which it asks for it.

    Such a name (`helpers`) means another module in another workspace. So it is known to Python only while code of
    this workspace runs, and what the name meant before is put back afterwards.

    Args:
        folder: the workspace's.
    """

    ran: ClassVar[bool] = False  # whether code of any workspace did

    def __init__(self, folder: Path) -> None:
        """Nothing is imported yet."""
        self._folder = folder
        self._modules: dict[str, ModuleType] = {}
        self._names: set[str] = set()  # of modules with a file
        self._sources: dict[Path, str] = {}  # file -> the digest of what was read
        self._depth = 0

    def digests(self) -> list[str]:
        """The digests of all files that were imported so far."""
        return [self._sources[path] for path in sorted(self._sources)]

    def is_current(self) -> bool:
        """Whether the files still are what was imported."""
        return all(_digest(path) == digest for path, digest in self._sources.items())

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module of the workspace, for Python's import."""
        top = name.partition(".")[0]
        if top == _US:
            return None
        own = self._folder / top
        entries = [str(self._folder)] if path is None else [e for e in path if Path(e).is_relative_to(own)]
        for entry in entries:
            finder = importlib.machinery.FileFinder(entry, (_Loader, importlib.machinery.SOURCE_SUFFIXES))
            spec = finder.find_spec(name, target)
            if spec is not None and spec.loader is not None and spec.origin:
                self._sources[Path(spec.origin)] = _digest(Path(spec.origin))
                self._names.add(name)
                return spec
        return None

    @contextmanager
    def here(self) -> Iterator[None]:
        """While code of the workspace runs, its modules are those that the names mean; stdout is for data."""
        if self._depth:  # a function of it, called by another
            yield
            return
        _Beside.ran = True
        logs.ready()  # it may write to the log, too
        hidden = {name: module for name, module in list(sys.modules.items()) if self._hides(name)}
        for name in hidden:
            del sys.modules[name]
        others = set(sys.modules)
        sys.modules.update(self._modules)
        finders: list[Any] = sys.meta_path
        place = finders.index(importlib.machinery.PathFinder) if importlib.machinery.PathFinder in finders else 0
        finders.insert(place, self)
        sys.path.insert(0, str(self._folder))
        self._depth += 1
        try:
            with redirect_stdout(sys.stderr):
                yield
        finally:
            self._depth -= 1
            added = [name for name in list(sys.modules) if name not in others]
            self._modules |= {name: sys.modules[name] for name in added if self._is_ours(name)}
            for name in self._modules:
                sys.modules.pop(name, None)
            sys.modules.update(hidden)
            finders.remove(self)
            if str(self._folder) in sys.path:
                sys.path.remove(str(self._folder))

    def _hides(self, name: str) -> bool:
        """Whether a name that is known already means another thing in the workspace.

        What Python brings along or what is installed stays: half the packages of a process cannot be exchanged.
        """
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in (_US, "__main__"):
            return False
        own = self._folder / top
        if not (own.with_suffix(".py").is_file() or (own / "__init__.py").is_file()):
            return False
        origin = getattr(sys.modules.get(top), "__file__", None)
        return not (origin and any(Path(origin).is_relative_to(place) for place in _installed()))

    def _is_ours(self, name: str) -> bool:
        if name in self._names:
            return True
        top = name.partition(".")[0]
        spec = getattr(sys.modules[name], "__spec__", None)
        if spec is None or spec.origin or top == _US:
            return False
        folders = list(spec.submodule_search_locations or ())  # of a package without __init__.py
        return bool(folders) and all(Path(place).is_relative_to(self._folder / top) for place in folders)


@dataclass(frozen=True)
class Extension:
    """A user's object, and what it needs around it.

    Args:
        object: what the reference names.
        digest: of the source of its module and of all that it imported from the workspace; empty if it lies elsewhere.
    """

    object: object
    digest: str
    _beside: _Beside = field(repr=False)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Around each call of it: what it imports then is found as it was at first, and its prints go to stderr."""
        with self._beside.here():
            yield


@dataclass(frozen=True)
class _Imported:
    module: ModuleType
    digest: str
    beside: _Beside


_imported: dict[str, _Imported] = {}  # by the module's name in sys.modules


def is_reference(text: str) -> bool:
    """Whether a text has the form `module:name`."""
    return _REFERENCE.fullmatch(text) is not None


def is_used() -> bool:
    """Whether code of a user ran."""
    return _Beside.ran


def load(workspace: Path, reference: str) -> Extension:
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
        imported = _import(workspace.resolve(), match[1])
    except (Exception, SystemExit, GeneratorExit) as error:  # a script may end itself when it is imported
        raise ValueError(f"cannot be imported: {type(error).__name__}: {error}") from error
    try:
        found: object = getattr(imported.module, match[2])
    except AttributeError:
        raise ValueError(f"module {match[1]} has no {match[2]}") from None
    return Extension(found, imported.digest, imported.beside)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _installed() -> list[str]:
    return [sysconfig.get_path(kind) for kind in ("purelib", "platlib")]


def _file(workspace: Path, name: str) -> Path | None:
    path = workspace.joinpath(*name.split(".")).with_suffix(".py")
    return path if path.is_file() and path.resolve().is_relative_to(workspace.resolve()) else None


def _import(workspace: Path, name: str) -> _Imported:
    path, beside = _file(workspace, name), _Beside(workspace)
    if path is None:
        with beside.here():
            module = importlib.import_module(name)
        return _Imported(module, _summary(beside.digests()), beside)
    # Under a name of its own: another workspace's module of this name, or an older text of it, is another one.
    mark = hashlib.sha256(str(path.resolve()).encode() + path.read_bytes()).hexdigest()[:12]
    unique = f"{name.replace('.', '_')}_{mark}"
    if unique in _imported and _imported[unique].beside.is_current():
        return _imported[unique]
    _imported.pop(unique, None)
    spec = importlib.util.spec_from_file_location(unique, path, loader=_Loader(unique, str(path)))
    assert spec is not None
    assert spec.loader is not None
    own = _digest(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module  # models look their annotations up there
    try:
        with beside.here():
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[unique]
        raise
    _imported[unique] = _Imported(module, _summary([own, *beside.digests()]), beside)
    return _imported[unique]


def _summary(digests: Sequence[str]) -> str:
    """One digest of several; of none, nothing; of one, itself, as a module alone always had it."""
    if len(digests) > 1:
        return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
    return digests[0][:16] if digests else ""
