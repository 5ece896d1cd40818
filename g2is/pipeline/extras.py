"""Optional stages, for selectors that need more than gradients: asked for once, then mended like the rest."""

from __future__ import annotations

from dataclasses import dataclass

from g2is.config import EnsembleConfig
from g2is.pipeline.ensemble import write_ensemble
from g2is.pipeline.representations import write_representations
from g2is.pipeline.running import Running


@dataclass(frozen=True)
class Extras:
    """The optional stages to add to a run; those it has already stay."""

    representations: bool = False
    ensemble: EnsembleConfig | None = None
    """Its settings; other ones than those of an ensemble that is there make it again."""


def write_extras(build: Running, extras: Extras) -> None:
    """Do the optional stages that are asked for, or that the run had and that are damaged."""
    writer = build.writer
    if extras.representations or "representations" in writer.stages_found:
        writer.stage("representations", lambda: write_representations(build))
    settings = extras.ensemble
    if settings is None and "ensemble" in writer.stages_found:
        settings = EnsembleConfig(**writer.stages_found["ensemble"].found["settings"])
    if settings is None:
        return
    done = writer.manifest.stages.get("ensemble")
    if done is not None and done.found["settings"] != settings.model_dump():
        del writer.manifest.stages["ensemble"]
    writer.stage("ensemble", lambda: write_ensemble(build, settings))
