"""The walk against a plain one written straight from the rules, on random small graphs."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from g2is.config import WalkParameters
from g2is.knowledge import CoreKnowledge, core_knowledge
from g2is.walk import gradient_walk, replay


def cosine(a, b) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def passes(sample: int, members: list[int], direction, rows, p: WalkParameters) -> bool:
    if p.no_conflict and any(rows[sample] @ rows[member] < p.conflict_threshold for member in members):
        return False
    if not p.consistency:
        return True
    new, old = cosine(rows[[*members, sample]].sum(0), direction), cosine(rows[members].sum(0), direction)
    return new >= p.delta * old if p.signed else abs(new) >= p.delta * abs(old)


def plain_walk(rows, neighbors, knowledge: CoreKnowledge, p: WalkParameters, budgets) -> list[int]:
    """Every rule checked from scratch at every step."""
    taken = list(p.pins)
    for k in np.argsort(-knowledge.weights, kind="stable"):
        direction = knowledge.components[k].astype(float)
        members: list[int] = []
        while len(members) < budgets[k]:
            ranked = np.argsort(-(rows @ direction), kind="stable").tolist()
            free = [sample for sample in ranked if sample not in taken and sample not in p.bans]
            near = []
            if members and p.knowledge_coherence:
                near = [sample for sample in neighbors[members[-1]].tolist() if sample in free]
            looked_at = near + free if members else free[:1]
            chosen = next(
                (s for s in looked_at if not members or passes(s, members, direction, rows, p)), None
            )
            if chosen is None:
                break
            members.append(chosen)
            taken.append(chosen)
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
