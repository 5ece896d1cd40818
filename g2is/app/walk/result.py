"""How a walk went: the line of numbers, what to do about it, components and sources."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.app.shared import duration, number, percent
from g2is.app.shared.walked import Walked
from g2is.figures.walk import sources_figure

WORDS = """
- **Gradient**: how a sample would change the model. Two samples with a high *cosine* teach alike; below 0 they
  pull against each other: a **conflict**.
- **Core knowledge**: what your validation samples ask for, as a few directions of change, the **components**.
  The budget is split over them by weight.
- **Anchor** ◆: the sample closest to a component, where its walk begins.
- **Neighbour** ●: the next sample, one of those nearest to the one before (**knowledge coherence**).
- **Fallback** ▲: when no neighbour passes the rules, the best sample of the whole pool that does.
- **Alignment** ∡: the cosine of the sum of all samples taken for a component to that component.
- **No conflict** and **consistency**: the two rules a sample must pass: it pulls against none that was taken, and
  the alignment stays at or above delta times what it was.
- Steps, components and samples are counted from 0.
"""


def show_words() -> None:
    """What the page is for, and the terms it uses."""
    told, words = st.columns([4, 1], vertical_alignment="center")
    told.markdown(
        "Selects the samples that teach what the validation samples ask for: from sample to sample on the graph of "
        "gradients, within three rules. Move any setting and it walks again."
    )
    with words.popover("What the words mean", icon=":material/help:", width="stretch"):
        st.markdown(WORDS)


def show_result(walked: Walked) -> None:
    """The result line, remarks, and details to unfold."""
    trace, diagnosis = walked.trace, walked.diagnosis
    parameters = trace.parameters
    budget = parameters.count or int(trace.budgets.sum()) + len(parameters.pins)
    if parameters.component_budgets is not None:
        budget = int(trace.budgets.sum()) + len(parameters.pins)
    fallbacks = int(diagnosis.components["fallbacks"].sum())
    regime = diagnosis.regimes.set_index("regime").loc[parameters.regime]
    with st.grid(6, min_column_width=140):
        st.metric("Samples taken", f"{number(len(trace.steps))} of {number(budget)}")
        st.metric("Components", number(len(trace.budgets)))
        st.metric("Fallbacks", number(fallbacks), help="Steps that found no neighbour to go to.")
        st.metric(
            "Mean cosine",
            number(diagnosis.mean_cosine),
            help="Over all pairs of samples taken. Near 1, they all teach the same. Over the whole pool it is "
            f"{number(float(regime.mean_cosine))}.",
        )
        st.metric(
            "Conflicts in the pool",
            percent(float(regime.conflict_share)),
            help="Pairs of samples with a cosine below 0 in this regime; the no-conflict rule acts on those.",
        )
        st.metric(
            "Walked in", duration(walked.seconds), help="Core knowledge and affinities included, where new."
        )
    if fewer := _fewer_facets(walked):
        st.caption(fewer)
    for remark in diagnosis.remarks:
        st.info(remark, icon=":material/lightbulb:")
    with st.expander("Components and sources"):
        left, right = st.columns([3, 2], gap="medium")
        with left:
            _components(diagnosis.components)
        with right:
            sources = diagnosis.sources.set_index("source")
            st.markdown("**Source mix**")
            st.plotly_chart(
                sources_figure({"pool": sources["pool_share"], "taken": sources["taken_share"]}),
                key="source mix",
                config={"displayModeBar": False},
            )


def _fewer_facets(walked: Walked) -> str:
    """Why there are not as many components as facets were asked for; empty where there are."""
    parameters, made = walked.parameters, len(walked.knowledge)
    wanted = parameters.facets * len(set(walked.knowledge.targets))
    if parameters.knowledge != "facets" or parameters.facets_by != "number" or made >= wanted:
        return ""
    each = "for each target " if wanted > parameters.facets else ""
    return (
        f":material/info: {number(made)} components, although {number(wanted)} facets are set: there are {each}at most "
        "a third as many facets as validation samples, so that each stands for several of them."
    )


def _components(frame: pd.DataFrame) -> None:
    three = st.column_config.NumberColumn(format="%.3g")
    st.dataframe(
        frame.rename(columns=lambda name: name.replace("_", " ")),
        hide_index=True,
        height=min(400, 38 + 35 * len(frame)),
        column_config={
            "weight": st.column_config.NumberColumn(format="percent"),
            "first alignment": three,
            "last alignment": three,
        },
        alt="How the walk for each component went",
    )
