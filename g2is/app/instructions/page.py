"""Search the pool, filter it, and read any instruction in full."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis.search import STATES, Filter, matching
from g2is.app import shared as ui
from g2is.app.shared.community_choice import choose_community, walk_regime
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.traces import read_trace, trace_path

ROWS = 100
SNIPPET = 200


@st.cache_data(max_entries=64, show_spinner=False)
def matches(_run: Run, run_hash: str, wanted: Filter) -> np.ndarray:
    return matching(_run.instructions, wanted)


@st.cache_data(max_entries=16, show_spinner=False)
def component_of_samples(path: Path, stamp: int) -> dict[int, int]:
    """The component each sample of a walk was taken for; -1 for a pin."""
    steps = read_trace(path).steps
    return dict(zip(steps.sample.tolist(), steps.component.tolist(), strict=True))


def from_the_start() -> None:
    """A changed filter begins at its first page."""
    ui.set_url(page=None)


def filtering(name: str, default: Any, read: Any = str) -> dict[str, Any]:
    return {**ui.in_url(name, default, read), "on_change": from_the_start}


def choose_filter(run: Run) -> Filter:
    """The boxes above the list that need no selection."""
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


def filter_by_community(run: Run, found: np.ndarray) -> np.ndarray:
    """Keep the samples of one community, where the run has any."""
    if not {"gradients", "graph", "communities"} <= set(run.manifest.stages):
        return found
    regime = walk_regime(run)
    community = choose_community(run, regime, bind=filtering)
    if community is None:
        return found
    return found[run.communities(regime).membership[found] == community]


def filter_by_selection(run: Run, found: np.ndarray) -> np.ndarray:
    """Keep what a saved selection, or one component of its walk, has taken or left."""
    first, second, third = st.columns(3, vertical_alignment="bottom")
    with first:
        name = ui.choose_selection(
            run, "Selection", none="Any", help="Samples that a saved walk or the basket holds."
        )
    if name is None:
        return found
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
            return np.setdiff1d(found, taken)
        path = ui.saved_selections(run).get(name)  # none of the basket
        if selection.method == "walk" and path is not None and trace_path(path).is_file():
            trace = trace_path(path)
            of_sample = component_of_samples(trace, trace.stat().st_mtime_ns)
            names = sorted(set(of_sample.values()))
            component = third.selectbox(
                "Component",
                ["", *map(str, names)],
                format_func=lambda text: {"": "All", "-1": "pinned by hand"}.get(text, f"component {text}"),
                help="A direction of core knowledge that the walk took samples for.",
                **filtering("component", "", ui.one_of(map(str, names))),
            )
            if component:
                taken = np.array([sample for sample in taken if of_sample[int(sample)] == int(component)])
        return np.intersect1d(found, taken)
    except InputError as error:
        ui.stop(error)


def table_of(run: Run, samples: np.ndarray) -> pd.DataFrame:
    """What the list shows of these samples."""
    rows = run.instructions.iloc[samples]
    table = pd.DataFrame({"sample": samples, "prompt": snippets(rows["prompt"])})
    if "tokens" in rows and rows["tokens"].any():
        table["tokens"] = rows["tokens"].to_numpy()
        table["loss"] = rows["loss"].to_numpy()
    table["response"] = snippets(rows["response"])
    table["source"] = [ui.visible(source) for source in rows["source"]]
    return table


def snippets(texts: pd.Series) -> list[str]:
    """The beginning of each text on one line."""
    return [ui.visible(" ".join(text[: 2 * SNIPPET].split()))[:SNIPPET] for text in texts]


def show_list(run: Run, found: np.ndarray, focus: int | None) -> int:
    """A page of the list; the sample whose record is shown."""
    at = int(np.searchsorted(found, focus)) if focus is not None and focus in found else None
    pages = -(-len(found) // ROWS)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{ui.number(len(found))}** of {ui.number(len(run.instructions))} instructions")
        page = 1
        if pages > 1:
            page = st.pagination(pages, **ui.in_url("page", 1 + (at or 0) // ROWS, ui.whole(1, pages)))
    shown = found[(page - 1) * ROWS : page * ROWS]
    sample = int(shown[0]) if focus is None else focus
    rows = np.flatnonzero(shown == sample).tolist()
    st.session_state["rows"] = {"selection": {"rows": rows, "columns": [], "cells": []}}

    def choose() -> None:
        chosen = st.session_state["rows"]["selection"]["rows"]
        if chosen:
            ui.set_url(focus=int(shown[chosen[0]]))

    st.dataframe(
        table_of(run, shown),
        key="rows",
        on_select=choose,
        selection_mode="single-row",
        hide_index=True,
        height=640 if len(shown) > 15 else "content",
        alt="Instructions that match the filter",
        column_config={
            "sample": st.column_config.NumberColumn("#", format="localized", width=70, pinned=True),
            "prompt": st.column_config.TextColumn("Prompt", width=270),
            "response": st.column_config.TextColumn("Response", width=230),
            "tokens": st.column_config.NumberColumn("Tokens", format="localized", width=75),
            "loss": st.column_config.NumberColumn(
                "Loss", format="%.3g", width=65, help="Mean loss of the model over the response."
            ),
            "source": st.column_config.TextColumn("Source", width=150),
        },
    )
    return sample


def show_reader(run: Run, found: np.ndarray, sample: int) -> None:
    """The record, and the ways on from it."""
    at = int(np.searchsorted(found, sample))
    inside = at < len(found) and found[at] == sample

    def go(place: int) -> None:
        ui.set_url(focus=int(found[place]), page=None)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Previous",
            icon=":material/arrow_back:",
            on_click=go,
            args=(at - 1,),
            disabled=at == 0,
            shortcut="k",
        )
        after = at + 1 if inside else at
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            on_click=go,
            args=(after,),
            disabled=after >= len(found),
            shortcut="j",
        )
        basket_button(run, sample)
    with st.container(horizontal=True):
        ui.link_to("Walk", "Why is it in, or not?", focus=sample)
        ui.link_to("Neighbourhood", "Its neighbours", focus=sample)
        ui.link_to("Map", "On the map", focus=sample)
    if not inside:
        st.caption(":material/info: This sample does not match the filter.")
    ui.show_record(run, sample)


def basket_button(run: Run, sample: int) -> None:
    basket = ui.basket(run)
    if sample in basket:
        st.button("Out of the basket", icon=":material/remove:", on_click=basket.remove, args=(sample,))
    else:
        st.button(
            "Into the basket",
            icon=":material/add:",
            on_click=basket.append,
            args=(sample,),
            help="Samples put aside by hand; the Export page writes them like any selection.",
        )


def show() -> None:
    """Draw the page."""
    run = ui.open_page("Instructions", stages=["instructions"])
    st.caption(
        "The pool: every instruction that could be selected. Search and filter, then read one in full."
    )
    try:
        found = matches(run, run.hash, choose_filter(run))
    except InputError as error:
        ui.stop(error)
    of_selection, of_community = st.columns([3, 1], vertical_alignment="bottom")
    with of_community:
        found = filter_by_community(run, found)
    with of_selection:
        found = filter_by_selection(run, found)
    if not len(found):
        st.info(
            "No instruction matches. Take a filter away, or search for less.", icon=":material/search_off:"
        )
        st.stop()
    listed, reader = st.columns([5, 4], gap="medium")
    with listed:
        sample = show_list(run, found, ui.focus(run))
    with reader:
        show_reader(run, found, sample)
