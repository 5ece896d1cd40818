"""A file, unpacked, as lines and with its beginning known, which tells what kind of file it is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from g2is.errors import InputError
from g2is.instructions import record

BOM = b"\xef\xbb\xbf"
PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
"""The first bytes of compressed files."""
UTF16 = (b"\xff\xfe", b"\xfe\xff")
UTF32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")


@dataclass
class Opened:
    """A file that was opened, up to its first line that is not blank.

    path: the file. source: what messages call it. split: which part is asked for, where it has several.
    line: number of the first line that is not blank. head: its bytes, at most about `LONGEST`, without blanks before
    it. lines: it and those after it, numbered, without blank ones. rest: what follows `head`, until `lines` is used.
    notes: the kind of the file, and what else a person should know of how it is read.
    """

    path: Path
    source: str
    split: str | None
    line: int
    head: bytes
    lines: Iterator[tuple[int, bytes]]
    rest: BinaryIO
    notes: list[str] = field(default_factory=list)

    def call(self, kind: str) -> None:
        """Say what kind of file it is more exactly than its container's name."""
        self.notes[:1] = [kind]

    def refuse_split(self) -> None:
        """Raise InputError where a split was asked for: the file has none."""
        if self.split is not None:
            raise InputError(f"{self.source}: has no splits, expected the file without :{self.split}")


@contextmanager
def opened(path: Path, source: str, split: str | None = None) -> Iterator[Opened]:
    """Open a file, whether compressed or not; UTF-16 that begins with its mark is read as UTF-8.

    Raises InputError where the operating system or the decompressor fails, also while the file is used.
    """
    kind = ""
    try:
        with path.open("rb") as stored:
            start = stored.read(8)
            stored.seek(0)
            kind = next((name for magic, name in PACKED.items() if start.startswith(magic)), "")
            with _recoded(_unpacked(stored, kind)) as file:
                lines = _numbered_lines(file)
                line, head = next(lines, (0, b""))
                yield Opened(path, source, split, line, head.lstrip(), _chain((line, head), lines), file)
    except (EOFError, zlib.error, lzma.LZMAError) as fault:
        raise InputError(f"{source}: cannot be unpacked with {kind}: {first_line(fault)}") from None
    except OSError as fault:
        if kind and fault.errno is None:  # gzip, bz2 and pyarrow say so that the bytes are broken
            raise InputError(f"{source}: cannot be unpacked with {kind}: {first_line(fault)}") from None
        raise unreadable(path, fault) from None


def _unpacked(file: BinaryIO, kind: str) -> BinaryIO:
    if kind == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if kind == "bz2":
        return cast(BinaryIO, bz2.BZ2File(file))
    if kind == "xz":
        return cast(BinaryIO, lzma.LZMAFile(file))
    if kind == "zstd":
        import pyarrow as pa  # the standard library reads zstd from Python 3.14 on

        return cast(BinaryIO, io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(file), "zstd")))
    return file


def _recoded(file: BinaryIO) -> BinaryIO:
    """The file as UTF-8 where it begins with the byte order mark of UTF-16."""
    start = file.peek(4)[:4]  # type: ignore[attr-defined]
    if start.startswith(UTF16) and start not in UTF32:
        return cast(BinaryIO, io.BufferedReader(_Utf8(io.TextIOWrapper(file, "utf-16", newline=""))))
    return file


class _Utf8(io.RawIOBase):
    """Text as a stream of its UTF-8 bytes."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text = text
        self.waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            self.waiting = self.waiting or self.text.read(io.DEFAULT_BUFFER_SIZE).encode(
                "utf-8", "surrogatepass"
            )
        except UnicodeDecodeError as fault:
            raise OSError(0, f"it begins as UTF-16, but is none at byte {fault.start + 1}") from None
        count = min(len(buffer), len(self.waiting))
        buffer[:count], self.waiting = self.waiting[:count], self.waiting[count:]
        return count


def _numbered_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    # Only \n ends a line here: U+2028 and others that str.splitlines() knows may stand inside JSON strings.
    for number, line in enumerate(_cut_lines(file), 1):
        line = line.removeprefix(BOM)
        if line.strip() or len(line) > record.LONGEST:
            yield number, line


def _cut_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, a long one without what is over `LONGEST` and its end of line: many gigabytes would fill
    the memory only to be rejected."""
    most = record.LONGEST + 5  # with a byte order mark and a line ending, which do not count
    while line := file.readline(most):
        # Before the rest of the line is left out: an array may stand on one line, and is read on from here.
        yield line
        while len(line) == most and not line.endswith(b"\n"):
            line = file.readline(most)


def _chain(first: tuple[int, bytes], rest: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    yield first
    yield from rest


def excerpt(data: bytes | str) -> str:
    """The beginning of some bytes as a message quotes it."""
    text = data[:40].decode(errors="replace") if isinstance(data, bytes) else data[:40]
    return repr(text.encode("utf-8", "replace").decode()) if text else "the end of the file"


def unreadable(path: Path, fault: Exception) -> InputError:
    """The error for a file that the operating system does not give."""
    reason = getattr(fault, "strerror", None) or first_line(fault)
    return InputError(f"{path}: cannot be read: {reason}")


def first_line(fault: Exception) -> str:
    """The first line of an exception's text, or its name."""
    return next(iter(str(fault).splitlines()), type(fault).__name__)
