"""The documentation says what the program does."""

import ast
import contextlib
import importlib.util
import io
import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from snapshotter.cli.commands import app
from snapshotter.config import ColumnConfig, DatasetConfig, DeleteRule, Settings, load
from snapshotter.errors import named_errors
from snapshotter.starting import template

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
COMMANDS = get_command(app).commands
MODELS = (Settings, DatasetConfig, ColumnConfig)


@pytest.fixture(scope="module")
def generate():
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(text, language):
    """The fenced blocks of a language, each with the plain block that follows it, if one follows at once."""
    pattern = rf"^```{language}\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?"
    return re.findall(pattern, text, re.DOTALL | re.MULTILINE)


def prose(text):
    """A page without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text):
    """The places in a page that a link can lead to: its headings, spelled as GitHub does."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def configuration():
    """The rows of the README's tables of keys: (key, default, what it means), in order."""
    section = README.partition("\n## Configuration\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", section, re.MULTILINE)


def uncommented():
    """The packaged configuration with every setting and table in it taken out of its comment."""
    return re.sub(r"^# (?=\[|\w+ = )", "", template(), flags=re.MULTILINE)


def keys_of(text):
    """The keys that a configuration sets, commented out or not."""
    return set(re.findall(r"^(?:# )?(\w+) = ", text, re.MULTILINE))


# -------------------------------------------------------------------------------- generated parts


def test_what_a_description_may_say_is_what_the_code_says(generate):
    """The tables of keys and kinds on the page of test data are those of the models."""
    page = generate.TEST_DATA.read_text("utf-8")
    assert generate.generated_test_data(page) == page


def test_generated_parts_are_what_the_code_says(generate):
    """README's tables of commands, options and exit codes are those of the code; `make docs` writes them."""
    assert generate.generated(README) == README


def test_markers_that_are_missing_are_an_error(generate):
    """A page without the markers is not written over."""
    with pytest.raises(ValueError, match="markers"):
        generate.generated("nothing")


@pytest.mark.parametrize("name", COMMANDS)
def test_command_and_its_options_are_in_readme(name):
    """Every command and every option of it is named in README."""
    assert re.search(rf"`{name}[ `]", README)
    options = [opt for p in COMMANDS[name].params if p.param_type_name == "option" for opt in p.opts]
    assert [option for option in options if option not in README] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_exit_codes(name):
    """The help of every command has an example and the exit codes, each named error with its code."""
    command = COMMANDS[name]
    assert f"Example: snapshotter {name}" in command.help
    assert all(f"{error.code}  {error.__name__}" in command.epilog for error in named_errors() if error.code >= 10)


# -------------------------------------------------------------------------------- configuration


def test_every_key_is_in_readme_once_and_in_order():
    """README's tables name each key of the workspace, of a dataset and of a column, and no other."""
    documented = [key for key, _, _ in configuration()]
    assert sorted(documented) == sorted(key for model in MODELS for key in model.model_fields)
    assert all(key in README for key in DeleteRule.model_fields)


def test_defaults_in_readme_are_the_defaults():
    """Each default that README shows, put into a configuration, gives what stands there without it."""
    for key, default, _ in configuration():
        model = next(model for model in MODELS if key in model.model_fields)
        if key == "datasets":
            assert list(Settings().datasets) == ["default"]
        elif default == "none":
            assert model.model_fields[key].default is None
        elif key == "nullable":  # by what the column is
            assert default == "`true`"
        else:
            shown = model.model_validate(tomllib.loads(f"{key} = {default.strip('`')}"))
            assert shown == model(), key


def test_packaged_configuration_is_valid_as_it_is(tmp_path):
    """What `init` writes loads, and changes nothing."""
    (tmp_path / "snapshotter.toml").write_text(template(), "utf-8")
    assert load(tmp_path, {}) == Settings()


def test_packaged_configuration_shows_the_defaults(tmp_path):
    """With every line of it uncommented it loads, and all but the example of a column is the default."""
    (tmp_path / "snapshotter.toml").write_text(uncommented(), "utf-8")
    settings = load(tmp_path, {})
    (dataset,) = settings.datasets.values()
    (column,) = dataset.columns.values()
    assert settings.model_copy(update={"datasets": Settings().datasets}) == Settings()
    assert dataset.model_copy(update={"columns": {}}) == DatasetConfig()
    example = {"type": "string", "min": None, "nullable": None}
    assert column.model_copy(update=example) == ColumnConfig()


def test_packaged_configuration_names_every_supported_key():
    """Each key is in the configuration that `init` writes."""
    known = {key for model in MODELS for key in model.model_fields} - {"datasets", "columns"}
    also = set(re.findall(r"\w+", " ".join(re.findall(r"# also: (.*)", template()))))
    assert known <= keys_of(template()) | also


def test_toml_in_readme_is_a_valid_configuration(tmp_path):
    """The example of a configuration in README loads."""
    for example, _ in blocks(README, "toml"):
        (tmp_path / "snapshotter.toml").write_text(example, "utf-8")
        assert load(tmp_path, {}) != Settings()


# -------------------------------------------------------------------------------- links, commands, examples


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every link to a file of the project, and to a heading of a page, leads to something that is there."""
    text = page.read_text("utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page):
    """Whatever a page tells to make, the Makefile makes."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text("utf-8")
    named = re.findall(r"`make ([a-z-]+)", text) + re.findall(r"^(?:\$ )?make ([a-z-]+)", text, re.MULTILINE)
    assert set(named) <= targets


def test_ci_runs_nothing_that_readme_does_not_name():
    """Each make target of .ci/run is in README."""
    targets = re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert targets
    assert all(f"`make {target}`" in README for target in targets)


def test_python_examples_print_what_readme_says(tmp_path, monkeypatch):
    """README's Python, run block by block in one folder, prints what stands below each block."""
    monkeypatch.chdir(tmp_path)
    examples = blocks(README, "python")
    assert len(examples) >= 4
    names = {}
    for code, expected in examples:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "README.md", "exec"), names)
        assert printed.getvalue() == expected


def test_parts_in_design_are_the_parts():
    """The table of parts in docs/design.md names the modules of the import rule, line by line and in order."""
    rule = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"][0]
    layers = [[part.strip() for part in layer.split("|")] for layer in rule["layers"] if not layer.startswith("(")]
    section = (ROOT / "docs" / "design.md").read_text("utf-8").partition("\n## Parts\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    assert [re.findall(r"`(\w+)`", row) for row in rows] == layers


def test_no_figure_is_left_to_be_filled_in():
    """README has no place-holder."""
    assert "TO_FILL" not in (ROOT / "README.md").read_text("utf-8")


def test_the_page_on_test_data_works(tmp_path, monkeypatch):
    """The description that stands there in full makes its tables, and the Python beside it runs."""
    page = (ROOT / "docs" / "testdata.md").read_text("utf-8")
    described, code = (re.search(f"```{kind}\n(.*?)```", page, re.DOTALL)[1] for kind in ("yaml", "python"))
    (tmp_path / "library.yaml").write_text(described)
    monkeypatch.chdir(tmp_path)
    names, frames = {}, []
    for node in ast.parse(code).body:
        if isinstance(node, ast.Expr):
            frames.append(eval(compile(ast.Expression(node.value), "page", "eval"), names))
        else:
            exec(compile(ast.Module([node], []), "page", "exec"), names)
    assert len(frames) == 6
    assert all(len(frame) > 0 for frame in frames)
