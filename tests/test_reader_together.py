"""Many small texts that are proved in one pass: each is judged as if it were alone."""

import pytest
from conftest import drop
from hypothesis import example, given, settings
from hypothesis import strategies as st

from snapshotter.reader import AT_ONCE, SMALL, Layout, Prover, prove_together
from snapshotter.reader.proof import NotRegular

# Texts of what matters to a proof, dense enough for quotes and line ends to meet in every way.
PIECES = st.sampled_from(["a", ",", ";", '"', '""', "\n", "\r\n", "\r", '"x"', '"x\n"', "1,2\n", "é", "\n\n"])
TEXTS = st.lists(st.lists(PIECES, max_size=12).map("".join), min_size=1, max_size=6)


def alone(text: bytes, delimiter: str = ",") -> Layout | None:
    """What the proof of a single text says; None if it is not regular."""
    prover = Prover(delimiter)
    try:
        prover.feed(text)
        return prover.finish()
    except NotRegular:
        return None


def told(layout: Layout) -> tuple[object, ...]:
    """What must be the same; the longest record may count a line end that is lacking."""
    return layout.records, layout.blank_lines, layout.crlf, layout.header_end


@settings(max_examples=1500)
@example(['a"', "b"], ",")
@example(['"x\n', '"'], ",")
@example(["1\r", "2"], ",")
@given(TEXTS, st.sampled_from(",;"))
def test_neighbours_do_not_matter(bodies, delimiter):
    """Whatever stands beside a text, it is found as regular as alone, or is left to be proved alone."""
    texts = [f"h{delimiter}i\n{body}".encode() for body in bodies]
    for text, layout in zip(texts, prove_together(texts, delimiter), strict=True):
        single = alone(text, delimiter)
        if layout is None:
            assert single is None or single.records == 0
        else:
            assert single is not None
            assert told(layout) == told(single)
            assert single.longest <= layout.longest <= single.longest + 2


def test_more_than_one_pass():
    """Texts that do not fit into one pass get their own results, in their order."""
    texts = [b"a,b\n" + b"1,2\n" * (number % 50 + 1) for number in range(20_000)]
    assert sum(map(len, texts)) > 2 * AT_ONCE
    assert [layout.records for layout in prove_together(texts, ",")] == [number % 50 + 1 for number in range(20_000)]


def test_what_is_large_is_proved_alone():
    """It gains nothing from others."""
    assert prove_together([b"a\n" + b"1\n" * SMALL, b"a\n1\n"], ",") == [None, alone(b"a\n1\n")]


@pytest.mark.parametrize("odd", ['2,2024-01-01,"x\n', "2,2024-01-01,x\r\n", '2,2024-01-01,a"b\n', "2,2024-01-01\n"])
def test_one_broken_file_among_many_costs_nobody_else(workspace, odd):
    """The files beside it are applied whole, and only its own record is refused."""
    head = "id,timestamp,v\n"
    files = {f"{number:03}.csv": f'{head}{number},2024-01-01,"a\nb"\n' for number in range(100, 200)}
    ws = workspace(**files)
    drop(ws, "150.csv", f"{head}1,2024-01-01,a\n{odd}")
    result = ws.run().datasets[0]
    found = {file.name: file for file in result.files}
    assert {file.rejected for name, file in found.items() if name != "150.csv"} == {0}
    assert found["150.csv"].status == "applied"
    assert result.latest.rows == 99 + found["150.csv"].accepted


def test_batches_are_numbered_in_the_order_of_the_queue(workspace):
    """Whether a file is proved alone or together: a large one between small ones has its place."""
    head = "id,timestamp,v\n"
    large = head + "".join(f"{number},2024-01-01,{'x' * 90}\n" for number in range(1000, 1000 + SMALL // 90))
    ws = workspace(**{"a.csv": f"{head}1,2024-01-01,a\n", "b.csv": large, "c.csv": f"{head}2,2024-01-01,c\n"})
    ws.run()
    numbers = {record.name: record.batch for _, record in ws._ledgers["default"].open().files}
    assert numbers == {"a.csv": 1, "b.csv": 2, "c.csv": 3}
