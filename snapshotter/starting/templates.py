"""Templates of workspaces: folders of files; those that end in `.j2` are rendered by Jinja in its sandbox.

`template.toml` in the folder says what the template makes and asks for. All of it is rendered in memory before
anything is written, and a variable gets into TOML through the filter `toml`, which quotes it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from snapshotter.config import FILE_NAME
from snapshotter.errors import UsageError
from snapshotter.starting import toml
from snapshotter.starting.answers import TemplateInfo, TemplateVariable

MANIFEST = "template.toml"
_SUFFIX = ".j2"
_WORKSPACE = ("input", "output")
_MOST_FILES, _MOST_BYTES = 500, 20 * 10**6  # more is no template, but a folder named by mistake


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return pattern


class _Variable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    description: str = ""
    default: str | None = None
    pattern: Annotated[str, AfterValidator(_expression)] | None = None


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    description: str = ""
    variables: dict[str, _Variable] = {}


@dataclass(frozen=True)
class _Template:
    """A template that was read: what it asks for (None: whatever it uses), and its files by their path in it."""

    name: str
    manifest: _Manifest | None
    files: dict[str, bytes]


def templates() -> list[TemplateInfo]:
    """The templates that come with the project."""
    found = []
    with _packaged() as root:
        for folder in sorted(path for path in root.iterdir() if path.is_dir()):
            manifest = _read(folder.name, folder).manifest or _Manifest()
            asks = [
                TemplateVariable(name=name, description=variable.description, default=variable.default)
                for name, variable in manifest.variables.items()
            ]
            found.append(TemplateInfo(name=folder.name, description=manifest.description, variables=asks))
    return found


def render(name: str, variables: Mapping[str, str]) -> dict[str, bytes]:
    """Render a template.

    Args:
        name: of a template of the project; with a `/` in it, or of dots alone, the path of a user's own.
        variables: what it asks for.

    Returns:
        The files by their path in the workspace; `snapshotter.toml` is among them.

    Raises:
        UsageError: there is no such template, a variable is missing or not allowed, or the template is no good.
    """
    template = _find(name)
    values = _values(template, variables)
    rendered: dict[str, bytes] = {}
    for path, content in sorted(template.files.items()):
        target = path.removesuffix(_SUFFIX)
        if target in rendered or (target != path and target in template.files):
            raise _problem(template.name, f"makes {target} twice")
        rendered[target] = _rendered(template.name, path, content, values) if target != path else content
    _refuse_files_for_folders(template.name, rendered)
    if FILE_NAME not in rendered:
        raise _problem(template.name, f"has no {FILE_NAME} and no {FILE_NAME}{_SUFFIX}")
    try:
        rendered[FILE_NAME].decode()
    except UnicodeDecodeError:
        raise _problem(template.name, f"has a {FILE_NAME} that is not UTF-8") from None
    return rendered


def _refuse_files_for_folders(name: str, files: Mapping[str, bytes]) -> None:
    """Refuse a file that has the place of a folder: one that other files lie in, or one of the workspace."""
    folders = {str(folder) for path in files for folder in PurePosixPath(path).parents}
    if both := sorted(folders & files.keys()):
        raise _problem(name, f"makes {both[0]} a file, and a folder as well")
    if reserved := sorted({*_WORKSPACE} & files.keys()):
        raise _problem(name, f"makes a file {reserved[0]}, which is a folder in every workspace")


@contextmanager
def _packaged() -> Iterator[Path]:
    with resources.as_file(resources.files("snapshotter").joinpath("templates")) as root:
        yield root


def _find(name: str) -> _Template:
    if "/" in name or name in (".", ".."):  # nothing that happens to lie in the current folder hides a packaged one
        return _own(name, Path(name))
    with _packaged() as root:
        known = sorted(path.name for path in root.iterdir() if path.is_dir())
        if name in known:
            return _read(name, root / name)
    raise UsageError(
        what=f"there is no template {name}; there are: {', '.join(known)}",
        remedy="Nothing was made. `snapshotter init --list-templates` says what each makes; a folder of your own "
        "is named with a / in it.",
    )


def _own(name: str, folder: Path) -> _Template:
    """A user's own template; not a workspace, whose data would be copied into another one."""
    if not folder.is_dir():
        raise UsageError(what=f"there is no folder {name}", remedy="Nothing was made. Name a template's folder.")
    if data := [part for part in _WORKSPACE if (folder / part).is_dir()]:
        raise UsageError(
            what=f"{name} is no template but a workspace: there is {data[0]}/ in it, and its data would be copied",
            remedy="Nothing was made. Copy its snapshotter.toml, and what belongs to it, into a folder of their own.",
        )
    return _read(name, folder)


