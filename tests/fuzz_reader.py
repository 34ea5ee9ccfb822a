"""Throws random bytes and mutated real files at the reader, and looks for a crash, a hang or a wrong row.

    python tests/fuzz_reader.py --seconds 600 --seed 1      (or `make fuzz`)

What must hold of every file is in `examine`. It is held against a parser that knows nothing of the reader (one
character at a time, below) and against csv.reader. A case that fails is printed, with the seed that makes it again.
"""

import argparse
import csv
import io
import os
import random
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from snapshotter import loading, reader, rejects, spool
from snapshotter.apart import Raw
from snapshotter.contract.header import Header
from snapshotter.engine.duckdb import DuckDBEngine
from snapshotter.loading import Proven
from snapshotter.reader import DELIMITERS, Irregular, Prover, encoding
from snapshotter.spool import Content

LIMIT = 10  # seconds that one case may take
SHARED = Path(__file__).resolve().parents[1] / os.environ.get("SNAPSHOTTER_SHARED", "../shared")
MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32"}
MARKS |= {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
ENCODINGS = (["utf-8"], ["utf-8", "cp1252"], ["utf-16-le", "utf-8"], ["shift_jis", "latin-1"], ["ascii", "utf-7"])
TOKENS = [
    *(b'"', b'"', b'""', b'"""', b",", b",", b";", b"\t", b"|", b"\n", b"\n", b"\r\n", b"\r", b"\n\n", b" ", b"a"),
    *(b'","', b'",', b',"', b'"\n', b'\n"', b"\0", b"\xe2\x82\xac", b"\xef\xbb\xbf"),
]
FOUL = [b"\xff", b"\xe2\x82", b"\xff\xfe", b"\xed\xa0\x80", b"\x81"]  # refuse whole files, so they are few

# -------------------------------------------------------------------------------- the other parser

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def parse(text: str, delimiter: str) -> list[tuple[list[str] | None, str]]:
    """Each record or broken line of a text from its header on: its cells (None: broken) and its characters."""
    header_end = end_of_header(text)
    is_cr = text[header_end : header_end + 1] == "\r" and text[header_end + 1 : header_end + 2] not in ("\n", "")
    newline = "\r" if is_cr else "\n"
    found, place = [], 0
    while place < len(text):
        if width := line_end(text, place, newline):  # a blank line
            place += width
            continue
        cells, end = record(text, place, delimiter, newline)
        if cells is None:
            stop = text.find(newline, place)
            end = len(text) if stop < 0 else stop
            end -= newline == "\n" and text[end - 1] == "\r"
        found.append((cells, text[place:end]))
        place = end + line_end(text, end, newline)
    return found


def end_of_header(text: str) -> int:
    """The first line end that is not within quotes."""
    inside = False
    for place, character in enumerate(text):
        inside ^= character == '"'
        if character in "\r\n" and not inside:
            return place
    return len(text)


def line_end(text: str, place: int, newline: str) -> int:
    """How many characters of line end stand here."""
    if newline == "\r":
        return int(text[place : place + 1] == "\r")
    if text[place : place + 2] == "\r\n":
        return 2
    return int(text[place : place + 1] == "\n" or text[place:] == "\r")


def record(text: str, place: int, delimiter: str, newline: str) -> tuple[list[str] | None, int]:
    """The cells of the record that begins here and where it ends; None if it breaks the rules."""
    cells = []
    while True:
        if text[place : place + 1] == '"':
            close, cell = place + 1, []
            while text[close : close + 1] != '"' or text[close : close + 2] == '""':
                if close >= len(text):
                    return None, place
                cell.append(text[close])
                close += 2 if text[close] == '"' else 1
            cells.append("".join(cell))
            place = close + 1
        else:
            begin = place
            while place < len(text) and text[place] not in (delimiter, '"', "\r", "\n"):
                place += 1
            cells.append(text[begin:place])
        if place == len(text) or line_end(text, place, newline):
            return cells, place
        if text[place] != delimiter:
            return None, place
        place += 1


def python_cells(text: str, delimiter: str) -> list[list[str]]:
    """The rows of a text after csv.reader(strict=True), blank lines left out."""
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]


# -------------------------------------------------------------------------------- what must hold


def decoded(data: bytes, encodings: list[str]) -> str | None:
    """The text of a file, by Python's own decoders at once; None if no candidate fits."""
    marked = next((name for mark, name in MARKS.items() if data.startswith(mark)), None)
    for name in [marked] if marked else encodings:
        try:
            text = data.decode(name)
            text.encode()
        except UnicodeError:
            continue
        return text.removeprefix("\ufeff")
    return None


def examine(data: bytes, encodings: list[str], engine: DuckDBEngine, scratch: Path) -> str:
    """Read a file as a run does, and hold what comes out against the other parsers; returns what became of it."""
    content = Content("", data) if spool.LARGE else large(data, scratch)
    try:
        expected, refusal = decoded(data, encodings), None
        try:
            reader.decode(content, encodings, "auto", scratch)
        except Irregular as error:
            refusal = error
        if expected is None:
            assert refusal is not None, "text that no candidate can decode"
            assert (refusal.rule, bool(refusal.reason)) == ("encoding", True)
            return "not decoded"
        assert refusal is None, refusal
        text = expected.lstrip("\r\n")
        return examine_text(content, text, engine, scratch)
    finally:
        content.close()


