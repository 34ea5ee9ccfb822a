#!/usr/bin/env python3
"""Whether two files hold the same rows: the same keys, and for each the same winner. Prints one JSON object.

    python benchmarks/same.py OURS THEIRS

Compared are the values of all columns but the lineage (peers write a path, a name, or nothing): `5.1` is `5.10`.
"""

from __future__ import annotations

import json
import sys

TYPES = {
    "id": "BIGINT",
    "name": "VARCHAR",
    "email": "VARCHAR",
    "city": "VARCHAR",
    "amount": "DECIMAL(10, 2)",
    "quantity": "INTEGER",
    "description": "VARCHAR",
    "timestamp": "TIMESTAMP",
}


def difference(ours: str, theirs: str) -> dict[str, int]:
    """How many keys there are, and how many are only here, only there, or won by another row there."""
    import duckdb

    connection = duckdb.connect()
    columns = ", ".join(TYPES)
    for name, path in (("ours", ours), ("theirs", theirs)):
        connection.read_csv(path, header=True, sep=",", quotechar=chr(34), dtype=TYPES).create_view(name)
    # A sum over hashes needs no memory; only where it differs is it worth to say how much.
    total = f"SELECT count(*), count(DISTINCT id), sum(hash({columns})::HUGEINT) FROM "
    here, there = (connection.execute(total + name).fetchone() for name in ("ours", "theirs"))
    assert here is not None
    if here == there:
        return {"keys": here[0], "missing": 0, "extra": 0, "other": 0}
    equal = " AND ".join(f"o.{name} IS NOT DISTINCT FROM t.{name}" for name in TYPES if name != "id")
    found = connection.execute(
        f"""SELECT count(*) FILTER (t.id IS NULL), count(*) FILTER (o.id IS NULL),
            count(*) FILTER (o.id IS NOT NULL AND t.id IS NOT NULL AND NOT ({equal}))
            FROM ours o FULL JOIN theirs t ON o.id = t.id"""
    ).fetchone()
    assert found is not None
    return {"keys": here[0], "missing": found[0], "extra": found[1], "other": found[2]}


if __name__ == "__main__":
    print(json.dumps(difference(*sys.argv[1:])))
