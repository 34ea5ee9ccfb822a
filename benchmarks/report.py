"""The report: goals, tables, and what the peers do not do, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.goals import GOALS, Goal, Outcomes
from benchmarks.outcome import OURS, Outcome
from benchmarks.peers import PEERS
from benchmarks.works import apart

HEAD = """# Results

Written by `make bench`; [docs/performance.md](../docs/performance.md) says what the figures mean.

Each figure is a whole process, from its start to its end, with everything that it imports. All contestants of a work
ran in one call of the tool, in turn (ours, peer, peer, ours …), on the same drops and the same state, each after a
`sync` and with the files in the page cache. Times are medians, with the least and the greatest; CPU is user and system
time; memory is the peak of the largest process. A ratio is ours / theirs, the median over the turns: below 1 we are
faster. "Rows" says how a peer's rows differ from ours: the same keys, and for each key the same winner.
"""
LACKS = """## What the peers do not do

None of them validates rows against a contract, or refuses and keeps bad ones; keeps what it took (no ledger, so no way
back, no history, no `check`); knows a file that it has seen already; survives a crash between reading and writing, or
calls fsync (only `copy` does); locks out a second writer; archives what it took. The lineage is the name of the file at
most. Ours does all of it in the times above. Beside that:
"""


def report(outcomes: Outcomes, machine: Mapping[str, str], versions: Mapping[str, str], picture: str | None) -> str:
    """All of it.

    Args:
        outcomes: by the names of their works.
        machine: what it ran on.
        versions: of what took part.
        picture: the path of the picture of the growth, beside the report.
    """
    parts = [HEAD, _facts(machine, versions), "## Goals\n", goals(outcomes)]
    for outcome in outcomes.values():
        parts += [f"## {outcome.name}: {outcome.title}\n", section(outcome)]
    if picture:
        parts += ["## Growth\n", f"![The cost of 20,000 rows as the state grows]({picture})\n"]
    lacks = [f"- `{name}`: {peer.lacks}." for name, peer in PEERS.items()]
    return "\n".join([*parts, LACKS, "\n".join(lacks)]) + "\n"


def goals(outcomes: Outcomes) -> str:
    """The table of goals, each with what was measured, met or not."""
    rows = [
        (goal.work, goal.against, amount(goal.at_most, goal.unit), *_verdict(goal, goal.measured(outcomes)))
        for goal in GOALS
    ]
    return table(("work", "against", "goal, at most", "measured", ""), rows)


def section(outcome: Outcome) -> str:
    """One work: a row for each contestant, whoever is left out, and its facts."""
    lines = []
    if outcome.samples:
        is_race = OURS in outcome.samples
        head = (
            "",
            "median",
            "least … greatest",
            "CPU",
            "memory",
            *(("ours / theirs", "rows") if is_race else ("p95",)),
        )
        lines.append(table(head, [_row(outcome, who, is_race=is_race) for who in outcome.samples]) + "\n")
    if outcome.text:
        lines.append(f"```text\n{outcome.text}\n```\n")
    lines += [f"- `{who}` {failure}\n" for who, failure in outcome.failures.items()]
    lines += [f"- `{who}` is left out: {reason}.\n" for who, reason in outcome.left_out.items()]
    if "rows_in" in outcome.facts:
        read, made = (outcome.facts[name] / 1e6 for name in ("bytes_in", "latest_bytes"))
        lines.append(f"\n{read:,.1f} MB of drops, {made:,.1f} MB of latest.csv.\n")
    return "".join(lines)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown that also reads well as text."""
    cells = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def amount(value: float, unit: str = "") -> str:
    """A number with three digits that count, and its unit."""
    digits = 3 if unit == "s" and value < 1 else 2
    return f"{value:,.{digits}f}" + (f" {unit}" if unit else "")


def _row(outcome: Outcome, who: str, *, is_race: bool) -> tuple[str, ...]:
    samples = outcome.samples[who]
    seconds, cpu = (sorted(getattr(sample, name) for sample in samples) for name in ("seconds", "cpu"))
    used = any(cpu)
    middle = len(samples) // 2
    between = seconds[middle] if len(samples) % 2 else (seconds[middle - 1] + seconds[middle]) / 2
    memory = max(sample.memory for sample in samples)
    row = (
        f"`{who}`" if is_race else who,
        amount(between, "s"),
        f"{amount(seconds[0])} … {amount(seconds[-1])}" if between >= 1 else f"{seconds[0]:.3f} … {seconds[-1]:.3f}",
        amount(cpu[middle], "s") if used else "",
        f"{memory:,.0f} MB" if used else "",
    )
    if not is_race:
        return (*row, amount(outcome.percentile(who, 0.95) or 0, "s"))
    ratio = None if who == OURS else outcome.ratio(who)
    same = apart(outcome.same[who]) if who in outcome.same else ""
    return (*row, "" if ratio is None else amount(ratio), same)


def _verdict(goal: Goal, measured: float | None) -> tuple[str, str]:
    if measured is None:
        return "not measured", ""
    return amount(measured, goal.unit), "met" if measured <= goal.at_most else "not met"


def _facts(machine: Mapping[str, str], versions: Mapping[str, str]) -> str:
    used = ", ".join(f"{name} {number}" for name, number in versions.items())
    lines = [*(f"- {name}: {value}" for name, value in machine.items()), f"- versions: {used}"]
    return "\n".join(lines) + "\n"
