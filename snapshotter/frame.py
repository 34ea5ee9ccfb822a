"""The columns of a merge: as the engine's relations name them, and in groups that come together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """A stored column as the relations know it.

    Args:
        index: its number among the stored columns.
        has_offset: whether it is a timestamp, with the offset in a column of its own.
        stored: the engine's type of its values.
    """

    index: int
    has_offset: bool = False
    stored: str = "VARCHAR"

    @property
    def is_text(self) -> bool:
        """Whether its empty cell is stored as an empty text (and not as NULL)."""
        return self.stored == "VARCHAR"

    @property
    def name(self) -> str:
        """The column of its values."""
        return f"c{self.index}"

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of its values and, for a timestamp, of its offsets."""
        return (self.name, f"o{self.index}") if self.has_offset else (self.name,)


@dataclass(frozen=True)
class Group:
    """Columns that come together: some batches in play carry all of them, the others none.

    Args:
        number: its number among the groups.
        fields: its columns.
        inherits: whether an absent cell is taken over; not so for the column of `delete_when`.
    """

    number: int
    fields: tuple[Field, ...]
    inherits: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of their values and offsets."""
        return tuple(name for field in self.fields for name in field.names)

    @property
    def has(self) -> str:
        """The flag that says whether a row's file carries them."""
        return f"_has_{self.number}"

    @property
    def top(self) -> str:
        """The greatest rank of a key that carries them."""
        return f"_top_{self.number}"

    @property
    def source(self) -> str:
        """The rank that their published cells come from; where a tombstone blanked them, the tombstone's."""
        return f"_source_{self.number}"


@dataclass(frozen=True)
class Frame:
    """The columns of a merge.

    Args:
        key: those of the key, in order.
        constant: those that every batch in play carries, the key's among them.
        groups: those that some batch in play lacks.
    """

    key: tuple[Field, ...]
    constant: tuple[Field, ...]
    groups: tuple[Group, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every column that a batch in play carries."""
        return (*self.constant, *(field for group in self.groups for field in group.fields))

    @property
    def inheriting(self) -> tuple[Group, ...]:
        """The groups whose absent cells are taken over."""
        return tuple(group for group in self.groups if group.inherits)
