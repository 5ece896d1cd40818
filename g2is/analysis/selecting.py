"""Selectors over a run: from a method's name and parameters to a selection that can be repeated."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from g2is import selectors
from g2is.config.selectors import (
    FullParameters,
    GistParameters,
    GradfilteringParameters,
    LengthParameters,
    LessParameters,
    RandomParameters,
    RdsPlusParameters,
    RoundRobinParameters,
    SelectorParameters,
    SemanticParameters,
    TagcosParameters,
    TargetedParameters,
    selector_parameters,
)
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.selection import Selection
from g2is.walk import budget_size

Rows = np.ndarray


def select(run: Run, method: str, **values: Any) -> Selection:
    """The selection that a method makes on a run; `values` are fields of its parameters.

    Raises `InputError` for a method or a setting that does not exist, for values that do not fit the run, and
    where the run lacks what the method needs.
    """
    parameters = selector_parameters(method, **values)
    budget = int(run.valid.sum())
    if isinstance(parameters, SelectorParameters):
        budget = budget_size(parameters.fraction, parameters.count, budget)
    samples = _CHOOSE[method](run, parameters, budget)
    return Selection.of(run, samples, method, parameters.model_dump(mode="json"))


@dataclass(frozen=True)
class _Aim:
    """The validation samples that are selected for."""

    rows: Rows
    """(m,) their places among all validation samples of the run."""
    targets: Sequence[Hashable]
    """(m,) the target of each."""
    subtasks: Sequence[Hashable]
    """(m,) its task within the target."""


def _aim(run: Run, parameters: TargetedParameters) -> _Aim:
    names = run.validation["target"]
    for name in parameters.targets or ():
        if name not in set(names):
            raise InputError(
                f"targets: no target {name!r}; there are {', '.join(map(repr, dict.fromkeys(names)))}"
            )
    rows = np.flatnonzero(names.isin(parameters.targets or names.unique()))
    frame = run.validation.iloc[rows]
    subtasks = list(zip(frame["target"], frame["task"].fillna(""), strict=True))
    return _Aim(rows, frame["target"].tolist(), subtasks)


def _random(run: Run, parameters: RandomParameters, budget: int) -> Rows:
    return selectors.random(run.valid, budget, seed=parameters.seed)


def _full(run: Run, parameters: FullParameters, budget: int) -> Rows:
    return selectors.full(run.valid)


def _length(run: Run, parameters: LengthParameters, budget: int) -> Rows:
    lengths = run.instructions["trained_tokens"]
    if not lengths.any():
        lengths = run.instructions["response"].str.len()
    return selectors.length(lengths, run.valid, budget)


def _round_robin(run: Run, parameters: RoundRobinParameters, budget: int) -> Rows:
    aim = _aim(run, parameters)
    cosines = run.regime(parameters.regime).validation_cosines[:, aim.rows]
    return selectors.round_robin(cosines, aim.subtasks, run.valid, budget)


def _less(run: Run, parameters: LessParameters, budget: int) -> Rows:
    aim = _aim(run, parameters)
    cosines = run.regime(parameters.regime).validation_cosines[:, aim.rows]
    return selectors.less(cosines, aim.subtasks, run.valid, budget)


def _gist(run: Run, parameters: GistParameters, budget: int) -> Rows:
    aim = _aim(run, parameters)
    gradients = run.regime(parameters.regime).gradients
    validation = run.validation_gradients[aim.rows]
    return selectors.gist(gradients, validation, aim.subtasks, run.valid, budget, rank=parameters.rank)


def _tagcos(run: Run, parameters: TagcosParameters, budget: int) -> Rows:
    return selectors.tagcos(
        run.regime(parameters.regime).gradients,
        run.valid,
        budget,
        clusters=parameters.clusters,
        seed=parameters.seed,
    )


def _rds_plus(run: Run, parameters: RdsPlusParameters, budget: int) -> Rows:
    aim = _aim(run, parameters)
    found = run.representations("weighted")
    validation = found.validation[aim.rows]
    return selectors.rds_plus(found.samples, validation, aim.targets, aim.subtasks, run.valid, budget)


def _semantic(run: Run, parameters: SemanticParameters, budget: int) -> Rows:
    aim = _aim(run, parameters)
    if parameters.sentence_model is None:
        found = run.representations("mean")
        samples, validation = found.samples, found.validation[aim.rows]
    else:
        from g2is.lm.sentences import embed

        frames = run.instructions, run.validation.iloc[aim.rows]
        texts = [text for frame in frames for text in frame["prompt"] + "\n" + frame["response"]]
        if not any(map(str.strip, texts[len(run.instructions) :])):
            raise InputError(
                f"run {run.name}: the texts of its validation samples are not known, only gradients"
            )
        rows = embed(texts, parameters.sentence_model)
        samples, validation = rows[: len(run.instructions)], rows[len(run.instructions) :]
    return selectors.semantic(samples, validation, aim.subtasks, run.valid, budget)


def _gradfiltering(run: Run, parameters: GradfilteringParameters, budget: int) -> Rows:
    found = run.ensemble
    return selectors.gradfiltering(found["early"], found["late"], found["late_variance"], run.valid, budget)


_CHOOSE: dict[str, Callable[[Run, Any, int], Rows]] = {
    "random": _random,
    "full": _full,
    "length": _length,
    "round_robin": _round_robin,
    "less": _less,
    "gist": _gist,
    "rds_plus": _rds_plus,
    "semantic": _semantic,
    "tagcos": _tagcos,
    "gradfiltering": _gradfiltering,
}
"""How each method of `selector_config.METHODS` is asked: with the run, its parameters and the budget."""
