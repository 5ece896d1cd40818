"""The neighbourhood of an instruction as a graph."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.analysis.neighbourhood import ego_of, nodes_frame
from g2is.app.neighbourhood.trail import go_to
from g2is.app.shared import set_url, url_value, visible
from g2is.config import RegimeName, WalkParameters
from g2is.figures.neighbourhood import MOST_BETWEEN, NODES, community_colours, ego_figure
from g2is.graph import EgoGraph, ego_layout
from g2is.knowledge import CoreKnowledge
from g2is.run.run import Run

CHART = "ego graph"


@dataclass(frozen=True)
class View:
    """The part of the graph to show. community: only instructions of this one; None for all."""

    regime: RegimeName
    hops: int
    most: int
    floor: float
    community: int | None


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """An ego graph with its layout. nodes: see `nodes_frame`. places: (k, 2) coordinates of the nodes."""

    ego: EgoGraph
    nodes: pd.DataFrame
    places: NDArray[np.float32]


def neighbourhood(run: Run, focus: int, view: View, knowledge: WalkParameters) -> Neighbourhood:
    """The neighbourhood of an instruction that has a gradient; cached, so that going back is quick."""
    key = f"{run.state} {knowledge.knowledge_key}"
    return _neighbourhood(run, key, focus, view, knowledge)


@st.cache_resource(max_entries=128, show_spinner=False)
def _neighbourhood(_run: Run, key: str, focus: int, view: View, _knowledge: WalkParameters) -> Neighbourhood:
    membership = _run.communities(view.regime).membership
    ego = ego_of(
        _run,
        view.regime,
        focus,
        hops=view.hops,
        most=view.most,
        floor=view.floor,
        knowledge=_knowledge,
        members=None if view.community is None else membership == view.community,
    )
    knowledge: CoreKnowledge = walks.core_knowledge(_run, _knowledge.replace(regime=view.regime))
    return Neighbourhood(ego, nodes_frame(_run, ego, knowledge), ego_layout(ego))


def chosen_node(around: Neighbourhood) -> int | None:
    """The node that the URL names, such as validation-3; None if it is not shown."""

    def read(text: str) -> tuple[str, int]:
        if not re.fullmatch(r"(train|validation|component)-\d{1,9}", text):
            raise ValueError("expected train, validation or component with a number, such as validation-3")
        kind, _, row = text.partition("-")
        return kind, int(row)

    asked = url_value("node", None, read)
    if asked is None:
        return None
    here = np.flatnonzero((around.nodes["kind"] == asked[0]) & (around.nodes["id"] == asked[1]))
    return int(here[0]) if here.size else None


def show_graph(
    run: Run,
    around: Neighbourhood,
    chosen: int | None,
    trail: tuple[int, ...],
    knowledge: WalkParameters,
    *,
    by_community: bool,
    path: list[int | None],
) -> None:
    """Show the graph. A click makes an instruction the focus and chooses any other node. path: see `on_path`."""
    nodes = around.nodes

    def click() -> None:
        points = st.session_state[CHART]["selection"]["points"]
        place = np.ravel(points[0].get("customdata", -1))[0] if points else -1
        if place < 0:
            return
        node = nodes.iloc[int(place)]
        if node.kind == "train":
            go_to(int(node.id), trail)
        else:
            set_url(node=f"{node.kind}-{node.id}")

    labels = run.communities(around.ego.regime).labels
    figure = ego_figure(
        around.ego,
        around.places,
        nodes["relation"].tolist(),
        [_hover(node, labels) for node in nodes.itertuples()],
        labels=[_label(node, by_community) for node in nodes.itertuples()],
        colours=community_colours(nodes["community"].tolist()) if by_community else None,
        ringed=np.flatnonzero(nodes["leak"] != "").tolist(),
        chosen=chosen,
        path=path,
    )
    st.plotly_chart(
        figure,
        key=CHART,
        on_select=click,
        selection_mode="points",
        config={"displayModeBar": False, "scrollZoom": False, "doubleClick": "reset"},
        alt="The instruction in focus and what is near it",
    )
    directions = "dash-dotted, to a target direction; "
    each = ""
    if knowledge.facet_per_example:
        directions = ""
        each = " Each validation example is a target direction here, so it is drawn once."
    colour = ""
    if by_community:
        colour = " Number and colour are those of the community; beyond the seven commonest all are grey."
    st.caption(
        "Close together means alike. Lines: solid, aligned; dashed, in conflict; dotted, to a validation example; "
        f"{directions}the thicker, the larger the cosine. Faint ones are the strongest {MOST_BETWEEN} between the "
        f"others.{each}{colour} **Click** an instruction to go there; drag to move."
    )


def _label(node: Any, by_community: bool) -> str:
    if by_community:
        return str(node.community) if node.community >= 0 else ""
    return f"{node.id}" if node.kind == "component" or node.relation == "focus" else ""


def _hover(node: Any, labels: tuple[str, ...]) -> str:
    """What a node is, as HTML; Plotly shows tags of text from data unless they are escaped."""
    name = {"train": "instruction", "validation": "validation example", "component": "target direction"}[
        node.kind
    ]
    lines = [f"<b>{name} {node.id:,}</b>"]
    if node.relation != "focus":
        lines.append(f"{NODES[node.relation][0]}, cosine {node.cosine:.3g}")
    if node.community >= 0:
        lines.append(f"community {node.community}: {escape(visible(labels[node.community]))}")
    if node.leak:
        lines.append(f"<b>possible leak</b> ({node.leak})")
    lines += [escape(line) for line in wrap(visible(node.text)[:200], 60)]
    return "<br>".join(lines)
