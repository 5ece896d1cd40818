"""The gradient walk beside one written straight from the rules, beside the authors' script, and explained."""

import json
import threading
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g2is.arrays.threads import one_blas_thread
from g2is.arrays.unit import unit
from g2is.config import WalkParameters, walk_preset
from g2is.errors import InputError
from g2is.knowledge import CoreKnowledge, core_knowledge, principal
from g2is.walk import (
    ORIGINS,
    RULES,
    Rejections,
    Steps,
    WalkTrace,
    component_affinities,
    explain,
    gradient_walk,
    largest_remainder,
    replay,
)
from g2is.walk.budget import Quotas, share_out
from g2is.walk.standing import Standing
from g2is.walk.why import groups_used_up

MANY = settings(max_examples=80, derandomize=True)


@dataclass
class Case:
    """A small pool, its graph and what is asked of it; `arguments` are those of the walk."""

    gradients: np.ndarray
    neighbors: np.ndarray
    cosines: np.ndarray
    knowledge: CoreKnowledge
    parameters: WalkParameters
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self.gradients, self.neighbors, self.cosines, self.knowledge, self.parameters

    def walk(self, **more: Any) -> WalkTrace:
        return gradient_walk(*self.arguments, **self.options, **more)


def graph(gradients: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest `count` of each row, descending, and their cosines."""
    cosines = gradients @ gradients.T
    np.fill_diagonal(cosines, -2)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :count].astype(np.int32)
    return nearest, np.take_along_axis(cosines, nearest, axis=1)


recipes = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10**6),
        "rows": st.integers(8, 60),
        "width": st.integers(2, 12),
        "common": st.sampled_from([0, 0.3, 1.0]),
        "duplicates": st.booleans(),
        "core": st.sampled_from(
            [
                {},
                {"center": False, "orient": True},
                {"knowledge": "facets", "facets": 3},
                {"knowledge": "facets", "facets_by": "each"},
                {"variance": 0.9},
            ]
        ),
        "near": st.integers(1, 7),
        "special": st.sampled_from([(0, 0), (2, 2), (1, 0), (0, 3)]),
        "share": st.floats(0.05, 1),
        "by_component": st.sampled_from([False, False, False, True]),
        "delta": st.sampled_from([0.0, 0.5, 0.8, 0.95, 1.0]),
        "conflict_threshold": st.sampled_from([0.0, 0.0, -0.2, 0.3]),
        "neighbors": st.sampled_from([None, 1]),
        "step_to": st.sampled_from(["nearest", "best"]),
        "knowledge_coherence": st.sampled_from([True, True, False]),
        "no_conflict": st.sampled_from([True, True, False]),
        "consistency": st.sampled_from([True, True, False]),
        "consistency_reference": st.sampled_from(["last", "best"]),
        "max_cosine": st.sampled_from([None, None, 0.4, 0.9]),
        "order": st.sampled_from(["sequential", "sequential", "in_turn"]),
        "unspent": st.sampled_from(["stop", "pass_on"]),
        "without_sources": st.sampled_from([(), ("b",)]),
    }
)
"""Pools from half in conflict to hardly any, with duplicates and rows in no graph; any parameters."""


def make(
    seed: int,
    rows: int,
    width: int,
    common: float,
    duplicates: bool,
    core: dict[str, Any],
    near: int,
    special: tuple[int, int],
    share: float,
    by_component: bool,
    **rules: Any,
) -> Case:
    """The case of a recipe. share: of the valid samples, to be taken. special: how many pins and bans."""
    random = np.random.default_rng(seed)
    raw = random.standard_normal((rows, width)) + common
    if duplicates:
        raw[random.integers(0, rows, 3)] = raw[random.integers(0, rows, 3)]
    gradients = unit(raw)
    neighbors, cosines = graph(gradients, near)
    valid = random.random(rows) < 0.95
    neighbors[~valid], cosines[~valid] = -1, np.nan
    usable = random.permutation(np.flatnonzero(valid)).tolist()
    pins, bans = usable[: special[0]], usable[special[0] : sum(special)]
    parameters = WalkParameters(
        count=max(1, len(pins), int(share * len(usable))),
        pins=tuple(pins),
        bans=tuple(bans),
        only=tuple(usable[len(usable) // 3 :]) if seed % 4 == 0 else (),
        **core,
        **rules,
    )
    knowledge = core_knowledge(random.standard_normal((9, width)) + 0.3, parameters)
    if by_component:
        budgets = random.integers(0, 8, len(knowledge)).tolist()
        parameters = parameters.replace(component_budgets=budgets, count=None)
    sources = np.where(np.arange(rows) % 3 == 2, "b", "a").tolist()
    return Case(gradients, neighbors, cosines, knowledge, parameters, {"sources": sources, "valid": valid})


# ---- the walk written straight from the rules ----


@dataclass
class Plain:
    """What the plain walk finds. events: by component and sample, the first rule that turned a free sample
    away, as (rule, step or None for a last search, member, value)."""

    steps: list[tuple[Any, ...]] = field(default_factory=list)
    rejections: list[tuple[Any, ...]] = field(default_factory=list)
    stopped: dict[int, str] = field(default_factory=dict)
    events: dict[tuple[int, int], tuple[Any, ...]] = field(default_factory=dict)


def cosine(total: np.ndarray, direction: np.ndarray) -> np.float32:
    length = np.linalg.norm(total)
    return np.dot(total / length, direction) if length > 1e-10 else np.float32(0)


def plain_walk(case: Case) -> Plain:
    gradients, neighbors, _, knowledge, parameters = case.arguments
    rows, found = len(gradients), Plain()
    left_out = ~case.options["valid"]
    left_out |= np.isin(case.options["sources"], parameters.without_sources)
    left_out[list(parameters.bans)] = True
    if parameters.only:
        left_out |= ~np.isin(np.arange(rows), parameters.only)
    left_out |= ~np.asarray(case.options.get("fitting", np.ones(rows, bool)))
    quotas = case.options.get("quotas")
    taken: list[int] = []
    for pin in parameters.pins:
        taken.append(pin)
        found.steps.append((pin, -1, "pin", -1))
    if parameters.component_budgets is not None:
        budgets = list(parameters.component_budgets)
    else:
        assert parameters.count is not None
        budgets = share_out(parameters.count - len(taken), knowledge, parameters).tolist()
    size = (lambda x: x) if parameters.signed else abs
    ranked_for_anchors = knowledge.components @ gradients.T
    members: dict[int, list[int]] = {component: [] for component in range(len(knowledge))}
    order = np.argsort(-knowledge.weights, kind="stable").tolist()

    by_component = parameters.component_budgets is not None
    total = sum(budgets) if by_component else parameters.count

    def free(sample: int) -> bool:
        if sample in taken or left_out[sample]:
            return False
        if quotas is None:
            return True
        group = quotas.groups[sample]
        counted = taken[len(parameters.pins) :] if by_component else taken
        return sum(quotas.groups[other] == group for other in counted) < quotas.of(total)[group]

    def search(affinity: np.ndarray) -> list[int]:
        masked = np.where([free(sample) for sample in range(rows)], affinity, -np.inf)
        return [int(sample) for sample in np.argsort(masked)[::-1] if free(int(sample))]

    def spend(component: int, budget: int) -> int:
        """Walks on for a component; what is left of the budget."""
        own, direction = members[component], knowledge.components[component]
        affinity = np.dot(gradients, direction)
        if found.stopped.setdefault(component, "budget") == "budget":
            while budget > 0:
                step = len(found.steps)

                def turned_away_by(sample: int) -> tuple[Any, ...] | None:
                    products = gradients[own] @ gradients[sample]
                    for member, product in zip(own, products, strict=True):
                        if parameters.no_conflict and product < parameters.conflict_threshold:
                            return "conflict", member, product
                        if parameters.max_cosine is not None and product > parameters.max_cosine:
                            return "redundant", member, product
                    total, alignments = np.zeros_like(direction), []
                    for member in own:
                        total = total + gradients[member]
                        alignments.append(size(cosine(total, direction)))
                    led_to = cosine(total + gradients[sample], direction)
                    best = parameters.consistency_reference == "best"
                    needed = parameters.delta * (max(alignments) if best else alignments[-1])
                    if parameters.consistency and size(led_to) < needed:
                        return "consistency", -1, led_to
                    return None

                chosen, seen = None, []
                if not own:
                    candidates = search(affinity)
                    best = candidates and affinity[candidates[0]]
                    if candidates and np.sum(affinity[candidates] > best - 1e-6) > 1:
                        ranked = ranked_for_anchors[component]
                        candidates = [s for s in np.argsort(ranked)[::-1].tolist() if free(s)]
                    if candidates:
                        chosen = (candidates[0], "anchor", -1)
                else:
                    listed = [s for s in neighbors[own[-1]][: parameters.neighbors].tolist() if s >= 0]
                    if parameters.step_to == "best":
                        listed.sort(key=lambda sample: -affinity[sample])
                    for sample in listed if parameters.knowledge_coherence else []:
                        if not free(sample):
                            seen.append((step, sample, "taken" if sample in taken else "left_out", -1, None))
                            continue
                        failed = turned_away_by(sample)
                        if failed is None:
                            chosen = (sample, "neighbor", own[-1])
                            break
                        seen.append((step, sample, *failed))
                    for sample in [] if chosen else search(affinity):
                        failed = turned_away_by(sample)
                        if failed is None:
                            chosen = (sample, "fallback", -1)
                            break
                        found.events.setdefault((component, sample), (failed[0], step, *failed[1:]))
                for _, sample, *reason in seen if chosen else []:
                    if free(sample):
                        before = found.events.get((component, sample))
                        if before is None or before[1] == step:
                            found.events[component, sample] = (reason[0], step, *reason[1:])
                if chosen is None:
                    exhausted = not any(free(sample) for sample in range(rows))
                    found.stopped[component] = "pool" if exhausted else "rules"
                    for event, (rule, when, *numbers) in found.events.items():
                        if when == step and event[0] == component:
                            found.events[event] = (rule, None, *numbers)
                    break
                found.steps.append((chosen[0], component, *chosen[1:]))
                found.rejections += seen
                own.append(chosen[0])
                taken.append(chosen[0])
                budget -= 1
        return budget

    pass_on = parameters.unspent == "pass_on"
    if parameters.order == "sequential":
        carried = 0
        for lap in range(2 if pass_on else 1):
            for component in order:
                left = spend(component, carried + (budgets[component] if lap == 0 else 0))
                carried = left if pass_on else 0
        return found
    for component in order:
        found.stopped[component] = "budget"
    for turn in range(max(budgets, default=0)):
        for component in order:
            if turn < budgets[component]:
                spend(component, 1)
    unspent = sum(budgets) + len(parameters.pins) - len(found.steps)
    while pass_on and unspent and "budget" in found.stopped.values():
        for component in order:
            if unspent and found.stopped[component] == "budget":
                unspent -= 1 - spend(component, 1)
    return found


def described(trace: WalkTrace) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Steps and rejections as the plain walk gives them, without numbers."""
    steps, turned = trace.steps, trace.rejections
    columns = (steps.sample, steps.component, [ORIGINS[o] for o in steps.origin], steps.previous)
    rejections = (turned.step, turned.sample, [RULES[rule] for rule in turned.rule], turned.member)
    return list(zip(*columns, strict=True)), list(zip(*rejections, strict=True))


@given(recipes)
@MANY
def test_agrees_step_by_step_with_a_walk_straight_from_the_rules(recipe):
    check_against_plain_walk(make(**recipe))


@given(recipes, st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 10**6))
@MANY
def test_agrees_with_it_under_conditions_and_shares_of_the_budget(recipe, weights, seed):
    case = make(**recipe)
    random, rows = np.random.default_rng(seed), len(case.gradients)
    groups = random.integers(0, len(weights) + 1, rows)
    shares = [Fraction(weight, 20) for weight in weights]
    names = [str(group) for group in range(len(weights) + 1)]
    case.options["quotas"] = quotas = Quotas(groups, (*shares, 1 - sum(shares)), names)
    case.options["fitting"] = random.random(rows) < 0.8
    try:
        trace = check_against_plain_walk(case)
    except InputError as error:
        assert str(error).startswith("pins: ")
        return
    by_component = case.parameters.component_budgets is not None
    counted = trace.samples[len(case.parameters.pins) if by_component else 0 :]
    total = int(trace.budgets.sum()) if by_component else case.parameters.count
    assert (np.bincount(groups[counted], minlength=len(names)) <= quotas.of(total)).all()
    chosen = np.setdiff1d(trace.samples, case.parameters.pins)
    assert case.options["fitting"][chosen].all()
    for step in range(len(trace.steps) + 1):
        before = np.setdiff1d(trace.samples[:step], case.parameters.pins if by_component else [])
        full = np.bincount(groups[before], minlength=len(names)) >= quotas.of(total)
        if step >= len(case.parameters.pins):
            assert groups_used_up(trace, quotas, step).tolist() == full.tolist()
    for sample in range(0, rows, 5):
        why = explain(trace, sample, case.gradients, case.neighbors, case.knowledge, **case.options)
        if why.left_out is not None and "the share of" in why.left_out:
            assert full[groups[sample]] and sample not in trace.samples


