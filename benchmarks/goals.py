"""The goals, as ratios and seconds, and what was measured of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.commands import COPY, EMPTY, HELP, RENDER
from benchmarks.generating import CRM, DEMO, RETAIL
from benchmarks.latency import RENAMED, WRITTEN
from benchmarks.measuring import percentile
from benchmarks.outcome import OURS, Outcome

Outcomes = Mapping[str, Outcome]
FILES = 10_000
SMALL, LARGE = "grow-1000000", "grow-10000000"


@dataclass(frozen=True)
class Goal:
    """One goal.

    Args:
        work: what is done.
        against: what it is compared with; empty: nothing.
        at_most: the limit, a ratio ours / theirs or in the unit.
        unit: `s` or `ms`; empty: a ratio.
        measured: the same number out of the outcomes; None if it was not measured.
    """

    work: str
    against: str
    at_most: float
    unit: str
    measured: Callable[[Outcomes], float | None]


def against(name: str, *peers: str, ours: str = OURS) -> Callable[[Outcomes], float | None]:
    """The ratio of us to the faster of some peers in a work."""

    def measured(outcomes: Outcomes) -> float | None:
        outcome = outcomes.get(name)
        best = outcome.fastest(*peers) if outcome else None
        return outcome.ratio(best, ours) if outcome and best else None

    return measured


def median(name: str, who: str, scale: float = 1) -> Callable[[Outcomes], float | None]:
    """The median time of one contestant, times something."""

    def measured(outcomes: Outcomes) -> float | None:
        found = outcomes[name].median(who) if name in outcomes else None
        return None if found is None else found * scale

    return measured


def at_full_size(job: str) -> Callable[[Outcomes], float | None]:
    """The median time of making test data, if all of it was made."""

    def measured(outcomes: Outcomes) -> float | None:
        return median("generate", job)(outcomes) if _has_all_rows(outcomes) else None

    return measured


def of_many(*peers: str) -> Callable[[Outcomes], float | None]:
    """The ratio in `many`, if it was measured with all files: with a tenth of them start-up counts tenfold."""

    def measured(outcomes: Outcomes) -> float | None:
        return against("many", *peers)(outcomes) if _has_all_files(outcomes) else None

    return measured


def per_file(outcomes: Outcomes) -> float | None:
    """The time of `many` for each file, in ms."""
    found = median("many", OURS)(outcomes)
    return found / FILES * 1000 if found is not None and _has_all_files(outcomes) else None


def per_byte(outcomes: Outcomes) -> float | None:
    """The time for each byte of latest.csv at the large size, against the small one."""
    large, small = (_per_byte(outcomes.get(name)) for name in (LARGE, SMALL))
    return large / small if large and small else None


def latency(outcomes: Outcomes) -> float | None:
    """The latency that 95 of 100 drops stay within."""
    if "watch" not in outcomes:
        return None
    seconds = [second for who in (RENAMED, WRITTEN) for second in outcomes["watch"].seconds(who)]
    return percentile(seconds, 0.95) if seconds else None


def _has_all_files(outcomes: Outcomes) -> bool:
    return "many" in outcomes and outcomes["many"].facts.get("files") == FILES


def _has_all_rows(outcomes: Outcomes) -> bool:
    return "generate" in outcomes and outcomes["generate"].facts.get("scale") == 1


def _per_byte(outcome: Outcome | None) -> float | None:
    found = outcome.median(OURS) if outcome else None
    return found / outcome.facts["latest_bytes"] if outcome and found else None


GOALS = (
    Goal("`seed`: 100,000 rows in 50 files", "the faster of `duckdb_once`, `polars_once`", 1.0, "",
         against("seed", "duckdb_once", "polars_once")),
    Goal("`seed`", "`pandas_loop`", 0.12, "", against("seed", "pandas_loop")),
    Goal("`grow`: 20,000 rows on 10 million", "`copy`", 3.0, "", against(LARGE, COPY)),
    Goal("`grow`: 20,000 rows on 10 million", "`duckdb_anti_join`", 0.5, "", against(LARGE, "duckdb_anti_join")),
    Goal("`grow`: time per byte of latest.csv at 10 million", "itself at 1 million", 1.0, "", per_byte),
    Goal("`load`: 10 million rows in 10 files", "`duckdb_once`", 1.25, "", against("load", "duckdb_once")),
    Goal("`many`: 10,000 files of 20 rows", "the faster of `duckdb_once`, `polars_once`", 1.0, "",
         of_many("duckdb_once", "polars_once")),
    Goal("`many`", "the fastest of all peers here", 1.0, "",
         of_many("duckdb_once", "polars_once", "miller", "csvkit")),
    Goal("`many`: each file", "", 0.5, "ms", per_file),
    Goal("`watch`: drop to latest.csv on 100,000 rows, p95", "", 0.25, "s", latency),
    Goal("`generate`: 10 million rows of demo", "", 8.0, "s", at_full_size(DEMO)),
    Goal("`generate`: retail, 140,000 customers and 30 days", "", 10.0, "s", at_full_size(RETAIL)),
    Goal("`generate`: crm, 100,000 customers, 15 % of them twice, ten tables", "", 10.0, "s", at_full_size(CRM)),
    Goal("`--help`", "", 0.2, "s", median("startup", HELP)),
    Goal("`run` with an empty queue", "", 0.25, "s", median("startup", EMPTY)),
    Goal("`history` of a key of 10 million", "", 1.0, "s", median("back", "history")),
    Goal("`reset` on 10 million", "`copy`", 2.0, "", against("back", COPY, ours="reset")),
    Goal("`show` on 10 million", "a full render of latest.csv", 1.0, "", against("back", RENDER, ours="show")),
)  # fmt: skip
