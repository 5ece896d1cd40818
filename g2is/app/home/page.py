"""Home: choose a run, see its state, or build the demo run."""

import streamlit as st

from g2is.app import shared as ui
from g2is.app.home.demo import offer_demo
from g2is.app.home.overview import show_run
from g2is.app.home.runs import show_runs, table_of_runs
from g2is.app.shared import building
from g2is.errors import InputError

INTRODUCTION = (
    "You have a large pool of instructions, a few examples of what a language model should become good at, and the "
    "model. This tool finds the few percent of the pool that teach those examples best, by comparing how each "
    "instruction and each example would move the model's weights (their *gradients*). You see why every instruction "
    "was taken, steer the selection by hand, and leave with a file that your trainer reads."
)


def show() -> None:
    """Draw the page."""
    navigation = ui.start_page("Home")
    folders = ui.run_folders()
    runs = table_of_runs(folders)
    folder = ui.choose_run(folders) if folders else None
    ui.draw_navigation(navigation)
    st.title("G2IS Explorer", anchor=False)
    st.markdown(INTRODUCTION)
    if not (runs["state"] == "complete").any() or building.running(ui.cache_folder()):
        offer_demo()
    if folder:
        if len(runs) > 1:
            show_runs(runs)
        st.header(f"Run {ui.literal(folder.name)}", anchor=False)
        try:
            show_run(ui.read_run(folder))
        except InputError as error:
            ui.show_closed(folder, error)
