"""The kinds of columns that a description can name."""

from __future__ import annotations

from collections.abc import Mapping

from snapshotter.testdata.description.kinds.base import Kind
from snapshotter.testdata.description.kinds.cpf import Cpf
from snapshotter.testdata.description.kinds.formula import Formula
from snapshotter.testdata.description.kinds.life import Change, States, Time
from snapshotter.testdata.description.kinds.links import Of, Position, Ref, Template
from snapshotter.testdata.description.kinds.people import Person, Spot
from snapshotter.testdata.description.kinds.plain import Cell, Choice, Faker, Numbered, Pattern, Value
from snapshotter.testdata.description.kinds.ranges import Range

__all__ = ["KINDS", "Kind"]

KINDS: Mapping[str, type[Kind]] = {
    kind.name: kind
    for kind in (
        Numbered,
        Value,
        Choice,
        Range,
        Faker,
        Cell,
        Pattern,
        Person,
        Spot,
        Cpf,
        Ref,
        Of,
        Position,
        Template,
        Formula,
        Time,
        Change,
        States,
    )
}
