"""The view: how published rows become the text of `latest.csv`, a pure function of ledger and contract."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snapshotter.contract import Contract
from snapshotter.contract.columns import StoredColumn, fold
from snapshotter.contract.times import iso_text
from snapshotter.contract.types import stored_type
from snapshotter.frame import Field
from snapshotter.ledger.state import Shape
from snapshotter.merge import place_of, row_of
from snapshotter.spreadsheet import defused, defused_sql
from snapshotter.sql import identifier
from snapshotter.unlimited import csv

_OF_BATCH = ("source_filename", "source_revision", "snapshot", "loaded_at")  # lineage that all rows of a batch share


@dataclass(frozen=True)
class ViewColumn:
    """A column of `latest.csv`: its name, and the stored column behind it (None for lineage)."""

    name: str
    field: Field | None
    stored: StoredColumn | None


def view_columns(contract: Contract, stored: Sequence[StoredColumn], shapes: Sequence[Shape]) -> list[ViewColumn]:
    """The columns of `latest.csv`, in order.

    Args:
        contract: the contract of the snapshot.
        stored: the columns of the ledger.
        shapes: the headers of the batches that count, in the order of (batch time, name, revision).

    Returns:
        `column_order` first; then as in the first header, then what later headers add; lineage last.
    """
    names: dict[int, str] = {}
    for shape in dict.fromkeys(shapes):
        for index, spelled in shape:
            names.setdefault(index, spelled)
    if not names:  # nothing counts any more: a header that says what would
        columns = [ViewColumn(column.name, None, None) for column in (*contract.key, contract.timestamp)]
    else:
        columns = [ViewColumn(name, field_of(index, stored[index]), stored[index]) for index, name in names.items()]
    columns += [ViewColumn(name, None, None) for name in contract.config.lineage]
    order = {fold(name): place for place, name in enumerate(contract.config.column_order)}
    return sorted(columns, key=lambda column: order.get(fold(column.name), len(order)))


def field_of(index: int, column: StoredColumn) -> Field:
    """A stored column as the merge knows it."""
    return Field(index, has_offset=column.offset is not None, stored=stored_type(column.type))


def header(names: Sequence[str]) -> bytes:
    """The first line of a view: a name is quoted only if it must be."""
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow(names)  # it quotes what is of its line end
    return line.getvalue().removesuffix("\r\n").encode() + b"\n"


def text(column: ViewColumn, contract: Contract, prefix: str = "p.") -> str:
    """SQL of a cell as it is published; NULL for an empty one, and for one of lineage."""
    if column.field is None or column.stored is None:
        return "NULL::VARCHAR"
    value = prefix + column.field.name
    if column.field.has_offset:
        offset = prefix + column.field.names[1]
        return f"{iso_text(contract.clock.local(value, offset, contract.parameters))} || coalesce({offset}, '')"
    if column.field.is_text:
        return f"nullif({value}, '')"
    return contract.type(column.stored.type).text(value)


def view(
    columns: Sequence[ViewColumn],
    contract: Contract,
    key: Sequence[Field],
    source: str,
    lineage: Mapping[str, str],
    *,
    excel_safe: bool = False,
) -> str:
    """Query of the lines of `latest.csv`, in order.

    Rows are put in order as they are stored, and become texts behind that: what is sorted is then half as long, and
    the name of a file is looked up in a list, and not carried along.

    Args:
        columns: from `view_columns`.
        contract: the contract of the snapshot.
        key: the fields of the key.
        source: relation of published rows with `_lineage`, the rank of the row that they come from.
        lineage: SQL of the list of the texts of each of `of_batch`, by the place of the batch, from 1 on.
        excel_safe: whether cells and names are defused for spreadsheets.
    """
    safe = defused_sql if excel_safe else str
    named = defused if excel_safe else str
    cells = [safe(f"({_cell(column, contract, lineage)})") for column in columns]
    if len(columns) == 1:  # an empty line would be no record
        cells = [f"coalesce({cells[0]}, '')"]
    selected = ", ".join(
        f"{cell} AS {identifier(named(column.name))}" for cell, column in zip(cells, columns, strict=True)
    )
    stored = [f"p.{name}" for column in columns if column.field for name in column.field.names]
    stored.append(f"{place_of('p._lineage')}::INTEGER AS _place")
    if any(column.name == "source_row" and column.field is None for column in columns):
        stored.append(f"{row_of('p._lineage')} AS _row")
    ordered = f"SELECT {', '.join(stored)} FROM {source} p ORDER BY {', '.join(key_order(key))}"
    return f"SELECT {selected} FROM ({ordered}) p"


def of_batch(columns: Sequence[ViewColumn]) -> list[str]:
    """Those columns of a view that tell of the batch of a row."""
    return [column.name for column in columns if column.field is None and column.name in _OF_BATCH]


def _cell(column: ViewColumn, contract: Contract, lineage: Mapping[str, str]) -> str:
    if column.field is not None:
        return text(column, contract)
    if column.name == "source_row":
        return "p._row::VARCHAR"
    return f"({lineage[column.name]})[p._place]" if column.name in lineage else "NULL::VARCHAR"


def key_order(key: Sequence[Field], prefix: str = "p.") -> list[str]:
    """SQL of the order of rows."""
    return [f"{term} NULLS FIRST" for term in key_terms(key, prefix)]


def key_terms(key: Sequence[Field], prefix: str = "p.") -> list[str]:
    """SQL of what orders rows: key by key, empty first, typed keys by value, text keys as whole numbers, then text."""
    terms: list[str] = []
    for field in key:
        cell = prefix + field.name
        if not field.is_text:
            terms.append(cell)
            continue
        whole = f"regexp_full_match({cell}, '0|-?[1-9][0-9]*')"
        negative = f"({whole} AND {cell}[1] = '-')"
        # Whole numbers of any length by value: the shorter positive is the less; the digits of negatives are mirrored.
        kind = f"CASE WHEN {cell} = '' THEN 0 WHEN {negative} THEN 1 WHEN {whole} THEN 2 ELSE 3 END"
        size = f"CASE WHEN {negative} THEN -length({cell}) WHEN {whole} THEN length({cell}) ELSE 0 END"
        digits = f"CASE WHEN {negative} THEN translate({cell}, '0123456789', '9876543210') ELSE {cell} END"
        terms += [kind, size, digits]
    return terms
