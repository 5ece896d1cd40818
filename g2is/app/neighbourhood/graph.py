"""The neighbourhood of a sample as a graph, and below it as a table: what is chosen in one is marked in the other."""

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
from g2is.app.shared import number, set_url, url_value, visible
from g2is.config import RegimeName, WalkParameters
from g2is.figures.neighbourhood import MOST_BETWEEN, NODES, community_colours, ego_figure
from g2is.graph import EgoGraph, ego_layout
from g2is.knowledge import CoreKnowledge
from g2is.run.run import Run

CHART = "ego graph"
TABLE = "ego table"
MARKS = {
    "focus": "◆ focus",
    "aligned": "● aligned",
    "further": "○ two hops",
    "conflict": "✕ conflict",
    "validation": "■ validation",
    "component": "★ component",
}


@dataclass(frozen=True)
class Wanted:
    """What of the graph to show. community: only samples of this one; None for all."""

    regime: RegimeName
    hops: int
    most: int
    floor: float
    community: int | None


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """An ego graph ready to be shown. nodes: see `nodes_frame`. places: (k, 2)."""

    ego: EgoGraph
    nodes: pd.DataFrame
    places: NDArray[np.float32]


def neighbourhood(run: Run, focus: int, wanted: Wanted, knowledge: WalkParameters) -> Neighbourhood:
    """Around a sample that has a gradient; kept for a while, so that going back is quick."""
    # The hash is of gradients and graph alone; communities and leaks may be found anew in the same run.
    stages = run.manifest.stages
    views = [stages[name].model_dump_json() for name in ("communities", "leaks") if name in stages]
    key = " ".join([run.hash, *views, knowledge.knowledge_key])
    return _neighbourhood(run, key, focus, wanted, knowledge)


@st.cache_resource(max_entries=128, show_spinner=False)
def _neighbourhood(
    _run: Run, key: str, focus: int, wanted: Wanted, _knowledge: WalkParameters
) -> Neighbourhood:
    membership = _run.communities(wanted.regime).membership
    ego = ego_of(
        _run,
        wanted.regime,
        focus,
        hops=wanted.hops,
        most=wanted.most,
        floor=wanted.floor,
        knowledge=_knowledge,
        members=None if wanted.community is None else membership == wanted.community,
    )
    knowledge: CoreKnowledge = walks.core_knowledge(_run, _knowledge.replace(regime=wanted.regime))
    return Neighbourhood(ego, nodes_frame(_run, ego, knowledge), ego_layout(ego))


def chosen_node(found: Neighbourhood) -> int | None:
    """The node that the URL names, such as validation-3, where it is shown."""

    def read(text: str) -> tuple[str, int]:
        if not re.fullmatch(r"(train|validation|component)-\d{1,9}", text):
            raise ValueError("expected train, validation or component with a number, such as validation-3")
        kind, _, row = text.partition("-")
        return kind, int(row)

    asked = url_value("node", None, read)
    if asked is None:
        return None
    here = np.flatnonzero((found.nodes["kind"] == asked[0]) & (found.nodes["id"] == asked[1]))
    return int(here[0]) if here.size else None


def show_graph(
    run: Run,
    found: Neighbourhood,
    chosen: int | None,
    trail: tuple[int, ...],
    knowledge: WalkParameters,
    *,
    by_community: bool,
    path: list[int | None],
) -> None:
    """The graph. A click on a sample makes it the focus, one on another node chooses it. path: see `on_path`."""
    nodes = found.nodes

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

    labels = run.communities(found.ego.regime).labels
    figure = ego_figure(
        found.ego,
        found.places,
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
        alt="The sample in focus and what is near it",
    )
    components = "dash-dotted, to a component; "
    each = ""
    if knowledge.facet_per_example:
        components = ""
        each = " Each validation example is a component of the core knowledge here, so it is drawn once."
    colour = ""
    if by_community:
        colour = (
            " Number and colour are those of a sample's community; beyond the seven commonest all are grey."
        )
    st.caption(
        "Close together means alike. Lines: solid, aligned; dashed, in conflict; dotted, to a validation example; "
        f"{components}the thicker, the larger the cosine. Faint ones are the strongest {MOST_BETWEEN} between the "
        f"others.{each}{colour} **Click** a sample to go there; drag to move."
    )


def show_table(run: Run, found: Neighbourhood, chosen: int | None) -> None:
    """The same as a table. A click on a row marks it in the graph."""
    nodes = found.nodes
    labels = run.communities(found.ego.regime).labels

    def choose() -> None:
        rows = st.session_state[TABLE]["selection"]["rows"]
        node = nodes.iloc[rows[0]] if rows else None
        set_url(node=None if node is None else f"{node.kind}-{node.id}")

    rows = [] if chosen is None else [chosen]
    st.session_state[TABLE] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    shown = pd.DataFrame(
        {
            "what": nodes["relation"].map(MARKS),
            "number": nodes["id"],
            "cosine": nodes["cosine"],
            "text": [visible(text) for text in nodes["text"]],
            "community": [
                "" if number < 0 else f"{number}: {visible(labels[number])}" for number in nodes["community"]
            ],
        }
    )
    if (nodes["leak"] != "").any():
        shown.insert(3, "possible leak", nodes["leak"])
    st.dataframe(
        shown,
        key=TABLE,
        on_select=choose,
        selection_mode="single-row",
        hide_index=True,
        height=320,
        column_config={
            "what": st.column_config.TextColumn(width=105, pinned=True),
            "number": st.column_config.NumberColumn(
                "#",
                format="localized",
                width=65,
                help="Row of the pool, or number of the example or component.",
            ),
            "cosine": st.column_config.NumberColumn(
                format="%.3g", width=65, help="Of the gradient to that of the sample in focus."
            ),
            "text": st.column_config.TextColumn(
                width=420, help="Of a component: the validation example closest to it."
            ),
            "community": st.column_config.TextColumn(width=200),
        },
        alt="The nodes of the graph",
    )


def counts_of(found: Neighbourhood) -> str:
    """How many nodes are shown, of how many, by what they are."""
    counts = found.nodes["relation"].value_counts()
    names = {
        "aligned": "aligned",
        "further": "two hops away",
        "conflict": "in conflict",
        "validation": "validation examples",
        "component": "components",
    }
    parts = [
        f"{number(int(counts[name]))} {words.removesuffix('s') if counts[name] == 1 else words}"
        for name, words in names.items()
        if name in counts
    ]
    return (
        f"Showing **{number(len(found.ego))} of {number(found.ego.total)}**: the sample in focus "
        f"(community {found.nodes['community'].iloc[0]}), {', '.join(parts) or 'nothing else'}."
    )


def _label(node: Any, by_community: bool) -> str:
    if by_community:
        return str(node.community) if node.community >= 0 else ""
    return f"{node.id}" if node.kind == "component" or node.relation == "focus" else ""


def _hover(node: Any, labels: tuple[str, ...]) -> str:
    """What a node is, as HTML; Plotly shows tags of text from data unless they are escaped."""
    name = {"train": "sample", "validation": "validation example", "component": "component"}[node.kind]
    lines = [f"<b>{name} {node.id:,}</b>"]
    if node.relation != "focus":
        lines.append(f"{NODES[node.relation][0]}, cosine {node.cosine:.3g}")
    if node.community >= 0:
        lines.append(f"community {node.community}: {escape(visible(labels[node.community]))}")
    if node.leak:
        lines.append(f"<b>possible leak</b> ({node.leak})")
    lines += [escape(line) for line in wrap(visible(node.text)[:200], 60)]
    return "<br>".join(lines)
