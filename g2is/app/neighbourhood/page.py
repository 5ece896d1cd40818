"""The neighbourhood of an instruction on the gradient graph: similar instructions, and those in conflict."""

from __future__ import annotations

import streamlit as st

from g2is.analysis import walks
from g2is.analysis.neighbourhood import on_path
from g2is.app import shared as ui
from g2is.app.neighbourhood.controls import choose_focus, choose_view
from g2is.app.neighbourhood.graph import chosen_node, neighbourhood, show_graph
from g2is.app.neighbourhood.leaks import show_leaks
from g2is.app.neighbourhood.nodes import counts_of, show_table
from g2is.app.neighbourhood.path import path_from, show_path
from g2is.app.neighbourhood.reader import show_reader
from g2is.app.neighbourhood.trail import go_to, show_trail, trail_to
from g2is.app.walk.budgets import component_names
from g2is.app.walk.parameters import parameters_in_url
from g2is.errors import InputError
from g2is.run.run import CONTENT_STAGES


def show() -> None:
    """Draw the page."""
    run = ui.open_page("Neighbourhood", stages=(*CONTENT_STAGES, "communities"))
    st.markdown(
        "What lies near one instruction on the graph of gradients: those that teach the same (**aligned**), those that "
        "undo it (**in conflict**), and the validation examples and target directions that it serves."
    )
    try:
        settings = parameters_in_url(run)
        walks.core_knowledge(run, settings)
    except InputError as error:
        ui.stop(error)
    focus = choose_focus(run, settings)
    trail = trail_to(run, focus)
    view, by_community = choose_view(run, settings, trail)
    show_trail(run, trail)
    if not run.valid[focus]:
        st.warning(
            "This instruction has no gradient, so it has no neighbours. Choose another one.",
            icon=":material/block:",
        )
        ui.show_record(run, focus)
        st.stop()

    around = neighbourhood(run, focus, view, settings)
    chosen = chosen_node(around)
    st.markdown(counts_of(around))
    knowledge = walks.core_knowledge(run, settings.replace(regime=view.regime))
    path = path_from(run, view.regime, settings, focus)
    marked = [] if path is None else on_path(around.nodes, path, settings, knowledge)
    show_graph(run, around, chosen, trail, settings, by_community=by_community, path=marked)
    show_table(run, around, chosen)
    show_reader(run, around, chosen, trail)
    show_path(run, path, marked, component_names(run, knowledge), trail)
    show_leaks(run, focus, lambda sample: go_to(sample, trail))
