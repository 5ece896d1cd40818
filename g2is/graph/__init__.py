"""The gradient graph as pages and other programs see it: whole, around one sample, and along the strongest path."""

from g2is.graph.ego import EgoGraph, ego_graph, ego_layout
from g2is.graph.mixed import mixed_graph, write_graphml
from g2is.graph.paths import Path, strongest_path

__all__ = ["EgoGraph", "Path", "ego_graph", "ego_layout", "mixed_graph", "strongest_path", "write_graphml"]
