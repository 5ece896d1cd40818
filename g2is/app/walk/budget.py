"""Whether the budget is right: what smaller and larger ones would give."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.analysis.budget_curve import budget_curve, flattens_at, full_by_design
from g2is.app.shared import choose_row, number, percent, set_url
from g2is.app.shared.walked import Walked
from g2is.run.run import Run


def show_budget_curve(run: Run, walked: Walked, *, key: str = "budget curve") -> None:
    """A table of budgets of which one can be chosen, what coverage tells of them, and a button for the budget where it
    flattens."""
    curve = _curve(run, f"{run.state} {walked.parameters.model_dump_json()}", walked)
    full = full_by_design(walked.trace, walked.knowledge)
    st.markdown(flat_text(curve) if full is None else full_text(full, int(run.valid.sum())))
    shown = pd.DataFrame(
        {
            "budget": [percent(value) for value in curve["fraction"]],
            "instructions": curve["taken"],
            "coverage": curve["coverage"],
            "adds": curve["coverage"].diff().fillna(curve["coverage"]),
            "tokens": curve["tokens"],
            "adds tokens": curve["tokens"].diff().fillna(curve["tokens"]),
            "": ["present" if here else "" for here in curve["present"]],
        }
    )
    three = st.column_config.NumberColumn(format="%.3f")
    choose_row(
        shown.dropna(axis="columns", how="all"),
        key,
        lambda row: (
            set_url(count=int(curve["count"].iat[row]), component_budgets=None) if row is not None else None
        ),
        columns={
            "coverage": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1),
            "adds": three,
            "tokens": st.column_config.NumberColumn(format="localized"),
            "adds tokens": st.column_config.NumberColumn(format="localized"),
        },
        alt="Coverage and tokens by budget; select a row to use it",
    )
    st.caption(
        "Choose a row to use its budget. Coverage: the mean over the validation examples "
        "of the highest cosine that a chosen instruction has to each."
    )
    flat = flattens_at(curve)
    if full is None and not flat["present"]:
        st.button(
            f"Use {number(int(flat['count']))} instructions",
            key=f"use {key}",
            on_click=set_url,
            kwargs={"count": int(flat["count"])},
        )


@st.cache_resource(max_entries=16, show_spinner="Walking with other budgets")
def _curve(_run: Run, key: str, _walked: Walked) -> pd.DataFrame:
    return budget_curve(_run, _walked.trace)


def flat_text(curve: pd.DataFrame) -> str:
    """Where the curve flattens, as a sentence in Markdown."""
    flat, last = flattens_at(curve), curve.iloc[-1]
    share = flat["coverage"] / last["coverage"]
    return (
        f"Coverage flattens at **{percent(flat['fraction'])}**: {number(int(flat['taken']))} instructions come as "
        f"close to the examples as {number(int(last['taken']))} ({percent(last['fraction'])}) to {percent(share)}. "
        f"{ONLY_TRAINING}"
    )


def full_text(full: int, usable: int) -> str:
    """Why coverage says nothing of budgets above `full` instructions of the `usable` ones, in Markdown."""
    return (
        f"Each validation example is a target direction here and takes the closest instruction first: every one has "
        f"its own after **{number(full)}** ({percent(full / usable)}), and coverage is full by design. {ONLY_TRAINING}"
    )


ONLY_TRAINING = "What more instructions add to what the model learns, only fine-tuning tells (Compare)."
