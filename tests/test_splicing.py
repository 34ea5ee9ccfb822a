"""A view that is spliced out of the one before it is the view that is rendered whole, whatever came before.

Each history goes through two workspaces: one splices whatever it can, in blocks of a few lines; the other one never
does, and has an index with a block for each line, by which the index of the first is judged.
"""

from __future__ import annotations

import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st
from loguru import logger
from test_properties import LONG
from worlds import DATED, INSTANTS, KEYS, NAMES, TEXTS, World, cells, configs, files, line, often

from snapshotter import Workspace, blocks, rendering
from snapshotter.errors import SnapshotterError

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # what is on a disk is tested elsewhere
START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = [f"2024-02-{day:02}T08:00Z" for day in range(1, 29)]
MORE_KEYS = {
    "string": [*map(str, range(-6, 13)), "-007", "a\rb", "\r", "\x01", "\x7f", "\u00a0", "ß", "a,b\nc", '""', "1\n"],
    "integer": [str(n) for n in range(-6, 13)],
    "number": ["-0", "0", "1e300", "5e-324", "-1e-7", "100", "99", "0.1"],
    "decimal(10,2)": ["-0", "0", "99999999.99", "-99999999.99", "0.01", "9", "10"],
    "date": [f"2024-03-{day:02}" for day in range(1, 20)] + ["0001-01-01", "9999-12-31"],
    "boolean": [],
    "timestamp": [f"2024-03-{day:02}T10:00:00.{day}" for day in range(1, 20)]
    + ["1890-01-01", "2024-03-05T10:00+14:00"],
}
NO_SPLICE = {(rendering, "SHARE"): -1, (rendering, "SIZE"): 1, (blocks, "SIZE"): 1, (blocks, "TOGETHER"): 1}
SPLICE = {(rendering, "SHARE"): 1000, (rendering, "SIZE"): 40, (blocks, "SIZE"): 40, (blocks, "TOGETHER"): 2}
SPLICED = "the view is spliced"
ways: Counter[str] = Counter()  # how many views came about in which way, in all examples


class Splicing:
    """A workspace that splices, or one that never does.

    Args:
        root: its folder.
        toml: its configuration.
        constants: of the modules, while it works.
    """

    def __init__(self, root: Path, toml: str, constants: dict[tuple[Any, str], int]) -> None:
        self.root, self.constants, self.now = root, constants, START
        (root / "input" / "processing").mkdir(parents=True)
        (root / "snapshotter.toml").write_text(toml, encoding="utf-8")
        self.ws = Workspace(root, clock=lambda: self.now)

    @contextmanager
    def patched(self) -> Iterator[list[str]]:
        """The constants as they are here; gives what was said of how views came about."""
        said: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            for (module, name), value in self.constants.items():
                patch.setattr(module, name, value)
            sink = logger.add(lambda message: said.append(message.record["message"]), level="DEBUG")
            logger.enable("snapshotter")
            try:
                yield said
            finally:
                logger.disable("snapshotter")
                logger.remove(sink)

    def do(self, step: tuple[Any, ...]) -> Any:
        """One step; what it answers, without what tells of the machine."""
        self.now += timedelta(hours=5)
        what, *rest = step
        with self.patched() as said:
            try:
                answer = self._do(what, *rest)
            except SnapshotterError as error:
                answer = error.code
        ways[SPLICED] += sum(SPLICED in words for words in said)
        return answer

    def _do(self, what: str, *rest: Any) -> Any:
        if what == "run":
            for name, data in rest:
                (self.root / "input" / "processing" / name).write_bytes(data)
            told = self.ws.run().model_dump(exclude={"seconds"})
            assert all(dataset["error"] is None for dataset in told["datasets"]), told
            return told
        if what == "reset":
            self.ws.reset(rest[0], requeue=rest[1])
        elif what == "withdraw":
            batches = list(self.ws.files("applied"))
            if batches:
                file = batches[rest[0] % len(batches)]
                self.ws.withdraw(file.name, file.revision)
        elif what == "prune":
            self.ws.prune(keep_last=rest[0])
        return None

    @property
    def latest(self) -> bytes | None:
        """The bytes of latest.csv."""
        path = self.ws.layout.latest("default")
        return path.read_bytes() if path.exists() else None

    def index(self) -> list[tuple[bytes, int, int]] | None:
        """The index of the view: (the least key, begin, checksum) of each block."""
        found = list(self.ws.layout.ledger("default").glob("_view-*.index"))
        assert len(found) <= 1
        query = f"SELECT first, begin, checked FROM read_parquet('{found[0]}') ORDER BY begin" if found else ""
        with duckdb.connect() as connection:
            return connection.execute(query).fetchall() if query else None


