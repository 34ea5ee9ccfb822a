"""Types and rules of columns: what a cell may be, and how it is published."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

import duckdb
import pytest
from conftest import latest, run_cli
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from snapshotter.errors import ConfigError

DATASET = '[datasets.default]\nmax_future = "off"\nlineage = []\n'
REFUSED = None  # what a verdict says of a cell that is refused

# Each example is a run of the program over many cells; so they are few, and not made smaller.
RUNS = settings(
    max_examples=10, deadline=None, phases=[phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]
)


def quoted(cell: str) -> str:
    """A cell, whatever it holds."""
    return '"' + cell.replace('"', '""') + '"'


def judged(workspace, cells, column="", dataset=DATASET):
    """A workspace that took a file with these cells in its column x, numbered by the key."""
    ws = workspace(f"{dataset}[datasets.default.columns.x]\n{column}\n")
    lines = [f"{n},2024-01-01T00:00:00Z,{quoted(cell)}\n" for n, cell in enumerate(cells)]
    (ws.layout.queue / "a.csv").write_bytes(("id,timestamp,x\n" + "".join(lines)).encode())
    (told,) = ws.run().datasets
    assert told.error is None
    assert told.counts.read == len(cells)
    return ws


def published(ws) -> dict[str, str]:
    """The cells of x in latest.csv, by key."""
    _, *rows = csv.reader(io.StringIO(latest(ws), newline=""), strict=True)
    return {row[0]: row[2] for row in rows}


def verdicts(workspace, cells, column="", dataset=DATASET) -> dict[str, str | None]:
    """What each cell is published as; REFUSED if it is refused, for the reason that its type refuses it."""
    cells = list(dict.fromkeys(cells))
    ws = judged(workspace, cells, column, dataset)
    texts = published(ws)
    assert {(r.column, r.rule) for r in ws.rejects()} <= {("x", "type")}
    assert {str(r.row - 1) for r in ws.rejects()} | texts.keys() == {str(n) for n in range(len(cells))}
    return {cell: texts.get(str(n), REFUSED) for n, cell in enumerate(cells)}


def refused(workspace, cells, column, dataset=DATASET) -> dict[str, str]:
    """The cells that are refused, with the rule."""
    return {cells[r.row - 1]: r.rule for r in judged(workspace, cells, column, dataset).rejects()}


# -------------------------------------------------------------------------------- each type

ACCEPTED = {  # type: cell: as it is published
    "string": {cell: cell for cell in ["", "007", "1.10", "NA", " a ", "é", "e\u0301", "a\nb", "\0", "-0", "1e3"]},
    "integer": {
        "": "",
        "0": "0",
        "-0": "0",
        "7": "7",
        "+7": "7",
        "-7": "-7",
        "007": "7",
        "0" * 40 + "1": "1",
        "9223372036854775807": "9223372036854775807",
        "-9223372036854775808": "-9223372036854775808",
    },
    "decimal(10,2)": {
        "": "",
        "1.5": "1.50",
        "1.50": "1.50",
        "1.500": "1.50",
        "-0": "0.00",
        "-0.00": "0.00",
        "0": "0.00",
        "+.5": "0.50",
        "-.05": "-0.05",
        "007.1": "7.10",
        "0" * 50 + "1": "1.00",
        "1." + "0" * 50: "1.00",
        "12345678.99": "12345678.99",
        "-99999999.99": "-99999999.99",
    },
    "decimal(38,0)": {"9" * 38: "9" * 38, "-" + "9" * 38: "-" + "9" * 38, "1.0": "1"},
    "decimal(38,37)": {"9." + "9" * 37: "9." + "9" * 37},
    "number": {
        "": "",
        "0.1": "0.1",
        ".5": "0.5",
        "1.5e0": "1.5",
        "-2.50": "-2.5",
        "15e-1": "1.5",
        "+0.25": "0.25",
        "0.30000000000000004": "0.30000000000000004",
        "0.10000000000000001": "0.1",  # as C prints it with 17 digits
        "-1.10000000000000000000e1": "-11",
        "9007199254740992": "9007199254740992",
        "7.120236347223045e-307": "7.120236347223045e-307",  # the shortest, though as many digits of it end in 4
        "0.2500000000000000000000": "0.25",
        "5e-324": "5e-324",
        "4.9406564584124654e-324": "5e-324",
        "1e22": "1e+22",
        "1.7976931348623157e308": "1.7976931348623157e+308",
    },
    "boolean": {"": "", "true": "true", "false": "false", "True": "true", "FALSE": "false"},
    "date": {
        "": "",
        "2024-02-29": "2024-02-29",
        "2000-02-29": "2000-02-29",
        "0001-01-01": "0001-01-01",
        "9999-12-31": "9999-12-31",
    },
    "timestamp": {
        "": "",
        "2024-02-29": "2024-02-29T00:00:00",
        "2024-01-01 12:00": "2024-01-01T12:00:00",
        "2024-01-01T23:59:59": "2024-01-01T23:59:59",
        "2024-01-01Z": "2024-01-01T00:00:00Z",
        "2024-01-01+01:00": "2024-01-01T00:00:00+01:00",
        "2024-01-01T12:00Z": "2024-01-01T12:00:00Z",
        "2024-01-01T12:00:00.1": "2024-01-01T12:00:00.100000",
        "2024-01-01T12:00:00.000000": "2024-01-01T12:00:00",
        "2024-01-01T12:00:00.000001-00:30": "2024-01-01T12:00:00.000001-00:30",
        "2024-01-01T12:00-00:00": "2024-01-01T12:00:00-00:00",
        "2024-01-01T12:00+23:59": "2024-01-01T12:00:00+23:59",
        "0001-01-01": "0001-01-01T00:00:00",
        "0999-01-01T00:00:00.5": "0999-01-01T00:00:00.500000",
        "0001-01-01T00:00+14:00": "0001-01-01T00:00:00+14:00",
        "1969-12-31T23:59:59.5": "1969-12-31T23:59:59.500000",
        "9999-12-31T23:59:59.999999": "9999-12-31T23:59:59.999999",
        "9999-12-31T23:59:59.999999-12:00": "9999-12-31T23:59:59.999999-12:00",
    },
    "uuid": {
        "123E4567-e89B-12d3-a456-426614174000": "123e4567-e89b-12d3-a456-426614174000",
        "00000000-0000-0000-0000-000000000000": "00000000-0000-0000-0000-000000000000",
    },
    "email": {cell: cell for cell in ["", "a@b.c", "A.b+c'd@Ex-ample.co.uk", "{a}@b.museum", "1@2.3"]},
}
NOT_ACCEPTED = {
    "integer": [
        *("9223372036854775808", "-9223372036854775809", "1" * 400, "1.5", "1.", "1e3", "0x10", "1_000", "1,000"),
        *(" 1", "1 ", "1\n", "-", "+", "--1", "٣", "½", "one", "NaN", "NULL", "true"),
    ],
    "decimal(10,2)": [
        *("1.555", "0.001", "123456789.00", "100000000", "9" * 60, "1e2", ".", "-", "+", " 1", "1 ", "1,5", "NaN"),
        *("inf", "1_0", "٣", "1..2", "0x1", "1.5.0"),
    ],
    "decimal(38,0)": ["9" * 39, "0.1"],
    "decimal(2,2)": ["1", "1.00", ".999"],
    "number": [
        *("1e400", "-1e400", "1.7976931348623159e308", "1e-400", "nan", "NaN", "inf", "Infinity", "-inf", "0x10"),
        *("1_000", "1,5", " 1", "1 ", "1e", "e1", ".", "-", "1e5.5", "٣", "--1", "1f", "true"),
        *("9007199254740993", "0.30000000000000005", "0.1000000000000000055511151231257827", "3e-324", "1" * 999),
    ],
    "boolean": ["maybe", " true", "true ", "truе", "2", "-1", "TRUE\n", "null"],
    "date": [
        *("2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "2024-00-10", "2024-01-00", "0000-01-01"),
        *("10000-01-01", "-2024-01-01", "2024-1-1", "24-01-01", "20240101", "2024/01/01", "2024-01-01 "),
        *("2024-01-01T00:00", "infinity", "epoch", "today", "٢٠٢٤-01-01", "2024-01-01 (BC)"),
    ],
    "timestamp": [
        *("2023-02-29", "2024-01-01T24:00", "2024-01-01T12:60", "2024-01-01T12:00:60", "2024-01-01T12", "2024-W01-1"),
        *("2024-01-01t12:00", "2024-01-01T12:00:00z", "2024-01-01T1:00", "2024-01-01T12:00:00.", "2024-01-01  12:00"),
        *("2024-01-01T12:00:00.1234567", "2024-01-01T12:00:00,5", "2024-01-01T12:00 +02:00", "2024-01-01T12:00+2:00"),
        *("2024-01-01T12:00+0200", "2024-01-01T12:00+24:00", "2024-01-01T12:00+02:60", "2024-01-01T12:00+02"),
        *("0000-12-31", "10000-01-01", "20240101T120000", "now", "epoch", "infinity", "2024-01-01T12:00 UTC"),
        *("2024-01-01T12:00[Europe/Rome]", "1704067200", "12:00", "2024-01-01T12:00Z\n", "2024-01-01T\t12:00"),
    ],
    "uuid": ["123e4567e89b12d3a456426614174000", "{123e4567-e89b-12d3-a456-426614174000}", "g" * 36, "x", " " * 36],
    "email": ["a@b", "@b.c", "a@", "a@b..c", "a@-b.c", "a b@c.d", "é@b.c", "a@b.c ", "a@b.c\n", "a@b@c.d", "a@.b"],
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_what_a_type_holds_is_published_in_one_form(workspace, kind):
    """Every spelling of a value comes out as the canonical one; an empty cell stays empty."""
    assert verdicts(workspace, ACCEPTED[kind], f'type = "{kind}"') == ACCEPTED[kind]


@pytest.mark.parametrize("kind", NOT_ACCEPTED)
def test_what_a_type_cannot_hold_exactly_is_refused(workspace, kind):
    """Nothing is rounded, cut, trimmed or guessed."""
    cells = NOT_ACCEPTED[kind]
    assert verdicts(workspace, cells, f'type = "{kind}"') == dict.fromkeys(cells, REFUSED)


@pytest.mark.parametrize("kind", ACCEPTED)
def test_what_is_published_is_published_as_it_is(workspace, kind):
    """The canonical form of a value is read as the same value."""
    texts = set(ACCEPTED[kind].values())
    assert verdicts(workspace, texts, f'type = "{kind}"') == {text: text for text in texts}


@pytest.mark.parametrize("kind", NOT_ACCEPTED)
def test_the_reason_names_the_column_and_the_type(workspace, kind):
    """A reject tells row, column, rule and value, and in words what the cell is not."""
    (told,) = judged(workspace, ["?"], f'type = "{kind}"').rejects()
    assert (told.row, told.column, told.rule, told.value) == (1, "x", "type", "?")
    assert told.reason.startswith("x is not ")


def test_numbers_are_published_in_the_shortest_text(workspace):
    """No point and no zero where none is needed, and zero has no sign."""
    expected = {"1": "1", "1.0": "1", "100": "100", "-2.00": "-2", "0": "0", "-0.0": "0", "-0": "0"}
    assert verdicts(workspace, expected, 'type = "number"') == expected


def test_a_decimal_without_whole_digits_has_a_zero_before_the_point(workspace):
    """As it has in every other decimal."""
    expected = {"0.5": "0.50", "-.05": "-0.05", "0": "0.00", ".99": "0.99"}
    assert verdicts(workspace, expected, 'type = "decimal(2,2)"') == expected


@pytest.mark.parametrize("kind", ["int", "decimal", "decimal(0,0)", "decimal(39,2)", "decimal(2,3)", "Integer", ""])
def test_a_type_that_does_not_exist(workspace, kind):
    """An error names the key and the types there are."""
    with pytest.raises(ConfigError, match=r"columns\.x\.type") as error:
        workspace(f'[datasets.default.columns.x]\ntype = "{kind}"\n')
    assert "precision" in str(error.value) or "decimal(p,s)" in error.value.remedy


# -------------------------------------------------------------------------------- beside plain Python


def near(*texts: str):
    """Texts that are nearly one of these."""
    letters = st.sampled_from("0123456789+-.eE: TZ/_,")

    def touch(text, place, what, letter):
        place %= len(text) + 1
        return text[:place] + (letter if what != "delete" else "") + text[place + (what != "insert") :]

    kinds = st.sampled_from(["insert", "delete", "replace"])
    return st.builds(touch, st.sampled_from(texts) | st.sampled_from(texts), st.integers(0, 60), kinds, letters)


def lists(*strategies):
    """Many cells for one run."""
    return st.lists(st.one_of(*strategies), min_size=30, max_size=120)


def python_integer(cell):
    """A whole number of 64 bits."""
    if not re.fullmatch("[+-]?[0-9]+", cell) or not -(2**63) <= int(cell) < 2**63:
        return REFUSED
    return str(int(cell))


def python_decimal(cell, precision, scale):
    """A number with so many digits, so many of them behind the point."""
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", cell):
        return REFUSED
    units = Fraction(cell) * 10**scale
    if units != int(units) or abs(units) >= 10**precision:
        return REFUSED
    digits = str(abs(int(units))).rjust(scale + 1, "0")
    whole, fraction = digits[: len(digits) - scale], digits[len(digits) - scale :]
    return ("-" if units < 0 else "") + whole + ("." + fraction if scale else "")


def python_number(cell):
    """A finite number that gives the digits back, as its shortest text or rounded to as many as there are."""
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", cell):
        return REFUSED
    value, digits = float(cell), significant(cell)
    if abs(value) == float("inf") or (value == 0 and digits):
        return REFUSED
    given_back = [repr(value)] + ([f"{value:.{len(digits) - 1}e}"] if 0 < len(digits) <= 17 else [])
    if digits not in map(significant, given_back):
        return REFUSED
    return repr(value + 0.0).removesuffix(".0")


def significant(text):
    """The significant digits of a number's text."""
    return re.sub("[^0-9]", "", re.split("[eE]", text)[0]).strip("0")


