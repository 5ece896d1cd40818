"""Parquet and Arrow, also as `datasets` saves it: a record a row.

Read by pyarrow itself, batch by batch. `datasets` would do no more with these files, takes seconds to import and
writes a copy of each into its cache.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from g2is.errors import InputError
from g2is.instructions.containers.opened import Opened, first_line, opened
from g2is.instructions.record import Record

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 1024
"""Rows that are unpacked at once."""


def is_parquet(file: Opened) -> bool:
    return file.head.startswith(b"PAR1")


def is_arrow(file: Opened) -> bool:
    return file.head.startswith((b"ARROW1", b"\xff\xff\xff\xff"))


def table_records(file: Opened) -> Iterator[Record]:
    """The rows as JSON. Raises InputError for a file that is broken or holds what has no place in JSON."""
    import pyarrow as pa

    file.refuse_split()
    row = 0
    try:
        with opened(file.path, file.source) as again:
            for batch in _batches(file, again):
                for values in batch.to_pylist():
                    row += 1
                    yield Record(row, row_as_json(values))
    except UnicodeDecodeError:
        raise InputError(
            f"{file.source}: holds text that is not UTF-8 after row {row}, expected UTF-8"
        ) from None
    except OverflowError:
        raise InputError(
            f"{file.source}: holds a date or a duration that is out of range after row {row}, expected the years 1 to "
            "9999; repair that column or leave it out"
        ) from None
    except (pa.ArrowException, OSError) as fault:
        kind = "a Parquet" if is_parquet(file) else "an Arrow"
        raise InputError(f"{file.source}: is not {kind} file that can be read: {first_line(fault)}") from None


def _batches(file: Opened, again: Opened) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stored = again.rest
    stored.seek(0)
    if is_parquet(file):
        parquet = pq.ParquetFile(stored)
        _check_names(file.source, parquet.schema_arrow.names)
        yield from parquet.iter_batches(ROWS)
        return
    if file.head.startswith(b"ARROW1"):
        whole = pa.ipc.open_file(stored)
        batches = (whole.get_batch(number) for number in range(whole.num_record_batches))
    else:
        batches = whole = pa.ipc.open_stream(stored)
    _check_names(file.source, whole.schema.names)
    for batch in batches:
        for start in range(0, batch.num_rows, ROWS):
            yield batch.slice(start, ROWS)


def _check_names(source: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise InputError(f"{source}: has two columns of one name, expected {sorted(names)} to differ")


def row_as_json(values: dict[str, object]) -> bytes:
    """What JSON has no word for becomes text (dates, decimals, bytes) or null (NaN, infinity)."""
    text = json.dumps(values, ensure_ascii=False, default=_as_text)
    if "NaN" in text or "Infinity" in text:
        text = json.dumps(json.loads(text, parse_constant=lambda _: None), ensure_ascii=False)
    return text.encode()


def _as_text(value: Any) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
    # Old writers keep text as bytes; what is no text, such as an image, would only swell the run.
    return text if text.isprintable() and text else f"({len(value):,} bytes)"
