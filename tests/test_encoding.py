"""Decoding: strictly, by mark or by the declared candidates; and what expands is held to a limit."""

import codecs
import gzip
import json
import shutil

import pytest
import zstandard
from conftest import drop, latest

from snapshotter import expansion, spool
from snapshotter.reader import Irregular, decode, encoding
from snapshotter.spool import Content, Deferred

HEAD = "id,timestamp,v\n"
TEXT = HEAD + '1,2024-01-01,"é\nü"\n2,2024-01-01,ß\n'
ROWS = '[datasets.default]\nlineage = ["source_row"]\n'
READ = 'id,timestamp,v,source_row\n1,2024-01-01,"é\nü",1\n2,2024-01-01,ß,2\n'


def config(*encodings) -> str:
    """A dataset with these candidates."""
    return f"{ROWS}encodings = {list(encodings)}\n"


def refusal(ws) -> tuple[int | None, str]:
    """The record and the reason for which the only file was refused whole."""
    (file,) = ws.run().datasets[0].files
    assert (file.status, file.read) == ("rejected", 0)
    (told,) = ws.rejects()
    assert told.rule == "encoding"
    return told.row, told.reason


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
    ],
)
def test_a_mark_decides_whatever_is_declared(workspace, monkeypatch, name, mark, is_large):
    """It goes before the candidates, even where the first of them would take any bytes."""
    if is_large:
        monkeypatch.setattr(spool, "LARGE", 0)
        monkeypatch.setattr(encoding, "_PIECE", 3)
    ws = workspace(config("latin-1"), **{"a.csv": mark + TEXT.encode(name)})
    ws.run()
    assert latest(ws) == READ


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("name", ["cp1252", "utf-16-le", "utf-16-be", "iso8859_15", "mac_roman", "utf-7", "gb18030"])
def test_a_declared_encoding_is_read(workspace, monkeypatch, name, is_large):
    """The text is that of the file, and the file in the archive is as it was."""
    if is_large:
        monkeypatch.setattr(spool, "LARGE", 0)
        monkeypatch.setattr(encoding, "_PIECE", 3)
    data = TEXT.replace("\n", "\r\n").encode(name)
    ws = workspace(config(*(["ascii"] * (name != "utf-7")), name), **{"a.csv": data})
    ws.run()
    assert latest(ws).replace("\r\n", "\n") == READ
    assert (ws.layout.processed / "a.csv").read_bytes() == data


def test_candidates_are_tried_in_order(workspace):
    """Each file takes the first that fits: one run, three encodings."""
    files = {"a.csv": "1,2024-01-01,é\n", "b.csv": "2,2024-01-01,é\n", "c.csv": "3,2024-01-01,漢\n"}
    names = {"a.csv": "utf-8", "b.csv": "cp1252", "c.csv": "shift_jis"}
    ws = workspace(config("utf-8", "shift_jis", "cp1252"), **{n: (HEAD + t).encode(names[n]) for n, t in files.items()})
    ws.run()
    rows = [line.split(",")[2] for line in latest(ws).splitlines()[1:]]
    assert rows == ["é", "é", "漢"]


def test_a_strict_encoding_may_stand_before_utf8(workspace):
    """UTF-8 as the second is read as well as the first would be."""
    ws = workspace(config("ascii", "utf-8"), **{"a.csv": TEXT})
    ws.run()
    assert latest(ws) == READ


def test_a_mark_that_only_decoding_shows_is_skipped(workspace):
    """UTF-7 has one, too."""
    ws = workspace(config("utf-7"), **{"a.csv": ("\ufeff" + TEXT).encode("utf-7")})
    ws.run()
    assert latest(ws) == READ


def test_the_record_that_cannot_be_decoded_is_told_once(workspace):
    """In the summary of a run as in the note beside the file: the first byte at fault has its record once."""
    ws = workspace(config("utf-8", "cp1252"), **{"a.csv": HEAD.encode() + b"1,2024-01-01,\x81\n"})
    [file] = ws.run().datasets[0].files
    note = json.loads((ws.layout.rejected / "a.csv.reason.json").read_text())
    assert file.warnings[-1].startswith("record 1: byte 28 is not UTF-8; byte 28 is not cp1252; ")
    assert (note["row"], "record" in note["reason"]) == (1, False)