def python_date(cell):
    """A day of the calendar."""
    try:
        return cell if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", cell) and date.fromisoformat(cell) else REFUSED
    except ValueError:
        return REFUSED


ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are compared as microseconds from here, in UTC


def microseconds(local: datetime) -> int:
    """From the epoch to a clock time."""
    return (local - EPOCH) // timedelta(microseconds=1)


def python_timestamp(cell):
    """ISO 8601, as far as the specification goes: (as published, instant in UTC)."""
    if not (match := ISO.fullmatch(cell)):
        return REFUSED
    day, clock, seconds, fraction, offset = match.groups()
    try:
        text = f"{day}T{clock or '00:00'}:{seconds or '00'}.{(fraction or '0').ljust(6, '0')}"
        local = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f")  # noqa: DTZ007 - the offset is added below
        shift = datetime.strptime(offset or "Z", "%z").utcoffset() // timedelta(microseconds=1)
    except ValueError:
        return REFUSED
    return local.isoformat() + (offset or ""), microseconds(local) - shift


def instants(ws) -> dict[str, int]:
    """The timestamps of column x as the ledger has them, in microseconds, by key."""
    parts = [str(path) for path in ws.layout.ledger("default").rglob("*.parquet")]
    return dict(duckdb.execute("SELECT id, epoch_us(x) FROM read_parquet(?)", [parts]).fetchall())


