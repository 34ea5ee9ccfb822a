"""What was published reads back as what was stored: a spliced view is merged from its own lines."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshotter import narrow
from snapshotter.config import DatasetConfig
from snapshotter.contract import compile_contract
from snapshotter.contract.columns import StoredColumn
from snapshotter.publish import ViewColumn, field_of, text

FORMATS = ["%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S.%f %z", "%b %d %Y %I%p"]
ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Africa/Monrovia"]
TYPES = {
    "string": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    "integer": st.integers(-(2**63), 2**63 - 1).map(str),
    "number": st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "decimal(10,2)": st.integers(-(10**10) + 1, 10**10 - 1).map(lambda n: f"{n / 100:.2f}"),
    "decimal(38,20)": st.decimals(-(10**17), 10**17, places=20).map(lambda d: f"{d:f}"),
    "date": st.dates().map(str),
    "boolean": st.booleans().map(lambda b: str(b).lower()),
    "uuid": st.uuids().map(str),
    "email": st.sampled_from(["a@example.org", "é.b+c@example.co.uk"]),
}
LOCAL = st.datetimes()
OFFSETS = st.sampled_from(["", "Z", "+00:00", "-00:00", "+05:45", "-03:30", "+14:00", "-12:00", "+23:59"])
STAMPS = st.one_of(
    st.builds(lambda at, offset: at.isoformat(timespec="microseconds") + offset, LOCAL, OFFSETS),
    st.builds(lambda at, offset: at.isoformat(" ", timespec="seconds") + offset, LOCAL, OFFSETS),
    st.dates().map(str),
    LOCAL.map(lambda at: f"{at:%d.%m.}{at.year:04} {at:%H:%M}"),
    st.builds(lambda at, o: f"{at:%d.%m.}{at.year:04} {at:%H:%M:%S.%f} {o or 'Z'}", LOCAL, OFFSETS),
    LOCAL.map(lambda at: f"{at:%b %d} {at.year:04} {at:%I%p}"),
)
ROUND = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def connection():
    """An engine of its own, with the settings on which texts depend."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def there_and_back(connection, cells, kind, **config):
    """Each cell that is of its type: (the cell, what was stored, what its published text reads back as)."""
    columns = {"x": {"type": kind}} if kind else {}
    contract = compile_contract("default", DatasetConfig.model_validate({"columns": columns, **config}))
    column = StoredColumn("x", "x", kind, offset="x_offset" if kind == "timestamp" else None)
    field = field_of(7, column)
    shown = ViewColumn("x", field, column)
    if field.has_offset:
        stored = [contract.clock.instant("c0", contract.parameters), contract.clock.offset("c0", contract.parameters)]
    else:
        stored = ["c0" if field.is_text else f"CASE WHEN c0 <> '' THEN {contract.type(kind).parse('c0')} END"]
    named = ", ".join(f"{sql} AS {name}" for sql, name in zip(stored, field.names, strict=True))
    back = ", ".join(narrow._stored(shown, "r.c0", contract))
    one, other = (f"row({', '.join(alias + name for name in field.names)})" for alias in ("p.", "b."))
    published = f"coalesce({text(shown, contract)}, '')"
    connection.execute("CREATE OR REPLACE TABLE raw AS SELECT unnest($cells::VARCHAR[]) AS c0", {"cells": cells})
    stored_rows = f"SELECT rowid AS n, c0 AS cell, {named} FROM raw"
    query = (
        f"WITH p AS ({stored_rows}), q AS (SELECT n, cell, {published} AS c0, {one} AS was FROM p), "
        f"b AS (SELECT r.n, r.cell, r.c0, r.was, {back} FROM q r) "
        f"SELECT cell, was, {other} AS reads, c0, was IS NOT DISTINCT FROM {other} FROM b ORDER BY n"
    )
    return connection.execute(query, contract.parameters.used_by(query)).fetchall()


@pytest.mark.parametrize("kind", TYPES)
def test_a_published_cell_reads_back(connection, kind):
    """Of each type: the stored value, and NULL (or no text) of an empty cell."""

    @ROUND
    @given(st.lists(TYPES[kind], min_size=1, max_size=50))
    def claim(cells):
        for cell, was, reads, _, same in there_and_back(connection, ["", *cells], kind):
            assert same, (cell, was, reads)

    claim()


@pytest.mark.parametrize("zone", ZONES)
def test_a_published_timestamp_reads_back(connection, zone):
    """Instant and offset, under any zone, whatever formats it came in."""

    @ROUND
    @given(st.lists(STAMPS, min_size=1, max_size=50), st.lists(st.sampled_from(FORMATS), unique=True))
    def claim(cells, formats):
        options = {"timezone": zone, "timestamp_formats": formats}
        for cell, was, reads, published, same in there_and_back(connection, ["", *cells], "timestamp", **options):
            assert same, (cell, was, reads, published)

    claim()
