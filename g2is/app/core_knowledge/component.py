"""One target direction in full: its validation examples, its sign, and the instructions close to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis import walks
from g2is.analysis.core import closest_samples, orientation
from g2is.app.core_knowledge.components import frame_of
from g2is.app.shared import (
    INSTRUCTION,
    THREE_DIGITS,
    choose_row,
    focus,
    link_to,
    number,
    percent,
    set_url,
    show_record,
    show_text,
    snippets,
    table_height,
)
from g2is.app.shared.computed import computed
from g2is.app.shared.labels import origin_names
from g2is.app.shared.walked import Walked, walk_id
from g2is.figures.core import affinity_figure
from g2is.run.run import Run

EXAMPLES = 3
"""Validation examples shown in full at either end of a direction."""

BINS = 60


def show_component(run: Run, walked: Walked, chosen: int) -> None:
    """All about one target direction."""
    knowledge = walked.knowledge
    row = frame_of(run, walked).iloc[chosen]
    count = len(knowledge)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"Direction {chosen}", width="content", anchor=False)
        for label, icon, place in (
            ("Previous direction", "arrow_back", chosen - 1),
            ("Next direction", "arrow_forward", chosen + 1),
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
            help=f"Instructions to choose for it; the walk chose {number(int(row.taken))}.",
        )
        st.metric("Cosine to the target's mean", number(float(row.mean_alignment)))
        if walked.parameters.knowledge == "principal":
            st.metric(
                "Sign flipped",
                "yes" if row.flipped else "no",
                help="Whether it was reversed, so that it points towards its target.",
            )
        st.metric(
            "Pool on its side",
            percent(float(row.positive)),
            help="Instructions with a cosine above 0: training on one moves the model along the direction. The others "
            "move it back.",
        )
    against = row.mean_alignment < 0 and not walked.parameters.signed
    (st.warning if against else st.info)(
        orientation(walked.parameters, knowledge, chosen),
        icon=":material/swap_vert:" if against else ":material/explore:",
    )
    _examples(run, walked, chosen)
    st.markdown("### Instructions near it")
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _affinities(run, walked, chosen, row)
    with right:
        _closest(run, walked, chosen, int(row.anchor))


def _examples(run: Run, walked: Walked, component: int) -> None:
    """The validation examples at both ends of the direction, and all of them in a table."""
    st.markdown("### Its validation examples")
    st.caption(
        "The **loading** of an example is the cosine of its gradient to the direction: near 1, training in "
        "this direction helps the example; near 0, it has no effect on it; below 0, it harms it."
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
                    "prompt": snippets(prompts[example] for example in order),
                    "response": snippets(responses[example] for example in order),
                }
            ),
            hide_index=True,
            key="loadings",
            height=table_height(len(order), 400),
            column_config={
                "loading": THREE_DIGITS,
                "prompt": st.column_config.TextColumn(width="large"),
                "response": st.column_config.TextColumn(width="large"),
            },
            alt="Loading of every validation example",
        )


def _affinities(run: Run, walked: Walked, component: int, row: pd.Series) -> None:
    def make() -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
        affinities = walks.affinities(run, walked.parameters)[:, component]
        taken = walked.trace.steps.sample[walked.trace.steps.component == component]
        pool = affinities[run.valid]
        # Only the range of the data: cosines of high-dimensional gradients are close to 0.
        edges = np.histogram_bin_edges(pool, BINS)
        counts, own = np.histogram(pool, edges)[0], np.histogram(affinities[taken], edges)[0]
        anchor = float(affinities[row.anchor]) if row.anchor >= 0 else None
        return edges, counts, own, affinity_figure(edges, counts, own, anchor)

    edges, counts, own, figure = computed("affinities", f"{component} of {walk_id(run, walked)}", make)
    st.plotly_chart(
        figure,
        key="affinities",
        config={"displayModeBar": False},
        alt="Cosines of the pool's instructions to the direction",
    )
    st.caption(
        f"Half of the pool lies below {number(float(row['median']))}, 5 % below {number(float(row.low))}, 5 % above "
        f"{number(float(row.high))}; the highest is {number(float(row.highest))}."
    )
    with st.expander("The same as a table"):
        st.dataframe(
            pd.DataFrame({"from": edges[:-1], "to": edges[1:], "pool": counts, "chosen for it": own}),
            hide_index=True,
            key="affinity table",
            height=300,
            column_config={"from": THREE_DIGITS, "to": THREE_DIGITS},
            alt="Cosines of the pool's instructions to the direction, as a table",
        )


def _closest(run: Run, walked: Walked, component: int, anchor: int) -> None:
    closest = closest_samples(run, walked.parameters, walked.trace, component)
    if anchor >= 0:
        st.markdown(
            f"◆ **Anchor**: instruction {number(anchor)}, where the walk for this direction begins: the closest one "
            "that was still free. Choose a row to read the instruction."
        )
    else:
        st.markdown(
            "The walk chooses no instruction for this direction at these settings, so it has no anchor."
        )
    names = origin_names(walked.parameters)
    here = focus(run)
    marked = np.flatnonzero(closest["sample"] == here).tolist()

    def choose(place: int | None) -> None:
        set_url(focus=None if place is None else int(closest["sample"].iloc[place]))

    choose_row(
        pd.DataFrame(
            {
                "sample": closest["sample"],
                "cosine": closest["cosine"],
                "in the walk": [
                    _taken(names, *part, component)
                    for part in zip(closest["step"], closest["component"], closest["origin"], strict=True)
                ],
                "text": snippets(run.prompts(closest["sample"])),
            }
        ),
        "closest",
        choose,
        chosen=marked[0] if marked else None,
        columns={
            "sample": INSTRUCTION,
            "cosine": THREE_DIGITS,
            "in the walk": st.column_config.TextColumn(width=150),
            "text": st.column_config.TextColumn(width="large"),
        },
        alt="Instructions closest to the direction",
    )
    with st.container(horizontal=True):
        sample = here if here is not None else anchor
        if sample >= 0:
            link_to("Neighbourhood", f"Neighbourhood of {sample:,}", focus=sample)
            link_to("Walk", "Why is it in, or not?", focus=sample)
    if here is not None:
        with st.expander(f"Instruction {number(here)} in full", expanded=bool(marked)):
            show_record(run, here)


def _taken(names: dict[str, str], step: int, taker: int, origin: str, component: int) -> str:
    if step < 0:
        return "–"
    if origin == "pin":
        return names[origin]
    return f"{names[origin]}, step {step + 1:,}" + (f", for direction {taker}" if taker != component else "")
