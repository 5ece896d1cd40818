"""Which instruction the neighbourhood is of, and how much of it is shown; each in the URL."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.analysis import walks
from g2is.app.neighbourhood.graph import View
from g2is.app.neighbourhood.trail import go_to
from g2is.app.shared import flag, focus, in_url, one_of, real, set_url, whole
from g2is.app.shared.community_choice import choose_community
from g2is.app.shared.labels import REGIME_NAMES
from g2is.app.shared.popover import inside, popover
from g2is.app.shared.sample_search import search_sample
from g2is.config import WalkParameters
from g2is.graph.ego import MOST
from g2is.run.run import Run

SHOWN = 60


def choose_focus(run: Run, settings: WalkParameters) -> int:
    """The instruction in the URL; without one that closest to the heaviest target direction."""
    sample = focus(run)
    if sample is not None:
        return sample
    affinities = np.where(run.valid, walks.affinities(run, settings)[:, 0], -np.inf)
    st.caption("No instruction is chosen yet: this is the one closest to the first target direction.")
    return int(affinities.argmax())


def choose_view(
    run: Run,
    settings: WalkParameters,
    trail: tuple[int, ...],
    bar: DeltaGenerator,
    messages: DeltaGenerator,
) -> tuple[View, bool]:
    """What of the graph to show, and whether to colour it by community. messages: the place for what a search finds."""
    with bar:
        place = st.container(width=280)
        with inside(popover("Show", "hood show", icon=":material/tune:"), "hood show"):
            view, by_community = _ask_view(run, settings)
    with place:
        membership = run.communities(view.regime).membership
        search_sample(
            run,
            "search instruction",
            lambda found: go_to(found, trail),
            label=None,
            members=None if view.community is None else membership == view.community,
            messages=messages,
        )
    return view, by_community


def _ask_view(run: Run, settings: WalkParameters) -> tuple[View, bool]:
    regime: Any = st.selectbox(
        "Gradients",
        list[str](run.regimes),
        format_func=REGIME_NAMES.__getitem__,
        help="The version of the gradients that decides what is alike; at first that of the walk.",
        # Each regime has communities of its own.
        **{
            **in_url("graph_regime", settings.regime, one_of(run.regimes)),
            "on_change": lambda: set_url(community=None),
        },
    )
    community = choose_community(run, regime)
    hops = st.segmented_control(
        "Hops",
        [1, 2],
        required=True,
        help="1: what is linked to the instruction. 2: also what those that are aligned are aligned with.",
        **in_url("hops", 1, whole(1, 2)),
    )
    most = st.slider(
        "Most nodes",
        10,
        MOST,
        step=10,
        help="The strongest are shown, with room kept for each kind.",
        **in_url("most", SHOWN, whole(10, MOST)),
    )
    floor = st.slider(
        "Minimum similarity",
        0.0,
        1.0,
        step=0.01,
        help="All but conflicts are left out where their cosine is lower.",
        **in_url("floor", 0.0, real(0, 1)),
    )
    by_community = st.toggle(
        "Colour by community",
        help="The number at an instruction is that of its community.",
        **in_url("communities", False, flag),
    )
    return View(regime, hops, most, floor, community), by_community
