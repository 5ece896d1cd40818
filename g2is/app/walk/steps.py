"""The step strip and, below it, all about the step where the reader rests."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import streamlit as st

from g2is.app.shared import (
    all_texts,
    link_to,
    literal,
    number,
    set_url,
    show_record,
    url_value,
    visible,
    whole,
)
from g2is.app.shared.walked import Walked
from g2is.app.walk.candidates import MOST, candidates_at
from g2is.app.walk.parameters import add_row, component_names
from g2is.app.walk.strip import step_strip, strip_data
from g2is.config import WalkParameters
from g2is.figures.walk import alignment_figure
from g2is.run.run import Run
from g2is.walk import ORIGINS, Taken

STRIP = "step strip"
VERDICTS = {
    "chosen": "✔ taken",
    "tied": "= tied",
    "taken": "– already taken",
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
        st.info("No sample was taken: the budget is empty, or no sample is left to take.")
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
    "The cosine between a component and the sum of the gradients taken for it. 1: together they point exactly "
    "where the validation samples ask; 0: they do not help there. The ring marks this step; what the walk does "
    "later is faint."
)


def _step(last: int) -> int:
    """The step in the URL. A parameter that makes the walk shorter leaves the reader at its end."""
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


def sample_actions(walked: Walked, sample: int, key: str) -> None:
    """Pin or ban a sample, or see it elsewhere."""
    parameters = walked.parameters
    with st.container(horizontal=True):
        for field, on, off, icon in (
            ("pins", "Always take it", "Unpin it", "keep"),
            ("bans", "Never take it", "Allow it again", "block"),
        ):
            pressed = st.button(
                off if sample in getattr(parameters, field) else on,
                key=f"{key} {field}",
                icon=f":material/{icon}:",
                on_click=add_row,
                args=(field, sample),
                help=f"Changes the {field} in the panel above, and walks again.",
            )
            if pressed:
                st.rerun()
        link_to("Neighbourhood", "Its neighbourhood", focus=sample)
        link_to("Map", "On the map", focus=sample)


def _origin(run: Run, walked: Walked, step: int) -> None:
    """Where the sample came from and how it passed the rules, in words."""
    taken = walked.explain(run, int(walked.trace.steps.sample[step])).taken
    assert taken is not None
    st.markdown(_came_from(taken, walked.parameters))
    if taken.component is None:
        return
    if taken.origin != "anchor":
        st.markdown(_passed(taken, walked.parameters))
    st.caption(
        f"Component {taken.component}, closest to the validation sample: "
        + literal(component_names(run, walked.knowledge)[taken.component])
    )


def _came_from(taken: Taken, parameters: WalkParameters) -> str:
    affinity = number(taken.affinity)
    if taken.origin == "pin":
        return "■ **Pinned**: you asked for it, so it is taken before the walk begins, for no component."
    if taken.origin == "anchor":
        return (
            f"◆ **Anchor**: the walk for component {taken.component} begins here, at the free sample whose "
            f"gradient lies closest to the component (cosine {affinity})."
        )
    if taken.origin == "neighbor":
        return (
            f"● **Neighbour** of sample {taken.previous:,}, the one taken before: the nearest that passes "
            f"every rule (cosine of the edge {number(taken.cosine)})."
        )
    reason = (
        "no neighbour of the sample taken before passes the rules, so all free samples are searched"
        if parameters.knowledge_coherence
        else "with knowledge coherence off, every step searches all free samples"
    )
    return (
        f"▲ **Fallback**: {reason}, closest to component {taken.component} first. This is the first that "
        f"passes (cosine {affinity})."
    )


def _passed(taken: Taken, parameters: WalkParameters) -> str:
    sign = "" if parameters.signed else ", whatever the sign"
    best = " (the best so far)" if parameters.consistency_reference == "best" else ""
    consistency = (
        f"it has to be at least {parameters.delta:g} × {number(taken.reference)}{best} = {number(taken.needed)}{sign}"
        if parameters.consistency
        else "that rule is off"
    )
    conflict = (
        f"it has to be at least {number(parameters.conflict_threshold)}"
        if parameters.no_conflict
        else "that rule is off"
    )
    variety = (
        ""
        if parameters.max_cosine is None
        else f"  \n**Variety**: its highest is {number(taken.highest_cosine)}; it may be at "
        f"most {number(parameters.max_cosine)}."
    )
    return (
        f"**Consistency**: the alignment goes from {number(taken.before)} to {number(taken.after)}; {consistency}.  \n"
        "**No conflict**: its lowest cosine to what was taken for the component is "
        f"{number(taken.lowest_cosine)}; {conflict}.{variety}"
    )


def _budget_left(walked: Walked, step: int) -> None:
    budgets, component = walked.trace.budgets, walked.trace.steps.component[: step + 1]
    taken = np.bincount(component[component >= 0], minlength=len(budgets))
    frame = pd.DataFrame(
        {
            "component": range(len(budgets)),
            "taken": taken,
            "left": np.maximum(budgets - taken, 0),
            "budget": budgets,
            "spent": taken / np.maximum(budgets, 1),
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        height=min(215, 38 + 35 * len(frame)),
        column_config={"spent": st.column_config.ProgressColumn(format="percent")},
        alt="Budget left of each component at this step",
    )


def _candidates(run: Run, walked: Walked, step: int) -> None:
    origin = ORIGINS[walked.trace.steps.origin[step]]
    if origin == "pin":
        return
    found = candidates_at(run, walked.trace, step)
    st.markdown(
        "**Candidates looked at in this step**, and the rule that each of the others broke", help=RULES_HELP
    )
    if len(found.neighbors):
        rejected = len(found.neighbors) - (found.neighbors["verdict"] == "chosen").sum()
        st.caption(
            f"Neighbours of the sample taken before, nearest first; {number(rejected)} rejected."
            if rejected
            else "The nearest neighbour of the sample taken before passed at once."
        )
        _candidate_table(run, found.neighbors, "neighbours")
    if len(found.pool):
        what = "Samples of the pool, closest to the component first" + (
            "" if origin == "anchor" else ", as far as they were free"
        )
        listed = f"; the first {MOST} of them are listed" if found.passed_over > MOST else ""
        st.caption(f"{what}: {number(found.passed_over)} ranked before the one taken{listed}.")
        _candidate_table(run, found.pool, "pool")


RULES_HELP = (
    "Already taken: by this or an earlier component. Left out: banned, of another source, or without a valid "
    "gradient. Conflict: its gradient pulls against a sample taken for the component. Consistency: it would lower the "
    "alignment too far. Too similar: its cosine to a sample taken for the component is above the limit set. "
    "Tied: keeps the rules too, and equals the one taken up to rounding."
)


def _candidate_table(run: Run, frame: pd.DataFrame, key: str) -> None:
    prompts = run.instructions["prompt"].array
    shown = pd.DataFrame(
        {
            "sample": frame["sample"],
            "verdict": frame["verdict"].map(VERDICTS),
            "why": frame["why"],
            "cosine, previous": frame["cosine"],
            "cosine, component": frame["affinity"],
            "text": [visible(" ".join(str(prompts[row])[:300].split())) for row in frame["sample"]],
        }
    )
    three = st.column_config.NumberColumn(format="%.3g")
    st.dataframe(
        shown.dropna(axis="columns", how="all"),  # an anchor has no sample before it
        hide_index=True,
        key=f"candidates {key}",
        height=min(320, 38 + 35 * len(shown)),
        column_config={
            "sample": st.column_config.NumberColumn(format="localized", width="small"),
            "why": st.column_config.TextColumn(width=330),
            "cosine, previous": three,
            "cosine, component": three,
            "text": st.column_config.TextColumn(width="large"),
        },
        alt="Candidates of this step",
    )