def check_against_plain_walk(case: Case) -> WalkTrace:
    trace, plain = case.walk(), plain_walk(case)
    steps, rejections = described(trace)
    assert steps == plain.steps
    assert rejections == [rejection[:4] for rejection in plain.rejections]
    values = [np.nan if rejection[4] is None else rejection[4] for rejection in plain.rejections]
    np.testing.assert_allclose(trace.rejections.value, np.array(values, float), atol=1e-5)
    assert [part.stopped for part in trace.summary()] == [plain.stopped[c] for c in sorted(plain.stopped)]
    return trace


@given(recipes)
@MANY
def test_every_step_kept_the_rules_and_no_earlier_neighbour_did(recipe):
    """Checked from the trace alone, in double precision, with room for rounding."""
    case = make(**recipe)
    trace, parameters = case.walk(), case.parameters
    gradients, steps = case.gradients.astype(float), trace.steps
    affinities = component_affinities(case.gradients, case.knowledge)
    for step in np.flatnonzero(steps.component >= 0):
        component = steps.component[step]
        own = steps.sample[:step][steps.component[:step] == component]
        direction = case.knowledge.components[component].astype(float)

        def breach(sample: int) -> float:
            """By how much a sample breaks the rules; 0 or less if it keeps them."""
            worst = -np.inf
            products = gradients[own] @ gradients[sample]  # noqa: B023
            if parameters.no_conflict:
                worst = parameters.conflict_threshold - products.min()
            if parameters.max_cosine is not None:
                worst = max(worst, products.max() - parameters.max_cosine)
            if parameters.consistency:
                sums = np.cumsum(gradients[[*own, sample]], axis=0)  # noqa: B023
                alignments = sums @ direction / np.maximum(np.linalg.norm(sums, axis=1), 1e-10)  # noqa: B023
                if not parameters.signed:
                    alignments = abs(alignments)
                best = parameters.consistency_reference == "best"
                before = alignments[:-1].max() if best else alignments[-2]
                worst = max(worst, parameters.delta * before - alignments[-1])
            return worst

        if not own.size:
            assert ORIGINS[steps.origin[step]] == "anchor"
            continue
        assert breach(steps.sample[step]) < 1e-5
        if ORIGINS[steps.origin[step]] == "neighbor":
            listed = case.neighbors[own[-1]][: parameters.neighbors].tolist()
            if parameters.step_to == "best":
                listed.sort(key=lambda sample: -affinities[sample, component])
            for earlier in listed[: listed.index(steps.sample[step])]:
                gone = earlier in steps.sample[:step]
                left_out = earlier in parameters.bans or not case.options["valid"][earlier]
                left_out |= bool(parameters.only) and earlier not in parameters.only
                left_out |= case.options["sources"][earlier] in parameters.without_sources
                assert gone or left_out or breach(earlier) > -1e-5


