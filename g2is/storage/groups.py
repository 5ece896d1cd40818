"""Groups of the rows of an Arrow table, its record batches: written, and read with the columns asked for alone."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 1024
GROUP_BYTES = 4 * 2**20
"""A group that is written ends with the row that reaches either."""


class Groups(Protocol):
    """Groups of rows of a table."""

    schema: pa.Schema
    count: int

    def read(self, group: int, columns: tuple[str, ...]) -> pa.RecordBatch: ...

    @property
    def overwritten(self) -> bool: ...


class InFile:
    """The record batches of an open Arrow file, of which the columns asked for are read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        finalize(self, file.close)
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


class InMemory:
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
        if not is_short(field):
            sizes += pc.fill_null(pc.binary_length(table[name]), 0).to_numpy()
    return sizes


def is_short(field: pa.Field) -> bool:
    """Whether a column holds no texts."""
    import pyarrow as pa

    return not (pa.types.is_large_string(field.type) or pa.types.is_large_binary(field.type))
