"""What files hold and what is trained of it: found once, and kept in the session as long as nothing changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from g2is.analysis.inspection import Inspection, Preview, inspect_files
from g2is.app import shared as ui
from g2is.config import ReadingConfig
from g2is.instructions import Source


def inspected(sources: Sequence[Source], reading: ReadingConfig, prefix: str = "") -> Inspection:
    """What the files hold; read again only where a file or a setting is another.

    prefix: of where it is kept, as of `choose_sources`. Raises InputError.
    """
    stamps = [(source.path, source.name, source.split, _stamp(source)) for source in sources]
    key, place = (stamps, reading), f"{prefix}check_data_found"
    known = st.session_state.get(place)
    if known is None or known[0] != key:
        with st.spinner("Reading the files"):
            known = key, inspect_files(sources, reading)
        st.session_state[place] = known
    found: Inspection = known[1]
    return found


def notes_on(found: Inspection, preview: Preview, prefix: str = "") -> list[str]:
    """What becomes of replies on the way to tokens; counted again only for other records or another model."""
    place = f"{prefix}check_data_notes"
    known = st.session_state.get(place)
    if known is None or known[0] is not found or known[1] is not preview:
        with st.spinner("Marking what is trained"):
            known = found, preview, preview.notes(found.instructions)
        st.session_state[place] = known
    notes: list[str] = known[2]
    return notes


def _stamp(source: Source) -> tuple[int, int]:
    try:
        state = source.path.stat()
    except OSError:
        return 0, 0  # reading it says what is wrong
    return state.st_mtime_ns, state.st_size


def show_notes(notes: Iterable[str]) -> None:
    """What a person should know of records before a build; warnings as such."""
    for note in notes:
        if "warning: " in note:
            st.warning(ui.prose(note.replace("warning: ", "")), icon=":material/warning:")
        else:
            st.text(ui.visible(note))


def how_it_is_shown(model: str | None) -> str:
    """The caption of records as they will be trained by a model, or in LESS's format."""
    format = "in LESS's format, which a model without a chat template is trained in"
    return (
        f"Shown {format if model is None else 'as tokens of the model, special tokens included'}. "
        "**Underlined on colour**: trained."
    )
