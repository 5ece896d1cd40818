"""Optional stages, for selectors that need more than gradients: asked for once, then mended like the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from g2is.config import EnsembleConfig
from g2is.pipeline.ensemble import write_ensemble
from g2is.pipeline.representations import write_representations
from g2is.pipeline.running import Running
from g2is.run.manifest import Stage


@dataclass(frozen=True)
class Extras:
    """The optional stages to add to a run; those it has already stay."""

    representations: bool = False
    ensemble: EnsembleConfig | None = None
    """Its settings; other ones than those of an ensemble that is there make it again."""

    def among(self, stages: Mapping[str, Stage]) -> bool:
        """Whether all of them are there."""
        return ("representations" in stages or not self.representations) and (
            self.ensemble is None or _is_of(stages.get("ensemble"), self.ensemble)
        )


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
    if not _is_of(writer.manifest.stages.get("ensemble"), settings):
        writer.manifest.stages.pop("ensemble", None)
    writer.stage("ensemble", lambda: write_ensemble(build, settings))


def _is_of(stage: Stage | None, settings: EnsembleConfig) -> bool:
    return stage is not None and stage.found["settings"] == settings.model_dump()
