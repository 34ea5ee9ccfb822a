"""Contracts in the Open Data Contract Standard."""

import json
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from conftest import latest
from hypothesis import given
from hypothesis import strategies as st
from open_data_contract_standard.model import OpenDataContractStandard

from snapshotter.config import ColumnConfig, DatasetConfig
from snapshotter.contract import compile_contract
from snapshotter.contract.odcs import OdcsRefused, read, write
from snapshotter.errors import ConfigError

HEAD = "kind: DataContract\napiVersion: v3.0.2\nid: x\nversion: 1.0.0\nstatus: draft\n"
SALES = (
    HEAD
    + """\
schema:
  - name: sales
    properties:
      - name: Receipt number
        physicalName: receipt
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 2
        unique: true
      - {name: shop, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}
      - name: changed
        logicalType: timestamp
        required: true
        customProperties: [{property: snapshotter.timestamp, value: true}]
      - name: amount
        businessName: Amount (GBP)
        logicalType: number
        physicalType: DECIMAL(10, 2)
        required: true
        logicalTypeOptions: {exclusiveMinimum: 0, maximum: 99.5}
        customProperties: [{property: snapshotter.aliases, value: [Betrag]}, {property: owner, value: us}]
      - name: kind
        logicalType: string
        enum: [{value: A}, {value: B}]
        logicalTypeOptions: {pattern: "^[A-Z]$"}
"""
)


def parse(tmp_path, text, dataset="default"):
    """What a file of that text says."""
    path = tmp_path / "x.odcs.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, dataset)


def one(tmp_path, **prop):
    """The only column of a contract with one property, without defaults."""
    text = HEAD + yaml.safe_dump({"schema": [{"name": "t", "properties": [{"name": "x", **prop}]}]})
    return parse(tmp_path, text).columns["x"].model_dump(exclude_defaults=True)


def custom(**settings):
    """Custom properties of ours."""
    return [{"property": f"snapshotter.{name}", "value": value} for name, value in settings.items()]


# -------------------------------------------------------------------------------- reading


def test_a_contract_is_read(tmp_path):
    """Names, types, rules, key and timestamp of a schema object become those of a dataset."""
    found = parse(tmp_path, SALES)
    assert (found.key, found.timestamp) == (("shop", "receipt"), "changed")
    assert {name: column.model_dump(exclude_defaults=True) for name, column in found.columns.items()} == {
        "receipt": {"unique": True},
        "shop": {"type": "integer"},
        "changed": {"type": "timestamp", "nullable": False},
        "amount": {"type": "decimal(10,2)", "nullable": False, "min": "0.01", "max": "99.50", "aliases": ("Betrag",)},
        "kind": {"values": ("A", "B"), "pattern": "[A-Z]"},
    }


PROPERTIES = [
    ({}, {}),
    ({"logicalType": "time"}, {}),
    ({"logicalType": "string", "logicalTypeOptions": {"format": "uuid"}}, {"type": "uuid"}),
    (
        {"logicalType": "string", "logicalTypeOptions": {"format": "email", "maxLength": 9}},
        {"type": "email", "max_length": 9},
    ),
    ({"logicalType": "string", "logicalTypeOptions": {"format": "uri"}}, {}),
    ({"logicalType": "date", "logicalTypeOptions": {"format": "yyyy-MM-dd"}}, {"type": "date"}),
    ({"logicalType": "date", "logicalTypeOptions": {"minimum": "2024-01-01"}}, {"type": "date", "min": "2024-01-01"}),
    (
        {"logicalType": "integer", "logicalTypeOptions": {"format": "i8"}},
        {"type": "integer", "min": "-128", "max": "127"},
    ),
    ({"logicalType": "integer", "logicalTypeOptions": {"format": "u64"}}, {"type": "integer", "min": "0"}),
    ({"logicalType": "integer", "physicalType": "decimal(9,0)"}, {"type": "integer"}),
    ({"logicalType": "number", "physicalType": "double"}, {"type": "number"}),
    ({"logicalType": "number", "physicalType": "numeric(9)"}, {"type": "decimal(9,0)"}),
    ({"logicalType": "boolean", "enum": [{"value": True}]}, {"type": "boolean", "values": ("true",)}),
    ({"logicalType": "number", "enum": [{"value": 0.1}, {"value": 2}]}, {"type": "number", "values": ("0.1", "2")}),
    ({"required": False}, {"nullable": True}),
    ({"unique": True}, {"unique": True}),
    ({"unique": True, "primaryKey": True}, {}),
    ({"quality": [{"metric": "nullValues", "mustBe": 0}]}, {"nullable": False}),
    (
        {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["a", 1]}}]},
        {"values": ("a", "1")},
    ),
    ({"quality": [{"type": "sql", "query": "SELECT 1", "mustBe": 0}]}, {}),
    ({"logicalTypeOptions": {"pattern": "a"}}, {"pattern": "(?s:.*)(?:a)(?s:.*)"}),
    ({"logicalTypeOptions": {"pattern": r"^\d|b$"}}, {"pattern": r"(?s:.*)(?:^\d|b$)(?s:.*)"}),
    ({"logicalTypeOptions": {"pattern": r"\w"}, "customProperties": custom(pattern=r"\w")}, {"pattern": r"\w"}),
    ({"customProperties": custom(correct="strip", required=False)}, {"correct": ("strip",), "required": False}),
]


