"""Persons who are there twice, and the slips in their rows, in tables that a description makes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshotter.testdata.description.erring import Doubles

IDS = np.arange(20_000, dtype=np.uint64)


@given(share=st.floats(0, 0.9), key=st.integers(0, 2**63))
@settings(max_examples=30, deadline=None)
def test_a_duplicate_is_a_person_who_came_before(share, key):
    """Each duplicate leads to an earlier row that is none itself; every other row is its own person."""
    doubles = Doubles.around(share, 0, key)
    are, persons = doubles.are(IDS), doubles.persons(IDS)
    assert not are[0]
    assert (persons[~are] == IDS[~are]).all()
    assert (persons[are] < IDS[are]).all()
    assert not doubles.are(persons).any()
    assert abs(int(are.sum()) - len(IDS) * share) <= 5 * (len(IDS) * share * (1 - share)) ** 0.5 + 1


def test_a_row_is_the_same_duplicate_in_any_company():
    """Who is whose duplicate does not depend on the rows that are asked for with it."""
    doubles = Doubles.around(0.3, 0, 7)
    whole = doubles.persons(IDS)
    assert (np.concatenate([doubles.persons(part) for part in np.split(IDS[::-1], 100)]) == whole[::-1]).all()


def test_the_share_varies_as_far_as_is_said():
    """With a variance, the share is drawn from those around it, by the seed, and never leaves 0 to 1."""
    shares = [Doubles.around(0.15, 0.05, key).share / 2**32 for key in range(300)]
    assert 0.1 <= min(shares) < 0.105
    assert 0.195 < max(shares) <= 0.2
    assert {Doubles.around(0.15, 0, key).share for key in range(9)} == {round(0.15 * 2**32)}
    assert min(Doubles.around(0.01, 0.05, key).share for key in range(99)) == 0
