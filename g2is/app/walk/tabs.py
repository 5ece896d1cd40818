"""What stands below the screen: one subject at a time, so that a step never waits for the others."""

from __future__ import annotations

import streamlit as st

from g2is.app.shared import all_texts, in_url, one_of
from g2is.app.shared.walked import Walked
from g2is.app.walk.budget import show_budget_curve
from g2is.app.walk.compare import show_comparison
from g2is.app.walk.result import show_result
from g2is.app.walk.status import service_of, show_least_served
from g2is.app.walk.steps import show_all_steps, show_step
from g2is.app.walk.why import show_why
from g2is.run.run import Run

SUBJECTS = {
    "numbers": ("Numbers", lambda run, walk: show_result(run, walk)),
    "steps": ("All steps", lambda run, walk: show_all_steps(run, walk)),
    "step": ("This step", lambda run, walk: show_step(run, walk)),
    "served": (
        "Least served",
        lambda run, walk: show_least_served(run, service_of(run, walk), key="least served"),
    ),
    "budget": ("Budget curve", lambda run, walk: show_budget_curve(run, walk)),
    "why": ("Why in, or not", lambda run, walk: show_why(run, walk)),
    "compare": ("Two walks", lambda run, walk: show_comparison(run, walk)),
}


def show_tabs(run: Run, walked: Walked) -> None:
    """The subject that the URL names."""
    first = "compare" if "before" in all_texts() else "numbers"
    subject = st.segmented_control(
        "More about this walk",
        list(SUBJECTS),
        required=True,
        label_visibility="collapsed",
        format_func=lambda name: SUBJECTS[name][0],
        **in_url("below", first, one_of(SUBJECTS)),
    )
    SUBJECTS[subject or first][1](run, walked)
