"""The neighbourhood of an instruction on the gradient graph: similar instructions, and those in conflict."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from g2is.analysis import walks
from g2is.analysis.neighbourhood import on_path
from g2is.app import shared as ui
from g2is.app.neighbourhood.controls import choose_focus, choose_view
from g2is.app.neighbourhood.graph import chosen_node, graph_part, neighbourhood
from g2is.app.neighbourhood.leaks import show_leaks
from g2is.app.neighbourhood.nodes import counts_of, show_table
from g2is.app.neighbourhood.path import path_asked, path_from, path_in_words, show_path
from g2is.app.neighbourhood.reader import show_actions, show_records
from g2is.app.neighbourhood.screen import show_screen
from g2is.app.neighbourhood.trail import go_to, show_trail, trail_to
from g2is.app.shared.opening import whole_page
from g2is.app.walk.budgets import component_names
from g2is.app.walk.parameters import parameters_in_url
from g2is.errors import InputError
from g2is.run.run import CONTENT_STAGES

_STYLE = Path(__file__).parent / "page.css"


@whole_page
def show() -> None:
    """Draw the page."""
    run = ui.open_page("Neighbourhood", stages=(*CONTENT_STAGES, "communities"), compact=True)
    ui.add_style(_STYLE)
    try:
        settings = parameters_in_url(run)
        walks.core_knowledge(run, settings)
    except InputError as error:
        ui.stop(error)
    bar = st.container(key="hood bar", horizontal=True, gap="xsmall", vertical_alignment="center")
    messages = st.container(gap="xxsmall")
    head = st.container(key="hood head", horizontal=True, gap="small", vertical_alignment="center")
    with messages:
        focus = choose_focus(run, settings)
    trail = trail_to(run, focus)
    view, by_community = choose_view(run, settings, trail, bar, messages)
    with bar:
        show_actions(focus)
    if not run.valid[focus]:
        with head:
            show_trail(run, trail)
        st.warning(
            f"This instruction {'was removed from the pool' if run.gone[focus] else 'has no gradient'}, so it has no "
            "neighbours. Choose another one.",
            icon=":material/block:",
        )
        ui.show_record(run, focus)
        st.stop()

    around = neighbourhood(run, focus, view, settings)
    chosen = chosen_node(around)
    with head:
        show_trail(run, trail)
        st.markdown(counts_of(around))
    knowledge = walks.core_knowledge(run, settings.replace(regime=view.regime))
    asked = path_asked()
    path = path_from(run, view.regime, settings, focus) if asked else None
    marked = [] if path is None else on_path(around.nodes, path, settings, knowledge)
    part = graph_part(
        run,
        around,
        chosen,
        by_community=by_community,
        path=marked if asked else None,
        path_text=path_in_words(path, marked) if asked else "",
    )
    show_screen(part, trail)
    show_table(run, around, chosen)
    show_records(run, around, chosen, trail)
    if path is not None:
        show_path(run, path, component_names(run, knowledge), trail)
    show_leaks(run, focus, lambda sample: go_to(sample, trail))
