#!/usr/bin/env python3
"""CSV drops for measuring: the same arguments give the same bytes.

    python benchmarks/drops.py FOLDER --files N --rows N --keys N [--seed N] [--start DAY] [--every MINUTES]

Columns: id, name, email, city, amount, quantity, description, timestamp, about 130 bytes a row. Ids are uniform over
the keys. Each file's timestamps lie between its own start and that of the next one, in order.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima"]
WORDS += ["mike,", "november", "oscar"]  # one of them has to be quoted, whoever writes it
NAMES = [f"Name{i} Surname{i % 977}" for i in range(5000)]
CITIES = [f"City {i}" for i in range(800)]
WEEK = 7 * 24 * 60


@dataclass(frozen=True)
class Drops:
    """What a folder of drops holds.

    Args:
        files: number of files.
        rows: in each file.
        keys: ids are drawn from 1 to this.
        seed: of the generator.
        start: the day on which the first file begins, `YYYY-MM-DD`.
        every: minutes from one file's start to the next one's.
    """

    files: int
    rows: int
    keys: int
    seed: int = 0
    start: str = "2022-01-03"
    every: int = WEEK

    @property
    def name(self) -> str:
        """A name for the folder: other drops have another one."""
        return "-".join(str(value) for value in asdict(self).values())


def write(folder: Path, drops: Drops) -> None:
    """Write drops into a folder.

    The last timestamp must lie in the past, since snapshotter refuses rows that are more than a day ahead.

    Args:
        folder: is made if it is not there.
        drops: what to write.
    """
    import numpy as np
    import polars as pl

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(drops.seed)
    names, cities, words = pl.Series(NAMES), pl.Series(CITIES), pl.Series(WORDS)
    first = np.datetime64(f"{drops.start}T00:00:00")

    def some(pool: pl.Series) -> pl.Series:
        return pool.gather(rng.integers(0, len(pool), drops.rows))

    for number in range(drops.files):
        begin = first + np.timedelta64(number * drops.every, "m")
        instants = np.sort(begin + rng.integers(0, drops.every * 60, drops.rows).astype("timedelta64[s]"))
        description = [some(names), *(some(words) for _ in range(4))]
        frame = pl.DataFrame(
            {
                "id": rng.integers(1, drops.keys + 1, drops.rows),
                "name": some(names),
                "email": pl.Series(rng.integers(0, 10**6, drops.rows)),
                "city": some(cities),
                "amount": np.round(rng.random(drops.rows) * 1000, 2),
                "quantity": rng.integers(1, 50, drops.rows),
                "description": pl.select(pl.concat_str(description, separator=" ")).to_series(),
                "timestamp": pl.Series(instants.astype("datetime64[ms]")).dt.strftime("%Y-%m-%dT%H:%M:%S"),
            }
        ).with_columns(email=pl.format("n{}@example.com", pl.col("email")))
        stamp = str(begin).replace("-", "").replace(":", "")
        frame.write_csv(folder / f"batch_{stamp}.csv", quote_style="non_numeric")


def main(arguments: list[str]) -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    for name in ("files", "rows", "keys"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", default="2022-01-03")
    parser.add_argument("--every", type=int, default=WEEK, help="minutes between two files")
    given = vars(parser.parse_args(arguments))
    write(given.pop("folder"), Drops(**given))


if __name__ == "__main__":
    main(sys.argv[1:])
