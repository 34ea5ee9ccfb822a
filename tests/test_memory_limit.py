"""`memory_limit` is of the process, whatever it works on."""

from conftest import latest, peak

ROWS = 150_000


def test_several_datasets_need_the_memory_of_one(workspace):
    """All are judged before any is committed, but one at a time is in memory; what is published is right."""
    names = "abcd"
    config = 'memory_limit = "250MB"\n' + "".join(f'[datasets.{name}]\nmatch = "{name}.csv"\n' for name in names)
    text = "id,timestamp,v\n" + "".join(f"{n},2024-01-01,{n * 7919:040}\n" for n in range(ROWS))
    one = workspace(config, **{"a.csv": text})
    several = workspace(config, **{f"{name}.csv": text for name in names})
    code, alone = peak(one, "run")
    assert code == 0
    code, together = peak(several, "run")
    assert code == 0
    assert together < alone + 40, f"{together} MB, and {alone} MB of one"
    assert [latest(several, name).count("\n") for name in names] == [ROWS + 1] * 4
    assert not list(several.layout.output.glob(".snapshotter-*"))
