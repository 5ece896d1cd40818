"""CSV and TSV: a header with the names of the fields, then a row a record.

Read by Python's csv module and not by pandas or `datasets`: these guess types (a number as an answer loses its zeros,
"NA" becomes nothing) and do not tell on which line a record starts.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, TextIO, cast

from g2is.errors import InputError
from g2is.instructions import record
from g2is.instructions.containers.opened import Opened, opened
from g2is.instructions.fields import as_json
from g2is.instructions.record import Record

DELIMITERS = ",\t;|"
SUFFIXES = (".csv", ".tsv")
_NAME = re.compile(r"\s*(\w[\w ./()#-]{0,60})?")


def is_delimited(file: Opened) -> bool:
    """Whether the first line is a header: several names, or what a file of that name begins with."""
    line = file.head.split(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    if not line or not (line.replace("\t", " ")).isprintable() or "\ufffd" in line:
        return False
    if any(suffix in SUFFIXES for suffix in file.path.suffixes):
        return True
    names = next(csv.reader([line], delimiter=_delimiter(line)))
    return len(names) > 1 and all(map(_NAME.fullmatch, names)) and any(names)


def delimited_records(file: Opened) -> Iterator[Record]:
    """A record a row, every value as text; line is where the row starts."""
    file.refuse_split()
    csv.field_size_limit(record.LONGEST)
    with opened(file.path, file.source) as again:
        _, first = next(again.lines)
        rest = io.TextIOWrapper(cast(Any, again.rest), "utf-8", "surrogateescape", newline="")
        header = first.decode("utf-8", "surrogateescape")
        rows = csv.reader(_lines(header, rest), delimiter=_delimiter(header), strict=True)
        line, before = file.line, file.line - 1
        try:
            names = next(rows)
            if len(set(names)) < len(names):
                raise InputError(
                    f"{file.source}: has two columns of one name, expected {sorted(names)} to differ"
                )
            line = before + rows.line_num + 1
            for row in rows:
                if row:
                    yield _record(line, names, row)
                line = before + rows.line_num + 1
        except csv.Error as fault:
            raise InputError(
                f"{file.source}:{line}: no row of a table can be read from here on ({fault}), expected cells with "
                'a delimiter or a line break in them to stand in "quotes"'
            ) from None


def _lines(header: str, rest: TextIO) -> Iterator[str]:
    yield header
    # At most so much at once: a file without line breaks must not fill the memory.
    while line := rest.readline(record.LONGEST):
        yield line


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _record(line: int, names: list[str], row: list[str]) -> Record:
    problem = None
    if len(row) != len(names):
        problem = f"the row has {len(row)} cells, expected {len(names)} as in the header"
    fields = dict(zip(names, row, strict=False))
    return Record(line, as_json(fields).encode("utf-8", "surrogateescape"), problem)
