#!/usr/bin/env python3
"""How the cost of a small delivery grows with the state, as a picture.

    python benchmarks/picture.py OUT.svg POINTS.json

POINTS is an object: for each contestant a list of [rows of the state, median seconds]. The same points give the same
bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

OURS = "snapshotter"


def draw(out: Path, points: dict[str, list[tuple[int, float]]]) -> None:
    """Draw one line for each contestant, both axes logarithmic: a cost in proportion to the state has slope 1.

    Args:
        out: the picture, SVG.
        points: rows of the state and seconds, in ascending order.
    """
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter, NullFormatter

    with mpl.rc_context({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 11}):
        figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
        for name, line in points.items():
            rows, seconds = zip(*line, strict=True)
            width = 3.0 if name == OURS else 1.5
            axes.plot(rows, seconds, marker="o", linewidth=width, label=name, zorder=3 if name == OURS else 2)
        axes.set(xscale="log", yscale="log", xlabel="rows of the state", ylabel="seconds (median, whole process)")
        sizes = sorted({row for line in points.values() for row, _ in line})
        axes.set_xticks(sizes, [f"{size / 1e6:g} million" for size in sizes])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_title("20,000 new rows on a state that grows")
        axes.grid(visible=True, which="both", alpha=0.25)
        axes.legend()
        figure.savefig(out, format="svg", metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