def assert_index_fits(index: list[tuple[bytes, int, int]], each: list[tuple[bytes, int, int]], view: bytes) -> None:
    """Each line is in the block that holds its key, blocks are in order, and checksums hold; `each` has all lines."""
    firsts, begins = [first for first, _, _ in index], [begin for _, begin, _ in index]
    assert firsts == sorted(set(firsts))
    assert begins == sorted(begins)
    for key, begin, _ in each:
        if key and begin < len(view):  # the first block takes whatever comes; nobody says the key of its first line
            by_offset = max(n for n, b in enumerate(begins) if b <= begin)
            by_key = max((n for n, first in enumerate(firsts) if first <= key), default=0)
            assert by_offset == by_key, (begin, begins)
    runs = [(begin, check) for _, begin, check in index if check >= 0]
    assert runs[0][0] == begins[0]
    ends = [begin for begin, _ in runs[1:]] + [len(view)]
    for (begin, check), end in zip(runs, ends, strict=True):
        assert zlib.crc32(view[begin:end]) == check


@st.composite
def histories(draw: Any) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """A configuration and steps: a base of many keys, then a few rows at a time."""
    config = draw(configs(plain_lineage=False))
    if draw(often(False, True)):
        config["lineage"] = draw(st.sampled_from([["loaded_at", "snapshot"], ["source_row", "source_revision"], []]))
    columns = draw(cells(config))
    kind = config.get("columns", {}).get("id", {}).get("type", "string")
    known = list(dict.fromkeys([*(key for key in KEYS[kind][0] if key), *MORE_KEYS[kind]]))
    if config.get("columns", {}).get("id", {}).get("nullable"):
        known.append("")
    columns["id"] = st.sampled_from(known)
    columns["ts"] = st.sampled_from(draw(st.lists(st.sampled_from(INSTANTS), min_size=1, max_size=3)) + LATER)
    columns["v"] = st.sampled_from([*TEXTS, "\x01", "long " * 20, '"\n"'])
    order = draw(st.permutations(sorted(columns)))
    names = st.sampled_from(draw(st.permutations(DATED if config.get("batch_time") else NAMES))[:4])

    def rows(keys: list[str]) -> bytes:
        found = [[key if column == "id" else draw(columns[column]) for column in order] for key in keys]
        return "".join(line(row, ",", all_quoted=False) + "\n" for row in [order, *found]).encode()

    base = draw(st.permutations(known))[: draw(st.integers(1, 40))]
    steps: list[tuple[Any, ...]] = [("run", (draw(names), rows([key for key in base if key])))]
    dropped = [steps[0][1]]
    for _ in range(draw(st.integers(2, 8))):
        what = draw(st.sampled_from(["run"] * 7 + ["again", "odd", "odd", "reset", "withdraw", "prune", "nothing"]))
        if what == "run":
            number = draw(st.integers(1, 2))
            some = [(draw(names), rows(draw(st.lists(st.sampled_from(known), max_size=4)))) for _ in range(number)]
            steps.append(("run", *some))
        elif what == "odd":
            steps.append(("run", (draw(names), draw(files(config, columns)))))
        elif what == "again":
            steps.append(("run", draw(st.sampled_from(dropped))))
        elif what == "reset":
            steps.append(("reset", draw(st.integers(1, len(steps))), draw(st.booleans())))
        elif what == "withdraw":
            steps.append(("withdraw", draw(st.integers(0, 99))))
        else:
            steps.append(("prune", draw(st.integers(1, 3))) if what == "prune" else ("run",))
        dropped += steps[-1][1:] if steps[-1][0] == "run" else []
    return config, steps


def tell(config: dict[str, Any], steps: list[tuple[Any, ...]]) -> None:
    """Let a failure print what a person can repeat."""
    note("\n".join([World(config, ()).toml(), *map(repr, steps)]))


@settings(
    max_examples=1000 if LONG else 8,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@hypothesis_given(histories())
def spliced_is_whole(history: tuple[dict[str, Any], list[tuple[Any, ...]]]) -> None:
    """After each step: the same bytes, answers, records and history; and an index that fits."""
    config, steps = history
    tell(config, steps)
    toml = World(config, ()).toml()
    with tempfile.TemporaryDirectory(dir=MEMORY) as one, tempfile.TemporaryDirectory(dir=MEMORY) as other:
        splicing, whole = Splicing(Path(one), toml, SPLICE), Splicing(Path(other), toml, NO_SPLICE)
        for step in steps:
            told, expected = splicing.do(step), whole.do(step)
            assert splicing.latest == whole.latest, step
            assert told == expected, step
            assert splicing.ws.snapshots() == whole.ws.snapshots()
            assert splicing.ws.files() == whole.ws.files()
            index, each = splicing.index(), whole.index()
            if index and each and splicing.latest:
                assert_index_fits(index, each, splicing.latest)
                ways["indexes"] += 1
            ways["steps"] += 1
        assert splicing.ws.check().problems == []


def test_spliced_is_whole() -> None:
    """A random history gives, spliced, what it gives when each view is rendered whole; and most views are spliced."""
    ways.clear()
    spliced_is_whole()
    assert ways[SPLICED] > ways["steps"] / 4, ways
    assert ways["indexes"] > ways["steps"] / 2, ways
