"""Tables as files: Parquet, and Arrow, which has the same layout in a file as in memory and opens without decoding.

A table is read into memory. A large Arrow one is mapped instead, so that only what is used takes memory; but not the
file itself, since a process that touches a mapped file that was made shorter is killed, and files of a run are copied
over while it is open. What is mapped is a private copy without a name, which ends with the process; where the file
system shares blocks between copies it costs nothing.
"""

from __future__ import annotations

import mmap
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from g2is.errors import InputError
from g2is.storage.files import open_file, scratch_file, write_file

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MAPPED = 2**28
"""Arrow files of more bytes than this are mapped."""


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a table without its index, atomically: as Parquet if the name ends in `.parquet`, otherwise as Arrow."""
    import pyarrow as pa

    if path.suffix == ".parquet":
        write_file(path, lambda file: frame.to_parquet(file, index=False))
        return
    table = to_table(frame).combine_chunks()

    def write(file: object) -> None:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)

    write_file(path, write)


def to_table(frame: pd.DataFrame) -> pa.Table:
    """A table without its index, with texts of any length."""
    import pyarrow as pa

    return widened(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None))


def widened(table: pa.Table) -> pa.Table:
    """The table with texts of any length, and what has no type as texts."""
    import pyarrow as pa

    wide = {pa.string(): pa.large_string(), pa.binary(): pa.large_binary(), pa.null(): pa.large_string()}
    fields = [pa.field(field.name, wide.get(field.type, field.type)) for field in table.schema]
    return table.cast(pa.schema(fields))


def frame_of(table: pa.Table) -> pd.DataFrame:
    """The data frame of a table; bytes stay where they are."""
    import pandas as pd
    import pyarrow as pa

    as_bytes = {pa.large_binary(): pd.ArrowDtype(pa.large_binary())}
    return table.to_pandas(types_mapper=as_bytes.get)


def read_frame(path: Path) -> pd.DataFrame:
    """Read a table of `write_frame`; it stays as it was whatever happens to the file. Raises `InputError` if it is
    damaged."""
    import pandas as pd
    import pyarrow as pa

    try:
        with open_file(path) as file:
            if path.suffix == ".parquet":
                return pd.read_parquet(file)
            table = pa.ipc.open_file(pa.BufferReader(content(path, file))).read_all()
        # Offsets outside the file would crash the process when their row is read.
        table.validate(full=True)
    except Exception as error:  # Arrow raises many kinds for a damaged file
        reason = str(error) or type(error).__name__
        raise InputError(f"{path}: not a complete table ({reason})") from None
    return frame_of(table)


def content(path: Path, file: BinaryIO) -> Any:
    """The bytes of a file: in memory, or mapped from a copy of its own. Raises `OSError`."""
    import pyarrow as pa

    size = os.fstat(file.fileno()).st_size
    if size <= MAPPED:
        return pa.py_buffer(file.read())
    with scratch_file(path.parent) as copy:
        shutil.copyfileobj(file, copy, 2**24)
        copy.flush()
        return pa.py_buffer(mmap.mmap(copy.fileno(), 0, access=mmap.ACCESS_READ))
