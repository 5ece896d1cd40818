"""The worker that searches approximate neighbours and conflicts of blocks of rows, in inverted files made before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from g2is.arrays.rows import as_rows
from g2is.engine.base import Item
from g2is.graph.approximate import Search, in_blocks, prepare
from g2is.graph.checked import Checked
from g2is.pipeline.neighbor_worker import NeighborWorker
from g2is.run.paths import BUILDING, array_file
from g2is.storage.files import whole_files, write_with_checksum
from g2is.storage.rows import open_array
from g2is.storage.shards import ShardStore, read_shard

ROWS = 4096
"""Rows of a shard, which are near each other: some seconds to minutes of one core."""


@dataclass
class SearchWorker(NeighborWorker):
    """Writes lists of blocks of a run whose gradients are finished, and whose stores are open and prepared.

    known: how many neighbours a list has that is measured; `neighbors` of them are searched for, none where they were
    computed elsewhere. size: rows of a shard.
    """

    known: int = 0
    size: int = ROWS

    def prepare(self, store: int, on_block: Callable[[int], object]) -> None:
        """Write what `Search` needs for a store, unless it is there whole: some GB of folded rows for a million."""
        import faiss

        folder = self.stores[store].folder
        if whole_files(folder, "index-*") and whole_files(folder, "checked-*"):
            return
        file, checked = prepare(
            self._rows[store],
            self._index,
            neighbors=self.known,
            conflicts=self.conflicts,
            on_block=on_block,
        )
        write_with_checksum(folder / "index.faiss", faiss.serialize_index(file).data)
        write_with_checksum(folder / "checked.npz", checked.to_bytes())

    def compute(self, item: Item, given: None, on_rows: Callable[[int], object]) -> dict[str, np.ndarray]:
        """The arrays of a block."""
        search, rows = self._searches[item.store], self.stores[item.store].rows(item.shard)
        blocks = []
        for mine in in_blocks(search.order[rows.start : rows.stop]):
            blocks.append(search(mine, neighbors=self.neighbors, conflicts=self.conflicts))
            on_rows(len(mine))
        return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}

    def checked(self, store: int) -> Checked:
        """What the lists of a store are measured by."""
        return Checked.from_bytes(self._prepared(store, "checked").read_bytes())

    def found(self, store: int) -> Iterator[dict[str, np.ndarray]]:
        """The blocks of a store, all of which are written."""
        for _, path in sorted(self.stores[store].files().items()):
            yield read_shard(path)[0]

    @cached_property
    def stores(self) -> list[ShardStore]:
        """The stores of the blocks, one a regime.

        An earlier search kept residuals in files of another name: what it has begun is not taken for rows.
        """
        counts = f"{self.neighbors}-{self.conflicts}-{self.known}"
        return [
            ShardStore(
                self.folder / BUILDING / f"graph-{regime}-blocks-{counts}", len(self._index), self.size
            )
            for regime in self.regimes
        ]

    @cached_property
    def _searches(self) -> list[Search]:
        import faiss

        # Mapped: the processes of a machine share it.
        files: list[Any] = [
            faiss.read_index(str(self._prepared(store, "index")), faiss.IO_FLAG_MMAP)
            for store in range(len(self.stores))
        ]
        return [Search(rows, self._index, file) for rows, file in zip(self._rows, files, strict=True)]

    @cached_property
    def _rows(self) -> list[np.ndarray]:
        """The gradients of each regime. Not mapped: what was read of a map counts as memory of the process."""
        names = [array_file(regime, "gradients") for regime in self.regimes]
        return [as_rows(open_array(self._path(name))) for name in names]

    def _prepared(self, store: int, name: str) -> Path:
        (path,) = self.stores[store].folder.glob(f"{name}-*")
        return path
