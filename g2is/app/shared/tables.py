"""Tables in which a row can be chosen, and common columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

HEADER, ROW, WRAPPED = 38, 35, 62
"""Pixels of a table's head, of each row, and of a row that is high enough for Streamlit to wrap its texts."""

INSTRUCTION = st.column_config.NumberColumn("instruction", format="localized", width="small")
"""The column with the row of an instruction in the pool."""

THREE_DIGITS = st.column_config.NumberColumn(format="%.3g")


def table_height(rows: int, tallest: int, row: int = ROW) -> int:
    """Pixels of a table that shows this many rows, and scrolls above `tallest`. row: pixels of each."""
    return min(tallest, HEADER + row * rows)


def choose_row(
    frame: pd.DataFrame,
    key: str,
    choose: Callable[[int | None], None],
    *,
    chosen: int | None = None,
    required: bool = False,
    tallest: int = 320,
    row: int = ROW,
    columns: dict[str, Any] | None = None,
    alt: str,
) -> None:
    """A table of which one row can be chosen.

    chosen: place of the row that is marked. choose: called in a callback with the place of the row that the reader
    chooses, or with None when a marked row is clicked again, which `required` rules out. row: pixels of each
    row. columns: see the `column_config` of `st.dataframe`. alt: text for screen readers.
    """

    def on_select() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        choose(int(rows[0]) if rows else None)

    # What is marked follows the URL, not the last click: another part of the page may have changed it.
    marked = [] if chosen is None else [chosen]
    st.session_state[key] = {"selection": {"rows": marked, "columns": [], "cells": []}}
    st.dataframe(
        frame,
        key=key,
        on_select=on_select,
        selection_mode="single-row-required" if required else "single-row",
        hide_index=True,
        height=table_height(len(frame), tallest, row),
        row_height=None if row == ROW else row,
        column_config=columns,
        alt=alt,
    )
