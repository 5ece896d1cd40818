"""Every step of a walk in a table, and all that is known of the step where the reader rests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis.budgets import budget_left
from g2is.analysis.candidates import MOST, candidates_at
from g2is.app.shared import (
    INSTRUCTION,
    THREE_DIGITS,
    choose_row,
    literal,
    number,
    set_url,
    show_record,
    snippets,
    table_height,
)
from g2is.app.shared.labels import origin_names
from g2is.app.shared.walked import Walked
from g2is.app.walk.actions import sample_actions
from g2is.app.walk.budgets import component_names
from g2is.app.walk.origin import came_from, passed
from g2is.app.walk.shown import step_in_url
from g2is.run.run import Run
from g2is.walk import ORIGINS

LISTED = 1000
"""Steps listed at once: those around the present one."""


def show_all_steps(run: Run, walked: Walked) -> None:
    """A row a step; a click on one goes there."""
    steps = walked.trace.steps
    if not len(steps):
        st.caption("None.")
        return
    here = step_in_url(len(steps) - 1)
    start = max(0, min(here - LISTED // 2, len(steps) - LISTED))
    shown = slice(start, start + LISTED)
    rows = run.prompts(steps.sample[shown])
    names = origin_names(walked.parameters)
    frame = pd.DataFrame(
        {
            "step": np.arange(start, start + len(rows)) + 1,
            "sample": steps.sample[shown],
            "how": [names[ORIGINS[origin]] for origin in steps.origin[shown]],
            "direction": steps.component[shown],
            "cosine": steps.affinity[shown],
            "alignment after": steps.after[shown],
            "text": snippets(rows),
        }
    )
    choose_row(
        frame,
        "all steps",
        lambda row: set_url(step=None if row is None else start + row),
        chosen=here - start,
        tallest=420,
        columns={
            "sample": INSTRUCTION,
            "cosine": THREE_DIGITS,
            "alignment after": THREE_DIGITS,
            "text": st.column_config.TextColumn(width="large"),
        },
        alt="Steps of the walk",
    )
    if len(steps) > len(rows):
        st.caption(f"{number(len(rows))} of {number(len(steps))} steps, around the present one.")


def show_step(run: Run, walked: Walked) -> None:
    """The source record of the instruction taken, how it passed the rules, and what is left of the budget."""
    trace = walked.trace
    if not len(trace.steps):
        st.caption("None.")
        return
    step = step_in_url(len(trace.steps) - 1)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _origin(run, walked, step)
        with st.container(border=True):
            show_record(run, int(trace.steps.sample[step]))
        sample_actions(walked, int(trace.steps.sample[step]), "step")
    with right:
        st.markdown("**Budget left**")
        frame = budget_left(trace, step).rename(columns={"component": "direction", "taken": "chosen"})
        st.dataframe(
            frame,
            hide_index=True,
            height=table_height(len(frame), 400),
            column_config={"spent": st.column_config.ProgressColumn("used", format="percent")},
            alt="Budget left of each target direction at this step",
        )
    _candidates(run, walked, step)


VERDICTS = {
    "chosen": "✔ chosen",
    "next": "○ next",
    "tied": "= tied",
    "taken": "– already chosen",
    "left_out": "– left out",
    "conflict": "✕ conflict",
    "consistency": "✕ consistency",
    "redundant": "✕ too similar",
}
RULES_HELP = (
    "Already chosen: for this or an earlier direction. Left out: banned, of another source, or without a valid "
    "gradient. Conflict: its gradient pulls against an instruction chosen for the direction. Consistency: it would "
    "lower the alignment too far. Too similar: its cosine to one chosen for the direction is above the limit. "
    "Tied: keeps the rules too, and equals the one chosen up to rounding. Next: the free ones closest to the direction."
)


def _candidates(run: Run, walked: Walked, step: int) -> None:
    """Everything that the step considered."""
    found = candidates_at(run, walked.trace, step)
    listed = [*found.neighbors, *found.pool, *found.runners_up]
    if not listed:
        return
    st.markdown("**Considered in this step**, and the rule that rejected each", help=RULES_HELP)
    if found.passed_over > MOST:
        st.caption(
            f"{number(found.passed_over)} of the pool ranked before the one chosen; the first {MOST} are here."
        )
    shown = pd.DataFrame(
        {
            "sample": [row.sample for row in listed],
            "verdict": [VERDICTS[row.verdict] for row in listed],
            "why": [row.why for row in listed],
            "cosine, previous": [row.cosine for row in listed],
            "cosine, direction": [row.affinity for row in listed],
            "text": snippets(run.prompts([row.sample for row in listed])),
        }
    )
    st.dataframe(
        shown.dropna(axis="columns", how="all"),  # an anchor has none before it
        hide_index=True,
        key="candidates",
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
