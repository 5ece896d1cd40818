"""The instruction in focus and the node that is chosen, each in full as its record has it."""

from __future__ import annotations

import streamlit as st

from g2is.app.neighbourhood.graph import Neighbourhood
from g2is.app.neighbourhood.trail import go_to
from g2is.app.shared import link_to, literal, number, set_url, show_record, show_text
from g2is.app.walk.parameters import add_row, rows_in_url
from g2is.app.walk.why import show_why_line
from g2is.run.run import Run


def show_actions(sample: int) -> None:
    """Links that take the instruction in focus along, and its ban."""
    link_to("Walk", "Why is it in, or not?", focus=sample)
    link_to("Instructions", "Show in Instructions", focus=sample)
    link_to("Map", "On the map", focus=sample)
    out = sample in rows_in_url("bans")
    st.button(
        "Allow" if out else "Ban",
        key="ban focus",
        icon=":material/block:",
        on_click=add_row,
        args=("bans", sample),
        help="Changes the bans of the walk, on this page and all others.",
    )


def show_records(run: Run, around: Neighbourhood, chosen: int | None, trail: tuple[int, ...]) -> None:
    """Two columns: the focus, and the node that is chosen."""
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        st.markdown("## In focus, in full")
        why = st.empty()
        show_record(run, trail[-1])
    with right, st.container(border=True):
        if chosen is None or around.nodes["relation"].iloc[chosen] == "focus":
            st.markdown("## To compare")
            st.caption(
                "Choose a row of the table, or click a validation example or a target direction in the graph."
            )
        else:
            _show_chosen(run, around, chosen, trail)
    # Last: the walk may have to be computed first.
    with why:
        show_why_line(run, trail[-1])


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
        link_to("Core knowledge", f"All about direction {row}", view="directions", component=row or None)
        st.caption("The validation example closest to it:")
        show_text(node["text"])
