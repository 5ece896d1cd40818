"""The format of the files, the name of their folder, and whether tags are among their columns."""

import re

import streamlit as st

from g2is.app import shared as ui
from g2is.export import FORMATS
from g2is.run.run import Run

NAME = re.compile(r"[\w-][\w.-]{0,79}", re.ASCII)


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


def file_name(text: str) -> str:
    """Reads the name of a folder or selection; raises ValueError for one that cannot be used."""
    if not NAME.fullmatch(text):
        raise ValueError("expected letters, digits, hyphens, underscores and dots, such as my-subset")
    return text


def choose_name(default: str) -> str:
    """What the folder is called."""
    output = st.text_input("Name of the folder", max_chars=80, **ui.in_url("name", default, file_name))
    try:
        return file_name(output)
    except ValueError as error:
        st.error(f"This cannot be the name of a folder: {error}.")
        st.stop()
