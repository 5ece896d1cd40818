"""The graph as arrays, around a sample, along its strongest paths, and for other programs."""

import re
import shutil
from pathlib import Path
from typing import Any

import igraph
import networkx
import numpy as np
import pandas as pd
import pytest

from g2is.analysis import walks
from g2is.analysis.mixed import mixed_graph, write_graphml
from g2is.analysis.neighbourhood import ego_of, strongest_path
from g2is.arrays.unit import unit
from g2is.cli import main
from g2is.config import WalkParameters, walk_preset
from g2is.errors import InputError
from g2is.graph import ego_layout
from g2is.graph.edges import aligned_edges, conflict_edges, nearest_rows
from g2is.graph.ego import APART, EgoGraph
from g2is.graph.neighbors import exact_neighbors
from g2is.graph.paths import find_path, spanning_forest, strongest_to_all
from g2is.run.run import Run
from tests.app.tiny_run import INVALID, POOL, VALIDATION, make_run

KNOWLEDGE = walk_preset("recommended", facets=4, count=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("graph") / "run")


def lists_of(count: int, dim: int, *, neighbors: int = 5, seed: int = 0):
    rows = unit(np.random.default_rng(seed).standard_normal((count, dim)))
    valid = np.random.default_rng(seed).random(count) > 0.05
    rows[~valid] = 0
    lists = exact_neighbors(rows, valid, neighbors=neighbors, conflicts=3)
    return rows, valid, lists


def test_every_edge_is_there_once_whoever_lists_it():
    rows, valid, lists = lists_of(60, 4)
    for found, listed, cosines, sign in (
        (aligned_edges(lists.neighbors, lists.cosines, valid), lists.neighbors, lists.cosines, 1),
        (
            conflict_edges(lists.conflicts, lists.conflict_cosines, valid),
            lists.conflicts,
            lists.conflict_cosines,
            -1,
        ),
    ):
        expected = {
            (min(a, int(b)), max(a, int(b)))
            for a in np.flatnonzero(valid)
            for b, cosine in zip(listed[a], cosines[a], strict=True)
            if sign * cosine > 0
        }
        edges, values = found
        assert list(map(tuple, edges.tolist())) == sorted(expected)
        np.testing.assert_allclose(values, np.sum(rows[edges[:, 0]] * rows[edges[:, 1]], axis=1), atol=1e-6)


def test_lists_made_elsewhere_give_no_edge_to_itself_or_to_an_invalid_sample():
    neighbors = np.array([[0, 1], [2, 0], [1, -1]], np.int32)
    cosines = np.array([[1, 0.5], [0.9, 0.5], [0.9, 0]], np.float32)
    edges, values = aligned_edges(neighbors, cosines, np.array([True, True, False]))
    assert edges.tolist() == [[0, 1]] and values.tolist() == [0.5]


@pytest.mark.parametrize("block", [3, 7, 1000])
def test_nearest_rows_are_exact_to_the_last_tie(block):
    random = np.random.default_rng(0)
    cosines = (random.integers(-3, 4, (40, 6)) / 4).astype(np.float32)
    cosines[5] = -0.0
    valid = random.random(40) > 0.2
    rows, values = nearest_rows(cosines, valid, 9, block=block)
    for column in range(6):
        expected = sorted(np.flatnonzero(valid), key=lambda row: (-cosines[row, column], row))[:9]
        assert rows[column].tolist() == expected
        np.testing.assert_array_equal(values[column], cosines[expected, column])
    assert nearest_rows(cosines, valid, 99)[0].shape == (6, valid.sum())


def strengths(rows: np.ndarray, valid, lists) -> np.ndarray:
    """(n, n) strongest path between any two samples, by Floyd and Warshall."""
    best = np.zeros((len(rows), len(rows)))
    for (a, b), cosine in zip(*aligned_edges(lists.neighbors, lists.cosines, valid), strict=True):
        best[a, b] = best[b, a] = cosine
    np.fill_diagonal(best, 1)
    for middle in range(len(rows)):
        best = np.maximum(best, np.minimum(best[:, middle, None], best[None, middle]))
    return best