def same_traces(a: WalkTrace, b: WalkTrace) -> bool:
    """Whether two traces are equal, whatever their parameters; products may be rounded otherwise."""
    pairs = [(getattr(a.steps, f.name), getattr(b.steps, f.name)) for f in fields(Steps)]
    pairs += [(getattr(a.rejections, f.name), getattr(b.rejections, f.name)) for f in fields(Rejections)]
    pairs += [(a.budgets, b.budgets), (a.stopped, b.stopped)]
    return all(len(x) == len(y) and np.allclose(x, y, rtol=0, atol=1e-6, equal_nan=True) for x, y in pairs)


def test_only_rows_on_the_way_are_read():
    random = np.random.default_rng(0)
    gradients = unit(random.standard_normal((400, 8)) + 1)
    neighbors, _ = graph(gradients, 10)
    parameters = WalkParameters(count=20)
    knowledge = core_knowledge(random.standard_normal((9, 8)), parameters)
    affinities = component_affinities(gradients, knowledge)
    trace = gradient_walk(gradients, neighbors, None, knowledge, parameters, affinities=affinities)
    near = np.unique(np.concatenate([trace.steps.sample, neighbors[trace.steps.sample].ravel()]))
    far = np.setdiff1d(np.arange(400), near)
    assert len(far) > 100 and trace.summary()[0].fallbacks == 0
    gradients[far] = np.nan
    again = gradient_walk(gradients, neighbors, None, knowledge, parameters, affinities=affinities)
    assert same_traces(trace, again)


