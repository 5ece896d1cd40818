"""How a walk went: the line of numbers, what to do about it, directions and sources."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.analysis.idle import conflicts_taken
from g2is.app.shared import THREE_DIGITS, duration, number, percent, table_height
from g2is.app.shared.computed import computed
from g2is.app.shared.labels import origin_names
from g2is.app.shared.walked import Walked, walk_id
from g2is.figures.walk import sources_figure
from g2is.run.run import Run

WORDS = """
- **Gradient**: how an instruction would change the model. Two instructions with a high *cosine* teach alike; below 0
  they pull against each other: a **conflict**.
- **Core knowledge**: what your validation examples ask for, as directions of change, the **target directions**.
  The budget is divided over them by weight.
- **Anchor** ◆: the instruction closest to a direction, where its walk begins.
- **Neighbour** ●: the next instruction, one of those nearest to the one before (**knowledge coherence**).
- **Best in pool** ▲: when no neighbour passes the rules, the best instruction of the whole pool that does.
- **Next best** ▲: the same in a walk that keeps to no neighbours, as *Recommended*: every step after the anchor.
- **Alignment** ∡: the cosine of a direction to the sum of all gradients chosen for it.
- **No conflict** and **consistency**: the two rules a candidate must pass: it pulls against none that was chosen for
  the direction, and the alignment stays at or above delta times what it was.
- Directions and instructions are numbered from 0, steps from 1.
"""


def show_words() -> None:
    """What the page is for, and the terms it uses."""
    with st.popover(
        "Words", icon=":material/help:", key="words", help="What the page does, and what its words mean"
    ):
        st.markdown(
            "Selects the instructions that teach what the validation examples ask for, within rules and with a reason "
            "for each. The preset *Recommended* is round robin: every example in turn takes the one closest to it. *On "
            "the graph* takes turns as well, from one instruction to a neighbour on the graph of gradients. Change any "
            "setting and it walks again."
        )
        st.markdown(WORDS)


def show_result(run: Run, walked: Walked) -> None:
    """The result line, remarks, and details to unfold."""
    trace, diagnosis = walked.trace, walked.diagnosis
    parameters = trace.parameters
    fallbacks = int(diagnosis.components["fallbacks"].sum())
    regime = diagnosis.regimes.set_index("regime").loc[parameters.regime]
    with st.grid(6, min_column_width=140):
        st.metric("Instructions chosen", f"{number(len(trace.steps))} of {number(trace.budget)}")
        st.metric("Target directions", number(len(trace.budgets)))
        st.metric(
            "Best in pool" if parameters.knowledge_coherence else "Next best",
            number(fallbacks),
            help="Steps that did not go to a neighbour but searched the whole pool."
            if parameters.knowledge_coherence
            else "Steps after the first of each direction; all search the whole pool, as knowledge coherence is off.",
        )
        st.metric(
            "Similarity within the subset",
            number(diagnosis.mean_cosine),
            help="Mean cosine over all pairs of chosen instructions. Near 1, they all teach the same. Over the whole "
            f"pool it is {number(float(regime.mean_cosine))}.",
        )
        st.metric(
            "Conflicts in the pool",
            percent(float(regime.conflict_share)),
            help="Pairs of instructions with a cosine below 0 in these gradients; the no-conflict rule acts on those.",
        )
        st.metric(
            "Computed in",
            duration(walked.seconds),
            help="With core knowledge and its cosines to the pool, where new.",
        )
    if fewer := _fewer_groups(walked):
        st.caption(fewer)
    if parameters.no_conflict and len(trace.steps) > 1:
        found = computed("conflicts taken", walk_id(run, walked), lambda: conflicts_taken(run, trace))
        alone = found.within != found.within
        within = "no direction has two" if alone else f"{percent(found.within)} of those pairs conflict"
        st.caption(
            f"No conflict compares only the instructions of one direction: {within}. "
            f"Of all pairs chosen, {percent(found.overall)} conflict."
        )
    for remark in diagnosis.remarks:
        st.info(remark, icon=":material/lightbulb:")
    detail = st.expander("Directions and sources", key="directions and sources", on_change="rerun")
    if not detail.open:
        return
    with detail:
        left, right = st.columns([3, 2], gap="medium")
        with left:
            fallback = origin_names(parameters)["fallback"]
            _directions(diagnosis.components, fallback.partition(" ")[2])
        with right:
            sources = diagnosis.sources.set_index("source")
            st.markdown("**Source mix**")
            st.plotly_chart(
                sources_figure({"pool": sources["pool_share"], "chosen": sources["taken_share"]}),
                key="source mix",
                config={"displayModeBar": False},
            )


def _fewer_groups(walked: Walked) -> str:
    """Why there are fewer directions than groups were asked for; empty where there are not."""
    parameters, count = walked.parameters, len(walked.knowledge)
    asked = parameters.facets * len(set(walked.knowledge.targets))
    if parameters.knowledge != "facets" or parameters.facets_by != "number" or count >= asked:
        return ""
    each = "for each target " if asked > parameters.facets else ""
    return (
        f":material/info: {number(count)} directions, although {number(asked)} groups are set: there are {each}at most "
        "a third as many groups as validation examples, so that each stands for several of them."
    )


def _directions(frame: pd.DataFrame, fallback: str) -> None:
    """How each direction went. fallback: what steps are called that went to no neighbour."""
    names = {"component": "direction", "taken": "chosen", "fallbacks": fallback}
    st.dataframe(
        frame.rename(columns=lambda name: names.get(name, name.replace("_", " "))),
        hide_index=True,
        height=table_height(len(frame), 400),
        column_config={
            "weight": st.column_config.NumberColumn(format="percent"),
            "first alignment": THREE_DIGITS,
            "last alignment": THREE_DIGITS,
        },
        alt="How the walk for each target direction went",
    )
