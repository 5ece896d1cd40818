"""Shards of rows while they are computed, and the arrays they become.

A shard is one safetensors file that carries its own checksum in its name, so that a folder of shards
needs no list that could disagree with it: what is whole is there, everything else is computed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock, Timeout
from safetensors import safe_open
from safetensors.numpy import save

from g2is.files import write_bytes, write_file


@dataclass(frozen=True)
class ShardStore:
    """`count` rows in shards of `size` under `folder`; every shard holds the same named arrays."""

    folder: Path
    count: int
    size: int

    def __len__(self) -> int:
        return -(-self.count // self.size)

    def rows(self, shard: int) -> range:
        """The rows a shard holds."""
        return range(shard * self.size, min((shard + 1) * self.size, self.count))

    def missing(self) -> list[int]:
        """Shards still to be computed; damaged ones are removed and counted as missing."""
        for path in self.folder.glob("*.safetensors"):
            if _digest(path.read_bytes()) != path.stem.split("-")[1]:
                path.unlink()
        return [shard for shard in range(len(self)) if self._path(shard) is None]

    def open(self) -> None:
        """Make the folder, without damaged shards of an earlier attempt: now several processes may share it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.missing()

    def absent(self) -> list[int]:
        """Shards still to be computed; none where there is no folder, since then they are not wanted (any more)."""
        if not self.folder.is_dir():
            return []
        present = {path.name[:6] for path in self.folder.glob("*.safetensors")}
        return [shard for shard in range(len(self)) if f"{shard:06d}" not in present]

    @contextmanager
    def claim(self, shard: int) -> Iterator[bool]:
        """Yields whether this process may compute the shard: no other that lives has claimed it."""
        # The lock would make the folder anew.
        if not self.folder.is_dir():
            yield False
            return
        try:
            lock = FileLock(self.folder / f"{shard:06d}.lock").acquire(timeout=0)
        except Timeout:
            yield False
            return
        with lock:
            yield True

    def write(self, shard: int, arrays: dict[str, np.ndarray], notes: dict[int, str]) -> None:
        """Keep a shard: arrays of one length, and what there is to say of single rows (by row number)."""
        data = save(arrays, metadata={"notes": json.dumps(notes)})
        write_bytes(self.folder / f"{shard:06d}-{_digest(data)}.safetensors", data)

    def notes(self) -> dict[int, str]:
        """What was noted of single rows, over all shards."""
        notes = {}
        for shard in range(len(self)):
            with safe_open(self._existing(shard), framework="np") as file:
                notes.update({int(row): note for row, note in json.loads(file.metadata()["notes"]).items()})
        return notes

    def blocks(self, name: str) -> Iterator[np.ndarray]:
        """One array, shard by shard."""
        for shard in range(len(self)):
            with safe_open(self._existing(shard), framework="np") as file:
                yield file.get_tensor(name)

    def merge(self, name: str, path: Path) -> None:
        """Write one array of all shards as a `.npy` file that memory-maps."""
        first = next(self.blocks(name))

        # Plain writes, not a writable memory map: on a full disk those fail with an error, a map kills.
        def write(file: BinaryIO) -> None:
            header = {
                "descr": np.lib.format.dtype_to_descr(first.dtype),
                "fortran_order": False,
                "shape": (self.count, *first.shape[1:]),
            }
            np.lib.format.write_array_header_1_0(file, header)
            for block in self.blocks(name):
                file.write(block.tobytes())

        write_file(path, write)

    def _path(self, shard: int) -> Path | None:
        return min(self.folder.glob(f"{shard:06d}-*.safetensors"), default=None)

    def _existing(self, shard: int) -> Path:
        path = self._path(shard)
        if path is None:
            raise FileNotFoundError(f"shard {shard} of {self.folder} is missing")
        return path


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
