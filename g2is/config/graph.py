"""Settings of what is computed from gradients: neighbour lists, the layout of the map, communities."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from g2is.config.settings import LARGEST, SEEDS, Settings


class GraphConfig(Settings):
    """The neighbour lists of every sample."""

    neighbors: int = Field(50, ge=1, le=LARGEST, description="nearest neighbours kept for each instruction")
    conflicts: int = Field(
        10, ge=1, le=LARGEST, description="most conflicting instructions kept for each instruction"
    )
    neighbor_search: Literal["exact", "approximate"] = Field(
        "exact",
        description="exact compares all pairs; approximate, for pools of a million, misses some and reports its recall",
    )


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
