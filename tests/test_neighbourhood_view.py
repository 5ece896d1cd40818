"""What the Neighbourhood page shows of an ego graph."""

import re

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.analysis.neighbourhood import RELATIONS, ego_of, nodes_frame, on_path, relations
from g2is.analysis.step_graphs import DrawnGraph
from g2is.app.neighbourhood.graph import View, graph_part, neighbourhood
from g2is.app.shared.graph.parts import EDGES, MOST_BETWEEN, drawn_edges, graphs_part
from g2is.config import walk_preset
from g2is.figures.colours import GREY, OKABE_ITO, community_colours
from g2is.figures.symbols import SYMBOLS
from g2is.graph import Path, ego_layout
from g2is.run.run import Run
from tests.app.serving import ROOT
from tests.app.test_map_page import unpack
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


def test_by_community_no_two_share_a_colour_and_all_else_has_none(run, settings):
    assert community_colours([14, 7, 7, 0, -1]) == [
        OKABE_ITO[2],
        OKABE_ITO[0],
        OKABE_ITO[0],
        OKABE_ITO[1],
        GREY,
    ]
    many = community_colours(range(12))
    assert len(set(many[:7])) == 7 and set(many[7:]) == {GREY}
    around = neighbourhood(run, FOCUS, View("sgd", 2, 120, 0.0, None), settings)
    options = {"path": None, "path_text": ""}
    part = unpack(graph_part(run, around, None, by_community=True, **options))
    membership = run.communities("sgd").membership
    train = around.nodes["id"][around.nodes["kind"] == "train"].tolist()
    assert part["labels"] == {str(row): str(membership[row]) for row in train}
    colours = dict(zip(train, community_colours(membership[train].tolist()), strict=True))
    assert part["colours"] == {str(row): colour for row, colour in colours.items()}
    plain = unpack(graph_part(run, around, None, by_community=False, **options))
    assert plain["labels"] == plain["colours"] == {}


def test_a_path_is_marked_where_it_is_shown(run, settings, ego):
    core = walks.core_knowledge(run, settings)
    nodes = nodes_frame(run, ego, core)
    component = int(nodes["id"][nodes["kind"] == "component"].iloc[0])
    hidden = int(np.setdiff1d(np.arange(len(run.valid)), nodes["id"][nodes["kind"] == "train"])[0])
    path = Path(np.array([FOCUS, hidden, nodes["id"][3]], np.int32), component, np.ones(3, np.float32))
    places = on_path(nodes, path, settings, core)
    assert places[:3] == [0, None, 3]
    assert nodes.loc[places[3], ["kind", "id"]].tolist() == ["component", component]
    around = neighbourhood(run, FOCUS, View("sgd", 2, 120, 0.0, None), settings)
    part = unpack(graph_part(run, around, None, by_community=False, path=places, path_text="so long"))
    third = int(nodes["id"][3])
    assert part["path"] == [FOCUS, None, third, f"direction {component}"] and part["pathText"] == "so long"
    part = unpack(graph_part(run, around, None, by_community=False, path=None, path_text=""))
    assert part["path"] is None

    each = walk_preset("recommended", count=60)
    ego = ego_of(run, "sgd", FOCUS, most=120, knowledge=each)
    core = walks.core_knowledge(run, each)
    nodes = nodes_frame(run, ego, core)
    example = int(nodes["id"][nodes["kind"] == "validation"].iloc[0])
    path = Path(np.array([FOCUS], np.int32), example, np.ones(1, np.float32))
    end = on_path(nodes, path, each, core)[-1]
    assert nodes.loc[end, ["kind", "id"]].tolist() == ["validation", example]


