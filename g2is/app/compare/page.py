"""Selections side by side: a verdict, then what they share, what they are made of, and what they taught a model."""

import streamlit as st

from g2is.app.compare.choice import choose_selections
from g2is.app.compare.evaluated import results_of
from g2is.app.compare.fine_tuning import follow_fine_tuning, offer_fine_tuning
from g2is.app.compare.grid import show_sensitivity
from g2is.app.compare.measures import show_budget, show_gradients
from g2is.app.compare.overlap import show_mix, show_overlap
from g2is.app.compare.results import show_results
from g2is.app.compare.verdict import show_verdict
from g2is.app.shared import choose_view, open_page, prose, show_error
from g2is.app.shared.opening import whole_page
from g2is.errors import InputError

VIEWS = {
    "overlap": "Pairwise overlap",
    "mix": "Composition",
    "gradients": "Gradient measures",
    "budget": "By budget",
    "sensitivity": "Sensitivity of the walk",
    "results": "Fine-tuning",
}


@whole_page
def show() -> None:
    """Draw the page."""
    run = open_page("Compare")
    try:
        chosen = choose_selections(run)
    except InputError as error:
        show_error(error)
        chosen = []
    if chosen:
        try:
            show_verdict(run, chosen)
        except InputError as error:
            show_error(error)
    for text in results_of(run).unreadable.values():
        st.warning(prose(text), icon=":material/broken_image:")
    view = choose_view("What to compare", VIEWS, "overlap")
    try:
        if view == "sensitivity":
            show_sensitivity(run)
        elif view == "results":
            running = follow_fine_tuning(run)
            show_results(run)
            if not running:
                offer_fine_tuning(run)
        elif chosen:
            {"overlap": show_overlap, "mix": show_mix, "gradients": show_gradients, "budget": show_budget}[
                view
            ](run, chosen)
        else:
            st.info("Choose one or more selections.")
    except InputError as error:
        show_error(error)
