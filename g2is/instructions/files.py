"""Files -> the bytes of each record and the line where it starts; what is in a record is not known here.

The kind of a file (JSON Lines, JSON array, Parquet) is told from its first bytes, never from its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from g2is.errors import InputError, printable
from g2is.instructions.formats import LONGEST

BOM = b"\xef\xbb\xbf"
KINDS = "JSON Lines (an object {…} a line), a JSON array [{…}, …] or Parquet"
OTHER_KINDS = {
    b"\x1f\x8b": "compressed with gzip; unpack it with: gzip -d",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it with: zstd -d",
    b"\xfd7zXZ": "compressed with xz; unpack it with: xz -d",
    b"BZh": "compressed with bzip2; unpack it with: bzip2 -d",
    b"PK\x03\x04": "a zip archive; unpack it with: unzip",
    b"version https://git-lfs": "a Git LFS pointer, not the data; fetch it with: git lfs pull",
}

# Strings are matched whole, so that brackets inside them do not count. The closing quote is optional: an
# unterminated string is then one token up to the end of the file, not a new search from every quote in it.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\]]', re.DOTALL)
_SCALAR = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s"{}\[\],]++', re.DOTALL)
_NOT_BLANK = re.compile(rb"[^ \t\r\n]")


def source_names(paths: Sequence[Path]) -> list[str]:
    """What to call each file: its base name, or as much of its path as tells it from the others.

    Raises InputError for a file that is missing, a folder or given twice, before any file is read.
    """
    seen = set()
    for path in paths:
        try:
            path.stat()
        except (OSError, ValueError) as fault:
            raise _unreadable(path, fault) from None
        if path.is_dir():
            raise InputError(f"{path}: is a folder, expected a file; name the files in it")
        if path.resolve() in seen:
            raise InputError(f"{path}: given twice, expected each file once")
        seen.add(path.resolve())
    return [printable(name) for name in _shortest_tails([path.absolute() for path in paths])]


def _shortest_tails(paths: Sequence[Path]) -> list[str]:
    names = []
    for path in paths:
        length = 1
        while sum(other.parts[-length:] == path.parts[-length:] for other in paths) > 1:
            length += 1
        names.append(str(Path(*path.parts[-length:])))
    return names


def records(path: Path, source: str) -> Iterator[tuple[int, bytes]]:
    """The 1-based line where each record starts (Parquet: its row) and the record's bytes.

    JSON Lines: the line without byte order mark and line ending; blank lines are left out, the file is streamed; of a
    line longer than `LONGEST`, blank or not, its start, which is longer too. Array: the element's slice.
    Parquet: the row as JSON. Raises InputError for a file that cannot be cut into records.
    """
    try:
        with path.open("rb") as file:
            found = _records(file, source)
            first = next(found, None)
            if first is None:
                raise InputError(f"{source}: holds no records, expected {KINDS}")
            yield from chain([first], found)
    except OSError as fault:
        raise _unreadable(path, fault) from None


def _records(file: BinaryIO, source: str) -> Iterator[tuple[int, bytes]]:
    # Only \n ends a line here: U+2028 and others that str.splitlines() knows may stand inside JSON strings.
    lines = ((number, line.removeprefix(BOM)) for number, line in enumerate(_cut_lines(file), 1))
    said = ((number, line) for number, line in lines if line.strip() or len(line) > LONGEST)
    number, line = next(said, (0, b""))
    head = line.lstrip()
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head[:2].count(0) == 1:
        raise InputError(f"{source}: is UTF-16 or UTF-32 text, expected UTF-8; save it as UTF-8")
    if head.startswith(b"{") or (line and not head):  # or so many blanks that what follows them was not read
        return _lines(chain([(number, line)], lines))
    if head.startswith(b"["):
        return _array_elements(head + file.read(), number, source)
    if head.startswith(b"PAR1"):
        return _parquet_rows(file, source)
    if not head:
        raise InputError(f"{source}: is empty, expected {KINDS}")
    for magic, what in OTHER_KINDS.items():
        if head.startswith(magic):
            raise InputError(f"{source}: is {what}")
    raise InputError(f"{source}: starts with {_excerpt(head)}, expected {KINDS}")


def _cut_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, a long one without what is over `LONGEST` and its end of line: many gigabytes would fill
    the memory only to be refused."""
    most = LONGEST + 5  # with a byte order mark and a line ending, which do not count
    while line := file.readline(most):
        # Before the rest of the line is left out: an array may stand on one line, and is read on from here.
        yield line
        while len(line) == most and not line.endswith(b"\n"):
            line = file.readline(most)


