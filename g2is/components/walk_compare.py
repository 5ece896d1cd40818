"""Save a walk under a name, and put two side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from g2is.components.walked import Walked
from g2is.errors import InputError
from g2is.plots_walk import compare_alignment_figure, sources_figure
from g2is.run import Run
from g2is.selection import save_walk
from g2is.trace_file import read_trace, trace_path
from g2is.ui import (
    BASKET,
    in_url,
    link_to,
    literal,
    number,
    one_of,
    percent,
    read_selection,
    saved_selections,
    show_error,
    visible,
)
from g2is.walk import WalkTrace

THIS = ""
"""Stands for the walk on the page among the names of saved ones."""

LISTED = 100
"""Rows of a table of samples; the first in the order of the walk."""


def show_saving(run: Run, walked: Walked) -> None:
    """A name, and a button that saves the walk with its trace."""
    with st.form("save", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Save this walk as", placeholder="a name, for example first-try", width=320, key="save as"
        )
        over = st.checkbox("replace one of the same name")
        pressed = st.form_submit_button("Save", icon=":material/save:")
    if not pressed:
        return
    try:
        save(run, walked.trace, name.strip(), replace=over)
    except InputError as error:
        show_error(error)
        return
    st.success(f"Saved {number(len(walked.trace.steps))} samples as {literal(name.strip())}.")
    link_to("Export", "Export it", selection=name.strip())


def save(run: Run, trace: WalkTrace, name: str, *, replace: bool = False) -> None:
    """Write selections/NAME.json and its trace into the run's folder. Raises `InputError`."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise InputError(
            f"name = {name!r}: expected up to 64 letters a-z, digits, - and _, beginning with a letter or digit"
        )
    if name == BASKET:
        raise InputError(f"name = {name!r}: stands for the samples put aside by hand; choose another")
    if name in saved_selections(run) and not replace:
        raise InputError(
            f"name = {name!r}: there is a selection of this name; tick replace, or choose another"
        )
    save_walk(run.inside("selections", f"{name}.json"), run, trace)


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two. trace: None for a selection that is not a walk, or was saved without its trace."""

    name: str
    samples: np.ndarray
    trace: WalkTrace | None


def show_comparison(run: Run, walked: Walked) -> None:
    """Choose two walks and see what they share and where they part."""
    names = list(saved_selections(run))
    if not names:
        st.caption("Nothing is saved yet: save this walk, change a parameter, and compare the two here.")
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
    samples = np.array(read_selection(run, name).samples, dtype=np.int64)
    path = trace_path(saved_selections(run)[name])
    return Side(name, samples, read_trace(path) if path.is_file() else None)


def _compare(run: Run, before: Side, after: Side) -> None:
    both = np.intersect1d(before.samples, after.samples)
    either = len(before.samples) + len(after.samples) - len(both)
    left = before.samples[~np.isin(before.samples, both)]
    came = after.samples[~np.isin(after.samples, both)]
    with st.grid(4, min_column_width=150):
        st.metric("In both", number(len(both)))
        st.metric("Left", number(len(left)), help="Samples only in the one before.")
        st.metric("Came", number(len(came)), help="Samples only in the one after.")
        st.metric("Overlap", percent(len(both) / max(1, either)), help="Samples in both, of those in either.")
    for column, title, samples in zip(st.columns(2), ("What left", "What came"), (left, came), strict=True):
        with column:
            st.markdown(f"**{title}**")
            _samples(run, samples, title)
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
            st.caption("A selection that is no walk, or was saved without its trace, has no curve.")
        if known:
            st.plotly_chart(
                compare_alignment_figure(known), key="curves of both", config={"displayModeBar": False}
            )
    if before.trace and after.trace:
        _parameters(before.trace, after.trace)


def _samples(run: Run, samples: np.ndarray, key: str) -> None:
    if not len(samples):
        st.caption("None.")
        return
    rows = run.instructions.iloc[samples[:LISTED]]
    st.dataframe(
        pd.DataFrame(
            {
                "sample": samples[:LISTED],
                "source": rows["source"].map(visible).to_numpy(),
                "text": [visible(" ".join(str(prompt)[:300].split())) for prompt in rows["prompt"]],
            }
        ),
        hide_index=True,
        key=key,
        height=min(300, 38 + 35 * min(len(samples), LISTED)),
        column_config={
            "sample": st.column_config.NumberColumn(format="localized", width="small"),
            "text": st.column_config.TextColumn(width="large"),
        },
        alt=key,
    )
    if len(samples) > LISTED:
        st.caption(f"The first {LISTED} of {number(len(samples))}.")


def _mix(run: Run, samples: np.ndarray | None) -> pd.Series:
    """Share of each source, of the pool or of some samples."""
    pool = run.instructions["source"]
    taken = pool if samples is None else pool.iloc[samples]
    return taken.value_counts(normalize=True).reindex(pool.unique(), fill_value=0.0)


def _parameters(first: WalkTrace, second: WalkTrace) -> None:
    """The settings in which two walks differ."""
    before, after = first.parameters.model_dump(), second.parameters.model_dump()
    differing = [name for name in before if before[name] != after[name]]
    if not differing:
        st.caption("Both have the same parameters.")
        return
    st.markdown("**Parameters that differ**")
    st.dataframe(
        pd.DataFrame(
            {
                "parameter": differing,
                "before": [_value(before[name]) for name in differing],
                "after": [_value(after[name]) for name in differing],
            }
        ),
        hide_index=True,
        alt="Parameters that differ",
    )


def _value(value: object) -> str:
    if value is None:
        return "–"
    return (
        ", ".join(map(str, value))
        if isinstance(value, Sequence) and not isinstance(value, str)
        else str(value)
    )
