"""How selections are fine-tuned and scored."""

from __future__ import annotations

from pydantic import Field

from g2is.config.model import SMALL
from g2is.config.settings import LARGEST, Settings


class EvaluationConfig(Settings):
    """How every selection is fine-tuned and scored. None: chosen by the size of the model, see `resolve`.

    All selections get the same treatment: passes over their samples (or number of steps), rate, batch and adapter.
    """

    seeds: int = Field(3, ge=1, le=1000, description="fine-tunings of each selection, with seeds 0, 1, 2 …")
    epochs: int | None = Field(
        None, ge=1, le=10_000, description="passes over the selected instructions (3; small models: 10)"
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=LARGEST,
        description="optimizer steps for every selection whatever its size, instead of epochs",
    )
    learning_rate: float | None = Field(
        None, gt=0, le=1, description="peak of AdamW (2e-5; small models: 1e-3)"
    )
    schedule_warmup: float = Field(0.03, ge=0, lt=1, description="share of the steps with a rising rate")
    batch_size: int | None = Field(
        None, ge=1, le=LARGEST, description="instructions an optimizer step (128; small models: 16)"
    )
    dropout: float | None = Field(None, ge=0, lt=1, description="LoRA dropout (that of the run)")
    answers: int | None = Field(
        None,
        ge=0,
        le=LARGEST,
        description="test examples of a target that are answered for exact match; 0: none (all)",
    )
    new_tokens: int = Field(256, ge=1, le=LARGEST, description="tokens an answer may have")
    batch_tokens: int = Field(4096, ge=1, le=LARGEST, description="tokens (with padding) in a batch")

    def resolve(self, hidden_size: int) -> EvaluationConfig:
        """Fill the values left to the model's hidden size, by the same rule as the warm-up's."""
        small = hidden_size < SMALL
        return self.replace(
            epochs=self.epochs or (10 if small else 3),
            learning_rate=self.learning_rate or (1e-3 if small else 2e-5),
            batch_size=self.batch_size or (16 if small else 128),
        )
