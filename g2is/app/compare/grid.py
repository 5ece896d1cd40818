"""Sensitivity: the walk over a grid of delta and the setting that determines the number of target directions."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from g2is.analysis.comparison import Profiler
from g2is.analysis.sensitivity import DELTAS, grid_table, other_axis, walk_grid, without_idle_delta
from g2is.analysis.walks import examples_in_use
from g2is.app.compare.parts import COLUMNS, PLAIN, fingerprint, table
from g2is.app.shared import link_to, number, set_url
from g2is.app.shared.computed import computed
from g2is.app.shared.labels import label
from g2is.app.shared.walked import walked
from g2is.app.walk.parameters import parameters_in_url
from g2is.config import WalkParameters
from g2is.figures.sensitivity import grid_figure
from g2is.run.run import Run

MEASURES = {
    "samples": "instructions chosen",
    "overlap": "overlap with your walk",
    "alignment": "alignment to the target",
    "coverage_of_pool": "coverage",
}


def show_sensitivity(run: Run) -> None:
    """Four heat maps; a click on a cell makes it the current walk."""
    parameters = parameters_in_url(run)
    examples = examples_in_use(run, parameters)
    name, others = other_axis(parameters, len(examples))
    # More groups than the validation examples allow are as many as they allow.
    value = min(getattr(parameters, name), max(others))
    if name == "facets" and parameters.facets_by != "number":
        value = 0  # it has no set number of groups, so that it is none of these walks
    current = parameters.delta, float(value)
    st.markdown(
        f"Your walk with other values of **delta** (the alignment to keep at each step) and of "
        f"**{label(name)}** ({_meaning(name)}); everything else stays. Where little changes from cell to cell, "
        "the setting is safe to leave alone. **Click a cell** and it becomes your walk."
    )
    cells = without_idle_delta(_walks(run, parameters, name, len(others)), parameters.delta)
    if len({cell.delta for cell in cells}) == 1:
        current = cells[0].delta, current[1]
        st.caption(
            f"Delta changes none of these walks, so that only {label(name)} varies here."
            if parameters.consistency
            else f"The rule that delta belongs to is off, so that only {label(name)} varies here."
        )
    frame = grid_table(
        cells, name, walked(run, parameters).trace.samples, Profiler(run, parameters.regime, examples)
    )
    cell = f"delta {current[0]:g}, {label(name)} {current[1]:g}"
    st.caption(where_words(parameters, name, cell, framed=_holds(frame, name, current)))
    with st.grid(2, min_column_width=420):
        for measure, title in MEASURES.items():
            key = f"grid {measure} {cell}"
            st.plotly_chart(
                grid_figure(frame, measure, title, current, other_title=label(name)),
                key=key,
                config=PLAIN,
                on_select=lambda key=key: _walk_so(key, frame, name),
                selection_mode="points",
            )
    table(frame, "sensitivity", COLUMNS)
    link_to("Walk", "See this walk step by step")


def where_words(parameters: WalkParameters, name: str, cell: str, *, framed: bool) -> str:
    """Which cell of the grid the walk is, or why it is none."""
    if name == "facets" and parameters.facets_by == "each":
        return (
            "Your walk has each validation example as a direction of its own. These walks put the examples into groups "
            "instead, so that yours is not among them; the overlap says how near they come to it."
        )
    if name == "facets" and parameters.facets_by == "silhouette":
        return "Your walk finds the number of groups itself; these walks have a set number, so that none is framed."
    return f"Your walk: {cell}, framed." if framed else f"Your walk, {cell}, lies between these values."


def _meaning(name: str) -> str:
    if name == "variance":
        return "how much of the spectrum of the validation gradients the target directions keep"
    return "how many groups the validation examples are divided into"


def _walks(run: Run, parameters: WalkParameters, name: str, others: int) -> Any:
    """The walks of the grid, which do not depend on the values that the grid replaces."""
    same = parameters.model_dump_json(exclude={"delta", name, "components"})

    def make() -> Any:
        total = others * len(DELTAS)
        bar = st.progress(0.0, "Walking …")
        done = [0]

        def on_walk() -> None:
            done[0] += 1
            bar.progress(done[0] / total, f"Walking: {number(done[0])} of {number(total)}")

        cells = walk_grid(run, parameters, on_walk=on_walk)
        bar.empty()
        return cells

    return computed("grids", fingerprint(run.state, same), make, most=4)


def _holds(frame: pd.DataFrame, name: str, current: tuple[float, float]) -> bool:
    return bool(((frame["delta"] == current[0]) & (frame[name] == current[1])).any())


def _walk_so(key: str, frame: pd.DataFrame, name: str) -> None:
    points = st.session_state[key].selection.points
    if points:
        cell = frame.iloc[int(points[0]["point_index"])]
        value = int(cell[name]) if name == "facets" else float(cell[name])
        by = {"facets_by": "number"} if name == "facets" else {}
        set_url(delta=float(cell["delta"]), **{name: value}, **by, components=None, component_budgets=None)
