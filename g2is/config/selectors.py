"""What decides the choice of each selector beside the walk, checked, with its meaning.

A selection file carries its method and these parameters, which is all it takes to repeat it.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from g2is.config import LARGEST, SEEDS, RegimeName, Settings
from g2is.errors import InputError


class FullParameters(Settings):
    """The whole pool; there is nothing to set."""


class SelectorParameters(Settings):
    """The budget, which every selector but full has."""

    fraction: float | None = Field(
        None, gt=0, le=1, description="budget as a share of the pool's valid samples"
    )
    count: int | None = Field(None, ge=1, le=LARGEST, description="budget as a number of samples")

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if (self.fraction is None) == (self.count is None):
            raise ValueError("budget: give either fraction (0 to 1) or count (1 or more)")
        return self


class LengthParameters(SelectorParameters):
    """The longest responses."""


class GradfilteringParameters(SelectorParameters):
    """The highest gradient signal to noise over an ensemble."""


class RandomParameters(SelectorParameters):
    """A random draw."""

    seed: int = Field(0, ge=0, lt=SEEDS, description="of all that is drawn at random")


class TagcosParameters(SelectorParameters):
    """Clusters of gradients and matching pursuit in each."""

    regime: RegimeName = Field("adam", description="gradient regime")
    clusters: int = Field(100, ge=1, le=LARGEST, description="groups of samples with similar gradients")
    seed: int = Field(0, ge=0, lt=SEEDS, description="of all that is drawn at random")


class TargetedParameters(SelectorParameters):
    """Selectors that look at the validation samples."""

    targets: tuple[str, ...] | None = Field(
        None, min_length=1, description="validation targets to select for (all)"
    )


class RdsPlusParameters(TargetedParameters):
    """Hidden states, validation samples in turn."""


class RoundRobinParameters(TargetedParameters):
    """Gradients, validation samples in turn."""

    regime: RegimeName = Field("sgd", description="gradient regime")


class LessParameters(TargetedParameters):
    """Mean cosine of gradients within a subtask, the most over all."""

    regime: RegimeName = Field("adam", description="gradient regime; adam: as published, with momentum")


class GistParameters(TargetedParameters):
    """Cosine inside the subspace of the validation gradients."""

    regime: RegimeName = Field("sgd", description="gradient regime; sgd: as published")
    rank: int = Field(
        32, ge=1, le=LARGEST, description="singular vectors of the validation gradients that are kept"
    )


class SemanticParameters(TargetedParameters):
    """Cosine of what texts mean."""

    sentence_model: str | None = Field(
        None, description="sentence-transformers model that reads the texts (the run's model)"
    )


METHODS: dict[str, type[Settings]] = {
    "random": RandomParameters,
    "full": FullParameters,
    "length": LengthParameters,
    "round_robin": RoundRobinParameters,
    "less": LessParameters,
    "gist": GistParameters,
    "rds_plus": RdsPlusParameters,
    "semantic": SemanticParameters,
    "tagcos": TagcosParameters,
    "gradfiltering": GradfilteringParameters,
}
"""The parameters of each method by its name."""


def selector_parameters(method: str, **values: Any) -> Settings:
    """The checked parameters of a method; raises `InputError` for a method or a field that does not exist."""
    if method not in METHODS:
        raise InputError(f"method = {method!r}: expected one of {', '.join(METHODS)}")
    fields = METHODS[method].model_fields
    for name in values:
        if name not in fields:
            raise InputError(
                f"{name}: method {method} has no such setting; it has {', '.join(fields) or 'none'}"
            )
    return METHODS[method](**values)
