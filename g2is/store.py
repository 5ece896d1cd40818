"""Shards of rows while they are computed, and the arrays they become.

A shard is one safetensors file that carries its own checksum in its name, so that a folder of shards
needs no list that could disagree with it: what is whole is there, everything else is computed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
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
        """Shards still to be computed; a damaged one is removed and counted as missing."""
        missing = []
        for shard in range(len(self)):
            path = self._path(shard)
            if path is not None and _digest(path.read_bytes()) != path.stem.split("-")[1]:
                path.unlink()
                path = None
            if path is None:
                missing.append(shard)
        return missing

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
        return next(self.folder.glob(f"{shard:06d}-*.safetensors"), None)

    def _existing(self, shard: int) -> Path:
        path = self._path(shard)
        if path is None:
            raise FileNotFoundError(f"shard {shard} of {self.folder} is missing")
        return path


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