def stamped(workspace, cells, dataset=DATASET):
    """For each cell (as published, instant in UTC), or REFUSED."""
    cells = list(dict.fromkeys(cells))
    ws = judged(workspace, cells, 'type = "timestamp"', dataset)
    texts, found = published(ws), instants(ws)
    return {c: (texts[str(n)], found[str(n)]) if str(n) in texts else REFUSED for n, c in enumerate(cells)}


@RUNS
@given(
    lists(
        st.integers(-(2**64), 2**64).map(str),
        st.integers(-(10**20), 10**20).map(lambda n: f"{n:+025}"),
        near("9223372036854775807", "-9223372036854775808", "+12", "-0"),
    )
)
def test_integers_are_those_of_python(workspace, cells):
    """Verdict and text are those of int(), within 64 bits."""
    assert verdicts(workspace, cells, 'type = "integer"') == {cell: python_integer(cell) for cell in cells}


@RUNS
@given(
    st.sampled_from([(10, 2), (4, 0), (18, 18), (5, 4), (38, 10), (1, 0)]),
    lists(
        st.decimals(-(10**9), 10**9, places=2).map(str),
        st.decimals(allow_nan=False, allow_infinity=False).map(lambda d: f"{d:f}"[:60]),
        st.integers(0, 99999).map(lambda n: f"{n}.{n:05}"),
        near("12345678.99", "-0.10", "+00000001.5000", "9999", "0.9999", ".5", "5."),
    ),
)
def test_decimals_are_those_of_python(workspace, size, cells):
    """Verdict and text are those of exact arithmetic."""
    texts = verdicts(workspace, cells, f'type = "decimal({size[0]},{size[1]})"')
    if size == (18, 18):  # bug T2
        texts = {c: text and re.sub(r"^(-?)\.", r"\g<1>0.", text) for c, text in texts.items()}
    assert texts == {cell: python_decimal(cell, *size) for cell in cells}


