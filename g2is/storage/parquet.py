"""Parquet files that others may have put there. A few kilobytes can hold a billion rows, so how many there are is taken
from the footer before any is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MOST_BYTES = 2**28
"""Of the columns of a small table, without compression."""


def row_count(metadata: pq.FileMetaData) -> int:
    """How many rows reading takes memory for, whichever part of the footer says so."""
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    values = [sum(g.column(place).num_values for g in groups) for place in range(metadata.num_columns)]
    return max(metadata.num_rows, sum(group.num_rows for group in groups), *values, 0)


def read_small_table(source: BinaryIO, columns: Sequence[str], rows: int) -> pa.Table:
    """These columns of a table of at most `rows` rows, its texts as dictionaries: one that is repeated is there once.

    Columns that the table lacks are left out. Raises `ValueError` for a larger one, and what Arrow raises for a file
    that is none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    def is_text(kind: pa.DataType) -> bool:
        return any(
            check(kind) for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
        )

    schema = pq.read_schema(source)
    kept = [name for name in columns if name in schema.names]
    source.seek(0)
    file = pq.ParquetFile(source, read_dictionary=[name for name in kept if is_text(schema.field(name).type)])
    if (count := row_count(file.metadata)) > rows:
        raise ValueError(f"{count:,} rows, expected at most {rows:,}")
    groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
    if (size := sum(group.total_byte_size for group in groups)) > MOST_BYTES:
        raise ValueError(f"{size:,} bytes without compression, expected at most {MOST_BYTES:,}")
    return file.read(kept)
