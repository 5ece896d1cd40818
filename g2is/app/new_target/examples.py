"""Examples of a new target: how they are read, what is trained, what of them the pool has, and the start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from g2is.analysis.inspection import Inspection, Preview
from g2is.app.inspect.columns import choose_columns
from g2is.app.inspect.files import show_file
from g2is.app.inspect.found import how_it_is_shown, inspected, notes_on, show_notes
from g2is.app.inspect.models import preview_of
from g2is.app.inspect.sources import choose_sources
from g2is.app.new_target import check, job
from g2is.app.new_target.elsewhere import show_elsewhere
from g2is.app.new_target.job import Asked
from g2is.app.shared import literal, number, show_error, snippets, table_height, visible
from g2is.app.shared.arrivals import expect
from g2is.app.shared.jobs import POSSIBLE
from g2is.app.shared.model import can_compute, is_model, longest, model_here
from g2is.app.shared.more_like import cost
from g2is.app.shared.visitor import may_name_files
from g2is.config import ReadingConfig
from g2is.errors import InputError
from g2is.instructions import Source
from g2is.run.run import Run

PREFIX = "new target "
"""Before the keys of widgets that the page Check data has too."""
COPIES_SHOWN = 100


def offer_examples(run: Run) -> None:
    """From the examples to the button that starts it, or to the command for another machine."""
    sources = choose_sources(PREFIX, max(1, check.LARGEST // 10**6))
    if not sources:
        return
    check.check_size(sources)
    model = _choose_model(run)
    skip_bad = st.toggle(
        "Leave out broken records", key=f"{PREFIX}skip bad", help="`--skip-bad`: they stop it otherwise."
    )
    failed = st.session_state.get(f"{PREFIX}failed", False)
    columns = choose_columns(sources, expanded=failed, prefix=PREFIX)
    reading = ReadingConfig(columns=columns, skip_bad=skip_bad)
    st.session_state[f"{PREFIX}failed"] = True
    found = inspected(sources, reading, PREFIX)
    st.session_state[f"{PREFIX}failed"] = not found.instructions
    # What is done next stands above the records, which are long.
    head, records = st.container(), st.container()
    with records:
        _show_records(run, found, model)
    with head:
        _offer_start(run, found, model, sources, reading)


def _offer_start(
    run: Run, found: Inspection, model: Path | None, sources: Sequence[Source], reading: ReadingConfig
) -> None:
    """What was found in short, the name, and the button that starts it, or the command for another machine."""
    _show_summary(run, found, model)
    stops = [one.file.source for one in found.files if one.stops]
    if stops:
        raise InputError(
            f"{stops[0]}: has broken records; repair them, or leave them out with the switch above"
        )
    if len(found.instructions) < check.LEAST:
        raise InputError(
            f"what is given holds {check.examples_text(len(found.instructions))}, expected at least {check.LEAST} (20 "
            "to 500 describe a target well)"
        )
    name = _choose_name(run, sources)
    if model is None:
        if name:
            show_elsewhere(run, name, sources, reading)
        return
    given = None if model == model_here(run) else str(model)
    columns, skip_bad = [*reading.columns], reading.skip_bad
    asked = Asked(name=name or "", files=[], model=given, columns=columns, skip_bad=skip_bad)
    st.button(
        "Take their gradients and add the target",
        type="primary",
        disabled=not name,
        icon=":material/play_arrow:",
        on_click=begin,
        args=(run, asked, sources),
        key="start new target",
    )


def begin(run: Run, asked: Asked, sources: Sequence[Source]) -> None:
    """Start the command; for callbacks."""
    try:
        check.check_name(run, asked.name)
        files = job.copy_examples(run, sources)
        if job.start(run, asked.model_copy(update={"files": files})):
            expect(run, asked.name)
    except InputError as error:
        show_error(error)


def _choose_name(run: Run, sources: Sequence[Source]) -> str | None:
    return choose_name(run, check.suggested_name(run, sources), key=str([source.name for source in sources]))


def choose_name(run: Run, suggestion: str, *, key: str) -> str | None:
    """A box for the name of the target; None where it cannot be called that, which is said below. key: other examples
    get another suggestion."""
    if st.session_state.get(f"{PREFIX}named after") != key:
        st.session_state[f"{PREFIX}named after"] = key
        st.session_state[f"{PREFIX}name"] = suggestion
    elif f"{PREFIX}name" not in st.session_state:  # the box was not drawn meanwhile
        st.session_state[f"{PREFIX}name"] = st.session_state.get(f"{PREFIX}typed", suggestion)
    name = st.text_input("Name of the target", key=f"{PREFIX}name", max_chars=200).strip()
    st.session_state[f"{PREFIX}typed"] = name
    try:
        check.check_name(run, name)
    except InputError as error:
        show_error(error)
        return None
    return name


def _choose_model(run: Run) -> Path | None:
    """The folder of the run's model; None where it is not here, or nothing could be computed with it."""
    if not POSSIBLE or not can_compute():
        st.info(
            "What takes gradients is not installed on this machine (torch, transformers, peft): this page prepares "
            "what to run on another one.",
            icon=":material/info:",
        )
        return None
    if (found := model_here(run)) is not None:
        st.caption(f"Model of the run: {literal(visible(_short(run, found)))}")
        return found
    st.info("The model of this run is not where it was when the run was built.", icon=":material/info:")
    if not may_name_files():
        return None
    text = st.text_input(
        "Folder of the model on this machine",
        key=f"{PREFIX}model",
        placeholder="empty: take the gradients on another machine",
        help="It must be the very model that the run was built with; this is checked before anything is computed.",
    ).strip()
    if not text:
        return None
    folder = Path(text).expanduser()
    if not is_model(folder):
        raise InputError(f"{text}: holds no model, expected a folder with config.json")
    return folder


