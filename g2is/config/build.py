"""All settings of a run, built here or imported."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from g2is.config.graph import CommunityConfig, GraphConfig, LayoutConfig
from g2is.config.model import (
    SMALL,
    WHITENING_LAMBDA,
    GradientConfig,
    LoraSettings,
    ModelConfig,
    WarmupConfig,
)
from g2is.config.settings import RegimeName, Settings
from g2is.errors import InputError

Weight = Annotated[float, Field(gt=0, le=1e6)]


class ReadingConfig(Settings):
    """How instruction files are read."""

    format: Literal[
        "auto", "messages", "sharegpt", "alpaca", "prompt_completion", "question_answer",
        "conversation", "preference", "ranked", "function_calls", "message_tree", "fields", "text",
    ] = Field("auto", description="shape of the records; auto: each by its fields")  # fmt: skip
    skip_bad: bool = Field(False, description="leave out malformed records instead of stopping at the first")
    columns: tuple[str, ...] = Field(
        (),
        description="[FILE:]PART=COLUMN[,PART=COLUMN…]: the columns to read as prompt, response, system, messages, "
        "reasoning, tools, task; a column may be a template of several, such as prompt={question}\\n{options}",
    )


class BuildConfig(Settings):
    """All settings that determine the content of a run."""

    model: ModelConfig
    reading: ReadingConfig = ReadingConfig()
    dedupe: bool = Field(
        False,
        description="of instructions with the same conversation only the first is in the pool; all others are left out "
        "before gradients are computed",
    )
    lora: LoraSettings = LoraSettings()
    warmup: WarmupConfig = WarmupConfig()
    gradients: GradientConfig = GradientConfig()
    graph: GraphConfig = GraphConfig()
    layout: LayoutConfig = LayoutConfig()
    communities: CommunityConfig = CommunityConfig()

    @model_validator(mode="after")
    def _checkpoints_among_epochs(self) -> Self:
        most = max(1, self.warmup.epochs)
        if self.gradients.checkpoints > most:
            raise ValueError(
                f"checkpoints = {self.gradients.checkpoints}: the warm-up has {most} at the ends of its epochs; "
                "expected at most that many, or more --warmup-epochs"
            )
        return self

    @property
    def regimes(self) -> tuple[RegimeName, ...]:
        """The regimes the run keeps."""
        return self.gradients.regimes

    @property
    def whitening_lambda(self) -> float | None:
        """What is added to the second moment; None for the rule."""
        return self.gradients.whitening_lambda

    def with_whitened(self, damping: float | None) -> BuildConfig:
        """The same with whitened gradients."""
        regimes = (*self.gradients.computed, "whitened")
        return self.replace(gradients=self.gradients.replace(regimes=regimes, whitening_lambda=damping))

    def without_whitened(self) -> BuildConfig:
        """The same without whitened gradients."""
        gradients = self.gradients.replace(regimes=self.gradients.computed, whitening_lambda=None)
        return self.replace(gradients=gradients)

    def resolve(self, hidden_size: int, positions: int | None) -> BuildConfig:
        """Fill the values that depend on the model's hidden size and, where limited, its number of positions.

        The paper's values are for models of several billion parameters; below a hidden size of 1,024 the same
        rank would be most of the model and the same learning rate would barely change it.
        Raises `InputError` where `max_length` exceeds the positions.
        """
        if self.model.max_length is not None and positions and self.model.max_length > positions:
            raise InputError(
                f"max_length = {self.model.max_length}: the model takes at most {positions} tokens"
            )
        small = hidden_size < SMALL
        rank = self.lora.rank or (8 if small else 128)
        return self.replace(
            model=self.model.replace(max_length=self.model.max_length or min(2048, positions or 2048)),
            lora=self.lora.replace(rank=rank, alpha=self.lora.alpha or 4.0 * rank),
            warmup=self.warmup.replace(
                learning_rate=self.warmup.learning_rate or (1e-3 if small else 2e-5),
                batch_size=self.warmup.batch_size or (16 if small else 128),
            ),
            gradients=self.gradients.replace(
                projection_dim=self.gradients.projection_dim or (1024 if small else 8192)
            ),
        )


class ImportConfig(Settings):
    """All settings that determine the content of a run of imported gradients."""

    regime: Literal["adam", "adam_without_momentum", "sgd"] = Field(
        "adam", description="kind of the training gradients; adam: as LESS computes them"
    )
    whitened: bool = Field(False, description="make whitened gradients from them; they have to be sgd")
    whitening_lambda: float | None = WHITENING_LAMBDA
    checkpoint_weights: dict[str, Weight] | None = Field(
        None,
        min_length=1,
        description="of the checkpoints that gradients are of, by number: the mean learning rate of each, as LESS has "
        "it (equal)",
    )
    reading: ReadingConfig = ReadingConfig()
    graph: GraphConfig = GraphConfig()
    layout: LayoutConfig = LayoutConfig()
    communities: CommunityConfig = CommunityConfig()

    @model_validator(mode="after")
    def _whitened_has_its_source(self) -> Self:
        if self.whitened and self.regime != "sgd":
            raise ValueError(f"whitened: is made from sgd, the training gradients are {self.regime}")
        return self

    def with_whitened(self, damping: float | None) -> ImportConfig:
        """The same with whitened gradients."""
        return self.replace(whitened=True, whitening_lambda=damping)

    def without_whitened(self) -> ImportConfig:
        """The same without whitened gradients."""
        return self.replace(whitened=False, whitening_lambda=None)

    @property
    def regimes(self) -> tuple[RegimeName, ...]:
        """The regime the run keeps, and the one made from it."""
        return (self.regime, "whitened") if self.whitened else (self.regime,)
