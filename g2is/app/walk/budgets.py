"""The table of budgets per target direction, which can be edited."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from g2is.analysis.budgets import rebalance
from g2is.analysis.core import closest_examples
from g2is.app.shared import all_texts, number, set_url, table_height, visible
from g2is.instructions.snippet import snippet
from g2is.knowledge import CoreKnowledge
from g2is.run.run import Run


def component_names(run: Run, knowledge: CoreKnowledge) -> list[str]:
    """What each component stands for: the text of the validation example that lies closest to it."""
    return [visible(snippet(text, 120)) for text in closest_examples(run, knowledge)]


def edit_budgets(run: Run, knowledge: CoreKnowledge, budgets: Sequence[int]) -> None:
    """The table of budgets (k,); a change of one is taken from, or given to, the others."""
    total = sum(budgets)
    st.caption(
        f"The budgets add up to {number(total)}. Change one: the others give or take in proportion. The text is the "
        "validation example closest to the direction."
    )
    frame = pd.DataFrame({"direction": range(len(budgets)), "budget": list(budgets)})
    if len(set(knowledge.targets)) > 1:
        frame["target"] = knowledge.targets
    frame["weight"] = knowledge.weights
    frame["closest validation example"] = component_names(run, knowledge)
    st.data_editor(
        frame,
        key="budget table",
        hide_index=True,
        disabled=[name for name in frame if name != "budget"],
        height=table_height(len(frame), 300),
        column_config={
            "budget": st.column_config.NumberColumn(min_value=0, max_value=total, step=1, required=True),
            "weight": st.column_config.NumberColumn(format="percent"),
        },
        on_change=_change_budget,
        args=(tuple(budgets),),
        alt="Budget of each target direction",
    )
    if "component_budgets" in all_texts():
        st.button(
            "Divide by weight again",
            key="by weight",
            icon=":material/balance:",
            on_click=set_url,
            kwargs={"component_budgets": None},
        )


def _change_budget(budgets: tuple[int, ...]) -> None:
    for row, change in st.session_state["budget table"]["edited_rows"].items():
        if change.get("budget") not in (None, budgets[int(row)]):
            budgets = rebalance(budgets, int(row), int(change["budget"]))
    set_url(component_budgets=",".join(map(str, budgets)))
