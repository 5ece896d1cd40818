"""Write a selection, or the basket, as files that a trainer reads."""

import hashlib

import numpy as np
import streamlit as st

from g2is.app import shared as ui
from g2is.app.export.names import choose_format, choose_name, choose_tags
from g2is.app.export.opening import opens_with
from g2is.app.export.preview import converted, show_conversion, show_manifest
from g2is.app.export.writing import save_basket, show_as_command, write_files
from g2is.app.shared.managing import manage
from g2is.app.shared.naming import fitting_name
from g2is.app.shared.opening import whole_page
from g2is.errors import InputError
from g2is.export import FORMATS
from g2is.run.reference import SET
from g2is.run.run import Run
from g2is.run.saved import KINDS
from g2is.run.selections import Selection, made_for


@whole_page
def show() -> None:
    """Draw the page."""
    run = ui.open_page("Export")
    st.caption(
        "Write a selection in the shape your trainer reads, with a manifest that tells how to make it again."
    )
    if not ui.choices(run):
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
            ui.choose_selection(
                run,
                "Selection",
                first=opens_with,
                help="A saved walk, a named set, or what you put aside by hand.",
            )
            or ""
        )
        try:
            if selection_name.startswith(ui.SET):
                manage(run, KINDS["set"], selection_name.removeprefix(ui.SET), key="export")
            elif selection_name != ui.BASKET:
                manage(run, KINDS["selection"], selection_name, key="export")
            selection = ui.read_selection(run, selection_name)
            if selection.method not in (SET, ui.BASKET):
                st.caption(_made_by(run, selection))
            ui.show_changes(run, {"": selection})
            format = choose_format()
            st.caption(FORMATS[format].purpose[0].upper() + FORMATS[format].purpose[1:] + ".")
            if selection_name == ui.BASKET:
                save_basket(run)
            tags = choose_tags(run, format)
            output = choose_name(default := fitting_name(selection_name.removeprefix(ui.SET), f"-{format}"))
            shown = run.sets.tags(np.array(selection.samples)) if tags else None
            key = hashlib.sha256(f"{selection.model_dump_json()} {shown}".encode()).hexdigest()
            records, content = converted(run, selection, key, format, output or default, tags)
        except InputError as error:
            ui.stop(error)
        if output is not None:
            write_files(run, selection, format, output, tags)
            if selection_name != ui.BASKET:
                show_as_command(run, selection_name, output, format, tags)
    with right:
        show_conversion(records, content)
        if output is not None:
            show_manifest(content)


def _made_by(run: Run, selection: Selection) -> str:
    """The method that chose it, and for what, in Markdown."""
    by = {"walk": "a walk", "random": "chance, as a baseline"}.get(
        selection.method, ui.literal(selection.method)
    )
    targets = made_for(run, selection)
    which = f", for target{'s' * (len(targets) > 1)} {', '.join(map(ui.literal, targets))}" if targets else ""
    return f"Chosen by {by}{which}."
