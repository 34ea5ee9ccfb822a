"""Decoding: whatever a file's encoding is, the rest sees UTF-8. Nothing is guessed and nothing is replaced."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path

from snapshotter.reader.grammar import DELIMITERS, grammar
from snapshotter.reader.header import header_span
from snapshotter.reader.irregular import Irregular
from snapshotter.spool import Content, spooled

_PIECE = 2**20  # bytes decoded at a time
# The first that fits; UTF-32-LE before UTF-16-LE, whose mark it begins with.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class _Undecodable(Exception):
    """Bytes that are not what they were taken for, from an offset on."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def decode(content: Content, encodings: Sequence[str], delimiter: str, scratch: Path) -> None:
    """Make a file's text UTF-8, in place. What is UTF-8 is only read, and not copied.

    Args:
        content: the file's bytes; its digest stays theirs.
        encodings: the candidates, tried strictly, in order; a byte order mark goes before them.
        delimiter: for the number of a record in messages; "auto" if it is not known yet.
        scratch: a folder for what does not fit into memory.

    Raises:
        Irregular: no candidate fits; the reason has the byte and the record for each.
        Deferred: the file was changed meanwhile.
    """
    marked = marked_encoding(content.head()[0])
    failures: list[tuple[str, int]] = []
    for encoding in (marked,) if marked else encodings:
        try:
            if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
                _check(content)
            else:
                content.replace(_transcoded(content, encoding), scratch)
            return
        except _Undecodable as error:
            failures.append((encoding, error.offset))
    raise _refusal(content, failures, delimiter, scratch)


def marked_encoding(head: bytes) -> str | None:
    """The encoding that a text's byte order mark names, if it has one."""
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)


def _pieces(content: Content) -> Iterator[bytes]:
    for chunk in content.chunks():
        for begin in range(0, len(chunk), _PIECE):
            yield chunk[begin : begin + _PIECE]


def _check(content: Content) -> None:
    """Show that bytes are UTF-8; those that are ASCII need no decoder."""
    decoder, offset = codecs.getincrementaldecoder("utf-8")("strict"), 0
    for piece in _pieces(content):
        pending = len(decoder.getstate()[0])
        if pending or not piece.isascii():
            _decoded(decoder, piece, offset - pending)
        offset += len(piece)
    _decoded(decoder, b"", offset - len(decoder.getstate()[0]), final=True)


def _transcoded(content: Content, encoding: str) -> Iterator[bytes]:
    decoder, offset = codecs.getincrementaldecoder(encoding)("strict"), 0
    for piece in _pieces(content):
        state = decoder.getstate()
        text = _decoded(decoder, piece, offset - len(state[0]))
        try:
            yield text.encode()
        except UnicodeEncodeError:  # some decoders, such as that of UTF-7, let half a character pass
            decoder.setstate(state)
            raise _Undecodable(offset + _first_half(decoder, piece)) from None
        offset += len(piece)
    yield _decoded(decoder, b"", offset - len(decoder.getstate()[0]), final=True).encode()


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, offset: int, *, final: bool = False) -> str:
    """The text of the next bytes; `offset` is that of the first one that the decoder has or gets."""
    try:
        return decoder.decode(piece, final=final)
    except UnicodeDecodeError as error:
        raise _Undecodable(offset + error.start) from None
    except UnicodeError:  # says nothing of the place
        raise _Undecodable(offset) from None


def _first_half(decoder: codecs.IncrementalDecoder, piece: bytes) -> int:
    """The offset of the byte that completes the first half of a surrogate pair, which is no character."""
    for offset in range(len(piece)):
        if any("\ud800" <= character <= "\udfff" for character in decoder.decode(piece[offset : offset + 1])):
            return offset
    return 0


def _refusal(content: Content, failures: Sequence[tuple[str, int]], delimiter: str, scratch: Path) -> Irregular:
    records = [_record_at(content, encoding, offset, delimiter, scratch) for encoding, offset in failures]
    words = []
    for (encoding, offset), record in zip(failures, records, strict=True):
        name = "UTF-8" if codecs.lookup(encoding).name == "utf-8" else encoding
        place = f" (record {record})" if record not in (None, records[0]) else ""  # the first one is told by itself
        words.append(f"byte {offset} is not {name}{place}")
    reason = f"{'; '.join(words)}; declare its encoding in `encodings`, or save it as UTF-8"
    return Irregular(reason, records[0], "encoding")


def _record_at(content: Content, encoding: str, offset: int, delimiter: str, scratch: Path) -> int | None:
    """The number of the record in which a byte lies that cannot be decoded, None if that cannot be told.

    What is wrong is replaced, to see where the record ends. Where the delimiter is still to be found by the header,
    all are taken for one: a record that is regular under one of them begins and ends at the same places.
    """
    decoder, before = codecs.getincrementaldecoder(encoding)("replace"), 0

    def replaced() -> Iterator[bytes]:
        nonlocal before
        left = offset
        for piece in _pieces(content):
            good = decoder.decode(piece[:left]).encode("utf-8", "replace")
            before += len(good)
            yield good + decoder.decode(piece[left:]).encode("utf-8", "replace")
            left = max(0, left - len(piece))
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")

    try:
        data, file = spooled(replaced(), scratch)
    except UnicodeError:  # UTF-16 without a mark, or a decoder that can replace nothing
        return None
    text = Content("", data, file, private=True)
    try:
        return _number_at(text, before, "".join(DELIMITERS) if delimiter == "auto" else delimiter, scratch)
    except Irregular:  # it has no header that ends
        return 0
    finally:
        text.close()


def _number_at(text: Content, offset: int, delimiters: str, scratch: Path) -> int:
    head, is_whole = text.head()
    start, end = header_span(head, is_whole=is_whole)
    if offset < end:
        return 0
    number = 0
    for match in grammar(delimiters, is_cr=head[start:end].endswith(b"\r")).line.finditer(text.view(scratch), end):
        number += match.lastindex is not None
        if match.end() > offset:
            break
    return number