@pytest.mark.parametrize("seed", range(3))
def test_the_forest_holds_the_strongest_paths(seed):
    rows, valid, lists = lists_of(50, 3, neighbors=2, seed=seed)
    forest = spanning_forest(lists.neighbors, lists.cosines, valid)
    assert (np.diff(forest[1]) <= 0).all() and len(forest[0]) < len(rows)
    expected = strengths(rows, valid, lists)
    assert (expected == 0).any(), "some are out of reach"
    for sample in range(len(rows)):
        np.testing.assert_allclose(strongest_to_all(*forest, sample, len(rows)), expected[sample], atol=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_a_path_is_the_strongest_and_of_those_the_shortest(seed):
    rows, valid, lists = lists_of(50, 3, neighbors=3, seed=seed)
    components = unit(np.random.default_rng(seed + 9).standard_normal((2, 3)))
    affinities = rows @ components.T
    forest = spanning_forest(lists.neighbors, lists.cosines, valid)
    best = strengths(rows, valid, lists)
    edges, cosines = aligned_edges(lists.neighbors, lists.cosines, valid)
    for sample in np.flatnonzero(valid):
        path = find_path(lists.neighbors, lists.cosines, valid, forest, affinities, int(sample))
        expected = np.minimum(best[sample], affinities.max(axis=1)).max()
        if expected <= 0:
            assert path is None
            continue
        assert path is not None and path.strength == pytest.approx(expected, abs=1e-6)
        assert path.cosines[path.bottleneck] == path.cosines.min() and path.samples[0] == sample
        strong = igraph.Graph(n=50, edges=edges[cosines >= path.strength - 1e-7].tolist())
        ends = np.flatnonzero(affinities.max(axis=1) >= path.strength - 1e-7)
        assert len(path) - 1 == min(strong.distances(int(sample), ends.tolist())[0])
        for a, b, cosine in zip(path.samples, path.samples[1:], path.cosines, strict=False):
            assert strong.are_adjacent(int(a), int(b)) and cosine == pytest.approx(
                rows[a] @ rows[b], abs=1e-6
            )
        assert path.cosines[-1] == affinities[path.samples[-1], path.component]


def test_a_forest_of_another_graph_is_rejected():
    _, valid, lists = lists_of(50, 3)
    alone = np.full_like(lists.neighbors, -1)
    forest = spanning_forest(lists.neighbors, lists.cosines, valid)
    affinities = np.full((50, 1), -1, np.float32)
    affinities[forest[0][0, 1]] = 1
    with pytest.raises(InputError, match="forest"):
        find_path(alone, np.zeros_like(lists.cosines), valid, forest, affinities, int(forest[0][0, 0]))


def test_what_the_documentation_does_from_python_works(run, tmp_path, monkeypatch):
    text = (Path(__file__).parents[1] / "docs" / "using.md").read_text()
    [program] = [
        found for found in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "walk_preset" in found
    ]
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run.folder, tmp_path / "cache" / "demo")  # it adds a set
    names: dict[str, Any] = {}
    exec(program, names)
    assert len(names["trace"].samples) > 0
    assert igraph.Graph.Read_GraphML("demo.graphml").vcount() == names["graph"].vcount()


def test_a_runs_own_path_ends_at_its_own_component(run):
    path = strongest_path(run, "sgd", 30, KNOWLEDGE)
    assert path is not None and path.samples[0] == 30
    assert path.cosines[-1] == walks.affinities(run, KNOWLEDGE)[path.samples[-1], path.component]
    for sample in (INVALID, -1, POOL):
        with pytest.raises(InputError, match=f"instruction {sample}"):
            strongest_path(run, "sgd", sample, KNOWLEDGE)


