"""What measuring a work gave, as it is kept between two calls of the tool."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.measuring import Sample, median_ratio, percentile

OURS = "snapshotter"


@dataclass
class Outcome:
    """What one work gave.

    Args:
        name: of the work.
        title: what was done.
        samples: of each contestant, in turn: the n-th samples of two were taken one after the other.
        failures: of contestants that did not do it, with what became of them.
        same: of peers, how their rows differ from ours: keys in all, missing, extra, won by another row.
        facts: numbers about the work, such as the bytes of the result.
        left_out: peers that are not measured, with the reason.
        text: what a program of its own printed.
    """

    name: str
    title: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    same: dict[str, dict[str, int]] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    text: str = ""

    def add(self, who: str, sample: Sample) -> None:
        """Keep one more measurement."""
        self.samples.setdefault(who, []).append(sample)

    def seconds(self, who: str) -> list[float]:
        """The wall times of a contestant; empty if it failed, since then it did not do the work each time."""
        return [] if who in self.failures else [sample.seconds for sample in self.samples.get(who, [])]

    def median(self, who: str) -> float | None:
        """Its median wall time."""
        seconds = self.seconds(who)
        return statistics.median(seconds) if seconds else None

    def percentile(self, who: str, share: float) -> float | None:
        """A percentile of its wall times."""
        seconds = self.seconds(who)
        return percentile(seconds, share) if seconds else None

    def ratio(self, who: str, ours: str = OURS) -> float | None:
        """The median of ours / theirs, turn by turn."""
        return median_ratio(self.seconds(ours), self.seconds(who))

    def fastest(self, *names: str) -> str | None:
        """The contestant, of those named, with the least median."""
        medians = {name: median for name in names if (median := self.median(name)) is not None}
        return min(medians, key=medians.__getitem__) if medians else None

    def write(self, path: Path, stamp: str) -> None:
        """Keep it on the disk, with what it was measured with."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({"stamp": stamp, "outcome": asdict(self)}, indent=1))
        unfinished.replace(path)


def read(path: Path, stamp: str | None = None) -> Outcome | None:
    """An outcome from the disk; None if there is none, or one that was measured with something else."""
    if not path.is_file():
        return None
    kept = json.loads(path.read_text())
    if stamp is not None and kept["stamp"] != stamp:
        return None
    fields = kept["outcome"]
    fields["samples"] = {who: [Sample(**sample) for sample in some] for who, some in fields["samples"].items()}
    return Outcome(**fields)