def _short(run: Run, folder: Path) -> str:
    if run.manifest.is_demo:
        return "that of the demo"
    return str(folder) if may_name_files() else folder.name


def _preview(run: Run, model: Path | None) -> Preview:
    return preview_of(None if model is None else str(model), longest(run))


def _show_summary(run: Run, found: Inspection, model: Path | None) -> None:
    """How the examples were read, what is not trained, what of them the pool has."""
    rejected = sum(file.file.rejected for file in found.files)
    st.markdown(check.summary(len(found.instructions), rejected, found.duplicates))
    if few := check.few_text(len(found.instructions)):
        st.caption(f":material/info: {few}")
    show_notes(notes_on(found, _preview(run, model), PREFIX))
    if warning := cost(run, len(found.instructions)):
        st.warning(warning, icon=":material/hourglass_top:")
    show_copies(run, check.texts_of(found.instructions), key=found)


def _show_records(run: Run, found: Inspection, model: Path | None) -> None:
    """The records with what is trained, and how each file was read."""
    preview = _preview(run, model)
    st.caption(how_it_is_shown(None if model is None else str(model)))
    for place, file in enumerate(found.files):
        show_file(file, preview, key=f"{PREFIX}{place}")


def show_copies(run: Run, examples: Sequence[tuple[str, str]], *, key: object) -> None:
    """Which instructions of the pool are near-copies of the examples; found again only for others. key: theirs."""
    known = st.session_state.get(f"{PREFIX}copies")
    if known is None or known[0] is not key or known[1] != run.state:
        if len(run.valid) > check.COMPARED and not st.button(
            f"Look for near-copies among the {number(len(run.valid))} instructions",
            key=f"{PREFIX}look",
            help="It takes a minute for a million; adding the target does it in any case.",
        ):
            return
        with st.spinner("Looking for near-copies in the pool"):
            known = key, run.state, check.copies_in_pool(run, examples)
        st.session_state[f"{PREFIX}copies"] = known
    copies: pd.DataFrame = known[2]
    if not (text := check.copies_text(copies, len(examples))):
        return
    st.warning(text, icon=":material/content_copy:")
    with st.expander("Which"):
        _show_table(run, copies.head(COPIES_SHOWN), examples)


def _show_table(run: Run, copies: pd.DataFrame, examples: Sequence[tuple[str, str]]) -> None:
    frame = pd.DataFrame(
        {
            "sample": copies["sample"],
            "prompt": snippets(run.prompts(copies["sample"])),
            "kind": copies["kind"],
            "example": snippets(examples[row][0] for row in copies["validation"]),
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame), 240),
        alt="Instructions of the pool that are near-copies of examples",
        column_config={
            "sample": st.column_config.NumberColumn("#", format="localized", width="small"),
            "prompt": st.column_config.TextColumn("Instruction of the pool", width="medium"),
            "kind": st.column_config.TextColumn("Alike by"),
            "example": st.column_config.TextColumn("Example", width="medium"),
        },
    )
