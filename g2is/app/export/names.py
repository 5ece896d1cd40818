"""The format of the files and the name of their folder."""

import re

import streamlit as st

from g2is.app import shared as ui
from g2is.export import FORMATS

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
