"""Shards: blocks of rows that are computed separately.

A shard is one safetensors file with its checksum in its name. The folder needs no list of finished shards: an intact
file is a finished shard, everything else is computed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from g2is.storage.files import not_written, whole_files, write_file, write_with_checksum


@dataclass(frozen=True)
class ShardStore:
    """`count` rows in shards of `size` under `folder`; every shard holds the same named arrays.

    required: arrays that a shard must hold. One that lacks some was written by an earlier version and counts as
    damaged.
    """

    folder: Path
    count: int
    size: int
    required: tuple[str, ...] = ()

    def __len__(self) -> int:
        return -(-self.count // self.size)

    def rows(self, shard: int) -> range:
        """The rows of a shard."""
        return range(shard * self.size, min((shard + 1) * self.size, self.count))

    def missing(self) -> list[int]:
        """Shards still to be computed; removes damaged ones, which are among them."""
        for path in whole_files(self.folder, "*.safetensors"):
            if not self._is_current(path):
                path.unlink()
        return self._not_among(self.files())

    def open(self) -> int:
        """Create the folder and remove damaged shards of an earlier attempt.

        Returns how many were removed. Raises `InputError` if the folder cannot be created.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            before = len(self.files())
            return before - (len(self) - len(self.missing()))
        except OSError as error:
            raise not_written(self.folder, error) from error

    def absent(self) -> list[int]:
        """Shards still to be computed, from one listing; none if there is no folder, since then none is needed."""
        if not self.folder.is_dir():
            return []
        return self._not_among(self.files())

    def write(self, shard: int, arrays: dict[str, np.ndarray], notes: dict[int, str]) -> Path:
        """Write a shard. arrays: all of the shard's length. notes: remarks about single rows, by row number."""
        data = save(arrays, metadata={"notes": json.dumps(notes)})
        return write_with_checksum(self.folder / f"{shard:06d}.safetensors", data)

    def file(self, shard: int) -> Path | None:
        """The file of a shard; None if it is not written."""
        return next(self.folder.glob(f"{shard:06d}-*.safetensors"), None)

    def files(self) -> dict[int, Path]:
        """The file of each finished shard, from a single listing of the folder."""
        paths = sorted(self.folder.glob("*-*.safetensors"), reverse=True)
        return {int(path.name.partition("-")[0]): path for path in paths}

    def notes(self) -> dict[int, str]:
        """The remarks about single rows in all shards."""
        notes = {}
        for path in self._all_files():
            with safe_open(path, framework="np") as file:
                notes.update(_notes(file))
        return notes

    def blocks(self, name: str) -> Iterator[np.ndarray]:
        """The parts of one array, shard by shard."""
        for path in self._all_files():
            with safe_open(path, framework="np") as file:
                yield file.get_tensor(name)

    def _is_current(self, path: Path) -> bool:
        if not self.required:
            return True
        with safe_open(path, framework="np") as file:
            return set(self.required) <= set(file.keys())

    def _not_among(self, files: dict[int, Path]) -> list[int]:
        return [shard for shard in range(len(self)) if shard not in files]

    def _all_files(self) -> list[Path]:
        """The files of all shards in order; raises `FileNotFoundError` where some are missing."""
        files = self.files()
        if missing := self._not_among(files):
            raise FileNotFoundError(f"shard {missing[0]} of {self.folder} is missing")
        return [files[shard] for shard in range(len(self))]


def read_shard(path: Path) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """The arrays of a shard by name, and the remarks about single rows."""
    with safe_open(path, framework="np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, _notes(file)  # noqa: SIM118 - not a mapping


def _notes(file: Any) -> dict[int, str]:
    return {int(row): note for row, note in json.loads(file.metadata()["notes"]).items()}


def npy_header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    """What stands before the rows in a `.npy` file."""
    header = BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, described)
    return header.getvalue()


def write_blocks(path: Path, blocks: Iterator[np.ndarray], count: int) -> None:
    """Write blocks of `count` rows, one below the other, as one `.npy` file."""
    first = next(blocks)

    # Plain writes: on a full disk they raise an error, while a writable memory map kills the process.
    def write(file: BinaryIO) -> None:
        file.write(npy_header(first.dtype, (count, *first.shape[1:])))
        for block in chain([first], blocks):
            file.write(block.tobytes())

    write_file(path, write)
