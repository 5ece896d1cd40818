"""Every knob of the project, checked, with its meaning.

The command line, the app and Python build the same frozen objects, so a value is checked once and
its help text is written once. A bad value raises `InputError` naming the field, the value and the range.
"""

from __future__ import annotations

from math import inf
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from g2is.errors import InputError, shortened

RegimeName = Literal["adam", "adam_without_momentum", "sgd"]
SMALL = 1024
"""Models with a smaller hidden size get small defaults."""

REGIMES: tuple[RegimeName, ...] = ("adam", "adam_without_momentum", "sgd")

LARGEST = 2**31 - 1
"""Of whatever is counted; rows of the pool are kept as numbers of 32 bits."""
SEEDS = 2**32
"""How many there are: what every library that draws takes."""
Whole = Annotated[int, Field(ge=0, le=LARGEST)]
Share = Annotated[float, Field(ge=0, le=1e6)]


class Settings(BaseModel):
    """A frozen group of checked values."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(_one_line(error)) from None

    def replace(self, **changes: Any) -> Self:
        """A checked copy with some fields changed."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})


def _one_line(error: ValidationError) -> str:
    problems = []
    for problem in error.errors():
        field = shortened(".".join(str(part) for part in problem["loc"]))
        if problem["type"] == "extra_forbidden":
            problems.append(f"{field}: no such setting")
        elif problem["type"] == "missing":
            problems.append(f"{field}: missing")
        elif problem["type"] == "value_error":
            problems.append(str(problem["ctx"]["error"]))
        else:
            wanted = problem["msg"].removeprefix("Input should be ")
            if problem["type"] == "int_parsing_size":  # thousands of digits, which pydantic does not read
                wanted = "a number of fewer digits"
            problems.append(f"{field} = {shortened(repr(problem['input']))}: expected {wanted}")
    return "; ".join(problems)


class ReadingConfig(Settings):
    """How instruction files are read."""

    format: Literal["auto", "alpaca", "prompt_completion", "question_answer", "messages", "sharegpt"] = Field(
        "auto", description="shape of the records; auto: each by its fields"
    )
    skip_bad: bool = Field(False, description="leave out broken records instead of stopping at the first")


class ModelConfig(Settings):
    """The base language model and how it is loaded."""

    model: str = Field(description="Hugging Face id or folder of a causal language model")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="of the base weights; auto: bfloat16 on a GPU that has it, float32 on the CPU"
    )
    device_map: Literal["auto", "balanced", "sequential"] | None = Field(
        None,
        description="spread a model that no GPU holds alone over all of this machine (one process a machine)",
    )
    load_in_4bit: bool = Field(False, description="load the base in 4 bits (needs bitsandbytes)")
    trust_remote_code: bool = Field(False, description="run code that comes with the model")
    max_length: int | None = Field(
        None,
        ge=8,
        le=LARGEST,
        description="tokens a sample may have (2048, or what the model takes); longer ones are cut",
    )


class LoraSettings(Settings):
    """The adapter whose gradients are taken. None: chosen by the size of the model, see `resolve`."""

    rank: int | None = Field(None, ge=1, le=2**16, description="LoRA rank (128; small models: 8)")
    alpha: float | None = Field(None, gt=0, le=1e6, description="LoRA alpha (4 x rank)")
    dropout: float = Field(0.1, ge=0, lt=1, description="LoRA dropout during the warm-up")
    target_modules: tuple[str, ...] | None = Field(
        None, description="module names that get an adapter (query, key, value and output of attention)"
    )


class WarmupConfig(Settings):
    """The short training before gradients are taken. None: chosen by the size of the model."""

    fraction: float = Field(0.05, gt=0, le=1, description="share of the pool trained on")
    epochs: int = Field(4, ge=0, le=10_000, description="passes over that share; 0 skips the warm-up")
    learning_rate: float | None = Field(
        None, gt=0, le=1, description="peak of AdamW (2e-5; small models: 1e-3)"
    )
    schedule_warmup: float = Field(0.03, ge=0, lt=1, description="share of the steps with a rising rate")
    batch_size: int | None = Field(
        None, ge=1, le=LARGEST, description="samples an optimizer step (128; small models: 16)"
    )
    seed: int = Field(0, ge=0, lt=SEEDS, description="of the draw, the adapter, the order and dropout")


