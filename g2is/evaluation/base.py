"""The base model that an evaluation fine-tunes: the run's own, loaded when it is first used."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from g2is.config import BuildConfig, ModelConfig
from g2is.demo import model_of
from g2is.errors import InputError
from g2is.lm.model import ModelCard, inspect_model, load_model
from g2is.lm.text import Encoder
from g2is.lm.tokenizer import load_tokenizer
from g2is.run.run import Run


class RunModel:
    """A run's base model with the run's settings of model and adapter.

    model: folder or name of the base model, if it has moved or the gradients were imported; None: as in the run.
    Raises `InputError` where no base model is known, it cannot be read, or it is not the one the run was built with.
    """

    def __init__(self, run: Run, model: str | None) -> None:
        config = _configuration(run, model)
        self.card: ModelCard = inspect_model(config.model)
        known = run.manifest.model.get("fingerprint")
        if known is not None and known != self.card.fingerprint:
            raise InputError(
                f"model {config.model.model}: is not the one that run {run.name} was built with; "
                "give the folder of that one with --model"
            )
        self.config = config.resolve(self.card.hidden_size, self.card.positions)

    @cached_property
    def base(self) -> Any:
        """The frozen model without an adapter."""
        return load_model(self.config.model, self.card)

    @cached_property
    def encoder(self) -> Encoder:
        """Turns instructions into tokens, as the build of the run did."""
        return Encoder(load_tokenizer(self.config.model), self.config.model.max_length or 2048)


def _configuration(run: Run, model: str | None) -> BuildConfig:
    config = run.manifest.configuration
    if isinstance(config, BuildConfig):
        return config.replace(model=config.model.replace(model=model or model_of(run.manifest)))
    if model is None:
        raise InputError(f"run {run.name} was made from gradients and knows no base model; give --model")
    return BuildConfig(model=ModelConfig(model=model))
