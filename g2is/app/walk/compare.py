"""Two walks side by side, and what a change of the parameters changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    show_error,
    visible,
)
from g2is.app.shared.walked import Walked, walked_before
from g2is.errors import InputError
from g2is.figures.walk import compare_alignment_figure, sources_figure
from g2is.run.run import Run
from g2is.run.traces import read_trace, trace_path
from g2is.walk import WalkTrace

THIS = ""
"""Stands for the walk on the page among the names of saved ones."""

LISTED = 100
"""Rows of a table of samples; the first in the order of the walk."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two. trace: None for a selection that is not a walk, or was saved without its trace."""

    name: str
    samples: np.ndarray
    trace: WalkTrace | None


def show_change(run: Run, walked: Walked) -> None:
    """What the last change of the parameters changed, to unfold."""
    before = walked_before(run)
    if before is None:
        return
    left = np.setdiff1d(before.trace.samples, walked.trace.samples)
    came = walked.trace.samples[~np.isin(walked.trace.samples, before.trace.samples)]
    stayed = len(walked.trace.samples) - len(came)
    first, second = before.parameters.model_dump(), walked.parameters.model_dump()
    changed = ", ".join(_change(name, first[name], second[name]) for name in _differing(first, second))
    said = f"**{number(len(came))} in**, **{number(len(left))} out**, {number(stayed)} as before"
    with st.expander(f"Against the walk before ({changed}): {said}", icon=":material/difference:"):
        for column, title, samples in zip(st.columns(2), ("In now", "Out now"), (came, left), strict=True):
            with column:
                st.markdown(f"**{title}**")
                _samples(run, samples, title)


def _change(name: str, before: object, after: object) -> str:
    """A setting that changed; with its values where these are short, and none of them text from data."""
    words = name.replace("_", " ")
    short = all(value is None or isinstance(value, bool | int | float | str) for value in (before, after))
    return f"{words} {_value(before)} → {_value(after)}" if short else words


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
    return taken.value_counts(normalize=True).reindex(pool.unique(), fill_value=0.0).rename(index=visible)


def _parameters(first: WalkTrace, second: WalkTrace) -> None:
    """The settings in which two walks differ."""
    before, after = first.parameters.model_dump(), second.parameters.model_dump()
    differing = _differing(before, after)
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


def _differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name in before if before[name] != after[name]]


def _value(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return number(value)
    return (
        ", ".join(map(str, value))
        if isinstance(value, Sequence) and not isinstance(value, str)
        else str(value)
    )
