"""How one file was read: its kind and shapes, what was changed, not trained and rejected, and its records."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.analysis.inspection import FileInspection, Preview
from g2is.app import shared as ui
from g2is.app.inspect.records import show_records
from g2is.instructions.shapes import carries_task

REJECTED = 200
"""Rejected records that are listed."""
TALLEST = 220


def show_file(found: FileInspection, preview: Preview, *, key: str) -> None:
    """All about one file."""
    file = found.file
    with st.container(border=True):
        st.header(ui.literal(file.source), anchor=False)
        counts = f"{found.container} · {ui.number(file.kept)} instructions"
        if file.rejected:
            counts += f" · {ui.number(file.rejected)} rejected"
        st.text(ui.visible(counts))
        for shape in found.shapes:
            st.caption(ui.prose(shape))
        for note in file.notes[1:]:
            st.caption(ui.prose(note))
        _warn(found)
        if found.instructions:
            show_records(found.instructions, preview, key=key)
        _show_changes(found)
        _show_rejected(found)


def _warn(found: FileInspection) -> None:
    file = found.file
    for name, times in file.unused.most_common():
        if carries_task(name):
            st.warning(
                f"{ui.number(times)} of {ui.number(file.kept)} records have a field {ui.literal(name)} that is not "
                "trained. If it belongs to the task, name it under Columns.",
                icon=":material/warning:",
            )
    if found.stops:
        st.warning(
            "A build stops at the first of the rejected records. Repair them, or leave them out: `--skip-bad`.",
            icon=":material/warning:",
        )


def _show_changes(found: FileInspection) -> None:
    """What was changed in records, and the fields that nothing was read from."""
    file = found.file
    rows = [(times, what) for what, times in file.repairs.most_common()]
    rows += [(times, f"field {name} not trained") for name, times in file.unused.most_common()]
    if not rows:
        return
    frame = pd.DataFrame(rows, columns=["records", "what"])
    frame["what"] = [ui.visible(what) for what in frame["what"]]
    st.dataframe(
        frame,
        hide_index=True,
        height=ui.table_height(len(frame), TALLEST),
        alt="Changes of records and fields that are not trained",
        column_config={
            "records": st.column_config.NumberColumn("Records", format="localized", width="small"),
            "what": st.column_config.TextColumn("Changed or not trained", width="large"),
        },
    )


def _show_rejected(found: FileInspection) -> None:
    """The records that are no instructions, each with its place and the reason."""
    if not found.rejected:
        return
    lines = [f"line {record.line}: {record.reason}" for record in found.rejected[:REJECTED]]
    first = f", the first {ui.number(REJECTED)}" if len(found.rejected) > REJECTED else ""
    st.caption(f"Rejected records{first}")
    ui.show_text("\n".join(lines), tallest=TALLEST)
