r"""A second implementation of spec §§4-5, written from the specification alone, to be read beside it.

Nothing here is fast, shared with the engine or clever. Rows, batches and snapshots are plain Python
values; the sentence of the specification that a piece of code stands for is quoted beside it.

    ref = Reference({"key": ["id"], "timestamp": "ts"})  # the table [datasets.default] of snapshotter.toml
    ref.run({"a.csv": b"id,ts\n1,2024-01-01\n"}, now)  # a run over a queue -> a dict as in `run --json`
    ref.latest()                                         # the bytes of latest.csv, None before snapshot 1
    ref.reset(1); ref.withdraw("a.csv")                  # as the commands
    ref.reset(1, requeue=True); ref.prune(3)             # what came later waits again; 1 and 2 are forgotten
    ref.rebuilt()                                        # a Reference made of the files that still count

Not covered (they raise, or must not be used): aliases, header_match below 1, unique, pattern, lengths,
transform, contract, uuid, email, encodings other than UTF-8, zstd, a contract that changes, file system matters
(but for the names that requeued files get).

Where the specification leaves room, and what was chosen:

Rows and content
 1. "Content" of a row (ties, lineage, "a row that was in the ledger already") is the set of columns its
    file carries with their published texts. So the text of the timestamp is content (`...Z` and
    `...+00:00` conflict), and a row that lacks a column is other content than one that has the column with
    the same, or an empty, cell.
 2. "Equals the key's published row": the published row after the run, in every column that the row
    carries. A row says nothing about the columns it lacks. (A new winner that carries fewer columns and
    inherits the rest would be "superseded" otherwise.)
 3. "Another content" compares published texts; a column that was not published before counts as empty. So
    a new column that is empty for a key does not make that key updated.
 4. "The greatest-ranked new row that caused it" is the one that a changed cell of the published row comes
    from (the greatest-ranked, if several do), the tombstone if it blanked the cell; the winner, if the
    whole row came or went. A row that changes nothing (the current row sent again beside an older row that
    fills an absent column) is not the cause, though its rank is greater.
 5. An inherited cell that a new tombstone takes away from a living key is an update, caused by the
    tombstone.
 6. "A key that was dead already" has no published row before the run: deleted, or never seen.
 7. A conflict is two contents at one instant of a key, at any instant, not only at the winner's;
    tombstones take part. It is new if a content that was not there before the run stands beside another
    one after it.
 8. The lineage of the winner may lie below the grave: same content at the same instant, and nothing else,
    decides.
 9. Under replace_revisions a key may vanish, return or change because rows were withdrawn, with no new row
    that caused it. Such changes are not counted: `accepted` adds up, `rows = rows before + inserted -
    deleted` does not.
10. absent_columns speaks of declared optional columns, and of the files that come while it holds. Under "null"
    such a column that a file lacks is carried, empty, after the columns of its header and in the order of
    declaration; under "reject" the file is refused. What a file does not carry is inherited under each.
11. A key column may be missing if it is declared with required = false: its cell is empty. nullable is
    false for it unless declared, so by default an empty part of a composite key is a reject too.

Files, batches, revisions
12. Refused and empty files take no revision number: they commit nothing, and the ledger is the only truth.
    a.csv with X, then refused, then X again, is therefore a duplicate.
13. "The newest revision of its name" is the one with the greatest number, whether it counts or not. With
    a@1 live and a@2 rolled back (or withdrawn), a@1's bytes are no duplicate, but revision 3; a@2's bytes
    are a@2 again.
14. Only the newest revision is ever replaced in place. Bytes of an older one, with rejects or withdrawn or
    rolled back, are a new revision.
15. The header is judged before `empty` is: a header-only file that lacks the key is refused. Blank lines
    are no rows.
16. A batch whose rows were all rejected is applied and its header counts for the columns of latest.csv.
17. batch_time is looked for in the last part of the name; a place counts if the whole pattern parses
    there. A name in which it does not match exactly once refuses the file.
18. With replace_revisions, withdrawing the newest revision lets the one before it count again ("as if that
    batch had never come"). "Several revisions" in `withdraw` are several that count. What does not count
    cannot be withdrawn.
19. A row with a wrong number of cells is read and rejected. Ignored columns count as cells.
20. Key, timestamp and delete_when columns are never "undeclared", whatever extra_columns says.
21. "A name that stands twice" is judged without regard to case, before columns are ignored; empty names do
    not count.


latest.csv
22. The spelling of an undeclared column is that of the lowest (batch time, name, revision) that carries
    it.
23. Columns that column_order does not name follow in the default order; names that no batch carries are
    left out.
24. With no batch at all (all withdrawn) latest.csv holds the lineage columns' header line. (The properties ask
    for no rows only; a header of the configured columns is as good.)
25. A key of type string sorts as a text key.

Types (where the syntax is not given)
26. integer [+-]?digits[.0...]; decimal [+-]?digits[.digits], no exponent, -0 is 0; number what that or an
    exponent says, published as Python's repr without `.0`, zero without a sign; boolean `true` and
    `false` in any case; date YYYY-MM-DD.
27. timestamp: fraction published with 6 digits if not zero; the offset as written (`Z` stays `Z`); a date
    with an offset but no time (`2024-01-01Z`) is allowed, as the grammar of §3 says.
28. Corrections come before null_values; the empty cell is always empty; rules are not asked about an empty
    cell; min and max of a text column go by code point.
29. timestamp == now + max_future is accepted.

Requeue and prune
30. A file in the queue is the requeued one if it has its bytes, and its name there or one of a file that is
    gone (it was renamed). Numbers of revisions that wait count as given. The same (name, revision) twice in
    one queue: the second is a duplicate.
31. A batch lies behind the horizon if the snapshot that brought it does. There its rows cannot be replaced: a
    file that would is refused. What is no longer held replaces nothing and comes as it would without prune.
"""