@pytest.mark.parametrize(("prop", "expected"), PROPERTIES, ids=lambda x: str(x)[:50])
def test_properties_become_columns(tmp_path, prop, expected):
    """What the standard says of a property, and what our own custom properties add."""
    assert one(tmp_path, **prop) == expected


def test_codes_are_the_texts_that_were_written(tmp_path):
    """YAML reads NO as false, 010 as 8 and 12:30 as 750; listed for a text, or a date, they are what was written."""
    text = HEAD + "schema:\n  - name: t\n    properties:\n"
    text += "      - {name: x, logicalType: string, enum: [{value: NO}, {value: 010}, {value: 12:30}, {value: 1.50}]}\n"
    text += "      - name: y\n        quality:\n"
    text += "          - {metric: invalidValues, mustBe: 0, arguments: {validValues: [no, 2024-02-31, 1_0, 'null']}}\n"
    text += "      - {name: z, logicalType: date, enum: [{value: 2024-01-01}]}\n"
    text += "      - {name: b, logicalType: boolean, enum: [{value: NO}]}\n"
    columns = parse(tmp_path, text).columns
    assert columns["x"].values == ("NO", "010", "12:30", "1.50")
    assert columns["y"].values == ("no", "2024-02-31", "1_0", "null")
    assert columns["z"].values == ("2024-01-01",)
    assert columns["b"].values == ("false",)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("string", "null", "lists null without quotes"),
        ("string", "", "lists nothing without quotes"),
        ("string", "[a]", "more than texts"),
        ("integer", "010", "lists 010 without quotes, which YAML reads as 8"),
        ("integer", "12:30", "reads as 750"),
        ("number", "NO", "reads as False"),
    ],
)
def test_a_listed_value_that_yaml_reads_otherwise_is_refused(tmp_path, kind, value, words):
    """What is no value of the type as it was written is an error that asks for quotes."""
    text = HEAD + f"schema:\n  - name: t\n    properties:\n      - name: x\n        logicalType: {kind}\n"
    with pytest.raises(OdcsRefused, match=words) as caught:
        parse(tmp_path, text + f"        enum:\n          - value: {value}\n")
    assert caught.value.place == "x.enum"


REFUSED = [
    *(
        ({"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": v}}]}, "x.quality", "list")
        for v in (5, "abc", None)
    ),
    ({"logicalType": "object"}, "x.logicalType", "no cell can hold"),
    ({"logicalType": "array"}, "x.logicalType", "no cell can hold"),
    ({"logicalType": "date", "logicalTypeOptions": {"format": "dd/MM/yyyy"}}, "format", "not understood"),
    ({"logicalType": "number", "logicalTypeOptions": {"multipleOf": 3}}, "multipleOf", "cannot be checked"),
    ({"logicalType": "integer", "logicalTypeOptions": {"minimum": "x"}}, "minimum", "or is none"),
    ({"logicalType": "string", "logicalTypeOptions": {"minimum": 1}}, "minimum", "or is none"),
    ({"logicalType": "integer", "logicalTypeOptions": {"minimum": 1, "exclusiveMinimum": 1}}, "exclusiveMin", "beside"),
    ({"logicalTypeOptions": {"pattern": "(?=a)"}}, "pattern", "in another way"),
    ({"customProperties": custom(nonsense=1)}, "customProperties", "snapshotter.nonsense is not known"),
    ({"customProperties": custom(min_length="x")}, "x.min_length", "valid integer"),
]


@pytest.mark.parametrize(("prop", "place", "words"), REFUSED, ids=lambda x: str(x)[:50])
def test_what_cannot_be_checked_is_refused_by_name(tmp_path, prop, place, words):
    """A demand that nothing here can check is an error that names the property, not a promise that is not kept."""
    with pytest.raises(OdcsRefused, match=words) as caught:
        one(tmp_path, **prop)
    assert place in caught.value.place


