"""A pydantic model as the contract of a dataset."""

import json
import re
import sys
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import duckdb
import pytest
from conftest import drop, latest, run_cli
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    UUID4,
    AfterValidator,
    AliasChoices,
    AliasPath,
    AnyUrl,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PastDate,
    PositiveFloat,
    PrivateAttr,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
    condecimal,
    conint,
    constr,
    create_model,
)
from pydantic_core import SchemaValidator, core_schema

from snapshotter import Workspace
from snapshotter.contract import bounds
from snapshotter.contract.fields import FieldRefused, fields_of
from snapshotter.contract.model import Judge, RowModel
from snapshotter.contract.patterns import RUST_DIGIT, anchored, searched
from snapshotter.errors import ConfigError

CONFIG = '[datasets.default]\ncontract = "model:Row"\n'
HEAD = "from datetime import datetime\nfrom pydantic import *\n\n\nclass Row(BaseModel):\n    id: int\n"
HEAD += "    timestamp: datetime\n"
AMOUNT = HEAD + "    amount: int | None = Field(None, ge=0)\n"
EVEN = AMOUNT + (
    "\n    @field_validator('amount')\n    @classmethod\n    def even(cls, value):\n"
    "        if value is not None and value % 2:\n            raise ValueError('is odd')\n        return value\n"
)


class Color(Enum):
    """Texts."""

    RED = "red"
    GREEN = "green"


class Level(IntEnum):
    """Whole numbers."""

    LOW = 1
    HIGH = 2


def made(annotation, default=..., **config):
    """The only field of a model with one field."""
    model = create_model("M", __config__=ConfigDict(defer_build=True, **config), x=(annotation, default))
    (field,) = fields_of(model)
    return field


def column(annotation, default=..., **config):
    """What the contract says of that field, but for its defaults."""
    return made(annotation, default, **config).column.model_dump(exclude_defaults=True)


def modelled(workspace, model, config=CONFIG, **files):
    """A workspace with a model.py."""
    ws = workspace(config, **files)
    (ws.layout.root / "model.py").write_text(model)
    return ws


def rejected(ws):
    """(file, row, column, rule, reason) of each reject."""
    return [(r.file, r.row, r.column, r.rule, r.reason) for r in ws.rejects()]


# -------------------------------------------------------------------------------- fields

JUST_BEFORE = "2023-12-31T23:59:59.999999+00:00"
TYPES = [
    (str, {}),
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (bool, {"type": "boolean"}),
    (date, {"type": "date"}),
    (datetime, {"type": "timestamp"}),
    (UUID, {"type": "uuid"}),
    (EmailStr, {"type": "email"}),
    (Any, {}),
    (condecimal(max_digits=10, decimal_places=2), {"type": "decimal(10,2)"}),
    (Annotated[Decimal, Field(max_digits=5, decimal_places=1, gt=0)], {"type": "decimal(5,1)", "min": "0.1"}),
    (Literal["a", "b"], {"values": ("a", "b")}),
    (Literal[1, 2], {"type": "integer", "values": ("1", "2")}),
    (Literal[True], {"type": "boolean", "values": ("true",)}),
    (Literal["a", 1], {"values": ("a", "1")}),
    (Literal["a", None], {"values": ("a",), "nullable": True}),
    (Literal["", "a"], {"values": ("", "a"), "nullable": True}),
    (Literal[Color.RED], {"values": ("red",)}),
    (Color, {"values": ("red", "green")}),
    (Level, {"type": "integer", "values": ("1", "2")}),
    (NewType("Number", int), {"type": "integer"}),
    (conint(ge=1, lt=5), {"type": "integer", "min": "1", "max": "4"}),
    (NonNegativeInt, {"type": "integer", "min": "0"}),
    (PositiveFloat, {"type": "number", "min": "5e-324"}),
    (FiniteFloat, {"type": "number"}),
    (StrictInt, {"type": "integer"}),
    (Annotated[float, Field(gt=100)], {"type": "number", "min": "100.00000000000001"}),
    (Annotated[int, Field(gt=1.5)], {"type": "integer", "min": "2"}),
    (Annotated[int, Field(le=10**30)], {"type": "integer"}),
    (Annotated[date, Field(gt=date(2024, 1, 31))], {"type": "date", "min": "2024-02-01"}),
    (Annotated[datetime, Field(lt=datetime(2024, 1, 1, tzinfo=UTC))], {"type": "timestamp", "max": JUST_BEFORE}),
    (Annotated[str, Field(min_length=1, max_length=3)], {"min_length": 1, "max_length": 3}),
    (constr(pattern=r"^\d{5}$"), {"pattern": r"\p{Nd}{5}"}),
    (Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True)], {"correct": ("strip", "upper")}),
]


