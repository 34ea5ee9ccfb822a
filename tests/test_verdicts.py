"""The engine's verdict on a cell is pydantic's, where pydantic has the type and the constraint.

The specification is narrower than pydantic in the form of a text: no blanks around it, no `1_000`, no seconds since
1970 for a date, no UUID in braces. These forms are written down here once more, from the specification, and the claim
is: accepted = pydantic accepts it and it has the form.
"""

import csv
import io
import os
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import pytest
from conftest import latest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
RUNS = settings(
    max_examples=1500 if LONG else 12,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)

DATE = r"\d{4}-\d\d-\d\d"
FORMS = {
    "string": r"(?s:.*)",
    "integer": r"[+-]?\d+(\.0+)?",
    "number": r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?",
    "decimal": r"[+-]?(\d+\.?\d*|\.\d+)",
    "boolean": r"[A-Za-z0-9]+",
    "date": DATE,
    "timestamp": rf"{DATE}([T ]\d\d:\d\d(:\d\d(\.\d{{1,6}})?)?)?(Z|[+-]\d\d:\d\d)?",
    "uuid": r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
}

# Texts at which parsers differ; every type is asked about all of them.
EDGES = [
    *("0", "-0", "+7", "007", "7.0", "7.", ".5", "1.5", "-1.50", "1e2", "1E-3", "1_000", " 1", "1 ", "0x10", "１", "٣"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1e400", "1e-400"),
    *(
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "0.1",
        "0.10000000000000001",
        "9007199254740993",
        "123456789012345678901234567890",
    ),
    *(
        "99.99",
        "100.00",
        "99.999",
        "0.001",
        "1.500",
        "00012.5",
        "true",
        "True",
        "TRUE",
        "yes",
        "off",
        "2",
        "t",
        "truth",
    ),
    *(
        "2024-02-29",
        "2023-02-29",
        "2024-13-01",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31",
        "2024-1-1",
        "24-01-01",
        "20240101",
    ),
    *("2024-01-01T00:00", "2024-01-01 23:59:59", "2024-01-01T24:00:00", "2024-01-01T12:60", "2024-01-01T12:00:60"),
    *("2024-01-01T12:00:00.1234567", "2024-01-01T12:00:00.123456", "2024-01-01T12:00Z", "2024-01-01T12:00+02:00"),
    *("2024-01-01T12:00+0200", "2024-01-01T12:00z", "2024-01-01T12:00-23:59", "2024-01-01T12:00+24:00", "1700000000"),
    *(
        "123e4567-e89b-12d3-a456-426614174000",
        "123E4567-E89B-12D3-A456-426614174000",
        "123e4567e89b12d3a456426614174000",
    ),
    *(
        "{123e4567-e89b-12d3-a456-426614174000}",
        "é",
        "ÀÉ",
        "e\u0301",
        "\U0001f986",
        "a,b",
        'a"b',
        "a\nb",
        "\t",
        "null",
        "None",
    ),
]


def exact(text: str) -> bool:
    """Whether a double gives a number's digits back, rounded to as many: the specification has no rounding."""
    digits = re.sub(r"[eE].*$", "", text)
    significant = len(re.sub(r"\D", "", digits).strip("0"))
    if significant > 17:
        return False
    wanted = re.sub(r"\D", "", digits).strip("0")
    got = re.sub(r"\D", "", re.sub(r"e.*$", "", f"{float(text):.{max(significant, 1) - 1}e}")).strip("0")
    return wanted == got


def accepts(kind: str, adapter: TypeAdapter, text: str) -> bool:
    """What the engine should say of a cell that is not empty."""
    form = FORMS[kind.partition("(")[0]]
    if not re.fullmatch(form, text, re.ASCII if kind != "string" else 0):
        return False
    if kind == "integer" and not -(2**63) <= Decimal(text) < 2**63:
        return False  # pydantic's integers have no end; ours have 64 bits
    if kind.startswith("decimal"):
        # 1.500 is held exactly with two places; pydantic counts the zero.
        text = f"{Decimal(text).normalize():f}"
    try:
        adapter.validate_python(text)
    except ValidationError:
        return False
    return kind != "number" or exact(text)


def toml(value: object) -> str:
    """A value in snapshotter.toml."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return f"'{value}'" if isinstance(value, str) else str(value)


BASES = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "date": date,
    "timestamp": datetime,
    "uuid": UUID,
}
KINDS = [*BASES, "decimal(5,2)", "decimal(18,4)", "decimal(38,0)"]
PATTERNS = ["[0-9]{2}", "[a-z]+", r"\d+", "(?i)true|yes", "a.b", r"[^0-9]*"]


@st.composite
def text_rules(draw):
    """Rules of a text: (in TOML, in pydantic)."""
    rules = {
        "min_length": draw(st.none() | st.integers(0, 4)),
        "max_length": draw(st.none() | st.integers(4, 9)),
        "pattern": draw(st.none() | st.sampled_from(PATTERNS)),
    }
    rules = {name: value for name, value in rules.items() if value is not None}
    return rules, {name: f"^(?:{value})$" if name == "pattern" else value for name, value in rules.items()}


@st.composite
def bounds(draw):
    """Bounds of a number: (in TOML, in pydantic)."""
    low, high = sorted(draw(st.lists(st.integers(-200, 900), min_size=2, max_size=2)))
    rules = {name: value for name, value in (("min", low), ("max", high)) if draw(st.booleans())}
    return rules, {{"min": "ge", "max": "le"}[name]: value for name, value in rules.items()}


@st.composite
def columns(draw):
    """A column: (its type, its settings in TOML, the same in pydantic)."""
    kind = draw(st.sampled_from(KINDS))
    base = BASES.get(kind, Decimal)
    if kind == "string" and draw(st.integers(0, 3)) == 0:
        return kind, {"values": ["true", "yes", "é"]}, Literal["true", "yes", "é"]
    if kind == "date" and draw(st.booleans()):
        return kind, {"min": "2000-01-01"}, Annotated[date, Field(ge=date(2000, 1, 1))]
    rules, more = {}, {}
    if kind == "string":
        rules, more = draw(text_rules())
    elif base in (int, float, Decimal):
        rules, more = draw(bounds())
    if base is float:
        more |= {"allow_inf_nan": False}
    if base is Decimal:
        precision, scale = map(int, re.findall(r"\d+", kind))
        more |= {"max_digits": precision, "decimal_places": scale, "allow_inf_nan": False}
    return kind, rules, Annotated[base, Field(**more)]


TEXTS = st.one_of(
    st.sampled_from(EDGES),
    *(st.from_regex(re.compile(form, re.ASCII), fullmatch=True) for kind, form in FORMS.items() if kind != "string"),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.floats().map(repr),
    st.datetimes().map(lambda at: at.isoformat(" ")),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
)


@RUNS
@given(chosen=st.lists(columns(), min_size=1, max_size=5), cells=st.lists(TEXTS, min_size=5, max_size=40))
def test_verdict_of_a_cell_is_that_of_pydantic(workspace, chosen, cells):
    """Every column is asked about every cell; a row is refused for exactly the columns that pydantic refuses."""
    config, expected = "[datasets.default]\n", {}
    for number, (kind, rules, annotation) in enumerate(chosen):
        config += f"[datasets.default.columns.v{number}]\ntype = '{kind}'\n"
        config += "".join(f"{name} = {toml(value)}\n" for name, value in rules.items())
        adapter = TypeAdapter(annotation)
        for row, cell in enumerate(cells, 1):
            if not accepts(kind, adapter, cell):
                expected.setdefault(row, set()).add(f"v{number}")
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["id", "timestamp", *(f"v{number}" for number in range(len(chosen)))])
    writer.writerows([row, "2024-01-01", *[cell] * len(chosen)] for row, cell in enumerate(cells, 1))
    ws = workspace(config, **{"a.csv": text.getvalue()})
    ws.run()
    refused: dict[int, set[str]] = {}
    for reject in ws.rejects():
        refused.setdefault(reject.row, set()).add(reject.column)
    wrong = {row: (cells[row - 1], refused.get(row), expected.get(row)) for row in refused.keys() | expected.keys()}
    assert not {row: told for row, told in wrong.items() if told[1] != told[2]}
    ids = [int(line.partition(",")[0]) for line in re.findall(r"(?m)^\d+,2024-01-01,", latest(ws))]
    assert len(ids) == len(cells) - len(expected)


@pytest.mark.parametrize("text", ["1e2", "0.5e1", "12e0"])
def test_a_decimal_has_no_exponent(workspace, text):
    """Pydantic takes `1e2` for a decimal; a person who writes amounts does not, and it is refused."""
    config = "[datasets.default.columns.v]\ntype = 'decimal(10,2)'\n"
    ws = workspace(config, **{"a.csv": f"id,timestamp,v\n1,2024-01-01,{text}\n"})
    assert ws.run().datasets[0].counts.rejected == 1
