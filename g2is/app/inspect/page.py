"""Check data: how files will be read and which tokens will be trained, before anything is built."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from g2is.analysis.inspection import Inspection
from g2is.app import shared as ui
from g2is.app.inspect.columns import choose_columns
from g2is.app.inspect.files import show_file
from g2is.app.inspect.found import how_it_is_shown, inspected, notes_on, show_notes
from g2is.app.inspect.models import choose_model, preview_of
from g2is.app.inspect.sources import choose_sources
from g2is.app.places import default_cache
from g2is.app.shared.opening import whole_page
from g2is.app.shared.text import show_command
from g2is.config import ReadingConfig
from g2is.config.commands import CACHE, first_build_command, inspect_command
from g2is.errors import InputError
from g2is.instructions import Source

INTRODUCTION = (
    "How your files will be read and which part of each record will be trained, before anything is computed. Nothing "
    "is built or changed, and no run is needed."
)


@whole_page
def show() -> None:
    """Draw the page."""
    navigation = ui.start_page("Check data")
    folders = ui.run_folders()
    if folders:
        ui.choose_run(folders)
    ui.draw_navigation(navigation)
    st.title("Check data", anchor=False)
    st.caption(INTRODUCTION)
    try:
        sources = choose_sources()
        if not sources:
            return
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        with left:
            model, length = choose_model()
        skip_bad = right.toggle(
            "Leave out broken records",
            key="check_data_skip",
            help="`--skip-bad`: a build stops at the first otherwise.",
        )
        failed = st.session_state.get("check_data_failed", False)
        reading = ReadingConfig(columns=choose_columns(sources, expanded=failed), skip_bad=skip_bad)
        try:
            found = inspected(sources, reading)
        except InputError:
            st.session_state["check_data_failed"] = True
            raise
        st.session_state["check_data_failed"] = False
        preview = preview_of(model, length)
        notes = notes_on(found, preview)
    except InputError as error:
        ui.stop(error)
    _show_summary(found, notes, model)
    for place, file in enumerate(found.files):
        show_file(file, preview, key=f"{sources[place].path}")
    _show_commands(sources, reading, model, length)


def _show_summary(found: Inspection, notes: Sequence[str], model: str | None) -> None:
    rejected = sum(file.file.rejected for file in found.files)
    st.markdown(
        f"**{ui.number(len(found.instructions))} instructions** · {ui.number(rejected)} rejected · "
        f"{ui.number(found.duplicates)} exact duplicates"
    )
    show_notes([*found.columns, *notes])
    st.caption(how_it_is_shown(model))


def _show_commands(sources: Sequence[Source], reading: ReadingConfig, model: str | None, length: int) -> None:
    files = [source.name if source.copied else _named(source) for source in sources]
    cache = CACHE if ui.cache_folder() == default_cache() else ui.cache_folder()
    st.header("On the command line", anchor=False)
    st.caption("The same check, and a build with these settings. Fill in what stands as …")
    show_command(inspect_command(files, reading, model, length))
    show_command(first_build_command(files, reading, model, length, cache=cache))


def _named(source: Source) -> str:
    return f"{source.path}:{source.split}" if source.split else str(source.path)
