"""The gradient graph as arrays: neighbours, edges, paths, ego graphs, communities, layout.

May import: errors, config, storage, arrays; `lm.precision`, which knows no model.
"""

from g2is.graph.ego import EgoGraph, ego_graph, ego_layout
from g2is.graph.paths import Path

__all__ = ["EgoGraph", "Path", "ego_graph", "ego_layout"]
