"""Tables about the core knowledge of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.config import WalkParameters
from g2is.instructions.snippet import snippet
from g2is.knowledge import CoreKnowledge, core_knowledge
from g2is.run.run import Run
from g2is.walk import ORIGINS, WalkTrace

QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The spectrum of one target's validation gradients. shares: (r,) of each principal direction, descending. kept:
    number of directions that are components."""

    shares: NDArray[np.floating]
    kept: int


def spectrum_of(run: Run, parameters: WalkParameters, target: str, *, center: bool) -> Spectrum:
    """The spectrum of one target, with its mean subtracted or not, otherwise as in `parameters`. Raises `InputError`
    for gradients without principal directions."""
    principal = parameters.replace(knowledge="principal", center=center)
    validation = run.validation_gradients_in(parameters.regime)
    knowledge = core_knowledge(validation, principal, run.validation["target"].tolist())
    return Spectrum(knowledge.spectrum[target], knowledge.targets.count(target))


def groups_of(knowledge: CoreKnowledge, targets: list[str]) -> NDArray[np.intp]:
    """(m,) for each validation sample the closest component of its target; -1 without one. For facets, its group.

    targets: (m,) of the validation samples.
    """
    own = np.array(knowledge.targets, dtype=object)[:, None] == np.array(targets, dtype=object)[None, :]
    loadings = np.where(own, knowledge.loadings, -np.inf)
    return np.where(own.any(axis=0), loadings.argmax(axis=0), -1)


def closest_examples(run: Run, knowledge: CoreKnowledge) -> list[str]:
    """A name for each component: the beginning of the prompt of the validation example closest to it."""
    prompts = run.validation["prompt"].to_numpy()
    return [snippet(prompts[row]) for row in knowledge.examples]


def facets_frame(knowledge: CoreKnowledge, targets: list[str]) -> pd.DataFrame:
    """One row for each facet: component, examples (in its group), cohesion (their mean cosine to it), nearest_facet and
    cosine_to_it."""
    groups = groups_of(knowledge, targets)
    between = knowledge.components @ knowledge.components.T
    np.fill_diagonal(between, -np.inf)
    rows = []
    for component in range(len(knowledge)):
        members = knowledge.loadings[component, groups == component]
        other = int(between[component].argmax())
        alone = len(knowledge) == 1
        rows.append(
            {
                "component": component,
                "examples": len(members),
                "cohesion": float(members.mean()) if len(members) else float("nan"),
                "nearest_facet": None if alone else other,
                "cosine_to_it": None if alone else float(between[component, other]),
            }
        )
    return pd.DataFrame(rows)


def components_frame(
    run: Run, parameters: WalkParameters, knowledge: CoreKnowledge, trace: WalkTrace
) -> pd.DataFrame:
    """One row for each component: component, target, weight, budget, taken, mean_alignment, flipped, anchor (the first
    of the walk, -1 without one), and the distribution of cosines of valid samples to it: low (5 %), median, high (95
    %), highest, positive (share above 0)."""
    affinities = walks.affinities(run, parameters)
    # Column by column, since each operation on all at once would copy the affinities of a large pool.
    spread = [_spread(affinities[:, component][run.valid]) for component in range(len(knowledge))]
    low, median, high, highest, positive = np.array(spread).T
    steps = trace.steps
    # The first anchor of each component; with budget passed on from others it may have several.
    anchors = np.full(len(knowledge), -1)
    anchor_steps = np.flatnonzero(steps.origin == ORIGINS.index("anchor"))
    anchors[steps.component[anchor_steps[::-1]]] = steps.sample[anchor_steps[::-1]]
    return pd.DataFrame(
        {
            "component": range(len(knowledge)),
            "target": knowledge.targets,
            "weight": knowledge.weights,
            "budget": trace.budgets,
            "taken": np.bincount(steps.component[steps.component >= 0], minlength=len(knowledge)),
            "mean_alignment": knowledge.mean_alignment,
            "flipped": knowledge.flipped,
            "anchor": anchors,
            "low": low,
            "median": median,
            "high": high,
            "highest": highest,
            "positive": positive,
        }
    )


def _spread(affinities: NDArray[np.float32]) -> tuple[float, ...]:
    """The `QUANTILES` of one component's affinities (n,), the highest, and the share above 0."""
    return *np.quantile(affinities, QUANTILES), affinities.max(), (affinities > 0).mean()


def closest_samples(
    run: Run, parameters: WalkParameters, trace: WalkTrace, component: int, count: int = 20
) -> pd.DataFrame:
    """The valid samples closest to a component: sample, cosine, and if the walk took it, step, component (both -1 if
    not) and origin."""
    affinities = np.where(run.valid, walks.affinities(run, parameters)[:, component], -np.inf)
    count = min(count, int(run.valid.sum()))
    best = np.argpartition(-affinities, count - 1)[:count]
    best = best[np.lexsort((best, -affinities[best]))]
    steps = trace.steps
    here = np.flatnonzero(np.isin(steps.sample, best))
    at = dict(zip(steps.sample[here].tolist(), here.tolist(), strict=True))
    taken = [at.get(sample, -1) for sample in best.tolist()]
    return pd.DataFrame(
        {
            "sample": best,
            "cosine": affinities[best],
            "step": taken,
            "component": [int(steps.component[step]) if step >= 0 else -1 for step in taken],
            "origin": [ORIGINS[steps.origin[step]] if step >= 0 else "" for step in taken],
        }
    )


def orientation(parameters: WalkParameters, knowledge: CoreKnowledge, component: int) -> str:
    """In plain words: which way a component points, and what orienting did to it."""
    alignment = float(knowledge.mean_alignment[component])
    if parameters.facet_per_example:
        return (
            "It is the gradient of one validation example, so it points towards that by construction and there is no "
            f"sign to choose. Its cosine to the mean of all examples is {alignment:.3g}."
        )
    if parameters.knowledge == "facets":
        return (
            "It is the mean direction of a group of validation examples, so it points towards them by "
            f"construction and there is no sign to choose. Its cosine to the mean of all examples is {alignment:.3g}."
        )
    where = "towards" if alignment >= 0 else "away from"
    stands = f"It points {where} the mean gradient of its target (cosine {alignment:.3g})."
    arbitrary = (
        "A principal direction is a line: the computation fixes no sign, so which end is up is arbitrary."
    )
    if parameters.orient:
        did = (
            "As computed it pointed away from the target, so its sign was flipped."
            if knowledge.flipped[component]
            else "As computed it pointed towards the target already, so its sign was kept."
        )
        return f"{arbitrary} {did} {stands}"
    if alignment < 0:
        advice = (
            "Its walk begins at instructions whose gradients oppose the mean gradient of the target. "
            "“Flip sign towards the target” corrects that."
        )
    else:
        advice = "Signs are left as computed; this one needs no flip."
    return f"{arbitrary} {stands} {advice}"