BROKEN = {
    "no YAML": ("a: [", "not valid YAML"),
    "a list": ("[1]", "no data contract"),
    "another kind": (SALES.replace("kind: DataContract", "kind: Other"), "no data contract"),
    "version 2": (SALES.replace("v3.0.2", "v2.2.2"), "not of version 3"),
    "an unknown key": (SALES + "more: 1\n", "xtra inputs"),
    "an alias": (HEAD + "tags: &a [x]\nschema: *a\n", "has YAML aliases"),
    "too large": (SALES + "#" * 10**6, "more than 1,000,000 bytes"),
    "too deep": ("[" * 100_000, "nested too deep"),
    "no schema": (HEAD, "has no object 'default'; it has none"),
    "twins": (SALES.replace("name: shop", "name: KIND"), "names a column twice"),
    "no name": (SALES.replace("name: shop, ", ""), "without a name"),
    "two timestamps": (
        SALES.replace("property: owner", "property: snapshotter.timestamp").replace("us}", "true}"),
        "several",
    ),
    "no UTF-8": (b"\xff\xfe\xfd", "not valid YAML"),
    "a tag": (HEAD + "name: !!python/object/apply:os.getcwd []\n", "not valid YAML"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_no_contract_is_refused(tmp_path, case):
    """Whatever is wrong with a file is said in a sentence, quickly."""
    text, words = BROKEN[case]
    with pytest.raises(OdcsRefused, match=words):
        parse(tmp_path, text)


def test_the_schema_object_is_the_one_of_the_dataset(tmp_path):
    """Of several the one called like the dataset; a single one whatever it is called; else an error with the names."""
    two = (
        HEAD + "schema:\n- {name: a, properties: [{name: x}]}\n- {name: b, physicalName: bb, properties: [{name: y}]}\n"
    )
    assert list(parse(tmp_path, two, "a").columns) == ["x"]
    assert list(parse(tmp_path, two, "bb").columns) == ["y"]
    assert "receipt" in parse(tmp_path, SALES, "other").columns
    with pytest.raises(OdcsRefused, match="no object 'c'; it has a, b"):
        parse(tmp_path, two, "c")


# -------------------------------------------------------------------------------- writing

SETTINGS = {
    "string": {},
    "integer": {"min": st.sampled_from(["0", "-5", "007"]), "values": st.just(("1", "2"))},
    "number": {"min": st.sampled_from(["0", "0.5", "1e-300", "-1"]), "max": st.sampled_from(["2", "1e300"])},
    "decimal(38,10)": {"max": st.sampled_from(["1.5", "0.10", "1234567890123456789012345678.0123456789"])},
    "boolean": {"values": st.sampled_from([("true",), ("yes", "no")])},
    "date": {"min": st.sampled_from(["2024-01-01", "0001-01-01"])},
    "timestamp": {"min": st.sampled_from(["2024-01-01T00:00:00", "2024-01-01", "01/02/2024"])},
    "uuid": {},
    "email": {},
}
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5)
PATTERNS = ["a", "(?:a)(?:b)", "(?:a)", "^a$", "a|b", r"\d+", r"\w(?i)x", r"[\p{L}]", "no", ""]


@st.composite
def columns(draw):
    """A column that a configuration may have."""
    kind = draw(st.sampled_from(sorted(SETTINGS)))
    settings_ = {name: draw(value) for name, value in SETTINGS[kind].items() if draw(st.booleans())}
    if kind == "string":
        settings_["values"] = draw(st.none() | st.lists(TEXTS | st.just("no"), min_size=1, max_size=3).map(tuple))
    return ColumnConfig(
        type=kind,
        nullable=draw(st.none() | st.booleans()),
        required=draw(st.booleans()),
        aliases=draw(st.lists(TEXTS, max_size=2)),
        min_length=draw(st.none() | st.integers(0, 3)),
        max_length=draw(st.none() | st.integers(3, 9)),
        unique=draw(st.booleans()),
        pattern=draw(st.none() | st.sampled_from(PATTERNS)),
        null_values=draw(st.lists(st.sampled_from(["NA", "~", "null"]), max_size=2)),
        correct=draw(st.lists(st.sampled_from(["strip", "lower"]), max_size=2)),
        **settings_,
    )


@st.composite
def configs(draw):
    """A dataset with a few columns, some of them its key."""
    named = draw(st.dictionaries(TEXTS.map(lambda name: f"c {name}"), columns(), max_size=4))
    named = {name: column for name, column in named.items() if name.casefold() == name}
    key = draw(st.lists(st.sampled_from([*named, "id"]), min_size=1, max_size=2, unique=True))
    return DatasetConfig(key=tuple(key), timestamp=draw(st.sampled_from(["timestamp", "Changed at"])), columns=named)


def keywords(document):
    """Every property of a written contract with what the standard's own schema allows of it."""
    schema = json.loads(resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
    base = schema["$defs"]["SchemaBaseProperty"]
    element = schema["$defs"]["SchemaElement"]["properties"]
    for prop in document["schema"][0]["properties"]:
        options = None
        for rule in base["allOf"][1:]:
            wanted = rule["if"].get("anyOf", [rule["if"]])
            if any(w["properties"]["logicalType"]["const"] == prop["logicalType"] for w in wanted):
                options = rule["then"]["properties"]["logicalTypeOptions"]["properties"]
        yield prop, {**base["properties"], **element}, options


@given(configs())
def test_what_is_written_is_the_standard_and_reads_back_as_the_same_contract(config):
    """Any columns, written and read again, are the same columns, and every word is one that the standard has."""
    text = write("default", config)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.odcs.yaml"
        path.write_text(text, "utf-8")
        found = read(path, "default")
    assert (found.key, found.timestamp) == (config.key, config.timestamp)
    for name, column in config.columns.items():
        again = found.columns[name].model_dump()
        for setting, value in column.model_dump().items():
            same = again[setting] == value
            if setting in ("min", "max") and value is not None and not same:
                same = float(again[setting]) == float(value)
            assert same, setting
    OpenDataContractStandard.from_string(text)
    kinds = {"boolean": bool, "integer": int, "string": str, "array": list, "object": dict, "number": int | float}
    for prop, known, options in keywords(yaml.safe_load(text)):
        assert prop.keys() <= known.keys()
        assert set(prop.get("logicalTypeOptions", {})) <= set(options or ())
        for word, value in prop.get("logicalTypeOptions", {}).items():
            assert isinstance(value, kinds[options[word]["type"]])


def test_a_written_contract_compiles_to_the_same(tmp_path):
    """The contract of a dataset and the one that is read from what was written of it judge alike."""
    config = DatasetConfig(columns={"amount": ColumnConfig(type="decimal(10,2)", min="0", nullable=False)})
    found = parse(tmp_path, write("default", config))
    again = config.model_copy(update={"columns": found.columns, "key": found.key, "timestamp": found.timestamp})
    one_, other = compile_contract("default", config), compile_contract("default", again)
    assert {n: (c.type.name, c.nullable) for n, c in one_.columns.items()} == {
        n: (c.type.name, c.nullable) for n, c in other.columns.items()
    }


# -------------------------------------------------------------------------------- end to end


def test_a_file_is_the_contract_of_a_dataset(workspace):
    """Key, timestamp, types and rules come from the file; the stored contract does without it."""
    rows = "shop,receipt,changed,Betrag,kind\n1,a,2024-01-01,1.5,A\n1,a,2024-01-02,2,B\n"
    rows += "2,b,2024-01-01,0,A\n3,c,2024-01-01,1,\n"
    ws = workspace('[datasets.sales]\ncontract = "sales.odcs.yaml"\n', **{"a.csv": rows})
    (ws.layout.root / "sales.odcs.yaml").write_text(SALES.replace("        unique: true\n", ""))
    ws.run()
    assert [(r.row, r.column, r.rule) for r in ws.rejects()] == [(3, "amount", "min")]
    text = latest(ws, "sales")
    assert text.splitlines()[1:] == ["1,a,2024-01-02T00:00:00,2.00,B,a.csv", "3,c,2024-01-01T00:00:00,1.00,,a.csv"]
    (ws.layout.root / "sales.odcs.yaml").unlink()
    ws = type(ws)(ws.layout.root)
    ws.reset(1)
    assert latest(ws, "sales") == text
    with pytest.raises(ConfigError, match=r"sales.odcs.yaml: the file: is not there"):
        ws.run()


def test_key_and_timestamp_of_the_configuration_go_first(workspace):
    """A key that snapshotter.toml names is the key, whatever the file says."""
    rows = "shop,receipt,changed,amount,kind,at\n1,a,2024-01-01,1.5,A,2024-01-01\n1,b,2024-01-01,2,B,2024-01-02\n"
    config = '[datasets.sales]\ncontract = "c.yaml"\nkey = "shop"\ntimestamp = "at"\n'
    ws = workspace(config, **{"a.csv": rows})
    (ws.layout.root / "c.yaml").write_text(SALES)
    ws.run()
    assert latest(ws, "sales").splitlines()[1:] == ["1,b,2024-01-01T00:00:00,2.00,B,2024-01-02,a.csv"]