# The quotations look like code (ERA); clock times have no offset where they are just what a cell says (DTZ).
# ruff: noqa: DTZ001, DTZ007, ERA001

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

# What §3 calls "exactly these values", as far as this reference goes.
DEFAULTS: dict[str, Any] = {
    "key": ["id"],
    "timestamp": "timestamp",
    "timestamp_formats": [],
    "timezone": "UTC",
    "max_future": "1d",
    "batch_time": "",
    "delimiter": "auto",
    "extra_columns": "keep",
    "absent_columns": "keep",
    "header_match": 1,
    "max_reject_ratio": 1.0,
    "replace_revisions": False,
    "delete_when": {},
    "column_order": [],
    "lineage": ["source_filename"],
    "columns": {},
}
COLUMN_SETTINGS = {"type", "nullable", "required", "min", "max", "values", "null_values", "correct"}
CORRECTIONS: dict[str, Callable[[str], str]] = {"strip": str.strip, "lower": str.lower, "upper": str.upper}
LINEAGE = ("source_filename", "source_row", "source_revision", "snapshot", "loaded_at")
COUNTS = ("read", "accepted", "rejected", "inserted", "updated", "unchanged", "superseded", "deleted", "ties")

type_decimal = re.compile(r"decimal\((\d+),\s*(\d+)\)")
whole_number = re.compile(r"0|-?[1-9][0-9]*")
iso_8601 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)


class Refused(Exception):
    """The contract refuses the file."""


class Rejected(Exception):
    """The contract refuses the row."""

    def __init__(self, column: str | None, rule: str) -> None:
        super().__init__(f"{column}: {rule}")
        self.column, self.rule = column, rule


class Impossible(Exception):
    """A reset or withdraw that names nothing, or too much."""


@dataclass(frozen=True)
class Row:
    """One accepted row."""

    instant: int  # microseconds since 0001-01-01, UTC
    batch_time: int
    name: str
    revision: int
    number: int
    key: tuple[Any, ...]  # in order and in type; equal exactly if the keys are equal
    cells: tuple[tuple[str, str], ...]  # (column in lower case, published text) of the columns its file carries
    tombstone: bool

    @property
    def rank(self) -> tuple[int, int, str, int, int]:
        """What decides between the rows of a key."""
        # "rank = (timestamp as an instant, batch time, name, revision, row number), names by code point."
        return (self.instant, self.batch_time, self.name, self.revision, self.number)

    @property
    def content(self) -> frozenset[tuple[str, str]]:
        """What the row says, wherever and whenever it came."""
        return frozenset(self.cells)

    @property
    def carries(self) -> dict[str, str]:
        """Its cells by column."""
        return dict(self.cells)


@dataclass(frozen=True)
class Batch:
    """One delivery: (name, revision), with the rows that were accepted when it was picked up."""

    name: str
    revision: int
    batch_time: int
    header: tuple[tuple[str, str], ...]  # (column in lower case, spelling), in the order of the file
    rows: tuple[Row, ...]
    rejects: tuple[tuple[int, str | None, str], ...]  # (row number, column, rule), one entry a row
    data: bytes = field(repr=False)
    now: datetime = field(repr=False)
    snapshot: int = 0  # that brought it

    @property
    def file(self) -> Archived:
        """Its file."""
        return Archived(self.name, self.revision, hashlib.sha256(self.data).hexdigest())


@dataclass(frozen=True)
class Archived:
    """A file that a run took, and what it is called."""

    name: str
    revision: int
    sha256: str


@dataclass(frozen=True)
class Published:
    """What latest.csv says about one key."""

    cells: dict[str, str]
    source: Row


Live = dict[tuple[str, int], Batch]


