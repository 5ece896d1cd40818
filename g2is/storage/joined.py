"""Shards whose long rows lie in files of all rows from the beginning, each at its place.

Nothing is merged at the end: the files only get their names. A shard's own file, written after its rows, holds the
other arrays and a checksum of each of these rows. Rows that it does not vouch for count as missing, however they came
about: a process that was killed, a power cut, a damaged disk.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from g2is.storage.files import not_written, refuse_special, sync_folder
from g2is.storage.gate import ask
from g2is.storage.shards import ShardStore, npy_header, read_shard

SUMS = "_sums"
"""With the name of an array, that of its rows' checksums."""


@dataclass(frozen=True)
class JoinedShards(ShardStore):
    """A store that one process writes. arrays: where those of all rows will lie, by name; every shard has them."""

    arrays: Mapping[str, Path] = field(default_factory=dict)

    def missing(self) -> list[int]:
        """Shards still to be written; those whose rows are not as they were written are removed."""
        if self.files():
            for name, path in self.arrays.items():
                # A process that was killed between names and the manifest.
                if not self._unfinished(name).exists() and path.is_file():
                    path.replace(self._unfinished(name))
        return super().missing()

    def write(self, shard: int, arrays: dict[str, np.ndarray], notes: dict[int, str]) -> Path:
        """Write a shard. arrays: all of the shard's length. notes: remarks about single rows, by row number.

        Raises `InputError` where the disk is full.
        """
        kept = dict(arrays)
        for name in self.arrays:
            rows = np.ascontiguousarray(kept.pop(name))
            self._place(name, self.rows(shard).start, rows)
            kept[name + SUMS] = _sums(rows)
        return super().write(shard, kept, notes)

    def kinds(self) -> dict[str, tuple[np.dtype, tuple[int, ...]]] | None:
        """Type and shape of a row of each array, by name, from any shard that is written; None if there is none."""
        for path in self.files().values():
            arrays = {name: array for name, array in read_shard(path)[0].items() if not name.endswith(SUMS)}
            arrays |= {name: self._rows_of(name) for name in self.arrays}
            return {name: (array.dtype, array.shape[1:]) for name, array in arrays.items()}
        return None

    def finish(self) -> None:
        """Give the files of all rows their names; raises `FileNotFoundError` where a shard is missing."""
        self._all_files()
        for name, path in self.arrays.items():
            ask(path)
            refuse_special(path)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._unfinished(name).replace(path)
                sync_folder(path.parent)
            except OSError as error:
                raise not_written(path, error) from error

    def _place(self, name: str, start: int, rows: np.ndarray) -> None:
        """Write rows from `start` on, and see them on the disk."""
        path, header = self._unfinished(name), npy_header(rows.dtype, (self.count, *rows.shape[1:]))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.touch()
            with path.open("r+b") as file:
                if file.read(len(header)) != header:
                    file.seek(0)
                    file.write(header)
                    file.truncate(len(header) + self.count * rows[0].nbytes)
                file.seek(len(header) + start * rows[0].nbytes)
                file.write(rows.data.cast("B"))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise not_written(path, error) from error

    def _is_current(self, path: Path) -> bool:
        arrays, _ = read_shard(path)
        rows = self.rows(int(path.name.partition("-")[0]))
        try:
            return all(
                np.array_equal(arrays[name + SUMS], _sums(self._rows_of(name)[rows.start : rows.stop]))
                for name in self.arrays
            )
        except Exception:  # numpy has many kinds for a damaged file
            return False

    def _rows_of(self, name: str) -> np.ndarray:
        return np.load(self._unfinished(name), mmap_mode="r")

    def _unfinished(self, name: str) -> Path:
        return self.folder / f"{name}.npy"


def _sums(rows: np.ndarray) -> np.ndarray:
    return np.array([zlib.crc32(row) for row in rows], np.uint32)
