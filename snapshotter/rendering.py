"""How the view of a commit comes about: spliced out of the published one where few keys change, else rendered whole.

Both ways give the same bytes. Spliced is only what the published view and its index show to be sound, and whatever
looks otherwise on the way (a file that somebody wrote to, an index that does not fit) is rendered whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO

import numpy as np
import numpy.typing as npt

from snapshotter import disk
from snapshotter.archive import digest
from snapshotter.assembling import assemble
from snapshotter.blocks import SIZE, Blocks, Offsets, Scanner, line_ends
from snapshotter.contract import Contract, changes
from snapshotter.contract.columns import fold
from snapshotter.engine.base import Effects, Narrowed, ReadFailed, Text
from snapshotter.engine.port import Engine
from snapshotter.errors import LedgerDamaged, NotWritten, OutOfMemory, SnapshotterError
from snapshotter.following import END, Checksums, growing, read_through, scan, told
from snapshotter.frame import Field
from snapshotter.indexing import Indexes
from snapshotter.ledger.contracts import stored_contract
from snapshotter.ledger.records import ViewRecord
from snapshotter.ledger.state import State
from snapshotter.logs import logger
from snapshotter.publish import header
from snapshotter.resolution import Resolution, changed_batches, keys_of
from snapshotter.splicing import Lines, Shown, lines_at, splice
from snapshotter.spool import nameless
from snapshotter.workers import workers

# Of a view: where more of it is touched, it is rendered whole. Measured, both take as long at about four fifths; half
# leaves room for views of other shapes, and for the memory that the lines take.
SHARE = 0.5
_IN_MEMORY = 64 * 2**20  # bytes of lines


class _Unfit(Exception):
    """The published view cannot be spliced; says why, for the log."""


class Rendering:
    """Merges and renders one change of one dataset.

    Args:
        latest: the published view.
        root: the folder of the ledger, and of the index.
        engine: holds the new rows.
        scratch: a folder for lines.
    """

    def __init__(self, latest: Path, root: Path, engine: Engine, scratch: Path) -> None:
        """Nothing is known yet."""
        self._latest, self._root, self._engine, self._scratch = latest, root, engine, scratch
        self._indexes = Indexes(root, engine.version)
        self._shown: Shown | None = None

    def merge(self, contract: Contract, resolution: Resolution, before: State | None) -> Effects:
        """Find what is published, and what new rows did; of the keys alone that can change, where that pays.

        Args:
            contract: of the snapshot that is made.
            resolution: what it is made of.
            before: the state whose view is published; None to merge all keys, whatever it costs.
        """
        self._contract, self._resolution = contract, resolution
        if before is None:
            return self.merge_whole()
        try:
            self._shown, narrowed = self._show(before)
        except _Unfit as reason:
            logger.debug(f"the view is rendered whole: {reason}")
            return self.merge_whole()
        try:
            return self._engine.merge(resolution.frame, resolution.batches, resolution.stored, narrowed)
        except BaseException:
            self._shown.file.close()
            raise

    def write(self, path: Path) -> ViewRecord | None:
        """Write the merged view, durably, and its index.

        Returns:
            What the ledger says of it; None if the published view is not what was published after all. Then what the
            merge found may be wrong, too: all keys must be merged, and the view be written again.
        """
        if self._shown is None:
            return self._whole(path)
        try:
            with self._shown.file:
                return self._spliced(self._shown, path)
        except _Unfit as reason:
            logger.warning(f"latest.csv was changed by somebody, and is rendered whole: {reason}")
            disk.remove_tree(path)
            return None

    def is_proved(self) -> bool:
        """Whether the merge is right that is not written: what it read of the published view is what was published."""
        if self._shown is None:
            return True
        with self._shown.file as file:
            return self._shown.blocks.hold(file, self._shown.touched)

    def write_copy(self, path: Path, sha256: str) -> None:
        """Write the merged view for whoever only reads: not durably, and without an index.

        Spliced it must be what was published then, to the byte: a writer may have replaced the published view while
        it was read, which is no fault of anybody.

        Args:
            path: the file.
            sha256: of the view as it was published.
        """
        if self._shown is not None:
            disk.remove_tree(path)  # of an attempt that failed
            with suppress(_Unfit), self._shown.file:
                if self._spliced(self._shown, path, keeps=False).sha256 == sha256:
                    return
            logger.debug("the view is rendered whole: latest.csv was replaced meanwhile")
            disk.remove_tree(path)
            self.merge_whole()
        resolution = self._resolution
        self._engine.publish(self._contract, resolution.columns, resolution.frame.key, path)

    def merge_whole(self) -> Effects:
        """Merge all keys, whatever was merged before."""
        resolution, self._shown = self._resolution, None
        return self._engine.merge(resolution.frame, resolution.batches, resolution.stored)

    # -- the lines that can change

    def _show(self, before: State) -> tuple[Shown, Narrowed]:
        """Read the lines of the published view whose keys can change.

        Raises:
            _Unfit: there is nothing that can be spliced, or too much of it would be read.
        """
        resolution, current = self._resolution, before.current
        key = resolution.frame.key
        view = current.view if current else None
        index = self._indexes.find(view.sha256, key) if view else None
        if view is None or index is None or not any(column.field for column in resolution.columns):
            raise _Unfit("it has no index, or nothing counts any more")
        self._refuse_other_contract(before)
        file = self._open(view)
        try:
            begins, checks = self._load(index)
            blocks = Blocks(begins, checks, view.size)
            if not blocks.is_sound:
                raise _Unfit("its index makes no sense")
            self._refuse_other_columns(file, int(begins[0]))
            changed = changed_batches(before, resolution)
            stored = [keys_of(changed, before, resolution, self._root)]
            if not changed <= {batch.id for batch in before.live}:  # some count again
                stored.append(resolution.stored)
            if self._engine.seek(resolution.frame, stored, changed) > view.rows:
                raise _Unfit("most keys can change")
            shown = Shown(file, view.rows, *self._read(file, blocks))
        except BaseException:
            file.close()
            raise
        contracts = {id(commit.contract): commit.contract for commit in before.snapshots.values()}.values()
        clocks = {tuple(contract.get("timestamp_formats", ())) for contract in contracts}
        same_clock = clocks == {tuple(self._contract.config.timestamp_formats)}
        replaced = any(batch.is_gone for batch in resolution.batches)  # new rows, too, may not count
        settles = not resolution.frame.groups and not changed and not replaced and same_clock
        return shown, Narrowed(settles=settles, buries=any(contract.get("delete_when") for contract in contracts))

    def _load(self, index: Path) -> tuple[Offsets, Offsets]:
        try:
            return self._engine.load_index(index)
        except (LedgerDamaged, NotWritten) as error:  # beside a reader, a writer may have removed it
            raise _Unfit(f"its index cannot be read: {error.message}") from None

    def _refuse_other_contract(self, before: State) -> None:
        """Back behind a rebuild, the lines are read and ordered by another contract than they were written by."""
        assert before.current is not None
        if before.current.contract != self._contract.config.model_dump(mode="json"):
            published = stored_contract(self._contract.dataset, before.current)
            if changes(published, self._contract, before.columns):
                raise _Unfit("it was published under another contract")

    def _open(self, view: ViewRecord) -> IO[bytes]:
        try:
            # Unbuffered: what is verified must be what is there now, as the system copies it.
            file = open(self._latest, "rb", buffering=0, opener=disk.without_links)  # noqa: SIM115 - whoever writes closes it
        except OSError as error:
            raise _Unfit(error.strerror) from None
        if os.fstat(file.fileno()).st_size != view.size:  # every byte of it is looked at before it counts
            file.close()
            raise _Unfit("it is not the file that was published")
        return file

    def _refuse_other_columns(self, file: IO[bytes], header_end: int) -> None:
        """A view with other columns is another one in every line. Byte for byte: no checksum covers the header."""
        if os.pread(file.fileno(), header_end, 0) != header([column.name for column in self._resolution.columns]):
            raise _Unfit("its columns are others now")

    def _read(self, file: IO[bytes], blocks: Blocks) -> tuple[Blocks, Lines, npt.NDArray[np.bool_]]:
        """Read the lines of the blocks in which sought keys belong.

        Returns:
            The blocks, long ones split; the lines; and for each checksum, whether it covers one of these blocks.
        """
        numbers = self._engine.locate()
        begins, ends = blocks.begins[numbers], blocks.ends[numbers]
        if (ends - begins).sum() > SHARE * blocks.size:
            raise _Unfit("too much of it would be read")
        with self._text(file, begins, ends) as (text, header_end):
            text.seek(header_end)
            in_text = line_ends(text)
            longest = int(np.diff(in_text, prepend=0).max(initial=0))
            width, timestamp = len(self._resolution.columns), self._timestamp()
            columns, key = self._resolution.columns, self._resolution.frame.key
            try:
                path = f"/proc/self/fd/{text.fileno()}"
                found = self._engine.show(Text(path, width, ",", longest), self._contract, columns, key, timestamp)
            except ReadFailed:
                found = -1
        if found != len(in_text):
            raise _Unfit("its lines are not what they were")
        lines = lines_at(in_text, begins, ends)
        read = np.zeros(len(blocks.begins), np.bool_)
        read[numbers] = True
        return self._split(blocks, lines), lines, blocks.stale(read)

    def _timestamp(self) -> Field | None:
        wanted = fold(self._contract.timestamp.name)
        return next((c.field for c in self._resolution.columns if c.stored and fold(c.stored.name) == wanted), None)

    @contextmanager
    def _text(self, file: IO[bytes], begins: Offsets, ends: Offsets) -> Iterator[tuple[IO[bytes], int]]:
        """Some bytes of the view behind a header of our own, which ends at the second of what is given."""
        head = (",".join(f"c{place}" for place in range(len(self._resolution.columns))) + "\n").encode()
        with nameless(self._scratch, in_memory=int((ends - begins).sum()) < _IN_MEMORY) as text:
            text.write(head)
            places = zip(begins.tolist(), ends.tolist(), strict=True)
            text.writelines(os.pread(file.fileno(), end - begin, begin) for begin, end in places)
            text.flush()
            yield text, len(head)

    def _split(self, blocks: Blocks, lines: Lines) -> Blocks:
        """Split those blocks that became twice as long as they need to be."""
        block = blocks.holding(lines.begins)
        part = (lines.begins - blocks.begins[block]) // SIZE
        part[(blocks.ends - blocks.begins)[block] <= 2 * SIZE] = 0
        begins = np.flatnonzero((np.diff(part, prepend=0) > 0) & (np.diff(block, prepend=-1) == 0))
        if not len(begins):
            return blocks
        self._engine.split_blocks(begins, lines.begins[begins])
        return blocks.split(lines.begins[begins])

    # -- writing

    def _spliced(self, shown: Shown, path: Path, *, keeps: bool = True) -> ViewRecord:
        """Write the view out of the published one; if it is to be kept, durably and with an index.

        Raises:
            _Unfit: that has not the bytes that were published.
        """
        resolution, fresh = self._resolution, self._scratch / "lines.csv"
        columns, key = resolution.columns, resolution.frame.key
        rows = self._engine.publish(self._contract, columns, key, fresh, header=False)
        placed = self._engine.placed(key)
        with fresh.open("rb") as new, workers(2) as begin:
            plan = splice(shown.blocks, shown.lines, placed.gone, (placed.blocks, placed.after), line_ends(new))
            parts = ((new if is_new else shown.file, b, e) for is_new, b, e in plan.pieces(shown.blocks.size))
            stale = shown.blocks.stale(plan.changed)
            renewed = plan.blocks.divided(stale)
            sizes: SimpleQueue[int] = SimpleQueue()
            checksums = Checksums(renewed.runs()[0])
            digests = begin(read_through, growing(path, told(sizes)), checksums)
            try:
                assemble(path, parts, sizes.put)
            except EOFError:
                raise _Unfit("it became shorter") from None
            finally:
                sizes.put(END)
            durable = begin(disk.sync_file, path) if keeps else None
            with path.open("rb") as written:
                self._refuse_other_columns(written, int(shown.blocks.begins[0]))
            is_sound = shown.blocks.hold(shown.file, stale)
            sha256, checks = digests.result()
            found = renewed.checked(checks)
            # What was copied has the checksums that it had, or it is not what was published.
            if not is_sound or not found.has_checks_of(shown.blocks, ~stale):
                raise _Unfit("it has other bytes")
            index = self._index(found) if keeps else None
            if durable:
                durable.result()
        fresh.unlink()
        self._keep(index, sha256)
        logger.debug(f"the view is spliced: {len(placed.gone)} lines out, {rows} in")
        return _recorded(path, sha256, shown.rows + rows - len(placed.gone))

    def _whole(self, path: Path) -> ViewRecord:
        """Render the view whole.

        It is read when all of it is there, while it becomes durable: the engine does not write from start to end, so
        that what is read behind it may be a gap that it has yet to fill.
        """
        resolution = self._resolution
        rows = self._engine.publish(self._contract, resolution.columns, resolution.frame.key, path)
        with nameless(self._scratch) as firsts, workers(2) as begin:
            firsts.write((",".join(f"c{place}" for place in range(len(resolution.columns))) + "\n").encode())
            digested = begin(digest, path)
            scanned = begin(scan, growing(path, [path.stat().st_size]), Scanner(firsts))
            disk.sync_file(path)
            sha256, blocks = digested.result(), scanned.result()
            firsts.flush()
            if len(blocks.begins) and self._knows(firsts, blocks):
                self._keep(self._index(blocks), sha256)
        return _recorded(path, sha256, rows)

    # -- the index

    def _knows(self, firsts: IO[bytes], blocks: Blocks) -> bool:
        """Let the engine read the first line of each block; returns whether it found them all."""
        columns, key = self._resolution.columns, self._resolution.frame.key
        longest = int(np.diff(blocks.begins, append=blocks.size).max())
        text = Text(f"/proc/self/fd/{firsts.fileno()}", len(columns), ",", longest)
        try:
            found = self._engine.make_index(text, self._contract, columns, key)
        except (ReadFailed, OutOfMemory, NotWritten) as error:
            logger.debug(f"the index of latest.csv was not made: {error}")
            found = -1
        if found != len(blocks.begins):
            logger.warning(f"the index of latest.csv was not made: {len(blocks.begins)} blocks, {found} keys")
        return found == len(blocks.begins)

    def _index(self, blocks: Blocks) -> Path | None:
        """Write a draft of the index; without one, the next view is rendered whole."""
        (kept, checks), draft = blocks.kept(), disk.temporary(self._root, "index-")
        try:
            self._engine.write_index(blocks.begins[kept], checks, kept, draft)
        except (SnapshotterError, OSError) as error:
            logger.warning(f"the index of latest.csv was not written: {error}")
            with suppress(SnapshotterError):
                disk.remove_derived(draft)
            return None
        return draft

    def _keep(self, draft: Path | None, sha256: str) -> None:
        if draft is None:
            return
        try:
            self._indexes.keep(draft, sha256, self._resolution.frame.key)
        except (SnapshotterError, OSError) as error:
            logger.warning(f"the index of latest.csv was not kept: {error}")
            with suppress(SnapshotterError):
                disk.remove_derived(draft)


def _recorded(path: Path, sha256: str, rows: int) -> ViewRecord:
    status = path.stat()
    return ViewRecord(sha256=sha256, rows=rows, size=status.st_size, inode=status.st_ino, modified=status.st_mtime_ns)