# ---- the authors' script ----


def golden_case(shared: Any, parameters: WalkParameters) -> Case:
    """Real gradients with the neighbour lists that the script was given."""
    import torch

    folder = shared / "golden"
    gradients = unit(torch.load(folder / "train_gradients.pt", weights_only=True).numpy())
    validation = torch.load(folder / "validation_gradients.pt", weights_only=True).numpy()
    neighbors = np.load(folder / "graph.npy")
    cosines = np.take_along_axis(gradients @ gradients.T, neighbors, axis=1)
    return Case(gradients, neighbors, cosines, core_knowledge(validation, parameters), parameters)


@pytest.mark.parametrize("place", [0, 1])
def test_the_official_preset_takes_what_the_script_takes(shared, place):
    answer = json.loads((shared / "golden" / "official.json").read_text())[place]
    asked = {name: answer[name] for name in ("variance", "fraction", "delta")}
    case = golden_case(shared, walk_preset("official", **asked))
    trace = case.walk()
    assert replay(trace).tolist() == answer["selected"]
    if place == 1:
        summary = trace.summary()
        assert sum(part.fallbacks for part in summary) > 0
        assert {part.stopped for part in summary} == {"rules"}


def script(gradients: np.ndarray, neighbors: np.ndarray, knowledge: CoreKnowledge, count: int, delta: float):
    """The published script's decisions, call by call, for the sake of its ties."""
    ranked = np.dot(knowledge.components, gradients.T)
    taken: list[int] = []
    for component, budget in enumerate(largest_remainder(count, knowledge.weights)):
        if budget == 0:
            continue
        direction = knowledge.components[component]
        top = min(1000, len(gradients))
        shortlist = np.argpartition(ranked, -top, axis=1)[component, -top:]
        shortlist = shortlist[np.argsort(ranked[component, shortlist])[::-1]]
        own = [next(int(row) for row in shortlist if row not in taken)]
        taken.append(own[0])
        total = gradients[own[0]].copy()
        while len(own) < budget:
            masked = np.dot(gradients, direction)
            masked[taken] = -np.inf
            for row in [*neighbors[own[-1]], *np.argsort(masked)[::-1]]:
                if row in taken or np.any(np.dot(gradients[own], gradients[row]) < 0):
                    continue
                if abs(cosine(total + gradients[row], direction)) >= delta * abs(cosine(total, direction)):
                    own.append(int(row))
                    taken.append(int(row))
                    total = total + gradients[row]
                    break
            else:
                break
    return taken


