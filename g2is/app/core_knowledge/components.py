"""The components of the core knowledge in one table, from which one is chosen."""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st

from g2is.analysis.core import components_frame
from g2is.app.shared import all_texts, literal, number, set_url, url_value, visible, whole
from g2is.app.shared.walked import Walked
from g2is.app.walk.parameters import component_names
from g2is.run.run import Run


def chosen_component(count: int) -> int:
    """The component in the URL. Settings that leave fewer of them lead back to the first."""
    most = st.session_state["most components"] = max(st.session_state.get("most components", 0), count)
    asked = all_texts().get("component", ["0"])[-1]
    if re.fullmatch("[0-9]{1,9}", asked) and count <= int(asked) < most:
        return 0
    return url_value("component", 0, whole(0, count - 1))


def frame_of(run: Run, walked: Walked) -> pd.DataFrame:
    """One row a component; see `components_frame`."""
    return _frame(run, run.hash, walked.parameters.model_dump_json(), walked)


@st.cache_data(max_entries=32, show_spinner=False)
def _frame(_run: Run, run_hash: str, key: str, _walked: Walked) -> pd.DataFrame:
    return components_frame(_run, _walked.parameters, _walked.knowledge, _walked.trace)


def show_components(run: Run, walked: Walked, chosen: int) -> None:
    """The table; a click on a row chooses the component."""
    st.subheader("Components")
    st.caption(
        "Each has a budget of its own, its weight's share of the samples to select, and the walk goes through the "
        "pool for each of them in turn. Choose a row to see all about it."
    )
    frame = frame_of(run, walked)
    shown = frame.drop(columns=["flipped", "anchor", "low", "high", "positive"])
    if frame["target"].nunique() == 1:
        shown = shown.drop(columns="target")
    else:
        shown["target"] = [visible(target) for target in frame["target"]]
    if frame["flipped"].any():
        shown["turned round"] = frame["flipped"]
    shown.insert(1, "closest validation example", component_names(run, walked.knowledge))

    def choose() -> None:
        rows = st.session_state["components table"]["selection"]["rows"]
        if rows:
            set_url(component=rows[0] or None)

    st.session_state["components table"] = {"selection": {"rows": [chosen], "columns": [], "cells": []}}
    st.dataframe(
        shown.rename(columns=lambda name: name.replace("_", " ")),
        key="components table",
        on_select=choose,
        selection_mode="single-row-required",
        hide_index=True,
        height=min(320, 38 + 35 * len(shown)),
        column_config={
            "component": st.column_config.NumberColumn("#", width=50, pinned=True),
            "closest validation example": st.column_config.TextColumn(
                width=300, help="The example with the largest cosine to the component, whatever its sign."
            ),
            "weight": st.column_config.NumberColumn(format="percent"),
            "budget": st.column_config.NumberColumn(format="localized", help="At the settings above."),
            "taken": st.column_config.NumberColumn(
                format="localized", help="By the walk with these settings."
            ),
            "mean alignment": st.column_config.NumberColumn(
                format="%.3g",
                help="Cosine of the component to the mean gradient of its target's examples; below 0 a step along it "
                "harms the target on average.",
            ),
            "median": st.column_config.NumberColumn(
                "median cosine", format="%.3g", help="Of the pool's samples to the component."
            ),
            "highest": st.column_config.NumberColumn(
                "highest cosine", format="%.3g", help="Of the pool's samples to the component."
            ),
        },
        alt="Weight, budget and signs of every component",
    )


def summary(walked: Walked) -> str:
    """What the settings make, in a line of Markdown."""
    parameters, knowledge = walked.parameters, walked.knowledge
    targets = ", ".join(literal(target) for target in dict.fromkeys(knowledge.targets))
    if parameters.knowledge == "facets":
        made = f"**{number(len(knowledge))} facets** of {targets}"
        if parameters.facets_by == "each":
            return f"{made}, one for each validation example."
        fewer = parameters.facets_by == "number" and len(set(knowledge.targets)) == 1
        asked = f" ({number(parameters.facets)} were asked for; a group has three examples or so at least)"
        return (
            f"{made}, groups of examples with similar gradients"
            f"{asked if fewer and len(knowledge) < parameters.facets else ''}."
        )
    return (
        f"**{number(len(knowledge))} principal directions** of {targets}, "
        f"{'centred' if parameters.center else 'not centred'}, {'oriented' if parameters.orient else 'not oriented'}."
    )