class Reference:
    """Spec §§4-5 for one dataset; `config` is the table [datasets.NAME]."""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        config = dict(config or {})
        assert set(config) <= set(DEFAULTS) | {"match"}, f"not covered: {set(config) - set(DEFAULTS)}"
        self.config = {**DEFAULTS, **config}
        for name, settings in self.config["columns"].items():
            assert set(settings) <= COLUMN_SETTINGS, f"not covered: {name} {set(settings) - COLUMN_SETTINGS}"
        self.key = [c.lower() for c in self.config["key"]]
        self.timestamp = self.config["timestamp"].lower()
        self.delete_column = self.config["delete_when"].get("column", "").lower()
        self.declared = {name.lower(): settings for name, settings in self.config["columns"].items()}
        named = [*self.config["key"], self.config["timestamp"], *self.config["columns"]]
        if self.delete_column:
            named.append(self.config["delete_when"]["column"])
        self.spelling = {name.lower(): name for name in named}  # columns that the configuration names
        self.live: Live = {}  # the batches that were delivered and not taken back
        self.snapshots: dict[int, Live] = {}  # number -> the batches of that state
        self.digests: dict[str, dict[int, str]] = {}  # name -> digests by revision; never shortened
        self.requeued: list[tuple[str, Archived]] = []  # (name in the queue, what its bytes are called)
        self.horizon = 1  # the oldest snapshot that can be restored

    # ---------------------------------------------------------------------------------------- commands

    def run(self, queue: Mapping[str, bytes], now: datetime) -> dict[str, Any]:
        """One run over the queue; answers like an entry of `datasets` in `run --json`, plus `rows`."""
        # "All files of all datasets are validated before anything is committed."
        live = dict(self.live)
        batches = [self._identity(name, data, queue) for name, data in sorted(queue.items())]
        files = []
        for place, (batch, (_, data)) in enumerate(zip(batches, sorted(queue.items()), strict=True)):
            files.append(self._pick_up(batch, data, now, live, is_second=batch in batches[:place]))
        counts = dict.fromkeys(COUNTS, 0)
        snapshot = None
        # "A run that applies at least one file commits exactly one snapshot per dataset it touched". "An
        # empty queue, a header-only file (`empty`) and duplicates commit none."
        if any(f["status"] == "applied" for f in files):
            new = [live[f["name"], f["revision"]] for f in files if f["status"] == "applied"]
            counts = self._counts(self.counting(self.live), self.counting(live), new)
            snapshot = self._commit(live)
        return {"snapshot": snapshot, "counts": counts, "files": files, "rows": self.rows()}

    def reset(
        self, number: int, *, requeue: bool = False, queue: Iterable[str] = (), gone: Iterable[Archived] = ()
    ) -> int:
        """`reset N` publishes the state of snapshot N [...] as a new snapshot M > N: nothing is erased.

        Names in the queue are taken; files that are gone are nowhere any more.
        """
        if number not in self.restorable():
            raise Impossible(f"there is no snapshot {number}")
        before, after = self.live.values(), self.snapshots[number].values()
        staying = {b.file for b in after}
        if requeue:
            # "`--requeue` moves their files back to the queue; bytes so moved keep their recorded name, revision
            # and batch time whatever they are called there."
            in_order = sorted((b for b in before if b not in after), key=lambda b: b.snapshot)
            leaving = [b.file for b in in_order if b.file not in staying and b.file not in gone]
            self.requeued += zip(queue_names(leaving, queue), leaving, strict=True)
        back = [b.file for b in after if b not in before]
        self.requeued = [(queued, file) for queued, file in self.requeued if file not in back]
        return self._commit(dict(self.snapshots[number]))

    def clean(self, requeued: Iterable[tuple[str, Archived]]) -> None:
        """`clean --requeue`: "start from scratch: [...] moves the processed files back to the queue", so called."""
        self.requeued += requeued
        self.live, self.snapshots, self.digests, self.horizon = {}, {}, {}, 1

    def prune(self, horizon: int) -> None:
        """`prune` sets a horizon: older snapshots can no longer be restored."""
        self.horizon = max(self.horizon, horizon)

    def restorable(self) -> list[int]:
        """The snapshots that can be restored."""
        return [number for number in sorted(self.snapshots) if number >= self.horizon]

    def withdraw(self, name: str, revision: int | None = None) -> int:
        """`withdraw` publishes, as a new snapshot, the state as if that batch had never come."""
        counting = [r for n, r in self.counting(self.live) if n == name]
        if revision is None:
            # "(several revisions and none named: an error)"
            if len(counting) != 1:
                raise Impossible(f"{name} has {len(counting)} revisions that count")
            revision = counting[0]
        if revision not in counting:
            raise Impossible(f"{name}@{revision} does not count")
        # "batches behind it no longer withdrawn"
        if self.live[name, revision].snapshot < self.horizon:
            raise Impossible(f"{name}@{revision} is behind the horizon")
        return self._commit({k: b for k, b in self.live.items() if k != (name, revision)})

    def _commit(self, live: Live) -> int:
        # Snapshots are "numbered 1, 2, 3 ...; never renumbered, never reused".
        number = len(self.snapshots) + 1
        self.live = live
        self.snapshots[number] = live
        return number

    def rebuilt(self) -> Reference:
        """The state rebuilt from the files that remain: each that counts is dropped again, one a run."""
        other = Reference({k: v for k, v in self.config.items() if DEFAULTS[k] != v})
        for _, batch in sorted(self.counting(self.live).items()):
            other.run({batch.name: batch.data}, batch.now)
        return other

    # --------------------------------------------------------------------------------------- questions

    def counting(self, live: Live) -> Live:
        """The batches whose rows count."""
        # "replace_revisions: true: a new revision of a name withdraws the one before it"
        if not self.config["replace_revisions"]:
            return live
        newest = {name: max(r for n, r in live if n == name) for name, _ in live}
        return {(n, r): b for (n, r), b in live.items() if r == newest[n]}

    def latest(self) -> bytes | None:
        """The bytes of latest.csv; None where no snapshot was ever committed."""
        return self.latest_at(len(self.snapshots)) if self.snapshots else None

    def latest_at(self, number: int) -> bytes:
        """The bytes that latest.csv had as of a snapshot."""
        live = self.counting(self.snapshots[number])
        names = self.columns(live)
        lines = [[spelling for _, spelling in names] + self.config["lineage"]]
        # "Rows in key order, left to right"
        for _, row in sorted(self.published(live).items()):
            source = {
                "source_filename": row.source.name,
                "source_row": str(row.source.number),
                "source_revision": str(row.source.revision),
            }
            # "lineage last"
            lines.append([row.cells[c] for c, _ in names] + [source[c] for c in self.config["lineage"]])
        # "UTF-8, no byte order mark, `\n`, a header"
        return "".join(",".join(map(quoted, line)) + "\n" for line in lines).encode("utf-8")

    def rows(self) -> int:
        """How many rows latest.csv has."""
        return len(self.published(self.counting(self.live)))

    def rejects(self) -> list[tuple[str, int, int, str | None, str]]:
        """(name, revision, row, column, rule) of the rows refused out of files that count."""
        return [(b.name, b.revision, *r) for b in self.counting(self.live).values() for r in b.rejects]

    # ----------------------------------------------------------------------------- files and revisions

    def _identity(self, queued: str, data: bytes, queue: Mapping[str, bytes]) -> tuple[str, int]:
        """Name and revision of a file in the queue."""
        digest = hashlib.sha256(data).hexdigest()
        for note in sorted(self.requeued, key=lambda n: n[0] != queued):  # its own name first
            if note[1].sha256 == digest and (note[0] == queued or note[0] not in queue):
                self.requeued.remove(note)
                return note[1].name, note[1].revision
        known = self.digests.get(queued, {})
        newest = max(known, default=0)
        # "a `duplicate` if its bytes are those of the newest revision of its name", "A refused file, or one with
        # rejects, that is dropped again is validated again; then its rows replace those of that revision."
        # "Batches that came after N become `rolled_back`: dropped again they are applied again (the newest of its
        # name under its old revision". Withdrawn: "Dropped again, it is applied again."
        if known and known[newest] == digest:
            return queued, newest
        # "revision n is the n-th content that differs from the one before it under that name"; "an older one as a
        # new revision"
        return queued, max([newest, *(file.revision for _, file in self.requeued if file.name == queued)]) + 1

    def _pick_up(
        self, identity: tuple[str, int], data: bytes, now: datetime, live: Live, *, is_second: bool
    ) -> dict[str, Any]:
        """Judge one file, put its batch into `live` if it is applied, and say what became of it."""
        (name, revision), digest = identity, hashlib.sha256(data).hexdigest()
        answer = {"name": name, "sha256": digest, "revision": revision, "read": 0, "accepted": 0, "rejected": 0}
        existing = self.live.get(identity)
        # "A file is a `duplicate` if its bytes are those of the newest revision of its name, and that one was
        # accepted whole under the same contract and still counts."
        if is_second or (existing and existing.file.sha256 == digest and not existing.rejects):
            return {**answer, "status": "duplicate"}
        try:
            batch = self._read(name, revision, data, now)
            # What it hid is forgotten, unless revisions replace each other; without a row it hid nothing.
            hid = existing and existing.rows and not self.config["replace_revisions"]
            if batch and existing and hid and existing.snapshot < self.horizon:
                raise Refused("pruned")
        except Refused:
            # "Files that were refused count 0 rows."
            return {**answer, "status": "rejected"}
        if batch is None:
            return {**answer, "status": "empty"}
        self.digests.setdefault(name, {})[revision] = digest
        live.pop(identity, None)
        live[identity] = batch  # the order of coming
        accepted, rejected = len(batch.rows), len(batch.rejects)
        # "read = accepted + rejected"
        numbers = {"read": accepted + rejected, "accepted": accepted, "rejected": rejected}
        return {**answer, **numbers, "status": "applied"}

    def _read(self, name: str, revision: int, data: bytes, now: datetime) -> Batch | None:
        """The batch that a file is, None if it is empty; raises Refused."""
        if not data:
            raise Refused("A zero-byte file is refused.")
        batch_time = self._batch_time(name)
        try:
            # "encodings = ["utf-8"]: tried strictly, in order; a byte order mark is always understood"
            text = (gzip.decompress(data) if name.endswith(".gz") else data).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Refused(str(error)) from None
        records, header = self._header(text)
        rows: list[Row] = []
        rejects: list[tuple[int, str | None, str]] = []
        # "`row` is the record's number in the file (header 0, first record 1, blank lines not counted)"
        for number, record in enumerate(records[1:], start=1):
            try:
                if len(record) != len(header):
                    raise Rejected(None, f"{len(record)} cells, not {len(header)}")
                cells = {c: cell for c, cell in zip(header, record, strict=True) if c is not None}
                rows.append(self._row(cells, batch_time, name, revision, number, now))
            except Rejected as reject:
                rejects.append((number, reject.column, reject.rule))
        if not rows and not rejects:
            return None
        # "max_reject_ratio: a file with a larger share of bad rows is refused whole"
        if len(rejects) / (len(rows) + len(rejects)) > self.config["max_reject_ratio"]:
            raise Refused("too many rejects")
        written = zip(header, records[0], strict=True)
        columns = [(c, self.spelling.get(c, spelled)) for c, spelled in written if c is not None]
        columns += [(c, self.spelling[c]) for c in self._nulls(c for c, _ in columns)]
        return Batch(
            name, revision, batch_time, tuple(columns), tuple(rows), tuple(rejects), data, now, len(self.snapshots) + 1
        )

    def _batch_time(self, name: str) -> int:
        """The batch time in a name, in microseconds; 0 for all where no pattern is set."""
        pattern = self.config["batch_time"]
        if not pattern:
            return 0
        digits = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}
        parts = re.split("(%.)", pattern)
        regex = "".join(f"[0-9]{{{digits[p]}}}" if p in digits else re.escape(p) for p in parts)
        found = []
        for match in re.finditer(f"(?=({regex}))", name.rpartition("/")[2]):
            try:
                found.append(datetime.strptime(match[1], pattern))
            except ValueError:
                continue
        # "strptime pattern of the time inside the file name (..., UTC); must match exactly once"
        if len(found) != 1:
            raise Refused(f"batch_time matches {len(found)} times")
        return microseconds(found[0])

    def _header(self, text: str) -> tuple[list[list[str]], list[str | None]]:
        """The records of a file, blank lines left out, and its columns in lower case (None: ignored)."""
        # "delimiter = "auto": the one of , ; tab | under which the header satisfies the contract"
        refused = None
        wanted = self.config["delimiter"]
        for delimiter in (",", ";", "\t", "|") if wanted == "auto" else (wanted,):
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            records = (record for record in reader if record)
            try:
                header = next(records, None)
                if header is None:
                    raise Refused("no header")
                return [header, *records], self._columns_of(header)
            except (csv.Error, Refused) as error:
                refused = refused or error
        raise Refused(str(refused))

    def _columns_of(self, header: list[str]) -> list[str | None]:
        names = [name.lower() for name in header]
        # "A name that stands twice in a header refuses the file"; "Column names are unique without regard to
        # case"
        for name in names:
            if name and names.count(name) > 1:
                raise Refused(f"{name} stands twice")
        columns: list[str | None] = []
        for name in names:
            # "a column without a name is ignored, with a warning; so are headers that are lineage columns or
            # begin with `_reject_`."
            if not name or name in LINEAGE or name.startswith("_reject_"):
                columns.append(None)
            elif name in self.spelling or self.config["extra_columns"] == "keep":
                columns.append(name)
            elif self.config["extra_columns"] == "ignore":
                columns.append(None)
            else:
                raise Refused(f"{name} is not declared")
        # "every declared column must be in the header unless required = false"
        for name in self._must_be_there():
            if name not in columns:
                raise Refused(f"{name} is missing")
        # "absent_columns: declared optional columns that a file lacks: keep | null | reject"
        if self.config["absent_columns"] == "reject" and set(self.declared) - set(columns):
            raise Refused("an optional column is missing")
        return columns

    def _must_be_there(self) -> list[str]:
        names = dict.fromkeys([*self.key, self.timestamp, *self.declared])
        return [n for n in names if self.declared.get(n, {}).get("required", True)]

    def _nulls(self, carried: Iterable[str | None]) -> list[str]:
        """The declared optional columns that a file lacks and that are empty, not absent."""
        if self.config["absent_columns"] != "null":
            return []
        there = set(carried)
        return [c for c in self.declared if c not in there]

    # -------------------------------------------------------------------------------------------- rows

    def _row(
        self, record: dict[str, str], batch_time: int, name: str, revision: int, number: int, now: datetime
    ) -> Row:
        """One row, judged; raises Rejected."""
        record = {**record, **dict.fromkeys(self._nulls(record), "")}
        judged = {column: self._cell(column, text) for column, text in record.items()}
        cells = {column: text for column, (text, _) in judged.items()}
        # "an absent key cell is empty; empty equals empty; a key with every part empty is a reject."
        for column in self.key:
            if column not in judged:
                judged[column] = self._cell(column, "")
                cells[column] = ""
        if all(cells[column] == "" for column in self.key):
            raise Rejected(self.config["key"][0], "every part of the key is empty")
        instant = self._instant(cells[self.timestamp])
        # "max_future: a later timestamp is a reject (one typo would freeze its key); "off" to allow"
        if self.config["max_future"] != "off":
            clock = microseconds(now.astimezone(UTC).replace(tzinfo=None))
            if instant > clock + duration(self.config["max_future"]):
                raise Rejected(self.config["timestamp"], "max_future")
        return Row(
            instant=instant,
            batch_time=batch_time,
            name=name,
            revision=revision,
            number=number,
            key=tuple(key_order(cells[c], judged[c][1], self._type(c)) for c in self.key),
            cells=tuple(sorted(cells.items())),
            tombstone=self._is_tombstone(cells),
        )

    def _type(self, column: str) -> str:
        kind: str = self.declared.get(column, {}).get("type", "string")
        return kind

    def _cell(self, column: str, text: str) -> tuple[str, Any]:
        """A cell's published text and its value in its type; raises Rejected."""
        settings = self.declared.get(column, {})
        for correction in settings.get("correct", []):
            text = CORRECTIONS[correction](text)
        # "null_values: cells that mean empty; default: only the empty cell"
        if text == "" or text in settings.get("null_values", []):
            # "nullable: may the cell be empty; default true, false for key and timestamp"
            if not settings.get("nullable", column not in (*self.key, self.timestamp)):
                raise Rejected(column, "nullable")
            if column == self.timestamp:
                raise Rejected(column, "no timestamp")
            return "", None
        published, value = self._typed(column, text, self._type(column))
        rules = [rule for rule in ("min", "max") if rule in settings]
        limits = {rule: self._typed(column, str(settings[rule]), self._type(column))[1] for rule in rules}
        if "min" in limits and value < limits["min"]:
            raise Rejected(column, "min")
        if "max" in limits and value > limits["max"]:
            raise Rejected(column, "max")
        if "values" in settings and published not in map(plain, settings["values"]):
            raise Rejected(column, "values")
        return published, value

    def _typed(self, column: str, text: str, kind: str) -> tuple[str, Any]:
        """The text of a cell as it is published, and its value; raises Rejected."""
        # "A typed column is compared and stored in its type and published canonically"
        readers: dict[str, Callable[[str], tuple[str, Any]]] = {
            "string": lambda cell: (cell, cell),  # "text is published as it came"
            "integer": integer,
            "number": number,
            "decimal": lambda cell: exact_decimal(cell, kind),
            "boolean": boolean,
            "date": calendar_date,
            "timestamp": self._timestamp,
        }
        try:
            return readers[kind.partition("(")[0]](text)
        except ValueError:
            raise Rejected(column, f"type {kind}") from None

    def _timestamp(self, text: str) -> tuple[str, int]:
        # "timestamps `YYYY-MM-DDTHH:MM:SS[.ffffff]` with the offset they had, if any"
        local, offset = self._clock(text)
        return local.isoformat("T") + offset, self._instant(text)

    def _clock(self, text: str) -> tuple[datetime, str]:
        """The clock time and the offset, "" if none, that a timestamp says; raises ValueError."""
        # "timestamp_formats: strptime formats, tried in order, before ISO 8601; nothing is guessed"
        for pattern in self.config["timestamp_formats"]:
            try:
                parsed = datetime.strptime(text, pattern)
            except ValueError:
                continue
            return parsed.replace(tzinfo=None), parsed.isoformat()[-6:] if parsed.tzinfo else ""
        # "ISO 8601 here is `YYYY-MM-DD`, then optionally `T` or a blank and `HH:MM[:SS[.1-6 digits]]`, then
        # optionally `Z` or `±HH:MM`; a date alone is 00:00."
        match = iso_8601.fullmatch(text)
        if not match:
            raise ValueError(text)
        day, clock, seconds, fraction, offset = match.groups()
        local = datetime.fromisoformat(f"{day}T{clock or '00:00'}:{seconds or '00'}.{(fraction or '0').ljust(6, '0')}")
        return local, offset or ""

    def _instant(self, text: str) -> int:
        """The instant of a timestamp, in microseconds; raises Rejected."""
        try:
            local, offset = self._clock(text)
            if offset == "Z":
                return microseconds(local)
            if offset:
                hours, minutes = int(offset[1:3]), int(offset[4:6])
                if hours > 23 or minutes > 59:
                    raise ValueError(text)
                shift = (hours * 60 + minutes) * 60_000_000
                return microseconds(local) - (shift if offset[0] == "+" else -shift)
            # "timezone: for timestamps without an offset; comparison is between instants". "A local time
            # that does not exist or exists twice in `timezone` is a reject."
            zone = ZoneInfo(self.config["timezone"])
            early, late = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
            if early != late or early is None:
                raise ValueError(text)
            return microseconds(local) - early // timedelta(microseconds=1)
        except ValueError:
            raise Rejected(self.config["timestamp"], "timestamp") from None

    def _is_tombstone(self, cells: dict[str, str]) -> bool:
        # "`delete_when` reads only the row's own cells; an absent column is not a mark."
        rule = self.config["delete_when"]
        if not rule or self.delete_column not in cells:
            return False
        cell = cells[self.delete_column]
        # "{ column = "op", values = ["D"] } or { column = "deleted_at", not_empty = true }"
        return cell != "" if rule.get("not_empty") else cell in map(plain, rule["values"])

    # ---------------------------------------------------------------------------------- which row wins

    def columns(self, live: Live) -> list[tuple[str, str]]:
        """(lower case, spelling) of the columns of latest.csv, lineage aside."""
        # "Columns: `column_order`; else as in the header of the lowest (batch time, name, revision), then
        # what later batches add, in that order and by position"
        names: dict[str, str] = {}
        for batch in sorted(live.values(), key=lambda b: (b.batch_time, b.name, b.revision)):
            for column, spelling in batch.header:
                names.setdefault(column, spelling)
        fixed = [c.lower() for c in self.config["column_order"]]
        order = [c for c in fixed if c in names] + [c for c in names if c not in fixed]
        return [(c, names[c]) for c in order]

    def published(self, live: Live) -> dict[tuple[Any, ...], Published]:
        """What latest.csv says, by key."""
        columns = [c for c, _ in self.columns(live)]
        rows = {key: self._published(group, columns) for key, group in by_key(live.values()).items()}
        return {key: row for key, row in rows.items() if row}

    def _published(self, rows: list[Row], columns: list[str]) -> Published | None:
        """What latest.csv says about the key of these rows, None if it says nothing."""
        if not rows:
            return None
        # "For each key the winner is the row with the greatest rank"
        winner = max(rows, key=lambda r: r.rank)
        # "A row that `delete_when` marks is a tombstone: it competes by the same rank, removes its key if it
        # wins, and is remembered, so that an older row that arrives afterwards stays dead."
        if winner.tombstone:
            return None
        grave = max((r.rank for r in rows if r.tombstone), default=None)
        cells = {}
        for column in columns:
            cell = winner.carries.get(column)
            # "A column that the winning row's file does not carry takes, for this key, the cell of the
            # greatest-ranked row whose file carries it, but of none at or below the key's greatest
            # tombstone, and never for the column of `delete_when` (`absent_columns = "keep"`)."
            if cell is None and column != self.delete_column:
                heirs = [r for r in rows if column in r.carries and (grave is None or r.rank > grave)]
                if heirs:
                    cell = max(heirs, key=lambda r: r.rank).carries[column]
            cells[column] = cell if cell is not None else ""
        # "The winner's lineage is the lowest rank that carries the same content at the same instant."
        twins = [r for r in rows if r.instant == winner.instant and r.content == winner.content]
        return Published(cells, min(twins, key=lambda r: r.rank))

    # ------------------------------------------------------------------------------------------ counts

    def _counts(self, before: Live, after: Live, applied: list[Batch]) -> dict[str, int]:
        """The counts of a run that applied these batches."""
        counts = dict.fromkeys(COUNTS, 0)
        counts["accepted"] = sum(len(b.rows) for b in applied)
        counts["rejected"] = sum(len(b.rejects) for b in applied)
        counts["read"] = counts["accepted"] + counts["rejected"]
        columns = list(dict.fromkeys(c for c, _ in [*self.columns(after), *self.columns(before)]))
        had, has = by_key(before.values()), by_key(after.values())
        for key, new in by_key(applied).items():
            old, rows = had.get(key, []), has.get(key, [])
            for word, number in self._counts_of_key(old, rows, new, columns).items():
                counts[word] += number
        return counts

    def _counts_of_key(self, old: list[Row], rows: list[Row], new: list[Row], columns: list[str]) -> dict[str, int]:
        """The counts of one key: `old` rows before the run, `rows` after it, `new` accepted by it."""
        counts = dict.fromkeys(COUNTS, 0)
        was, now = self._published(old, columns), self._published(rows, columns)
        # "By the key's published row before and after the run, lineage aside: none -> some is inserted,
        # another content updated, some -> none deleted, each counted once per key, for the greatest-ranked
        # new row that caused it."
        word = None
        if (was and was.cells) != (now and now.cells):
            word = "inserted" if was is None else "deleted" if now is None else "updated"
        cause = self._cause(old, rows, was, now) if word else None
        ledger = {r.content for r in old}
        for row in new:
            if word and row is cause:
                counts[word] += 1
                continue
            # "Every other accepted row is unchanged if it equals the key's published row or a row that was
            # in the ledger already, or is a tombstone of a key that was dead already; else superseded."
            published = now is not None and all(now.cells.get(c) == cell for c, cell in row.cells)
            known, dead = row.content in ledger, row.tombstone and was is None
            counts["unchanged" if published or known or dead else "superseded"] += 1
        # "`ties`: keys that got a new conflict." "Same key, same instant, other content"
        for instant in {r.instant for r in rows}:
            contents = {r.content for r in rows if r.instant == instant}
            if len(contents) > 1 and contents - {r.content for r in old if r.instant == instant}:
                counts["ties"] = 1
        return counts

    def _cause(self, old: list[Row], rows: list[Row], was: Published | None, now: Published | None) -> Row | None:
        """The greatest-ranked new row that a changed cell comes from, or that brought or took the whole row."""
        winner = max(rows, key=lambda r: r.rank, default=None)
        sources = [winner]
        if was and now:
            sources = [self._source(rows, column) for column in now.cells if was.cells[column] != now.cells[column]]
        new = [row for row in sources if row is not None and row not in old]
        return max(new, key=lambda r: r.rank, default=None)

    def _source(self, rows: list[Row], column: str) -> Row | None:
        """The row that a published cell comes from; for one that a tombstone blanked, the tombstone."""
        winner = max(rows, key=lambda r: r.rank)
        if column in winner.carries or column == self.delete_column:
            return winner
        grave = max((r for r in rows if r.tombstone), key=lambda r: r.rank, default=None)
        heirs = [r for r in rows if column in r.carries and (grave is None or r.rank > grave.rank)]
        return max(heirs, key=lambda r: r.rank) if heirs else grave or winner