@given(st.integers(0, 10**6), st.sampled_from([0.0, 1e-7, 1e-6]), st.sampled_from([0.5, 0.9, 1.0]))
@settings(max_examples=15, derandomize=True)
def test_duplicates_come_in_the_order_of_the_script(seed, noise, delta):
    """Nearly equal rows are ranked by the last bit of a product, equal ones by an unstable sort."""
    random = np.random.default_rng(seed)
    raw = random.standard_normal((200, 24)).astype(np.float32)
    raw[random.integers(0, 200, 40)] = raw[random.integers(0, 200, 40)]
    raw *= (1 + noise * random.standard_normal(raw.shape)).astype(np.float32)
    raw[random.integers(0, 200, 3)] = 0
    gradients = unit(raw)
    neighbors, _ = graph(gradients, 6)
    knowledge = principal(random.standard_normal((20, 24)).astype(np.float32))
    parameters = walk_preset("official", count=70, delta=delta)
    trace = gradient_walk(gradients, neighbors, None, knowledge, parameters)
    assert replay(trace).tolist() == script(gradients, neighbors, knowledge, 70, delta)


# ---- what must not matter ----


def plain_case(seed: int = 0, rows: int = 120, width: int = 16, **changes: Any) -> Case:
    """Raw gradients of different lengths, not yet of length 1, their graph, and plain parameters."""
    random = np.random.default_rng(seed)
    raw = random.standard_normal((rows, width)) + 0.2
    parameters = WalkParameters(**{"count": 40, "delta": 0.9, **changes})
    knowledge = core_knowledge(random.standard_normal((12, width)), parameters)
    neighbors, cosines = graph(unit(raw), 8)
    return Case(raw, neighbors, cosines, knowledge, parameters)


@pytest.mark.parametrize("seed", range(5))
def test_renaming_the_rows_renames_the_selection(seed):
    case = plain_case(seed)
    case.gradients = unit(case.gradients)
    moved = np.random.default_rng(seed).permutation(len(case.gradients))
    place = np.argsort(moved)
    renamed = Case(
        case.gradients[moved],
        place[case.neighbors[moved]].astype(np.int32),
        case.cosines[moved],
        case.knowledge,
        case.parameters,
    )
    assert np.array_equal(moved[replay(renamed.walk())], replay(case.walk()))


def test_the_length_of_gradients_does_not_matter():
    case = plain_case()
    raw = case.gradients
    case.gradients = unit(raw)
    expected = replay(case.walk())
    case.gradients = unit(raw * np.linspace(0.01, 100, len(raw))[:, None])
    assert np.array_equal(replay(case.walk()), expected)


@pytest.mark.parametrize("mapped", [False, True])
def test_half_precision_walks_as_its_own_rows_in_single(mapped, tmp_path):
    case = plain_case(rows=1200, width=300, count=200)  # large enough for reading in blocks
    half = unit(case.gradients).astype(np.float16)
    case.gradients = half
    if mapped:
        np.save(tmp_path / "gradients.npy", half)
        case.gradients = np.load(tmp_path / "gradients.npy", mmap_mode="r")
    trace = case.walk()
    case.gradients = unit(half)
    single = case.walk()
    assert sum(part.fallbacks for part in trace.summary()) > 0
    assert np.array_equal(replay(trace), replay(single))
    np.testing.assert_allclose(
        component_affinities(half, case.knowledge), unit(half) @ case.knowledge.components.T, atol=1e-6
    )


def test_edge_cosines_are_found_where_they_are_not_given():
    case = plain_case()
    case.gradients = unit(case.gradients)
    given_cosines = case.walk().steps.cosine
    case.cosines = None
    np.testing.assert_allclose(case.walk().steps.cosine, given_cosines, atol=1e-6)


# ---- trace and explanations ----


