"""Core knowledge: is the target described well enough, its target directions, and the kinds of gradients."""

from __future__ import annotations

import streamlit as st

from g2is.app.core_knowledge.check import show_target_check
from g2is.app.core_knowledge.component import show_component
from g2is.app.core_knowledge.components import chosen_component, show_components, summary
from g2is.app.core_knowledge.regimes import show_regimes
from g2is.app.core_knowledge.spectrum import show_groups, show_spectrum
from g2is.app.shared import all_texts, choose_view, flag, in_url, open_page, url_value
from g2is.app.shared.opening import whole_page
from g2is.app.shared.targets import show_targets_of
from g2is.app.walk.head import walk_by_panel
from g2is.app.walk.parameters import parameters_in_url, say_missing_targets
from g2is.app.walk.undo import show_undo
from g2is.run.run import Run

CHECK, DIRECTIONS, GRADIENTS = "check", "directions", "gradients"
VIEWS = {CHECK: "The target", DIRECTIONS: "Target directions", GRADIENTS: "Kinds of gradients"}
"""One is drawn at a time: all of them are more figures than a browser draws in a second."""
OF_DIRECTIONS = {"component", "with_spectrum"}
"""What a link that names no view is about, if it has one of these."""


@whole_page
def show() -> None:
    """Draw the page."""
    run = open_page("Core knowledge")
    if url_value("add", False, flag):
        # Not before: it loads what no other view needs.
        from g2is.app.new_target.view import show_new_target

        show_new_target(run)
        return
    st.markdown(
        "What training should change: a few directions computed from your validation examples, the **target "
        "directions**. The walk selects instructions for each of them."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        about_one = OF_DIRECTIONS & all_texts().keys()
        view = choose_view("What to see", VIEWS, DIRECTIONS if about_one else CHECK)
        with st.container(horizontal=True, gap="xxsmall", width="content"):
            show_undo()
    if view == DIRECTIONS:
        _show_directions(run)
    elif view == GRADIENTS:
        show_regimes(run, parameters_in_url(run).regime)
    else:
        say_missing_targets(run)
        show_target_check(run, parameters_in_url(run))
        st.subheader("Validation targets", anchor=False)
        show_targets_of(run, key="core knowledge")


def _show_directions(run: Run) -> None:
    """The settings, the directions that they give, and one of them in full."""
    st.caption("These settings are those of the Walk page, and go along when you go there.")
    walk = walk_by_panel(run, tab="Target directions")
    chosen = chosen_component(len(walk.knowledge))
    st.markdown(summary(walk))
    away = int((walk.knowledge.mean_alignment < 0).sum())
    if away and not walk.parameters.signed:
        st.warning(
            f"{away} of {len(walk.knowledge)} directions point away from the mean gradient of the target: the "
            "walk for them begins at instructions that pull the other way. “Flip sign towards the target” corrects "
            "that; the published method leaves the signs as they come.",
            icon=":material/swap_vert:",
        )
    if walk.parameters.knowledge == "facets":
        show_groups(run, walk, chosen)
        if st.toggle("Show the spectrum of the validation gradients", **in_url("with_spectrum", False, flag)):
            show_spectrum(run, walk)
    else:
        show_spectrum(run, walk)
    show_components(run, walk, chosen)
    show_component(run, walk, chosen)
