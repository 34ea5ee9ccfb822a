"""What the house promises about itself: what is imported when, who prints, who quotes, and how long a module is."""

import ast
import json
import subprocess
import sys

import pytest
from conftest import DRIVER, ROOT

PACKAGE = ROOT / "snapshotter"
MODULES = sorted(PACKAGE.rglob("*.py"))
PRINTERS = ("cli", "testdata/cli/")
QUOTERS = ["rejects.py", "sql.py", "testdata/cells.py"]  # the generators import nothing of ours, not even this


def inside(path):
    """A module's path in the package."""
    return path.relative_to(PACKAGE).as_posix()


def imported(code, *arguments):
    """The top-level packages that a fresh interpreter has imported after running some code."""
    end = "import sys, json, atexit; atexit.register(lambda: print('\\0' + json.dumps(sorted(sys.modules))))\n"
    command = [sys.executable, "-c", end + code, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout.rpartition("\0")[2])}


def driver(*arguments):
    """The packages that `driver.py` with these arguments imports."""
    code = (
        f"import runpy; sys.argv = ['driver.py', *sys.argv[1:]]; runpy.run_path({str(DRIVER)!r}, run_name='__main__')"
    )
    return imported(code, *arguments)


def test_the_package_is_imported_without_heavy_libraries():
    """`import snapshotter` costs nobody pandas, DuckDB or pydantic."""
    assert not imported("import snapshotter") & {"pandas", "duckdb", "pydantic", "deltalake", "numpy"}


def test_help_starts_without_the_engine():
    """`driver.py --help` imports neither DuckDB nor pandas."""
    assert not driver("--help") & {"duckdb", "pandas", "deltalake"}


def test_a_run_does_without_pandas(workspace):
    """`run` never imports pandas, and only the first run of a dataset needs deltalake."""
    ws = workspace(**{"a.csv": "id,timestamp\n1,2024-01-01\n"})
    ws.run()
    (ws.layout.queue / "b.csv").write_text("id,timestamp\n1,2024-01-02\n")
    loaded = driver("run", "--workspace", ws.layout.root)
    assert "duckdb" in loaded
    assert not loaded & {"pandas", "polars", "faker", "deltalake"}


@pytest.mark.parametrize("path", MODULES, ids=inside)
def test_a_module_is_read_in_one_sitting(path):
    """No module has more than 380 lines."""
    assert len(path.read_text().splitlines()) <= 380


def test_only_the_command_lines_print():
    """`print` stands in the command lines alone."""
    found = {
        inside(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    }
    assert found
    assert all(name.startswith(PRINTERS) for name in found)


def test_only_the_command_lines_end_the_process():
    """`sys.exit` and `raise SystemExit` stand at the door alone."""
    found = {
        inside(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"sys.exit", "exit", "quit", "SystemExit"}
    }
    assert all(name.startswith(PRINTERS) for name in found)


def test_quoting_stands_in_two_places():
    """Identifiers are quoted in sql.py, CSV cells in rejects.py and by the generators, and nowhere else."""
    assert [inside(path) for path in MODULES if "replace('\"', '\"\"')" in path.read_text()] == QUOTERS


def test_the_clock_is_read_at_the_edge():
    """`datetime.now` stands where clocks come in and where the lock notes its holder, not in what decides."""
    found = {inside(path) for path in MODULES if "datetime.now(" in path.read_text()}
    generators = {f"testdata/cli/{name}.py" for name in ("accounts", "saying", "shop")}
    assert found == {"lock.py", "workspace.py", "cli/starting.py", *generators}
