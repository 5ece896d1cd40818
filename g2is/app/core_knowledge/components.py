"""The table of target directions, in which one can be chosen."""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st

from g2is.analysis.core import components_frame
from g2is.app.shared import all_texts, choose_row, literal, number, set_url, url_value, visible, whole
from g2is.app.shared.walked import Walked
from g2is.app.walk.budgets import component_names
from g2is.run.run import Run


def chosen_component(count: int) -> int:
    """The direction in the URL; the first where changed settings leave fewer of them."""
    most = st.session_state["most components"] = max(st.session_state.get("most components", 0), count)
    asked = all_texts().get("component", ["0"])[-1]
    if re.fullmatch("[0-9]{1,9}", asked) and count <= int(asked) < most:
        return 0
    return url_value("component", 0, whole(0, count - 1))


def frame_of(run: Run, walked: Walked) -> pd.DataFrame:
    """One row a direction; see `components_frame`."""
    return _frame(run, run.state, walked.parameters.model_dump_json(), walked)


@st.cache_data(max_entries=32, show_spinner=False)
def _frame(_run: Run, run_hash: str, key: str, _walked: Walked) -> pd.DataFrame:
    return components_frame(_run, _walked.parameters, _walked.knowledge, _walked.trace)


def show_components(run: Run, walked: Walked, chosen: int) -> None:
    """The table; a click on a row chooses the direction."""
    st.header("Target directions")
    st.caption(
        "Each has a budget of its own, the share of its weight, and the walk goes through the pool for each of them in "
        "turn. Choose a row to see all about it."
    )
    frame = frame_of(run, walked)
    shown = frame.drop(columns=["flipped", "anchor", "low", "high", "positive"])
    if frame["target"].nunique() == 1:
        shown = shown.drop(columns="target")
    else:
        shown["target"] = [visible(target) for target in frame["target"]]
    if frame["flipped"].any():
        shown["sign flipped"] = frame["flipped"]
    shown.insert(1, "closest validation example", component_names(run, walked.knowledge))

    def choose(place: int | None) -> None:
        set_url(component=place or None)

    choose_row(
        shown.rename(columns=lambda name: name.replace("_", " ")),
        "components table",
        choose,
        chosen=chosen,
        required=True,
        columns={
            "component": st.column_config.NumberColumn("#", width=50, pinned=True),
            "closest validation example": st.column_config.TextColumn(
                width=300, help="The example with the largest cosine to the direction, whatever its sign."
            ),
            "weight": st.column_config.NumberColumn(format="percent"),
            "budget": st.column_config.NumberColumn(format="localized", help="At the settings above."),
            "taken": st.column_config.NumberColumn(
                "chosen", format="localized", help="By the walk with these settings."
            ),
            "mean alignment": st.column_config.NumberColumn(
                format="%.3g",
                help="Cosine of the direction to the mean gradient of its target's examples; below 0, training "
                "along it raises the target's mean loss.",
            ),
            "median": st.column_config.NumberColumn(
                "median cosine", format="%.3g", help="Of the pool's instructions to the direction."
            ),
            "highest": st.column_config.NumberColumn(
                "highest cosine", format="%.3g", help="Of the pool's instructions to the direction."
            ),
        },
        alt="Weight, budget and signs of every target direction",
    )


def summary(walked: Walked) -> str:
    """The target directions of the settings, in a line of Markdown."""
    parameters, knowledge = walked.parameters, walked.knowledge
    targets = ", ".join(literal(target) for target in dict.fromkeys(knowledge.targets))
    if parameters.knowledge == "facets":
        if parameters.facets_by == "each":
            return f"**{number(len(knowledge))} target directions** of {targets}, one for each validation example."
        fewer = parameters.facets_by == "number" and len(set(knowledge.targets)) == 1
        asked = f" ({number(parameters.facets)} were asked for; a group has three examples or so at least)"
        return (
            f"**{number(len(knowledge))} groups** of examples of {targets}, by similar gradients"
            f"{asked if fewer and len(knowledge) < parameters.facets else ''}."
        )
    return (
        f"**{number(len(knowledge))} principal directions** of {targets}, "
        f"{'centred' if parameters.center else 'not centred'}, "
        f"{'signs towards the target' if parameters.orient else 'signs as computed'}."
    )