def _lines(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    for number, line in lines:
        raw = line.removesuffix(b"\n").removesuffix(b"\r")
        if len(raw) > LONGEST or raw.strip():
            yield number, raw


def _array_elements(data: bytes, line: int, source: str) -> Iterator[tuple[int, bytes]]:
    """The elements of a JSON array that begins at `data[0]`, on `line`.

    Elements are cut by their brackets alone, so one that is broken in itself (a comma too many, an invalid
    byte, nesting deeper than the JSON parser goes) does not take the others with it.
    """
    position, mark = 0, b"["  # of the '[' or ',' before an element, at last of the ']'
    while mark != b"]":
        start = _next(data, position + 1)
        line += data.count(b"\n", position, start)
        if mark == b"[" and data[start : start + 1] == b"]":
            position = start
            break
        end = _element_end(data, start)
        if end is None:
            raise _broken_array(source, line, data, start)
        yield line, data[start:end]
        position = _next(data, end)
        mark = data[position : position + 1]
        if mark not in (b",", b"]"):
            raise _broken_array(source, line, data, position)
        line += data.count(b"\n", start, position)
    rest = _next(data, position + 1)
    if rest < len(data):
        raise InputError(
            f"{source}:{line}: the array ends here, but {_excerpt(data[rest:])} follows, expected nothing; "
            "files are given one by one, not joined"
        )


def _next(data: bytes, position: int) -> int:
    """Where the next byte that is not blank stands, or the end."""
    found = _NOT_BLANK.search(data, position)
    return found.start() if found else len(data)


def _element_end(data: bytes, start: int) -> int | None:
    """Where the element that begins at `start` ends, or None where there is none or it is never closed."""
    if data[start : start + 1] not in (b"{", b"["):
        scalar = _SCALAR.match(data, start)
        return scalar.end() if scalar else None
    depth = 0
    for token in _TOKEN.finditer(data, start):
        first = data[token.start()]
        if first in b"{[":
            depth += 1
        elif first in b"}]":
            depth -= 1
            if depth == 0:
                return token.end()
    return None


def _broken_array(source: str, line: int, data: bytes, position: int) -> InputError:
    return InputError(
        f"{source}:{line}: the array breaks off at the record here: found {_excerpt(data[position:])}, expected "
        "whole records with ',' between them and ']' at the end; an array cannot be read past such a place, "
        "even when bad records are skipped, so mend it in the file"
    )


def _parquet_rows(file: BinaryIO, source: str) -> Iterator[tuple[int, bytes]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = 0
    try:
        parquet = pq.ParquetFile(file)
        names = parquet.schema_arrow.names
        if len(set(names)) < len(names):
            raise InputError(f"{source}: has two columns of one name, expected {sorted(names)} to differ")
        for batch in parquet.iter_batches():
            for values in batch.to_pylist():
                row += 1
                yield row, _row_as_json(values)
    except UnicodeDecodeError:
        raise InputError(f"{source}: holds text that is not UTF-8 after row {row}, expected UTF-8") from None
    except OverflowError:
        raise InputError(
            f"{source}: holds a date or a duration that is out of range after row {row}, expected the years 1 to "
            "9999; mend that column or leave it out"
        ) from None
    except (pa.ArrowException, OSError) as fault:
        raise InputError(f"{source}: is not a Parquet file that can be read: {_first_line(fault)}") from None


def _row_as_json(values: dict[str, object]) -> bytes:
    """What JSON has no word for becomes text (dates, decimals, bytes) or null (NaN, infinity)."""
    text = json.dumps(values, ensure_ascii=False, default=str)
    if "NaN" in text or "Infinity" in text:
        text = json.dumps(json.loads(text, parse_constant=lambda _: None), ensure_ascii=False)
    return text.encode()


def _excerpt(data: bytes) -> str:
    return repr(data[:40].decode(errors="replace")) if data else "the end of the file"


def _unreadable(path: Path, fault: Exception) -> InputError:
    reason = getattr(fault, "strerror", None) or _first_line(fault)
    return InputError(f"{path}: cannot be read: {reason}")


def _first_line(fault: Exception) -> str:
    return next(iter(str(fault).splitlines()), type(fault).__name__)
