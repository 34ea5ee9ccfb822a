"""`rejects` says which setting would have let rows in, and it is so: with it, they come in."""

import re
import tomllib

import pytest
from conftest import drop, run_cli

from snapshotter import Workspace

HEAD = "id,timestamp,v\n"


def column(kind="string", rules=""):
    """The configuration of `v`."""
    return f"[datasets.default.columns.v]\ntype = '{kind}'\n{rules}\n"


def row(cell, time="2024-01-01"):
    """A file of one row."""
    return HEAD + f'1,{time},"{cell}"\n'


CASES = {
    # what is refused: (configuration, file, the hint without its table)
    "a comma for a point": (column("number"), row("1,5"), 'correct = ["decimal_comma"]'),
    "groups of digits": (column("number"), row("1,234.5"), 'correct = ["thousands"]'),
    "both": (column("number"), row("1.234,5"), 'correct = ["thousands", "decimal_comma"]'),
    "blanks around a number": (column("integer"), row(" 7 "), 'correct = ["strip"]'),
    "a word for nothing": (column("integer"), row("n/a"), 'null_values = ["n/a"]'),
    "no number at all": (column("integer"), row("seven"), 'type = "string", or mend the cells'),
    "an empty cell": (column("string", "nullable = false"), row(""), "nullable = true"),
    "too small": (column("integer", "min = 10"), row("7"), "min = 7"),
    "too large": (column("decimal(5,2)", "max = 10"), row("12.5"), "max = 12.5"),
    "too short": (column("string", "min_length = 3"), row("ab"), "min_length = 2"),
    "too long": (column("string", "max_length = 1"), row("ab"), "max_length = 2"),
    "another value": (column("string", "values = ['a']"), row("b"), 'values = ["a", "b"]'),
    "a lost zero": (column("string", "pattern = '[0-9]{3}'"), row("7"), 'correct = ["zero_pad(3)"]'),
    "another case": (column("string", "pattern = '[A-Z]+'"), row("ab"), 'correct = ["upper"]'),
    "twice": (column("string", "unique = true"), HEAD + "1,2024-01-01,a\n2,2024-01-01,a\n", "unique = false"),
    "a thousand or little more than one": (
        column("number", "correct = ['decimal_comma']"),
        row("1.234"),
        'correct = ["thousands", "decimal_comma"], or mend the cells',
    ),
    "a time of another form": (column(), row("a", "25/12/2023 10:00"), 'timestamp_formats = ["%d/%m/%Y %H:%M"]'),
    "a time that is to come": (column(), row("a", "2990-01-01"), 'max_future = "off", or mend the cells'),
    "a column of another name": (
        "[datasets.default.columns.lat]\n",
        "id,timestamp,latitudine\n1,2024-01-01,5\n",
        'aliases = ["latitudine"], if that is what is meant',
    ),
    "a column that nothing is like": (column("string"), "id,timestamp\n1,2024-01-01\n", "required = false, if it may"),
    "a column too many": ('[datasets.default]\nextra_columns = "reject"\n', row("a"), 'extra_columns = "keep"'),
    "another encoding": (column(), row("é").encode("cp1252"), 'encodings = ["utf-8", "cp1252"]'),
    "too many bad rows": (
        "[datasets.default]\nmax_reject_ratio = 0.1\n" + column("integer"),
        HEAD + "1,2024-01-01,x\n2,2024-01-01,2\n",
        "max_reject_ratio = 1.0",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_the_hint_says_lets_the_file_in(workspace, case):
    """The hint is a line of TOML under the table that it names; with it, the same file has no such failure."""
    config, content, wanted = CASES[case]
    ws = workspace(config, **{"a.csv": content})
    ws.run()
    (group,) = ws.reject_groups()
    table, _, setting = group.hint.partition("] ")
    assert setting.startswith(wanted)
    path, line = table.removeprefix("["), re.match(r'\w+ = (\[.*?\]|".*?"|[\w.]+)', setting)[0]
    settings = tomllib.loads(config)
    place = settings
    for name in path.split("."):
        place = place.setdefault(name, {})
    place |= tomllib.loads(line)
    mended = workspace(written(settings), **{"a.csv": content})
    (file,) = mended.run().datasets[0].files
    assert file.status == "applied"
    assert group.rule not in {reject.rule for reject in mended.rejects()}


def test_an_encoding_that_was_tried_is_not_proposed_again(workspace):
    """Beside others cp1252 is proposed; where it was tried under any of its names, no setting is."""
    for tried, wanted in (['"ascii"'], '["ascii", "cp1252"]'), (['"utf-8"', '"windows-1252"'], "no setting is known"):
        ws = workspace(
            f"[datasets.default]\nencodings = [{', '.join(tried)}]\n", **{"a.csv": row("\x81").encode("latin-1")}
        )
        ws.run()
        assert wanted in ws.reject_groups()[0].hint


def written(settings):
    """Settings as TOML: tables of tables, and values."""
    lines = []

    def write(path, table):
        lines.append(f"[{'.'.join(path)}]")
        lines.extend(f"{name} = {toml(value)}" for name, value in table.items() if not isinstance(value, dict))
        for name, value in table.items():
            if isinstance(value, dict):
                write([*path, name], value)

    write(["datasets", "default"], settings.get("datasets", {}).get("default", {}))
    return "\n".join(lines) + "\n"


def toml(value):
    """A value as TOML."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else f"'{value}'" if isinstance(value, str) else str(value)


ELSEWHERE = {
    "model:Row": (
        "model.py",
        (
            "from datetime import datetime\nfrom typing import Literal\nfrom pydantic import BaseModel, Field\n\n\n"
            "class Row(BaseModel):\n    id: int\n    timestamp: datetime\n    low: int = Field(ge=10)\n"
            "    kind: Literal['a']\n    whole: int\n    full: str\n    digits: int\n"
        ),
        {
            "low": "in model:Row, field low: ge=7",
            "kind": 'in model:Row, field kind: Literal["a", "b"]',
            "whole": "in model:Row, field whole: the type str, or mend the cells",
            "full": "in model:Row, field full: `| None`",
            "digits": "in model:Row, field digits: mend the cells, or name a `transform`",
        },
    ),
    "x.odcs.yaml": (
        "x.odcs.yaml",
        (
            "kind: DataContract\napiVersion: v3.0.2\nid: x\nversion: 1.0.0\nstatus: draft\nschema:\n  - name: t\n"
            "    properties:\n      - {name: low, logicalType: integer, logicalTypeOptions: {minimum: 10}}\n"
            "      - {name: kind, enum: [{value: a}]}\n      - {name: whole, logicalType: integer}\n"
            "      - {name: full, required: true}\n      - {name: digits, logicalType: integer}\n"
        ),
        {
            "low": "in x.odcs.yaml, property low: logicalTypeOptions.minimum: 7",
            "kind": 'in x.odcs.yaml, property kind: an enum with the values: ["a", "b"]',
            "whole": 'in x.odcs.yaml, property whole: logicalType: "string", or mend the cells',
            "full": "in x.odcs.yaml, property full: required: false",
            "digits": 'in x.odcs.yaml, property digits: custom property snapshotter.correct: ["thousands"]',
        },
    ),
}


@pytest.mark.parametrize("source", ELSEWHERE)
def test_a_contract_from_elsewhere_is_mended_there(workspace, source):
    """`[columns]` beside `contract` is an error: the hint names the field or the property, and its own words."""
    name, text, wanted = ELSEWHERE[source]
    content = "id,timestamp,low,kind,whole,full,digits\n1,2024-01-01,7,b,x,,1 000\n"
    ws = workspace(f'[datasets.default]\ncontract = "{source}"\n', **{"a.csv": content})
    (ws.layout.root / name).write_text(text)
    ws.run()
    assert {group.column: group.hint for group in ws.reject_groups()} == wanted


def test_both_readings_of_a_date_are_named(workspace):
    """Where day and month are unclear, the hint names both formats and takes none."""
    ws = workspace(**{"a.csv": row("a", "6/3/2020 17:00")})
    ws.run()
    (group,) = ws.reject_groups()
    assert '["%d/%m/%Y %H:%M"] or timestamp_formats = ["%m/%d/%Y %H:%M"]' in group.hint
    assert "only their writer knows" in group.hint


def test_failures_are_grouped_most_frequent_first(workspace):
    """By rule and column, with their number, that of their files, and three examples; --json has each of them."""
    bad = "".join(f"{n},2024-01-01,x{n}\n" for n in range(5))
    ws = workspace(column("integer"), **{"a.csv": HEAD + bad + "9,nie,1\n", "b.csv": HEAD + "8,2024-01-01,y\n"})
    ws.run()
    groups = ws.reject_groups()
    assert [(g.rule, g.column, g.failures, g.files, len(g.examples)) for g in groups] == [
        ("type", "v", 6, 2, 3),
        ("timestamp", "timestamp", 1, 1, 1),
    ]
    done = run_cli("rejects", workspace=ws)
    assert done.stdout.startswith("v: type: 6 failures in 2 files: v is not a whole number of at most 64 bits\n")
    assert "    a.csv, row 1: 'x0'\n" in done.stdout
    assert done.stdout.count("a.csv, row") + done.stdout.count("b.csv, row") == 4
    assert len(ws.rejects()) == 7


def test_a_hint_never_breaks_a_terminal(workspace):
    """Control characters of a cell are escaped."""
    ws = workspace(column("string", "values = ['a']"), **{"a.csv": row("\x1b[2J")})
    ws.run()
    assert "\x1b" not in run_cli("rejects", workspace=ws).stdout


def test_a_mended_file_of_rejects_comes_in_as_it_is(workspace):
    """After the configuration is mended as the hint says, output/rejects/…/a.csv.csv is dropped again unchanged."""
    ws = workspace(column("number"), **{"a.csv": HEAD + '1,2024-01-01,"1,5"\n2,2024-01-01,2\n'})
    ws.run()
    (group,) = ws.reject_groups()
    line = group.hint.partition("] ")[2]
    (ws.layout.root / "snapshotter.toml").write_text(column("number", line), "utf-8")
    again = Workspace(ws.layout.root)
    again.rebuild()
    assert again.reject_groups() == []
    rejected = (
        'id,timestamp,v,_reject_row,_reject_column,_reject_rule,_reject_reason\n3,2024-01-01,"2,5",1,v,type,bad\n'
    )
    drop(again, "a.csv.csv", rejected)
    assert again.run().datasets[0].counts.accepted == 1


@pytest.mark.parametrize("pattern", ["(a+)+b", r"\p{Lu}+", "(?i)[x-z]{2}"])
def test_a_pattern_neither_hangs_nor_breaks_the_hint(workspace, pattern):
    """Patterns are the engine's; they are asked there."""
    ws = workspace(column("string", f"pattern = '{pattern}'"), **{"a.csv": row("a" * 50)})
    ws.run()
    assert run_cli("rejects", workspace=ws, timeout=60).returncode == 0


def test_no_correction_is_proposed_that_would_not_help(workspace):
    """A fraction is no integer, whatever its mark."""
    ws = workspace(column("integer"), **{"a.csv": row("1,5")})
    ws.run()
    (group,) = ws.reject_groups()
    assert "correct" not in group.hint


def test_a_long_list_of_values_is_not_cut(workspace):
    """What is proposed is TOML, or words."""
    cells = "".join(f"{n},2024-01-01,v{n}\n" for n in range(100))
    ws = workspace(column("string", "values = ['a']"), **{"a.csv": HEAD + cells})
    ws.run()
    assert ws.reject_groups()[0].hint.endswith("values = a list with the others in it, or none")
