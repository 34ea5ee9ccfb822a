"""Kinds of columns that depend on nothing but their own draws."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, Inexact
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, field_validator

from snapshotter.testdata import source
from snapshotter.testdata.description.column import Choices, Column, Maker, Rows, joined
from snapshotter.testdata.description.kinds.base import Kind, Place
from snapshotter.testdata.description.numbers import decimal_digits, fixed, padded
from snapshotter.testdata.description.providers import provider
from snapshotter.testdata.draws import Words, mix, permute

Weight = Annotated[int, Field(ge=0, le=1_000_000)]


class Numbered(Kind):
    """A number that goes on from row to row, alone or within a text."""

    name: ClassVar[str] = "sequence"
    example: ClassVar[str] = '{sequence: "C{:06}"}'
    sequence: int | str = Field(description="the first number, or a text with {} or {:06} in it; then from 1")

    @field_validator("sequence")
    @classmethod
    def _one_number(cls, given: int | str) -> int | str:
        if isinstance(given, int):
            if not 0 <= given < 1 << 53:
                raise ValueError("the first number must be from 0 to 2**53")
            return given
        fields = [(name, spec) for _, name, spec, _ in string.Formatter().parse(given) if name is not None]
        if len(fields) != 1 or fields[0][0] or not _is_width(fields[0][1] or ""):
            raise ValueError("a sequence has one {} in it, or {:06} for six digits with leading zeros")
        return given

    def bind(self, place: Place) -> Maker:
        """Count."""
        if isinstance(self.sequence, int):
            first = self.sequence
            return lambda rows: _counted("", rows.ids + np.uint64(first), 0, "")
        ((before, _, spec, _), *rest) = string.Formatter().parse(self.sequence)
        after = rest[0][0] if rest else ""
        width = int(spec or 0)
        return lambda rows: _counted(before, rows.ids + np.uint64(1), width, after)

    def usual_type(self) -> str:
        """A plain number is one, a number within a text is text."""
        return "integer" if isinstance(self.sequence, int) else "string"


def _is_width(spec: str) -> bool:
    return not spec or (spec.startswith("0") and spec.isdecimal() and int(spec) <= 18)


def _counted(before: str, ids: Words, width: int, after: str) -> Column:
    number = Column(pieces=(padded(ids, width),), numbers=ids.astype(np.int64))
    return joined([before, number, after], len(ids)) if before or after else number


class Choice(Kind):
    """One of some texts, each as often as its weight says."""

    name: ClassVar[str] = "choice"
    example: ClassVar[str] = "{choice: {gold: 5, silver: 25, bronze: 70}}"
    choice: Mapping[str, Weight] | Sequence[str] = Field(description="the texts, or a whole number of shares for each")

    @field_validator("choice", mode="before")
    @classmethod
    def _texts(cls, given: object) -> object:
        """A whole number is as good as its text; of another number it is not known how it was written."""
        if isinstance(given, Mapping):
            return {_as_text(text): weight for text, weight in given.items()}
        return [_as_text(text) for text in given] if isinstance(given, list) else given

    @field_validator("choice")
    @classmethod
    def _something(cls, given: Mapping[str, int] | Sequence[str]) -> Mapping[str, int] | Sequence[str]:
        if not given or (isinstance(given, Mapping) and not sum(given.values())):
            raise ValueError("there is nothing to choose from")
        return given

    def bind(self, place: Place) -> Maker:
        """Draw."""
        words = place.words()
        draw = weighted(self.choice)
        return lambda rows: draw(words(rows))

    def field(self) -> source.Field:
        """Its values are known."""
        values = tuple(self.choice)
        few = values if len(values) <= 50 and self.type in {None, "string"} else ()
        return source.Field(type=self.type or "string", nullable=self.empty > 0, says=self.says, values=few)


def _as_text(given: object) -> object:
    if isinstance(given, float | bool):
        raise ValueError(f"write {given} between quotes: it is a text here")  # noqa: TRY004  (pydantic wants it)
    return str(given) if isinstance(given, int) else given


def weighted(texts: Mapping[str, int] | Sequence[str]) -> Callable[[Words], Column]:
    """A function from words to texts, each as likely as its weight says."""
    choices = Choices.of(list(texts))
    if not isinstance(texts, Mapping):
        return choices.draw
    ends = np.cumsum(np.array(list(texts.values()), dtype=np.uint64))

    def draw(words: Words) -> Column:
        drawn = ((words >> np.uint64(32)) * ends[-1]) >> np.uint64(32)
        return choices.pick(np.searchsorted(ends, drawn, side="right"))

    return draw


class Value(Kind):
    """The same text in each row."""

    name: ClassVar[str] = "value"
    example: ClassVar[str] = "{value: GBP}"
    value: str = Field(description="the text")

    def bind(self, place: Place) -> Maker:
        """Repeat."""
        choices = Choices.of([self.value])
        return lambda rows: choices.pick(np.zeros(len(rows), dtype=np.intp))


class Faker(Kind):
    """A value of a provider of Faker."""

    name: ClassVar[str] = "faker"
    example: ClassVar[str] = "{faker: job}"
    faker: str = Field(description="the name of a provider of Faker")
    locale: str | None = Field(default=None, description="another locale than that of the table")
    arguments: Mapping[str, object] = Field(default_factory=dict, description="for the provider")
    distinct: bool = Field(
        default=False, description="another one in each row; lists of a pool that belong together stay together"
    )

    def bind(self, place: Place) -> Maker:
        """Draw from a pool."""
        texts = provider(self.locale or place.locale, self.faker, self.arguments)
        choices, words = Choices.of(texts), place.words()
        if not self.distinct:
            return lambda rows: choices.draw(words(rows))
        if len(place.table.growth) > len(texts):
            raise ValueError(f"there are {len(texts):,} of {self.faker}, too few for {len(place.table.growth):,} rows")
        key = place.keys(place.table.name, "distinct")
        return lambda rows: choices.pick(permute(rows.ids, len(texts), key))


class Cell(Kind):
    """What the file that `rows` names has in a column."""

    name: ClassVar[str] = "cell"
    example: ClassVar[str] = '{cell: price, type: "decimal(8,2)"}'
    cell: str = Field(description="a column of that file")

    def bind(self, place: Place) -> Maker:
        """Show the cells; those of a number are reckoned with."""
        listing = place.table.listing
        if listing is None:
            raise ValueError("the rows of this table are not those of a file")
        if self.cell not in listing.columns:
            raise ValueError(f"the file has no column {self.cell!r}; it has {', '.join(listing.columns)}")
        texts = listing.columns[self.cell]
        digits = decimal_digits(self.type)
        if digits is None:
            choices = Choices.of(texts)
            return lambda rows: choices.pick(rows.ids)
        try:
            numbers = np.array([_exactly(text, digits) for text in texts], dtype=np.int64)
        except ArithmeticError as error:
            raise ValueError(f"the file has a cell in {self.cell!r} that is not of type {self.type}") from error
        return lambda rows: fixed(numbers.take(rows.ids.astype(np.intp)), digits)


def _exactly(text: str, digits: int) -> int:
    number = Decimal(text).scaleb(digits)
    if number != int(number):
        raise Inexact
    return int(number)


class Pattern(Kind):
    """A text of which some characters are drawn."""

    name: ClassVar[str] = "pattern"
    example: ClassVar[str] = '{pattern: "07700 900###"}'
    pattern: str = Field(min_length=1, max_length=200, description="# is a digit, ? a capital letter, ^ a hex digit")

    def bind(self, place: Place) -> Maker:
        """Draw each of its characters, 12 from a word."""
        key = place.words()
        alphabets = {"#": string.digits, "?": string.ascii_uppercase, "^": "0123456789abcdef"}
        tables = {mark: Choices.of(list(letters)) for mark, letters in alphabets.items()}
        runs = _runs(self.pattern, set(alphabets))

        def make(rows: Rows) -> Column:
            words, parts, drawn = key(rows), list[Column | str](), 0
            for run in runs:
                if run[0] not in tables:
                    parts.append(run)
                    continue
                drawn += 1
                parts.append(tables[run].draw(mix(words, drawn)))
            return joined(parts, len(rows))

        return make


def _runs(pattern: str, marks: set[str]) -> list[str]:
    """The pattern's marks one by one, and what stands between them."""
    runs: list[str] = []
    for letter in pattern:
        if letter in marks or not runs or runs[-1] in marks:
            runs.append(letter)
        else:
            runs[-1] += letter
    return runs