@pytest.mark.parametrize("hops", [1, 2])
@pytest.mark.parametrize("most, floor", [(150, 0.0), (150, 0.3), (20, 0.0), (2, 0.9)])
def test_an_ego_graph_holds_what_is_near_and_says_how_much_there_is(run, hops, most, floor):
    focus = 30
    ego = ego_of(run, "sgd", focus, hops=hops, most=most, floor=floor, knowledge=KNOWLEDGE)
    graph, core = run.regime("sgd"), walks.core_knowledge(run, KNOWLEDGE)
    rows = unit(graph.gradients.astype(np.float32))

    def listed(row: int) -> set[int]:
        return set(graph.neighbors[row][graph.cosines[row] > floor].tolist())

    near = listed(focus)
    conflicts = set(graph.conflicts[focus][graph.conflict_cosines[focus] < 0].tolist())
    far = set().union(*map(listed, near)) - near - conflicts - {focus} if hops == 2 else set()
    validation = set(np.flatnonzero(graph.validation_cosines[focus] > floor).tolist())
    components = set(np.flatnonzero(core.components @ rows[focus] > floor).tolist())
    assert ego.total == 1 + len(near | far | conflicts) + len(validation) + len(components)
    assert len(ego) == min(most, ego.total)

    nodes = ego.nodes
    assert nodes.iloc[0][["kind", "id", "hop"]].tolist() == ["train", focus, 0]
    samples = nodes[nodes["kind"] == "train"]
    assert set(samples["id"]) <= near | far | conflicts | {focus} and samples["id"].is_unique
    assert set(samples.loc[samples["hop"] == 2, "id"]) <= far
    assert set(nodes.loc[nodes["kind"] == "validation", "id"]) <= validation
    assert set(nodes.loc[nodes["kind"] == "component", "id"]) <= components
    np.testing.assert_allclose(samples["cosine"], rows[samples["id"]] @ rows[focus], atol=1e-5)
    if most == 20:
        shown = {kind: len(some) for kind, some in nodes.groupby("kind")}
        assert shown["validation"] >= 2 and shown["component"] >= 1 and conflicts <= set(samples["id"])

    vectors = {"train": rows, "validation": unit(run.validation_gradients), "component": core.components}
    seen = set()
    for source, target, kind, cosine in ego.edges.itertuples(index=False):
        (a, i), (b, j) = (nodes.loc[place, ["kind", "id"]] for place in (source, target))
        assert cosine == pytest.approx(vectors[a][i] @ vectors[b][j], abs=1e-3)  # half precision
        assert {"aligned": "train", "conflict": "train", "validation": "validation", "affinity": "component"}[
            kind
        ] == b
        if kind in ("aligned", "conflict"):
            lists = graph.neighbors if kind == "aligned" else graph.conflicts
            assert j in lists[i] or i in lists[j]
            assert cosine > floor if kind == "aligned" else cosine < 0
        seen.add((source, target))
    assert len(seen) == len(ego.edges)
    linked = igraph.Graph(n=len(ego), edges=ego.edges[["source", "target"]].to_numpy().tolist())
    assert linked.is_connected()
    for a in samples.index:
        for b in samples.index[samples.index > a]:
            i, j = nodes.loc[a, "id"], nodes.loc[b, "id"]
            assert ((a, b) in seen) == (j in listed(i) or i in listed(j) or _conflict(graph, i, j))


def _conflict(graph, i: int, j: int) -> bool:
    return any(b in graph.conflicts[a][graph.conflict_cosines[a] < 0] for a, b in ((i, j), (j, i)))


def test_the_nearest_come_first(run):
    ego = ego_of(run, "sgd", 30, most=8)
    graph = run.regime("sgd")
    aligned = ego.nodes[(ego.nodes["kind"] == "train") & (ego.nodes["cosine"] > 0)]["id"].tolist()
    assert aligned == [30, *graph.neighbors[30][: len(aligned) - 1]]
    assert "component" not in set(ego.nodes["kind"]), "none without a core knowledge"


