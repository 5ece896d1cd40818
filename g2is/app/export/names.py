"""The format of the files, the name of their folder, and whether tags are among their columns."""

import streamlit as st

from g2is.app import shared as ui
from g2is.app.shared.naming import checked_name
from g2is.config.names import LONGEST
from g2is.errors import InputError
from g2is.export import FORMATS
from g2is.run.run import Run


def choose_format() -> str:
    """The format, `format` in the URL."""
    return st.selectbox(
        "Format",
        list(FORMATS),
        format_func=lambda name: FORMATS[name].title,
        help="What your trainer reads. JSON Lines keeps every byte of the source.",
        **ui.in_url("format", "jsonl", ui.one_of(FORMATS)),
    )


def choose_tags(run: Run, format: str) -> bool:
    """Whether the file has a column with the sets that each instruction is in; offered where it can have one."""
    if not FORMATS[format].columns or not len(run.sets):
        return False
    return st.checkbox(
        "Column with tags",
        help="The names of the sets that each instruction is in.",
        **ui.in_url("tags", False, ui.flag),
    )


def choose_name(default: str) -> str | None:
    """What the folder is called; None where it cannot be called that, which is said."""
    output = st.text_input("Name of the folder", max_chars=LONGEST, **ui.in_url("name", default)).strip()
    try:
        return checked_name(output)
    except InputError as error:
        ui.show_error(error)
        return None
