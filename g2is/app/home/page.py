"""Home: the one thing to do next, what the tool does with the run, and the run's state; or building the demo."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from g2is.app import shared as ui
from g2is.app.home.demo import offer_demo
from g2is.app.home.first import show_action, show_ideas
from g2is.app.home.overview import show_pages, show_run
from g2is.app.home.runs import SHOWN, show_runs, table_of_runs
from g2is.app.shared import building
from g2is.app.shared.opening import whole_page
from g2is.app.shared.tour import show_tour
from g2is.errors import InputError
from g2is.run.run import Run

INTRODUCTION = (
    "You have a large pool of instructions, a few examples of what a language model should become good at, and the "
    "model. This tool finds the few percent of the pool that teach those examples best, by comparing how each "
    "instruction and each example would move the model's weights (their *gradients*). You see why every instruction "
    "was taken, steer the selection by hand, and leave with a file that your trainer reads."
)


@whole_page
def show() -> None:
    """Draw the page."""
    navigation = ui.start_page("Home")
    folders = ui.run_folders()
    folder = ui.choose_run(folders) if folders else None
    listed = {
        name: place for at, (name, place) in enumerate(folders.items()) if at < SHOWN or place == folder
    }
    runs = table_of_runs(listed)
    ui.draw_navigation(navigation)
    st.title("G2IS Explorer", anchor=False)
    st.markdown(INTRODUCTION)
    finished = _finished(folder, listed, runs)
    if finished is None or building.running(ui.cache_folder()):
        offer_demo()
    if finished:
        show_action(finished)
    show_tour("Home")
    pictures = st.container()
    if folder:
        if len(runs) > 1:
            show_runs(runs, len(folders))
        st.header(f"Run {ui.literal(folder.name)}", anchor=False)
        try:
            show_run(ui.read_run(folder))
        except InputError as error:
            ui.show_closed(folder, error)
    show_pages()
    if finished:
        # Last: on a large pool the walk takes its time.
        with pictures:
            show_ideas(finished)


def _finished(chosen: Path | None, folders: dict[str, Path], runs: pd.DataFrame) -> Run | None:
    """The run that is chosen if it is finished, or else the newest that is; None where there is none."""
    complete = [
        folder for folder, state in zip(folders.values(), runs["state"], strict=True) if state == "complete"
    ]
    if chosen in complete:
        complete.insert(0, chosen)
    for folder in complete:
        run = ui.read_run(folder)
        if not run.damage():
            return run
    return None
