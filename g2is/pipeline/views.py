"""The stages after the graph, the same for a build and an import: what pages show but cannot compute in time."""

from __future__ import annotations

from g2is.config import BuildConfig, ImportConfig
from g2is.pipeline.stages.communities import write_communities
from g2is.pipeline.stages.layout import write_layout
from g2is.pipeline.stages.leaks import write_leaks
from g2is.pipeline.writer import RunWriter


def write_views(writer: RunWriter, config: BuildConfig | ImportConfig) -> None:
    """Layout, communities and leaks of a run that has its graph."""
    writer.stage("layout", lambda: write_layout(writer, config))
    writer.stage("communities", lambda: write_communities(writer, config))
    writer.stage("leaks", lambda: write_leaks(writer, config))