UNDECODABLE = {  # candidates, bytes, the record, words
    "not UTF-8": (["utf-8"], HEAD.encode() + b"1,2024-01-01,\xe9\n", 1, "byte 28 is not UTF-8"),
    "within quotes": (["utf-8"], HEAD.encode() + b'1,2024-01-01,"a\n\nb\xff"\n', 1, "byte 33 is not UTF-8"),
    "behind blank lines": (["utf-8"], b"\n" + HEAD.encode() + b"\n\n1,2,3\n\n\xff,2,3\n", 2, "byte 25 is not UTF-8"),
    "behind a broken line": (["utf-8"], HEAD.encode() + b'1,2,"3\n2,2,3\n3,\xff\n', 3, "byte 30 is not UTF-8"),
    "in a CR file": (["utf-8"], HEAD.replace("\n", "\r").encode() + b"1,2,3\r\r4,\xff\r", 2, "byte 24 is not UTF-8"),
    "in the header": (["utf-8"], b"id,timestamp,\xff\n1,2,3\n", 0, "byte 13 is not UTF-8"),
    "behind the last line": (["utf-8"], HEAD.encode() + b"1,2,3\n\xe2\x82", 2, "byte 21 is not UTF-8"),
    "a mark that says otherwise": (["latin-1"], b"\xef\xbb\xbf" + HEAD.encode() + b"1,\xff", 1, "byte 20 is not UTF-8"),
    "undefined in cp1252": (["cp1252"], HEAD.encode() + b"1,2,3\n2,2,\x81\n", 2, "byte 25 is not cp1252"),
    "an odd number of bytes": (
        ["utf-16-le"],
        (HEAD + "1,2,3").encode("utf-16-le") + b"4",
        1,
        "byte 40 is not utf-16-le",
    ),
    "half a pair": (["utf-16-le"], (HEAD + "1,2,3\n").encode("utf-16-le") + b"\x00\xd8a\0", 2, "byte 42 is not"),
    "half a pair in UTF-7": (["utf-7"], HEAD.encode() + b"1,2,+2AA-\n", 1, "is not utf-7"),
    "UTF-16 that must have a mark": (["utf-16"], HEAD.encode("utf-16-le"), None, "byte 0 is not utf-16"),
    "none of several": (
        ["ascii", "utf-8"],
        HEAD.encode() + b"1,2,\xc3\xa9\n2,2,\xff\n",
        1,
        "byte 19 is not ascii; byte 26 is not UTF-8 (record 2)",
    ),
}


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("title", UNDECODABLE)
def test_a_file_that_no_candidate_can_decode_is_refused_whole(workspace, monkeypatch, title, is_large):
    """The reason has the byte for each of them, counted from the first of the file, and the record."""
    if is_large:
        monkeypatch.setattr(spool, "LARGE", 0)
        monkeypatch.setattr(encoding, "_PIECE", 3)
    encodings, data, record, words = UNDECODABLE[title]
    row, reason = refusal(workspace(config(*encodings), **{"a.csv": data}))
    assert row == record
    assert words in reason


def test_rejects_are_utf8_whatever_the_file_is(workspace):
    """Header, cells and broken lines; LF where the file is CR; with a mark, since UTF-8 would not be tried first."""
    text = 'id,timestamp,größe\r1,2024-01-01,"é"x\r2,no,ü\r3,ö\r'
    ws = workspace(config("cp1252"), **{"a.csv": text.encode("cp1252")})
    ws.run()
    lines = (ws.layout.rejects("default") / "a.csv.csv").read_bytes().decode().split("\n")
    assert lines[0].startswith("\ufeffid,timestamp,größe,_reject_row,")
    assert lines[1].startswith("2,no,ü,2,")
    assert lines[2].startswith('"1,2024-01-01,""é""x",1,,csv,')
    assert lines[3].startswith("3,ö,3,,cells,")
    assert lines[4:] == [""]


def test_utf8_is_not_copied(tmp_path):
    """Neither in memory nor on the disk."""
    data = TEXT.encode()
    content = Content("", data)
    decode(content, ["utf-8"], "auto", tmp_path)
    assert content.data is data


def test_a_large_file_that_changes_while_it_is_decoded_waits(tmp_path, monkeypatch):
    """What was fingerprinted is what is read, or nothing."""
    monkeypatch.setattr(spool, "LARGE", 0)
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode("cp1252"))
    with path.open("rb", buffering=0) as file:
        content = Content("", file=file, identity=spool.identity(file.fileno()))
        with path.open("ab") as writer:
            writer.write(b"3,2024-01-01,x\n")
        with pytest.raises(Deferred):
            decode(content, ["cp1252"], "auto", tmp_path)


def test_a_file_without_any_candidate_left_is_still_closed(tmp_path):
    """A refusal leaves nothing behind in the scratch folder."""
    with pytest.raises(Irregular):
        decode(Content("", b"a\n\xff"), ["ascii", "utf-8"], "auto", tmp_path)
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------- the limits of expansion

PACK = {"gz": gzip.compress, "zst": zstandard.compress}


@pytest.mark.parametrize("suffix", PACK)
def test_a_file_must_not_fill_the_disk(workspace, monkeypatch, suffix):
    """Where it expands to more than half of what is free it waits, and is taken when there is room."""
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(expansion, "_SMALL", 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2_100_000))
    rows = b"".join(b"%d,2024-01-01,%d\n" % (n, n * n) for n in range(60_000))
    ws = workspace(**{f"a.csv.{suffix}": PACK[suffix](HEAD.encode() + rows)})
    (file,) = ws.run().datasets[0].files
    (told,) = file.warnings
    assert file.status == "deferred"
    assert "1,050,000 bytes, half of what is free on the disk; it stays in the queue" in told
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100_000_000))
    assert ws.run().datasets[0].files[0].status == "applied"


def test_frames_that_are_to_be_skipped_are_skipped(workspace):
    """A zstd file may hold frames that are not data."""
    skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    data = skippable + zstandard.compress(HEAD.encode()) + zstandard.compress(b"1,2024-01-01,a\n") + skippable
    ws = workspace(ROWS, **{"a.csv.zst": data})
    ws.run()
    assert latest(ws) == "id,timestamp,v,source_row\n1,2024-01-01,a,1\n"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-8"])
def test_refused_rows_come_back_as_they_were(workspace, encoding):
    """The file of refused rows is UTF-8, and is read as such whatever the dataset's encodings are."""
    config = f"[datasets.default]\nencodings = ['{encoding}']\n"
    ws = workspace(config, **{"a.csv": "id,timestamp,città\n1,bad,Forlì\n2,2026-01-01,è\n".encode(encoding)})
    ws.run()
    path = ws.layout.rejects("default") / "a.csv.csv"
    drop(ws, "a.csv.csv", path.read_bytes().replace(b"1,bad", b"1,2026-01-01"))
    path.unlink()
    ws.run()
    assert latest(ws).splitlines()[:2] == ["id,timestamp,città,source_filename", "1,2026-01-01,Forlì,a.csv.csv"]
    assert [reject.value for reject in ws.rejects()] == []
