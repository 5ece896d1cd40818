"""The worker that compares blocks of rows with all rows, for neighbours and conflicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from g2is.config import RegimeName
from g2is.engine.base import Item, Receipt
from g2is.errors import InputError
from g2is.graph.neighbors import block_rows, comparable, neighbor_block
from g2is.run.paths import BUILDING, SAMPLES, array_file
from g2is.storage.shards import ShardStore
from g2is.storage.tables import read_frame


@dataclass
class NeighborWorker:
    """Writes blocks of a run whose gradients are finished.

    folder: of the run. neighbors, conflicts: how many a row gets. files: where files of the run lie that are not at
    their names.
    """

    folder: Path
    regimes: tuple[RegimeName, ...]
    neighbors: int
    conflicts: int
    device: str
    files: dict[str, Path] = field(default_factory=dict)

    name = "graph"

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def read(self, item: Item) -> None:
        """Nothing: all blocks are compared with the same rows."""

    def compute(self, item: Item, given: None, on_rows: Callable[[int], object]) -> dict[str, np.ndarray]:
        """The arrays of a block."""
        rows = self.stores[item.store].rows(item.shard)
        arrays = neighbor_block(
            self._rows[item.store],
            self._index,
            slice(rows.start, rows.stop),
            neighbors=self.neighbors,
            conflicts=self.conflicts,
            device=self.device,
        )
        on_rows(item.rows)
        return arrays

    def write(self, item: Item, computed: dict[str, np.ndarray]) -> Receipt:
        """Write a block."""
        return Receipt(item, self.stores[item.store].write(item.shard, computed, {}).name)

    def set_aside(self, item: Item, reason: str) -> Receipt:
        """Raises `InputError`: rows without neighbours are no graph."""
        raise InputError(f"graph: block {item.shard} of {self.regimes[item.store]}: {reason}")

    @cached_property
    def stores(self) -> list[ShardStore]:
        """The stores of the blocks, one a regime; blocks of another size, of another device, are others."""
        counts, building = f"{self.neighbors}-{self.conflicts}", self.folder / BUILDING
        sizes = [block_rows(self.device, rows) for rows in self._rows]
        return [
            ShardStore(building / f"graph-{regime}-{counts}-by-{size}", len(self._index), size)
            for regime, size in zip(self.regimes, sizes, strict=True)
        ]

    @cached_property
    def _index(self) -> np.ndarray:
        """Rows of the pool that have a gradient."""
        valid = read_frame(self._path(SAMPLES))["valid"].to_numpy()
        return comparable(valid, max(1, self.neighbors))

    @cached_property
    def _rows(self) -> list[np.ndarray]:
        """The gradients of each regime, as read-only memory maps."""
        names = [array_file(regime, "gradients") for regime in self.regimes]
        return [np.load(self._path(name), mmap_mode="r") for name in names]

    def _path(self, name: str) -> Path:
        return self.files.get(name, self.folder / name)
