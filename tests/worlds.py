"""Random configurations and the files dropped under them, aimed at what is hard (Hypothesis).

Few keys, few instants, few texts, few names, so that they meet; each world draws its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Drop:
    """One file put into the queue."""

    name: str
    data: bytes


@dataclass(frozen=True)
class World:
    """A configuration and the drops of its dataset, those of one name in sequence."""

    config: dict[str, Any]
    drops: tuple[Drop, ...]

    def toml(self) -> str:
        """The text of snapshotter.toml."""
        columns = self.config.get("columns", {})
        lines = ["[datasets.default]"]
        lines += [f"{k} = {toml(v)}" for k, v in self.config.items() if k != "columns"]
        for name, rules in columns.items():
            lines.append(f"[datasets.default.columns.{toml(name)}]")
            lines += [f"{k} = {toml(v)}" for k, v in rules.items()]
        return "\n".join(lines) + "\n"


Runs = list[list[Drop]]

# Text keys: whole numbers, long ones too, and what looks like them; case, accents, blanks, beyond the BMP.
TEXT_KEYS = [
    *("1", "2", "10", "007", "a", "é", "-3", "", "0", "-0", "+1", "1.0", "10a", "B", "b", "ﾮ", "😀"),
    *("e\u0301", "NULL", "a ", "a,b", 'q"', "l\nf", "9" * 45, "1" + "0" * 45, "-" + "9" * 20),
]
KEYS: dict[str, tuple[list[str], list[str]]] = {  # by type: good ones, bad ones
    "string": (TEXT_KEYS, [""]),
    "integer": (["1", "2", "10", "-3", "0"], ["", "x", "1.5", "0x10", "1_0", " 1"]),
    "number": (["1.5", "1.50", "-0.25", "10.75", "2.5"], ["", "x", "nan", "inf", "1e999"]),
    "decimal(10,2)": (["1.5", "1.50", "1.500", "-0.25", "10", "2"], ["", "x", "1.555", "123456789.00"]),
    "date": (["2024-01-01", "2023-12-31", "2024-02-29"], ["", "2024-02-30", "20240101", "2024-01-01 "]),
    "boolean": (["true", "false"], ["", "x"]),
    "timestamp": (
        ["2024-01-01T10:00:00Z", "2024-01-01 12:00+02:00", "2024-01-01T10:00:00.5Z", "2023-12-31T00:00:00Z"],
        ["", "x", "2024-13-01T00:00Z"],
    ),
}
# A few instants, most of them in several forms.
INSTANTS = [
    *("2024-01-01T10:00:00Z", "2024-01-01T10:00Z", "2024-01-01T12:00:00+02:00"),
    *("2024-01-01 10:00:00.000+00:00", "2024-01-01T09:59:59.999999Z", "2024-01-01T10:00:00.000001Z"),
    *("2024-01-01T10:00:00.5Z", "2024-01-01T05:30:00.500000-04:30"),
    *("2024-01-01T10:30", "2024-01-01 11:00"),  # after 10:00Z in UTC; in Berlin before it, and the same
    *("2024-01-01", "2024-01-01T00:00", "2023-12-31T23:00:00-01:00"),
]
NO_INSTANTS = [
    *("", "yesterday", "2024-02-30", "2024-01-01T24:00", "20240101", "2024-1-1", "2024-01-01 10:00 "),
    *("2024-01-01T10:00:00.1234567Z", "2024-01-01T10:00:00+2:00", "2999-01-01", "2999-01-01", "2999-01-01"),
]
BERLIN = ["2024-03-31T02:30", "2024-10-27T02:30"] * 3  # one does not exist there, one exists twice
TEXTS = [
    *("x", "y", "x", "y", "", "", "", " ", "1.10", "007", "NA", "null", "\\N", "a,b", 'say "hi"', '"', "\t"),
    *("two\nlines", "lone\rcr", "cr\rlf\r\n", "é", "😀", " padded ", "=1+1", "\ufeff", "a;b"),
]
NAMES = ["a.csv", "b.csv", "B.csv", "9.csv", "10.csv", "é.csv", "ﾮ.csv", "😀.csv", "c, d.csv", "a.csv.csv"]
DATED = ["b-20240101.csv", "a-20240102.csv", "c-20240102.csv", "20231231.csv", "x-20240101-1.csv"]
UNDATED = ["d.csv", "e-20240101-20240102.csv", "f-20240231.csv"]
ODD = (  # what may be odd about a file
    "no text",
    "no rows",
    "ragged rows",
    "blank lines",
    "no last newline",
    "byte order mark",
    "crlf",
    "all quoted",
    "semicolons",
    "upper case names",
    "a name twice",
    "a column is missing",
    "a column without a name",
    "a lineage column",
    "a reject column",
)
LINEAGES = [["source_filename"], ["source_row", "source_filename", "source_revision"], []]


def mostly(good: st.SearchStrategy[Any], bad: st.SearchStrategy[Any], once: int = 12) -> st.SearchStrategy[Any]:
    """The good ones, and once in so many a bad one."""
    return st.integers(1, once).flatmap(lambda n: bad if n == once - 1 else good)


def often(*values: Any) -> st.SearchStrategy[Any]:
    """The first value more often than all others together."""
    return mostly(st.just(values[0]), st.sampled_from(values[1:]), 3)


@st.composite
def configs(draw: Any, *, plain_lineage: bool) -> dict[str, Any]:  # noqa: C901, PLR0912 - independent choices
    """A table [datasets.default]."""
    columns: dict[str, dict[str, Any]] = {}
    config: dict[str, Any] = {"key": draw(often(["id"], ["id", "sub"])), "timestamp": "ts"}
    kind = draw(often("string", *list(KEYS)[1:]))
    if kind != "string":
        columns["id"] = {"type": kind}
    if draw(st.booleans()):
        for column in config["key"]:
            columns.setdefault(column, {})["nullable"] = True
    marks = [None, {"column": "op", "values": ["D", "X"]}, {"column": "gone", "not_empty": True}]
    if delete := draw(st.sampled_from(marks)):
        config["delete_when"] = delete
    if draw(often(False, True)):
        columns["ts"] = {"type": "timestamp"}
    if draw(often(False, True)):
        columns["amount"] = {"type": "decimal(10,2)", "required": False, "min": 0}
        columns["n"] = {"type": "integer", "required": False, "max": 10}
        columns["state"] = {"values": ["on", "off"], "required": False, "nullable": False}
    if draw(often(False, True)):
        config["batch_time"] = "%Y%m%d"
    if draw(often(False, True)):
        config["timezone"] = "Europe/Berlin"
    if draw(mostly(st.just(False), st.just(True), 8)):
        config["replace_revisions"] = True
    if not plain_lineage:
        config["lineage"] = draw(often(*LINEAGES))
    drift = draw(often(None, "ignore", "reject", "null"))
    if drift in ("ignore", "reject"):
        config["extra_columns"] = drift
        columns["v"] = {"required": False}
        if delete:
            columns.setdefault(delete["column"], {})["required"] = False
    if drift == "null":
        config["absent_columns"] = "null"
        columns["w"] = {"required": False}
        columns.pop("state", None)  # required = false with nullable = false: nobody says what a null is there
        config["column_order"] = ["w", "ts", "v", "id", "sub", "amount", "n", "x,y", "op", "gone"]
    elif draw(often(False, True)):
        config["column_order"] = ["v", "ts"]
    return {**config, "columns": columns} if columns else config


@st.composite
def cells(draw: Any, config: dict[str, Any]) -> dict[str, st.SearchStrategy[str]]:
    """What each column of a world holds: few keys, few instants, few texts, so that they meet."""
    declared = config.get("columns", {})
    good, bad = KEYS[declared.get("id", {}).get("type", "string")]
    if declared.get("id", {}).get("nullable"):
        good = ["", *good]
    careless = draw(often(False, True))  # does this world have bad cells at all?

    def few(values: list[str], bad: list[str], most: int = 3) -> st.SearchStrategy[str]:
        pool = st.sampled_from(draw(st.lists(st.sampled_from(values), min_size=1, max_size=most)))
        return mostly(pool, st.sampled_from(bad)) if careless and bad else pool

    columns = {
        "id": few(good, bad, draw(often(3, 12))),
        "ts": few(INSTANTS, [*NO_INSTANTS, *(BERLIN if config.get("timezone") else [])], 4),
        "v": few(TEXTS, []),
    }
    if "sub" in config["key"]:
        columns["sub"] = few(["", "1", "b", "10", "9"], [])
    if delete := config.get("delete_when"):
        marks = ["I", "D", "", "X", "d", "D"] if delete["column"] == "op" else ["", "", "2024-01-02", " "]
        columns[delete["column"]] = st.sampled_from(marks)
    if "amount" in declared:
        columns["amount"] = few(["1.5", "1.50", "0", "3", ""], ["-0.01", "x", "1.555"])
        columns["n"] = few(["1", "7", "10", "-7", ""], ["11", "1.0", "x"])
        columns["state"] = few(["on", "off"], ["", "On", "x"])
    if config.get("extra_columns") != "reject" or careless:
        columns["w"] = few(TEXTS, [])
        if draw(often(False, True)):
            columns["x,y"] = few(TEXTS, [])
    return columns


def line(cells: list[str], delimiter: str, *, all_quoted: bool) -> str:
    """One record, well-formed."""
    must = (delimiter, '"', "\r", "\n", ",", "\ufeff")
    quote = [all_quoted or any(c in cell for c in must) for cell in cells]
    return delimiter.join(
        '"' + cell.replace('"', '""') + '"' if q else cell for cell, q in zip(cells, quote, strict=True)
    )


@st.composite
def files(draw: Any, config: dict[str, Any], cells: dict[str, st.SearchStrategy[str]]) -> bytes:
    """The bytes of one file: mostly plain, now and then with something odd."""
    odd = draw(mostly(st.just(""), st.sampled_from(ODD), 6))
    if odd == "no text":
        no_text: bytes = draw(st.sampled_from([b"", b"\n", b"id,sub,ts\n\xff,1,2024-01-01\n", b"\xef\xbb\xbf"]))
        return no_text
    always = [*config["key"], "ts"]
    columns = draw(st.permutations([c for c in cells if c in always or draw(st.booleans())]))
    if odd == "a column is missing":
        missing = draw(st.sampled_from(always))
        columns = [c for c in columns if c != missing]
    header = [c.upper() if odd == "upper case names" and c in ("v", "w", "id") else c for c in columns]
    more = {
        "a name twice": draw(st.sampled_from(columns)).upper(),
        "a column without a name": "",
        "a lineage column": "Source_Filename",
        "a reject column": "_reject_rule",
    }
    header += [more[odd]] if odd in more else []
    delimiter = ";" if odd == "semicolons" else ","
    lines = [line(header, delimiter, all_quoted=odd == "all quoted")]
    for _ in range(0 if odd == "no rows" else draw(st.integers(1, 4))):
        row = [draw(cells[c]) for c in columns] + ["?"] * (len(header) - len(columns))
        if odd == "ragged rows":
            row = draw(st.sampled_from([row, [*row, ""], row[:-1]]))
        lines += [""] if odd == "blank lines" else []
        lines.append(line(row, delimiter, all_quoted=odd == "all quoted"))
    newline = "\r\n" if odd == "crlf" else "\n"
    text = newline.join(lines) + ("" if odd == "no last newline" else newline)
    return (("\ufeff" if odd == "byte order mark" else "") + text).encode("utf-8")


@st.composite
def worlds(draw: Any, *, plain_lineage: bool = False, size: int = 7) -> World:
    """A configuration and drops: new files, revisions, files sent again, the same bytes under other names."""
    config = draw(configs(plain_lineage=plain_lineage))
    names = st.sampled_from(draw(st.permutations(DATED if config.get("batch_time") else NAMES))[:4])
    if config.get("batch_time"):
        names = mostly(names, st.sampled_from(UNDATED), 15)
    columns = draw(cells(config))
    drops: list[Drop] = []
    for _ in range(draw(st.integers(1, size))):
        what = draw(st.sampled_from(["new", "new", "new", "again", "other name"])) if drops else "new"
        if what == "new":
            drops.append(Drop(draw(names), draw(files(config, columns))))
        elif what == "again":
            drops.append(draw(st.sampled_from(drops)))
        else:
            drops.append(Drop(draw(names), draw(st.sampled_from(drops)).data))
    return World(config, tuple(drops))


@st.composite
def grouped(draw: Any, drops: tuple[Drop, ...]) -> Runs:
    """The drops in their order, split into runs; a queue holds a name once."""
    runs: Runs = [[]]
    for drop in drops:
        if runs[-1] and (draw(st.booleans()) or any(d.name == drop.name for d in runs[-1])):
            runs.append([])
        runs[-1].append(drop)
    return runs


@st.composite
def shuffled(draw: Any, drops: tuple[Drop, ...]) -> tuple[Drop, ...]:
    """The drops in another order of arrival that keeps those of one name in sequence."""
    waiting: dict[str, list[Drop]] = {}
    for drop in drops:
        waiting.setdefault(drop.name, []).append(drop)
    return tuple(waiting[name].pop(0) for name in draw(st.permutations([d.name for d in drops])))


def toml(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
