"""The filters of the list: words, sources, tasks, lengths, state, community and selection."""

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from g2is.analysis.search import STATES, Filter, matching
from g2is.app import shared as ui
from g2is.app.shared.community_choice import choose_community
from g2is.app.walk.parameters import walk_regime
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.traces import read_trace, trace_path


@st.cache_data(max_entries=64, show_spinner=False)
def matches(_run: Run, run_hash: str, filter: Filter) -> np.ndarray:
    """(k,) rows that match, ascending. Raises `InputError` for a bad regular expression."""
    return matching(_run.instructions, filter)


@st.cache_data(max_entries=16, show_spinner=False)
def component_of_samples(path: Path, stamp: int) -> dict[int, int]:
    """The component that each instruction of a walk was chosen for; -1 for a pin."""
    steps = read_trace(path).steps
    return dict(zip(steps.sample.tolist(), steps.component.tolist(), strict=True))


def from_the_start() -> None:
    """A changed filter begins at its first page."""
    ui.set_url(page=None)


def filtering(name: str, default: Any, read: Any = str) -> dict[str, Any]:
    """As `in_url`; a change goes back to the first page of the list."""
    return {**ui.in_url(name, default, read), "on_change": from_the_start}


def choose_filter(run: Run) -> Filter:
    """The filters that depend on the pool alone."""
    pool = run.instructions
    search, how = st.columns([5, 2], vertical_alignment="bottom")
    text = search.text_input(
        "Search in prompts and responses",
        type="search",
        placeholder="words, or a regular expression",
        **filtering("search", ""),
    )
    regular = how.toggle(
        "Regular expression",
        help="Such as `\\d+ apples` or `^Write`. Upper and lower case are alike.",
        **filtering("regex", False, ui.flag),
    )
    first, second, third = st.columns(3)
    names = sorted(run.source_names)
    sources = first.multiselect(
        "Source file",
        names,
        format_func=ui.visible,
        placeholder="All",
        **filtering("source", [], ui.one_of(names)),
    )
    tasks = sorted(pool["task"].dropna().unique())
    chosen_tasks: list[str] = []
    if tasks:
        chosen_tasks = second.multiselect(
            "Task",
            tasks,
            format_func=ui.visible,
            placeholder="All",
            **filtering("task", [], ui.one_of(tasks)),
        )
    known = {"": "All", **STATES} if "valid" in pool else {"": "All", "duplicate": STATES["duplicate"]}
    state = third.selectbox(
        "State",
        list(known),
        format_func=lambda name: known[name],
        help="Without a gradient an instruction is never selected; what is longer than the model takes is cut.",
        **filtering("state", "", ui.one_of(known)),
    )
    tokens = None
    if "tokens" in pool and pool["tokens"].min() < pool["tokens"].max():
        column = second if not tasks else st
        limits = int(pool["tokens"].min()), int(pool["tokens"].max())
        lengths = column.slider("Length in tokens", *limits, **filtering("tokens", limits, ui.whole(*limits)))
        tokens = None if lengths == limits else lengths
    return Filter(text, regular, tuple(sources), tuple(chosen_tasks), tokens, state)


def filter_by_community(run: Run, rows: np.ndarray) -> np.ndarray:
    """Keep the instructions of one community, where the run has any."""
    if not {"gradients", "graph", "communities"} <= set(run.manifest.stages):
        return rows
    regime = walk_regime(run)
    community = choose_community(run, regime, bind=filtering)
    if community is None:
        return rows
    return rows[run.communities(regime).membership[rows] == community]


def filter_by_selection(run: Run, rows: np.ndarray) -> np.ndarray:
    """Keep what is in a saved selection, or in one direction of its walk, or what is not."""
    first, second, third = st.columns(3, vertical_alignment="bottom")
    with first:
        name = ui.choose_selection(
            run, "Selection", none="Any", help="Instructions in a saved selection or in the basket."
        )
    if name is None:
        return rows
    try:
        selection = ui.read_selection(run, name)
        taken = np.array(selection.samples, dtype=np.int64)
        within = second.segmented_control(
            "Show",
            ["in", "out"],
            format_func=lambda side: {"in": "In it", "out": "Not in it"}[side],
            required=True,
            **filtering("side", "in", ui.one_of(["in", "out"])),
        )
        if within == "out":
            return np.setdiff1d(rows, taken)
        path = ui.saved_selections(run).get(name)  # none of the basket
        if selection.method == "walk" and path is not None and trace_path(path).is_file():
            trace = trace_path(path)
            of_sample = component_of_samples(trace, trace.stat().st_mtime_ns)
            names = sorted(set(of_sample.values()))
            component = third.selectbox(
                "Target direction",
                ["", *map(str, names)],
                format_func=lambda text: {"": "All", "-1": "pinned by hand"}.get(text, f"direction {text}"),
                help="A direction of core knowledge that the walk chose instructions for.",
                **filtering("component", "", ui.one_of(map(str, names))),
            )
            if component:
                taken = np.array([sample for sample in taken if of_sample[int(sample)] == int(component)])
        return np.intersect1d(rows, taken)
    except InputError as error:
        ui.stop(error)
