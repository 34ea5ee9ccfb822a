"""Dirt, and the truth beside it: what is put in is what it says, and the driver publishes what the truth says."""

import ast
import codecs
import csv
import gzip
import hashlib
import json
from collections import Counter, deque
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from conftest import ROOT, run_cli
from soiling import EVENTS, PEOPLE, contracts, demo_source, odd, typed

from snapshotter import Workspace
from snapshotter.errors import NotWritten
from snapshotter.testdata import Batch
from snapshotter.testdata.dirt import FileKind, RowKind, naming, soil, write_truth
from snapshotter.testdata.dirt.files import Clean, sheets
from snapshotter.testdata.dirt.forms import canonical, instants, places
from snapshotter.testdata.dirt.grid import Grid, joined
from snapshotter.testdata.dirt.mixing import mixed
from snapshotter.testdata.dirt.rows import Ground, is_broken_by, soil_row
from snapshotter.testdata.dirt.sheet import APPLIED, DUPLICATE, EMPTY, REJECTED
from snapshotter.testdata.dirt.spoiling import changed, earlier
from snapshotter.testdata.source import Field, Source, Table

AT = datetime(2024, 3, 1)  # noqa: DTZ001  (files hold local times)


# -- the truth, and the driver


def told(path):
    """The records of a file of the truth."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def prepared(workspace, soiled, **more):
    """A workspace for a soiled source, the truth in it, and its files by wave."""
    root = workspace(contracts(soiled.tables)).layout.root
    write_truth(soiled, root / "truth", **more)
    waves = {}
    for file in soiled.files():
        waves.setdefault(file.wave, []).append(file)
    return Workspace(root), waves


def deliver(ws, files):
    """Put files into the queue, where no other of their names is."""
    for file in files:
        with (ws.layout.queue / file.name).open("xb") as target:
            target.writelines(file.chunks())


def assert_view_is_true(ws, folder):
    """Each dataset has published the bytes that the truth has for it, and nothing where it has none."""
    for dataset in ws.contracts:
        wanted, found = folder / f"{dataset}.csv", ws.layout.latest(dataset)
        assert found.exists() == wanted.exists()
        assert not wanted.exists() or found.read_bytes() == wanted.read_bytes()


def outcome_of(file):
    """What became of a file, as the truth has it."""
    numbers = (int(file[name]) for name in ("revision", "read", "accepted", "rejected"))
    return (file["file"], file["status"], *numbers)


def assert_true(ws, waves, run=Workspace.run):
    """After each wave the views, the files and the refused rows are what the truth says."""
    truth = ws.layout.root / "truth"
    files, rows = told(truth / "files.csv"), told(truth / "rows.csv")
    for wave, delivered in waves.items():
        deliver(ws, delivered)
        run(ws)
        assert_view_is_true(ws, truth / (f"wave-{wave}" if len(waves) > 1 else "latest"))
        for dataset in ws.contracts:
            wanted = [file for file in files if file["table"] == dataset and int(file["wave"]) <= wave]
            found = [(f.name, f.status, f.revision, f.read, f.accepted, f.rejected) for f in ws.files(dataset=dataset)]
            assert Counter(found) == Counter(map(outcome_of, wanted))
    assert_view_is_true(ws, truth / "latest")
    for dataset in ws.contracts:
        assert_refused(ws.rejects(dataset=dataset), [row for row in rows if row["table"] == dataset], files)


def assert_refused(rejects, rows, files):
    """The refused rows are those of the truth, each with its rule and column; so are refused files that stayed so."""
    found = Counter((r.file, r.row, r.column or "", r.rule) for r in rejects if r.row is not None)
    refused = [row for row in rows if row["outcome"] == "rejected"]
    assert found == Counter((r["file"], int(r["row"]), r["column"], r["rule"]) for r in refused)
    rules = {(file["file"], file["rule"]) for file in files if file["status"] == "rejected"}
    assert {(r.file, r.rule) for r in rejects if r.row is None} <= rules


@pytest.mark.parametrize("share", [0, 0.05, 0.4])
@pytest.mark.parametrize("source", [typed, odd, demo_source])
def test_driver_publishes_the_truth(source, share, workspace):
    """Clean or dirty: after each wave latest.csv has the bytes, and files and rejects say what the truth says."""
    assert_true(*prepared(workspace, soil(source(), share, seed=3)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 32))
def test_driver_publishes_the_truth_whatever_the_seed(seed, workspace):
    """So it is for other seeds, of the data and of the dirt, and for any share."""
    for share in (0.02, 0.2, 0.6, 1):
        for source in (typed(files=24, rows=40, seed=seed), odd(seed=seed)):
            assert_true(*prepared(workspace, soil(source, share, seed)))


def test_programs_say_the_same(workspace):
    """The real program, run after each wave, publishes the truth, and its JSON says it."""
    ws, waves = prepared(workspace, soil(typed(), 0.4, seed=5))
    codes = []

    def run(ws):
        codes.append(run_cli("run", "--quiet", workspace=ws).returncode)

    assert_true(ws, waves, run)
    assert (codes[0], len(codes)) == (1, len(waves))
    files = json.loads(run_cli("files", "--json", "--dataset", "people", workspace=ws).stdout)
    truth = [file for file in told(ws.layout.root / "truth" / "files.csv") if file["table"] == "people"]
    wanted = Counter((f["file"], f["status"], int(f["accepted"])) for f in truth)
    assert Counter((f["name"], f["status"], f["accepted"]) for f in files) == wanted


def test_packed_files_have_their_own_names_in_the_truth(workspace):
    """Where files are delivered as .csv.gz, the truth names them so."""
    ws, waves = prepared(workspace, soil(demo_source(600, 6), 0, seed=0), packed=".gz")
    for file in waves[1]:
        (ws.layout.queue / f"{file.name}.gz").write_bytes(gzip.compress(b"".join(file.chunks())))
    ws.run()
    assert_view_is_true(ws, ws.layout.root / "truth" / "latest")


def test_truth_of_a_clean_source(tmp_path):
    """Without dirt every row is accepted, nothing was done by us, and there is one wave."""
    source = typed(files=6)
    write_truth(source, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files.csv", "latest", "rows.csv"]
    rows = told(tmp_path / "rows.csv")
    assert (len(rows), {row["outcome"] for row in rows}) == (source.rows, {"accepted"})
    assert {file["status"] for file in told(tmp_path / "files.csv")} == {"applied"}


def test_rows_tell_who_they_are_about(tmp_path):
    """Who a row is about and what the source did to it is what the source says; else the key says who."""
    write_truth(soil(typed(files=8), 0.3, seed=1), tmp_path)
    rows = told(tmp_path / "rows.csv")
    people, events = ([row for row in rows if row["table"] == table.name] for table in (PEOPLE, EVENTS))
    assert {row["who"][:10] for row in people} == {"person of "}
    assert {row["done"] for row in people} > {"", "a typo in name"}
    assert any(row["done"].startswith("a typo in name; ") for row in people)
    assert all(row["who"] == row["key"] for row in events if row["outcome"] == "accepted" and not row["done"])
    assert {len(row["key"].split("|")) for row in people} == {2}


def test_truth_is_written_anew(tmp_path):
    """A second call gives the same files, and leaves no other behind."""
    soiled = soil(typed(files=8), 1, seed=2)
    seen = []
    for _ in range(2):
        write_truth(soiled, tmp_path)
        seen.append({path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()})
    assert seen[0] == seen[1]
    assert not [path for path in seen[0] if path.name.startswith(".")]


def test_truth_that_cannot_be_written_is_a_named_error(tmp_path):
    """The folder is a file, or a file of the truth is a folder: an error that names it, and no half file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritten):
        write_truth(typed(files=2), tmp_path / "file")
    (tmp_path / "truth" / "rows.csv").mkdir(parents=True)
    with pytest.raises(NotWritten):
        write_truth(typed(files=2), tmp_path / "truth")
    assert not list((tmp_path / "truth").glob(".*"))