@RUNS
@given(
    lists(
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.floats().map(str),
        st.builds("{}e{}".format, st.decimals(-100, 100, places=5), st.integers(-420, 420)),
        st.integers(0, 10**25).map(str),
        st.builds("{:.{}e}".format, st.floats(allow_nan=False, allow_infinity=False), st.integers(13, 18)),
        st.builds("{:.{}g}".format, st.floats(-1e9, 1e9), st.integers(14, 19)),
        st.builds("{:.{}e}".format, st.floats(-1e-300, 1e-300), st.integers(0, 18)),  # among them those of few bits
        near("1.7976931348623157e308", "-0.0", "5e-324", "1e400", "123.456", ".5", "5.", "0.10000000000000001"),
        near("9007199254740993", "4.9406564584124654e-324"),
    )
)
def test_numbers_are_those_of_python(workspace, cells):
    """Verdict and text are those of float() and its texts; what vanishes, overflows or is rounded is refused."""
    found = verdicts(workspace, cells, 'type = "number"')
    found = {cell: text and text.removesuffix(".0") for cell, text in found.items()}
    assert found == {cell: python_number(cell) for cell in cells}


@RUNS
@given(lists(st.dates().map(str), near("2024-02-29", "1900-02-28", "0001-01-01", "9999-12-31", "2023-04-30")))
def test_dates_are_those_of_python(workspace, cells):
    """Verdict and text are those of the calendar."""
    assert verdicts(workspace, cells, 'type = "date"') == {cell: python_date(cell) for cell in cells}


OFFSETS = st.sampled_from(["", "", "Z", "+00:00", "-00:30", "+05:45", "+14:00", "-12:00", "+23:59", "+24:00"])
CLOCKS = ["2024-02-29T23:59:59.999999Z", "2023-12-31 00:00+01:00", "0001-01-01", "9999-12-31T23:59", "1969-12-31Z"]


@st.composite
def stamps(draw):
    """A timestamp of any precision."""
    moment = draw(st.datetimes()).isoformat(draw(st.sampled_from("T ")))
    return moment[: draw(st.sampled_from([10, 13, 16, 19, 21, 23, 26]))] + draw(OFFSETS)


@RUNS
@given(lists(stamps(), near(*CLOCKS)))
def test_timestamps_are_those_of_python(workspace, cells):
    """Verdict, text and instant are those of datetime."""
    assert stamped(workspace, cells) == {cell: python_timestamp(cell) for cell in cells}


# -------------------------------------------------------------------------------- time zones

ZONES = ["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Monrovia", "Asia/Kolkata"]


def local(zone: str) -> str:
    """The settings of a dataset whose timestamps are local ones."""
    return f'{DATASET}timezone = "{zone}"\n'


def python_local(cell, zone):
    """A local time without an offset: (as published, instant); REFUSED if it does not exist, or twice."""
    moment = datetime.fromisoformat(cell)
    early, late = (moment.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1))
    if early != late:
        return REFUSED
    return moment.isoformat(), microseconds(moment) - early // timedelta(microseconds=1)