@pytest.mark.parametrize(("annotation", "expected"), TYPES, ids=lambda x: re.sub(r"0x[0-9a-f]+", "", str(x))[:40])
def test_types_and_constraints_become_those_of_a_column(annotation, expected):
    """Each type, constrained or not, has its column, and nothing of it is left to Python."""
    found = column(annotation)
    found.pop("nullable") if not found["nullable"] else None
    assert found == expected
    assert not made(annotation).by_python


def test_none_may_be_empty_and_a_default_may_be_absent():
    """`| None` is `nullable`, a default `required = false`; neither implies the other, but for a default of ""."""
    assert column(int) == {"type": "integer", "nullable": False}
    assert column(int | None) == {"type": "integer", "nullable": True}
    assert column(int, 5) == {"type": "integer", "nullable": False, "required": False}
    assert column(str, "") == {"nullable": True, "required": False}
    assert column(Annotated[Annotated[int, Field(ge=1)] | None, Field(le=3)], None) == {
        "type": "integer",
        "min": "1",
        "max": "3",
        "nullable": True,
        "required": False,
    }


def test_aliases_are_other_names_and_the_first_is_what_the_model_goes_by():
    """alias, validation_alias and AliasChoices are aliases; the field's own name in another case is none."""
    cases = {
        Field(alias="Betrag"): (("Betrag",), "Betrag"),
        Field(alias="a", validation_alias="b"): (("b",), "b"),
        Field(validation_alias=AliasChoices("b", AliasPath("c"))): (("b", "c"), "b"),
        Field(alias="X"): ((), "X"),
        Field(serialization_alias="out"): ((), "x"),
    }
    for info, (aliases, key) in cases.items():
        model = create_model("M", x=(int, info))
        (field,) = fields_of(model)
        assert (field.column.aliases, field.key) == (aliases, key)


def test_configuration_of_the_model_counts():
    """What the configuration demands of every text is demanded of texts, and of nothing else."""
    config = {"str_strip_whitespace": True, "str_to_lower": True, "str_max_length": 9}
    assert column(str, **config) == {"correct": ("strip", "lower"), "max_length": 9, "nullable": False}
    assert column(int, **config) == {"type": "integer", "nullable": False}


@pytest.mark.parametrize(
    "annotation",
    [
        time,
        AnyUrl,
        int | str,
        AwareDatetime,
        PastDate,
        UUID4,
        Annotated[int, Field(multiple_of=3)],
        Annotated[str, Field(pattern=r"^\w+$")],
        Annotated[str, Field(pattern="a(?i)b")],
        Annotated[int, AfterValidator(abs)],
        Annotated[list[str], BeforeValidator(lambda text: text.split("|"))],
        Annotated[Annotated[int, Field(ge=1)], Field(ge=2)],
        Annotated[str, Field(ge="b")],
        Annotated[str, Field(pattern="(a{500}){3}")],  # more than RE2 takes
    ],
    ids=lambda annotation: re.sub(r"0x[0-9a-f]+", "", str(annotation)),
)
def test_what_a_column_has_no_word_for_is_left_to_the_model(annotation):
    """Other types that are read out of a text, and other constraints, are judged in Python."""
    assert made(annotation).by_python


class Nested(BaseModel):
    """No cell."""

    x: int


@pytest.mark.parametrize(
    "annotation", [Nested, list[int], dict, tuple[int, int], set[str], int | list[int], Nested | None, type, "Nowhere"]
)
def test_what_no_cell_can_hold_is_refused_by_name(annotation):
    """Nested models, lists, objects and names that are nowhere are errors that name the field and what is allowed."""
    with pytest.raises(FieldRefused, match="no cell can hold") as caught:
        made(annotation)
    assert caught.value.field == "x"
    assert "Literal" in caught.value.allowed


