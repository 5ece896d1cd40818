"""How a page opens: its frame and its run, or what to do where the run cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.app.places import default_cache
from g2is.app.shared import more_like
from g2is.app.shared.ahead import scripts
from g2is.app.shared.arrivals import say_what_came
from g2is.app.shared.aside import say_bad_basket
from g2is.app.shared.javascript import module
from g2is.app.shared.navigation import draw_navigation, link_to
from g2is.app.shared.runs import cache_folder, choose_run, read_run, run_folders
from g2is.app.shared.text import prose, show_command, show_error, showing_errors
from g2is.app.shared.tour import show_tour
from g2is.app.shared.url import all_texts, begin_run, forget_widgets, remember_page
from g2is.app.shared.visitor import admit
from g2is.app.warming import page_drawn
from g2is.config import commands
from g2is.config.commands import CACHE
from g2is.errors import InputError
from g2is.run.paths import MANIFEST_COPY
from g2is.run.run import CONTENT_STAGES, Manifest, Run
from g2is.storage.files import inside

PAGE_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" stroke="#0072B2" stroke-width="2.5">'
    '<path d="M16 16 6 7M16 16 27 8M16 16 9 27M16 16 26 25" stroke="#56B4E9"/><g fill="#0072B2">'
    '<circle cx="6" cy="7" r="3"/><circle cx="27" cy="8" r="3"/><circle cx="9" cy="27" r="3"/></g>'
    '<circle cx="26" cy="25" r="3" fill="#E69F00" stroke="#E69F00"/><circle cx="16" cy="16" r="5" fill="#0072B2"/>'
    "</svg>"
)


_STYLE = Path(__file__).parent / "style.css"
_COMPACT = Path(__file__).parent / "compact.css"
_PAGE = Path(__file__).parent / "page.js"
DAMAGED_SHOWN = 4
"""Files of a damaged run that are named."""


def whole_page(draw: Callable[[], None]) -> Callable[[], None]:
    """What draws a page: errors of its input are shown, and what other pages need is loaded once it is drawn."""

    @wraps(draw)
    def drawn() -> None:
        try:
            showing_errors(draw)()
        finally:
            page_drawn()

    return drawn


def start_page(title: str, *, compact: bool = False) -> DeltaGenerator:
    """Page configuration and the head of the sidebar; the place there for `draw_navigation`.

    compact: the page begins with its sidebar folded, and needs all of the window.
    """
    # An icon by name would be fetched from the web.
    st.set_page_config(
        page_title=f"{title} · G2IS Explorer",
        page_icon=PAGE_ICON,
        layout="wide",
        menu_items={},
        initial_sidebar_state="collapsed" if compact else "auto",
    )
    # Not in every run: one that is overtaken would leave the next without the widgets it had not come to.
    if st.session_state.get("page") != title:
        forget_widgets()
        more_like.close()
        st.session_state["page"] = title
    begin_run()
    remember_page(all_texts())
    with st.sidebar:
        add_style(_STYLE)
        if compact:
            add_style(_COMPACT)
        st.components.v2.component("g2is_page", js=module(_PAGE))(
            key="page scripts", height=0, data=scripts()
        )
        st.markdown("**:material/hub: G2IS Explorer**")
        place = st.container(gap="xxsmall")
        who = st.container(gap="xxsmall")
    admit(who)
    return place


def add_style(path: Path) -> None:
    """A style sheet for the page."""
    # With an element of its own: Streamlit keeps bare styles elsewhere, where a rerun may lose them.
    st.sidebar.html(f"<style>{path.read_text()}</style><span></span>")


def open_page(title: str, *, stages: Sequence[str] = CONTENT_STAGES, compact: bool = False) -> Run:
    """Set a page up and return the run chosen in the sidebar, with these stages finished where it has them.

    compact: without a title, and with the sidebar folded, where the page needs all of the window.

    Stops the page where there is no run, where a stage is not finished, or where a file is damaged; each with what
    to do about it.
    """
    navigation = start_page(title, compact=compact)
    folders = run_folders()
    if not folders:
        draw_navigation(navigation)
        st.title(title, anchor=False)
        st.info("There is no run yet. The home page builds the demo run with one click.")
        link_to("Home", "Go to the home page")
        st.stop()
    folder = choose_run(folders)
    draw_navigation(navigation)
    # Where it takes no room, screen readers still find it; see style.css.
    with st.container(key="unseen_title") if compact else st.container():
        st.title(title, anchor=False)
    # Compact pages have a button of Streamlit in the corner, see compact.css.
    above = st.container(key="above") if compact else st.container()
    with above:
        show_tour(title)
        run = _checked(folder, title, stages)
        say_what_came(run)
        say_bad_basket(run)
    return run


def _checked(folder: Path, title: str, stages: Sequence[str]) -> Run:
    """The run in a folder. Stops the page where it cannot be opened, lacks a stage, or is damaged."""
    try:
        run = read_run(folder)
    except InputError as error:
        show_closed(folder, error)
        st.stop()
    for stage in run.manifest.stage_names:
        needed = stage in stages or (stage == "targets" and "graph" in stages)
        if needed and stage not in run.manifest.stages:
            st.error(
                f"This page needs the stage **{stage}**, which this run has not finished. This finishes it:"
            )
            show_command(build_command(run.manifest, run.name))
            st.stop()
    if show_damage(run):
        st.stop()
    return run


def show_damage(run: Run) -> bool:
    """Whether a file of the run is not as it was written; shows which, and the command that repairs it."""
    problems = run.damage()
    if problems:
        shown = "; ".join(problems[:DAMAGED_SHOWN])
        more = f" and {len(problems) - DAMAGED_SHOWN} more files" if len(problems) > DAMAGED_SHOWN else ""
        st.error(
            f"This run is damaged: {prose(shown)}{more}. If files are being copied into it, wait until that is over. "
            "Otherwise this command repairs it by repeating the stages that these files belong to, and those that "
            "build on them:",
            icon=":material/error:",
        )
        show_command(build_command(run.manifest, run.name))
    return bool(problems)


def show_closed(folder: Path, error: InputError) -> None:
    """Why a run cannot be opened, and the command that repairs it where the copy of its manifest is readable."""
    show_error(error)
    with suppress(InputError):
        inside(cache_folder(), folder.name)
        manifest = Manifest.read(folder, MANIFEST_COPY)
        show_command(build_command(manifest, folder.name))


def build_command(manifest: Manifest, name: str) -> str:
    """The command that finishes or repairs a run: with the same files and settings it resumes where it stopped."""
    cache = CACHE if cache_folder() == default_cache() else cache_folder()
    if is_demo(manifest):
        return commands.command("demo", "--run", name, cache=cache)
    return commands.build_command(
        manifest.configuration,
        name,
        [file.name for file in manifest.train],
        [(file.target or "", file.name) for file in manifest.validation],
        cache=cache,
    )


def is_demo(manifest: Manifest) -> bool:
    """Whether a run was built on the embedded model."""
    return manifest.is_demo