def test_hours_that_do_not_exist_or_exist_twice(workspace):
    """In Rome, 2024: from 02:00 to 03:00, exclusively, they are refused; with an offset they are not."""
    there = ["2024-03-31T01:59:59.999999", "2024-03-31T03:00", "2024-10-27T01:59:59", "2024-10-27T03:00", "2024-06-01"]
    gone = ["2024-03-31T02:00", "2024-03-31T02:59:59.999999", "2024-10-27T02:00", "2024-10-27T02:59:59.999999"]
    plain = ["2024-03-31T02:30+01:00", "2024-10-27T02:30+02:00", "2024-10-27T02:30+01:00", "2024-03-31T02:30Z"]
    found = stamped(workspace, [*there, *gone, *plain], local("Europe/Rome"))
    assert [cell for cell in found if found[cell] is REFUSED] == gone
    assert found["2024-06-01"] == ("2024-06-01T00:00:00", microseconds(datetime.fromisoformat("2024-05-31T22:00")))
    assert found["2024-03-31T02:30+01:00"][0] == "2024-03-31T02:30:00+01:00"


@pytest.mark.parametrize("zone", ZONES)
def test_local_times_are_those_of_python(workspace, zone):
    """Around each change of the clocks from 1970 to 2030: verdict, text and instant are those of zoneinfo."""
    cells, before = [], None
    for day in range(0, 60 * 365, 1):
        noon = datetime(1970, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
        offset = noon.astimezone(ZoneInfo(zone)).utcoffset()
        if offset != before:
            start = noon.replace(tzinfo=None) - timedelta(hours=30)
            cells += [(start + timedelta(minutes=30 * n)).isoformat() for n in range(110)]
        before = offset
    expected = {cell: python_local(cell, zone) for cell in cells}
    assert stamped(workspace, cells, local(zone)) == expected


def test_the_instant_orders_the_versions_of_a_key(workspace):
    """Local times, offsets and formats compare as instants, in the column that orders the rows, too."""
    rows = ["1,2024-07-01T12:00,rome", "1,2024-07-01T11:00Z,zulu", "1,2024-07-01T12:30+02:00,offset"]
    ws = workspace(local("Europe/Rome"), **{"a.csv": "id,timestamp,v\n" + "\n".join(rows)})
    ws.run()
    assert latest(ws) == "id,timestamp,v\n1,2024-07-01T11:00Z,zulu\n"


# -------------------------------------------------------------------------------- declared formats

FORMATS = {
    "%d/%m/%Y": {"01/02/2024": "2024-02-01T00:00:00", "1/2/2024": "2024-02-01T00:00:00", "13/13/2024": REFUSED},
    "%m/%d/%Y": {"01/02/2024": "2024-01-02T00:00:00", "02/30/2024": REFUSED, "1/2/24": REFUSED},
    "%m/%d/%y %H:%M": {"4/7/20 23:06": "2020-04-07T23:06:00", "1/1/68 0:00": "2068-01-01T00:00:00"},
    "%d.%m.%y": {"31.12.69": "1969-12-31T00:00:00", "31.12.99": "1999-12-31T00:00:00", "31.12.1999": REFUSED},
    "%Y%m%d": {"20240229": "2024-02-29T00:00:00", "20230229": REFUSED, "2024229": REFUSED, "202401011": REFUSED},
    "%d %B %Y, %I:%M %p": {
        "1 March 2024, 12:00 AM": "2024-03-01T00:00:00",
        "01 MARCH 2024, 12:30 pm": "2024-03-01T12:30:00",
        "1 March 2024, 13:00 PM": REFUSED,
    },
    "%a, %d %b %Y %H:%M:%S %z": {
        "Thu, 01 Feb 2024 10:00:00 +0530": "2024-02-01T10:00:00+05:30",
        "Thu, 01 Feb 2024 10:00:00 Z": "2024-02-01T10:00:00Z",
        "Thu, 01 Feb 2024 10:00:00": REFUSED,
    },
    "%Y-%m-%dT%H:%M:%S.%f%z": {
        "2024-02-01T10:00:00.5-08:00": "2024-02-01T10:00:00.500000-08:00",
        "2024-02-01T10:00:00.123456Z": "2024-02-01T10:00:00.123456Z",
    },
    "%Y-%j": {"2024-366": "2024-12-31T00:00:00", "2023-001": "2023-01-01T00:00:00"},
    "%Y %% %m": {"2024 % 03": "2024-03-01T00:00:00", "2024 %% 03": REFUSED},
    "(%Y)": {"(2024)": "2024-01-01T00:00:00", "2024": REFUSED},
}


@pytest.mark.parametrize("layout", FORMATS)
def test_declared_formats(workspace, layout):
    """What a format says is read so, and nothing else is guessed."""
    expected = FORMATS[layout]
    dataset = f"{DATASET}timestamp_formats = [{json.dumps(layout)}]\n"
    assert verdicts(workspace, expected, 'type = "timestamp"', dataset) == expected


def test_formats_are_tried_in_order_and_before_iso(workspace):
    """The first that fits decides; ISO 8601 is always understood."""
    dataset = DATASET + 'timestamp_formats = ["%d/%m/%Y", "%m/%d/%Y", "%Y-%d-%m"]\n'
    expected = {"01/02/2024": "2024-02-01", "01/13/2024": "2024-01-13", "2024-01-02": "2024-02-01"}
    expected |= {"2024-01-13": "2024-01-13", "2024-01-02 00:00": "2024-01-02"}
    found = verdicts(workspace, expected, 'type = "timestamp"', dataset)
    assert found == {cell: f"{day}T00:00:00" for cell, day in expected.items()}


def test_a_format_may_end_in_a_letter_that_looks_like_an_offset(workspace):
    """A literal Z is a letter: the time is local, and is published without an offset."""
    dataset = local("Europe/Rome") + 'timestamp_formats = ["%Y-%m-%dT%H:%M:%SZ"]\n'
    found = verdicts(workspace, ["2024-07-01T12:00:00Z"], 'type = "timestamp"', dataset)
    assert found == {"2024-07-01T12:00:00Z": "2024-07-01T12:00:00"}


LAYOUTS = ["%d/%m/%Y", "%m/%d/%y %H:%M", "%d-%b-%Y %I:%M:%S %p", "%Y%m%dT%H%M%S", "%A %d %B %Y", "%j/%Y %H:%M:%S.%f"]
LAYOUTS += ["%Y-%m-%d %H:%M:%S %z", "%d.%m.%Y", "%H:%M:%S.%f %d/%m/%y"]
moments = st.builds(
    lambda moment, minutes: moment.replace(tzinfo=timezone(timedelta(minutes=minutes))),
    st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31)),  # noqa: DTZ001 - the zone comes after
    st.sampled_from([0, 60, -150, 840]),
)


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(RUNS, max_examples=3)
@given(st.lists(moments, min_size=20, max_size=60), st.data())
def test_formats_are_those_of_python(workspace, layout, moments, data):
    """What strftime writes is accepted; whatever is accepted means what strptime says."""
    written = [moment.strftime(layout) for moment in moments]
    touched = data.draw(st.lists(near(*written), max_size=60))
    dataset = f"{DATASET}timestamp_formats = [{json.dumps(layout)}]\n"
    found = stamped(workspace, [*written, *touched], dataset)
    assert [cell for cell in written if found[cell] is REFUSED] == []
    for cell in found:
        if found[cell] is not REFUSED and not ISO.fullmatch(cell):
            said = datetime.strptime(cell, layout)  # noqa: DTZ007 - the format may have an offset
            shift = (said.utcoffset() or timedelta()) // timedelta(microseconds=1)
            assert found[cell][1] == microseconds(said.replace(tzinfo=None)) - shift