def test_the_trace_gives_back_the_selection_and_its_tables():
    case = plain_case(pins=(3, 5))
    case.gradients = unit(case.gradients)
    trace = case.walk()
    assert np.array_equal(replay(trace), trace.samples) and len(set(trace.samples)) == len(trace.steps)
    steps, rejections = trace.to_frames()
    assert steps["sample"].tolist() == trace.samples.tolist() and len(rejections) == len(trace.rejections)
    assert steps["origin"].tolist()[:3] == ["pin", "pin", "anchor"]
    last: dict[int, int] = {}
    for came_from, sample, component, origin in zip(
        trace.steps.path(), *(steps[name] for name in ("sample", "component", "origin")), strict=True
    ):
        begins = origin in ("pin", "anchor")
        assert came_from == (-1 if begins else last[component]), "the last of its own component, in turn"
        last[component] = sample
    stepped = steps["origin"] == "neighbor"
    assert stepped.any() and np.array_equal(trace.steps.path()[stepped], trace.steps.previous[stepped])
    assert set(rejections["rule"]) <= set(RULES)
    summary = trace.summary()
    assert sum(part.taken for part in summary) == len(trace.steps) - 2
    assert sum(part.budget for part in summary) == 38
    for part in summary:
        after = steps.loc[steps["component"] == part.component, "after"]
        assert (part.first_alignment, part.last_alignment) == (after.iloc[0], after.iloc[-1])


@given(recipes)
@MANY
def test_explanations_agree_with_the_walk_straight_from_the_rules(recipe):
    case = make(**recipe)
    trace, plain = case.walk(), plain_walk(case)
    taken = {step[0]: place for place, step in enumerate(plain.steps)}
    for sample in range(len(case.gradients)):
        why = explain(trace, sample, case.gradients, case.neighbors, case.knowledge, **case.options)
        assert f"Instruction {sample} was" in why.text
        if sample in taken:
            assert why.taken is not None and why.taken.step == taken[sample]
            assert (why.taken.origin, why.taken.component) == (
                plain.steps[taken[sample]][2],
                None if why.taken.origin == "pin" else plain.steps[taken[sample]][1],
            )
            continue
        if why.left_out is not None:
            excluded = sample in case.parameters.bans or not case.options["valid"][sample]
            excluded |= bool(case.parameters.only) and sample not in case.parameters.only
            assert excluded or case.options["sources"][sample] in case.parameters.without_sources
            continue
        for verdict in why.verdicts:
            event = plain.events.get((verdict.component, sample))
            if event is None:
                assert verdict.reason in ("outranked", "not reached", "no budget")
                own = trace.steps.sample[trace.steps.component == verdict.component]
                assert (verdict.reason == "no budget") == (not own.size)
                if verdict.reason == "outranked":
                    assert sample in case.neighbors[verdict.previous] and verdict.previous in own
                continue
            rule, step, member, value = event
            assert (verdict.reason, verdict.step) == (rule, step)
            assert verdict.member == (None if rule == "consistency" else member)
            assert verdict.value == pytest.approx(value, abs=1e-5)
            if rule == "redundant":
                assert verdict.value > verdict.needed - 1e-5
            else:
                assert verdict.value < verdict.needed + 1e-5 or abs(verdict.value) < verdict.needed + 1e-5


@given(recipes)
@MANY
def test_rows_judged_after_the_walk_are_judged_as_the_walk_did(recipe):
    case = make(**recipe)
    trace = case.walk()
    for step in np.flatnonzero(trace.steps.component >= 0):
        component = int(trace.steps.component[step])
        direction = case.knowledge.components[component]
        standing = Standing(trace, component, int(step), case.gradients, direction)
        assert standing.verdicts(case.gradients[trace.steps.sample[[step]]]).passes[0]
        here = (trace.rejections.step == step) & (trace.rejections.rule > RULES.index("left_out"))
        judged = standing.verdicts(case.gradients[trace.rejections.sample[here]])
        assert judged.rule.tolist() == trace.rejections.rule[here].tolist()
        members = [int(standing.samples[place]) if place >= 0 else -1 for place in judged.member]
        assert members == trace.rejections.member[here].tolist()
        np.testing.assert_allclose(judged.value, trace.rejections.value[here], atol=1e-5)


def test_with_other_core_knowledge_only_taken_samples_are_explained():
    """As after a version that groups facets otherwise: the trace holds the steps, not the components."""
    case = plain_case(bans=(7,), count=30)
    case.gradients = unit(case.gradients)
    trace = case.walk()
    other = replace(case.knowledge, components=np.roll(case.knowledge.components, 1, axis=1))

    def why(sample: int, knowledge: CoreKnowledge) -> str:
        return explain(trace, sample, case.gradients, case.neighbors, knowledge).text

    first = int(trace.samples[3])
    assert why(first, other) == why(first, case.knowledge)
    assert why(7, other) == "Instruction 7 was left out: it is banned."
    rest = next(sample for sample in range(120) if sample not in trace.samples and sample != 7)
    assert "was not taken" in why(rest, case.knowledge)
    with pytest.raises(InputError, match="the settings of this walk now give other target directions"):
        why(rest, other)