def test_truth_knows_nothing_of_the_engine():
    """Of the package, dirt imports the generators and the errors alone."""
    found = set()
    for path in (ROOT / "snapshotter" / "testdata" / "dirt").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found |= {name for name in names if name.startswith("snapshotter")}
    assert {name for name in found if not name.startswith("snapshotter.testdata")} == {"snapshotter.errors"}


# -- how much, and which


def test_every_kind_occurs(tmp_path):
    """Over a large source each kind of dirt is there."""
    files, rows = set(), set()
    for share in (1, 0.1):
        write_truth(soil(typed(files=120), share, seed=1), tmp_path)
        files |= {file["done"] for file in told(tmp_path / "files.csv")}
        rows |= {row["done"].rpartition("; ")[2] for row in told(tmp_path / "rows.csv")}
    assert files > {kind.value for kind in FileKind}
    assert rows > {kind.value for kind in RowKind}


def test_share_is_kept(tmp_path):
    """About that share of each table's files is dirty as a whole, and of the rows of the other files."""
    write_truth(soil(typed(files=200), 0.1, seed=1), tmp_path)
    files = [file for file in told(tmp_path / "files.csv") if file["wave"] == "1"]
    dirty = Counter(file["table"] for file in files if file["done"] in [kind.value for kind in FileKind])
    copies = sum(file["done"] == FileKind.COPIED for file in files) // 2
    assert all(9 <= count <= 11 + copies for count in dirty.values())
    others = {file["file"] for file in files if file["done"] == "some rows are dirty"}
    rows = [row for row in told(tmp_path / "rows.csv") if row["file"] in others]
    soiled = sum(row["done"].rpartition("; ")[2] in [kind.value for kind in RowKind] for row in rows)
    assert 0.08 < soiled / len(rows) < 0.12