def test_other_fields_that_make_no_column_are_refused():
    """A Decimal without digits, values that are neither text nor whole number, an alias inside a cell."""
    for annotation, default, words in (
        (Decimal, ..., "without max_digits"),
        (Annotated[Decimal, Field(max_digits=5)], ..., "without max_digits"),
        (Enum("E", {"a": 1.5}), ..., "neither a text"),
        (int, Field(validation_alias=AliasPath("a", 0)), "inside a cell"),
        (Annotated[int, Field(gt=2**63 - 1)], ..., "leaves no value"),
    ):
        with pytest.raises(FieldRefused, match=words):
            made(annotation, default)


# -------------------------------------------------------------------------------- bounds and patterns


@given(
    st.sampled_from(["integer", "decimal(6,2)", "number"]),
    st.decimals(-1000, 1000, places=4),
    st.decimals(-1000, 1000, places=2),
    st.sampled_from(["ge", "gt", "le", "lt"]),
)
def test_a_bound_lets_through_what_pydantic_lets_through(kind, bound, value, sign):
    """For every value of the type: it is within the translated bound exactly if it is within the original."""
    value = {"integer": lambda v: Decimal(int(v)), "number": lambda v: Decimal(float(v))}.get(kind, Decimal)(value)
    bound = Decimal(float(bound)) if kind == "number" else bound
    limit = bounds.limit(
        kind, float(bound) if kind == "number" else bound, upper=sign[0] == "l", exclusive=sign[1] == "t"
    )
    found = Decimal(float(limit)) if kind == "number" else Decimal(limit)
    original = {"ge": value >= bound, "gt": value > bound, "le": value <= bound, "lt": value < bound}[sign]
    assert (value <= found if sign[0] == "l" else value >= found) == original


PIECES = st.sampled_from([*"ab.^$|", r"\d", "[ab]", "[^a-c]", "(?:a|b)", "(b)", r"\.", "a+", "b{1,2}", "a*?"])


@given(st.lists(PIECES, min_size=1, max_size=6).map("".join), st.text("ab.1٣\n^$|", max_size=6))
def test_a_translated_pattern_finds_what_pydantics_finds(pattern, cell):
    """Whatever is translated matches the whole cell exactly if pydantic finds the pattern in it."""
    translated = searched(pattern, RUST_DIGIT)
    assert translated is not None
    validator = SchemaValidator(core_schema.str_schema(pattern=pattern))
    assert duckdb.execute("SELECT regexp_full_match(?, ?)", [cell, translated]).fetchone()[
        0
    ] == validator.isinstance_python(cell)


@pytest.mark.parametrize(
    "pattern",
    [r"\w", r"\bx", r"\S", "(?i)a", "(?=a)", "(?P<n>a)", "[a&&b]", "[a--b]", "[[:alpha:]]", "a{,3}", "a++", "a{1000}"],
)
def test_a_pattern_that_engines_read_differently_is_not_translated(pattern):
    """Flags, look-arounds, word characters, sets of sets and doubtful repetitions are left alone."""
    assert searched(pattern, RUST_DIGIT) is None
    assert anchored(pattern) is None


# -------------------------------------------------------------------------------- rows


class Row(BaseModel):
    """Every kind of cell, strictly."""

    model_config = ConfigDict(strict=True)
    i: int
    d: Annotated[Decimal, Field(max_digits=5, decimal_places=2)]
    f: float
    b: StrictBool
    day: date
    at: datetime
    u: UUID
    c: Color
    lv: Level
    one: Literal[1, 2]
    may: int | None
    text: str = Field("", pattern="a")
    other: AnyUrl | None = None


CELLS = {
    "i": "1",
    "d": "1.50",
    "f": "1.5",
    "b": "true",
    "day": "2024-01-01",
    "at": "2024-01-01T00:00:00.5Z",
    "u": "00000000-0000-4000-8000-000000000001",
    "c": "red",
    "lv": "2",
    "one": "1",
    "may": "",
    "text": "",
}


