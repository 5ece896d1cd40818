"""Check data: how files will be read and which tokens will be trained, before anything is built."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from g2is.analysis.inspection import Inspection, Preview, inspect_files
from g2is.app import shared as ui
from g2is.app.inspect.columns import choose_columns
from g2is.app.inspect.files import show_file
from g2is.app.inspect.models import choose_model, preview_of
from g2is.app.inspect.sources import choose_sources
from g2is.app.places import default_cache
from g2is.app.shared.text import showing_errors
from g2is.config import ReadingConfig
from g2is.config.commands import CACHE, first_build_command, inspect_command
from g2is.errors import InputError
from g2is.instructions import Source

INTRODUCTION = (
    "How your files will be read and which part of each record will be trained, before anything is computed. Nothing "
    "is built or changed, and no run is needed."
)


@showing_errors
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
            found = _inspected(sources, reading)
        except InputError:
            st.session_state["check_data_failed"] = True
            raise
        st.session_state["check_data_failed"] = False
        preview = preview_of(model, length)
        notes = _notes(found, preview)
    except InputError as error:
        ui.stop(error)
    _show_summary(found, notes, model)
    for place, file in enumerate(found.files):
        show_file(file, preview, key=f"{sources[place].path}")
    _show_commands(sources, reading, model, length)


def _inspected(sources: Sequence[Source], reading: ReadingConfig) -> Inspection:
    """What the files hold; read again only where a file or a setting is another."""
    stamps = [(source.path, source.name, source.split, _stamp(source)) for source in sources]
    key = stamps, reading
    known = st.session_state.get("check_data_found")
    if known is None or known[0] != key:
        with st.spinner("Reading the files"):
            known = key, inspect_files(sources, reading)
        st.session_state["check_data_found"] = known
    return known[1]


def _notes(found: Inspection, preview: Preview) -> list[str]:
    """What becomes of replies on the way to tokens; counted again only for other records or another model."""
    known = st.session_state.get("check_data_notes")
    if known is None or known[0] is not found or known[1] is not preview:
        with st.spinner("Marking what is trained"):
            known = found, preview, preview.notes(found.instructions)
        st.session_state["check_data_notes"] = known
    return known[2]


def _stamp(source: Source) -> tuple[int, int]:
    try:
        state = source.path.stat()
    except OSError:
        return 0, 0  # reading it says what is wrong
    return state.st_mtime_ns, state.st_size


def _show_summary(found: Inspection, notes: Sequence[str], model: str | None) -> None:
    rejected = sum(file.file.rejected for file in found.files)
    st.markdown(
        f"**{ui.number(len(found.instructions))} instructions** · {ui.number(rejected)} rejected · "
        f"{ui.number(found.duplicates)} exact duplicates"
    )
    for note in [*found.columns, *notes]:
        if "warning: " in note:
            st.warning(ui.literal(note.replace("warning: ", "")), icon=":material/warning:")
        else:
            st.text(ui.visible(note))
    format = "in LESS's format, which a model without a chat template is trained in"
    st.caption(
        f"Shown {format if model is None else 'as tokens of the model, special tokens included'}. "
        "**Underlined on colour**: trained."
    )


def _show_commands(sources: Sequence[Source], reading: ReadingConfig, model: str | None, length: int) -> None:
    files = [source.name if source.copied else _named(source) for source in sources]
    cache = CACHE if ui.cache_folder() == default_cache() else ui.cache_folder()
    st.header("On the command line", anchor=False)
    st.caption("The same check, and a build with these settings. Fill in what stands as …")
    st.code(inspect_command(files, reading, model, length), language="bash", wrap_lines=True)
    st.code(first_build_command(files, reading, model, length, cache=cache), language="bash", wrap_lines=True)


def _named(source: Source) -> str:
    return f"{source.path}:{source.split}" if source.split else str(source.path)