def _read(name: str, folder: Path) -> _Template:
    files: dict[str, bytes] = {}
    size = 0
    for path in _walk(name, folder, folder):
        size += path.stat().st_size
        if len(files) >= _MOST_FILES or size > _MOST_BYTES:
            limits = f"{_MOST_FILES} files or {_MOST_BYTES // 10**6} MB"
            raise _problem(name, f"has more than {limits}; is it the right folder?")
        files[path.relative_to(folder).as_posix()] = path.read_bytes()
    manifest = files.pop(MANIFEST, None)
    return _Template(name, _manifest(name, manifest) if manifest is not None else None, files)


def _walk(name: str, root: Path, folder: Path) -> Iterator[Path]:
    """The files of a template, hidden ones left out; nothing that leads elsewhere."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(name, root, path)
        elif entry.is_file(follow_symlinks=False):
            yield path
        else:
            raise _problem(name, f"holds {path.relative_to(root)}, which is a link or no regular file")


def _manifest(name: str, content: bytes) -> _Manifest:
    try:
        return _Manifest.model_validate(tomllib.loads(content.decode()))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _problem(name, f"{MANIFEST}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except ValueError as error:
        raise _problem(name, f"{MANIFEST}: {error}") from None


def _values(template: _Template, given: Mapping[str, str]) -> dict[str, str]:
    """The variables with their defaults."""
    for variable, value in given.items():
        if value.encode("utf-8", "replace").decode() != value:
            raise UsageError(what=f"the variable {variable} is not UTF-8", remedy="Nothing was made. Say it in UTF-8.")
    if template.manifest is None:
        return dict(given)
    asked = template.manifest.variables
    if unknown := sorted(given.keys() - asked.keys()):
        raise UsageError(
            what=f"template {template.name} has no variable {unknown[0]}", remedy=f"Nothing was made. {_asks(asked)}"
        )
    defaults = {variable: about.default for variable, about in asked.items() if about.default is not None}
    values = {**defaults, **given}
    if lacking := [variable for variable in asked if variable not in values]:
        raise UsageError(
            what=f"template {template.name} needs --var {lacking[0]}=…", remedy=f"Nothing was made. {_asks(asked)}"
        )
    for variable, about in asked.items():
        if about.pattern is not None and not re.fullmatch(about.pattern, values[variable]):
            raise UsageError(
                what=f"the variable {variable} of template {template.name} must match {about.pattern}",
                remedy=f"Nothing was made. {_asks(asked)}",
            )
    return values


def _asks(variables: Mapping[str, _Variable]) -> str:
    if not variables:
        return "It asks for none."
    told = []
    for name, about in variables.items():
        default = "required" if about.default is None else f"default {about.default!r}"
        told.append(f"{name} ({about.description + '; ' if about.description else ''}{default})")
    return f"It asks for: {', '.join(told)}."


def _rendered(name: str, path: str, content: bytes, values: Mapping[str, str]) -> bytes:
    """One file, rendered where a template can reach nothing but its variables."""
    from jinja2 import StrictUndefined
    from jinja2.exceptions import TemplateSyntaxError, UndefinedError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Not HTML: what is escaped here is TOML, by the filter, and where the template asks for it.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.filters["toml"] = _quoted
    try:
        return environment.from_string(content.decode()).render(values).encode()
    except UndefinedError as error:
        given = ", ".join(values) or "none"
        raise _problem(name, f"{path}: {error.message}; variables that it was given: {given}") from error
    except TemplateSyntaxError as error:
        raise _problem(name, f"{path}, line {error.lineno}: {error.message}") from error
    except Exception as error:  # an expression of the template may fail in any way
        raise _problem(name, f"{path}: {type(error).__name__}: {error}") from error


def _quoted(item: object) -> str:
    """The filter `toml`."""
    from jinja2 import Undefined

    if isinstance(item, Undefined):
        str(item)  # raises, and says which variable it is
    return toml.value(item)


def _problem(name: str, problem: str) -> UsageError:
    return UsageError(
        what=f"template {name}: {problem}", remedy="Nothing was made. Mend the template or the variables."
    )