def delivered(soiled):
    """All that is delivered."""
    return [(file.name, file.wave, file.rows, b"".join(file.chunks())) for file in soiled.files()]


def test_same_arguments_same_bytes():
    """Twice the same; another seed is other dirt; no dirt is the source's own bytes and contract."""
    source = typed(files=16)
    one, two, other = (delivered(soil(source, 0.3, seed)) for seed in (1, 1, 2))
    assert one == two != other
    clean = soil(source, 0, 1)
    assert [content for *_, content in delivered(clean)] == [batch.csv() for batch in source.batches()]
    assert clean.tables == source.tables


def test_bytes_never_change():
    """The dirt of these arguments has the bytes that it had when this digest was recorded."""
    whole = hashlib.sha256()
    for source, share in ((typed(), 1), (typed(), 0.3), (demo_source(600, 20), 0.2)):
        for name, wave, _, content in delivered(soil(source, share, seed=1)):
            whole.update(f"{wave}:{name}:{len(content)}:".encode() + content)
    assert whole.hexdigest() == "9273221fa8366277909f9de18b7aa60ef29cce4c1c7dad925b692c8ce5029a7b"


def test_what_is_delivered_can_be_written_as_batches():
    """A file is a batch with the same bytes, also if it has no header; what is clean is made in its own parts."""
    soiled = soil(typed(files=60), 1, seed=0)
    for file in soiled.files():
        batch = file.batch()
        assert (batch.name, batch.rows, batch.table, batch.csv()) == (
            file.name,
            file.rows,
            file.table,
            b"".join(file.chunks()),
        )
    assert all(file.batch() is file.origin for file in soil(typed(), 0, seed=0).files())


def test_files_come_by_wave():
    """Names are different within a wave, waves follow each other, and what comes later is of the same table."""
    files = list(soil(typed(files=80), 1, seed=4).files())
    assert [file.wave for file in files] == sorted(file.wave for file in files)
    assert {file.wave for file in files} == {1, 2, 3}
    assert not [n for n, count in Counter((file.wave, file.name) for file in files).items() if count > 1]
    assert len({(file.name, file.table) for file in files}) == len({file.name for file in files})


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_zero_to_one(share):
    """Other shares are an error."""
    with pytest.raises(ValueError, match="0 to 1"):
        soil(typed(), share, 0)


def test_a_file_without_rows_stays_as_it_is(tmp_path):
    """It is empty, whatever the share."""
    batch = Batch("events_1.csv", AT, 0, dict.fromkeys(EVENTS.fields, "str"), [], "events")
    source = Source(name="none", tables=(EVENTS,), rows=0, batches=lambda: iter([batch]))
    write_truth(soil(source, 1, 0), tmp_path)
    assert [file["status"] for file in told(tmp_path / "files.csv")] == ["empty"]
    assert not list((tmp_path / "latest").iterdir())


# -- files


def clean_file(number=0, share=1):
    """A file of the typed source to be soiled: of people (0, 2 …) or events (1, 3 …)."""
    soiled = soil(typed(files=number + 1), share, seed=0)
    *_, batch = soiled.source.batches()
    table = next(table for table in soiled.tables if table.name == batch.table)
    grid = Grid.of(batch, table.key)
    return Clean(batch.name, table, soiled.tables, grid, replace(Ground(table, grid.names), alive="kept"))


def soiled_file(kind, clean, word=0):
    """The bytes of the file in the first wave, and all that comes."""
    found = sheets(kind, clean, word)
    return b"".join(found[0].data()), found


def records(content, delimiter=",", encoding="utf-8"):
    """What Python's reader finds in bytes."""
    lines = content.decode(encoding).splitlines(keepends=True)
    return list(csv.reader(lines, delimiter=delimiter, strict=True))


