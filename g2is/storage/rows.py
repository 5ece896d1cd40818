"""Arrays in `.npy` files, of which rows are read through a file descriptor.

A memory map would do the same, but a process that touches a mapped file that was made shorter (`cp`, `scp` and
`rsync --inplace` do that) is killed, and with it the pages of all visitors. A read of such a file is an error like any
other.
"""

from __future__ import annotations

import os
from io import BufferedReader
from pathlib import Path
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from g2is.errors import InputError
from g2is.storage.files import open_file

IN_MEMORY = 64 * 2**20
"""Arrays of up to this many bytes are read whole when they are opened: a page uses most of their rows."""
COORDINATES = 2
"""Numbers a row of arrays that are used whole, however large: a column, places on the map, edges."""
BLOCK = 16 * 2**20
"""Bytes read at once where columns of all rows are asked for."""


class StoredRows:
    """An (n, …) array in a file, read-only. What is indexed is read into memory, as a new array.

    The first index is a row, a slice, or an array of rows or of booleans; others are applied as numpy does. Raises
    `InputError` for a file that was cut off or overwritten since it was opened. Threads may share it.
    """

    def __init__(
        self, path: Path, file: BufferedReader, start: int, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self.path, self.shape, self.dtype = path, shape, dtype
        self.ndim, self.size = len(shape), int(np.prod(shape))
        self.nbytes = self.size * dtype.itemsize
        self._file, self._handle, self._start = file, file.fileno(), start
        finalize(self, file.close)
        self._width = self.nbytes // max(1, shape[0])
        self._stamp = self._state()

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("rows in a file become an array only by a copy")
        return self._range(0, len(self)).astype(dtype or self.dtype, copy=False)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        rows, *rest = index if isinstance(index, tuple) else (index,)
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if not rest and step == 1:
                return self._range(start, stop)
            return self._columns(np.arange(start, stop, step), rest)
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        if rows.ndim == 0:
            return self._scattered(rows.reshape(1))[0][tuple(rest)]
        if not rest:
            return self._scattered(rows)
        if isinstance(rest[0], slice):
            return self._columns(rows, rest)
        # Rows and columns in pairs, as numpy pairs them.
        unique, places = np.unique(rows, return_inverse=True)
        return self._scattered(unique)[(places.reshape(rows.shape), *rest)]

    def _columns(self, rows: NDArray[np.integer], rest: list[Any]) -> NDArray[Any]:
        """Columns of rows (b,), in blocks, so that the other columns are never in memory all at once."""
        size = max(1, BLOCK // max(1, self._width))
        parts = [
            self._scattered(rows[start : start + size])[(slice(None), *rest)]
            for start in range(0, max(1, len(rows)), size)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _range(self, start: int, stop: int) -> NDArray[Any]:
        array = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        if array.nbytes:
            self._read(array.data.cast("B"), start)
        self._check()
        return array

    def _scattered(self, rows: NDArray[np.integer]) -> NDArray[Any]:
        if rows.size == 1:  # by far the most frequent
            row = int(rows.reshape(-1)[0])
            row += len(self) if row < 0 else 0
            if not 0 <= row < len(self):
                raise IndexError(f"row {row} of {len(self)}")
            return self._range(row, row + 1).reshape(*rows.shape, *self.shape[1:])
        flat = rows.reshape(-1).astype(np.int64)
        flat = np.where(flat < 0, flat + len(self), flat)
        if flat.size and not (flat.min() >= 0 and flat.max() < len(self)):
            raise IndexError(f"row {int(flat[np.argmax((flat < 0) | (flat >= len(self)))])} of {len(self)}")
        array = np.empty((len(flat), *self.shape[1:]), self.dtype)
        if array.nbytes:
            data, width = array.data.cast("B"), self._width
            # Each run of consecutive rows is one read.
            starts = np.flatnonzero(np.diff(flat, prepend=-2) != 1).tolist()
            for start, stop in zip(starts, [*starts[1:], len(flat)], strict=True):
                self._read(data[start * width : stop * width], int(flat[start]))
        self._check()
        return array.reshape(*rows.shape, *self.shape[1:])

    def _read(self, buffer: memoryview, row: int) -> None:
        """Fill a buffer with the bytes from a row on."""
        place, done = self._start + row * self._width, 0
        try:
            while done < len(buffer) and (count := os.preadv(self._handle, [buffer[done:]], place + done)):
                done += count
        except OSError as error:
            raise InputError(f"{self.path}: not readable ({error.strerror}); open the run again") from None
        if done < len(buffer):
            self._check(cut=True)

    @property
    def overwritten(self) -> bool:
        """Whether something else was written to the file since it was opened."""
        return self._state() != self._stamp

    def _check(self, *, cut: bool = False) -> None:
        if cut or self.overwritten:
            raise InputError(
                f"{self.path}: was cut off or overwritten while it was open; wait until the copying is over or bring "
                "the file back, then try again"
            )

    def _state(self) -> tuple[int, int]:
        now = os.fstat(self._handle)
        return now.st_size, now.st_mtime_ns


def open_array(path: Path) -> NDArray[Any] | StoredRows:
    """The array in a `.npy` file: in memory, read-only, or its rows when they are asked for where it is large.

    Raises `ValueError` and others of numpy for a file that is no whole array of numbers, `InputError` for what is no
    file, `OSError` for what cannot be opened.
    """
    file = open_file(path)
    try:
        version = np.lib.format.read_magic(file)
        header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = header(file)
        expected = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if dtype.hasobject or expected != os.fstat(file.fileno()).st_size - file.tell():
            raise ValueError(f"not the bytes of {dtype} of shape {shape}")
        if expected > IN_MEMORY and not fortran and len(shape) > 1 and shape[1] > COORDINATES:
            return StoredRows(path, file, file.tell(), shape, dtype)
        array = np.empty(shape[::-1] if fortran else shape, dtype)
        if expected and file.readinto(array.data.cast("B")) != expected:
            raise ValueError("cut off while it was read")
        array = array.T if fortran else array
    except BaseException:
        file.close()
        raise
    file.close()
    array.flags.writeable = False
    return array
