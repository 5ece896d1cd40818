"""One component of the core knowledge in full: what asks for it, its signs, and the samples near it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis import walks
from g2is.analysis.core import closest_samples, orientation
from g2is.app.core_knowledge.components import frame_of
from g2is.app.shared import focus, link_to, number, percent, set_url, show_record, show_text, visible
from g2is.app.shared.walked import Walked
from g2is.figures.core import affinity_figure
from g2is.run.run import Run

EXAMPLES = 3
"""Validation examples shown in full at either end of a component."""

BINS = 60
THREE = st.column_config.NumberColumn(format="%.3g")


def show_component(run: Run, walked: Walked, chosen: int) -> None:
    """All about one component."""
    knowledge = walked.knowledge
    row = frame_of(run, walked).iloc[chosen]
    count = len(knowledge)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Component {chosen}", width="content", anchor=False)
        for label, icon, place in (
            ("Previous component", "arrow_back", chosen - 1),
            ("Next component", "arrow_forward", chosen + 1),
        ):
            st.button(
                label,
                icon=f":material/{icon}:",
                disabled=not 0 <= place < count,
                on_click=set_url,
                kwargs={"component": place or None},
            )
    with st.grid(5, min_column_width=130):
        st.metric("Weight", percent(float(row.weight)), help="Its share of the budget.")
        st.metric(
            "Budget",
            number(int(row.budget)),
            help=f"Samples to take for it; the walk took {number(int(row.taken))}.",
        )
        st.metric("Cosine to the target's mean", number(float(row.mean_alignment)))
        if walked.parameters.knowledge == "principal":
            st.metric(
                "Turned round",
                "yes" if row.flipped else "no",
                help="Whether orienting reversed it, so that it points towards its target.",
            )
        st.metric(
            "Pool on its side",
            percent(float(row.positive)),
            help="Samples of the pool with a cosine above 0: training on one moves the model along the component. "
            "The others move it back.",
        )
    against = row.mean_alignment < 0 and not walked.parameters.signed
    (st.warning if against else st.info)(
        orientation(walked.parameters, knowledge, chosen),
        icon=":material/swap_vert:" if against else ":material/explore:",
    )
    _examples(run, walked, chosen)
    st.markdown("#### Samples of the pool near it")
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _affinities(run, walked, chosen, row)
    with right:
        _closest(run, walked, chosen, int(row.anchor))


def _examples(run: Run, walked: Walked, component: int) -> None:
    """The validation examples at both ends of the component, and all of them in a table."""
    st.markdown("#### What it asks for")
    st.caption(
        "The **loading** of an example is the cosine of its gradient to the component: near 1, the example asks for "
        "just this change of the model; near 0, it does not care; below 0, it asks for the opposite."
    )
    targets = run.validation["target"].to_numpy()
    own = np.flatnonzero(targets == walked.knowledge.targets[component])
    loadings = walked.knowledge.loadings[component]
    order = own[np.argsort(-loadings[own], kind="stable")]
    ends = min(EXAMPLES, -(-len(order) // 2))
    prompts, responses = run.validation["prompt"].tolist(), run.validation["response"].tolist()
    for column, title, rows in zip(
        st.columns(2, gap="medium"),
        ("Highest loadings", "Lowest loadings"),
        (order[:ends], order[: -ends - 1 : -1]),
        strict=True,
    ):
        with column:
            st.markdown(f"**{title}**")
            for example in rows:
                st.caption(
                    f"loading **{number(float(loadings[example]))}** · validation example {number(int(example))}"
                )
                show_text(f"{prompts[example]}\n\n→ {responses[example]}", tallest=170)
    with st.expander(f"All {number(len(order))} validation examples by their loading"):
        st.dataframe(
            pd.DataFrame(
                {
                    "example": order,
                    "loading": loadings[order],
                    "prompt": [visible(" ".join(prompts[example][:400].split())) for example in order],
                    "response": [visible(" ".join(responses[example][:400].split())) for example in order],
                }
            ),
            hide_index=True,
            key="loadings",
            height=min(400, 38 + 35 * len(order)),
            column_config={
                "loading": THREE,
                "prompt": st.column_config.TextColumn(width="large"),
                "response": st.column_config.TextColumn(width="large"),
            },
            alt="Loading of every validation example",
        )


def _affinities(run: Run, walked: Walked, component: int, row: pd.Series) -> None:
    affinities = walks.affinities(run, walked.parameters)[:, component]
    taken = walked.trace.steps.sample[walked.trace.steps.component == component]
    pool = affinities[run.valid]
    # From end to end of what there is: cosines of long gradients stay close to 0.
    edges = np.histogram_bin_edges(pool, BINS)
    counts, own = np.histogram(pool, edges)[0], np.histogram(affinities[taken], edges)[0]
    st.plotly_chart(
        affinity_figure(edges, counts, own, float(affinities[row.anchor]) if row.anchor >= 0 else None),
        key="affinities",
        config={"displayModeBar": False},
        alt="Cosines of the pool's samples to the component",
    )
    st.caption(
        f"Half of the pool lies below {number(float(row['median']))}, 5 % below {number(float(row.low))}, 5 % above "
        f"{number(float(row.high))}; the highest is {number(float(row.highest))}."
    )
    with st.expander("The same as a table"):
        st.dataframe(
            pd.DataFrame({"from": edges[:-1], "to": edges[1:], "pool": counts, "taken for it": own}),
            hide_index=True,
            key="affinity table",
            height=300,
            column_config={"from": THREE, "to": THREE},
            alt="Cosines of the pool's samples to the component, as a table",
        )


def _closest(run: Run, walked: Walked, component: int, anchor: int) -> None:
    found = closest_samples(run, walked.parameters, walked.trace, component)
    if anchor >= 0:
        st.markdown(
            f"◆ **Anchor**: sample {number(anchor)}, where the walk for this component begins: the closest one that "
            "was still free. Choose a row to read the sample."
        )
    else:
        st.markdown("The walk takes no sample for this component at these settings, so it has no anchor.")
    prompts = run.instructions["prompt"].array
    here = focus(run)
    rows = np.flatnonzero(found["sample"] == here).tolist()

    def choose() -> None:
        chosen = st.session_state["closest"]["selection"]["rows"]
        set_url(focus=int(found["sample"].iloc[chosen[0]]) if chosen else None)

    st.session_state["closest"] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    st.dataframe(
        pd.DataFrame(
            {
                "sample": found["sample"],
                "cosine": found["cosine"],
                "in the walk": [
                    _taken(*part, component)
                    for part in zip(found["step"], found["component"], found["origin"], strict=True)
                ],
                "text": [visible(" ".join(prompts[sample][:300].split())) for sample in found["sample"]],
            }
        ),
        hide_index=True,
        key="closest",
        on_select=choose,
        selection_mode="single-row",
        height=320,
        column_config={
            "sample": st.column_config.NumberColumn(format="localized", width="small"),
            "cosine": THREE,
            "in the walk": st.column_config.TextColumn(width=150),
            "text": st.column_config.TextColumn(width="large"),
        },
        alt="Samples of the pool closest to the component",
    )
    with st.container(horizontal=True):
        sample = here if here is not None else anchor
        if sample >= 0:
            link_to("Neighbourhood", f"Neighbourhood of {sample:,}", focus=sample)
            link_to("Walk", "Why is it in, or not?", focus=sample)
    if here is not None:
        with st.expander(f"Sample {number(here)} in full", expanded=bool(rows)):
            show_record(run, here)


def _taken(step: int, taker: int, origin: str, component: int) -> str:
    if step < 0:
        return "–"
    if origin == "pin":
        return "■ pinned"
    mark = {"anchor": "◆ anchor", "neighbor": "● neighbour", "fallback": "▲ fallback"}[origin]
    return f"{mark}, step {step:,}" + (f", for component {taker}" if taker != component else "")