@pytest.mark.parametrize("hops", [1, 2])
def test_an_ego_graph_of_some_samples_is_filled_up_with_those(run, hops):
    members = np.arange(POOL) % 2 == 1
    everyone = ego_of(run, "sgd", 30, hops=hops, most=150)
    ego = ego_of(run, "sgd", 30, hops=hops, most=10, members=members)
    samples = ego.nodes[ego.nodes["kind"] == "train"]["id"].to_numpy()
    assert members[samples[1:]].all() and samples[0] == 30 and len(ego) == min(10, ego.total)
    linked = igraph.Graph(n=len(ego), edges=ego.edges[["source", "target"]].to_numpy().tolist())
    assert linked.is_connected()
    graph = run.regime("sgd")
    near = [row for row in graph.neighbors[30].tolist() if members[row]]
    assert samples[1 : 1 + len(near)].tolist() == near
    assert ego.total < everyone.total


def test_an_example_that_is_a_component_is_one_node(run):
    each = walk_preset("recommended", count=1)
    assert each.facet_per_example and not KNOWLEDGE.facet_per_example
    ego = ego_of(run, "sgd", 30, most=150, knowledge=each)
    assert set(ego.nodes["kind"]) == {"train", "validation"}
    assert ego.total == ego_of(run, "sgd", 30, most=150).total


def test_nodes_of_a_tight_neighbourhood_are_drawn_apart():
    """Forty samples in one spot, and ten conflicts far from it."""
    edges = [(a, b, "aligned", 0.95) for a in range(40) for b in range(a + 1, 40)]
    edges += [(0, b, "conflict", -0.1) for b in range(40, 50)]
    nodes = pd.DataFrame({"kind": "train", "id": range(50)})
    columns = ["source", "target", "kind", "cosine"]
    ego = EgoGraph("sgd", 0, nodes, pd.DataFrame(edges, columns=columns), 50)
    places = ego_layout(ego)
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert distances.min() > 0.8 * APART
    away = np.linalg.norm(places, axis=1)
    assert away[40:].min() > away[:40].mean() and away.max() == pytest.approx(1)


@pytest.mark.parametrize(
    "wrong", [{"focus": INVALID}, {"focus": POOL}, {"hops": 3}, {"most": 151}, {"most": 1}, {"floor": -0.1}]
)
def test_an_ego_graph_of_nothing_is_refused(run, wrong):
    with pytest.raises(InputError, match="expected"):
        ego_of(run, "sgd", **{"focus": 30, **wrong})


def test_an_ego_graph_is_laid_out_around_its_focus(run):
    ego = ego_of(run, "sgd", 30, hops=2, knowledge=KNOWLEDGE)
    places = ego_layout(ego, seed=3)
    assert places.shape == (len(ego), 2) and places.dtype == np.float32
    assert places[0].tolist() == [0, 0]
    distances = np.linalg.norm(places, axis=1)
    assert distances.max() == pytest.approx(1) and len(np.unique(places, axis=0)) == len(ego)
    np.testing.assert_array_equal(places, ego_layout(ego, seed=3))
    assert not np.array_equal(places, ego_layout(ego, seed=4))


