"""Two walks side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from g2is.app.shared import (
    in_url,
    number,
    one_of,
    percent,
    read_selection,
    saved_selections,
    show_changes,
    show_error,
    visible,
)
from g2is.app.shared.labels import FIELDS, value_text
from g2is.app.shared.walked import Walked
from g2is.app.walk.change import differing, show_instructions
from g2is.errors import InputError
from g2is.figures.walk import compare_alignment_figure, sources_figure
from g2is.run.run import Run
from g2is.run.selections import read_walk
from g2is.walk import WalkTrace

THIS = ""
"""Stands for the walk on the page among the names of saved ones."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two. trace: None for a selection that is not a walk, or was saved without its trace."""

    name: str
    samples: np.ndarray
    trace: WalkTrace | None


def show_comparison(run: Run, walked: Walked) -> None:
    """Choose two walks and see what they share and where they differ."""
    names = list(saved_selections(run))
    if not names:
        st.caption("Nothing is saved yet: save this walk, change a setting, and compare the two here.")
        return
    options = [THIS, *names]
    chosen = []
    for place, parameter, default in zip(st.columns(2), ("before", "after"), (None, THIS), strict=True):
        with place:
            chosen.append(
                st.selectbox(
                    parameter.capitalize(),
                    options,
                    index=None,
                    placeholder="choose a saved selection",
                    format_func=lambda name: visible(name) if name else "the walk on this page",
                    **in_url(parameter, default, one_of(options)),
                )
            )
    if None in chosen:
        return
    try:
        before, after = (_side(run, walked, name or THIS) for name in chosen)
    except InputError as error:
        show_error(error)
        return
    _compare(run, before, after)


def _side(run: Run, walked: Walked, name: str) -> Side:
    if name == THIS:
        return Side("the walk on this page", walked.trace.samples, walked.trace)
    path = saved_selections(run).get(name)
    selection, trace = (read_selection(run, name), None) if path is None else read_walk(path, run)
    show_changes(run, {name: selection})
    return Side(name, np.array(selection.samples, dtype=np.int64), trace)


def _compare(run: Run, before: Side, after: Side) -> None:
    both = np.intersect1d(before.samples, after.samples)
    either = len(before.samples) + len(after.samples) - len(both)
    removed = before.samples[~np.isin(before.samples, both)]
    added = after.samples[~np.isin(after.samples, both)]
    with st.grid(4, min_column_width=150):
        st.metric("In both", number(len(both)))
        st.metric("Removed", number(len(removed)), help="Instructions only in the one before.")
        st.metric("Added", number(len(added)), help="Instructions only in the one after.")
        st.metric(
            "Overlap", percent(len(both) / max(1, either)), help="Instructions in both, of those in either."
        )
    for column, title, samples in zip(st.columns(2), ("Removed", "Added"), (removed, added), strict=True):
        with column:
            st.markdown(f"**{title}**")
            show_instructions(run, samples, title)
    mix, curves = st.columns(2)
    with mix:
        st.markdown("**Source mix**")
        shares = {"pool": None, "before": before.samples, "after": after.samples}
        st.plotly_chart(
            sources_figure({name: _mix(run, samples) for name, samples in shares.items()}),
            key="mix of both",
            config={"displayModeBar": False},
        )
    with curves:
        st.markdown("**Alignment**")
        traces = {"before": before.trace, "after": after.trace}
        known = {name: trace for name, trace in traces.items() if trace is not None}
        if len(known) < 2:
            st.caption("A selection that no walk made, or that was saved without its trace, has no curve.")
        if known:
            st.plotly_chart(
                compare_alignment_figure(known), key="curves of both", config={"displayModeBar": False}
            )
    if before.trace and after.trace:
        _parameters(before.trace, after.trace)


def _mix(run: Run, samples: np.ndarray | None) -> pd.Series:
    """Share of each source, of the pool or of some samples."""
    pool = run.instructions["source"]
    chosen = pool if samples is None else pool.iloc[samples]
    return chosen.value_counts(normalize=True).reindex(pool.unique(), fill_value=0.0).rename(index=visible)


def _parameters(first: WalkTrace, second: WalkTrace) -> None:
    """The settings in which two walks differ."""
    before, after = first.parameters.model_dump(), second.parameters.model_dump()
    names = differing(before, after)
    if not names:
        st.caption("Both have the same settings.")
        return
    st.markdown("**Settings that differ**")
    st.dataframe(
        pd.DataFrame(
            {
                "setting": [FIELDS.get(name, name) for name in names],
                "before": [visible(value_text(name, before[name])) for name in names],
                "after": [visible(value_text(name, after[name])) for name in names],
            }
        ),
        hide_index=True,
        alt="Settings that differ",
    )