@pytest.mark.parametrize("layout", ["%c", "%Q", "%Y%", "%z %Y"])
def test_a_format_that_is_not_understood(workspace, layout):
    """An error names the key, before anything is read."""
    with pytest.raises(ConfigError, match="timestamp_formats"):
        workspace(f'[datasets.default]\ntimestamp_formats = ["{layout}"]\n')


# -------------------------------------------------------------------------------- the timestamp column


def test_the_timestamp_column_is_published_as_it_came(workspace):
    """It orders the rows, but its text is not touched, unless it has a type."""
    text = "id,timestamp\n1,2024-01-01 10:00\n2,2024-01-01T10:00:00.50Z\n"
    plain, typed = (
        workspace(DATASET + columns, **{"a.csv": text})
        for columns in ("", '[datasets.default.columns.timestamp]\ntype = "timestamp"\n')
    )
    plain.run()
    typed.run()
    assert latest(plain) == text
    assert latest(typed) == "id,timestamp\n1,2024-01-01T10:00:00\n2,2024-01-01T10:00:00.500000Z\n"


def test_a_timestamp_that_is_none_is_refused(workspace):
    """An empty one as `nullable`, another one as `timestamp`."""
    ws = workspace(**{"a.csv": "id,timestamp\n1,\n2,soon\n3,2024-02-30\n4,2024-02-29\n"})
    ws.run()
    assert [(r.row, r.rule) for r in ws.rejects()] == [(1, "nullable"), (2, "timestamp"), (3, "timestamp")]
    assert latest(ws) == "id,timestamp,source_filename\n4,2024-02-29,a.csv\n"


def test_max_future(workspace):
    """What is later than now and a day is refused, unless it is allowed."""
    now = datetime.now(UTC)
    near_, far = (f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (23, 25))
    text = f"id,timestamp\n1,{near_}\n2,{far}\n3,2922-01-01\n"
    spaces = [workspace(f'[datasets.default]\nmax_future = "{limit}"\n') for limit in ("1d", "26h", "off", "0s")]
    rejected = []
    for ws in spaces:
        (ws.layout.queue / "a.csv").write_text(text)
        ws.run()
        rejected.append([r.row for r in ws.rejects() if r.rule == "max_future"])
    assert rejected == [[2, 3], [3], [], [1, 2, 3]]


# -------------------------------------------------------------------------------- rules