def test_the_mixed_graph_holds_every_kind_of_node_and_edge(run):
    graph = mixed_graph(run)
    regime, core = run.regime("sgd"), walks.core_knowledge(run, walk_preset("recommended", count=1))
    kinds = {"train": POOL, "validation": VALIDATION, "component": len(core)}
    assert {kind: graph.vs["kind"].count(kind) for kind in kinds} == kinds
    assert graph.vs[POOL + 3]["name"] == "validation 3" and graph.vs.find(name="train 12")["row"] == 12
    assert graph.vs[0]["source"] == "first.jsonl" and graph.vs[POOL - 1]["line"] == POOL // 2
    membership = run.communities("sgd").membership
    assert graph.vs[12]["community"] == membership[12] and graph.vs[INVALID]["community"] is None
    assert graph.degree(INVALID) == 0 and not graph.is_directed() and graph.is_simple()
    assert sum(graph.vs["weight"][-len(core) :]) == pytest.approx(1)

    vectors = np.vstack(
        [regime.gradients.astype(np.float32), unit(run.validation_gradients), core.components]
    )
    ends = np.array(graph.get_edgelist())
    np.testing.assert_allclose(
        graph.es["cosine"], np.sum(vectors[ends[:, 0]] * vectors[ends[:, 1]], axis=1), atol=2e-3
    )
    pairs = {
        "aligned": ("train", "train"),
        "conflict": ("train", "train"),
        "validation": ("train", "validation"),
        "affinity": ("train", "component"),
        "loading": ("validation", "component"),
    }
    for edge in graph.es:
        assert tuple(graph.vs[end]["kind"] for end in edge.tuple) == pairs[edge["kind"]]
    assert set(graph.es["kind"]) == set(pairs)
    assert len(graph.es.select(kind="aligned")) == len(
        aligned_edges(regime.neighbors, regime.cosines, run.valid)[0]
    )
    for kind, count in (("validation", VALIDATION), ("affinity", len(core))):
        assert len(graph.es.select(kind=kind)) == 10 * count
    fewer = mixed_graph(run, neighbors=2, conflicts=1, links=1, knowledge=KNOWLEDGE)
    assert (
        len(fewer.es.select(kind="aligned")) <= 2 * POOL
        and len(fewer.es.select(kind="validation")) == VALIDATION
    )


def test_graphml_comes_back_as_it_was_whatever_the_texts_hold(run, tmp_path):
    graph = mixed_graph(run)
    write_graphml(graph, tmp_path / "graph.graphml")
    back = igraph.Graph.Read_GraphML(str(tmp_path / "graph.graphml"))
    for attribute in ("name", "kind", "text", "source", "community_label", "target", "valid"):
        assert back.vs[attribute] == graph.vs[attribute], attribute
    assert back.es["kind"] == graph.es["kind"] and back.get_edgelist() == graph.get_edgelist()
    np.testing.assert_allclose(back.es["cosine"], graph.es["cosine"], rtol=1e-12)
    other = networkx.read_graphml(tmp_path / "graph.graphml")
    assert (
        other.nodes["n2"]["text"] == graph.vs[2]["text"] and "\ufffd null \ufffd end" in graph.vs[2]["text"]
    )
    assert "community" not in other.nodes[f"n{INVALID}"]


def test_the_command_writes_the_graph(run, tmp_path, capsys):
    output = tmp_path / "out.graphml"
    assert main(["graph", str(run.folder), "--output", str(output), "--neighbors", "3"]) == 0
    graph = igraph.Graph.Read_GraphML(str(output))
    assert f"{graph.vcount():,} vertices and {graph.ecount():,} edges" in capsys.readouterr().err
    for wrong, said in (
        (["--neighbors", "0"], "neighbors = 0: expected 1 or more"),
        (["--regime", "adam"], "keeps sgd"),
        (["--output", str(tmp_path)], "is a folder"),
    ):
        elsewhere = [] if "--output" in wrong else ["--overwrite", "--output", str(output)]
        assert main(["graph", str(run.folder), *elsewhere, *wrong]) == 2
        assert said in capsys.readouterr().err


def test_a_run_without_the_stage_names_the_command(tmp_path):
    run = make_run(tmp_path / "old")
    for stage in ("layout", "communities", "targets"):
        del run.manifest.stages[stage]
    run.manifest.parts.clear()
    assert not run.complete and run.layouts == ()
    parameters: WalkParameters = KNOWLEDGE
    for ask in (
        lambda: run.layout("pca", "sgd"),
        lambda: run.communities("sgd"),
        lambda: run.leaks,
        lambda: strongest_path(run, "sgd", 3, parameters),
        lambda: mixed_graph(run),
    ):
        with pytest.raises(InputError, match=r"not built yet; .*g2is build --run old"):
            ask()
    assert len(ego_of(run, "sgd", 3)) > 1, "a neighbourhood needs the graph alone"
    assert isinstance(Path(run.folder), Path)
