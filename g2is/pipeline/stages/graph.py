"""Stage `graph`: neighbours and conflicts, regime by regime."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from g2is.arrays.rows import as_rows
from g2is.config import GraphConfig, RegimeName
from g2is.engine.base import Engine
from g2is.engine.local import LocalEngine
from g2is.graph.approximate import join_found
from g2is.graph.duplicates import LEAST_COSINE, count_near_duplicates, near_duplicates
from g2is.graph.neighbors import (
    BLOCK_ARRAYS,
    NeighborLists,
    edge_cosines,
    join_blocks,
)
from g2is.pipeline.neighbor_worker import NeighborWorker
from g2is.pipeline.search_worker import SearchWorker
from g2is.pipeline.shards import work_through
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import SAMPLES, RegimeArray, array_file
from g2is.storage.files import write_array
from g2is.storage.rows import open_array

RECALL = ("neighbor_recall", "conflict_recall")
"""Shares that are measured where the lists are approximate."""


@dataclass
class GraphStage:
    """Writes neighbours and conflicts. Blocks of rows are shards, which an engine computes.

    given: (n, k) neighbours computed elsewhere, kept as they are.
    """

    writer: RunWriter
    regimes: tuple[RegimeName, ...]
    config: GraphConfig
    device: str
    given: np.ndarray | None = None
    engine: Engine = field(default_factory=LocalEngine)

    def write(self) -> StageResult:
        """Run the stage."""
        files: list[str] = []
        numbers: dict[str, Any] = {}
        for store in self.worker.stores:
            store.open()
        if isinstance(self.worker, SearchWorker):
            self._prepare(self.worker)
        work_through(self.engine, self.worker, self.writer)
        for regime in self.regimes:
            lists, recall = self._lists(regime)
            arrays: dict[RegimeArray, np.ndarray] = {
                "neighbors": lists.neighbors,
                "cosines": lists.cosines,
                "conflicts": lists.conflicts,
                "conflict_cosines": lists.conflict_cosines,
            }
            for name, array in arrays.items():
                write_array(self.writer.folder / array_file(regime, name), array)
                files.append(array_file(regime, name))
            twins = twins_by_gradient(arrays["neighbors"], arrays["cosines"])
            numbers[regime] = {
                "mean_cosine": lists.mean_cosine,
                "conflict_share": lists.conflict_share,
                **recall,
            }
            self.writer.say(
                f"graph, {regime}: mean cosine {lists.mean_cosine:.3f}, {lists.conflict_share:.1%} of pairs conflict, "
                f"{twins:,} near-duplicates (cosine {LEAST_COSINE} or more to an earlier sample)"
                + "".join(f", {name.replace('_', ' ')} {share:.3f}" for name, share in recall.items())
            )
        return files, numbers

    @property
    def _exact(self) -> bool:
        return self.config.is_exact(int(self.valid.sum()), self.device)

    def _prepare(self, worker: SearchWorker) -> None:
        for place, regime in enumerate(self.regimes):
            with self.writer.progress(f"graph, {regime}, folding", int(self.valid.sum()), "sample") as bar:
                worker.prepare(place, bar.update)

    def _lists(self, regime: RegimeName) -> tuple[NeighborLists, dict[str, float]]:
        """The lists of all rows; of approximate ones, their recall."""
        place = self.regimes.index(regime)
        if not isinstance(self.worker, SearchWorker):
            store = self.worker.stores[place]
            lists = join_blocks(self.valid, {name: list(store.blocks(name)) for name in BLOCK_ARRAYS})
            if self.given is not None:
                cosines = edge_cosines(self._rows(regime), self.given)
                lists = replace(lists, neighbors=self.given, cosines=cosines)
            return lists, {}
        found, checked = self.worker.found(place), self.worker.checked(place)
        lists, recall = join_found(
            as_rows(open_array(self.writer.path(array_file(regime, "gradients")))),
            np.flatnonzero(self.valid),
            checked,
            found,
            self.given,
        )
        return lists, dict(zip(RECALL, (recall.neighbors, recall.conflicts), strict=True))

    @cached_property
    def valid(self) -> np.ndarray:
        return self.writer.read_valid()

    def _rows(self, regime: RegimeName) -> np.ndarray:
        return self.writer.read_array(array_file(regime, "gradients"))

    @cached_property
    def worker(self) -> NeighborWorker:
        """The worker, once gradients are finished."""
        names = (SAMPLES, *(array_file(regime, "gradients") for regime in self.regimes))
        files = {name: self.writer.path(name).absolute() for name in names}
        known = self.config.neighbors if self.given is None else self.given.shape[1]
        sizes = known if self.given is None else 0, self.config.conflicts
        where = self.writer.folder.absolute(), self.regimes
        if self._exact:
            return NeighborWorker(*where, max(1, sizes[0]), sizes[1], self.device, files)
        return SearchWorker(*where, *sizes, self.device, files, known=known)


def twins_by_gradient(neighbors: np.ndarray, cosines: np.ndarray) -> int:
    """How many samples are near-duplicates of an earlier one by their gradients alone."""
    return count_near_duplicates(near_duplicates(neighbors, cosines, np.full(len(neighbors), -1)))