MANNERS = {
    FileKind.SEMICOLONS: lambda c: records(c, ";"),
    FileKind.TABS: lambda c: records(c, "\t"),
    FileKind.PIPES: lambda c: records(c, "|"),
    FileKind.CP1252: lambda c: records(c, encoding="cp1252"),
    FileKind.UTF_16: lambda c: records(c, encoding="utf-16"),
    FileKind.MARK: lambda c: records(c.removeprefix(codecs.BOM_UTF8)),
    FileKind.CRLF: lambda c: records(c.replace(b"\r\n", b"\n")),
    FileKind.CR: lambda c: records(c.replace(b"\r", b"\n")),
    FileKind.NO_LAST_NEWLINE: records,
    FileKind.BLANK_LINES: lambda c: [record for record in records(c) if record],
    FileKind.QUOTED_HEADER: records,
    FileKind.QUOTED: records,
}


@pytest.mark.parametrize("kind", MANNERS)
def test_manners_leave_the_cells_alone(kind):
    """However a file is written, the cells are the same, the bytes are not, and it must be applied."""
    clean = clean_file(1)
    content, found = soiled_file(kind, clean)
    assert content != clean.grid.raw
    assert MANNERS[kind](content) == records(clean.grid.raw)
    assert [(sheet.wave, sheet.status) for sheet in found] == [(1, APPLIED)]


