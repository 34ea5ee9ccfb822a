"""From the bytes of a header to what its cells mean: the delimiter by contract, and the columns."""

from __future__ import annotations

from dataclasses import dataclass

from snapshotter import reader
from snapshotter.contract import Contract
from snapshotter.contract.header import Header, HeaderRefused, missing, resolve
from snapshotter.reader import Irregular
from snapshotter.transforming import Transform


@dataclass(frozen=True)
class Heading:
    """A header that was understood.

    Args:
        delimiter: between its cells.
        names: its cells.
        header: what they mean.
    """

    delimiter: str
    names: list[str]
    header: Header


class Headings:
    """The headers of a run, each looked into once for all files that have it.

    Args:
        contract: the dataset's contract.
        transform: its function, if it has one; then only the rows tell what a header means.
    """

    def __init__(self, contract: Contract, transform: Transform | None = None) -> None:
        """Know none yet."""
        self._contract, self._transform = contract, transform
        self._known: dict[tuple[bytes, frozenset[int]], Heading] = {}

    def of(self, raw: bytes, never: frozenset[int] = frozenset()) -> Heading:
        """The heading that these bytes are.

        Args:
            raw: the header, with its line end.
            never: positions of cells that must not be matched by likeness.

        Raises:
            Irregular: it is no CSV.
            HeaderRefused: no row can be read under it.
        """
        if (raw, never) not in self._known:
            delimiter, names = self._delimited(raw)
            header = self._transform.untold(names) if self._transform else resolve(names, self._contract, never)
            self._known[raw, never] = Heading(delimiter, names, header)
        return self._known[raw, never]

    def _delimited(self, raw: bytes) -> tuple[str, list[str]]:
        """The delimiter under which the header satisfies the contract, and the header's names under it."""
        configured = self._contract.config.delimiter
        if configured != "auto":
            return configured, reader.header_names(raw, configured)
        found: list[tuple[str, list[str]]] = []
        for delimiter in reader.DELIMITERS:
            try:
                names = reader.header_names(raw, delimiter)
            except Irregular:  # under another delimiter it may be regular
                continue
            if self._transform is None and not missing(names, self._contract):
                return delimiter, names
            found.append((delimiter, names))
        if not found:
            reader.header_names(raw, reader.DELIMITERS[0])  # raises, and says what is wrong with it
        most = sorted(found, key=lambda candidate: -len(candidate[1]))
        if self._transform is not None:  # many a function is content with any header
            alike = next((candidate for candidate in most if self._transform.fits(candidate[1])), None)
        else:
            alike = next((candidate for candidate in found if self._is_alike(candidate[1])), None)
        return alike or most[0]  # whose names help most in the message

    def _is_alike(self, names: list[str]) -> bool:
        """Whether a header satisfies the contract where likeness is asked, too."""
        try:
            resolve(names, self._contract)
        except HeaderRefused:
            return False
        return True
