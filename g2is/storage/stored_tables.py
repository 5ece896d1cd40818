"""Tables in Arrow files, of which groups of rows are read through a file descriptor, and only the columns asked for.

The texts of a pool take more memory than anything else of a run, and a page shows a handful of them. What was read is
kept, up to `KEPT` bytes in a process, since a page asks for the same rows each time it is drawn. There is no memory
map, for the reason that `rows` gives.
"""

from __future__ import annotations

import io
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from io import BufferedReader
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.errors import InputError
from g2is.storage.files import open_file, scratch_file, write_file
from g2is.storage.tables import content, frame_of, widened

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

GROUP_ROWS = 1024
GROUP_BYTES = 4 * 2**20
"""A group that is written ends with the row that reaches either."""
LARGEST = 16 * 2**20
"""Bytes of a group from which on a file, which an earlier version wrote, is cut into groups as it is opened."""
KEPT = 128 * 2**20
"""Bytes of what was read that a process keeps."""


class StoredTable:
    """A table in a file, read-only. `len` is the number of rows, `columns` are their names. Threads may share it.

    All that reads raises `InputError` where the file is damaged, or was cut off or overwritten since it was opened, and
    IndexError for rows that it does not have.
    """

    def __init__(self, path: Path, groups: _Groups, remedy: str = "") -> None:
        """remedy: what repairs the file, for messages."""
        self.path = path
        self.columns: list[str] = list(groups.schema.names)
        self._groups, self._remedy = groups, remedy
        self._number, self._lock = next(_numbers), threading.Lock()
        # A column of numbers is the shortest to count rows by.
        counted = next((field.name for field in groups.schema if _is_short(field)), self.columns[0])
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


def open_groups(file: BinaryIO) -> _Groups:
    """The groups of a file that `write_groups` wrote and that stays open."""
    return _InFile(file)


def _groups_of(path: Path) -> _Groups:
    import pyarrow as pa

    file = open_file(path)
    try:
        if path.suffix == ".parquet":
            copy = scratch_file(path.parent)
            write_groups(copy, _parquet_tables(file))
            copy.flush()
            file.close()
            return _InFile(copy)
        groups = _InFile(file)
        if groups.count == 0 or os.fstat(file.fileno()).st_size <= LARGEST * groups.count:
            return groups
        table = pa.ipc.open_file(pa.BufferReader(content(path, file))).read_all()
    except BaseException:
        file.close()
        raise
    file.close()
    return _InMemory(table)


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


class _Groups(Protocol):
    """Groups of rows of a table."""

    schema: pa.Schema
    count: int

    def read(self, group: int, columns: tuple[str, ...]) -> pa.RecordBatch: ...

    @property
    def overwritten(self) -> bool: ...


class _InFile:
    """The record batches of an open Arrow file, of which the columns asked for are read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._readers: dict[tuple[str, ...], Any] = {}
        self._stamp = self._state()
        whole = self._open(None)
        self.schema, self.count = whole.schema, whole.num_record_batches

    def read(self, group: int, columns: tuple[str, ...]) -> pa.RecordBatch:
        if columns not in self._readers:
            self._readers[columns] = self._open([self.schema.get_field_index(name) for name in columns])
        return self._readers[columns].get_batch(group).select(list(columns))

    @property
    def overwritten(self) -> bool:
        return self._state() != self._stamp

    def _open(self, fields: list[int] | None) -> Any:
        import pyarrow as pa

        options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
        return pa.ipc.open_file(pa.PythonFile(_Positioned(self._file), "r"), options=options)

    def _state(self) -> tuple[int, int]:
        now = os.fstat(self._file.fileno())
        return now.st_size, now.st_mtime_ns


class _InMemory:
    """A table whose memory is that of a file, cut into groups."""

    overwritten = False

    def __init__(self, table: pa.Table) -> None:
        self.schema, self._table = table.schema, table.combine_chunks()
        self.count = -(-table.num_rows // GROUP_ROWS)

    def read(self, group: int, columns: tuple[str, ...]) -> pa.RecordBatch:
        part = self._table.select(list(columns)).slice(group * GROUP_ROWS, GROUP_ROWS)
        (batch,) = part.to_batches()
        return batch


class _Positioned(io.RawIOBase):
    """A file that is read from places of its own, whatever others who have it open do."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._place = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        from_there = {os.SEEK_SET: 0, os.SEEK_CUR: self._place}
        start = from_there[whence] if whence in from_there else os.fstat(self._file.fileno()).st_size
        self._place = start + offset
        return self._place

    def read(self, size: int = -1) -> bytes:
        parts = []
        left = size if size >= 0 else os.fstat(self._file.fileno()).st_size - self._place
        while left > 0 and (part := os.pread(self._file.fileno(), left, self._place)):
            parts.append(part)
            self._place += len(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


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


def write_groups(file: BinaryIO, tables: Iterable[pa.Table]) -> int:
    """Write tables, one below the other, as the groups of one Arrow table; returns the number of rows.

    Groups depend on the rows alone, not on how tables divide them. At least one table is needed.
    """
    import pyarrow as pa

    writer, rows = None, 0
    for table in _grouped(tables):
        if writer is None:
            writer = pa.ipc.new_file(file, table.schema)
        writer.write_table(table.combine_chunks())
        rows += table.num_rows
    assert writer is not None
    writer.close()
    return rows


def _grouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows of tables in groups; at least one, which may be empty."""
    import pyarrow as pa

    left, full = None, 0
    for table in tables:
        both = table if left is None else pa.concat_tables([left, table])
        sizes, start = _row_bytes(both), 0
        while end := _end_of_group(sizes, start):
            yield both.take(np.arange(start, end))
            start, full = end, full + 1
        # Copied, since what is sliced keeps the rest, and is written with other bytes.
        left = both.take(np.arange(start, both.num_rows))
    if left is not None and (left.num_rows or not full):
        yield left


def _end_of_group(sizes: NDArray[np.int64], start: int) -> int:
    """The row after the group that begins at `start`; 0 where it is not full."""
    filled = np.cumsum(sizes[start : start + GROUP_ROWS])
    reached = int(np.searchsorted(filled, GROUP_BYTES))
    if reached < len(filled):
        return start + reached + 1
    return start + GROUP_ROWS if len(filled) == GROUP_ROWS else 0


def _row_bytes(table: pa.Table) -> NDArray[np.int64]:
    """(n,) bytes of the texts of each row."""
    import pyarrow.compute as pc

    sizes = np.zeros(table.num_rows, np.int64)
    for name, field in zip(table.schema.names, table.schema, strict=True):
        if not _is_short(field):
            sizes += pc.fill_null(pc.binary_length(table[name]), 0).to_numpy()
    return sizes


def _is_short(field: pa.Field) -> bool:
    import pyarrow as pa

    return not (pa.types.is_large_string(field.type) or pa.types.is_large_binary(field.type))
