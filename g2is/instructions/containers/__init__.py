"""Files -> the bytes of each record and the line where it starts; what is in a record is not known here.

The kind of a file is told from its first bytes, not from its name. A new kind is one file and one line in `CONTAINERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from g2is.errors import InputError
from g2is.instructions.containers.delimited import delimited_records, is_delimited
from g2is.instructions.containers.json_files import (
    array_records,
    is_json_array,
    is_json_objects,
    object_records,
)
from g2is.instructions.containers.opened import UTF16, UTF32, Opened, excerpt, opened
from g2is.instructions.containers.tables import is_arrow, is_parquet, table_records
from g2is.instructions.record import Record


class Container(NamedTuple):
    """A kind of file: its name, whether a file is of it, and its records."""

    name: str
    begins: Callable[[Opened], bool]
    records: Callable[[Opened], Iterator[Record]]


CONTAINERS = (
    Container("Parquet", is_parquet, table_records),
    Container("Arrow", is_arrow, table_records),
    Container("JSON objects", is_json_objects, object_records),
    Container("JSON array", is_json_array, array_records),
    Container("table with a header", is_delimited, delimited_records),
)
"""In the order in which they are tried."""

EXPECTED = "JSON Lines (an object {…} a line), a JSON array [{…}, …], CSV, TSV, Parquet or Arrow"
OTHER_KINDS = {
    b"PK\x03\x04": "a zip archive; unpack it with: unzip",
    b"version https://git-lfs": "a Git LFS pointer, not the data; fetch it with: git lfs pull",
}


def records(
    path: Path, source: str, split: str | None = None, notes: list[str] | None = None
) -> Iterator[Record]:
    """The records of a file, as they are needed.

    source: what messages call the file. split: the part to read where it has several. notes: gets the kind of the
    file and what else a person should know of it. Raises InputError for a file that cannot be cut into records.
    """
    with opened(path, source, split) as file:
        container = _container(file)
        if notes is not None:
            file.notes = notes
            notes.append(container.name)
        cut = container.records(file)
        first = next(cut, None)
        if first is None:
            raise InputError(f"{source}: holds no records, expected {EXPECTED}")
        yield from chain([first], cut)


def _container(file: Opened) -> Container:
    head = file.head
    if head.startswith((*UTF16, *UTF32)) or head[:2].count(0) == 1:
        raise InputError(f"{file.source}: is UTF-16 or UTF-32 text, expected UTF-8; save it as UTF-8")
    for container in CONTAINERS:
        if container.begins(file):
            return container
    if not head:
        raise InputError(f"{file.source}: is empty, expected {EXPECTED}")
    for magic, what in OTHER_KINDS.items():
        if head.startswith(magic):
            raise InputError(f"{file.source}: is {what}")
    raise InputError(f"{file.source}: starts with {excerpt(head)}, expected {EXPECTED}")
