"""The source of target directions: the spectrum with its cut, or the groups of examples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis.core import Spectrum, facets_frame, spectrum_of
from g2is.app.shared import THREE_DIGITS, in_url, number, one_of, percent, show_error, table_height, visible
from g2is.app.shared.walked import Walked
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.figures.core import MOST_BARS, facet_figure, spectrum_figure
from g2is.run.run import Run

BAR = {"displayModeBar": False}


@st.cache_data(max_entries=64, show_spinner=False)
def _spectrum(
    _run: Run, run_hash: str, key: str, _parameters: WalkParameters, target: str, center: bool
) -> Spectrum:
    return spectrum_of(_run, _parameters, target, center=center)


def show_spectrum(run: Run, walked: Walked) -> None:
    """The share of each principal direction in the spectrum of the validation gradients, centred and not."""
    parameters, knowledge = walked.parameters, walked.knowledge
    in_use = parameters.knowledge == "principal"
    st.header("Spectrum")
    if not in_use:
        st.markdown(
            "What the published method would take its directions from; the settings above group examples instead."
        )
    asked = (
        f"as many as were asked for, {number(parameters.components)}"
        if parameters.components is not None
        else f"as many as it takes for their sum to pass {percent(parameters.variance)} (`variance`)"
    )
    st.caption(
        "Principal directions are the few directions along which the validation gradients differ most (**centred**: "
        "their mean is subtracted first) or which they hold most of (**not centred**: what all examples have in "
        f"common stays in, mostly in the first). Each has a share of the whole; the largest are kept, {asked}."
    )
    targets = list(dict.fromkeys(knowledge.targets))
    target = targets[0]
    if len(targets) > 1:
        target = st.selectbox(
            "Validation target",
            targets,
            format_func=visible,
            **in_url("spectrum", target, one_of(targets)),
        )
    for column, center in zip(st.columns(2, gap="medium"), (True, False), strict=True):
        used = " · **in use**" if in_use and center == parameters.center else ""
        with column:
            st.markdown(f"**{'Centred' if center else 'Not centred'}**{used}")
            try:
                spectrum = _spectrum(run, run.state, parameters.knowledge_key, parameters, target, center)
            except InputError as error:
                show_error(error)
                continue
            _show_one(spectrum, parameters, center)


def _show_one(spectrum: Spectrum, parameters: WalkParameters, center: bool) -> None:
    name = "centred" if center else "not centred"
    variance = parameters.variance if parameters.components is None else None
    st.plotly_chart(
        spectrum_figure(spectrum, variance), key=f"spectrum {name}", config=BAR, alt=f"Spectrum, {name}"
    )
    total = float(spectrum.shares[: spectrum.kept].sum())
    more = f" The first {MOST_BARS} are drawn." if len(spectrum.shares) > MOST_BARS else ""
    st.caption(
        f"{number(spectrum.kept)} of {number(len(spectrum.shares))} directions are kept; they hold {percent(total)}, "
        f"the first alone {percent(float(spectrum.shares[0]))}.{more}"
    )
    with st.expander("The same as a table"):
        st.dataframe(
            pd.DataFrame(
                {
                    "direction": np.arange(1, len(spectrum.shares) + 1),
                    "share": spectrum.shares,
                    "sum so far": np.cumsum(spectrum.shares),
                    "kept": np.arange(len(spectrum.shares)) < spectrum.kept,
                }
            ),
            hide_index=True,
            key=f"spectrum table {name}",
            height=300,
            column_config={
                "share": st.column_config.NumberColumn(format="percent"),
                "sum so far": st.column_config.NumberColumn(format="percent"),
            },
            alt=f"Spectrum, {name}, as a table",
        )


def show_groups(run: Run, walked: Walked, chosen: int) -> None:
    """How large each group is and how alike its members are; of single examples, how alike they are."""
    frame = facets_frame(walked.knowledge, run.validation["target"].tolist())
    if len(frame) > 1 and (frame["examples"] <= 1).all():
        st.header("Examples")
        st.caption(
            "Every target direction is a single validation example. The bar is its cosine to the **nearest "
            "other** one: near 1 two examples are nearly the same, and the walk chooses instructions for both; near 0 "
            "no other example is similar. The direction chosen below is crossed."
        )
        _bars(
            frame,
            "cosine_to_it",
            "cosine to the nearest",
            chosen,
            alt="Cosine of each direction to the nearest other",
        )
    else:
        st.header("Groups")
        st.caption(
            "Groups of validation examples whose gradients point the same way, found by k-means on the cosines; each "
            "target direction is the mean of its group. **Cohesion** is the mean cosine of the members to it: near 1 "
            "they are nearly the same, near 0 the group collects examples that fit no other. The group chosen below is "
            "crossed."
        )
        left, right = st.columns(2, gap="medium")
        with left:
            _bars(frame, "examples", "examples", chosen, alt="Validation examples in each group")
        with right:
            _bars(frame, "cohesion", "cohesion", chosen, alt="Cohesion of each group", share=True)
    with st.expander("The same as a table, with the nearest other"):
        st.dataframe(
            frame.rename(
                columns={
                    "component": "direction",
                    "nearest_facet": "nearest other",
                    "cosine_to_it": "cosine to it",
                }
            ),
            hide_index=True,
            key="facets table",
            height=table_height(len(frame), 400),
            column_config={
                "cohesion": THREE_DIGITS,
                "cosine to it": THREE_DIGITS,
            },
            alt="Size and cohesion of every group",
        )


def _bars(
    frame: pd.DataFrame, column: str, title: str, chosen: int, *, alt: str, share: bool = False
) -> None:
    figure = facet_figure(frame[column].to_numpy(), title, chosen, share=share)
    st.plotly_chart(figure, key=f"facet {column}", config=BAR, alt=alt)
