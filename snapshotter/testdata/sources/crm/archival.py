"""Archival: people of a file that was made on an earlier day come again today, with other slips."""

from __future__ import annotations

import csv
import functools
import io
from dataclasses import dataclass

import numpy as np

from snapshotter.testdata.batch import Batch
from snapshotter.testdata.description.column import Column, Texts, of_texts
from snapshotter.testdata.draws import Draws, below, permute
from snapshotter.testdata.mistakes import Mistakes
from snapshotter.testdata.pools import load
from snapshotter.testdata.sources.crm.settings import ROLES

SHARE = 100  # one of so many people of the file
_STREAM = 0xA7C4  # of randomness, apart from those of descriptions


@dataclass(frozen=True)
class Again:
    """People who come again.

    Args:
        columns: their cells, by column.
        who: the customer that each of them is.
        done: what was done to each.
    """

    columns: list[Column]
    who: Texts
    done: Texts


@functools.cache
def _mistakes() -> Mistakes:
    pool = load("en_GB-1")
    nicknames = list(zip(pool["nickname_of"], pool["nickname"], strict=True))
    return Mistakes(ROLES, nicknames=nicknames, valid=["email", "date_of_birth"])


def picked_day(day: int, turn: int, seed: int) -> int:
    """The earlier day whose file is picked, for one of the turns of a day from 1 on."""
    return int(below(Draws(seed, _STREAM, day * 1000 + turn).words(1), day)[0])


def people(file: Batch) -> dict[str, Texts]:
    """The cells of a file of customers, by column."""
    rows = list(csv.reader(io.StringIO(file.csv().decode(), newline="")))[1:]
    return {
        name: np.array(cells, dtype=np.str_) for name, cells in zip(file.columns, zip(*rows, strict=True), strict=True)
    }


def again(known: dict[str, Texts], day: int, turn: int, seed: int) -> Again:
    """One percent of the people of a file, at least one, with mistakes and ids of their own.

    Args:
        known: customers of an earlier day.
        day: the number of today, from 1.
        turn: how often this was done today before.
        seed: of the source.
    """
    there = len(known["customer_id"])
    count = -(-there // SHARE)
    draws = Draws(seed, _STREAM, 1 << 40 | day * 1000 + turn)
    chosen = permute(np.arange(count, dtype=np.uint64), there, draws.word()).astype(np.intp)
    texts = {name: cells[chosen] for name, cells in known.items()}
    made = _mistakes().make(texts, draws.words(count))
    ids = [f"A{day:05}{turn:03}{number:06}" for number in range(count)]
    cells = {**made.fields, "customer_id": np.array(ids, dtype=np.str_)}
    done = np.strings.rstrip(np.strings.add("archival ", made.labels()))
    return Again([of_texts(cells[name].tolist()) for name in known], texts["customer_id"], done)
