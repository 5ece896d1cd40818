"""Settings of what is computed from gradients: neighbour lists, the layout of the map, communities."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from g2is.config.settings import LARGEST, SEEDS, Settings

APPROXIMATE_FROM = 50_000
"""Samples from which on neighbours are searched approximately on a CPU, unless the settings say otherwise."""


class GraphConfig(Settings):
    """The neighbour lists of every sample."""

    neighbors: int = Field(50, ge=1, le=LARGEST, description="nearest neighbours kept for each instruction")
    conflicts: int = Field(
        10, ge=1, le=LARGEST, description="most conflicting instructions kept for each instruction"
    )
    neighbor_search: Literal["auto", "exact", "approximate"] = Field(
        "auto",
        description="exact compares all pairs; approximate, for large pools, misses some and reports its recall; auto: "
        f"approximate from {APPROXIMATE_FROM:,} instructions on where there is no GPU",
    )

    def is_exact(self, samples: int, device: str) -> bool:
        """Whether all pairs of so many samples are compared on a device."""
        if self.neighbor_search == "auto":
            return device != "cpu" or samples < APPROXIMATE_FROM
        return self.neighbor_search == "exact"


class LayoutConfig(Settings):
    """The coordinates of the map."""

    umap: bool = Field(True, description="compute UMAP beside principal components, which take seconds")
    umap_neighbors: int = Field(
        15, ge=2, le=LARGEST, description="neighbours of an instruction that UMAP keeps close"
    )
    umap_min_dist: float = Field(0.1, ge=0, le=1, description="smallest distance between points in UMAP")
    layout_seed: int = Field(0, ge=0, lt=SEEDS, description="random seed of the layout")


class CommunityConfig(Settings):
    """The communities of the gradient graph."""

    resolution: float = Field(1.0, gt=0, le=100, description="higher: more and smaller communities")
    community_seed: int = Field(0, ge=0, lt=SEEDS, description="random seed of the search for communities")
