"""Whether the budget is right: what smaller and larger ones would give."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.analysis.budget_curve import budget_curve, flattens_at
from g2is.app.shared import number, percent, set_url
from g2is.app.shared.walked import Walked
from g2is.run.run import Run


def show_budget_curve(run: Run, walked: Walked) -> None:
    """A table of budgets, where it flattens, and a button that sets the budget to that."""
    curve = _curve(run, f"{run.state} {walked.parameters.model_dump_json()}", walked)
    st.markdown(curve_text(curve))
    shown = pd.DataFrame(
        {
            "budget": [percent(value) for value in curve["fraction"]],
            "instructions": curve["taken"],
            "coverage": curve["coverage"],
            "adds": curve["coverage"].diff(),
            "tokens": curve["tokens"],
            "adds tokens": curve["tokens"].diff(),
            "": ["present" if here else "" for here in curve["present"]],
        }
    )
    three = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        shown.dropna(axis="columns", how="all"),
        hide_index=True,
        key="budget curve",
        column_config={
            "coverage": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1),
            "adds": three,
            "tokens": st.column_config.NumberColumn(format="localized"),
            "adds tokens": st.column_config.NumberColumn(format="localized"),
        },
        alt="Coverage and tokens by budget",
    )
    st.caption(
        "Coverage: the mean over the validation examples of the highest cosine that a chosen instruction has to each."
    )
    flat = flattens_at(curve)
    if not flat["present"]:
        st.button(
            f"Use {number(int(flat['count']))} instructions",
            key="use budget",
            on_click=set_url,
            kwargs={"count": int(flat["count"])},
        )


@st.cache_resource(max_entries=16, show_spinner="Walking with other budgets")
def _curve(_run: Run, key: str, _walked: Walked) -> pd.DataFrame:
    return budget_curve(_run, _walked.trace)


def curve_text(curve: pd.DataFrame) -> str:
    """Where the curve flattens, as a sentence in Markdown."""
    flat, last = flattens_at(curve), curve.iloc[-1]
    share = flat["coverage"] / last["coverage"]
    return (
        f"It flattens at **{percent(flat['fraction'])}**: {number(int(flat['taken']))} instructions cover "
        f"{percent(share)} of what {number(int(last['taken']))} ({percent(last['fraction'])}) would."
    )
