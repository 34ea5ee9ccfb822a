"""Kinds of columns that tell of a row's life: when, what happened, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator, model_validator

from snapshotter.testdata import source
from snapshotter.testdata.description.column import Choices, Maker, Rows
from snapshotter.testdata.description.growth import RESENT, UPDATED
from snapshotter.testdata.description.kinds.base import Kind, Place
from snapshotter.testdata.description.kinds.plain import Weight
from snapshotter.testdata.description.times import times


class Time(Kind):
    """When a row was made, or when it came to be what it is."""

    name: ClassVar[str] = "time"
    example: ClassVar[str] = "{time: changed}"
    time: Literal["created", "changed"] = Field(description="the time of the row's first form, or of this one")

    def bind(self, place: Place) -> Maker:
        """Say when."""
        if self.time == "changed":
            return lambda rows: times(rows.at)
        growth = place.table.growth
        return lambda rows: times(growth.created(rows.ids))

    def usual_type(self) -> str:
        """A time."""
        return "timestamp"


class Change(Kind):
    """What happened to a row."""

    name: ClassVar[str] = "change"
    example: ClassVar[str] = "{change: {new: I, updated: U, deleted: D}}"
    change: Mapping[Literal["new", "updated", "deleted"], str] = Field(description="the text for each")

    @field_validator("change")
    @classmethod
    def _deletes_are_told(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        marks = [given.get("deleted", ""), given.get("new", ""), given.get("updated", given.get("new", ""))]
        if marks[0] and marks[0] in marks[1:]:
            raise ValueError("`deleted` needs another text than the others")
        return given

    def bind(self, place: Place) -> Maker:
        """Say what; a row that is sent again or late says what it said then."""
        new, updated = self.change.get("new", ""), self.change.get("updated", "")
        choices = Choices.of([new, updated, new, new, self.change.get("deleted", "")])

        def code(rows: Rows) -> npt.NDArray[np.intp]:
            again = (rows.changes == RESENT) & (rows.versions > 0)
            return np.where(again, UPDATED, rows.changes).astype(np.intp)

        return lambda rows: choices.pick(code(rows))

    def field(self) -> source.Field:
        """It is empty where nothing is to be said."""
        values = tuple(dict.fromkeys(text for text in self.change.values() if text))
        nullable = any(not self.change.get(kind) for kind in ("new", "updated"))
        return source.Field(type=self.type or "string", values=values, nullable=nullable, says=self.says)


class States(Kind):
    """Where a row is in its life.

    The first state is where it begins, and each change of the row leads to one of those that the state names; a
    state that names none is the last.
    """

    name: ClassVar[str] = "states"
    example: ClassVar[str] = "{states: {placed: {paid: 9, cancelled: 1}, paid: {shipped: 1}}}"
    states: Mapping[str, Mapping[str, Weight]] = Field(description="for each state those that may follow, weighted")

    @field_validator("states")
    @classmethod
    def _leads_on(cls, given: Mapping[str, Mapping[str, int]]) -> Mapping[str, Mapping[str, int]]:
        if not given:
            raise ValueError("there is no state")
        for state, following in given.items():
            if following and not sum(following.values()):
                raise ValueError(f"the weights after {state!r} are all 0")
        return given

    @model_validator(mode="after")
    def _few(self) -> Self:
        if len(self.all_states()) > 100:
            raise ValueError("there are more than 100 states")
        return self

    def all_states(self) -> tuple[str, ...]:
        """The names of all states, the first one first."""
        names = dict.fromkeys(self.states)
        for following in self.states.values():
            names |= dict.fromkeys(following)
        return tuple(names)

    def bind(self, place: Place) -> Maker:
        """Name the state."""
        choices = Choices.of(place.states)
        return lambda rows: choices.pick(rows.states.astype(np.intp))

    def field(self) -> source.Field:
        """Its values are the states."""
        return source.Field(type=self.type or "string", values=self.all_states(), says=self.says)
