"""The sample or validation example in focus: its text in full and its ten nearest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from g2is.app import shared as ui
from g2is.app.instructions.order import walk_at_hand
from g2is.app.map.view import MapView, change_basket, go_to, in_focus
from g2is.app.walk.why import show_why_line
from g2is.config import RegimeName
from g2is.errors import InputError
from g2is.graph.edges import nearest_rows
from g2is.run.run import Run

NEAREST = 10


def show_focus(view: MapView) -> None:
    """Show what is in focus, its neighbours by gradient, and links to other pages."""
    focus = in_focus(view.run)
    example = focus is not None and focus < 0
    st.header("Validation example in focus" if example else "Instruction in focus", anchor=False)
    if focus is None:
        st.caption(
            "Click a dot to read the instruction, or a star to read the validation example. Arrow keys then go to the "
            "next dot in that direction, Escape clears."
        )
    elif example:
        _show_example(view, -1 - focus)
    else:
        _show_sample(view, focus)


def _show_example(view: MapView, row: int) -> None:
    run = view.run
    example = run.validation.iloc[row]
    with st.container(border=True):
        st.markdown(f"**Validation example {ui.number(row)}** of the target {ui.literal(example['target'])}")
        ui.show_text(f"{example['prompt']}\n\n→ {example['response']}")
    _nearest(
        view,
        *_nearest_to_example(run, run.state, view.regime, row),
        "The instructions that, each on its own, help most with this example.",
    )


@st.cache_data(max_entries=128, show_spinner=False)
def _nearest_to_example(
    _run: Run, run_hash: str, regime: RegimeName, row: int
) -> tuple[NDArray[np.integer], NDArray[np.floating]]:
    column = _run.regime(regime).validation_cosines[:, row : row + 1]
    (neighbors,), (cosines,) = nearest_rows(column, _run.valid, NEAREST)
    return neighbors, cosines


def _show_sample(view: MapView, sample: int) -> None:
    run = view.run
    inside = sample in set(ui.basket(run))
    with st.container(horizontal=True):
        st.button(
            "Out of the basket" if inside else "Into the basket",
            key="focus in basket",
            icon=f":material/{'remove' if inside else 'add'}:",
            on_click=change_basket,
            args=(run, [sample], "remove" if inside else "add"),
        )
        ui.link_to("Neighbourhood", "Similar and conflicting", focus=sample)
        ui.link_to("Walk", "Why is it in, or not?", focus=sample)
        ui.link_to("Instructions", "Show in Instructions", focus=sample)
    why = st.empty()
    if not view.points.placed[sample]:
        why_not = "Removed from the pool" if run.gone[sample] else "No gradient"
        st.caption(f":material/info: {why_not}, so no place on the map.")
    with st.container(border=True):
        ui.show_record(run, sample)
    regime = run.regime(view.regime)
    neighbors, cosines = regime.neighbors[sample][:NEAREST], regime.cosines[sample][:NEAREST]
    known = neighbors >= 0
    _nearest(view, neighbors[known], cosines[known], "Where the walk would look next from here.")
    # Last: the walk may have to be computed first. In a large pool the link above does it, not every click.
    with why:
        try:
            at_hand = walk_at_hand(run) is not None
        except InputError as error:
            ui.show_error(error)
            return
        if at_hand:
            show_why_line(run, sample)


def _nearest(
    view: MapView, neighbors: NDArray[np.integer], cosines: NDArray[np.floating], meaning: str
) -> None:
    if not len(neighbors):
        return
    st.markdown(
        f"**The {len(neighbors)} nearest** by cosine of the gradients",
        help=f"{meaning} On the map they may be far apart, as a plane cannot preserve all distances.",
    )

    def choose(place: int | None) -> None:
        if place is not None:
            go_to(int(neighbors[place]))

    ui.choose_row(
        pd.DataFrame(
            {
                "instruction": neighbors,
                "cosine": cosines.astype(float),
                "prompt": ui.snippets(view.run.prompts(neighbors)),
            }
        ),
        "nearest",
        choose,
        tallest=400,
        columns={
            "instruction": st.column_config.NumberColumn("#", format="localized", width=64),
            "cosine": st.column_config.NumberColumn(format="%.3f", width=64),
            "prompt": st.column_config.TextColumn(width=280),
        },
        alt="The nearest instructions by gradient; select a row to go there",
    )
