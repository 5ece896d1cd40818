"""Settings of the base model, of the parameters that are trained, and of the gradients."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from g2is.config.settings import COMPUTED, LARGEST, SEEDS, RegimeName, Settings

SMALL = 1024
"""Models with a smaller hidden size get small defaults."""


WHITENING_LAMBDA: Any = Field(
    None,
    gt=0,
    le=1e6,
    description="whitened: what is added to the second moment of the unit rows, whose eigenvalues sum to 1 (their "
    "mean)",
)


class ModelConfig(Settings):
    """The base language model and how it is loaded."""

    model: str = Field(
        description="Hugging Face id or folder of a causal language model, or of an adapter to merge into its base"
    )
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="of the base weights; auto: bfloat16 on a GPU that has it, float32 on the CPU; float16 only for "
        "runs that were built with it: it rounds small gradients to zero",
    )
    device_map: Literal["auto", "balanced", "sequential"] | None = Field(
        None,
        description="spread a model that does not fit one GPU over all that the process has",
    )
    load_in_4bit: bool = Field(False, description="load the base in 4 bits (needs bitsandbytes)")
    trust_remote_code: bool = Field(False, description="run code that comes with the model")
    max_length: int | None = Field(
        None,
        ge=8,
        le=LARGEST,
        description="most tokens an instruction has (2048, or the model's positions if fewer); longer ones are cut",
    )


class LoraSettings(Settings):
    """The adapter whose gradients are computed. None: chosen by the size of the model, see `BuildConfig.resolve`."""

    argument_prefix = "lora_"

    rank: int | None = Field(None, ge=1, le=2**16, description="LoRA rank (128; small models: 8)")
    alpha: float | None = Field(None, gt=0, le=1e6, description="LoRA alpha (4 x rank)")
    dropout: float = Field(0.1, ge=0, lt=1, description="LoRA dropout during the warm-up")
    target_modules: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="module names that get an adapter, or all-linear for every linear layer but the output layer "
        "(query, key, value and output of attention)",
    )


class WarmupConfig(Settings):
    """The short training before gradients are computed. None: chosen by the size of the model."""

    argument_prefix = "warmup_"

    fraction: float = Field(0.05, gt=0, le=1, description="share of the pool to train on")
    most: int = Field(
        13_500,
        ge=1,
        le=LARGEST,
        description="instructions to train on at most; LESS's share of its pool is as many",
    )
    epochs: int = Field(4, ge=0, le=10_000, description="passes over that share; 0 skips the warm-up")
    learning_rate: float | None = Field(
        None, gt=0, le=1, description="peak of AdamW (2e-5; small models: 1e-3)"
    )
    schedule_warmup: float = Field(0.03, ge=0, lt=1, description="share of the steps with a rising rate")
    batch_size: int | None = Field(
        None, ge=1, le=LARGEST, description="instructions an optimizer step (128; small models: 16)"
    )
    seed: int = Field(
        0,
        ge=0,
        lt=SEEDS,
        description="random seed of the instructions trained on, the adapter, their order and dropout",
    )

    def drawn(self, count: int) -> int:
        """How many instructions of a pool of `count` are trained on: at least one."""
        return min(self.most, max(1, round(count * self.fraction)))

    def capped(self, count: int) -> bool:
        """Whether `most` makes that fewer than the share of the pool."""
        return round(count * self.fraction) > self.most


class GradientConfig(Settings):
    """How gradients are computed, projected and stored."""

    parameters: Literal["lora", "all-linear", "full"] = Field(
        "lora",
        description="the parameters of the gradients, which the warm-up trains: an adapter; all linear layers but the "
        "output layer; every weight, with embeddings, norms and the output layer",
    )
    checkpoints: int = Field(
        1,
        ge=1,
        le=1000,
        description="checkpoints of the warm-up that gradients are of, at the ends of epochs, the last one among them; "
        "each weighs as much as its mean learning rate, as LESS has it",
    )
    optimizer_epsilon: Literal["inside", "outside"] = Field(
        "inside", description="Adam's epsilon: inside the root as LESS does it, or outside as in textbooks"
    )
    projection: Literal["countsketch", "rademacher", "none"] = Field(
        "countsketch", description="random projection: one non-zero per coordinate, dense signs, or none"
    )
    projection_dim: int | None = Field(
        None, ge=2, le=2**20, description="dimensions kept (8192; small models: 1024)"
    )
    projection_seed: int = Field(0, ge=0, lt=SEEDS, description="random seed of the projection")
    regimes: tuple[RegimeName, ...] = Field(
        COMPUTED,
        min_length=1,
        description="kinds of gradients kept for the instructions; whitened is made from sgd, at any time (whiten)",
    )
    whitening_lambda: float | None = WHITENING_LAMBDA
    store_dtype: Literal["float16", "float32", "int8"] = Field(
        "float16", description="of the unit rows on disk; int8: half of float16's size, rounded"
    )
    batch_tokens: int = Field(4096, ge=1, le=LARGEST, description="tokens (with padding) in a batch")
    shard_size: int = Field(
        512, ge=1, le=LARGEST, description="instructions a shard; a stopped build repeats at most two"
    )

    @model_validator(mode="after")
    def _whitened_has_its_source(self) -> Self:
        if "whitened" in self.regimes and "sgd" not in self.regimes:
            raise ValueError("regimes = whitened: is made from sgd, which is not among them; add sgd")
        if self.whitening_lambda is not None and "whitened" not in self.regimes:
            raise ValueError("whitening_lambda: is for --regimes … whitened, which is not among them")
        return self

    @property
    def computed(self) -> tuple[RegimeName, ...]:
        """The regimes that a backward pass gives."""
        return tuple(regime for regime in self.regimes if regime in COMPUTED)


class EnsembleConfig(Settings):
    """The ensemble of adapters for gradient signal and noise; other settings are those of the warm-up."""

    argument_prefix = "ensemble_"

    members: int = Field(
        3, ge=2, le=1000, description="adapters, each with its own seed and draw from the pool"
    )
    epochs: int = Field(
        4, ge=2, le=10_000, description="passes; gradients are measured after the first and the last"
    )
