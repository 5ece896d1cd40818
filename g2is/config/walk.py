"""The settings of a gradient walk, and the presets.

Descriptions of fields are help texts, on the command line and in the app.
"""

from __future__ import annotations

from math import inf
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from g2is.config.conditions import check_shares
from g2is.config.names import SetReference
from g2is.config.settings import LARGEST, SEEDS, Budget, Condition, RegimeName, Share, Whole
from g2is.errors import InputError

KNOWLEDGE_FIELDS = {
    *("regime", "knowledge", "variance", "components", "center", "orient", "unit_rows"),
    *("facets", "facets_by", "targets", "seed"),
}
"""Settings that core knowledge depends on, and with it the cosine of each sample to each component."""


class WalkParameters(Budget):
    """All settings of a gradient walk. A selection file contains them, so that the walk can be repeated."""

    component_budgets: tuple[Whole, ...] | None = Field(
        None,
        min_length=1,
        description="budget of each target direction, in the order of the Core knowledge page; replaces their weights",
    )
    regime: RegimeName = Field("adam", description="gradients that are compared")
    knowledge: Literal["principal", "facets"] = Field(
        "principal",
        description="target directions: principal directions of the validation gradients (the paper), or "
        "groups of similar validation examples (facets)",
    )
    variance: float = Field(0.5, gt=0, lt=1, description="principal: share of the spectrum to keep")
    components: int | None = Field(
        None, ge=1, le=LARGEST, description="principal: number of directions to keep, instead of a share"
    )
    center: bool = Field(True, description="principal: subtract the mean validation gradient first")
    orient: bool = Field(
        False, description="principal: flip each direction towards the mean validation gradient"
    )
    unit_rows: bool = Field(False, description="principal: normalise the validation gradients first")
    facets: int = Field(
        32,
        ge=1,
        le=LARGEST,
        description="number of groups of examples, at most a third of the validation examples",
    )
    facets_by: Literal["number", "silhouette", "each"] = Field(
        "number",
        description="how to group the examples; the number that is set, the number with the clearest groups up to "
        "that, or each validation example alone",
    )
    delta: float = Field(
        0.8, ge=0, le=1, description="consistency: share of the alignment that every step must keep"
    )
    conflict_threshold: float = Field(
        0.0,
        ge=-1,
        le=1,
        description="no conflict: lowest cosine to every instruction already chosen for the direction",
    )
    max_cosine: float | None = Field(
        None,
        ge=0,
        le=1,
        description="redundancy: highest cosine to any instruction already chosen for the direction (no limit)",
    )
    consistency_reference: Literal["last", "best"] = Field(
        "last",
        description="consistency: compare with the alignment after the last step, or with the best so far",
    )
    order: Literal["sequential", "in_turn"] = Field(
        "sequential",
        description="the directions one after the other (as published), or round robin, one instruction each in turn",
    )
    neighbors: int | None = Field(
        None, ge=1, le=LARGEST, description="nearest neighbours considered at each step (all in the graph)"
    )
    step_to: Literal["nearest", "best"] = Field(
        "nearest",
        description="the neighbour that a step goes to, of those that pass the rules: the nearest (as published), or "
        "the one closest to the direction (best)",
    )
    knowledge_coherence: bool = Field(
        True, description="rule: consider the neighbours of the last instruction before all others"
    )
    no_conflict: bool = Field(
        True, description="rule: no cosine below the threshold to instructions already chosen"
    )
    consistency: bool = Field(True, description="rule: the sum of gradients stays aligned with the direction")
    unspent: Literal["stop", "pass_on"] = Field(
        "stop",
        description="unused budget of a direction: leave it unused (as published), or pass it on to other directions",
    )
    pins: tuple[Whole, ...] = Field((), description="instructions that are always selected")
    bans: tuple[Whole, ...] = Field((), description="instructions that are never selected")
    only: tuple[Whole, ...] = Field((), description="the only instructions that may be selected (all)")
    pin_sets: tuple[SetReference, ...] = Field(
        (), description="named sets whose instructions are always selected"
    )
    ban_sets: tuple[SetReference, ...] = Field(
        (), description="named sets whose instructions are never selected"
    )
    only_sets: tuple[SetReference, ...] = Field(
        (), description="named sets: the only instructions that may be selected, with those of `only` (all)"
    )
    sources: tuple[str, ...] | None = Field(
        None, min_length=1, description="source files to select from (all)"
    )
    without_sources: tuple[str, ...] = Field((), description="source files to select nothing from")
    where: tuple[Condition, ...] = Field(
        (),
        description="conditions on columns of the pool: COLUMN=VALUE (one of those named of each column), "
        "COLUMN!=VALUE, COLUMN=LOW..HIGH",
    )
    dedupe: bool = Field(
        False,
        description="of near-duplicates (the same text, or gradients with a cosine of 0.99 or more) only one can be "
        "selected, a pinned or else the first one",
    )
    share: tuple[str, ...] = Field(
        (),
        description="shares of the budget by a column, COLUMN=VALUE:SHARE; all other instructions have the rest, and "
        "what a share cannot use is not passed on",
    )
    targets: dict[str, Share] | None = Field(
        None,
        min_length=1,
        description="validation targets and their shares of the budget (those of the build, by number of examples)",
    )
    without_target_rows: bool = Field(
        True, description="never select the instructions that a target in use was made of"
    )
    seed: int = Field(0, ge=0, lt=SEEDS, description="random seed of the grouping")

    def _has_budget(self) -> bool:
        return self.component_budgets is not None or super()._has_budget()

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        lowest, highest = self.cosine_bounds
        if highest < lowest:
            raise ValueError(
                f"max_cosine = {highest:g}: below conflict_threshold = {lowest:g}, so no sample could pass"
            )
        return self

    @model_validator(mode="after")
    def _shares_in_form(self) -> Self:
        check_shares(self.share)
        return self

    @property
    def sets(self) -> tuple[str, ...]:
        """The named sets that it refers to."""
        return (*self.pin_sets, *self.ban_sets, *self.only_sets)

    @property
    def cosine_bounds(self) -> tuple[float, float]:
        """Lower and upper bound of the cosine to each sample taken for the component; infinite where the rule is
        off."""
        return (
            self.conflict_threshold if self.no_conflict else -inf,
            inf if self.max_cosine is None else self.max_cosine,
        )

    @property
    def knowledge_key(self) -> str:
        """A key that is equal for parameters with the same core knowledge in the same regime."""
        return self.model_dump_json(include=KNOWLEDGE_FIELDS)

    @property
    def facet_per_example(self) -> bool:
        """Whether each validation example is one component."""
        return self.knowledge == "facets" and self.facets_by == "each"

    @property
    def signed(self) -> bool:
        """Whether consistency compares signed cosines: only then do all directions point towards the target."""
        return self.knowledge == "facets" or self.orient