def test_published_texts_are_what_a_strict_model_takes():
    """Texts become what even a strict model wants; an empty cell is None, or leaves the default in place."""
    model = RowModel(Row)
    assert model.complaints(CELLS) == []
    assert [c.column for c in model.complaints({**CELLS, "one": "3", "I": "1", "text": "b"})] == ["one", "text"]


def test_a_lax_model_is_given_text():
    """A validator that runs before the type sees the text of the cell, under the name that the model goes by."""
    seen = []
    model = create_model("M", x=(Annotated[int, BeforeValidator(lambda v: seen.append(v) or v)], Field(alias="X y")))
    assert RowModel(model).complaints({"x": "12"}) == []
    assert seen == ["12"]


def test_python_is_only_needed_where_there_is_some():
    """A model of types and constraints alone is never run."""
    plain = create_model("Plain", x=(int, Field(ge=1)))
    private = create_model("Private", __base__=plain, _p=(int, PrivateAttr(1)))
    checked = create_model("Checked", x=(Annotated[int, AfterValidator(abs)], ...))
    inherited = create_model("Inherited", __base__=checked)
    assert [RowModel(m).needs_python for m in (plain, checked, inherited)] == [False, True, True]
    assert RowModel(private).needs_python  # pydantic gives it a hook of its own


@pytest.mark.parametrize("hook", ["__new__", "__init__", "model_post_init", "model_validate"])
def test_a_hook_may_come_from_a_class_that_is_no_model(hook):
    """A mixin of plain Python has the model asked, too."""
    mixin = type("Mixin", (), {hook: lambda *_, **__: None})
    plain = create_model("Plain", x=(int, ...))
    assert RowModel(type("Row", (mixin, plain), {"__module__": __name__})).needs_python


def test_a_broken_validator_ends_the_judgement_of_its_batch():
    """The first exception that is no refusal is kept for its batch; other batches are judged on."""

    def divide(value: int) -> float:
        return 1 / value

    judge = Judge(RowModel(create_model("M", x=(Annotated[int, AfterValidator(divide)], ...))))
    rows = [(1, 1, ["1"]), (1, 2, ["0"]), (1, 3, ["x"]), (2, 1, ["x"])]
    (refusal,) = judge.refusals(["x"], rows)
    assert (refusal.batch, refusal.record) == (2, 1)
    record, reason = judge.broken[1]
    assert record == 2
    assert reason.startswith("M failed with ZeroDivisionError (test_model.py, line ")


# -------------------------------------------------------------------------------- end to end


def test_a_model_is_a_contract(workspace):
    """Types, bounds and validators hold; the reasons name column and rule, and other rows are published."""
    rows = "id,timestamp,amount\n1,2024-01-01,2\n2,2024-01-01,3\n3,2024-01-01,-2\n4,2024-01-01,\nx,2024-01-01,2\n"
    ws = modelled(workspace, EVEN, **{"a.csv": rows})
    (result,) = ws.run().datasets
    assert (result.counts.read, result.counts.accepted, result.counts.rejected) == (5, 2, 3)
    assert rejected(ws) == [
        ("a.csv", 2, "amount", "model", "amount: is odd"),
        ("a.csv", 3, "amount", "min", "amount is less than 0"),
        ("a.csv", 5, "id", "type", "id is not a whole number of at most 64 bits"),
    ]
    assert latest(ws).splitlines()[1:] == ["1,2024-01-01T00:00:00,2,a.csv", "4,2024-01-01T00:00:00,,a.csv"]
    assert ws.check().ok


def test_rejects_hold_the_cells_as_they_came_and_can_be_dropped_again(workspace):
    """A row that the model refused stands in the rejects byte for byte; mended, it is applied."""
    ws = modelled(workspace, EVEN, **{"a.csv": "id,timestamp,amount\n7.0,2024-01-01,3\n"})
    ws.run()
    path = ws.layout.rejects("default") / "a.csv.csv"
    assert path.read_text().splitlines()[1] == "7.0,2024-01-01,3,1,amount,model,amount: is odd"
    drop(ws, "mended.csv", path.read_text().replace("-01,3", "-01,4"))
    ws.run()
    assert latest(ws).splitlines()[1] == "7,2024-01-01T00:00:00,4,mended.csv"


