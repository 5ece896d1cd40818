"""The optional stages, for selectors that need more than gradients; once added, a run keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from g2is.config import EnsembleConfig
from g2is.pipeline.stages.ensemble import write_ensemble
from g2is.pipeline.stages.representations import write_representations
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.parts import Stage


@dataclass(frozen=True)
class Extras:
    """The optional stages to add to a run; those it has already stay.

    ensemble: its settings; an ensemble with other settings is computed again.
    """

    representations: bool = False
    ensemble: EnsembleConfig | None = None


def write_extras(
    writer: RunWriter,
    extras: Extras,
    do: Callable[..., StageResult],
) -> None:
    """Do the optional stages that are asked for, and those that the run had and that are damaged.

    do: calls what writes a stage, with its last arguments, where the model is.
    """
    if extras.representations or "representations" in writer.stages_before:
        writer.stage("representations", lambda: do(write_representations))
    settings = extras.ensemble
    if settings is None and "ensemble" in writer.stages_before:
        settings = EnsembleConfig(**writer.stages_before["ensemble"].found["settings"])
    if settings is None:
        return
    if not _is_of(writer.manifest.stages.get("ensemble"), settings):
        writer.manifest.stages.pop("ensemble", None)
    writer.stage("ensemble", lambda: do(write_ensemble, settings))


def _is_of(stage: Stage | None, settings: EnsembleConfig) -> bool:
    return stage is not None and stage.found["settings"] == settings.model_dump()