RULES = {  # settings: good cells, bad cells, the rule that refuses them
    "nullable = false": (["x", " ", "0"], [""], "nullable"),
    'pattern = "[A-Z]{2}"': (["AB", ""], ["ab", "ABC", "A", " AB", "AB\n"], "pattern"),
    'pattern = "a.*"': (["a", "ab", ""], ["ba", "a\nb"], "pattern"),
    'pattern = "x|yz"': (["x", "yz"], ["xz", "y"], "pattern"),
    "min_length = 2": (["ab", "é😀", "", "a\n"], ["a", "😀"], "min_length"),
    "max_length = 2": (["ab", "😀😀", "", "é"], ["abc", "e\u0301x"], "max_length"),
    'values = ["on", "off"]': (["on", "off", ""], ["On", "on ", "x"], "values"),
    'type = "integer"\nvalues = [1, 2]': (["1", "+2", "01", ""], ["3", "0"], "values"),
    'type = "decimal(5,2)"\nvalues = [1.5]': (["1.5", "1.50", ""], ["1.51", "1"], "values"),
    'type = "boolean"\nvalues = [true]': (["true", "TRUE", ""], ["false"], "values"),
    'type = "date"\nvalues = [2024-01-01]': (["2024-01-01", ""], ["2024-01-02"], "values"),
    'type = "integer"\nmin = 0': (["0", "9", "-0", ""], ["-1"], "min"),
    'type = "integer"\nmax = 10': (["10", "9", "-99", ""], ["11", "100"], "max"),
    'type = "decimal(5,2)"\nmax = 9.99': (["9.99", "9.990"], ["10", "10.00"], "max"),
    'type = "decimal(38,2)"\nmin = "0.10"': (["0.10", "0.1", "9" * 36], ["0.09", "-1"], "min"),
    'type = "number"\nmin = -0.5\nmax = 1e3': (["-0.5", "1000", "1e3"], ["-0.51"], "min"),
    'type = "date"\nmin = 2024-01-01': (["2024-01-01", "9999-12-31"], ["2023-12-31"], "min"),
    'type = "timestamp"\nmax = 2024-01-01T12:00:00Z': (
        ["2024-01-01T12:00Z", "2024-01-01T13:00+01:00"],
        ["2024-01-01T12:00:00.000001", "2024-01-01T12:00-00:01"],
        "max",
    ),
    "unique = true": (["a", "b", "A", "a "], [], "unique"),
}


@pytest.mark.parametrize("rules", RULES)
def test_rules(workspace, rules):
    """A rule refuses the rows that break it, under its name, and no others; an empty cell breaks none."""
    good, bad, rule = RULES[rules]
    assert refused(workspace, [*good, *bad], rules) == dict.fromkeys(bad, rule)


def test_unique_refuses_all_but_the_first(workspace):
    """Within a file; empty cells may stand more than once."""
    ws = judged(workspace, ["a", "b", "a", "", "", "a"], "unique = true")
    assert [(r.row, r.rule) for r in ws.rejects()] == [(3, "unique"), (6, "unique")]


def test_unique_compares_values_in_their_type(workspace):
    """1.5 and 1.50 are one decimal."""
    ws = judged(workspace, ["1.5", "1.50", "2"], 'type = "decimal(5,2)"\nunique = true')
    assert [r.row for r in ws.rejects()] == [2]


def test_unique_is_judged_file_by_file(workspace):
    """The same cell in another file of the run is no twin."""
    text = "id,timestamp,x\n{},2024-01-01,a\n"
    files = {"a.csv": text.format(1), "b.csv": text.format(2)}
    ws = workspace("[datasets.default.columns.x]\nunique = true\n", **files)
    assert ws.run().datasets[0].counts.accepted == 2


def test_a_row_tells_every_rule_that_it_breaks(workspace):
    """One reject for each, all of the same row."""
    ws = workspace(
        '[datasets.default.columns.x]\ntype = "integer"\nmax_length = 1\n'
        "[datasets.default.columns.y]\nnullable = false\n",
        **{"a.csv": "id,timestamp,x,y\n,soon,ab,\n"},
    )
    assert ws.run().datasets[0].counts.rejected == 1
    told = {(r.row, r.column, r.rule, r.value) for r in ws.rejects()}
    assert told == {
        (1, "x", "type", "ab"),
        (1, "x", "max_length", "ab"),
        (1, "y", "nullable", ""),
        (1, "id", "nullable", ""),
        (1, "timestamp", "timestamp", "soon"),
    }


def test_a_pattern_with_a_line_end(workspace):
    """The reason is told, on one line."""
    (told,) = judged(workspace, ["x"], 'pattern = "a\\nb"').rejects()
    assert (told.rule, told.reason) == ("pattern", "x does not match a b")


BROKEN = {
    'min = "a"\ntype = "integer"': "min",
    'max = 1.555\ntype = "decimal(5,2)"': "max",
    'values = ["x"]\ntype = "date"': "values",
    'pattern = "("': "pattern",
    'pattern = "(?=a)"': "pattern",
}


@pytest.mark.parametrize("rules", BROKEN)
def test_rules_that_make_no_sense_stop_the_run(workspace, rules):
    """An error names the key; the file stays in the queue."""
    ws = workspace(f"[datasets.default.columns.x]\n{rules}\n", **{"a.csv": "id,timestamp,x\n1,2024-01-01,a\n"})
    error = ws.run().datasets[0].error
    assert (error.name, error.code) == ("ConfigError", 2)
    assert f"columns.x.{BROKEN[rules]}" in error.message
    assert (ws.layout.queue / "a.csv").exists()


