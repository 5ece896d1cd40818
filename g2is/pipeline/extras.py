"""The optional stages, for selectors that need more than gradients; once added, a run keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from g2is.config import BuildConfig, EnsembleConfig
from g2is.lm.lazy import LazyModel
from g2is.pipeline.stages.ensemble import write_ensemble
from g2is.pipeline.stages.representations import write_representations
from g2is.pipeline.writer import RunWriter
from g2is.run.manifest import Stage


@dataclass(frozen=True)
class Extras:
    """The optional stages to add to a run; those it has already stay.

    ensemble: its settings; an ensemble with other settings is computed again.
    """

    representations: bool = False
    ensemble: EnsembleConfig | None = None

    def among(self, stages: Mapping[str, Stage]) -> bool:
        """Whether a run has all of them."""
        return ("representations" in stages or not self.representations) and (
            self.ensemble is None or _is_of(stages.get("ensemble"), self.ensemble)
        )


def write_extras(writer: RunWriter, config: BuildConfig, lazy: LazyModel, extras: Extras) -> None:
    """Do the optional stages that are asked for, and those that the run had and that are damaged."""
    if extras.representations or "representations" in writer.stages_before:
        writer.stage("representations", lambda: write_representations(writer, config, lazy))
    settings = extras.ensemble
    if settings is None and "ensemble" in writer.stages_before:
        settings = EnsembleConfig(**writer.stages_before["ensemble"].found["settings"])
    if settings is None:
        return
    if not _is_of(writer.manifest.stages.get("ensemble"), settings):
        writer.manifest.stages.pop("ensemble", None)
    writer.stage("ensemble", lambda: write_ensemble(writer, config, lazy, settings))


def _is_of(stage: Stage | None, settings: EnsembleConfig) -> bool:
    return stage is not None and stage.found["settings"] == settings.model_dump()