class GradientConfig(Settings):
    """How gradients are taken, projected and kept."""

    parameters: Literal["lora", "all-linear", "full"] = Field(
        "lora",
        description="what gradients are of, and what the warm-up trains: an adapter; all linear layers but the output "
        "layer; every weight, with embeddings, norms and the output layer",
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
    projection_seed: int = Field(0, ge=0, lt=SEEDS, description="of the projection")
    regimes: tuple[RegimeName, ...] = Field(
        REGIMES, min_length=1, description="gradient regimes kept for the training samples"
    )
    store_dtype: Literal["float16", "float32", "int8"] = Field(
        "float16", description="of the unit rows on disk; int8: half of float16's size, rounded"
    )
    batch_tokens: int = Field(4096, ge=1, le=LARGEST, description="tokens (with padding) in a batch")
    shard_size: int = Field(
        512, ge=1, le=LARGEST, description="samples a shard; a stopped build repeats at most one"
    )


class GraphConfig(Settings):
    """The lists that are kept for every sample."""

    neighbors: int = Field(50, ge=1, le=LARGEST, description="nearest samples kept per sample")
    conflicts: int = Field(10, ge=1, le=LARGEST, description="most conflicting samples kept per sample")
    neighbor_search: Literal["exact", "approximate"] = Field(
        "exact",
        description="exact compares all pairs; approximate misses some and says how many, for pools of a million",
    )


class LayoutConfig(Settings):
    """The coordinates of the map."""

    umap: bool = Field(True, description="UMAP beside the principal components, which cost next to nothing")
    umap_neighbors: int = Field(
        15, ge=2, le=LARGEST, description="neighbours per sample that UMAP keeps close"
    )
    umap_min_dist: float = Field(0.1, ge=0, le=1, description="how tightly UMAP may pack samples")
    layout_seed: int = Field(0, ge=0, lt=SEEDS, description="of the layout")


class CommunityConfig(Settings):
    """The communities of the gradient graph."""

    resolution: float = Field(1.0, gt=0, le=100, description="higher: more and smaller communities")
    community_seed: int = Field(0, ge=0, lt=SEEDS, description="of the search for communities")


class EnsembleConfig(Settings):
    """The adapters whose gradients tell signal from noise; trained like the warm-up but for this."""

    members: int = Field(3, ge=2, le=1000, description="adapters, each with a seed and a draw of its own")
    epochs: int = Field(
        4, ge=2, le=10_000, description="passes; gradients are measured after the first and the last"
    )


class BuildConfig(Settings):
    """Everything that decides what a run contains."""

    model: ModelConfig
    reading: ReadingConfig = ReadingConfig()
    lora: LoraSettings = LoraSettings()
    warmup: WarmupConfig = WarmupConfig()
    gradients: GradientConfig = GradientConfig()
    graph: GraphConfig = GraphConfig()
    layout: LayoutConfig = LayoutConfig()
    communities: CommunityConfig = CommunityConfig()

    @property
    def regimes(self) -> tuple[RegimeName, ...]:
        """The regimes the run keeps."""
        return self.gradients.regimes

    def resolve(self, hidden_size: int, positions: int | None) -> BuildConfig:
        """Fill the values left to the model: its hidden size and the positions it takes, where limited.

        The paper's values are made for models of several billion parameters; below a hidden size of
        1,024 the same rank would be most of the model and the same learning rate would not move it.
        Raises `InputError` where `max_length` is more than the model takes.
        """
        most = positions or 2048
        if self.model.max_length is not None and positions and self.model.max_length > positions:
            raise InputError(
                f"max_length = {self.model.max_length}: the model takes at most {positions} tokens"
            )
        small = hidden_size < SMALL
        rank = self.lora.rank or (8 if small else 128)
        return self.replace(
            model=self.model.replace(max_length=self.model.max_length or min(2048, most)),
            lora=self.lora.replace(rank=rank, alpha=self.lora.alpha or 4.0 * rank),
            warmup=self.warmup.replace(
                learning_rate=self.warmup.learning_rate or (1e-3 if small else 2e-5),
                batch_size=self.warmup.batch_size or (16 if small else 128),
            ),
            gradients=self.gradients.replace(
                projection_dim=self.gradients.projection_dim or (1024 if small else 8192)
            ),
        )


class EvaluationConfig(Settings):
    """How every selection is fine-tuned and scored. None: chosen by the size of the model, see `resolve`.

    All selections get the same rule: the same passes over their samples (or the same number of steps),
    rate, batch and adapter.
    """

    seeds: int = Field(3, ge=1, le=1000, description="fine-tunings of each selection, with seeds 0, 1, 2 …")
    epochs: int | None = Field(
        None, ge=1, le=10_000, description="passes over the selected samples (3; small models: 10)"
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
        None, ge=1, le=LARGEST, description="samples an optimizer step (128; small models: 16)"
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


class ImportConfig(Settings):
    """Everything that decides what a run of gradients computed elsewhere contains."""

    regime: RegimeName = Field(
        "adam", description="what the training gradients are; adam: as LESS makes them"
    )
    reading: ReadingConfig = ReadingConfig()
    graph: GraphConfig = GraphConfig()
    layout: LayoutConfig = LayoutConfig()
    communities: CommunityConfig = CommunityConfig()

    @property
    def regimes(self) -> tuple[RegimeName, ...]:
        """The one regime the run keeps."""
        return (self.regime,)


class Workload(Settings):
    """The pool and its validation examples, as far as their cost goes."""

    samples: int = Field(270_000, ge=1, le=10**12, description="instructions in the pool")
    tokens: float = Field(300.0, ge=1, le=1e9, description="mean tokens a sample")
    trained_share: float = Field(
        0.5, gt=0, le=1, description="share of the tokens that is trained: responses"
    )
    validation_samples: int = Field(100, ge=2, le=LARGEST, description="validation examples of all targets")


class Hardware(Settings):
    """The devices that a build is planned for, one NVIDIA H100 or H200 SXM unless said otherwise."""

    devices: int = Field(1, ge=1, le=10**6, description="devices that share gradients and neighbours")
    tflops: float = Field(
        989.0,
        ge=1e-3,
        le=1e6,
        description="peak of a device in 10^12 FLOP/s in the model's dtype, without sparsity (A100: 312)",
    )
    float32_tflops: float = Field(
        67.0, ge=1e-3, le=1e6, description="the same in float32, for neighbours (A100: 19.5)"
    )
    peak_share: float = Field(
        0.4,
        ge=1e-3,
        le=1,
        description="share of the peak that is reached; large batches commonly reach 0.3 to 0.5",
    )
    bandwidth: float = Field(
        3.35, ge=1e-3, le=1e6, description="memory of a device in 10^12 bytes/s (H200: 4.8, A100: 2.0)"
    )


# What core knowledge, and with it the affinity of every sample, depends on.
KNOWLEDGE_FIELDS = {
    *("regime", "knowledge", "variance", "components", "center", "orient", "unit_rows"),
    *("facets", "facets_by", "targets", "seed"),
}


class WalkParameters(Settings):
    """What decides a gradient walk; a selection file carries it so that anyone can repeat the walk."""

    fraction: float | None = Field(
        None, gt=0, le=1, description="budget as a share of the pool's valid samples"
    )
    count: int | None = Field(None, ge=1, le=LARGEST, description="budget as a number of samples")
    component_budgets: tuple[Whole, ...] | None = Field(
        None, description="budget of each component, in the order of the core knowledge; instead of weights"
    )
    regime: RegimeName = Field("adam", description="gradient regime the walk moves in")
    knowledge: Literal["principal", "facets"] = Field(
        "principal", description="core knowledge: principal directions (the paper) or facets (k-means)"
    )
    variance: float = Field(0.5, gt=0, lt=1, description="principal: share of the spectrum that is kept")
    components: int | None = Field(
        None, ge=1, le=LARGEST, description="principal: number of directions instead of a share"
    )
    center: bool = Field(True, description="principal: subtract the mean validation gradient first")
    orient: bool = Field(
        False, description="principal: flip each direction towards the mean validation gradient"
    )
    unit_rows: bool = Field(False, description="principal: normalise the validation gradients first")
    facets: int = Field(
        32, ge=1, le=LARGEST, description="facets: groups, at most a third of the validation samples"
    )
    facets_by: Literal["number", "silhouette", "each"] = Field(
        "number",
        description="facets: how many; their number, the number with the clearest groups, or one a sample",
    )
    delta: float = Field(0.8, ge=0, le=1, description="consistency: share of the alignment that must remain")
    conflict_threshold: float = Field(
        0.0, ge=-1, le=1, description="no conflict: least cosine to every sample taken by the component"
    )
    max_cosine: float | None = Field(
        None, ge=0, le=1, description="variety: most cosine to any sample taken by the component (no limit)"
    )
    consistency_reference: Literal["last", "best"] = Field(
        "last", description="consistency: alignment compared with, that of the last step or the best so far"
    )
    order: Literal["sequential", "in_turn"] = Field(
        "sequential", description="components one after the other as published, or a sample each in turn"
    )
    neighbors: int | None = Field(
        None, ge=1, le=LARGEST, description="neighbours looked at per step (all that are kept)"
    )
    knowledge_coherence: bool = Field(True, description="rule: step to neighbours before all others")
    no_conflict: bool = Field(True, description="rule: no cosine below the threshold with samples taken")
    consistency: bool = Field(True, description="rule: the sum of gradients stays aligned with the component")
    unspent: Literal["stop", "pass_on"] = Field(
        "stop", description="what becomes of a component's unspent budget: lost as published, or passed on"
    )
    pins: tuple[Whole, ...] = Field((), description="samples that are always in")
    bans: tuple[Whole, ...] = Field((), description="samples that are never in")
    only: tuple[Whole, ...] = Field((), description="samples to walk on, and on no others (all)")
    sources: tuple[str, ...] | None = Field(None, description="source files to walk on (all)")
    without_sources: tuple[str, ...] = Field((), description="source files to leave out")
    targets: dict[str, Share] | None = Field(
        None, description="validation targets to walk for with their shares of the budget (all, by size)"
    )
    seed: int = Field(0, ge=0, lt=SEEDS, description="of the facets")

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if (self.fraction is None) == (self.count is None) and self.component_budgets is None:
            raise ValueError("budget: give either fraction (0 to 1) or count (1 or more)")
        return self

    @model_validator(mode="after")
    def _room_between(self) -> Self:
        lowest, highest = self.cosine_bounds
        if highest < lowest:
            raise ValueError(
                f"max_cosine = {highest:g}: below conflict_threshold = {lowest:g}, so no sample could pass"
            )
        return self

    @property
    def cosine_bounds(self) -> tuple[float, float]:
        """Least and most cosine to each sample taken by the component; infinite where there is no such rule."""
        return (
            self.conflict_threshold if self.no_conflict else -inf,
            inf if self.max_cosine is None else self.max_cosine,
        )

    @property
    def knowledge_key(self) -> str:
        """The same for parameters with the same core knowledge in the same regime."""
        return self.model_dump_json(include=KNOWLEDGE_FIELDS)

    @property
    def facet_per_example(self) -> bool:
        """Whether each validation example is a component of its own."""
        return self.knowledge == "facets" and self.facets_by == "each"

    @property
    def signed(self) -> bool:
        """Whether consistency compares signed cosines: directions that point towards the target, not ± it."""
        return self.knowledge == "facets" or self.orient


# `official` is the authors' published script, to the letter. `recommended` is what our measurements favour
# (docs/experiments.md, `python -m benchmarks.experiments`): every validation example in turn takes the sample that
# points its way most, within the rules. Steps to neighbours gained nothing there and cost loss among near-duplicates.
# Of plain gradients, because the momentum in Adam's makes all samples alike.
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
}

DEFAULT_PRESET = "recommended"
"""Where the app and the command line start."""


def walk_preset(name: str, **changes: Any) -> WalkParameters:
    """The named preset with some fields changed; raises `InputError` for a name that is not a preset.

    A number of facets asks for that number, whatever the preset makes facets by.
    """
    if name not in WALK_PRESETS:
        raise InputError(f"preset = {name!r}: expected one of {', '.join(WALK_PRESETS)}")
    if "facets" in changes:
        changes = {"facets_by": "number", **changes}
    return WalkParameters(**{**WALK_PRESETS[name], **changes})
