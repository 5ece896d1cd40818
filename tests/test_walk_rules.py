"""The walk against a plain one written straight from the rules, on random small graphs."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from g2is.config import WalkParameters
from g2is.knowledge import CoreKnowledge, core_knowledge
from g2is.walk import gradient_walk, replay


def plain_walk(rows, neighbors, knowledge: CoreKnowledge, p: WalkParameters, budgets) -> list[int]:
    def cosine(a, b):
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))

    taken = list(p.pins)
    for k in np.argsort(-knowledge.weights, kind="stable"):
        direction, members = knowledge.components[k].astype(float), []
        affinity = rows @ direction

        def passes(g):
            if p.no_conflict and any(rows[g] @ rows[s] < p.conflict_threshold for s in members):
                return False
            if not p.consistency:
                return True
            old, new = rows[members].sum(0), rows[members + [g]].sum(0)
            a, b = cosine(new, direction), cosine(old, direction)
            return a >= p.delta * b if p.signed else abs(a) >= p.delta * abs(b)

        while len(members) < budgets[k]:
            free = [g for g in np.argsort(-affinity, kind="stable") if g not in taken and g not in p.bans]
            if not members:
                chosen = free[:1]
            else:
                near = [g for g in neighbors[members[-1]] if g in free] if p.knowledge_coherence else []
                chosen = [g for g in near if passes(g)][:1] or [g for g in free if passes(g)][:1]
            if not chosen:
                break
            members.append(int(chosen[0]))
            taken.append(int(chosen[0]))
    return taken


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_it_takes_what_the_rules_say(data):
    seed = data.draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    n, d = data.draw(st.integers(8, 40)), data.draw(st.integers(2, 8))
    rows = random.normal(size=(n, d)) + data.draw(st.sampled_from([0, 0.3, 1])) * random.normal(size=d)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -2)
    neighbors = np.argsort(-cosines, axis=1, kind="stable")[:, :5].astype(np.int32)
    validation = random.normal(size=(9, d)).astype(np.float32)
    p = WalkParameters(
        count=data.draw(st.integers(2, n)),
        knowledge=data.draw(st.sampled_from(["principal", "facets"])),
        facets=3,
        orient=data.draw(st.booleans()),
        delta=data.draw(st.sampled_from([0.0, 0.8, 0.95, 1.0])),
        conflict_threshold=data.draw(st.sampled_from([0.0, -0.3, 0.1])),
        knowledge_coherence=data.draw(st.booleans()),
        no_conflict=data.draw(st.booleans()),
        consistency=data.draw(st.booleans()),
        pins=(1,) if data.draw(st.booleans()) else (),
        bans=(2, 5) if data.draw(st.booleans()) else (),
    )
    knowledge = core_knowledge(validation, p)
    trace = gradient_walk(rows, neighbors, np.take_along_axis(cosines, neighbors, 1), knowledge, p)
    expected = plain_walk(rows.astype(float), neighbors, knowledge, p, trace.budgets)
    assert replay(trace).tolist() == expected
