"""In which form a file of test data is written: CSV, packed CSV or Parquet.

The CSV has the same bytes anywhere, and so has what comes out of a packed file. The bytes of the packed file depend on
nothing that changes from run to run (no time, no name, no number of threads), but on the library that packs: `.gz` on
zlib, `.zst` on libzstd, `.parquet` on DuckDB, which also writes its version into the file.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from snapshotter.errors import NotWritten, UsageError
from snapshotter.testdata.batch import Batch
from snapshotter.testdata.making import workers
from snapshotter.testdata.source import Table

# Of gzip: the bytes of deflate (RFC 1951), no flags, no time, no special effort, a system that is not said (RFC 1952).
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = b"\x03\x00"  # of deflate: one that is final and empty
# 1.4 million rows/s of the demo on two cores, to 41 % of their size; level 6 makes 0.5 million, to 34 %.
_GZIP_LEVEL = 1
_ZSTD_LEVEL = 3
_DUCKDB = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "uuid": "UUID",
    "email": "VARCHAR",
}


class Packed(NamedTuple):
    """A part as it is made, and as a thread has packed it."""

    raw: bytes
    packed: bytes


Write = Callable[[Packed], object]


@dataclass(frozen=True)
class Format:
    """One form of a file.

    Args:
        suffix: what a file's name ends with.
        pack: what can be done with a part alone, by any thread.
        open: makes a file at a path, for a batch of a table; what it yields is told the parts in order. When it ends
            the file is complete, unless it ends with an error.
    """

    suffix: str
    pack: Callable[[bytes], Packed]
    open: Callable[[Path, Batch, Table], AbstractContextManager[Write]]

    def name(self, batch: Batch) -> str:
        """The name of the file that a batch becomes."""
        return batch.name.removesuffix(".csv") + self.suffix


def _as_it_is(part: bytes) -> Packed:
    return Packed(part, part)


def _deflated(part: bytes) -> Packed:
    """The part as whole blocks of deflate that need nothing before them, so that threads can pack side by side."""
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Packed(part, packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH))


@contextmanager
def _csv(path: Path, batch: Batch, table: Table) -> Iterator[Write]:  # noqa: ARG001
    with path.open("wb") as file:
        yield lambda part: file.write(part.raw)


@contextmanager
def _gz(path: Path, batch: Batch, table: Table) -> Iterator[Write]:  # noqa: ARG001
    """One member: some readers take the first one for the whole."""
    checksum = size = 0
    with path.open("wb") as file:

        def write(part: Packed) -> None:
            nonlocal checksum, size
            checksum, size = zlib.crc32(part.raw, checksum), size + len(part.raw)
            file.write(part.packed)

        file.write(_GZIP_HEADER)
        yield write
        file.write(_LAST_BLOCK + struct.pack("<LL", checksum, size % (1 << 32)))


@contextmanager
def _zst(path: Path, batch: Batch, table: Table) -> Iterator[Write]:  # noqa: ARG001
    """One frame, for the same reason; it is packed as it is written, which is fast enough for one thread."""
    import zstandard

    packer = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj()
    with path.open("wb") as file:
        yield lambda part: file.write(packer.compress(part.raw))
        file.write(packer.flush())


@contextmanager
def _parquet(path: Path, batch: Batch, table: Table) -> Iterator[Write]:
    """By way of a CSV file beside it, which DuckDB reads with the table's types, by one thread, and packs."""
    text = path.with_name(f"{path.name}.csv.tmp")
    try:
        with text.open("wb") as file:
            yield lambda part: file.write(part.raw)
        # A thread of its own: in the main one DuckDB would answer a Ctrl-C itself, by an error of any kind.
        with workers(1) as hand_over:
            hand_over(partial(_convert, text, path, batch, table))()
    finally:
        text.unlink(missing_ok=True)


def _convert(text: Path, path: Path, batch: Batch, table: Table) -> None:
    import duckdb

    types = {
        name: _duckdb_type(table.fields[name].type if name in table.fields else "string") for name in batch.columns
    }
    with duckdb.connect(config={"threads": 1}) as connection:
        try:
            connection.read_csv(
                str(text),
                header=True,
                columns=types,
                delimiter=",",
                quotechar='"',
                escapechar='"',
                auto_detect=False,
            ).write_parquet(str(path), compression="zstd")
        except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
            raise UsageError(
                what=f"{batch.name} has cells that are not of their column's type, which Parquet cannot hold",
                remedy="Nothing was written. Ask for CSV (--format csv).",
            ) from error
        except (duckdb.IOException, duckdb.FatalException) as error:
            raise NotWritten(path=path, problem=_problem(error)) from error


def _problem(error: Exception) -> str:
    """What the system said, in its own words, as far as DuckDB tells."""
    number = re.search(r'"errno":"(\d+)"', str(error))
    return os.strerror(int(number[1])) if number else str(error).splitlines()[0]


def _duckdb_type(name: str) -> str:
    return _DUCKDB.get(name) or name.upper()  # decimal(p,s) has the same name there


FORMATS: Mapping[str, Format] = {
    "csv": Format(".csv", _as_it_is, _csv),
    "csv.gz": Format(".csv.gz", _deflated, _gz),
    "csv.zst": Format(".csv.zst", _as_it_is, _zst),
    "parquet": Format(".parquet", _as_it_is, _parquet),
}
