"""The nodes of the graph as a table, and how many there are of each kind."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.app.neighbourhood.graph import Neighbourhood
from g2is.app.shared import choose_row, number, set_url, visible
from g2is.figures.symbols import SYMBOLS
from g2is.run.run import Run

TABLE = "ego table"
MARKS = {
    "aligned": "● similar",
    "further": "○ two hops",
    **{name: SYMBOLS[name].label for name in ("focus", "conflict", "validation", "component")},
}


def show_table(run: Run, around: Neighbourhood, chosen: int | None) -> None:
    """One row for each node. A click on a row marks it in the graph."""
    nodes = around.nodes
    labels = run.communities(around.ego.regime).labels

    def choose(place: int | None) -> None:
        node = None if place is None else nodes.iloc[place]
        set_url(node=None if node is None else f"{node.kind}-{node.id}")

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
    choose_row(
        shown,
        TABLE,
        choose,
        chosen=chosen,
        columns={
            "what": st.column_config.TextColumn(width=150, pinned=True),
            "number": st.column_config.NumberColumn(
                "#",
                format="localized",
                width=65,
                help="Row of the pool, or number of the example or direction.",
            ),
            "cosine": st.column_config.NumberColumn(
                format="%.3g", width=65, help="Of the gradient to that of the instruction in focus."
            ),
            "text": st.column_config.TextColumn(
                width=420, help="Of a target direction: the validation example closest to it."
            ),
            "community": st.column_config.TextColumn(width=200),
        },
        alt="The nodes of the graph",
    )


def counts_of(around: Neighbourhood) -> str:
    """How many nodes are shown and how many there are, by kind."""
    counts = around.nodes["relation"].value_counts()
    names = {
        "aligned": "similar",
        "further": "two hops away",
        "conflict": "conflicting",
        "validation": "validation examples",
        "component": "target directions",
    }
    parts = [
        f"{number(int(counts[name]))} {words.removesuffix('s') if counts[name] == 1 else words}"
        for name, words in names.items()
        if name in counts
    ]
    return (
        f"Showing **{number(len(around.ego))} of {number(around.ego.total)}**: the instruction in focus "
        f"(community {around.nodes['community'].iloc[0]}), {', '.join(parts) or 'nothing else'}."
    )