@pytest.mark.parametrize(
    "rules",
    ["min = 1", "max = 1", 'type = "boolean"\nmin = 1', 'type = "uuid"\nmax = 1', "min_length = 3\nmax_length = 2"],
)
def test_rules_that_contradict_the_type(workspace, rules):
    """They are errors as soon as the configuration is read."""
    with pytest.raises(ConfigError, match=r"columns\.x\.m"):
        workspace(f"[datasets.default.columns.x]\n{rules}\n")


# -------------------------------------------------------------------------------- headers


def header_status(workspace, config, header):
    """What becomes of a file with this header: its status, the warnings, the column told in `rejects`."""
    width = header.count(",") + 1
    ws = workspace(config, **{"a.csv": f"{header}\n" + ",".join(["2024-01-01"] * width) + "\n"})
    (file,) = ws.run().datasets[0].files
    return file.status, file.warnings, [r.column for r in ws.rejects()], ws


@pytest.mark.parametrize("header", ["id,v", "timestamp,v", "v", "x;y"])
def test_key_and_timestamp_must_be_there(workspace, header):
    """A header without one of them refuses the file and says what it has."""
    status, (warning,), columns, _ = header_status(workspace, "", header)
    assert (status, len(columns)) == ("rejected", 1)
    assert "the header lacks" in warning


def test_a_declared_column_must_be_there_unless_it_is_optional(workspace):
    """`required = false` lets a file do without."""
    config = "[datasets.default.columns.x]\nrequired = {}\n"
    assert header_status(workspace, config.format("true"), "id,timestamp")[::2][:2] == ("rejected", ["x"])
    assert header_status(workspace, config.format("false"), "id,timestamp")[0] == "applied"


def test_an_alias_is_the_column(workspace):
    """Published under the declared name, in any case, and told."""
    config = DATASET + '[datasets.default.columns.amount]\naliases = ["Amount (GBP)", "betrag"]\n'
    for alias in ("Amount (GBP)", "betrag"):
        status, warnings, _, ws = header_status(workspace, config, f"id,timestamp,{alias}")
        assert (status, warnings) == ("applied", [f"column {alias!r} was taken for 'amount': an alias of it"])
        assert latest(ws).startswith("id,timestamp,amount\n")
    status, warnings, _, ws = header_status(workspace, config, "id,timestamp,BETRAG")
    assert (status, warnings) == ("applied", ["column 'BETRAG' was taken for 'amount': the same but for case"])


def test_an_alias_beside_its_column_refuses_the_file(workspace):
    """Two cells cannot both be the column."""
    config = '[datasets.default.columns.x]\naliases = ["y"]\n'
    assert header_status(workspace, config, "id,timestamp,x,y")[0] == "rejected"


def test_an_alias_that_means_two_columns(workspace):
    """It is an error of the configuration."""
    columns = '[datasets.default.columns.x]\naliases = ["z"]\n[datasets.default.columns.y]\naliases = ["Z"]\n'
    with pytest.raises(ConfigError, match="aliases"):
        workspace(columns)


@pytest.mark.parametrize("header", ["id,timestamp,id", "id,timestamp,ID", "id,timestamp,v,V", "id,timestamp,é,É"])
def test_a_name_that_stands_twice_refuses_the_file(workspace, header):
    """Without regard to case."""
    status, (warning,), _, _ = header_status(workspace, "", header)
    assert status == "rejected"
    assert "twice" in warning


@pytest.mark.parametrize(
    ("policy", "header", "status"),
    [("keep", "id,timestamp,v", "applied"), ("ignore", "id,timestamp", "applied"), ("reject", None, "rejected")],
)
def test_extra_columns(workspace, policy, header, status):
    """Undeclared columns are kept, left out, or refuse the file."""
    config = f'{DATASET}extra_columns = "{policy}"\n'
    found, _, _, ws = header_status(workspace, config, "id,timestamp,v")
    assert found == status
    assert header is None or latest(ws).splitlines()[0] == header


def test_columns_that_are_left_out(workspace):
    """Without a name, a lineage column's, one of the rejects': each is in a warning; empty names may be many."""
    header = "id,,timestamp,,Source_Filename,loaded_at,_reject_row,_REJECT_x"
    status, warnings, _, ws = header_status(workspace, "", header)
    told = " ".join(warnings)
    assert status == "applied"
    named = ("column 2 ", "column 4 ", "'Source_Filename'", "'loaded_at'", "'_reject_row'", "'_REJECT_x'")
    assert [name for name in named if name not in told] == []
    assert latest(ws) == "id,timestamp,source_filename\n2024-01-01,2024-01-01,a.csv\n"


def test_the_program_ends_with_1_where_rows_were_refused(workspace):
    """And `rejects --json` tells row, column, rule and value; `run --json` the counts."""
    ws = workspace(
        '[datasets.default.columns.x]\ntype = "integer"\n', **{"a.csv": "id,timestamp,x\n1,2024-01-01,1.5\n"}
    )
    run = run_cli("run", "--json", workspace=ws)
    assert run.returncode == 1
    assert json.loads(run.stdout)["datasets"][0]["counts"]["rejected"] == 1
    (told,) = json.loads(run_cli("rejects", "--json", workspace=ws).stdout)
    assert told.pop("reason") == "x is not a whole number of at most 64 bits"
    assert told == {"file": "a.csv", "row": 1, "column": "x", "rule": "type", "value": "1.5"}
