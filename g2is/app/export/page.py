"""Write a selection, or the basket, as files that a trainer reads."""

import hashlib

import streamlit as st

from g2is.app import shared as ui
from g2is.app.export.names import choose_format, choose_name
from g2is.app.export.preview import converted, show_conversion, show_manifest
from g2is.app.export.writing import save_basket, show_command, write_files
from g2is.errors import InputError
from g2is.export import FORMATS


def show() -> None:
    """Draw the page."""
    run = ui.open_page("Export")
    st.caption(
        "Write a selection in the shape your trainer reads, with a manifest that tells how to make it again."
    )
    if not ui.saved_selections(run) and not ui.basket(run):
        st.info(
            "There is nothing to export yet. Save a walk, or put instructions into the basket.",
            icon=":material/inbox:",
        )
        with st.container(horizontal=True):
            ui.link_to("Walk", "Select by a walk")
            ui.link_to("Instructions", "Choose by hand")
        st.stop()

    left, right = st.columns([2, 3], gap="large")
    with left:
        selection_name = (
            ui.choose_selection(run, "Selection", help="A saved walk, or what you put aside by hand.") or ""
        )
        try:
            selection = ui.read_selection(run, selection_name)
            format = choose_format()
            st.caption(FORMATS[format].purpose[0].upper() + FORMATS[format].purpose[1:] + ".")
            if selection_name == ui.BASKET:
                save_basket(run)
            output = choose_name(f"{selection_name}-{format}")
            key = hashlib.sha256(selection.model_dump_json().encode()).hexdigest()
            records, content = converted(run, selection, key, format, output)
        except InputError as error:
            ui.stop(error)
        write_files(run, selection, format, output)
        if selection_name != ui.BASKET:
            show_command(run, selection_name, output, format)
    with right:
        show_conversion(records, content)
        show_manifest(content)
