"""The stages after the graph, the same for a build and an import: what pages show but cannot compute in time."""

from __future__ import annotations

from g2is.config import BuildConfig, ImportConfig
from g2is.pipeline.stages.communities import write_communities
from g2is.pipeline.stages.layout import write_layout
from g2is.pipeline.stages.targets import TargetsStage
from g2is.pipeline.writer import RunWriter


def write_views(writer: RunWriter, config: BuildConfig | ImportConfig, targets: TargetsStage) -> None:
    """Layout and communities of a run that has its graph, and its targets."""
    writer.stage("layout", lambda: write_layout(writer, config))
    writer.stage("communities", lambda: write_communities(writer, config))
    writer.stage("targets", targets.write)
