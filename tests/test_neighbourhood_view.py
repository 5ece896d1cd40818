"""What the Neighbourhood page shows of an ego graph."""

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.analysis.neighbourhood import ego_of, nodes_frame, on_path, relations
from g2is.app.neighbourhood.graph import _hover
from g2is.config import walk_preset
from g2is.figures.colours import GREY, OKABE_ITO
from g2is.figures.neighbourhood import EDGES, MOST_BETWEEN, NODES, community_colours, ego_figure
from g2is.graph import Path, ego_layout
from g2is.run.run import Run
from tests.app.tiny_run import HOSTILE, make_run

FOCUS = 22


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("hood") / "tiny")


@pytest.fixture(scope="module")
def settings():
    return walk_preset("recommended", facets=4, count=60)


@pytest.fixture(scope="module")
def ego(run, settings):
    return ego_of(run, "sgd", FOCUS, hops=2, most=120, knowledge=settings)


def test_every_node_is_what_the_lists_say(run, settings, ego):
    frame = nodes_frame(run, ego, walks.core_knowledge(run, settings))
    regime = run.regime("sgd")
    own = {relation: set(part["id"]) for relation, part in frame.groupby("relation")}
    assert own["focus"] == {FOCUS}
    assert own["aligned"] == set(regime.neighbors[FOCUS][regime.cosines[FOCUS] > 0])
    assert own["conflict"] == set(regime.conflicts[FOCUS][regime.conflict_cosines[FOCUS] < 0])
    second = {int(other) for row in own["aligned"] for other in regime.neighbors[row]}
    assert own["further"] and own["further"] <= second - own["aligned"]
    membership = run.communities("sgd").membership
    train = frame[frame["kind"] == "train"]
    assert train["community"].tolist() == membership[train["id"]].tolist()
    assert set(frame.loc[frame["leak"] != "", "id"]) == set(train["id"]) & set(run.leaks["sample"])
    assert frame["leak"].iloc[0] == "same text", "sample 22 is the validation example 2"


def test_by_community_no_two_share_a_colour_and_all_else_is_an_outline(run, ego, settings):
    assert community_colours([14, 7, 7, 0, -1]) == [
        OKABE_ITO[2],
        OKABE_ITO[0],
        OKABE_ITO[0],
        OKABE_ITO[1],
        GREY,
    ]
    many = community_colours(range(12))
    assert len(set(many[:7])) == 7 and set(many[7:]) == {GREY}
    nodes = nodes_frame(run, ego, walks.core_knowledge(run, settings))
    colours = community_colours(nodes["community"].tolist())
    hovers = [""] * len(ego)
    figure = ego_figure(ego, ego_layout(ego), nodes["relation"].tolist(), hovers, colours=colours)
    for trace in figure.data:
        if trace.mode == "lines":
            assert trace.line.color == GREY
        elif trace.customdata is not None:
            kinds = set(nodes["kind"].iloc[list(trace.customdata)])
            if kinds != {"train"}:
                assert trace.marker.symbol.endswith("-open") and set(trace.marker.color) == {GREY}


def test_a_path_is_marked_where_it_is_shown(run, settings, ego):
    core = walks.core_knowledge(run, settings)
    nodes = nodes_frame(run, ego, core)
    component = int(nodes["id"][nodes["kind"] == "component"].iloc[0])
    hidden = int(np.setdiff1d(np.arange(len(run.valid)), nodes["id"][nodes["kind"] == "train"])[0])
    path = Path(np.array([FOCUS, hidden, nodes["id"][3]], np.int32), component, np.ones(3, np.float32))
    places = on_path(nodes, path, settings, core)
    assert places[:3] == [0, None, 3]
    assert nodes.loc[places[3], ["kind", "id"]].tolist() == ["component", component]
    relation = nodes["relation"].tolist()
    where = ego_layout(ego)
    line = ego_figure(ego, where, relation, [""] * len(ego), path=places).data[0]
    assert line.name == "on the strongest path" and line.x[1] is None
    assert line.x[2] == pytest.approx(where[3, 0]) and line.y[3] == pytest.approx(where[places[3], 1])

    each = walk_preset("recommended", count=60)
    ego = ego_of(run, "sgd", FOCUS, most=120, knowledge=each)
    core = walks.core_knowledge(run, each)
    nodes = nodes_frame(run, ego, core)
    example = int(nodes["id"][nodes["kind"] == "validation"].iloc[0])
    path = Path(np.array([FOCUS], np.int32), example, np.ones(1, np.float32))
    end = on_path(nodes, path, each, core)[-1]
    assert nodes.loc[end, ["kind", "id"]].tolist() == ["validation", example]


def test_no_two_marks_differ_in_colour_alone():
    assert len({symbol for _, _, symbol, _ in NODES.values()}) == len(NODES)
    assert len({dash for _, dash in EDGES.values()}) == len(EDGES)


def test_the_figure_holds_every_node_and_the_strongest_edges(ego):
    places = ego_layout(ego)
    figure = ego_figure(ego, places, relations(ego), [str(node) for node in range(len(ego))], chosen=3)
    nodes = [trace for trace in figure.data if trace.customdata is not None]
    assert sorted(place for trace in nodes for place in trace.customdata) == list(range(len(ego)))
    for trace in nodes:
        assert list(trace.hovertext) == [str(place) for place in trace.customdata]
        assert np.allclose(trace.x, places[list(trace.customdata), 0])
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    at_focus = (ego.edges["source"] == 0).sum()
    assert len(ego.edges) > at_focus + MOST_BETWEEN, "an ego graph in which the number of edges drawn matters"
    assert sum(len(trace.x) // 3 for trace in lines) == at_focus + MOST_BETWEEN
    for trace in lines:
        assert trace.line.dash == EDGES[trace.name.split()[0]][1]


def test_stronger_edges_are_wider(ego):
    places = ego_layout(ego)
    figure = ego_figure(ego, places, relations(ego), [""] * len(ego))
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    place = {tuple(where): node for node, where in enumerate(places.tolist())}
    cosine = {
        (a, b, kind): abs(cosine)
        for a, b, kind, cosine in ego.edges[["source", "target", "kind", "cosine"]].itertuples(index=False)
    }
    at_focus = []
    for trace in lines:
        ends = np.array([trace.x, trace.y], np.float32).T.reshape(-1, 3, 2)[:, :2]
        for pair in ends.tolist():
            edge = (*(place[tuple(end)] for end in pair), trace.name.split()[0])
            if edge[0] == 0:
                at_focus.append((cosine[edge], trace.line.width))
    strengths, widths = np.array(sorted(at_focus)).T
    assert (np.diff(widths) >= 0).all() and len(set(widths)) > 1
    assert strengths.max() > strengths.min()


def test_hostile_text_is_escaped_where_plotly_shows_it(run, settings):
    ego = ego_of(run, "sgd", 1, knowledge=settings)
    node = next(nodes_frame(run, ego, walks.core_knowledge(run, settings)).itertuples())
    shown = _hover(node, run.communities("sgd").labels)
    assert "<img" not in shown and "&lt;img" in shown
    assert node.text == " ".join(HOSTILE[1].split())
