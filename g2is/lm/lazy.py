"""The model of a build and its tokenizer, each loaded when it is first used: a finished run needs neither."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from g2is.config import BuildConfig
from g2is.lm.model import ModelCard, add_adapter, load_model, train_own_weights
from g2is.lm.norms import fuse_norms
from g2is.lm.text import Encoder
from g2is.lm.tokenizer import load_tokenizer


class LazyModel:
    """The model of a build. say: called with a line when the weights are loaded, and about how they are used.

    Pickled without what is loaded, and silent in another process.
    """

    def __init__(self, config: BuildConfig, card: ModelCard, say: Callable[[str], None]) -> None:
        self.config = config
        self.card = card
        self.say = say

    def __getstate__(self) -> dict[str, Any]:
        return {"config": self.config, "card": self.card, "say": _silent}

    @cached_property
    def encoder(self) -> Encoder:
        """Turns instructions into tokens; raises `InputError` if the tokenizer cannot be read."""
        return Encoder(load_tokenizer(self.config.model), self.config.model.max_length or 2048)

    @cached_property
    def model(self) -> Any:
        """The base model with its trained parameters: a fresh adapter, or its own weights.

        Stages change it in place: each puts it into the state that it needs. Raises `InputError` where the model
        cannot be read, or has no such layers.
        """
        self.say("loading the model")
        base = load_model(self.config.model, self.card)
        if self.trains_own_weights:
            model = train_own_weights(base, self.config.gradients.parameters)
        else:
            model = add_adapter(base, self.config.lora, self.config.warmup.seed)
        if self.card.device.startswith("cuda") and (norms := fuse_norms(model)):
            self.say(f"{norms} norms of the model are computed by one kernel each")
        return model

    @property
    def trains_own_weights(self) -> bool:
        """Whether gradients are of the model's own weights, not of an adapter."""
        return self.config.gradients.parameters != "lora"


def _silent(line: str) -> None:
    """Says nothing."""