def large(data: bytes, scratch: Path) -> Content:
    """A file's content as that of a large one, which is not held in memory."""
    path = scratch / "large.csv"
    path.write_bytes(data)
    file = path.open("rb", buffering=0)
    return Content("", file=file, identity=spool.identity(file.fileno()))


def examine_text(content: Content, text: str, engine: DuckDBEngine, scratch: Path) -> str:
    """The same from the decoded text on."""
    head, is_whole = content.head()
    try:
        start, end = reader.header_span(head, is_whole=is_whole)
    except Irregular:
        start = end = -1
    if end < 0:
        assert not text or not is_whole or text[: end_of_header(text)].count('"') % 2, "there is a header"
        return "no header"
    raw = head[start:end]
    candidates = []
    for delimiter in DELIMITERS:
        try:
            candidates.append((len(reader.header_names(raw, delimiter)), delimiter))
        except Irregular:
            continue
    if not candidates:
        return "no header"
    width, delimiter = max(candidates)
    (names, _), *records = parse(text, delimiter)
    assert names == reader.header_names(raw, delimiter) == python_cells(raw.decode(), delimiter)[0]
    measured = reader.measure(content, "fuzzed", delimiter, (start, end), scratch)
    assert measured.records == len(records), "not as many records as there are"
    broken = {line.row: line for line in measured.broken}
    assert sorted(broken) == [number for number, (cells, _) in enumerate(records, 1) if cells is None]
    for number, line in broken.items():
        assert line.raw.decode() == records[number - 1][1], "a broken line is not kept as it was"
        assert line.reason
        assert "\n" not in line.reason
    if not broken:
        assert [cells for cells, _ in records] == python_cells(text, delimiter)[1:]
    if not measured.records:
        return "empty"
    proven = Proven(0, "fuzzed", 1, content, names, Header(width, (), ()), [], delimiter, measured, NOW)
    examine_rows(proven, records, engine, scratch)
    examine_rejects(proven, scratch)
    return "broken" if broken else "ragged" if proven.ragged else "regular"


def examine_rows(proven: Proven, records: list[tuple[list[str] | None, str]], engine: DuckDBEngine, scratch: Path):
    """Each record is a row of the engine, with csv.reader's cells, or refused with its bytes; in order, none twice."""
    spans = loading.load([proven], engine, scratch)
    rows = engine._all("SELECT * FROM raw ORDER BY rowid")
    numbers = [0] * len(rows)
    for first, record, following in zip(spans.firsts, spans.records, [*spans.firsts, len(rows)][1:], strict=True):
        numbers[first:following] = range(record, record + following - first)
    refused = {raw.row: raw for raw in proven.refused}
    assert sorted([*numbers, *refused]) == list(range(1, len(records) + 1))
    for number, row in zip(numbers, rows, strict=True):
        cells, characters = records[number - 1]
        assert list(row) == cells, f"record {number} was read wrongly"
        assert python_cells(characters, proven.delimiter) == [cells], f"record {number}: csv.reader differs"
    for number, raw in refused.items():
        cells, characters = records[number - 1]
        assert raw.raw.decode() == characters
        assert (raw.rule == "csv") == (cells is None)
        assert cells is None or len(cells) != proven.header.width


def examine_rejects(proven: Proven, scratch: Path) -> None:
    """The file of refused rows names them all; dropped again as it is, none of them passes and it does not grow."""
    refused = list(proven.refused)
    first = b"".join(rejects.compose(proven.names, proven.delimiter, [], refused))
    path = scratch / "rejects.csv"
    path.write_bytes(first)
    told = [(r.row, r.rule, r.value) for r in rejects.read(path, {})] if refused else []
    assert told == [(raw.row, raw.rule, None) for raw in refused]
    sizes = [len(first)]
    for _ in range(2):
        content = Content("", path.read_bytes())
        span = reader.header_span(content.data)
        names = reader.header_names(content.data[slice(*span)], proven.delimiter)
        again = reader.measure(content, "again", proven.delimiter, span, scratch)
        assert (again.records, list(again.broken)) == (len(refused), [])
        if not again.records:
            return
        prover = Prover(proven.delimiter, detailed=True)
        text = content.data[again.start :]
        prover.feed(text)
        layout = prover.finish()
        assert not (layout.cells == len(names)).any(), "an unmended record passes"
        raws = [
            Raw(number, "cells", f"the record has {cells} cells, not {len(names)}", text[a : b - 1])
            for number, (cells, a, b) in enumerate(zip(layout.cells, layout.starts, layout.ends, strict=True), 1)
        ]
        path.write_bytes(b"".join(rejects.compose(names, proven.delimiter, [], raws)))
        sizes.append(path.stat().st_size)
    assert sizes[2] <= sizes[1] + 8 * len(refused), "it grows"


