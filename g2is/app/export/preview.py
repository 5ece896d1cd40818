"""What the files will hold: the first records, the counts, and what is lost."""

from typing import Any

import streamlit as st

from g2is.app import shared as ui
from g2is.export import manifest, preview
from g2is.run.run import Run
from g2is.run.selections import Selection

SAMPLES_SHOWN = 20
"""Instructions of the manifest that are shown."""


@st.cache_data(max_entries=16, show_spinner="Converting")
def converted(
    _run: Run, _selection: Selection, key: str, format: str, output: str, tags: bool
) -> tuple[list[str], dict[str, Any]]:
    """The first records and the manifest."""
    return preview(_run, _selection, format, tags=tags), manifest(_run, _selection, format, output, tags=tags)


def show_conversion(records: list[str], content: dict[str, Any]) -> None:
    """Counts, losses and the first records."""
    counts = content["counts"]
    with st.grid(3, min_column_width=120):
        st.metric("Instructions", ui.number(counts["samples"]), border=True)
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
            + "\n".join(f"- {ui.prose(note)}" for note in content["notes"]),
            icon=":material/content_cut:",
        )
    else:
        st.success("Nothing is lost in this format.", icon=":material/check_circle:")
    st.header("The first records, exactly as they will be written", anchor=False)
    for record in records:
        ui.show_text(record, language="json", tallest=220)


def show_manifest(content: dict[str, Any]) -> None:
    """The manifest, to unfold."""
    with st.expander("The manifest that goes along (g2is.json)"):
        samples = content["samples"]
        if len(samples) > SAMPLES_SHOWN:
            st.caption(f"The first {SAMPLES_SHOWN} of {ui.number(len(samples))} instructions are shown.")
        st.json({**content, "samples": samples[:SAMPLES_SHOWN]}, expanded=2)
