"""The instruction in focus in full, beside whatever was chosen in the table."""

from __future__ import annotations

import streamlit as st

from g2is.analysis.neighbourhood import leaks_of
from g2is.app.neighbourhood.graph import Neighbourhood
from g2is.app.neighbourhood.trail import go_to
from g2is.app.shared import link_to, literal, number, set_url, show_record, show_text
from g2is.app.walk.parameters import add_row, rows_in_url
from g2is.run.run import Run


def show_reader(run: Run, around: Neighbourhood, chosen: int | None, trail: tuple[int, ...]) -> None:
    """Two columns: the focus, and the node that is chosen."""
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        st.markdown("## ◆ In focus")
        _show_focus(run, around, trail[-1])
    with right, st.container(border=True):
        if chosen is None or around.nodes["relation"].iloc[chosen] == "focus":
            st.markdown("## To compare")
            st.caption(
                "Choose a row of the table, or click a validation example or a target direction in the graph."
            )
        else:
            _show_chosen(run, around, chosen, trail)


def _show_focus(run: Run, around: Neighbourhood, sample: int) -> None:
    communities = run.communities(around.ego.regime)
    own = int(communities.membership[sample])
    st.markdown(
        f"Community {own}: {literal(communities.labels[own])}, {number(int(communities.sizes[own]))} instructions"
    )
    leaks = leaks_of(run)
    for leak in leaks[leaks["sample"] == sample].itertuples():
        st.warning(
            f"Possible leak: a near-copy of validation example {number(int(leak.validation))} ({leak.kind}, similarity "
            f"{number(float(leak.similarity))}).",
            icon=":material/warning:",
        )
    out = sample in rows_in_url("bans")
    with st.container(horizontal=True):
        link_to("Walk", "Why is it in, or not?", focus=sample)
        link_to("Instructions", "Show in Instructions", focus=sample)
        link_to("Map", "On the map", focus=sample)
        st.button(
            "Allow" if out else "Ban",
            key="ban focus",
            icon=":material/block:",
            on_click=add_row,
            args=("bans", sample),
            help="Changes the bans of the walk, on this page and all others.",
        )
    show_record(run, sample)


def _show_chosen(run: Run, around: Neighbourhood, chosen: int, trail: tuple[int, ...]) -> None:
    node = around.nodes.iloc[chosen]
    row = int(node["id"])
    name = {"train": "Instruction", "validation": "Validation example", "component": "Target direction"}[
        node["kind"]
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"## {name} {number(row)} · cosine {number(float(node['cosine']))}", width="content")
        if node["kind"] == "train":
            st.button(
                "Go there", key="go there", icon=":material/my_location:", on_click=go_to, args=(row, trail)
            )
        st.button("Close", key="close", icon=":material/close:", on_click=set_url, kwargs={"node": None})
    if node["kind"] == "train":
        show_record(run, row)
    elif node["kind"] == "validation":
        example = run.validation.iloc[row]
        st.caption(f"Of the target {literal(example['target'])}")
        show_text(f"{example['prompt']}\n\n→ {example['response']}")
    else:
        link_to("Core knowledge", f"All about direction {row}", component=row or None)
        st.caption("The validation example closest to it:")
        show_text(node["text"])
