"""The graph stage: what a run keeps of the cosines between gradients, regime by regime."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from g2is.config import GraphConfig, RegimeName
from g2is.engine.sharing import work_off
from g2is.graph.approximate import approximate_neighbors
from g2is.graph.neighbors import (
    BLOCK_ARRAYS,
    NeighborLists,
    block_rows,
    comparable,
    cosines_to,
    edge_cosines,
    join_blocks,
    neighbor_block,
)
from g2is.pipeline.writer import BUILDING, RunWriter
from g2is.run.run import VALIDATION_GRADIENTS
from g2is.storage.files import write_array
from g2is.storage.shards import ShardStore

RECALL = ("neighbor_recall", "conflict_recall")
"""What is found beside the lists where they are approximate."""


@dataclass
class GraphWriter:
    """Writes neighbours, conflicts and cosines to the validation samples; `given` (n, k) neighbours are kept as
    they are. Blocks of rows are shards, which several processes share."""

    writer: RunWriter
    regimes: tuple[RegimeName, ...]
    config: GraphConfig
    device: str
    given: np.ndarray | None = None

    def write(self) -> tuple[list[str], dict[str, Any]]:
        """The whole stage: the files written, and the numbers found for each regime."""
        validation = np.load(self.writer.folder / VALIDATION_GRADIENTS)
        files: list[str] = []
        found: dict[str, Any] = {}
        if self._exact:
            for regime in self.regimes:
                self._blocks(regime).open()  # from here on others may help
            self.help()
        for regime in self.regimes:
            rows = self._rows(regime)
            lists, recall = self._compared(regime) if self._exact else self._approximated(regime)
            arrays = {
                "neighbors": lists.neighbors if self.given is None else self.given,
                "cosines": lists.cosines if self.given is None else edge_cosines(rows, self.given),
                "conflicts": lists.conflicts,
                "conflict_cosines": lists.conflict_cosines,
                "validation_cosines": cosines_to(rows, self.valid, validation, device=self.device),
            }
            for name, array in arrays.items():
                write_array(self.writer.folder / regime / f"{name}.npy", array)
                files.append(f"{regime}/{name}.npy")
            found[regime] = {
                "mean_cosine": lists.mean_cosine,
                "conflict_share": lists.conflict_share,
                **recall,
            }
        for name, numbers in found.items():
            self.writer.say(
                f"graph, {name}: mean cosine {numbers['mean_cosine']:.3f}, "
                f"{numbers['conflict_share']:.1%} of pairs conflict"
                + "".join(
                    f", {what.replace('_', ' ')} {numbers[what]:.3f}" for what in RECALL if what in numbers
                )
            )
        return files, found

    @property
    def _exact(self) -> bool:
        return self.config.neighbor_search == "exact"

    def _compared(self, regime: RegimeName) -> tuple[NeighborLists, dict[str, float]]:
        store = self._blocks(regime)
        return join_blocks(self.valid, {name: list(store.blocks(name)) for name in BLOCK_ARRAYS}), {}

    def _approximated(self, regime: RegimeName) -> tuple[NeighborLists, dict[str, float]]:
        """Lists that miss some, and what share of them is there."""
        comparable(self.valid, self.config.neighbors if self.given is None else 1)
        with self.writer.progress(f"graph, {regime}", int(self.valid.sum()), "sample") as bar:
            lists, recall = approximate_neighbors(
                self._rows(regime),
                self.valid,
                neighbors=self.config.neighbors,
                conflicts=self.config.conflicts,
                given=self.given,
                on_block=bar.update,
            )
        return lists, dict(zip(RECALL, (recall.neighbors, recall.conflicts), strict=True))

    def help(self) -> None:
        """Compare blocks of rows until all are there; approximate lists the leading process makes alone."""
        if not self._exact:
            return
        neighbors = self.config.neighbors if self.given is None else 1
        index = comparable(self.valid, neighbors)
        rows = [self._rows(regime) for regime in self.regimes]
        stores = [self._blocks(regime) for regime in self.regimes]
        with self.writer.progress("graph", len(index) * len(stores), "sample") as bar:

            def compare(regime: int, block: int) -> None:
                some = stores[regime].rows(block)
                arrays = neighbor_block(
                    rows[regime],
                    index,
                    slice(some.start, some.stop),
                    neighbors=neighbors,
                    conflicts=self.config.conflicts,
                    device=self.device,
                )
                stores[regime].write(block, arrays, {})

            def count() -> None:
                absent = sum(len(store.rows(block)) for store in stores for block in store.absent())
                bar.update(len(index) * len(stores) - absent - bar.n)

            count()
            work_off(stores, compare, count)

    @cached_property
    def valid(self) -> np.ndarray:
        return self.writer.read_valid()

    def _rows(self, regime: RegimeName) -> np.ndarray:
        return self.writer.read_array(f"{regime}/gradients.npy")

    def _blocks(self, regime: RegimeName) -> ShardStore:
        name = f"graph-{regime}-{self.config.neighbors}-{self.config.conflicts}"
        rows = block_rows(self.device)
        return ShardStore(self.writer.folder / BUILDING / name, int(self.valid.sum()), rows)