# -------------------------------------------------------------------------------- what is thrown


def real_files() -> list[bytes]:
    """Up to 8,000 bytes of each of some real files."""
    folders = [SHARED / "data" / "csv-spectrum", SHARED / "data" / "duckdb-rejects"]
    paths = [path for folder in folders for path in folder.rglob("*.csv")]
    for folder in ("jhu/daily", "regioni/daily", "regioni/bad"):
        paths += sorted((SHARED / "data" / folder).glob("*.csv"))[::40]
    return [path.read_bytes()[:8000] for path in sorted(paths)] or [b"id,timestamp\n1,2024-01-01\n"]


def made(rng: random.Random) -> bytes:
    """A table, written regularly in one of many ways."""
    delimiter, newline = rng.choice(DELIMITERS), rng.choice(["\n", "\r\n", "\r"])
    pool = ["", "1", "x", "a,b", 'say "hi"', "two\nlines", "cr\rhere", "é", "😀", " b ", "NULL", "\0", '"', "a;b"]
    width, lines = rng.randint(1, 5), []
    for number in range(rng.randint(0, 12)):
        row = [rng.choice(pool) if number else f"n{place}" for place in range(width + (rng.random() < 0.05))]
        quote = rng.random() < 0.2
        special = (delimiter, '"', "\r", "\n")
        must = [quote or any(c in cell for c in special) or row == [""] for cell in row]
        cells = ['"' + c.replace('"', '""') + '"' if q else c for c, q in zip(row, must, strict=True)]
        lines.append(delimiter.join(cells))
    text = newline.join(lines) + rng.choice([newline, "", newline * 2])
    encoded = text.encode(rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]), "replace")
    return encoded or b"\n"


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed: tokens put in or over others, pieces cut out, doubled or moved."""
    for _ in range(rng.choice([0, 1, 1, 2, 4, 16])):
        place, length = rng.randint(0, len(data)), rng.choice([0, 0, 1, 1, 2, rng.randint(0, 200)])
        piece = data[place : place + length]
        match rng.randint(0, 4):
            case 0:
                data = data[:place] + data[place + length :]
            case 1:
                data = data[:place] + piece * 2 + data[place + length :]
            case 2:
                byte = rng.randint(0, 127) if rng.random() < 0.9 else rng.randint(128, 255)
                data = data[:place] + bytes([byte]) + data[place + 1 :]
            case _:
                data = data[:place] + rng.choice(TOKENS) + data[place + length :]
    return data


def case(rng: random.Random, files: list[bytes]) -> bytes:
    """One file to read."""
    match rng.randint(0, 5):
        case 0:
            return rng.randbytes(rng.randint(1, 300))
        case 1:
            tokens = [rng.choice(TOKENS) for _ in range(rng.randint(1, 40))]
            tokens += [rng.choice(FOUL)] * (rng.random() < 0.1)
            return rng.choice([b"", b"a,b\n", b"a;b\r\n", b"a\n", b"a,b\r"]) + b"".join(tokens)
        case 2 | 3:
            return mutated(made(rng), rng) or b"\n"
        case _:
            return mutated(rng.choice(files), rng) or b"\n"


def fuzz(seed: int, seconds: float = float("inf"), cases: float = float("inf")) -> dict[str, int]:
    """Read random files until the time is over or there were so many; returns what became of them.

    Raises:
        AssertionError: something did not hold; it says with which case.
    """
    files, outcomes, number, begin = real_files(), {}, 0, time.monotonic()
    usual = spool.LARGE, spool.CHUNK, encoding._PIECE
    previous = signal.signal(signal.SIGALRM, hang)
    with tempfile.TemporaryDirectory(prefix="snapshotter-fuzz-") as folder:
        scratch = Path(folder)
        with DuckDBEngine(scratch, [scratch], 500 * 10**6, "fuzz") as engine:
            while number < cases and time.monotonic() - begin < seconds:
                number += 1
                rng = random.Random(seed * 10**9 + number)
                data, encodings = case(rng, files), rng.choice(ENCODINGS)
                if rng.random() < 0.2:  # as if it were large
                    spool.LARGE, spool.CHUNK, encoding._PIECE = 0, rng.choice([100, 1000, 9999]), rng.choice([1, 7, 99])
                signal.alarm(LIMIT)
                try:
                    outcome = examine(data, encodings, engine, scratch)
                except BaseException as error:
                    error.add_note(f"seed {seed}, case {number}, {encodings}, large {not spool.LARGE}: {data!r}")
                    raise
                finally:
                    signal.alarm(0)
                    spool.LARGE, spool.CHUNK, encoding._PIECE = usual
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
    signal.signal(signal.SIGALRM, previous)
    return outcomes


def hang(*_) -> None:
    """A case that takes too long has failed."""
    raise TimeoutError(f"a case takes more than {LIMIT} seconds")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    sys.stdout.write(f"seed {arguments.seed}\n")
    found = fuzz(arguments.seed, arguments.seconds)
    sys.stdout.write(f"{sum(found.values()):,} files, no wrong row: {found}\n")
