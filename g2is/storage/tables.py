"""Tables as memory-mapped files, of which only the parts in use are read.

An Arrow file has the same layout as Arrow in memory. So a pool of a million instructions opens at once, reading a row
reads only its bytes, and processes share one copy in the page cache.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from g2is.errors import InputError
from g2is.storage.files import write_file

if TYPE_CHECKING:
    import pandas as pd


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a table without its index, atomically: as Parquet if the name ends in `.parquet`, otherwise as Arrow."""
    import pyarrow as pa

    if path.suffix == ".parquet":
        write_file(path, lambda file: frame.to_parquet(file, index=False))
        return
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    wide = {pa.string(): pa.large_string(), pa.binary(): pa.large_binary(), pa.null(): pa.large_string()}
    fields = [pa.field(field.name, wide.get(field.type, field.type)) for field in table.schema]
    table = table.cast(pa.schema(fields)).combine_chunks()

    def write(file: object) -> None:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)

    write_file(path, write)


def read_frame(path: Path) -> pd.DataFrame:
    """Read a table of `write_frame`; Arrow is memory-mapped, read-only. Raises `InputError` if it is damaged."""
    import pandas as pd
    import pyarrow as pa

    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
        # Offsets outside the file would crash the process when their row is read.
        table.validate(full=True)
    except Exception as error:  # Arrow raises many kinds for a damaged file
        reason = str(error) or type(error).__name__
        raise InputError(f"{path}: not a complete table ({reason})") from None
    as_bytes = {pa.large_binary(): pd.ArrowDtype(pa.large_binary())}
    return table.to_pandas(types_mapper=as_bytes.get)