def test_a_row_as_a_whole_can_be_refused(workspace):
    """A model validator's refusal has no column and no value; several complaints of a row are several rejects."""
    model = EVEN + (
        "\n    @model_validator(mode='before')\n    @classmethod\n    def small(cls, data):\n"
        "        assert data['id'] != '9', 'nine is taken'\n        return data\n"
    )
    ws = modelled(workspace, model, **{"a.csv": "id,timestamp,amount\n9,2024-01-01,2\n8,2024-01-01,2\n"})
    ws.run()
    (reject,) = ws.rejects()
    assert (reject.row, reject.column, reject.value, reject.reason) == (1, None, None, "nine is taken")


WORDS = ["ab", "AB", " ab ", "Ab", "ß", "ßß", "abc "]
TEXTS = {
    "pattern, upper": ("Annotated[str, StringConstraints(to_upper=True), Field(pattern='^[a-z]+$')]", ""),
    "pattern, lower": ("Annotated[str, StringConstraints(to_lower=True, pattern='^[A-Z]+$')]", ""),
    "pattern, configured": (
        "Annotated[str, Field(pattern='^[a-z]+$')]",
        "str_to_upper=True, str_strip_whitespace=True",
    ),
    "length, configured": ("Annotated[str, Field(min_length=2, max_length=2)]", "str_strip_whitespace=True"),
    "length, upper": ("Annotated[str, StringConstraints(to_upper=True, max_length=1)]", ""),
    "not stripped": (
        "Annotated[str, StringConstraints(strip_whitespace=False, max_length=2)]",
        "str_strip_whitespace=True",
    ),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_cell_passes_if_pydantic_takes_it(workspace, case):
    """Pydantic strips, asks for length and pattern, and then changes the case: the verdicts are the same here."""
    annotation, config = TEXTS[case]
    model = "from typing import Annotated\n" + HEAD + f"    x: {annotation}\n    model_config = ConfigDict({config})\n"
    names: dict[str, Any] = {}
    exec(model, names)
    wanted = []
    for number, cell in enumerate(WORDS):
        with suppress(ValidationError):
            names["Row"](id=number, timestamp="2024-01-01T00:00:00Z", x=cell)
            wanted.append(number)
    rows = "".join(f'{number},2024-01-01,"{cell}"\n' for number, cell in enumerate(WORDS))
    ws = modelled(workspace, model, **{"a.csv": "id,timestamp,x\n" + rows})
    ws.run()
    refused = {row - 1 for _, row, *_ in rejected(ws)}
    assert [number for number in range(len(WORDS)) if number not in refused] == wanted
    assert 0 < len(wanted) < len(WORDS)


def test_values_that_a_validator_changes_are_not_taken(workspace):
    """What is published is what the file says."""
    model = HEAD + "    name: Annotated[str, AfterValidator(str.upper)]\n"
    ws = modelled(
        workspace, "from typing import Annotated\n" + model, **{"a.csv": "id,timestamp,name\n1,2024-01-01,ada\n"}
    )
    ws.run()
    assert "ada" in latest(ws)


def test_a_broken_model_refuses_the_file_and_loses_nothing(workspace):
    """Other files go on; the reason has the line and no cell; after mending the same file is applied."""
    broken = EVEN.replace("raise ValueError('is odd')", "raise KeyError(value)")
    files = {
        "a.csv": "id,timestamp,amount\n1,2024-01-01,2\n2,2024-01-01,4711\n",
        "b.csv": "id,timestamp,amount\n3,2024-01-01,4\n",
    }
    ws = modelled(workspace, broken, **files)
    (result,) = ws.run().datasets
    assert [(f.name, f.status, f.read) for f in result.files] == [("a.csv", "rejected", 0), ("b.csv", "applied", 1)]
    (reject,) = ws.rejects()
    assert (reject.row, reject.rule) == (2, "model")
    assert reject.reason.startswith("Row failed with KeyError (model.py, line ")
    assert "4711" not in reject.reason
    assert latest(ws).count("\n") == 2
    (ws.layout.root / "model.py").write_text(EVEN)
    ws = Workspace(ws.layout.root)
    drop(ws, "a.csv", files["a.csv"].replace("4711", "4712"))
    drop(ws, "a2.csv", files["a.csv"])
    (result,) = ws.run().datasets
    assert [(f.name, f.accepted) for f in result.files] == [("a.csv", 2), ("a2.csv", 1)]
    assert ws.check().ok


@pytest.mark.parametrize("end", ["raise SystemExit(0)", "raise GeneratorExit"])
def test_a_validator_that_ends_the_program_refuses_its_file(workspace, end):
    """`sys.exit()` in a model is a mistake like any other: the file is refused whole, others go on."""
    model = EVEN.replace("raise ValueError('is odd')", end)
    ws = modelled(workspace, model, **{"a.csv": "id,timestamp,amount\n1,2024-01-01,3\n"})
    drop(ws, "b.csv", "id,timestamp,amount\n2,2024-01-01,2\n")
    done = run_cli("run", "--json", workspace=ws)
    assert done.returncode == 1
    assert [file["status"] for file in json.loads(done.stdout)["datasets"][0]["files"]] == ["rejected", "applied"]


def test_what_a_model_prints_is_no_data(workspace):
    """Its prints go to stderr, as it is imported and as it judges; a model's helper is that of its workspace."""
    model = EVEN.replace("        if value", "        print('judging', ODD)\n        if value")
    model = "from helpers import ODD\nprint('importing')\n" + model
    ws = modelled(workspace, model, **{"a.csv": "id,timestamp,amount\n1,2024-01-01,2\n"})
    (ws.layout.root / "helpers.py").write_text("ODD = 1\n")
    done = run_cli("run", "--json", workspace=ws)
    assert json.loads(done.stdout)["datasets"][0]["counts"]["accepted"] == 1
    assert "importing\n" in done.stderr
    assert "judging 1\n" in done.stderr


def test_many_rows_go_through_in_chunks(workspace, monkeypatch):
    """Every row is asked about exactly once, whatever the chunks; the counts add up."""
    monkeypatch.setattr("snapshotter.engine.judging.CHUNK", 7)
    lines = "".join(f"{i},2024-01-01,{i}\n" for i in range(50))
    ws = modelled(workspace, EVEN, **{f"{name}.csv": "id,timestamp,amount\n" + lines for name in "ab"})
    (result,) = ws.run().datasets
    assert [(f.read, f.accepted, f.rejected) for f in result.files] == [(50, 25, 25)] * 2
    assert sorted({row for _, row, *_ in rejected(ws)}) == list(range(2, 51, 2))
    assert ws.check().ok


def test_a_file_may_lack_what_has_a_default(workspace):
    """A field with a default need not be in the header, one without must."""
    ws = modelled(workspace, EVEN, **{"a.csv": "id,timestamp\n1,2024-01-01\n"})
    ws.run()
    assert latest(ws) == "id,timestamp,source_filename\n1,2024-01-01T00:00:00,a.csv\n"


def test_aliases_and_forbidden_columns(workspace):
    """Both name and alias are read, and published under the name; `extra="forbid"` refuses other columns."""
    model = HEAD + "    model_config = ConfigDict(extra='forbid')\n    amount: int = Field(alias='Amount (GBP)')\n"
    files = {
        "a.csv": "id,timestamp,Amount (GBP)\n1,2024-01-01,2\n",
        "b.csv": "id,timestamp,amount\n2,2024-01-01,3\n",
        "c.csv": "id,timestamp,amount,more\n3,2024-01-01,3,x\n",
    }
    ws = modelled(workspace, model, **files)
    (result,) = ws.run().datasets
    assert [f.status for f in result.files] == ["applied", "applied", "rejected"]
    assert latest(ws).splitlines()[0] == "id,timestamp,amount,source_filename"
    ws = modelled(workspace, model, CONFIG + 'extra_columns = "keep"\n', **files)  # said by hand, it goes first
    assert [f.status for f in ws.run().datasets[0].files] == ["applied"] * 3


def test_formats_of_the_dataset_reach_the_model(workspace):
    """A timestamp in a declared format is given to validators in the form in which it is published."""
    model = EVEN.replace("'amount'", "'timestamp'").replace("value is not None and value % 2", "value.day == 2")
    config = CONFIG + 'timestamp_formats = ["%d/%m/%Y %H:%M"]\n'
    ws = modelled(workspace, model, config, **{"a.csv": "id,timestamp\n1,01/02/2024 10:00\n2,02/02/2024 10:00\n"})
    ws.run()
    assert [row for _, row, *_ in rejected(ws)] == [2]


def test_a_changed_model_judges_duplicates_again(workspace):
    """After a change of the module the same bytes are judged again; without one they are a duplicate."""
    ws = modelled(workspace, AMOUNT, **{"a.csv": (content := "id,timestamp,amount\n1,2024-01-01,3\n")})
    ws.run()
    drop(ws, "a.csv", content)
    assert [f.status for f in Workspace(ws.layout.root).run().datasets[0].files] == ["duplicate"]
    (ws.layout.root / "model.py").write_text(EVEN)
    drop(ws, "a.csv", content)
    (file,) = Workspace(ws.layout.root).run().datasets[0].files
    assert (file.status, file.rejected) == ("applied", 1)


def test_old_snapshots_never_need_the_model(workspace):
    """With the module gone, reset, withdraw, show, history, diff, check and status work; only a run is an error."""
    ws = modelled(workspace, EVEN, **{"a.csv": "id,timestamp,amount\n1,2024-01-01,2\n"})
    ws.run()
    before = latest(ws)
    drop(ws, "b.csv", "id,timestamp,amount\n1,2024-01-02,4\n2,2024-01-02,5\n")
    ws.run()
    (ws.layout.root / "model.py").unlink()
    ws = Workspace(ws.layout.root)
    assert ws.reset(1).snapshot == 3
    assert latest(ws) == before
    assert ws.show(2)["amount"].tolist() == [4]
    assert [v.values["amount"] for v in ws.history("1")] == ["2"]
    assert len(ws.diff(1, 2).changed) == 2
    assert ws.latest()["amount"].tolist() == [2]
    assert ws.rejects() == []
    assert ws.status().datasets[0].snapshot == 3
    assert ws.withdraw("a.csv").snapshot == 4
    assert ws.check().ok
    with pytest.raises(ConfigError, match=r"datasets.default.contract: 'model:Row' cannot be imported"):
        ws.run()
    stored = json.loads(ws.layout.ledger("default").joinpath("_delta_log", f"{1:020}.json").read_text().splitlines()[0])
    assert stored["commitInfo"]["snapshotter"]["contract"]["columns"]["amount"]["min"] == "0"


def test_annotations_may_be_texts_and_modules_may_lie_in_folders(workspace):
    """`from __future__ import annotations` and `rules.sales:Row` work, and so does a class beside the model."""
    model = "from __future__ import annotations\nfrom enum import Enum\n" + EVEN + "    kind: Kind = None\n"
    model += "\n\nclass Kind(Enum):\n    A = 'a'\n\n\nRow.model_rebuild()\n"
    content = "id,timestamp,kind\n1,2024-01-01,a\n2,2024-01-01,b\n"
    ws = workspace(CONFIG.replace("model:", "rules.sales:"), **{"a.csv": content})
    (ws.layout.root / "rules").mkdir()
    (ws.layout.root / "rules" / "sales.py").write_text(model)
    ws.run()
    assert [(row, rule) for _, row, _, rule, _ in rejected(ws)] == [(2, "values")]


def test_a_dry_run_asks_the_model_too(workspace):
    """A dry run counts what the model refuses, and changes nothing."""
    ws = modelled(workspace, EVEN, **{"a.csv": "id,timestamp,amount\n1,2024-01-01,3\n2,2024-01-01,2\n"})
    (result,) = ws.run(dry_run=True).datasets
    assert (result.counts.accepted, result.counts.rejected) == (1, 1)
    assert not ws.layout.output.exists()


def test_two_workspaces_may_have_models_of_one_name(workspace):
    """Each workspace has its own `model.py`, in one process."""
    content = "id,timestamp,amount\n1,2024-01-01,3\n"
    one, other = (modelled(workspace, text, **{"a.csv": content}) for text in (AMOUNT, EVEN))
    assert [ws.run().datasets[0].counts.rejected for ws in (one, other)] == [0, 1]
    assert "model" not in sys.modules


MISTAKES = {
    "no module": ("", CONFIG.replace("model:Row", "nowhere:Row"), "nowhere"),
    "no such class": (EVEN, CONFIG.replace("Row", "Column"), "module model has no Column"),
    "no class": (EVEN + "\nthing = 1\n", CONFIG.replace("Row", "thing"), "is no pydantic model"),
    "no form": (EVEN, CONFIG.replace("model:Row", "model.py"), 'not of the form "module:name"'),
    "syntax": ("class Row(:\n", CONFIG, "cannot be imported: SyntaxError"),
    "an end": ("import sys\n\nsys.exit(0)\n", CONFIG, "cannot be imported: SystemExit: 0"),
    "a bad pattern": (HEAD + "    x: str = Field(pattern='(')\n", CONFIG, "unclosed group"),
    "a list": (HEAD + "    tags: list[str]\n", CONFIG, "Row.tags: is list, which no cell can hold"),
    "digits": ("from decimal import Decimal\n" + HEAD + "    d: Decimal\n", CONFIG, "Row.d: is a Decimal without"),
    "columns too": (EVEN, CONFIG + "[datasets.default.columns.amount]\nmin = 1\n", "stands beside `contract`"),
    "empty timestamp": (AMOUNT.replace("datetime\n    am", "datetime | None\n    am"), CONFIG, "which every row needs"),
    "lineage": (HEAD + "    snapshot: int\n", CONFIG, "latest.csv or the rejects need"),
    "forward": (HEAD + "    x: 'Later'\n", CONFIG, "Row.x: is "),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_named_before_anything_is_touched(case, workspace):
    """What is no usable model is a ConfigError that says where and what is allowed; the file still waits."""
    model, config, words = MISTAKES[case]
    ws = modelled(workspace, model, config, **{"a.csv": "id,timestamp,amount\n1,2024-01-01,3\n"})
    with pytest.raises(ConfigError) as caught:
        ws.run()
    assert words in caught.value.message
    assert "datasets.default." in caught.value.message
    assert (ws.layout.queue / "a.csv").exists()
    assert not list(ws.layout.root.glob("output/*/*"))


def test_a_missing_package_for_emails_is_named(workspace, monkeypatch):
    """EmailStr needs a package that may not be there: the error says how it comes."""
    monkeypatch.setitem(sys.modules, "email_validator", None)
    ws = modelled(workspace, HEAD + "    mail: EmailStr\n", **{"a.csv": "id,timestamp,mail\n"})
    with pytest.raises(ConfigError) as caught:
        ws.run()
    assert 'pip install "pydantic[email]"' in caught.value.remedy


def test_a_pattern_that_re2_does_not_take_is_asked_of_the_model(workspace):
    """The dataset goes on."""
    model = HEAD + "    x: str = Field(pattern='^(a{500}){3}$')\n"
    content = f"id,timestamp,x\n1,2024-01-01,{'a' * 1500}\n2,2024-01-01,a\n"
    ws = modelled(workspace, model, **{"a.csv": content})
    counts = ws.run().datasets[0].counts
    assert (counts.accepted, counts.rejected) == (1, 1)


def test_a_link_out_of_the_workspace_is_refused(workspace, tmp_path):
    """Neither a module nor a file outside the workspace is a contract."""
    (tmp_path / "model.py").write_text(EVEN)
    ws = workspace(CONFIG)
    (ws.layout.root / "model.py").symlink_to(tmp_path / "model.py")
    with pytest.raises(ConfigError, match="leads out of the workspace"):
        ws.run()
    ws = workspace('[datasets.default]\ncontract = "../x.odcs.yaml"\n')
    with pytest.raises(ConfigError, match="leads out of the workspace"):
        ws.run()


def test_the_command_line_says_what_the_model_said(workspace):
    """A run with refusals ends with 1; a model that cannot be imported with 2 and no traceback."""
    ws = modelled(workspace, EVEN, **{"a.csv": "id,timestamp,amount\n1,2024-01-01,3\n2,2024-01-01,2\n"})
    assert run_cli("run", workspace=ws).returncode == 1
    (ws.layout.root / "model.py").write_text("1 / 0\n")
    done = run_cli("run", workspace=ws)
    assert done.returncode == 2
    assert "ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr
    assert run_cli("rejects", workspace=ws).returncode == 0
