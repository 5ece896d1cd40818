"""The lines of all tables: each is a selection method with its budget, targets and seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.experiment_targets import Target
from g2is import selectors
from g2is.config import WALK_PRESETS

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


def bids(regime: str) -> Select:
    return lambda target, budget, seed: selectors.bids(
        target.cosines(regime), target.valid, target.budget(budget)
    )


def walk(**parameters: Any) -> Select:
    return lambda target, budget, seed: target.walk(budget, **parameters).samples


def facets(**parameters: Any) -> dict[str, Any]:
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
    for regime in ("adam", "sgd")
    for center in (True, False)
    for orient in (False, True)
}
PRINCIPAL["not centred, oriented, adam_without_momentum"] = walk(
    center=False, orient=True, regime="adam_without_momentum"
)
PRINCIPAL["not centred, oriented, sgd, variance 0.9"] = walk(
    center=False, orient=True, regime="sgd", variance=0.9
)

FACETS: dict[str, Select] = {
    **{f"{count} facets": walk(**facets(facets=count)) for count in (4, 8, 16, 32)},
    "facets by silhouette": walk(**facets(facets_by="silhouette", facets=64)),
    "each validation example": walk(**facets(facets_by="each")),
    "32 facets, adam_without_momentum": walk(**facets(regime="adam_without_momentum")),
}

RULES: dict[str, Select] = {
    **{f"32 facets, delta {delta}": walk(**facets(delta=delta)) for delta in (0.5, 0.95, 0.99)},
    "32 facets, delta 0.9 of the best so far": walk(**facets(delta=0.9, consistency_reference="best")),
    "32 facets, in turn": walk(**facets(order="in_turn")),
    "32 facets, at most cosine 0.8": walk(**facets(max_cosine=0.8)),
    "32 facets, 3 neighbours": walk(**facets(neighbors=3)),
    "32 facets, no conflict rule": walk(**facets(no_conflict=False)),
    "32 facets, no coherence": walk(**facets(knowledge_coherence=False)),
    "each example, in turn": walk(**facets(facets_by="each", order="in_turn")),
    "each example, in turn, no coherence": walk(
        **facets(facets_by="each", order="in_turn", knowledge_coherence=False)
    ),
    "each example, in turn, no rules": walk(
        **facets(
            facets_by="each",
            order="in_turn",
            knowledge_coherence=False,
            no_conflict=False,
            consistency=False,
        )
    ),
}


LIMIT: dict[str, Select] = {
    "recommended": walk(**WALK_PRESETS["recommended"]),
    **{
        f"recommended, at most cosine {most}": walk(**WALK_PRESETS["recommended"], max_cosine=most)
        for most in (0.9, 0.8, 0.7)
    },
    "round robin, sgd": round_robin("sgd"),
    "random": random,
}

GRAPH: dict[str, Select] = {
    "walk, recommended": walk(**WALK_PRESETS["recommended"]),
    "walk, graph": walk(**WALK_PRESETS["graph"]),
    "walk, graph, at most cosine 0.9": walk(**WALK_PRESETS["graph"], max_cosine=0.9),
    "walk, graph, mutual neighbours": walk(**WALK_PRESETS["graph"], mutual=True),
    "bids, sgd": bids("sgd"),
    "round robin, sgd": round_robin("sgd"),
    "random": random,
}
"""Round robin with the walk's rules, the walk on the graph, and the selector that balances the examples."""

VARIANTS = ("walk, graph, at most cosine 0.9", "walk, graph, mutual neighbours")

LARGE = (
    *("walk, recommended", "walk, official"),
    *("random", "less, adam (published)", "gist", "round robin, sgd"),
)
"""Lines also measured at 5 %, where a fine-tuning takes five times as long."""


def plans() -> Iterator[Plan]:
    """All lines of all tables."""
    walks = {
        "walk, recommended": walk(**WALK_PRESETS["recommended"]),
        "walk, 32 facets": walk(**facets()),
        "walk, official": walk(**WALK_PRESETS["official"]),
    }
    lines = {**walks, **BASELINES}
    for name, select in lines.items():
        yield Plan("finalists", name, select, 0.01, TARGETS, SEEDS)
    for name, select in LIMIT.items():
        yield Plan("limit", name, select, 0.01, TARGETS, SEEDS)
        yield Plan("limit", name, select, 0.05, ("demo", "bbh", "gsm8k"), SEEDS)
    for name, select in GRAPH.items():
        # Near-duplicates are many in the demo alone.
        where = ("demo",) if name in VARIANTS else TARGETS
        yield Plan("graph", name, select, 0.01, where, SEEDS)
        yield Plan("graph", name, select, 0.05, where, SEEDS)
    for name in LARGE:
        yield Plan("finalists", name, lines[name], 0.05, ("demo", "bbh", "gsm8k"), SEEDS)
    for name, select in PRINCIPAL.items():
        yield Plan("principal", name, select, 0.01, ("gsm8k", "bbh"))
    for name, select in FACETS.items():
        yield Plan("facets", name, select, 0.01, SCREENED)
    for name, select in RULES.items():
        yield Plan("rules", name, select, 0.01, ("bbh", "t0", "demo"))
