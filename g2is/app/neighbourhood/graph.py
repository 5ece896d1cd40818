"""The neighbourhood of an instruction as a graph, on the canvas that the Walk page has as well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis import walks
from g2is.analysis.neighbourhood import ego_of, leaks_of, nodes_frame
from g2is.analysis.step_graphs import DrawnGraph
from g2is.app.shared import number, url_value, visible
from g2is.app.shared.graph.parts import graphs_part, rows_shown
from g2is.app.walk.parts import example_texts, texts
from g2is.config import RegimeName, WalkParameters
from g2is.figures.colours import community_colours
from g2is.graph import EgoGraph, ego_layout
from g2is.knowledge import CoreKnowledge
from g2is.run.run import Run

CHANNEL = "neighbourhood"
SHORT = 1500
"""Characters of the text of a node that is neither in focus nor chosen, at most."""


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
    """An ego graph with its layout. nodes: see `nodes_frame`. examples: the validation example closest to each target
    direction."""

    drawn: DrawnGraph
    nodes: pd.DataFrame
    examples: list[int]

    @property
    def ego(self) -> EgoGraph:
        """The graph itself."""
        return self.drawn.ego


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
    nodes = nodes_frame(_run, ego, knowledge)
    drawn = DrawnGraph(ego, nodes["relation"].tolist(), ego_layout(ego))
    return Neighbourhood(drawn, nodes, knowledge.examples.tolist())


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


def graph_part(
    run: Run,
    around: Neighbourhood,
    chosen: int | None,
    *,
    by_community: bool,
    path: list[int | None] | None,
    path_text: str,
) -> bytes:
    """The graph with all that is read beside it: texts, communities, possible leaks.

    chosen: the node that is read beside the focus. path: see `on_path`; None where it is not asked for. path_text: what
    there is to say of it.
    """
    ego, nodes = around.ego, around.nodes
    rows, examples = rows_shown({ego.focus: around.drawn}, around.examples)
    full = {ego.focus} | ({int(nodes["id"].iloc[chosen])} if chosen is not None else set())
    keys = [_key(kind, row) for kind, row in zip(nodes["kind"], nodes["id"].tolist(), strict=True)]
    train = nodes[nodes["kind"] == "train"]
    coloured = train[by_community & (train["community"] >= 0)]
    header: dict[str, Any] = {
        "focus": ego.focus,
        "chosen": None if chosen is None else keys[chosen],
        "path": None if path is None else [None if node is None else keys[node] for node in path],
        "pathText": path_text,
        "texts": texts(run, rows, SHORT) | texts(run, full & rows),
        "examples": example_texts(run, examples),
        "directions": around.examples,
        "notes": _notes(run, ego, train),
        "leaks": train["id"][train["leak"] != ""].tolist(),
        "warnings": _warnings(run, rows),
        "labels": dict(zip(coloured["id"].astype(str), coloured["community"].astype(str), strict=True)),
        "colours": dict(
            zip(coloured["id"].astype(str), community_colours(coloured["community"].tolist()), strict=True)
        ),
    }
    return graphs_part(CHANNEL, "graph", header, {ego.focus: around.drawn})


def _key(kind: str, row: int) -> int | str:
    """As in `graphs.js`."""
    return row if kind == "train" else -1 - row if kind == "validation" else f"direction {row}"


def _notes(run: Run, ego: EgoGraph, train: pd.DataFrame) -> dict[str, str]:
    """The community of each instruction."""
    communities = run.communities(ego.regime)
    return {
        str(row): f"community {own}: {visible(communities.labels[own])}, "
        f"{number(int(communities.sizes[own]))} instructions"
        for row, own in zip(train["id"].tolist(), train["community"].tolist(), strict=True)
        if own >= 0
    }


def _warnings(run: Run, rows: set[int]) -> dict[str, str]:
    """What the possible leaks among these instructions are copies of."""
    leaks = leaks_of(run)
    found: dict[str, list[str]] = {}
    for leak in leaks[leaks["sample"].isin(rows)].itertuples():
        found.setdefault(str(leak.sample), []).append(
            f"possible leak: a near-copy of validation example {number(int(leak.validation))} ({leak.kind}, "
            f"similarity {number(float(leak.similarity))})"
        )
    return {row: "; ".join(each) for row, each in found.items()}
