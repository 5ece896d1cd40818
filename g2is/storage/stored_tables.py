"""Tables in Arrow files, of which groups of rows are read through a file descriptor, and only the columns asked for.

The texts of a pool take more memory than anything else of a run, and a page shows a handful of them. What was read is
kept, up to `KEPT` bytes in a process, since a page asks for the same rows each time it is drawn. There is no memory
map, for the reason that `rows` gives.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BufferedReader
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.errors import InputError
from g2is.storage.files import open_file, scratch_file, write_file
from g2is.storage.groups import GROUP_ROWS, Groups, InFile, InMemory, is_short, write_groups
from g2is.storage.tables import content, frame_of, widened

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

T = TypeVar("T")

LARGEST = 16 * 2**20
"""Bytes of a group from which on a file, which an earlier version wrote, is cut into groups as it is opened."""
THREADS = 4
"""Groups that `StoredTable.map` has in memory at once."""
KEPT = 128 * 2**20
"""Bytes of what was read that a process keeps."""


class StoredTable:
    """A table in a file, read-only. `len` is the number of rows, `columns` are their names. Threads may share it.

    All that reads raises `InputError` where the file is damaged, or was cut off or overwritten since it was opened, and
    IndexError for rows that it does not have.
    """

    def __init__(self, path: Path, groups: Groups, remedy: str = "") -> None:
        """remedy: what repairs the file, for messages."""
        self.path = path
        self.columns: list[str] = list(groups.schema.names)
        self._groups, self._remedy = groups, remedy
        self._number, self._lock = next(_numbers), threading.Lock()
        # A column of numbers is the shortest to count rows by.
        counted = next((field.name for field in groups.schema if is_short(field)), self.columns[0])
        lengths = [len(self._read(group, (counted,))) for group in range(groups.count)]
        self._starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def frame(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of all rows."""
        import pyarrow as pa

        schema = pa.schema([self._groups.schema.field(name) for name in columns])
        batches = [_compact(self._read(group, tuple(columns))) for group in range(self._groups.count)]
        return frame_of(pa.Table.from_batches(batches, schema))

    def take(self, rows: ArrayLike, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """These rows (r,), in this order, each as often as it is named. columns: some of them (all)."""
        import pyarrow as pa

        names = self.columns if columns is None else list(columns)
        places = self._places(rows)
        return frame_of(pa.table({name: self._taken(places, name) for name in names}))

    def values(self, rows: ArrayLike, column: str) -> list[Any]:
        """The values of one column in these rows (r,), in this order."""
        found: list[Any] = self._taken(self._places(rows), column).to_pylist()
        return found

    def blocks(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Some columns of all rows, a group at a time, each with the number of its first row. Nothing is kept."""
        for group, start in enumerate(self._starts[:-1].tolist()):
            yield start, self._read(group, tuple(columns))

    def map(
        self, columns: Sequence[str], function: Callable[[int, pa.RecordBatch], T]
    ) -> Iterator[tuple[int, T]]:
        """A function of each of `blocks`, with the number of its first row, in their order; of several side by side,
        for what leaves Python free meanwhile."""

        def of(group: int) -> tuple[int, T]:
            start = int(self._starts[group])
            return start, function(start, self._read(group, tuple(columns)))

        with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as threads:
            yield from threads.map(of, range(self._groups.count))

    @property
    def overwritten(self) -> bool:
        """Whether something else was written to the file since it was opened."""
        return self._groups.overwritten

    def _places(self, rows: ArrayLike) -> _Places:
        asked = np.asarray(rows, np.int64).reshape(-1)
        if asked.size and not 0 <= asked.min() <= asked.max() < len(self):
            raise IndexError(f"rows {asked.min():,} to {asked.max():,} of {len(self):,}")
        order = np.argsort(asked, kind="stable")
        ordered = asked[order]
        groups = np.searchsorted(self._starts, ordered, side="right") - 1
        ends = np.flatnonzero(np.diff(groups)) + 1
        parts = [
            (int(groups[begin]), ordered[begin:end] - self._starts[groups[begin]])
            for begin, end in pairwise([0, *ends.tolist(), len(ordered)])
            if end > begin
        ]
        return parts, order

    def _taken(self, places: _Places, column: str) -> pa.Array:
        import pyarrow as pa

        parts, order = places
        found = [self._kept(group, column).take(pa.array(inside)) for group, inside in parts]
        if not found:
            return pa.array([], self._groups.schema.field(column).type)
        together = found[0] if len(found) == 1 else pa.concat_arrays(found)
        if (np.diff(order) == 1).all():
            return together
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return together.take(pa.array(back))

    def _kept(self, group: int, column: str) -> pa.Array:
        key = self._number, group, column
        found = _kept.get(key)
        if found is None:
            found = _compact(self._read(group, (column,))).column(0)
            _kept.put(key, found)
        elif self.overwritten:
            raise self._changed()
        return found

    def _read(self, group: int, columns: tuple[str, ...]) -> pa.RecordBatch:
        try:
            with self._lock:
                batch = self._groups.read(group, columns)
            # Offsets outside the buffers would crash the process when their row is read.
            batch.validate(full=True)
        except Exception as error:  # Arrow raises many kinds for a damaged file
            if self.overwritten:
                raise self._changed() from None
            raise damaged(self.path, error, self._remedy) from None
        if self.overwritten:
            raise self._changed()
        return batch

    def _changed(self) -> InputError:
        return InputError(
            f"{self.path}: was cut off or overwritten while it was open; wait until the copying is over or bring the "
            "file back, then try again"
        )


_Places = tuple[list[tuple[int, NDArray[np.int64]]], NDArray[np.intp]]
"""Rows by group, each counted from the first of its group, and the order in which these were asked for."""


def open_table(path: Path, remedy: str = "") -> StoredTable:
    """The table in an Arrow file, or in a Parquet file of an earlier version. remedy: what repairs it, for messages.

    A file with large groups is copied, to a file without a name, and cut into small ones there. Raises `InputError` for
    what is no complete table.
    """
    try:
        return StoredTable(path, _groups_of(path), remedy)
    except InputError:
        raise
    except Exception as error:  # Arrow raises many kinds for a damaged file
        raise damaged(path, error, remedy) from None


def damaged(path: Path, error: Exception, remedy: str = "") -> InputError:
    """The error for a file that is no complete table."""
    reason = str(error) or type(error).__name__
    return InputError(f"{path}: not a complete table ({reason})" + (f"; {remedy}" if remedy else ""))


def _groups_of(path: Path) -> Groups:
    import pyarrow as pa

    file = open_file(path)
    try:
        if path.suffix == ".parquet":
            copy = scratch_file(path.parent)
            write_groups(copy, _parquet_tables(file))
            copy.flush()
            file.close()
            return InFile(copy)
        groups = InFile(file)
        if groups.count == 0 or os.fstat(file.fileno()).st_size <= LARGEST * groups.count:
            return groups
        table = pa.ipc.open_file(pa.BufferReader(content(path, file))).read_all()
    except BaseException:
        file.close()
        raise
    file.close()
    return InMemory(table)


def _parquet_tables(file: BufferedReader) -> Iterator[pa.Table]:
    """A Parquet file in parts, however large its groups are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stored = pq.ParquetFile(file, buffer_size=2**20, pre_buffer=False)
    for batch in stored.iter_batches(GROUP_ROWS):
        yield widened(pa.Table.from_batches([batch]))


def _compact(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch in memory of its own: Arrow takes that of all columns of a group to read some of them."""
    import pyarrow as pa

    return pa.ipc.read_record_batch(batch.serialize(), batch.schema)


class _Kept:
    """Columns of groups that were read last, up to a number of bytes."""

    def __init__(self, most: int) -> None:
        self.most, self.bytes = most, 0
        self._arrays: OrderedDict[tuple[int, int, str], pa.Array] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[int, int, str]) -> pa.Array | None:
        with self._lock:
            if (found := self._arrays.get(key)) is not None:
                self._arrays.move_to_end(key)
            return found

    def put(self, key: tuple[int, int, str], array: pa.Array) -> None:
        with self._lock:
            if key not in self._arrays:
                self._arrays[key] = array
                self.bytes += array.nbytes
            while self.bytes > self.most:
                _, oldest = self._arrays.popitem(last=False)
                self.bytes -= oldest.nbytes


_kept, _numbers = _Kept(KEPT), count()


def write_table(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write tables, one below the other, as one Arrow file that `open_table` reads by groups, atomically."""
    write_file(path, lambda file: write_groups(file, tables))
