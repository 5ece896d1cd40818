"""The step strip and, below it, all about the step where the reader rests."""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st

from g2is.analysis.budgets import budget_left
from g2is.app.shared import (
    INSTRUCTION,
    THREE_DIGITS,
    all_texts,
    literal,
    number,
    set_url,
    show_record,
    snippets,
    table_height,
    url_value,
    whole,
)
from g2is.app.shared.walked import Walked
from g2is.app.walk.actions import sample_actions
from g2is.app.walk.budgets import component_names
from g2is.app.walk.candidates import MOST, candidates_at
from g2is.app.walk.origin import came_from, passed
from g2is.app.walk.strip import step_strip, strip_data
from g2is.figures.walk import alignment_figure
from g2is.run.run import Run
from g2is.walk import ORIGINS

STRIP = "step strip"
VERDICTS = {
    "chosen": "✔ chosen",
    "tied": "= tied",
    "taken": "– already chosen",
    "left_out": "– left out",
    "conflict": "✘ conflict",
    "consistency": "✘ consistency",
    "redundant": "✘ too similar",
}


@st.fragment
def show_steps(run: Run, walked: Walked) -> None:
    """The strip; a new step reruns this part of the page alone."""
    trace = walked.trace
    if not len(trace.steps):
        st.info("No instruction was chosen: the budget is empty, or none is left to choose.")
        return
    step = _step(len(trace.steps) - 1)
    prompts = run.instructions["prompt"].array
    step_strip(strip_data(trace, prompts, step, _order(step)), key=STRIP, on_rest=_rest)

    left, right = st.columns([3, 2], gap="medium")
    with left:
        _origin(run, walked, step)
        with st.container(border=True):
            show_record(run, int(trace.steps.sample[step]))
        sample_actions(walked, int(trace.steps.sample[step]), "step")
    with right:
        st.markdown("**Alignment so far**", help=ALIGNMENT_HELP)
        st.plotly_chart(alignment_figure(trace, step), key="alignment", config={"displayModeBar": False})
        st.markdown("**Budget left**")
        _budget_left(walked, step)
    _candidates(run, walked, step)


ALIGNMENT_HELP = (
    "The cosine between a direction and the sum of the gradients chosen for it. 1: together they point exactly "
    "where the validation examples ask; 0: they do not help there. The ring marks this step; what the walk does "
    "later is faint."
)


def _step(last: int) -> int:
    """The step in the URL. A setting that makes the walk shorter leaves the reader at its end."""
    longest = st.session_state["longest walk"] = max(st.session_state.get("longest walk", 0), last)
    asked = all_texts().get("step", ["0"])[-1]
    if re.fullmatch("[0-9]{1,9}", asked) and last < int(asked) <= longest:
        return last
    return url_value("step", 0, whole(0, last))


def _order(step: int) -> int:
    """Another number whenever the URL says another step than the strip did: a link, or the browser's Back."""
    if st.session_state.get("strip rests at") != step:
        st.session_state["strip rests at"] = step
        st.session_state["strip order"] = st.session_state.get("strip order", 0) + 1
    return st.session_state["strip order"]


def _rest() -> None:
    step = int(st.session_state[STRIP].step)
    st.session_state["strip rests at"] = step
    set_url(step=step or None)


def _origin(run: Run, walked: Walked, step: int) -> None:
    """Where the instruction came from and how it passed the rules, in words."""
    taken = walked.explain(run, int(walked.trace.steps.sample[step])).taken
    assert taken is not None
    st.markdown(came_from(taken, walked.parameters))
    if taken.component is None:
        return
    if taken.origin != "anchor":
        st.markdown(passed(taken, walked.parameters))
    st.caption(
        f"Direction {taken.component}, closest to the validation example: "
        + literal(component_names(run, walked.knowledge)[taken.component])
    )


def _budget_left(walked: Walked, step: int) -> None:
    frame = budget_left(walked.trace, step).rename(columns={"component": "direction", "taken": "chosen"})
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame), 215),
        column_config={"spent": st.column_config.ProgressColumn("used", format="percent")},
        alt="Budget left of each target direction at this step",
    )


def _candidates(run: Run, walked: Walked, step: int) -> None:
    origin = ORIGINS[walked.trace.steps.origin[step]]
    if origin == "pin":
        return
    found = candidates_at(run, walked.trace, step)
    st.markdown("**Considered in this step**, and the rule that rejected each", help=RULES_HELP)
    if len(found.neighbors):
        rejected = len(found.neighbors) - (found.neighbors["verdict"] == "chosen").sum()
        st.caption(
            f"Neighbours of the instruction chosen before, nearest first; {number(rejected)} rejected."
            if rejected
            else "The nearest neighbour of the instruction chosen before passed at once."
        )
        _candidate_table(run, found.neighbors, "neighbours")
    if len(found.pool):
        what = "Instructions of the pool, closest to the direction first" + (
            "" if origin == "anchor" else ", as far as they were free"
        )
        listed = f"; the first {MOST} of them are listed" if found.passed_over > MOST else ""
        st.caption(f"{what}: {number(found.passed_over)} ranked before the one chosen{listed}.")
        _candidate_table(run, found.pool, "pool")


RULES_HELP = (
    "Already chosen: for this or an earlier direction. Left out: banned, of another source, or without a valid "
    "gradient. Conflict: its gradient pulls against an instruction chosen for the direction. Consistency: it would "
    "lower the alignment too far. Too similar: its cosine to one chosen for the direction is above the limit. "
    "Tied: keeps the rules too, and equals the one chosen up to rounding."
)


def _candidate_table(run: Run, frame: pd.DataFrame, key: str) -> None:
    prompts = run.instructions["prompt"].array
    shown = pd.DataFrame(
        {
            "sample": frame["sample"],
            "verdict": frame["verdict"].map(VERDICTS),
            "why": frame["why"],
            "cosine, previous": frame["cosine"],
            "cosine, direction": frame["affinity"],
            "text": snippets(prompts[row] for row in frame["sample"]),
        }
    )
    st.dataframe(
        shown.dropna(axis="columns", how="all"),  # an anchor has none before it
        hide_index=True,
        key=f"candidates {key}",
        height=table_height(len(shown), 320),
        column_config={
            "sample": INSTRUCTION,
            "why": st.column_config.TextColumn(width=330),
            "cosine, previous": THREE_DIGITS,
            "cosine, direction": THREE_DIGITS,
            "text": st.column_config.TextColumn(width="large"),
        },
        alt="Candidates of this step",
    )