def test_manners_look_as_they_say():
    """Marks, line ends, blank lines and quotes are in the bytes."""
    clean = clean_file(1)

    def content(kind, word=0):
        return soiled_file(kind, clean, word)[0]

    assert content(FileKind.MARK).startswith(codecs.BOM_UTF8)
    assert {content(FileKind.UTF_16, word)[:2] for word in (0, 1)} == {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    assert content(FileKind.CRLF).count(b"\r\n") == len(clean.grid) + 1
    assert (content(FileKind.CR).count(b"\r"), content(FileKind.CR).count(b"\n")) == (len(clean.grid) + 1, 0)
    assert not content(FileKind.NO_LAST_NEWLINE).endswith(b"\n")
    assert content(FileKind.BLANK_LINES).startswith(b"\n")
    assert b"\n\n" in content(FileKind.BLANK_LINES).strip()
    assert content(FileKind.QUOTED_HEADER).split(b"\n")[0].startswith(b'"number","who"')
    assert content(FileKind.QUOTED).split(b"\n")[1].startswith(b'"')
    with pytest.raises(UnicodeDecodeError):
        content(FileKind.CP1252).decode()


def test_cp1252_only_where_it_fits():
    """Not where a character is not in it, nor where the bytes would be UTF-8, nor where the contract is silent."""
    assert sheets(FileKind.CP1252, clean_file(0), 0) is None
    events = clean_file(1)
    ascii_only = events.grid.with_column("description", np.full(len(events.grid), "plain", object))
    assert sheets(FileKind.CP1252, replace(events, grid=ascii_only), 0) is None
    assert sheets(FileKind.CP1252, clean_file(1, share=0), 0) is None


def header_of(content):
    """The names in the header of a file."""
    return records(content)[0]


def test_renamed_columns():
    """An alias of the contract, another spelling, a missing letter: one name differs, and the rows do not."""
    clean = clean_file(1)
    names = list(clean.grid.names)
    for word in range(20):
        for kind in (FileKind.ALIAS, FileKind.SPELLING, FileKind.NEAR_MISS):
            content, (sheet,) = soiled_file(kind, clean, word)
            ((column, name),) = [pair for pair in zip(names, header_of(content), strict=True) if pair[0] != pair[1]]
            assert content.split(b"\n", 1)[1] == clean.grid.raw.split(b"\n", 1)[1]
            assert sheet.status == APPLIED
            if kind is FileKind.ALIAS:
                assert name in clean.table.fields[column].aliases
            elif kind is FileKind.SPELLING:
                assert naming.plain(name) == naming.plain(column)
            else:
                assert len(name) == len(column) - 1
                assert naming.likeness(naming.plain(name), naming.plain(column)) >= naming.LIKE


def test_refused_headers():
    """A name that is like none, a name that stands twice, a key that is missing: the file is refused."""
    clean = clean_file(1)
    for word in range(10):
        for kind in (FileKind.UNKNOWN_NAME, FileKind.TWIN_NAMES, FileKind.NO_KEY):
            content, found = soiled_file(kind, clean, word)
            names = header_of(content)
            lacking = set(clean.grid.names) - set(names)
            assert (len(lacking), found[0].status, found[0].rule) == (1, REJECTED, "header")
            assert (len(set(names)) < len(names)) == (kind is FileKind.TWIN_NAMES)
            assert (len(names) < len(clean.grid.names)) == (kind is FileKind.NO_KEY)


def test_columns_that_move_come_and_go():
    """Two swap places, with their cells; an optional one is missing; one that nobody declared is there."""
    clean = clean_file(1)
    want = [dict(zip(clean.grid.names, clean.grid.record(n), strict=True)) for n in range(len(clean.grid))]
    for word in range(8):
        found = {}
        for kind in (FileKind.SWAPPED_COLUMNS, FileKind.MISSING_COLUMN, FileKind.EXTRA_COLUMN):
            content, (sheet,) = soiled_file(kind, clean, word)
            header, *rows = records(content)
            found[kind] = set(header), [dict(zip(header, row, strict=True)) for row in rows]
            assert (sheet.status, sheet.told().columns.keys()) == (APPLIED, set(header))
            assert header != list(clean.grid.names)
        names, rows = found[FileKind.SWAPPED_COLUMNS]
        assert (names, rows) == (set(clean.grid.names), want)
        names, rows = found[FileKind.MISSING_COLUMN]
        (gone,) = set(clean.grid.names) - names
        assert not clean.table.fields[gone].required
        names, rows = found[FileKind.EXTRA_COLUMN]
        (extra,) = names - set(clean.grid.names)
        assert [{name: cell for name, cell in row.items() if name != extra} for row in rows] == want


def test_half_written_files():
    """The last record has too few cells, all before it are whole, and nothing else is in the file."""
    for number in (0, 1):
        clean = clean_file(number)
        for word in range(0, 60 << 8, 97):
            content, found = soiled_file(FileKind.HALF_WRITTEN, clean, word)
            rows = list(csv.reader(content.decode().splitlines(keepends=True), strict=True))
            fates = found[0].told()
            assert not content.endswith(b"\n")
            assert len(rows[-1]) < len(clean.grid.names)
            assert (len(fates), fates.rule[-1]) == (len(rows) - 1, "cells")
            assert set(fates.rule[:-1]) <= {""}
            assert rows[1:-1] == [clean.grid.record(n) for n in range(len(rows) - 2)]


def test_files_with_hardly_anything():
    """No byte at all is refused; a header alone is empty. The good file may come a wave later."""
    clean = clean_file(1)
    content, found = soiled_file(FileKind.NO_BYTES, clean)
    assert (content, found[0].status, found[0].rule, found[0].rows) == (b"", REJECTED, "empty file", 0)
    content, found = soiled_file(FileKind.HEADER_ONLY, clean, 1 << 16)
    assert (content, found[0].status) == (clean.grid.raw.split(b"\n")[0] + b"\n", EMPTY)
    assert (found[1].wave, b"".join(found[1].data())) == (2, clean.grid.raw)


def test_files_that_come_again():
    """The same bytes under the same name, or under another; a correction; a correction that is taken back."""
    clean = clean_file(0)
    content, again = soiled_file(FileKind.SENT_TWICE, clean)
    assert [(sheet.wave, sheet.status) for sheet in again] == [(1, APPLIED), (2, DUPLICATE)]
    assert content == b"".join(again[1].data()) == clean.grid.raw
    _, copies = soiled_file(FileKind.COPIED, clean)
    assert [(sheet.wave, sheet.name) for sheet in copies] == [
        (1, "people-20230109.csv"),
        (1, "people-20230109_copy.csv"),
    ]
    content, taken_back = soiled_file(FileKind.TAKEN_BACK, clean)
    first, second, third = (b"".join(sheet.data()) for sheet in taken_back)
    assert first == third == content != second
    _, (_, correction) = soiled_file(FileKind.CORRECTED, clean)
    fates = correction.told()
    differ = [n for n in range(len(clean.grid)) if [c[n] for c in fates.columns.values()] != clean.grid.record(n)]
    assert differ == [n for n, done in enumerate(fates.done) if done.endswith("corrected")] != []


def test_what_cannot_be_done_is_not_done():
    """A file of one column or of no fitting name has no such dirt, and a table that takes no other name no copy."""
    table = Table(name="t", match="t.csv", key=("k",), timestamp="k", fields={"k": Field()})
    batch = Batch("t.csv", AT, 1, {"k": "str"}, ["2024-01-01\n".encode], "t")
    grid = Grid.of(batch, table.key)
    clean = Clean("t.csv", table, (table,), grid, Ground(table, grid.names))
    none = {kind for kind in FileKind if sheets(kind, clean, 0) is None}
    assert none >= {
        FileKind.ALIAS,
        FileKind.SWAPPED_COLUMNS,
        FileKind.MISSING_COLUMN,
        FileKind.CP1252,
        FileKind.HALF_WRITTEN,
        FileKind.COPIED,
        FileKind.CORRECTED,
        FileKind.TAKEN_BACK,
        FileKind.TWIN_NAMES,
        FileKind.NO_KEY,
    }


# -- rows

PERSON = ["007", "1", "Zoë", "zoe@example.com", "12.50", "0.25", "1999-04-03", "true"]
PERSON += ["0f8fad5b-d9cb-469f-a165-70867728950e", "gone", "", "2023-04-03T10:00:00Z"]
ROWS = {
    # kind: (rule, column, what stands in the cell; None where it is not about one)
    RowKind.TEXT_IN_NUMBER: ("type", "site", "n/a"),
    RowKind.EXPONENT: ("type", "site", "1e2"),
    RowKind.TOO_MANY_DIGITS: ("type", "site", "9" * 20),
    RowKind.DECIMAL_COMMA: ("type", "balance", "12,50"),
    RowKind.IMPOSSIBLE_DATE: ("type", "born", "1999-02-31"),
    RowKind.NOT_A_BOOLEAN: ("type", "member", "maybe"),
    RowKind.NOT_A_UUID: ("type", "token", "none"),
    RowKind.NOT_AN_EMAIL: ("type", "email", "zoe.example.com"),
    RowKind.NOT_A_VALUE: ("values", "state", "gone?"),
    RowKind.EMPTIED: ("nullable", "code", ""),
    RowKind.NULL_TEXT: ("", "code", "NULL"),
    RowKind.UNREADABLE_TIME: ("type", "seen_at", "yesterday"),
    RowKind.FAR_FUTURE: ("max_future", "seen_at", "2999-12-31T10:00:00Z"),
    RowKind.SWAPPED_DATE: ("", "born", "1999-03-04"),
    RowKind.LOST_ZEROS: ("", "code", "7"),
    RowKind.TRAILING_BLANKS: ("", "code", "007 "),
    RowKind.TOO_FEW_CELLS: ("cells", "", None),
    RowKind.TOO_MANY_CELLS: ("cells", "", None),
    RowKind.QUOTE_INSIDE: ("csv", "", None),
    RowKind.QUOTE_OPEN: ("csv", "", None),
    RowKind.QUOTE_FOLLOWED: ("csv", "", None),
}


@pytest.mark.parametrize("kind", ROWS)
def test_bad_rows(kind):
    """One cell is what the kind says, and the row must become what the specification says of such a cell."""
    rule, column, text = ROWS[kind]
    names = tuple(PEOPLE.fields)
    (row,) = soil_row(kind, Ground(PEOPLE, names), PERSON, 0)
    assert (row.rule, row.done) == (rule, kind)
    if text is not None:
        assert row.column == (column if rule else "")
        assert dict(zip(names, row.cells, strict=True)) == {**dict(zip(names, PERSON, strict=True)), column: text}
    else:
        assert row.record != ",".join(PERSON)


def test_broken_records():
    """Ragged records have one cell less or more; broken quotes are where they may not be."""
    ground = Ground(PEOPLE, tuple(PEOPLE.fields))

    def record(kind, word=2):
        return soil_row(kind, ground, PERSON, word)[0].record

    assert record(RowKind.TOO_FEW_CELLS) == ",".join(PERSON[:-1])
    assert record(RowKind.TOO_MANY_CELLS) == ",".join([*PERSON, "0"])
    assert record(RowKind.QUOTE_INSIDE, 1).split(",")[2] == 'Z"oë'
    assert record(RowKind.QUOTE_OPEN, 1).split(",")[2] == '"Zoë'
    assert record(RowKind.QUOTE_FOLLOWED, 1).split(",")[2] == '"Zo"ë'
    assert soil_row(RowKind.QUOTE_INSIDE, ground, ["a\nb", *PERSON[1:]], 0) is None
    assert soil_row(RowKind.QUOTE_OPEN, ground, ["a,b", *PERSON[1:]], 0) is None
    assert soil_row(RowKind.TOO_FEW_CELLS, ground, ["", *PERSON[1:]], 0) is None


def test_rows_that_come_twice():
    """A repeat is the same row; a tie has another cell; late rows are older; the risen one follows its delete."""
    names = tuple(PEOPLE.fields)
    ground = Ground(PEOPLE, names, alive="kept")
    living = [*PERSON[:9], "new", *PERSON[10:]]
    assert [row.cells for row in soil_row(RowKind.REPEATED, ground, living, 0)] == [living, living]
    for word in range(40):
        first, tie = soil_row(RowKind.TIE, ground, living, word)
        ((column, _),) = set(zip(names, tie.cells, strict=True)) - set(zip(names, living, strict=True))
        assert column not in ("code", "site", "state", "seen_at")
        first, late = soil_row(RowKind.LATE, ground, living, word)
        assert (first.cells, first.done, late.last) == (living, None, True)
        assert late.cells[-1] < living[-1]
        _, risen = soil_row(RowKind.RESURRECTED, ground, PERSON, word)
        assert (risen.cells[9], risen.cells[:2], risen.cells[-1] < PERSON[-1]) == ("kept", PERSON[:2], True)
    assert soil_row(RowKind.RESURRECTED, ground, living, 0) is None
    assert soil_row(RowKind.LATE, ground, PERSON, 0) is None


def test_times_never_move_ahead():
    """A day and month that are swapped in the time of a row never make it later: today that may be the future."""
    table = Table(name="t", match="*", key=("k",), timestamp="t", fields={"k": Field(), "t": Field(type="timestamp")})
    ground = Ground(table, ("k", "t"))
    assert soil_row(RowKind.SWAPPED_DATE, ground, ["1", "2024-03-05"], 0) is None
    (row,) = soil_row(RowKind.SWAPPED_DATE, ground, ["1", "2024-05-03"], 0)
    assert row.cells == ["1", "2024-03-05"]


def test_a_time_that_is_a_date_stays():
    """Two rules may refuse a bad one; which is not certain, so that nothing is done to it."""
    table = Table(name="t", match="*", key=("k",), timestamp="t", fields={"k": Field(), "t": Field(type="date")})
    ground = Ground(table, ("k", "t"))
    for kind in (RowKind.UNREADABLE_TIME, RowKind.FAR_FUTURE, RowKind.IMPOSSIBLE_DATE, RowKind.IMPOSSIBLE_SWAP):
        assert soil_row(kind, ground, ["1", "2024-05-23"], 0) is None


@pytest.mark.parametrize(
    ("follows", "is_broken"),
    [('"text', True), ('""', False), ('",', False), ('"\n', False), ('"', False), ("no quote", None)],
)
def test_a_quote_that_is_never_closed(follows, is_broken):
    """It breaks its own line for certain if the next quote has text behind it."""
    assert is_broken_by(follows) is is_broken


@pytest.mark.parametrize(
    ("next_cell", "done"),
    [('"a, b"', RowKind.QUOTE_OPEN), ('",b"', RowKind.QUOTE_INSIDE), ("plain", RowKind.QUOTE_OPEN)],
)
def test_where_it_is_not_certain_something_else_is_done(next_cell, done):
    """A comma right behind the next quote would close the open one: the row gets a quote inside a cell instead."""
    table = Table(name="t", match="*", key=("k",), timestamp="t", fields={name: Field() for name in "kvt"})
    text = f"11,one,2024-01-01\n22,two,2024-01-01\n33,{next_cell},2024-01-01\n"
    batch = Batch("t.csv", AT, 3, dict.fromkeys("kvt", "str"), [text.encode], "t")
    grid, ground, kinds = Grid.of(batch, table.key), Ground(table, ("k", "v", "t")), [RowKind.QUOTE_OPEN]
    for dirty in ([0], [0, 1]):
        words = np.ones(len(dirty), np.uint64)
        sheet = mixed("t.csv", grid, ground, np.array(dirty), words, deque(kinds))
        # Of two open quotes the first is followed by the second, behind which text stands.
        assert sheet.told().done.tolist()[dirty[-1]] == done
        assert sheet.told().rule.tolist() == ["csv" if n in dirty else "" for n in range(3)]


# -- forms


@pytest.mark.parametrize(
    ("kind", "cell", "published"),
    [
        ("string", "007 ", "007 "),
        ("integer", "+07.0", "7"),
        ("integer", "-0", "0"),
        ("decimal(8,2)", "1.5", "1.50"),
        ("decimal(8,2)", "-0.000", "0.00"),
        ("decimal(8,2)", "-01.2", "-1.20"),
        ("decimal(3,0)", "012", "12"),
        ("number", "2.50", "2.5"),
        ("number", "-0", "0"),
        ("boolean", "YES", "true"),
        ("boolean", "off", "false"),
        ("timestamp", "2024-01-02", "2024-01-02T00:00:00"),
        ("timestamp", "2024-01-02 10:00+02:00", "2024-01-02T10:00:00+02:00"),
        ("timestamp", "2024-01-02T10:00:00.5Z", "2024-01-02T10:00:00.500000Z"),
        ("uuid", "0F8FAD5B-D9CB-469F-A165-70867728950E", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ],
)
def test_published_forms(kind, cell, published):
    """A cell is published in one form of its type, which stays as it is; an empty one is empty."""
    assert canonical(kind, np.array([cell, "", published], object)).tolist() == [published, "", published]


def test_instants():
    """Times are compared as instants, those without an offset in UTC."""
    cells = ["2024-01-01", "2024-01-01 02:00+02:00", "2023-12-31T23:30:00-00:30", "2024-01-01T00:00:00.000001Z"]
    assert (instants(np.array(cells, object)) - 1_704_067_200_000_000).tolist() == [0, 0, 0, 1]
    assert not len(instants(np.array([], object)))


@pytest.mark.parametrize(
    ("kind", "ordered"),
    [
        ("string", ["", "-3", "0", "2", "10", "010", "A", "a", "é"]),
        ("integer", ["", "-3", "2", "10"]),
        ("decimal(4,1)", ["-3.5", "2.0", "10.0"]),
        ("date", ["", "2023-12-31", "2024-01-01"]),
        ("timestamp", ["", "2024-01-01T12:00:00+02:00", "2024-01-01T11:00:00", "2024-01-01T11:30:00Z"]),
    ],
)
def test_order_of_keys(kind, ordered):
    """Empty first; typed keys by value; whole numbers before other texts."""
    assert places(kind, ordered[::-1]) == {key: place for place, key in enumerate(ordered)}


def test_keys_of_several_parts():
    """They are told with a | between their parts."""
    assert joined([np.array(["a", "b"], object), np.array(["1", ""], object)]).tolist() == ["a|1", "b|"]


@pytest.mark.parametrize(
    "kind", ["string", "integer", "decimal(6,2)", "number", "boolean", "date", "timestamp", "uuid"]
)
def test_a_change_is_another_valid_cell(kind):
    """A correction never says what was there, and stays within the type."""
    cells = {
        "string": "x",
        "integer": "99",
        "decimal(6,2)": "10.09",
        "number": "0.5",
        "boolean": "TRUE",
        "date": "2024-02-29",
        "timestamp": "2024-02-29 10:00Z",
        "uuid": PERSON[8],
    }
    cell = cells[kind]
    for word in range(300):
        other = changed(Field(type=kind), cell, word)
        assert other != cell
        assert canonical(kind, np.array([other], object))[0] != canonical(kind, np.array([cell], object))[0]
        assert len(other) <= max(len(cell), 11)


def test_what_has_no_other_cell_is_not_changed():
    """An empty cell, the only value there is, the first of all years, an exponent."""
    assert changed(Field(), "", 0) is None
    assert changed(Field(values=("a",)), "a", 0) is None
    assert changed(Field(type="number"), "1e5", 0) is None
    assert changed(Field(type="boolean"), "y", 0) is None
    assert earlier("1000-01-01", 3) is None


def test_names():
    """A near miss is like its own column alone; what is like none is found, or nothing is done."""
    table = Table(
        name="t",
        match="t*.csv",
        key=("identifier",),
        timestamp="timestamp",
        fields={name: Field() for name in ("identifier", "identifiers", "timestamp", "7")},
    )
    assert naming.nearly("identifier", table, 0) is None
    assert naming.nearly("timestamp", table, 0) == "imestamp"
    assert naming.nearly("7", table, 0) is None
    assert naming.respelled("7", 0) is not None
    assert naming.likeness("", "") == 1
    unlucky = replace(table, fields={name: Field() for name in ("Feld 17b", "xq_zzv", "Kolumn", "unbenannt")})
    assert naming.unknown(unlucky, 0) is None
    assert naming.second_name("t1.csv", table, (table,)) == "t1_copy.csv"
    assert naming.second_name("t1.csv", table, (table, replace(table, name="u"))) is None
    assert naming.batch_times("x-20240230-20240301", "%Y%m%d") == [AT]