def test_explanations_read_well():
    case = plain_case(bans=(7,), count=30)
    case.gradients = unit(case.gradients)
    trace = case.walk()

    def text(sample: int) -> str:
        return explain(trace, sample, case.gradients, case.neighbors, case.knowledge).text

    assert text(7) == "Instruction 7 was left out: it is banned."
    case.parameters = case.parameters.replace(only=tuple(range(60)))
    trace = case.walk()
    assert trace.samples.max() < 60
    assert (
        text(60)
        == "Instruction 60 was left out: it is not among the instructions that the walk is restricted to."
    )
    anchor = trace.steps.sample[0]
    assert text(anchor).startswith(
        f"Instruction {anchor} was taken at step 1 for direction 0 (validation), as its"
    )
    conflict = trace.rejections.rule == RULES.index("conflict")
    turned = next(s for s in trace.rejections.sample[conflict].tolist() if s not in trace.samples)
    assert "rejected at step" in text(turned) and "conflicts with instruction" in text(turned)
    with pytest.raises(InputError, match="sample = 120: the pool has instructions 0 to 119"):
        explain(trace, 120, case.gradients, case.neighbors, case.knowledge)


# ---- budgets and refusals ----


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (10, [0.5, 0.3, 0.2], [5, 3, 2]),
        (10, [0.46, 0.33, 0.21], [5, 3, 2]),
        (3, [0.25, 0.25, 0.25, 0.25], [0, 1, 1, 1]),  # of equal remainders the later, as the script has it
        (0, [0.6, 0.4], [0, 0]),
        (7, [1.0], [7]),
    ],
)
def test_largest_remainders(total, weights, shares):
    assert largest_remainder(total, np.array(weights, np.float32)).tolist() == shares


@given(st.integers(0, 5000), st.lists(st.floats(0.01, 1), min_size=1, max_size=40))
@settings(derandomize=True)
def test_largest_remainders_spend_everything_and_are_within_one(total, weights):
    exact = np.array(weights) / np.sum(weights)
    shares = largest_remainder(total, exact)
    assert shares.sum() == total and np.all(abs(shares - total * exact) < 1)


def test_targets_share_the_budget_before_their_components():
    """Twenty light components of one target and two heavy ones of another: the light ones are not crowded out."""
    rows, targets = np.random.default_rng(0).standard_normal((22, 8)), ["a"] * 20 + ["b"] * 2
    for facets_by, inside in (("each", 1), ("number", 6)):
        parameters = WalkParameters(
            count=8, knowledge="facets", facets_by=facets_by, targets={"a": 1, "b": 1}
        )
        knowledge = core_knowledge(rows, parameters, targets)
        budgets = share_out(8, knowledge, parameters)
        of_a = np.array(knowledge.targets) == "a"
        assert budgets[of_a].sum() == budgets[~of_a].sum() == 4
        assert budgets[of_a].max() <= inside


@given(st.integers(0, 300), st.integers(1, 90))
@settings(derandomize=True)
def test_facets_of_one_example_share_evenly_over_the_whole_set(total, count):
    rows = np.eye(count, 90)
    parameters = WalkParameters(count=1, knowledge="facets", facets_by="each")
    budgets = share_out(total, core_knowledge(rows, parameters), parameters)
    assert budgets.sum() == total and budgets.max() - budgets.min() <= 1
    # No stretch of the validation set gets more than its share, however it is sorted.
    running = np.cumsum(budgets)
    assert np.all(abs(running - total * np.arange(1, count + 1) / count) < 1)


def test_in_turn_every_component_takes_its_anchor_before_any_takes_a_second():
    case = plain_case(components=3, order="in_turn", unspent="pass_on", delta=0, no_conflict=False)
    case.gradients = unit(case.gradients)
    trace = case.walk()
    order = np.argsort(-case.knowledge.weights, kind="stable").tolist()
    assert trace.steps.component[:6].tolist() == order + order
    assert [ORIGINS[origin] for origin in trace.steps.origin[:3]] == ["anchor"] * 3
    assert len(trace.steps) == 40


def test_the_best_alignment_so_far_does_not_decay():
    """Against the last step a component may lose a fifth each time, against the best a fifth in all."""
    last, best = (
        plain_case(1, no_conflict=False, delta=0.8, count=60, consistency_reference=reference)
        for reference in ("last", "best")
    )
    lowest = []
    for case in (last, best):
        case.gradients = unit(case.gradients)
        trace = case.walk()
        for component in range(len(case.knowledge)):
            after = abs(trace.steps.after[trace.steps.component == component])
            if case is best and after.size:
                assert np.all(after >= 0.8 * np.maximum.accumulate(after) - 1e-6)
            lowest.append(after.min() / after.max() if after.size else 1)
    assert min(lowest[: len(last.knowledge)]) < 0.8


