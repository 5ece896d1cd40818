"""What is compared: a line of a table is a way to select, with its budget, targets and seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.experiment_targets import Target
from g2is import selectors
from g2is.config import WALK_PRESETS
from g2is.knowledge import CoreKnowledge, unit

Select = Callable[[Target, float, int], np.ndarray]
"""Samples of a target's pool for a budget (share of the pool) and a seed."""

TARGETS = ("gsm8k", "bbh", "code", "t0", "alpaca", "demo")
SCREENED = ("gsm8k", "bbh", "code", "t0", "demo")
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Plan:
    """A line of a table."""

    table: str
    name: str
    select: Select
    budget: float
    targets: tuple[str, ...] = TARGETS
    seeds: tuple[int, ...] = (0,)


def random(target: Target, budget: float, seed: int) -> np.ndarray:
    return selectors.random(target.valid, target.budget(budget), seed=seed)


def length(target: Target, budget: float, seed: int) -> np.ndarray:
    return selectors.length(target.run.instructions["trained_tokens"], target.valid, target.budget(budget))


def round_robin(regime: str) -> Select:
    return lambda target, budget, seed: selectors.round_robin(
        target.cosines(regime), target.groups, target.valid, target.budget(budget)
    )


def less(regime: str) -> Select:
    return lambda target, budget, seed: selectors.less(
        target.cosines(regime), target.groups, target.valid, target.budget(budget)
    )


def gist(target: Target, budget: float, seed: int) -> np.ndarray:
    gradients = target.run.regime("sgd").gradients
    return selectors.gist(
        gradients, target.gradients, target.groups, target.valid, target.budget(budget), rank=32
    )


def walk(**parameters: object) -> Select:
    return lambda target, budget, seed: target.walk(budget, **parameters).samples


def every_example(**parameters: object) -> Select:
    """A walk for each validation example of its own."""

    def select(target: Target, budget: float, seed: int) -> np.ndarray:
        rows = unit(target.gradients)
        count = len(rows)
        knowledge = CoreKnowledge(
            components=rows,
            weights=np.full(count, 1 / count),
            loadings=rows @ rows.T,
            mean_alignment=np.zeros(count, np.float32),
            flipped=np.zeros(count, bool),
            targets=("validation",) * count,
            spectrum={},
        )
        return target.walk(budget, knowledge, **facets(**parameters)).samples

    return select


def facets(**parameters: object) -> dict[str, object]:
    return {"regime": "sgd", "knowledge": "facets", "facets": 32, **parameters}


BASELINES: dict[str, Select] = {
    "random": random,
    "length": length,
    "less, adam (published)": less("adam"),
    "less, sgd": less("sgd"),
    "gist": gist,
    "round robin, sgd": round_robin("sgd"),
}

PRINCIPAL: dict[str, Select] = {
    f"{'centred' if center else 'not centred'}, {'oriented' if orient else 'not oriented'}, {regime}": walk(
        center=center, orient=orient, regime=regime
    )
    for regime in ("adam", "adam_without_momentum", "sgd")
    for center in (True, False)
    for orient in (False, True)
    if (center, orient, regime) != (True, False, "adam")
}

FACETS: dict[str, Select] = {
    **{f"{count} facets": walk(**facets(facets=count)) for count in (4, 8, 16, 32)},
    "every validation example": every_example(),
    "32 facets, adam_without_momentum": walk(**facets(regime="adam_without_momentum")),
}

RULES: dict[str, Select] = {
    **{f"delta {delta}": walk(**facets(delta=delta)) for delta in (0.5, 0.9, 0.95, 0.99)},
    **{f"{count} neighbours": walk(**facets(neighbors=count)) for count in (3, 10)},
    "no rules: by cosine to the facet": walk(
        **facets(knowledge_coherence=False, no_conflict=False, consistency=False)
    ),
    "no coherence": walk(**facets(knowledge_coherence=False)),
    "no coherence, delta 0.95": walk(**facets(knowledge_coherence=False, delta=0.95)),
    "no conflict rule": walk(**facets(no_conflict=False)),
    "every example, no coherence": every_example(knowledge_coherence=False),
    "every example, delta 0.95": every_example(delta=0.95),
}


def plans() -> Iterator[Plan]:
    """All lines of all tables, those that the others are compared with first."""
    walks = {
        "walk, official": walk(**WALK_PRESETS["official"]),
        "walk, recommended": walk(**WALK_PRESETS["recommended"]),
    }
    finalists = {**BASELINES, **walks}
    for name, select in finalists.items():
        yield Plan("screen", name, select, 0.01, SCREENED)
    for name, select in FACETS.items():
        yield Plan("facets", name, select, 0.01, SCREENED)
    for name, select in RULES.items():
        yield Plan("rules", name, select, 0.01, ("bbh", "code", "t0", "demo"))
    for name, select in PRINCIPAL.items():
        yield Plan("principal", name, select, 0.01, ("gsm8k", "bbh", "demo"))
    for budget in (0.01, 0.05):
        for name, select in finalists.items():
            yield Plan(
                "finalists",
                name,
                select,
                budget,
                TARGETS if budget < 0.05 else ("gsm8k", "bbh", "demo"),
                SEEDS,
            )
