"""Says how long the making of each table took."""

from __future__ import annotations

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from snapshotter.testdata.batch import Batch, Part


@dataclass
class Timer:
    """Counts the time that threads work on the parts of each table; side by side, that is more than goes by."""

    _spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def around(self, batches: Callable[[], Iterator[Batch]]) -> Iterator[Batch]:
        """The same batches, whose parts are timed."""
        for batch in batches():
            parts = [functools.partial(self._timed, batch.table, part) for part in batch.parts]
            yield replace(batch, parts=parts)

    def _timed(self, table: str, part: Part) -> bytes:
        begun = time.thread_time()
        made = part()
        with self._lock:
            self._spent[table] += time.thread_time() - begun
        return made

    def seconds(self) -> dict[str, float]:
        """The seconds of each table."""
        return {table: round(spent, 3) for table, spent in self._spent.items()}

    def lines(self) -> Iterator[str]:
        """The same for a person."""
        for table, spent in self.seconds().items():
            yield f"{spent:8.2f} s  {table}"