def test_a_limit_of_cosine_keeps_samples_of_a_component_apart():
    case = plain_case(max_cosine=0.3)
    case.gradients = unit(case.gradients)
    trace = case.walk()
    for component in range(len(case.knowledge)):
        own = case.gradients[trace.steps.sample[trace.steps.component == component]]
        assert np.all(np.triu(own @ own.T, 1) <= 0.3)
    turned = trace.rejections.rule == RULES.index("redundant")
    assert turned.any() and np.all(trace.rejections.value[turned] > 0.3)
    with pytest.raises(InputError, match=r"max_cosine = 0.1: below conflict_threshold = 0.2"):
        case.parameters.replace(max_cosine=0.1, conflict_threshold=0.2)


def test_a_budget_larger_than_what_is_free_ends_with_the_pool():
    case = plain_case(count=120, consistency=False, no_conflict=False, bans=(1, 2, 3))
    case.gradients = unit(case.gradients)
    trace = case.walk()
    assert len(trace.steps) == 117 and "pool" in {part.stopped for part in trace.summary()}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 121}, "count = 121: the pool has 120 valid instructions"),
        ({"count": None, "fraction": 0.001}, "fraction = 0.001: of 120 valid instructions that is 0"),
        ({"pins": (120,)}, "pins: no instruction 120; the pool has instructions 0 to 119"),
        ({"only": (3, 120)}, "only: no instruction 120"),
        ({"pins": (4,), "bans": (4,)}, "instruction 4 is both pinned and banned"),
        ({"pins": (0, 1, 2), "count": 2}, "pins: 3 instructions exceed the budget of 2"),
        ({"pins": (9,)}, "pins: instruction 9 has no valid gradient"),
        ({"neighbors": 9}, "neighbors = 9: the graph keeps 8 for each instruction"),
        ({"component_budgets": (1,), "components": 3}, "component_budgets: 1 numbers for 3 directions"),
        ({"sources": ("nowhere",)}, "sources: no source 'nowhere'; there are 'a', 'b'"),
        ({"without_sources": ("c",)}, "without_sources: no source 'c'"),
    ],
)
def test_parameters_that_do_not_fit_the_pool(changes, message):
    case = plain_case(**changes)
    case.gradients = unit(case.gradients)
    case.options["sources"] = ["a", "b"] * 60
    if changes.get("pins") == (9,):
        case.options["valid"] = np.arange(120) != 9
    with pytest.raises(InputError, match=message):
        case.walk()


def test_arrays_that_do_not_fit_together():
    case = plain_case()
    case.gradients = case.gradients.astype(np.float32)
    with pytest.raises(InputError, match="rows are not of length 1"):
        case.walk()
    case.gradients = unit(case.gradients)
    with pytest.raises(InputError, match=r"affinities: shape \(5, 1\), expected \(120, "):
        case.walk(affinities=np.zeros((5, 1), np.float32))
    with pytest.raises(InputError, match=r"cosines: shape \(120, 3\), expected \(120, 8\)"):
        gradient_walk(case.gradients, case.neighbors, case.cosines[:, :3], case.knowledge, case.parameters)
    with pytest.raises(InputError, match=r"neighbors: shape \(60, 8\)"):
        gradient_walk(case.gradients, case.neighbors[:60], None, case.knowledge, case.parameters)
    with pytest.raises(InputError, match=r"gradients: shape \(120, 8\), expected \(samples, 16\)"):
        gradient_walk(case.gradients[:, :8], case.neighbors, None, case.knowledge, case.parameters)
    with pytest.raises(InputError, match=r"valid: shape \(3,\)"):
        case.walk(valid=np.ones(3, bool))
    with pytest.raises(InputError, match="sources of this pool are not known"):
        plain = plain_case(sources=("a",))
        plain.gradients = unit(plain.gradients)
        plain.walk()


def test_walks_side_by_side_give_back_their_threads():
    from threadpoolctl import threadpool_info

    before = threadpool_info()
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()

    def second_walk() -> None:
        first_in.wait(10)
        with one_blas_thread():
            second_in.set()
            first_out.wait(10)

    second = threading.Thread(target=second_walk)
    second.start()
    with one_blas_thread():
        first_in.set()
        second_in.wait(10)
    first_out.set()
    second.join()
    assert threadpool_info() == before


def test_affinities_have_the_bits_of_one_product_a_component_however_rows_are_cut():
    random = np.random.default_rng(4)
    rows = unit(random.standard_normal((4001, 300), dtype=np.float32))  # three blocks, the last one odd
    examples = random.standard_normal((5, 300), dtype=np.float32)
    knowledge = core_knowledge(examples, WalkParameters(knowledge="facets", facets_by="each", count=1))
    with one_blas_thread():
        expected = [np.dot(rows, component) for component in knowledge.components]
    assert np.array_equal(component_affinities(rows, knowledge).T, expected)
