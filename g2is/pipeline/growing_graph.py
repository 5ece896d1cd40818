"""Graph, layout and communities of a pool that was extended."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from g2is.config import RegimeName
from g2is.graph.growing import grown_communities, grown_lists, grown_places, nearest_of_old
from g2is.graph.layout import pca_layout
from g2is.graph.neighbors import BLOCK_ARRAYS, NeighborLists
from g2is.graph.paths import spanning_forest
from g2is.pipeline.stages.communities import write_communities
from g2is.pipeline.stages.graph import GraphStage, twins_by_gradient
from g2is.pipeline.stages.layout import write_layout
from g2is.pipeline.stages.whitened import write_whitened
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import BUILDING, WHITENED, RegimeArray, array_file
from g2is.run.regimes import open_communities, open_places, open_regime
from g2is.run.run import Run
from g2is.storage.files import remove_folder, write_array

Nearest = tuple[np.ndarray, np.ndarray]
"""Of each new row that is valid the old ones nearest to it, and the cosines."""


@dataclass
class GrowingGraph:
    """run: as it was. grown: where the rows of the extended pool are written. first: the first new row."""

    run: Run
    grown: RunWriter
    first: int
    device: str

    def write(self, renew: bool) -> dict[str, StageResult]:
        """Write all; returns files and numbers by stage. renew: layout and communities again, not extended."""
        config = self.run.manifest.configuration
        written: dict[str, StageResult] = {
            name: ([], {}) for name in ("gradients", "graph", "layout", "communities")
        }
        nearest: dict[RegimeName, Nearest] = {}
        if WHITENED in self.run.regimes:
            files, numbers = write_whitened(self.grown, config.whitening_lambda)
            _add(written, "gradients", (files, {WHITENED: numbers}))
        numbers = self.run.manifest.stages["graph"].found
        exact = [r for r in self.run.regimes if r != WHITENED and numbers[r].get("neighbor_recall") is None]
        for regime in exact:
            result, nearest[regime] = self._grow_lists(regime)
            _add(written, "graph", result)
        if others := tuple(regime for regime in self.run.regimes if regime not in exact):
            self.grown.say(f"graph, {', '.join(others)}: all are compared again")
            _add(written, "graph", GraphStage(self.grown, others, config.graph, self.device).write())
            if (self.grown.folder / BUILDING).exists():
                remove_folder(self.grown.folder / BUILDING)
        if renew:
            self.grown.say(
                "layout and communities: made again, so that places and numbers of communities change"
            )
            _add(written, "layout", write_layout(self.grown, config))
            _add(written, "communities", write_communities(self.grown, config))
            return written
        for regime in self.run.regimes:
            if regime not in nearest:
                count = config.layout.umap_neighbors
                rows = self.grown.read_array(array_file(regime, "gradients"))
                nearest[regime] = nearest_of_old(
                    rows, self.valid, self.first, count=count, device=self.device
                )
            _add(written, "layout", (self._grow_layout(regime, nearest[regime]), {}))
            _add(written, "communities", (self._grow_communities(regime, nearest[regime]), {}))
        self.grown.say(
            "layout and communities: the new instructions are placed among the earlier ones nearest to them; --renew "
            "makes both again"
        )
        return written

    @cached_property
    def valid(self) -> np.ndarray:
        return self.grown.read_valid()

    def _grow_lists(self, regime: RegimeName) -> tuple[StageResult, Nearest]:
        settings, files = self.run.manifest.configuration.graph, self.run.files
        old = open_regime(files, regime, lambda *_: np.zeros(0))
        with self.grown.progress(f"graph, {regime}", int(self.valid.sum()), "sample") as bar:
            grown = grown_lists(
                self.grown.read_array(array_file(regime, "gradients")),
                self.valid,
                NeighborLists(
                    old.neighbors,
                    old.cosines,
                    old.conflicts,
                    old.conflict_cosines,
                    old.mean_cosine,
                    old.conflict_share,
                ),
                neighbors=settings.neighbors,
                conflicts=settings.conflicts,
                device=self.device,
                on_rows=bar.update,
            )
        lists = grown.lists
        arrays: tuple[RegimeArray, ...] = ("neighbors", "cosines", "conflicts", "conflict_cosines")
        assert arrays == BLOCK_ARRAYS[:4]
        names = [self._write(regime, name, getattr(lists, name)) for name in arrays]
        twins = twins_by_gradient(lists.neighbors, lists.cosines)
        self.grown.say(
            f"graph, {regime}: mean cosine {lists.mean_cosine:.3f}, {lists.conflict_share:.1%} of pairs conflict, "
            f"{twins:,} near-duplicates"
        )
        numbers = {"mean_cosine": lists.mean_cosine, "conflict_share": lists.conflict_share}
        return (names, {regime: numbers}), (grown.nearest_old, grown.cosines_old)

    def _grow_layout(self, regime: RegimeName, nearest: Nearest) -> list[str]:
        files, first = self.run.files, self.first
        rows = self.grown.read_array(array_file(regime, "gradients"))
        axes = files.array(array_file(regime, "pca_axes"), "f", (3, None))
        places = [open_places(files, "pca", regime), pca_layout(rows[first:], axes, self.valid[first:])]
        names = [self._write(regime, "pca", np.concatenate(places))]
        if "umap" in self.run.layouts:
            closest = self.run.manifest.configuration.layout.umap_neighbors
            old = open_places(files, "umap", regime)
            umap = grown_places(old, self.valid, *(part[:, :closest] for part in nearest))
            names.append(self._write(regime, "umap", umap))
        return names

    def _grow_communities(self, regime: RegimeName, nearest: Nearest) -> list[str]:
        closest = self.run.manifest.configuration.layout.umap_neighbors
        old = open_communities(self.run.files, regime).membership
        membership = grown_communities(old, self.valid, *(part[:, :closest] for part in nearest))
        pairs, cosines = spanning_forest(
            self.grown.read_array(array_file(regime, "neighbors")),
            self.grown.read_array(array_file(regime, "cosines")),
            self.valid,
        )
        return [
            self._write(regime, "communities", membership),
            self._write(regime, "forest", pairs),
            self._write(regime, "forest_cosines", cosines),
        ]

    def _write(self, regime: RegimeName, name: RegimeArray, array: np.ndarray) -> str:
        write_array(self.grown.folder / array_file(regime, name), np.ascontiguousarray(array))
        return array_file(regime, name)


def _add(written: dict[str, StageResult], stage: str, result: StageResult) -> None:
    files, numbers = result
    written[stage][0].extend(files)
    written[stage][1].update(numbers)