# `official` reproduces the authors' published script. `recommended` did best in our measurements (docs/experiments.md,
# `python -m benchmarks.experiments`): round robin over the validation examples, each of which in turn takes the sample
# with the highest cosine to it that passes the rules. `graph` takes turns as well, but steps on the graph: to the
# neighbour of the last sample that is closest to the example. Both use plain gradients, because the momentum term that
# Adam gradients share makes all samples similar.
WALK_PRESETS: dict[str, dict[str, Any]] = {
    "official": {
        "regime": "adam",
        "knowledge": "principal",
        "center": True,
        "orient": False,
        "unit_rows": False,
        "delta": 0.8,
    },
    "recommended": {
        "regime": "sgd",
        "knowledge": "facets",
        "facets_by": "each",
        "order": "in_turn",
        "knowledge_coherence": False,
        "delta": 0.8,
    },
    "graph": {
        "regime": "sgd",
        "knowledge": "facets",
        "facets_by": "each",
        "order": "in_turn",
        "neighbors": 20,
        "step_to": "best",
        "delta": 0.8,
    },
}

DEFAULT_PRESET = "recommended"
"""Where the app and the command line start."""
DEFAULT_FRACTION = 0.05
"""The budget where none is given, as a share of the instructions that have a gradient."""


def walk_preset(name: str, **changes: Any) -> WalkParameters:
    """The named preset with some fields changed; raises `InputError` for a name that is not a preset.

    With `facets` among the changes, `facets_by` is "number" unless it is changed too.
    """
    if name not in WALK_PRESETS:
        raise InputError(f"preset = {name!r}: expected one of {', '.join(WALK_PRESETS)}")
    if "facets" in changes:
        changes = {"facets_by": "number", **changes}
    return WalkParameters(**{**WALK_PRESETS[name], **changes})