def test_no_two_marks_differ_in_colour_alone():
    script = (ROOT / "g2is" / "app" / "shared" / "graph" / "marks.js").read_text()
    nodes = dict(
        re.findall(
            r"^  (\w+): \{ shape: (.*?), radius: .*?\}",
            re.search(r"const NODES = \{(.*?)\n\}", script, re.DOTALL)[1],
            re.MULTILINE,
        )
    )
    assert list(nodes) == list(RELATIONS)
    circles = {name for name, shape in nodes.items() if shape == '"circle"'}
    assert circles == {"focus", "aligned", "further"}, "instructions; one is larger and ringed, one is open"
    for name in set(nodes) - circles:
        assert nodes[name] == f"{name}.shape", "of the symbol that all pages share"
    assert len({SYMBOLS[name].shape for name in set(nodes) - circles} | {"circle"}) == len(nodes) - 2
    dashes = re.search(r"const DASHES = \{(.*?) \}", script)[1]
    lines = re.findall(r"(\w+): (\[[^\]]*\])", dashes)
    assert [name for name, _ in lines] == list(EDGES) and len({dash for _, dash in lines}) == len(EDGES)


def test_a_part_holds_every_node_and_the_strongest_edges(ego):
    drawn = DrawnGraph(ego, relations(ego), ego_layout(ego))
    part = unpack(graphs_part("c", "graphs", {"more": 1}, {FOCUS: drawn, 7: None}))
    assert part["more"] == 1 and part["missing"] == [7]
    at_focus = int((ego.edges["source"] == 0).sum())
    assert len(ego.edges) > at_focus + MOST_BETWEEN, "an ego graph in which the number of edges drawn matters"
    count = at_focus + MOST_BETWEEN
    assert part["graphs"] == [{"focus": FOCUS, "nodes": len(ego), "edges": count, "total": ego.total}]
    assert part["row"].tolist() == ego.nodes["id"].tolist()
    assert [part["relations"][code] for code in part["relation"]] == relations(ego)
    assert np.allclose(np.stack([part["x"], part["y"]], axis=1), drawn.places)
    cosine = {
        (a, b, kind): abs(cosine)
        for a, b, kind, cosine in ego.edges[["source", "target", "kind", "cosine"]].itertuples(index=False)
    }
    sent = [
        ((int(a), int(b), part["kinds"][kind]), int(strength))
        for a, b, kind, strength in zip(
            part["source"], part["target"], part["edge"], part["strength"], strict=True
        )
    ]
    assert len({edge for edge, _ in sent}) == count
    for edge, strength in sent:
        assert strength == pytest.approx(255 * min(1, cosine[edge]), abs=0.51)
    left_out = [value for edge, value in cosine.items() if edge not in dict(sent) and edge[0] != 0]
    assert max(left_out) <= min(cosine[edge] for edge, _ in sent if edge[0] != 0)
    assert sent[-1][0][0] == 0 and sent[0][0][0] != 0, "those at the focus are drawn last"
    assert drawn_edges(ego).index.is_unique


def test_graphs_of_one_part_follow_each_other(run, settings):
    focuses = (3, 30, 31)
    egos = {row: ego_of(run, "sgd", row, most=20, knowledge=settings) for row in focuses}
    drawn = {row: DrawnGraph(ego, relations(ego), ego_layout(ego)) for row, ego in egos.items()}
    part = unpack(graphs_part("c", "graphs", {}, drawn))
    assert [graph["focus"] for graph in part["graphs"]] == list(focuses)
    assert part["row"].tolist() == [row for ego in egos.values() for row in ego.nodes["id"].tolist()]
    assert part["source"].size == sum(graph["edges"] for graph in part["graphs"])
    assert unpack(graphs_part("c", "graphs", {}, {5: None}))["row"].size == 0


def test_hostile_text_is_sent_as_it_is_and_long_texts_are_cut(run, settings):
    """The browser sets it as text, never as HTML; see `dom.js`."""
    around = neighbourhood(run, 1, View("sgd", 1, 60, 0.0, None), settings)
    part = unpack(graph_part(run, around, None, by_community=False, path=None, path_text=""))
    assert part["texts"]["1"]["prompt"] == HOSTILE[1]
    rows = around.nodes["id"][around.nodes["kind"] == "train"]
    assert set(part["texts"]) == set(rows.astype(str)) == set(part["notes"])
    examples = {str(row) for row in around.nodes["id"][around.nodes["kind"] == "validation"]}
    assert examples <= set(part["examples"])
    for row in around.nodes["id"][around.nodes["kind"] == "component"]:
        assert str(part["directions"][row]) in part["examples"]
