"""Write a selection, or the basket, as files that a trainer reads."""

import hashlib
import re
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import streamlit as st

from g2is.app import shared as ui
from g2is.app.places import default_cache
from g2is.config.commands import CACHE, export_command
from g2is.errors import InputError
from g2is.export import FORMATS, export, manifest, preview
from g2is.run.paths import EXPORTS, selection_file
from g2is.run.run import Run
from g2is.run.selections import Selection

NAME = re.compile(r"[\w-][\w.-]{0,79}", re.ASCII)
SAMPLES_SHOWN = 20


@st.cache_data(max_entries=16, show_spinner="Converting")
def converted(
    _run: Run, _selection: Selection, key: str, format: str, output: str
) -> tuple[list[str], dict[str, Any]]:
    """The first records and the manifest."""
    return preview(_run, _selection, format), manifest(_run, _selection, format, output)


def zipped(run: Run, selection: Selection, format: str, output: str) -> bytes:
    """The folder as one archive."""
    buffer = BytesIO()
    with (
        tempfile.TemporaryDirectory() as place,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for path in export(run, selection, format, Path(place) / output).files:
            archive.write(path, f"{output}/{path.name}")
    return buffer.getvalue()


def choose_format() -> str:
    return st.selectbox(
        "Format",
        list(FORMATS),
        format_func=lambda name: FORMATS[name].title,
        help="What your trainer reads. JSON Lines keeps every byte of the source.",
        **ui.in_url("format", "jsonl", ui.one_of(FORMATS)),
    )


def file_name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError("expected letters, digits, hyphens, underscores and dots, such as my-subset")
    return text


def save_basket(run: Run) -> None:
    """The basket lives in this browser tab only; a file lasts, and its export can be repeated."""

    def save() -> None:
        name = st.session_state["basket_name"]
        try:
            path = run.inside(selection_file(file_name(name)))
            if name == ui.BASKET or path.exists():
                raise ValueError("there is one of that name already")
            ui.read_selection(run, ui.BASKET).write(path)
        except (ValueError, InputError) as error:
            st.session_state["basket_problem"] = str(error)
        else:
            ui.set_url(selection=name)

    with st.form("save_basket", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Keep the basket as a selection", "by-hand", key="basket_name", max_chars=80)
        st.form_submit_button("Save", icon=":material/save:", on_click=save)
    if problem := st.session_state.pop("basket_problem", None):
        st.error(f"It was not saved: {ui.literal(problem)}.")


def show_conversion(records: list[str], content: dict[str, Any]) -> None:
    """What the files will hold, and what they will not."""
    counts = content["counts"]
    with st.grid(3, min_column_width=120):
        st.metric("Samples", ui.number(counts["samples"]), border=True)
        st.metric(
            "Tokens",
            ui.number(counts["tokens"] or None),
            border=True,
            help="Counted with the run's own model.",
        )
        st.metric(
            "Tokens of responses",
            ui.number(counts["trained_tokens"] or None),
            border=True,
            help="What training learns from.",
        )
    if content["notes"]:
        st.warning(
            "This format loses or changes something:\n"
            + "\n".join(f"- {ui.literal(note)}" for note in content["notes"]),
            icon=":material/content_cut:",
        )
    else:
        st.success("Nothing is lost in this format.", icon=":material/check_circle:")
    st.subheader("The first records, exactly as they will be written", anchor=False)
    for record in records:
        ui.show_text(record, language="json", tallest=220)


def choose_name(default: str) -> str:
    """What the folder is called."""
    output = st.text_input("Name of the folder", max_chars=80, **ui.in_url("name", default, file_name))
    try:
        return file_name(output)
    except ValueError as error:
        st.error(f"This is no name for a folder: {error}.")
        st.stop()


def write_files(run: Run, selection: Selection, format: str, output: str) -> None:
    """The two ways out: a folder beside the run, and a download."""
    try:
        folder = run.inside(EXPORTS, output)
    except InputError as error:
        ui.stop(error)
    replace = folder.exists() and st.checkbox("Replace the export of that name")
    with st.container(horizontal=True):
        write = st.button("Write the folder", type="primary", icon=":material/save:")
        st.download_button(
            "Download as zip",
            lambda: zipped(run, selection, format, output),
            file_name=f"{output}.zip",
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
        )
    st.caption(f"The folder lies with the run, under `exports/{output}`.")
    if write:
        try:
            done = export(run, selection, format, folder, overwrite=replace)
        except InputError as error:
            ui.show_error(error)
        else:
            st.success(
                f"Written: {ui.number(done.samples)} samples in {ui.literal(str(done.folder))}",
                icon=":material/check_circle:",
            )


def show_command(run: Run, selection_name: str, output: str, format: str) -> None:
    cache = CACHE if ui.cache_folder() == default_cache() else ui.cache_folder()
    st.subheader("The same from the command line", anchor=False)
    path = cache / run.name / selection_file(selection_name)
    command = export_command(run.name, selection=path, format=format, output=output, cache=cache)
    st.code(command, language="bash", wrap_lines=True)


def show() -> None:
    """Draw the page."""
    run = ui.open_page("Export")
    st.caption(
        "Write a selection in the shape your trainer reads, with a manifest that says how to get it again."
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
        with st.expander("The manifest that goes along (g2is.json)"):
            samples = content["samples"]
            if len(samples) > SAMPLES_SHOWN:
                st.caption(f"The first {SAMPLES_SHOWN} of {ui.number(len(samples))} samples are shown.")
            st.json({**content, "samples": samples[:SAMPLES_SHOWN]}, expanded=2)
