"""A small source of two tables with every type, and what the tests of dirt share."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from snapshotter.testdata import Batch, demo
from snapshotter.testdata.draws import Draws, mix
from snapshotter.testdata.source import Field, Source, Table

PEOPLE = Table(
    name="people",
    match="people-*.csv*",
    key=("code", "site"),
    timestamp="seen_at",
    batch_time="%Y%m%d",
    deleted=("state", "gone"),
    fields={
        "code": Field(),
        "site": Field(type="integer", nullable=True),
        "name": Field(),
        "email": Field(type="email", nullable=True),
        "balance": Field(type="decimal(8,2)"),
        "ratio": Field(type="number", nullable=True),
        "born": Field(type="date", nullable=True),
        "member": Field(type="boolean"),
        "token": Field(type="uuid"),
        "state": Field(values=("new", "kept", "gone")),
        "notes": Field(nullable=True, required=False),
        "seen_at": Field(type="timestamp"),
    },
)
EVENTS = Table(
    name="events",
    match="events_*.csv",
    key=("number",),
    timestamp="happened",
    fields={
        "number": Field(type="integer"),
        "who": Field(refers=("people", "code")),
        "description": Field(nullable=True),
        "valid_from": Field(type="timestamp", nullable=True),
        "quantity": Field(type="integer"),
        "happened": Field(),
    },
)
_NAMES = ("Zoë Ångström", "Ann Lee", 'Bob "B" Ray', "Çelik, Ada", "Łucja Nowak", "Eve\nline", "O'Neil", "Dee")
_NAMES += (", comma first", '"quoted"', '"', ",", "\n", "ends in,", " blank first", "Bo\r\nth")
_START = datetime(2023, 1, 9, 6, 30)  # noqa: DTZ001  (files hold local times)


def typed(files=40, rows=60, seed=0):
    """A source of two tables with every type, delete marks and, in one of them, a time in the names of the files."""

    def batches():
        for number in range(files):
            at = _START + timedelta(days=number)
            table, made = (PEOPLE, _person) if number % 2 == 0 else (EVENTS, _event)
            words = mix(np.arange(rows, dtype=np.uint64), Draws(seed, 1, number).word()).tolist()
            records = [made(word, at) for word in words]
            name = f"people-{at:%Y%m%d}.csv" if table is PEOPLE else f"events_{number:03}.csv"
            yield _batch(name, at, table, records)

    return Source(name="typed", tables=(PEOPLE, EVENTS), rows=files * rows, batches=batches)


def _batch(name, at, table, records):
    text = "".join(",".join(map(_cell, record)) + "\n" for record in records)
    who = np.array([f"person of {record[0]}" for record in records], object)
    done = np.array(["a typo in name" if n % 7 == 3 else "" for n in range(len(records))], object)
    columns = dict.fromkeys(table.fields, "str")
    told = (lambda: {"who": who, "done": done}) if table is PEOPLE else None
    return Batch(name, at, len(records), columns, [text.encode], table.name, labels=told)


def _cell(text):
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if set(text) & set(',"\r\n') else text


def _person(word, at):
    moment = at - timedelta(minutes=word % 40_000)
    state = ("new", "kept", "kept", "gone")[word >> 40 & 3]
    return [
        f"{word % 30:03}",
        ("", "1", "2")[word >> 8 & 1],
        _NAMES[word >> 12 & 15],
        f"p{word % 30}@example.com" if word >> 16 & 3 else "",
        f"{(word >> 20) % 9000}.{word >> 33 & 7}" if word >> 18 & 1 else f"{(word >> 20) % 9000}",
        f"{word >> 22 & 63}.{word >> 28 & 7}5" if word >> 19 & 3 else "",
        f"19{50 + (word >> 24) % 50}-0{1 + (word >> 30) % 9}-{10 + (word >> 35) % 19}" if word >> 38 & 3 else "",
        ("true", "false", "Yes", "0")[word >> 42 & 3],
        f"{word:016x}{word ^ 0xABC:016X}"[:8] + "-0000-4000-8000-" + f"{word % 10**12:012}",
        state,
        ("", "call again", "asked for; a|b", "x")[word >> 44 & 3],
        f"{moment:%Y-%m-%dT%H:%M}:00" + ("", "Z", "+02:00", "-05:30")[word >> 46 & 3],
    ]


def _event(word, at):
    moment = at - timedelta(hours=word % 900)
    return [
        f"{word % 45}",
        f"{word % 30:03}",
        ("went; came", "a, b", "", "tab\there", "pipe|d", "naïve")[(word >> 10) % 6],
        f"{moment:%Y-%m-%d}" if word >> 20 & 1 else "",
        f"{(word >> 30) % 50}",
        f"{moment:%Y-%m-%d %H:%M}",
    ]


# Two columns, one of them a date that orders versions; and a key whose second part may be empty, absent columns.
NARROW = Table(
    name="narrow", match="n-*.csv", key=("k",), timestamp="day", fields={"k": Field(), "day": Field(type="date")}
)
WIDE = Table(
    name="wide-1",
    match="w-*.csv*",
    key=("k", "part"),
    timestamp="at",
    deleted=("gone", "true"),
    fields={
        "k": Field(type="number"),
        "part": Field(type="integer", nullable=True),
        "at": Field(type="timestamp"),
        "gone": Field(type="boolean"),
        "a": Field(type="integer", nullable=True, required=False, aliases=("Alpha",)),
        "lat": Field(type="number"),
        "when": Field(type="date", nullable=True),
    },
)


def odd(files=12, rows=12, seed=0):
    """A source of few columns and of odd ones: files that lack a column, a mark that is a boolean."""

    def batches():
        for number in range(files):
            at = datetime(2024, 1, 1) + timedelta(days=number)  # noqa: DTZ001
            words = mix(np.arange(rows, dtype=np.uint64), Draws(seed, 2, number).word()).tolist()
            if number % 2:
                yield _batch(f"n-{number}.csv", at, NARROW, [_narrow(word, at) for word in words])
            else:
                batch = _batch(f"w-{number}.csv", at, WIDE, [_wide(word, at) for word in words])
                yield batch if number % 3 else _without(batch, list(WIDE.fields).index("a"))

    return Source(name="odd", tables=(NARROW, WIDE), rows=files * rows, batches=batches)


def _narrow(word, at):
    return [f"{word % 9}" if word >> 9 & 1 else f"0{word % 5}", f"{at - timedelta(days=word % 40):%Y-%m-%d}"]


def _wide(word, at):
    return [
        f"{word % 7}.{word >> 40 & 3}",
        ("", "1", "10", "9")[word >> 62 & 3],
        f"{at - timedelta(days=word >> 4 & 7):%Y-%m-%d}T10:00:00.{word >> 60 & 1}Z",
        ("t", "f", "no", "TRUE")[word >> 50 & 3],
        "" if word >> 30 & 1 else str(-(word >> 33 & 255)),
        f"-{word >> 20 & 63}.{word >> 26 & 15}",
        "",
    ]


def _without(batch, place):
    """The batch without a column; its cells need no quotes."""
    records = [line.split(",") for line in batch.csv().decode().splitlines()]
    names, *rows = [record[:place] + record[place + 1 :] for record in records]
    text = "".join(",".join(row) + "\n" for row in rows)
    return replace(batch, columns=dict.fromkeys(names, "str"), parts=[text.encode])


def demo_source(rows=3000, files=30, seed=0):
    """The demo as a source of one table."""
    table = Table(
        name="default",
        match="batch_*.csv*",
        key=("id",),
        timestamp="timestamp",
        batch_time="batch_%Y%m%dT%H%M%S",
        fields={
            "id": Field(type="integer"),
            "name": Field(),
            "email": Field(type="email"),
            "city": Field(),
            "amount": Field(type="decimal(10,2)"),
            "quantity": Field(type="integer"),
            "description": Field(),
            "timestamp": Field(type="timestamp"),
        },
    )
    batches = demo(rows, files=files, seed=seed)
    return Source(name="demo", tables=(table,), rows=rows, batches=lambda: iter(batches))


def contracts(tables):
    """A `snapshotter.toml` for tables."""
    lines = []
    for table in tables:
        head = {"match": table.match, "key": table.key, "timestamp": table.timestamp, "encodings": table.encodings}
        head |= {"batch_time": table.batch_time} if table.batch_time else {}
        lines += [f"[datasets.{table.name}]", *(f"{name} = {json.dumps(value)}" for name, value in head.items())]
        if table.deleted:
            column, mark = table.deleted
            lines.append(f"delete_when = {{ column = {json.dumps(column)}, values = [{json.dumps(mark)}] }}")
        for name, its in table.fields.items():
            lines += [f"[datasets.{table.name}.columns.{name}]", f"type = {json.dumps(its.type)}"]
            lines += [f"nullable = {json.dumps(its.nullable)}", f"required = {json.dumps(its.required)}"]
            lines += [f"aliases = {json.dumps(its.aliases)}"] if its.aliases else []
            lines += [f"values = {json.dumps(its.values)}"] if its.values else []
    return "\n".join(lines) + "\n"