def by_key(batches: Iterable[Batch]) -> dict[tuple[Any, ...], list[Row]]:
    """The rows of batches, by key."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for batch in batches:
        for row in batch.rows:
            groups.setdefault(row.key, []).append(row)
    return groups


def queue_names(files: Iterable[Archived], queue: Iterable[str]) -> list[str]:
    """What files are called that go back to a queue where these names are taken."""
    # "A second file of the same name [...] gets the first 8 of its sha256 before its suffix"
    taken, names = set(queue), []
    for file in files:
        stem, suffix = re.fullmatch(r"(.*?)((?:\.csv(?:\.gz|\.zst)?)?)", file.name).groups()
        marks = ["", f".{file.sha256[:8]}", *(f".{file.sha256[:8]}-{n}" for n in range(2, 100))]
        names.append(next(name for mark in marks if (name := f"{stem}{mark}{suffix}") not in taken))
        taken.add(names[-1])
    return names


def key_order(text: str, value: Any, kind: str) -> tuple[int, Any]:
    """Where a part of a key sorts."""
    # "empty first; typed keys by value; text keys first those that are whole numbers (`0|-?[1-9][0-9]*`) by
    # value, then the rest by code point."
    if text == "":
        return (0, 0)
    if kind != "string":
        return (1, value)
    return (1, int(text)) if whole_number.fullmatch(text) else (2, text)


def integer(text: str) -> tuple[str, int]:
    """A whole number, as published and as a value."""
    if not re.fullmatch(r"[+-]?[0-9]+(\.0+)?", text):
        raise ValueError(text)
    value = int(text.partition(".")[0])
    return str(value), value


def number(text: str) -> tuple[str, float]:
    """A floating-point number, as published and as a value."""
    # "numbers the shortest text that reads back the same, finite only"
    if not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        raise ValueError(text)
    value = float(text) + 0.0  # -0.0 becomes 0.0
    if abs(value) == float("inf"):
        raise ValueError(text)
    return repr(value).removesuffix(".0"), value


def exact_decimal(text: str, kind: str) -> tuple[str, Decimal]:
    """A decimal(p,s), as published and as a value."""
    # "`1.5` in decimal(10,2) is `1.50`". "What the type cannot hold exactly is a reject, never rounded or
    # cut."
    size = type_decimal.fullmatch(kind)
    if size is None or not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text):
        raise ValueError(text)
    precision, scale = int(size[1]), int(size[2])
    sign, whole, fraction = text.startswith("-"), *text.lstrip("+-").partition(".")[::2]
    if fraction[scale:].strip("0"):
        raise ValueError(text)
    units = int(whole + fraction[:scale].ljust(scale, "0"))
    if units >= 10**precision:
        raise ValueError(text)
    digits = str(units).rjust(scale + 1, "0")
    published = digits[: len(digits) - scale] + ("." + digits[len(digits) - scale :] if scale else "")
    published = "-" + published if sign and units else published
    return published, Decimal(published)


def boolean(text: str) -> tuple[str, bool]:
    """A boolean, as published and as a value."""
    # "booleans are `true` and `false`"
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower(), text.lower() == "true"


def calendar_date(text: str) -> tuple[str, date]:
    """A date, as published and as a value."""
    # "dates `YYYY-MM-DD`"
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(text)
    return text, date.fromisoformat(text)


def quoted(cell: str) -> str:
    """A cell as latest.csv has it."""
    # "a cell quoted only if it holds a comma, a quote, CR or LF"
    if any(c in cell for c in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def plain(value: Any) -> str:
    """A value of the configuration as a cell has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def microseconds(clock: datetime) -> int:
    """Microseconds from 0001-01-01 to a clock time without an offset."""
    return (clock - datetime(1, 1, 1)) // timedelta(microseconds=1)


def duration(text: str) -> int:
    """A duration such as 1d, 12h, 30m, 60s in microseconds."""
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]] * 1_000_000
