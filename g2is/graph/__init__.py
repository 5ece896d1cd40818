"""The gradient graph on arrays: neighbours, edges, paths, what is around one sample, communities, layout.

May import: errors, config, storage, arrays.
"""

from g2is.graph.ego import EgoGraph, ego_graph, ego_layout
from g2is.graph.paths import Path

__all__ = ["EgoGraph", "Path", "ego_graph", "ego_layout"]
