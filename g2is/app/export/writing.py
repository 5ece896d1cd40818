"""The ways out: a folder beside the run, a download, a command; and keeping the basket as a selection."""

import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import streamlit as st

from g2is.app import shared as ui
from g2is.app.places import default_cache
from g2is.app.shared.naming import checked_name, name_box
from g2is.app.shared.text import said, show_command
from g2is.app.shared.visitor import may_write
from g2is.config.commands import CACHE, export_command
from g2is.errors import InputError
from g2is.export import export
from g2is.run.paths import EXPORTS
from g2is.run.run import Run
from g2is.run.selections import Selection
from g2is.storage.files import Taken


def zipped(run: Run, selection: Selection, format: str, output: str, tags: bool = False) -> bytes:
    """The folder as one archive."""
    buffer = BytesIO()
    with (
        tempfile.TemporaryDirectory() as place,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for path in export(run, selection, format, Path(place) / output, tags=tags).files:
            archive.write(path, f"{output}/{path.name}")
    return buffer.getvalue()


def write_files(run: Run, selection: Selection, format: str, output: str, tags: bool) -> None:
    """Write the folder beside the run, or download it."""
    try:
        folder = run.inside(EXPORTS, output)
    except InputError as error:
        ui.stop(error)
    may = may_write()
    replace = (
        may
        and folder.exists()
        and st.checkbox(OVERWRITE, help="Undo does not bring back files that are overwritten.")
    )
    with st.container(horizontal=True):
        write = may and st.button("Write the folder", type="primary", icon=":material/save:")
        st.download_button(
            "Download as zip",
            lambda: zipped(run, selection, format, output, tags),
            file_name=f"{output}.zip",
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
        )
    if not write:
        if may:
            st.caption(
                f"The folder {'exists' if folder.exists() else 'will be written to'}: "
                f"{ui.literal(f'{run.name}/{EXPORTS}/{output}')}."
            )
    else:
        try:
            done = export(run, selection, format, folder, overwrite=replace, tags=tags)
        except Taken:
            st.error(
                f"There is an export called {ui.literal(output)} already. Tick **{OVERWRITE}** above to replace it, or "
                "choose another name.",
                icon=":material/error:",
            )
        except InputError as error:
            ui.show_error(error)
        else:
            st.success(
                f"Written: {ui.number(done.samples)} instructions in {ui.literal(said(done.folder))}",
                icon=":material/check_circle:",
            )


OVERWRITE = "Overwrite if it exists"


def show_as_command(run: Run, selection_name: str, output: str, format: str, tags: bool) -> None:
    """The command that writes the same files."""
    cache = CACHE if ui.cache_folder() == default_cache() else ui.cache_folder()
    st.header("The same from the command line", anchor=False)
    of_set = selection_name.removeprefix(ui.SET) if selection_name.startswith(ui.SET) else None
    command = export_command(
        run.name,
        selection=selection_name if of_set is None else None,
        set=of_set,
        format=format,
        output=output,
        tags=tags,
        cache=cache,
    )
    show_command(command)


def save_basket(run: Run) -> None:
    """The basket lives in this browser tab only; a file lasts, and its export can be repeated."""

    if not may_write():
        return

    def save() -> None:
        name = st.session_state["basket_name"].strip()
        try:
            if checked_name(name) == ui.BASKET:
                raise Taken(name)
            ui.read_selection(run, ui.BASKET).save(run, name)
        except Taken:
            st.session_state["basket_problem"] = (
                f"name = {name!r}: there is one of that name already; choose another"
            )
        except InputError as error:
            st.session_state["basket_problem"] = error
        else:
            ui.set_url(selection=name)

    with st.form("save_basket", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name_box("Keep the basket as a selection", "by-hand", key="basket_name")
        st.form_submit_button("Save", icon=":material/save:", on_click=save)
    if problem := st.session_state.pop("basket_problem", None):
        ui.show_error(InputError(f"The basket was not saved: {problem}"))
